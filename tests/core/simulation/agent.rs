//! An agent: it leases, uses, fails, crashes, forgets and repeats itself.

use credpool_core::{
    Acquire, Ask, Cause, Class, Command, Evidence, Kind, Model, Next, Owner, Reach, Reading, Refusal, Release, Renew,
    Reply, Report, Reported, Session, Subject, TokenHash, Verdict, Wait, WaiterNo,
};

use super::dice::Dice;
use super::operator::LISTED;
use super::run::Run;

pub(super) struct Agent {
    connection: Owner,
    held: Option<TokenHash>,
    awaited: Option<(WaiterNo, TokenHash)>,
    failures: u64,
    /// Leases that it has had, and may speak of again.
    past: Vec<TokenHash>,
}

impl Agent {
    pub(super) fn new(number: u64) -> Self {
        let connection = Owner { run: 1, connection: number * 1_000, user: 0 };
        Self { connection, held: None, awaited: None, failures: 0, past: Vec::new() }
    }

    /// Does its next thing; in how many milliseconds it wants to do another.
    pub(super) fn act(&mut self, run: &mut Run, dice: &mut Dice) -> Result<u64, String> {
        match self.held {
            _ if dice.chance(8) && !self.past.is_empty() => self.speak_of_the_past(run, dice),
            None if self.awaited.is_some() => self.wait(run, dice),
            None => self.acquire(run, dice),
            Some(token) => self.go_on(token, run, dice),
        }
    }

    /// Its connection ends, for good.
    pub(super) fn leave(&mut self, run: &mut Run) -> Result<(), String> {
        run.apply(Command::Disconnect(self.connection))?;
        self.connection.connection += 1;
        self.past.extend(self.held.take());
        self.past.extend(self.awaited.take().map(|(_, token)| token));
        Ok(())
    }

    fn acquire(&mut self, run: &mut Run, dice: &mut Dice) -> Result<u64, String> {
        let token = run.token();
        let owner = dice.chance(70).then_some(self.connection);
        let ask = ask(run, dice);
        let wait = dice.chance(60).then(|| Wait { ms: dice.between(0, 30_000), connection: self.connection });
        let answer = match run.apply(Command::Acquire(Acquire { pool: run.pool(dice), ask, token, owner, wait }))? {
            Reply::Acquired(answer) => answer,
            Reply::Queued(no) => {
                self.awaited = Some((no, token));
                return Ok(dice.delay(3_000));
            }
            _ => return Err("acquire is answered otherwise".into()),
        };
        match answer {
            Ok(_) => {
                self.held = Some(token);
                self.failures = 0;
                Ok(dice.delay(3_000))
            }
            Err(Refusal::Exhausted(unavailable) | Refusal::Busy(unavailable)) => {
                let patience = dice.delay(4_000);
                Ok(unavailable.retry_after_ms.map_or(patience, |ms| ms.min(patience)).max(1))
            }
            Err(_) => Ok(dice.delay(4_000)),
        }
    }

    /// Looks whether it was answered by now; if not, it may go.
    fn wait(&mut self, run: &mut Run, dice: &mut Dice) -> Result<u64, String> {
        let Some((no, token)) = self.awaited else { return Ok(1) };
        match run.answer(no) {
            Some(served) => {
                self.awaited = None;
                self.held = served.then_some(token);
                self.failures = 0;
            }
            None if dice.chance(10) => self.leave(run)?,
            None => {}
        }
        Ok(dice.delay(2_000))
    }

    fn go_on(&mut self, token: TokenHash, run: &mut Run, dice: &mut Dice) -> Result<u64, String> {
        match dice.between(0, 99) {
            0..40 => {
                self.give_back(token);
                run.apply(Command::Release(Release {
                    token,
                    success: dice.chance(80),
                    readings: readings(run, dice),
                }))?;
            }
            40..70 => self.fail(token, run, dice)?,
            70..85 => {
                let ttl_ms = dice.chance(50).then(|| dice.between(1, 30_000));
                // Now and then it lets go of its lease, and may crash at any moment after that.
                let let_go_by = dice.chance(30).then_some(self.connection);
                run.apply(Command::Renew(Renew { token, ttl_ms, let_go_by }))?;
            }
            85..93 => self.leave(run)?,
            // It hangs until its lease is long over, and reports then.
            _ => return Ok(dice.between(20_000, 70_000)),
        }
        Ok(dice.delay(2_000))
    }

    fn fail(&mut self, token: TokenHash, run: &mut Run, dice: &mut Dice) -> Result<(), String> {
        self.failures += 1;
        let keep = dice.chance(25);
        let next = dice.chance(40).then(|| match dice.chance(50) {
            true => Next::Same { token: run.token(), connection: self.connection },
            false => Next::With { ask: ask(run, dice), token: run.token(), owner: None },
        });
        let verdict = verdict(run, dice);
        let subject = Subject::Lease(token);
        let report = Report {
            subject,
            number: self.failures,
            model: model(dice),
            verdict,
            readings: Vec::new(),
            keep,
            next: next.clone(),
        };
        let Reply::Reported(answer) = run.apply(Command::Report(report.clone()))? else {
            return Err("report is answered otherwise".into());
        };
        if dice.chance(15) {
            run.apply(Command::Report(report))?;
        }
        if !keep {
            self.give_back(token);
        }
        if let (Some(Next::Same { token, .. } | Next::With { token, .. }), Ok(Reported { next: Some(Ok(_)), .. })) =
            (next, answer)
        {
            self.past.extend(self.held.replace(token));
            self.failures = 0;
        }
        Ok(())
    }

