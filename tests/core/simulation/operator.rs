//! An operator, and whoever edits the file: clears, disables, rotates, removes, lowers caps, sets the clock.

use credpool_core::{Cap, Clear, Command, Define, Definition, Disable, Listing, Policy, Strategy, Wall};

use super::dice::Dice;
use super::run::{Run, STRATEGIES};

/// A profile that may lease some of the rows.
pub(super) const LISTED: &str = "listed";

struct Row {
    id: u64,
    secret: u64,
    resolved: bool,
    account: Option<u64>,
    cap: Option<Cap>,
    expires: Option<Wall>,
}

pub(super) struct Operator {
    policy: Policy,
    rows: Vec<Row>,
    /// How the profile chooses that may lease two of three rows.
    listed_by: Strategy,
    ids: u64,
    secrets: u64,
}

impl Operator {
    pub(super) fn new(policy: Policy, rows: u64) -> Self {
        let mut operator = Self { policy, rows: Vec::new(), listed_by: Strategy::LeastUsed, ids: 0, secrets: 0 };
        for _ in 0..rows {
            operator.add();
        }
        operator
    }

    pub(super) fn define(&self) -> Command {
        let definitions = self.rows.iter().map(|row| Definition {
            id: format!("row {}", row.id).into(),
            fingerprint: row.resolved.then(|| format!("sha256:{}", row.secret).into()),
            unresolved: "it is not here".into(),
            referable: row.id % 3 != 0,
            account: match row.account {
                Some(account) => format!("account {account}").into(),
                None => format!("sha256:{}", row.secret).into(),
            },
            cap: row.cap,
            expires: row.expires,
            grants: 0,
        });
        let (policy, definitions) = (self.policy.clone(), definitions.collect());
        let listed = (0..).zip(&self.rows).filter(|(_, row)| row.id % 3 != 0).map(|(place, _)| place);
        let list = Listing {
            profiles: vec![LISTED.into()],
            members: listed.collect::<Vec<usize>>().into_iter().rev().collect(),
            strategy: self.listed_by,
        };
        Command::Define(Define { pool: "openrouter".into(), policy, definitions, lists: vec![list] })
    }

    pub(super) fn act(&mut self, run: &mut Run, dice: &mut Dice) -> Result<u64, String> {
        let pool = run.pool(dice);
        let credential = dice.one_of(&run.keys());
        let model = dice.one_of(&[None, None, Some("small".into()), Some("large".into())]).flatten();
        match (dice.between(0, 99), credential) {
            (0..15, credential) if credential.is_some() => {
                run.apply(Command::Clear(Clear { pool, credential, model }))?;
            }
            (15..20, _) => {
                run.apply(Command::Clear(Clear { pool, credential: None, model }))?;
            }
            (20..28, Some(credential)) => {
                let for_ms = dice.chance(60).then(|| dice.between(0, 60_000));
                run.apply(Command::Disable(Disable { credential, for_ms, note: "simulated".into() }))?;
            }
            (28..45, Some(credential)) => {
                run.apply(Command::Enable(credential))?;
            }
            (45..53, _) => {
                let second = 1_000;
                let hour = 3_600 * second;
                let steps = [-hour, hour, -24 * hour, 24 * hour, -second, 400, -400, 5 * second, i64::MIN];
                run.step(dice.one_of(&steps).unwrap_or(0));
                run.apply(Command::Tick)?;
            }
            _ => {
                self.edit(run.now().wall, dice);
                run.apply(self.define())?;
            }
        }
        Ok(dice.delay(6_000))
    }

    fn add(&mut self) {
        self.ids += 1;
        self.secrets += 1;
        let (id, secret) = (self.ids, self.secrets);
        self.rows.push(Row { id, secret, resolved: true, account: None, cap: None, expires: None });
    }

    fn edit(&mut self, now: Wall, dice: &mut Dice) {
        let row = usize::try_from(dice.between(0, 11)).unwrap_or(0);
        let cap = Cap { max_in_flight: u32::try_from(dice.between(1, 4)).unwrap_or(1), hard: dice.chance(70) };
        self.secrets += 1;
        let secret = self.secrets;
        let count = self.rows.len();
        match (dice.between(0, 10), self.rows.get_mut(row)) {
            (0, _) => self.policy.cap = cap,
            (1, _) => {
                let chosen = dice.one_of(&STRATEGIES).unwrap_or_default();
                *(if dice.chance(50) { &mut self.policy.strategy } else { &mut self.listed_by }) = chosen;
            }
            (2, Some(_)) if count > 2 => {
                self.rows.remove(row);
            }
            (3, Some(row)) => row.secret = secret,
            (4, Some(row)) => row.account = dice.chance(60).then(|| dice.between(0, 2)),
            (5, Some(row)) => row.cap = dice.chance(50).then_some(cap),
            (6, Some(row)) => row.resolved = dice.chance(70),
            (7, Some(_)) => {
                let row = self.rows.remove(row);
                self.rows.push(row);
            }
            (8, _) => {
                // One that was removed comes back, with the secret that it had.
                let id = dice.between(1, self.ids);
                if self.rows.iter().all(|row| row.id != id) {
                    self.rows.push(Row { id, secret: id, resolved: true, account: None, cap: None, expires: None });
                }
            }
            (9, Some(row)) => row.expires = dice.chance(80).then(|| now.after(dice.between(0, 90_000))),
            _ if count < 12 => self.add(),
            _ => {}
        }
    }
}
