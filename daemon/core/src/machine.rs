//! The core: records, what is derived from them, and the few ways in which both change together.

use std::collections::BTreeSet;

use crate::command::{Command, Reply};
use crate::index::{Due, Index, PoolIndex};
use crate::policy::{Limits, Strategy};
use crate::records::{CredentialKey, Identity, PoolKey, Scope, Seq};
use crate::tables::{Change, Records, Touched};
use crate::time::{Boot, Now, Until, Wall};
use crate::waiting::Settled;

/// A step between the two clocks that makes instants be placed anew.
const CLOCK_STEP_MS: u64 = 1_000;

/// The pools, their credentials and their leases.
#[derive(Clone, Debug)]
pub struct Core {
    pub(crate) records: Records,
    pub(crate) index: Index,
    pub(crate) limits: Limits,
    pub(crate) settled: Vec<Settled>,
    pub(crate) touched: Vec<Touched>,
}

impl Core {
    /// A core that knows no pool. Every choice and every jitter follows from `seed`.
    #[must_use]
    pub fn new(seed: u64, limits: Limits) -> Self {
        Self::holding(Records::new(seed), limits)
    }

    /// A core that holds `records`, of which nothing is derived yet.
    pub(crate) fn holding(records: Records, limits: Limits) -> Self {
        // What is over at once would be due again at the very moment that it was set; and a model that is reported is
        // restricted, whatever had to make room.
        let limits = Limits {
            models_per_scope: limits.models_per_scope.max(1),
            history_per_model: limits.history_per_model.max(1),
            history_per_pool: limits.history_per_pool.max(1),
            quotas_per_account: limits.quotas_per_account.max(1),
            quotas: limits.quotas.max(1),
            quota_ms: limits.quota_ms.max(1),
            ended_lease_ms: limits.ended_lease_ms.max(1),
            strikes_ms: limits.strikes_ms.max(1),
            retired_ms: limits.retired_ms.max(1),
            ..limits
        };
        Self { records, index: Index::default(), limits, settled: Vec::new(), touched: Vec::new() }
    }

    /// Applies `command` at `now`, after whatever has become due by then. Whatever comes free goes to whoever waits for
    /// it: see [`settled`](Self::settled).
    ///
    /// A refused command changes nothing but the order of commands and what had become due. A boot clock that goes back
    /// is taken to stand still.
    pub fn apply(&mut self, now: Now, command: Command) -> Reply {
        self.touched.clear();
        self.settled.clear();
        self.next_seq();
        self.read_clocks(now);
        self.fire();
        if !self.settled.is_empty() {
            // What was granted as time passed was granted before whatever the command does.
            self.next_seq();
        }
        let reply = match command {
            Command::Define(define) => Reply::Defined(self.define(define)),
            Command::Import(import) => Reply::Imported(self.import(&import)),
            Command::Acquire(acquire) => self.acquire(acquire),
            Command::Report(report) => Reply::Reported(self.report(report)),
            Command::Release(release) => Reply::Released(self.release(&release)),
            Command::Renew(renew) => Reply::Renewed(self.renew(renew)),
            Command::Claim(claim) => Reply::Claimed(self.claim(claim)),
            Command::AskRenewal(asked) => Reply::Renewing(self.ask_renewal(asked)),
            Command::EndRenewal(ended) => Reply::RenewalEnded(self.end_renewal(ended)),
            Command::Disconnect(owner) => Reply::Disconnected(self.disconnect(owner)),
            Command::Clear(clear) => Reply::Cleared(self.clear(&clear)),
            Command::Disable(disable) => Reply::Switched(self.disable(disable)),
            Command::Enable(credential) => Reply::Switched(self.enable(credential)),
            Command::Tick => Reply::Ticked,
        };
        self.hand_on_all();
        reply
    }