    fn give_back(&mut self, token: TokenHash) {
        self.held = None;
        self.past.push(token);
    }

    /// Says once more, or for the first time, what it should have said long ago.
    fn speak_of_the_past(&mut self, run: &mut Run, dice: &mut Dice) -> Result<u64, String> {
        let newest = self.past.len().saturating_sub(6);
        let Some(token) = dice.one_of(&self.past[newest..]) else { return Ok(1) };
        let command = match dice.between(0, 2) {
            0 => Command::Release(Release { token, success: dice.chance(50), readings: Vec::new() }),
            1 => Command::Renew(Renew { token, ttl_ms: None, let_go_by: dice.chance(50).then_some(self.connection) }),
            _ => Command::Report(Report {
                subject: Subject::Lease(token),
                number: dice.between(1, 3),
                model: model(dice),
                verdict: verdict(run, dice),
                readings: Vec::new(),
                keep: dice.chance(30),
                next: None,
            }),
        };
        run.apply(command)?;
        Ok(dice.delay(2_000))
    }
}

/// What its last response says is left; now and then, nothing.
fn readings(run: &Run, dice: &mut Dice) -> Vec<Reading> {
    if dice.chance(60) {
        return Vec::new();
    }
    let (model, used) = (model(dice), dice.between(0, 1_100));
    let after_ms = dice.chance(80).then(|| dice.between(0, 20_000));
    let at = dice.chance(30).then(|| run.instant(dice.between(0, 20_000)));
    let spent = used >= 1_000;
    let cause = if dice.chance(50) { Cause::Quota } else { Cause::RateLimit };
    let verdict = spent.then(|| Verdict {
        kind: Kind::Fault(cause),
        reach: Reach::Account,
        model: model.clone(),
        after_ms,
        at,
        status: None,
        rule: "spent".into(),
        evidence: None,
    });
    let used_permille = u32::try_from(used).ok();
    let (name, refills) = (if dice.chance(50) { "5h" } else { "tokens" }, dice.chance(30));
    let (limit, remaining, length_ms) = (None, None, dice.chance(30).then(|| dice.between(0, 4_000)));
    let reading = Reading {
        name: name.into(),
        model,
        limit,
        remaining,
        used_permille,
        length_ms,
        after_ms,
        at,
        refills,
        spent,
        verdict,
    };
    vec![reading]
}

fn ask(run: &Run, dice: &mut Dice) -> Ask {
    let some = |dice: &mut Dice| dice.one_of(&run.keys());
    Ask {
        profile: dice.chance(30).then(|| LISTED.into()),
        model: model(dice),
        pin: if dice.chance(6) { some(dice) } else { None },
        exclude: if dice.chance(12) { some(dice).into_iter().chain(some(dice)).collect() } else { Vec::new() },
        ttl_ms: dice.chance(30).then(|| dice.between(1, 40_000)),
        by_reference: dice.chance(10),
        class: if dice.chance(25) { Class::Background } else { Class::Interactive },
        session: dice.chance(40).then(|| Session(u128::from(dice.between(0, 9)))),
    }
}

fn model(dice: &mut Dice) -> Option<Model> {
    dice.one_of(&[None, Some("small"), Some("large"), Some("huge")]).flatten().map(Model::from)
}

fn verdict(run: &Run, dice: &mut Dice) -> Verdict {
    let kinds = [
        Kind::Fault(Cause::RateLimit),
        Kind::Fault(Cause::RateLimit),
        Kind::Fault(Cause::RateLimit),
        Kind::Fault(Cause::Quota),
        Kind::Fault(Cause::Billing),
        Kind::Fault(Cause::Auth),
        Kind::Fault(Cause::Dead),
        Kind::Fault(Cause::Forbidden),
        Kind::Fault(Cause::Model),
        Kind::Fault(Cause::Overloaded),
        Kind::Fault(Cause::Server),
        Kind::Fault(Cause::Network),
        Kind::Request,
        Kind::Unknown,
    ];
    let reaches = [Reach::Credential, Reach::Credential, Reach::Account, Reach::Account, Reach::Pool, Reach::None];
    let kind = dice.one_of(&kinds).unwrap_or(Kind::Unknown);
    let reach = dice.one_of(&reaches).unwrap_or(Reach::None);
    let ahead = |dice: &mut Dice| if dice.chance(10) { dice.between(0, 600_000) } else { dice.between(0, 20_000) };
    Verdict {
        kind,
        reach,
        model: if dice.chance(40) { model(dice) } else { None },
        after_ms: dice.chance(35).then(|| ahead(dice)),
        at: dice.chance(25).then(|| run.now().wall.after(ahead(dice))),
        status: dice.one_of(&[Some(429), Some(403), Some(503), None]).flatten(),
        rule: "simulated".into(),
        evidence: dice.chance(40).then(|| Evidence { source: "body:error.code".into(), raw: "code".into() }),
    }
}
