//! A pool's file, and what somebody does to it.

use std::sync::Arc;

use credpool_core::{Cap, Command, Define, Definition, Listing, Now, Policy, Strategy, Wall};

use super::{model_of, profile_of};

/// What somebody does to a pool's file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Nothing,
    Add {
        id: u8,
        secret: Option<u8>,
    },
    Remove(usize),
    Rotate(usize, Option<u8>),
    Account(usize, Option<u8>),
    SwapSecrets(usize, usize),
    ToTheEnd(usize),
    Rename(usize, u8),
    Cap(usize, Option<Cap>),
    /// When its secret runs out, told from now.
    Expiry(usize, Option<i64>),
    PoolCap(Cap),
    ModelCap(u8, Option<Cap>),
    Total(Option<u32>),
    Strategy(Strategy),
    Reserve(u32),
    Lists(Vec<ListOp>),
}

/// A `Listing` whose profiles are numbered.
#[derive(Clone, Debug)]
pub(crate) struct ListOp {
    pub(super) profiles: Vec<u8>,
    pub(super) members: Vec<usize>,
    pub(super) strategy: Strategy,
}

#[derive(Clone, Debug)]
struct Row {
    id: u8,
    secret: Option<u8>,
    account: Option<u8>,
    cap: Option<Cap>,
    expires: Option<Wall>,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    policy: Policy,
    rows: Vec<Row>,
    lists: Vec<ListOp>,
}

impl File {
    pub(super) fn new(policy: Policy, rows: u8, lists: Vec<ListOp>) -> Self {
        let rows = (0..rows).map(|id| Row { id, secret: Some(id), account: None, cap: None, expires: None });
        Self { policy, rows: rows.collect(), lists }
    }

    pub(super) fn edit(&mut self, edit: &Edit, now: Now) {
        let Self { policy, rows, lists } = self;
        let count = rows.len().max(1);
        match edit {
            Edit::Add { id, secret } if rows.iter().all(|row| row.id != *id) => {
                rows.push(Row { id: *id, secret: *secret, account: None, cap: None, expires: None });
            }
            Edit::Remove(row) if !rows.is_empty() => {
                rows.remove(row % count);
            }
            Edit::SwapSecrets(one, other) if !rows.is_empty() => {
                let (one, other) = (one % count, other % count);
                let secret = rows[one].secret;
                rows[one].secret = rows[other].secret;
                rows[other].secret = secret;
            }
            Edit::ToTheEnd(row) if !rows.is_empty() => {
                let row = rows.remove(row % count);
                rows.push(row);
            }
            Edit::Rename(row, id) if !rows.is_empty() && rows.iter().all(|row| row.id != *id) => {
                rows[row % count].id = *id;
            }
            Edit::Rotate(row, secret) if !rows.is_empty() => rows[row % count].secret = *secret,
            Edit::Account(row, account) if !rows.is_empty() => rows[row % count].account = *account,
            Edit::Cap(row, cap) if !rows.is_empty() => rows[row % count].cap = *cap,
            Edit::Expiry(row, from_now) if !rows.is_empty() => {
                rows[row % count].expires = from_now.map(|ms| Wall(now.wall.0.saturating_add_signed(ms)));
            }
            Edit::PoolCap(cap) => policy.cap = *cap,
            Edit::ModelCap(model, cap) => {
                policy.models.remove(&model_of(*model));
                policy.models.extend(cap.map(|cap| (model_of(*model), cap)));
            }
            Edit::Total(total) => policy.total = *total,
            Edit::Strategy(strategy) => policy.strategy = *strategy,
            Edit::Reserve(permille) => policy.reserve_permille = *permille,
            Edit::Lists(others) => lists.clone_from(others),
            _ => {}
        }
    }

    /// The command that says what is in the file of this pool.
    pub(super) fn define(&self, pool: usize) -> Command {
        let Self { policy, rows, lists } = self;
        let definitions = rows.iter().map(|row| {
            let fingerprint = row.secret.map(|secret| Arc::<str>::from(format!("sha256:{secret}")));
            let account = match (row.account, &fingerprint) {
                (Some(account), _) => format!("account {account}").into(),
                (None, Some(fingerprint)) => Arc::clone(fingerprint),
                (None, None) => format!("account of row {}", row.id).into(),
            };
            let id = format!("row {}", row.id).into();
            let unresolved = "it is not here".into();
            let referable = row.id % 3 != 0;
            Definition {
                id,
                fingerprint,
                unresolved,
                referable,
                account,
                cap: row.cap,
                expires: row.expires,
                grants: 0,
            }
        });
        let lists = lists.iter().map(|list| Listing {
            profiles: list.profiles.iter().copied().map(profile_of).collect(),
            members: list.members.clone(),
            strategy: list.strategy,
        });
        let (name, policy) = (format!("pool {pool}").into(), policy.clone());
        Command::Define(Define { pool: name, policy, definitions: definitions.collect(), lists: lists.collect() })
    }
}
