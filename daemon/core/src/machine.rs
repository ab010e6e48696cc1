//! The core: records, what is derived from them, and the few ways in which both change together.

use std::collections::BTreeSet;

use crate::cause::{Cause, State};
use crate::command::{Command, Reply};
use crate::index::{Due, Index, Need, Placement, PoolIndex, View};
use crate::policy::{Cap, Limits, Strategy};
use crate::quotas::Standing;
use crate::ranking::Rank;
use crate::records::{Ask, CredentialKey, Identity, ListKey, Model, PoolKey, Scope, Seq};
use crate::restriction::Restriction;
use crate::tables::{Change, Records, Touched};
use crate::time::{Boot, Now, Until, Wall};
use crate::waiting::Settled;

/// Entries that the views of one pool hold in all; it bounds their memory, whatever models callers think of.
const VIEW_ENTRIES: usize = 1 << 20;

/// Views of a pool, besides the plain one, that are kept whatever they hold.
const LEAST_VIEWS: usize = 4;

/// Views of a pool, besides the plain one and one for each list, that are kept at most: a grant places its credential in
/// each of them.
const MOST_VIEWS: usize = 64;

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

    // ---- placing credentials -----------------------------------------------------------------------------------

    /// Places a credential anew in every view of its pool, and counts its state anew.
    pub(crate) fn refresh(&mut self, key: CredentialKey) {
        self.place(key, false);
        let state =
            self.records.credentials.get(&key).filter(|credential| credential.retired.is_none()).map(|credential| {
                self.covering(credential, None).filter_map(Restriction::state).min().unwrap_or(State::Ready)
            });
        let before = match state {
            Some(state) => self.index.state.insert(key, state),
            None => self.index.state.remove(&key),
        };
        let Some(credential) = self.records.credentials.get(&key) else { return };
        let Some(pool) = self.index.pools.get_mut(&credential.pool) else { return };
        if let Some(count) = before.and_then(|before| pool.states.get_mut(&before)) {
            *count -= 1;
        }
        if let Some(state) = state {
            *pool.states.entry(state).or_default() += 1;
        }
        pool.states.retain(|_, count| *count > 0);
    }

    /// Places a credential anew where it is not restricted: its leases or its turn have changed, nothing else.
    pub(crate) fn rerank(&mut self, key: CredentialKey) {
        self.place(key, true);
    }

    fn place(&mut self, key: CredentialKey, keep_restricted: bool) {
        let Some(credential) = self.records.credentials.get(&key) else { return };
        let pool_key = credential.pool;
        self.stir(pool_key);
        let hard = self.cap(key).hard;
        let Some(pool) = self.index.pools.get_mut(&pool_key) else { return };
        let mut views = std::mem::take(&mut pool.views);
        let lists: Vec<ListKey> = pool.lists.of(key).collect();
        for list in std::iter::once(None).chain(lists.into_iter().map(Some)) {
            let first = Need { list, ..Need::default() };
            for (need, view) in views.range_mut(first..).take_while(|(need, _)| need.list == list) {
                let restricted = matches!(view.placement(key), Some(Placement::Restricted { .. }));
                // Where a hard cap is met, no probe goes either.
                let hard =
                    hard || need.model.as_ref().and_then(|m| self.model_cap(pool_key, m)).is_some_and(|c| c.hard);
                if keep_restricted && restricted && !hard {
                    continue;
                }
                let placement = self.placement(key, need, keep_restricted && !restricted);
                view.place(key, placement);
            }
        }
        if let Some(pool) = self.index.pools.get_mut(&pool_key) {
            pool.views = views;
        }
    }

    /// Where a credential belongs in the view of `need`; `None` if it is not defined any more, or not in its list.
    fn placement(&self, key: CredentialKey, need: &Need, unrestricted: bool) -> Option<Placement> {
        let credential = self.records.credentials.get(&key).filter(|credential| credential.retired.is_none())?;
        let pool = self.records.pools.get(&credential.pool)?;
        let order = match need.list {
            Some(list) => self.index.pools.get(&credential.pool)?.lists.place(key, list)?,
            None => credential.order,
        };
        let leases = self.in_flight(key);
        let cap = credential.cap.unwrap_or(pool.policy.cap);
        let for_model = need.model.as_ref().and_then(|model| {
            let cap = pool.policy.models.get(model)?;
            (self.in_flight_for(key, model) >= cap.max_in_flight).then_some(*cap)
        });
        let met = for_model.into_iter().chain((leases >= cap.max_in_flight).then_some(cap));
        let (busy, full) = (met.clone().next().is_some(), met.clone().any(|cap| cap.hard));
        if !unrestricted {
            let passes = |cause| need.by_reference && credential.referable && cause == Cause::NoSecret;
            let recovery = pool.policy.recovery;
            let restricted = self
                .covering(credential, need.model.as_ref())
                .filter(|restriction| restriction.holds_back() && !passes(restriction.identity.cause))
                .map(|restriction| {
                    let back = self.on_boot_clock(restriction.opens());
                    let soonest = self.soonest(restriction, recovery);
                    (restriction.identity.cause, back, soonest, restriction.next_probe(recovery))
                })
                .reduce(|(cause, back, soonest, probe), (other, later, sooner, and)| {
                    let probe = probe.zip(and).map(|(probe, and)| probe.max(and));
                    (cause.min(other), back.max(later), soonest.max(sooner), probe)
                });
            if let Some((cause, back, soonest, probe)) = restricted {
                return Some(Placement::Restricted { cause, back, soonest, probe: probe.filter(|_| !full) });
            }
        }
        if full {
            return Some(Placement::Full);
        }
        let strategy = self.strategy(credential.pool, need.list);
        let standing = if pool.policy.reserve_permille > 0 || strategy.weighs_quota() {
            self.standing(credential, need.model.as_ref())
        } else {
            Standing::default()
        };
        Some(Placement::Free(Rank {
            expired: credential.expired,
            reserve: standing.is_reserve,
            tier: if busy { leases } else { 0 },
            key: match strategy {
                Strategy::RoundRobin => credential.turn,
                Strategy::LeastUsed => credential.grants,
                _ => standing.key(strategy),
            },
            order,
        }))
    }

    /// Live leases on a credential.
    #[must_use]
    pub fn in_flight(&self, key: CredentialKey) -> u32 {
        self.index.in_flight.get(&key).copied().unwrap_or(0)
    }

    /// Those of them that are for one model.
    #[must_use]
    pub fn in_flight_for(&self, key: CredentialKey, model: &Model) -> u32 {
        self.index.in_flight_for.get(&(key, Model::clone(model))).copied().unwrap_or(0)
    }

    /// The cap of each credential of a pool for one model, if it has one.
    pub(crate) fn model_cap(&self, pool: PoolKey, model: &Model) -> Option<Cap> {
        self.records.pools.get(&pool)?.policy.models.get(model).copied()
    }

    /// The cap of a pool, if as many leases are out as it allows.
    pub(crate) fn total_that_is_met(&self, pool: PoolKey) -> Option<u32> {
        let total = self.records.pools.get(&pool)?.policy.total?;
        (self.leases_out(pool) >= total as usize).then_some(total)
    }

    /// The cap that holds for a credential; the default one if it is unknown.
    #[must_use]
    pub fn cap(&self, key: CredentialKey) -> Cap {
        let credential = self.records.credentials.get(&key);
        let own = credential.and_then(|credential| credential.cap);
        let of_pool = || Some(self.records.pools.get(&credential?.pool)?.policy.cap);
        own.or_else(of_pool).unwrap_or_default()
    }

    // ---- views -------------------------------------------------------------------------------------------------

    /// What a request needs, as far as it makes a difference in this pool; `None` if there is no such pool for its
    /// profile.
    pub(crate) fn need(&self, pool_key: PoolKey, ask: &Ask) -> Option<Need> {
        let policy = &self.records.pools.get(&pool_key)?.policy;
        let pool = self.index.pools.get(&pool_key)?;
        let list = match &ask.profile {
            Some(profile) => pool.lists.of_profile(profile)?,
            None => None,
        };
        let is_its_own = |model: &Model| {
            pool.restricted_models.contains_key(model)
                || policy.models.contains_key(model)
                || (pool.metered_models.contains_key(model) && self.weighs_quota(pool_key, list))
        };
        Some(Need {
            list,
            model: ask.model.clone().filter(is_its_own),
            by_reference: ask.by_reference && pool.without_secret > 0,
        })
    }

    /// Sees to it that the view of `need` is there, and lets the one go that was not used for longest.
    pub(crate) fn ensure_view(&mut self, pool_key: PoolKey, need: &Need) {
        if *need == Need::default() {
            return;
        }
        let Some(pool) = self.index.pools.get_mut(&pool_key) else { return };
        pool.recent.retain(|recent| recent != need);
        pool.recent.push(need.clone());
        if pool.views.contains_key(need) {
            return;
        }
        let view = self.build_view(pool_key, need);
        let Some(pool) = self.index.pools.get_mut(&pool_key) else { return };
        pool.views.insert(need.clone(), view);
        let most = MOST_VIEWS + pool.lists.len();
        let mut entries: usize = pool.views.values().map(View::len).sum();
        while pool.recent.len() > LEAST_VIEWS && (pool.recent.len() > most || entries > VIEW_ENTRIES) {
            let oldest = pool.recent.remove(0);
            entries -= pool.views.remove(&oldest).map_or(0, |view| view.len());
        }
    }

    pub(crate) fn build_view(&self, pool_key: PoolKey, need: &Need) -> View {
        let mut view = View::new(self.strategy(pool_key, need.list));
        for key in self.members_of(pool_key, need.list) {
            view.place(key, self.placement(key, need, false));
        }
        view
    }

    /// Builds the views of a pool anew, for a strategy that ranks otherwise.
    pub(crate) fn rebuild_views(&mut self, pool_key: PoolKey) {
        self.stir(pool_key);
        let view = self.build_view(pool_key, &Need::default());
        if let Some(pool) = self.index.pools.get_mut(&pool_key) {
            pool.views.clear();
            pool.recent.clear();
            pool.views.insert(Need::default(), view);
        }
    }

    /// Lets the views of a model go, once requests for it need nothing of their own.
    pub(crate) fn forget_views_of(&mut self, pool_key: PoolKey, model: &Model) {
        let weighs = self.weighs_quota_at_all(pool_key);
        let is_capped = self.model_cap(pool_key, model).is_some();
        let Some(pool) = self.index.pools.get_mut(&pool_key) else { return };
        let is_metered = weighs && pool.metered_models.contains_key(model);
        if is_capped || is_metered || pool.restricted_models.contains_key(model) {
            return;
        }
        pool.views.retain(|need, _| need.model.as_ref() != Some(model));
        pool.recent.retain(|need| need.model.as_ref() != Some(model));
    }

    pub(crate) fn view(&self, pool: PoolKey, need: &Need) -> Option<&View> {
        self.index.pools.get(&pool)?.views.get(need)
    }

    // ---- credentials -------------------------------------------------------------------------------------------

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