    /// The records that the last command left different, as they are now, in the order in which it touched them; a
    /// record may come twice. The header comes last, and always: no command leaves it as it was.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let touched = self.touched.iter().map(|touched| touched.change(&self.records));
        touched.chain(std::iter::once(Change::Header(&self.records.header)))
    }

    /// The names of the records that the last command touched, but for the header; one may come twice.
    #[must_use]
    pub fn touched(&self) -> &[Touched] {
        &self.touched
    }

    /// The whole state.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// What bounds its memory.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn now(&self) -> Now {
        self.records.header.now
    }

    pub(crate) fn touch(&mut self, touched: Touched) {
        self.touched.push(touched);
    }

    fn next_seq(&mut self) {
        let seq = &mut self.records.header.seq;
        *seq = Seq(seq.0 + 1);
    }

    fn read_clocks(&mut self, now: Now) {
        let header = &mut self.records.header;
        let is_set_back = now.wall < header.now.wall;
        header.now = Now { boot: header.now.boot.max(now.boot), wall: now.wall };
        let stepped = {
            let expected = header.reference.wall.after(header.now.boot.since(header.reference.boot));
            expected.since(now.wall).max(now.wall.since(expected)) >= CLOCK_STEP_MS
        };
        if stepped {
            header.reference = header.now;
            let keys: Vec<CredentialKey> = self.records.credentials.keys().copied().collect();
            for key in keys {
                self.refresh(key);
            }
        }
        if is_set_back {
            self.take_up_again();
        }
    }

    /// Where `until` falls on the boot clock if the wall clock goes on as it has since it was last stepped.
    pub(crate) fn on_boot_clock(&self, until: Until) -> Boot {
        let reference = self.records.header.reference;
        match until {
            Until::Passed { boot, wall } => boot.max(reference.boot.after(wall.since(reference.wall))),
            Until::Lifted => Boot(u64::MAX),
        }
    }

    /// Forgets a credential that was retired long ago, unless leases are out on it: they count against its cap if it
    /// comes back.
    pub(crate) fn forget_if_spent(&mut self, key: CredentialKey) {
        let retired = self.records.credentials.get(&key).and_then(|credential| credential.retired);
        let long_ago = retired.is_some_and(|at| at.after(self.limits.retired_ms) <= self.now().boot);
        if long_ago && self.in_flight(key) == 0 {
            self.forget_credential(key);
        }
    }

    /// Forgets a retired credential, whatever is remembered against it.
    fn forget_credential(&mut self, key: CredentialKey) {
        let Some(credential) = self.records.credentials.remove(&key) else { return };
        self.touch(Touched::Credential(key));
        if let Some(retired) = credential.retired {
            self.index.due.remove(&(retired.after(self.limits.retired_ms), Due::Retired(key)));
        }
        if let Some(at) = credential.expires {
            self.index.running_out.remove(&(at, key));
        }
        if let Some(pool) = self.index.pools.get_mut(&credential.pool) {
            pool.by_id.remove(&credential.id);
        }
        let left: Vec<Identity> =
            self.records.restrictions_within(Scope::Credential(key)).map(|r| r.identity.clone()).collect();
        for identity in left {
            self.drop_restriction(&identity);
        }
        self.forget_history(credential.pool, key);
        self.leave_account(credential.account, key);
    }

    pub(crate) fn pool_index(&mut self, key: PoolKey, strategy: Strategy) -> &mut PoolIndex {
        self.index.pools.entry(key).or_insert_with(|| PoolIndex::new(strategy))
    }

    /// The defined credentials of a pool, in order.
    pub(crate) fn members(&self, pool: PoolKey) -> impl Iterator<Item = CredentialKey> {
        const NONE: &BTreeSet<(u32, CredentialKey)> = &BTreeSet::new();
        self.index.pools.get(&pool).map_or(NONE, |pool| &pool.members).iter().map(|(_, key)| *key)
    }

    /// The wall clock, for "when did we last hear of it"; one that is set back makes nothing unheard.
    pub(crate) fn hear_of(&mut self, key: CredentialKey) {
        let wall: Wall = self.now().wall;
        if let Some(credential) = self.records.credentials.get_mut(&key)
            && credential.known < wall
        {
            credential.known = wall;
            self.touch(Touched::Credential(key));
        }
    }
}
