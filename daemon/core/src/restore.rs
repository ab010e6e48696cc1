//! Taking up the records that an earlier run left.
//!
//! The caller sees to it that the boot clock of this run goes on where that of the records stood, put forward by the time
//! that has passed since; so whatever was to last for a while has as much left as it should.

use crate::cause::Cause;
use crate::command::Command;
use crate::index::Index;
use crate::machine::Core;
use crate::policy::Limits;
use crate::records::PoolKey;
use crate::tables::Records;
use crate::time::{Now, Until};

/// How long leases whose connection went with an earlier run can be claimed, in milliseconds. Till then they hold their
/// places.
const CLAIM_MS: u64 = 5_000;

/// The longest that a restriction can have left, in milliseconds: no vendor is known to have longer windows, and the
/// clock by which this one was set may have been wrong.
const LONGEST_MS: u64 = 35 * 24 * 60 * 60 * 1_000;

impl Core {
    /// A core that goes on from `records` at `now`, with whatever has become due since.
    ///
    /// Leases that are bound to connections, all of which were of earlier runs, can be claimed for 5 seconds and then end.
    /// Nobody waits any more.
    /// `changes` of the restored core say nothing of what that altered: whoever keeps changes begins with all records.
    #[must_use]
    pub fn restore(mut records: Records, limits: Limits, now: Now) -> Self {
        // Before what is due happens, nothing is late.
        let at = Now { boot: records.header.now.boot.max(now.boot), ..now };
        let restrictions = records.restrictions.values_mut().filter(|r| r.identity.cause != Cause::Disabled);
        let quotas = records.quotas.values_mut().map(|quota| &mut quota.fresh);
        for until in restrictions.map(|restriction| &mut restriction.until).chain(quotas) {
            if let Until::Passed { boot, wall } = until {
                *boot = at.boot.after(LONGEST_MS).min(*boot);
                *wall = at.wall.after(LONGEST_MS).min(*wall);
            }
        }
        for lease in records.leases.values_mut().filter(|lease| lease.ended.is_none() && lease.owner.is_some()) {
            lease.claim_by = Some(at.boot.after(CLAIM_MS));
        }
        // Whoever would read their answers is gone.
        records.waiters.clear();
        // So are those who held tickets, and whoever asks anew finds out whether it still fails.
        records.renewals.clear();
        let mut core = Self::holding(records, limits);
        core.index = Index::derive(&core.records, &core.limits);
        let pools: Vec<PoolKey> = core.records.pools.keys().copied().collect();
        for pool in pools {
            core.trim_history(pool);
            let lists = core.derive_lists(pool);
            if let Some(pool) = core.index.pools.get_mut(&pool) {
                pool.lists = lists;
            }
            core.rebuild_views(pool);
        }
        core.apply(now, Command::Tick);
        core
    }
}
