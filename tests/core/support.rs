//! What every suite starts from: a moment, and a core that is checked after every command.

use credpool_core::{Boot, Change, Command, Core, Limits, Now, Records, Reply, Wall};

/// When every test begins.
pub(crate) const START: Now = Now { boot: Boot(1_000_000), wall: Wall(1_795_000_000_000) };

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// `now`, with both clocks `ms` further.
pub(crate) fn later(now: Now, ms: u64) -> Now {
    Now { boot: now.boot.after(ms), wall: now.wall.after(ms) }
}

/// `now`, with the wall clock alone set forward or back.
pub(crate) fn stepped(now: Now, ms: i64) -> Now {
    Now { wall: Wall(now.wall.0.saturating_add_signed(ms)), ..now }
}

/// A core that is checked after every command: its invariants, its next deadline, and that its changes tell all.
#[derive(Clone)]
pub(crate) struct Watched {
    core: Core,
    folded: Records,
}

impl Watched {
    pub(crate) fn new(seed: u64, limits: Limits) -> Self {
        Self { core: Core::new(seed, limits), folded: Records::new(seed) }
    }

    /// The core of another run, which goes on from what this one would leave on a disk.
    pub(crate) fn restarted(&self, limits: Limits, now: Now) -> Self {
        let left = serde_json::to_string(self.records()).expect("records can be written");
        let records = serde_json::from_str(&left).expect("records can be read");
        let core = Core::restore(records, limits, now);
        core.check_invariants().unwrap_or_else(|error| panic!("{error}"));
        Self { folded: core.records().clone(), core }
    }

    /// The reply, or which check failed.
    pub(crate) fn apply(&mut self, now: Now, command: Command) -> Result<Reply, String> {
        let reply = self.core.apply(now, command);
        self.core.check_invariants()?;
        let now = self.core.records().header.now;
        let next = self.core.next_deadline();
        if next.boot.is_some_and(|at| at <= now.boot) || next.wall.is_some_and(|at| at <= now.wall) {
            return Err(format!("{next:?} is not later than {now:?}"));
        }
        for change in self.core.changes() {
            self.folded.fold(change);
        }
        if self.folded == *self.core.records() {
            Ok(reply)
        } else {
            Err(format!("a mutation is not among the changes:\n{:#?}\n{:#?}", self.folded, self.core.records()))
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn records(&self) -> &Records {
        self.core.records()
    }

    /// The names of the records that the last command touched, but for the header.
    pub(crate) fn touched(&self) -> Vec<String> {
        let name = |change: Change<'_>| match change {
            Change::Header(_) => None,
            Change::Pool(key, _) => Some(format!("{key:?}")),
            Change::Credential(key, _) => Some(format!("{key:?}")),
            Change::Account(key, _) => Some(format!("{key:?}")),
            Change::List(key, _) => Some(format!("{key:?}")),
            Change::Lease(key, _) => Some(format!("{key:?}")),
            Change::Waiter(key, _) => Some(format!("{key:?}")),
            Change::Binding(key, _) => Some(format!("{key:?}")),
            Change::Restriction(key, _) => Some(format!("{key:?}")),
            Change::Watermark(key, _) => Some(format!("{key:?}")),
            Change::Quota(key, _) => Some(format!("{key:?}")),
            Change::Renewal(key, _) => Some(format!("{key:?}")),
            Change::Entry(key, _) => Some(format!("{key:?}")),
        };
        self.core.changes().filter_map(name).collect()
    }
}

/// The records without what every command changes: the order of commands and the time.
pub(crate) fn but_for_order(records: &Records) -> Records {
    let mut records = records.clone();
    records.header.seq = credpool_core::Seq(0);
    records.header.now = Now::default();
    records
}
