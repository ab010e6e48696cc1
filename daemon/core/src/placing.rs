//! Where each credential stands in the views of its pool: every need that makes a difference has a view of its own.

use crate::cause::{Cause, State};
use crate::index::{Need, Placement, View};
use crate::machine::Core;
use crate::policy::{Cap, Strategy};
use crate::quotas::Standing;
use crate::ranking::Rank;
use crate::records::{Ask, CredentialKey, ListKey, Model, PoolKey};
use crate::restriction::Restriction;

/// Entries that the views of one pool hold in all; it bounds their memory, whatever models callers think of.
const VIEW_ENTRIES: usize = 1 << 20;

/// Views of a pool, besides the plain one, that are kept whatever they hold.
const LEAST_VIEWS: usize = 4;

/// Views of a pool, besides the plain one and one for each list, that are kept at most: a grant places its credential in
/// each of them.
const MOST_VIEWS: usize = 64;

impl Core {
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
}
