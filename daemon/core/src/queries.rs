//! Looking without touching: what `status` and `explain` are made of. They see the state as of the last `apply`.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::cause::State;
use crate::index::Placement;
use crate::machine::Core;
use crate::policy::Strategy;
use crate::records::{Ask, ChosenBy, CredentialKey, Identity, Lease, LeaseNo, List, PoolKey, Scope, WaiterNo};
use crate::refusal::Refusal;
use crate::restriction::Restriction;
use crate::time::Boot;
use crate::waiting::{Class, Waiter};

/// Candidates that an explanation goes through.
const EXPLAINED: usize = 32;

/// What an `acquire` would do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whom it would grant; or the refusal.
    pub choice: Result<Choice, Refusal>,
    /// When somebody may be had at the soonest, and so whether waiting helps: in the past for "at any moment", `None` if
    /// that takes a person.
    pub soonest: Option<Boot>,
    /// The pinned credential, then the others in the order of the list: at most 32.
    pub candidates: Vec<Candidate>,
}

/// Whom an `acquire` would grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The credential.
    pub credential: CredentialKey,
    /// What decided for it.
    pub chosen_by: ChosenBy,
    /// Whether the lease would be a probe.
    pub probe: bool,
}

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The credential.
    pub credential: CredentialKey,
    /// Why it cannot be granted; empty if it can.
    pub ineligible: Vec<Ineligible>,
}

/// Why a candidate cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ineligible {
    /// This restriction covers it.
    Restricted(Identity),
    /// It is at its hard cap.
    AtCap,
    /// The caller excludes it.
    Excluded,
    /// The caller pins another one.
    NotPinned,
}

/// Where somebody stands who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who.
    pub waiter: WaiterNo,
    /// In which class.
    pub class: Class,
    /// 1 is the next one.
    pub position: usize,
    /// For how many milliseconds by now.
    pub waited_ms: u64,
    /// For about how many more: the position times the usual gap between two slots that come free for a waiter, or until
    /// the first candidate comes back if that is longer; `None` if neither is known.
    pub estimate_ms: Option<u64>,
}

impl Core {
    /// The credentials of a scope; of a pool none by name, since it is all of them.
    pub fn covered(&self, scope: Scope) -> impl Iterator<Item = CredentialKey> {
        let (alone, account) = match scope {
            Scope::Credential(key) => (Some(key), None),
            Scope::Account(account) => (None, self.index.account_members.get(&account)),
            Scope::Pool(_) => (None, None),
        };
        alone.into_iter().chain(account.into_iter().flatten().copied())
    }

    /// A dry run of an `acquire`.
    ///
    /// # Errors
    /// `UnknownPool`, also for a profile that has no list in it, and `UnknownCredential` for a pin that is not defined in the pool.
    pub fn explain(&self, pool: PoolKey, ask: &Ask) -> Result<Explanation, Refusal> {
        let need = self.need(pool, ask).ok_or(Refusal::UnknownPool)?;
        let built;
        let view = match self.view(pool, &need) {
            Some(view) => view,
            None => {
                built = self.build_view(pool, &need);
                &built
            }
        };
        let mut rng = self.records.header.rng;
        let choice = self.choose(pool, ask, view, &mut rng).map(|pick| pick.choice);
        if let Err(refusal @ (Refusal::UnknownPool | Refusal::UnknownCredential)) = choice {
            return Err(refusal);
        }
        let chosen = choice.as_ref().ok().map(|choice| choice.credential);
        let pinned = ask.pin.into_iter();
        let members = self.members_of(pool, need.list).filter(|key| ask.pin != Some(*key));
        let candidates = pinned
            .chain(members)
            .take(EXPLAINED)
            .filter_map(|key| {
                let credential = self.records.credentials.get(&key)?;
                if chosen == Some(key) {
                    return Some(Candidate { credential: key, ineligible: Vec::new() });
                }
                let of_pool = self.covering_pool(pool, ask.model.as_ref());
                let in_the_way = of_pool.chain(self.obstacles(credential, ask)).filter(|r| r.holds_back());
                let mut ineligible: Vec<Ineligible> =
                    in_the_way.map(|r| Ineligible::Restricted(r.identity.clone())).collect();
                if view.placement(key) == Some(Placement::Full) {
                    ineligible.push(Ineligible::AtCap);
                }
                if ask.pin.is_some_and(|pin| pin != key) {
                    ineligible.push(Ineligible::NotPinned);
                }
                if ask.exclude.contains(&key) {
                    ineligible.push(Ineligible::Excluded);
                }
                Some(Candidate { credential: key, ineligible })
            })
            .collect();
        Ok(Explanation { choice, soonest: self.soonest_for(pool, ask, view), candidates })
    }

    /// The key of a pool.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<PoolKey> {
        self.index.pool_by_name.get(name).copied()
    }

    /// The credentials that a pool has definitions for, in order.
    pub fn defined(&self, pool: PoolKey) -> impl Iterator<Item = CredentialKey> {
        self.members(pool)
    }

    /// The same, from the first that comes after place `order` among the definitions.
    pub fn defined_after(&self, pool: PoolKey, order: Option<u32>) -> impl Iterator<Item = CredentialKey> {
        let first = order.map_or(0, |order| order.saturating_add(1));
        let members = self.index.pools.get(&pool).map(|pool| pool.members.range((first, CredentialKey(0))..));
        members.into_iter().flatten().map(|(_, key)| *key)
    }

    /// What a profile may lease from a pool, in order; nothing if the profile has no list in it. `None` is whoever leases
    /// from the whole pool.
    pub fn listed(&self, pool: PoolKey, profile: Option<&str>) -> impl Iterator<Item = CredentialKey> {
        let lists = self.index.pools.get(&pool).map(|pool| &pool.lists);
        let list = match profile {
            Some(profile) => lists.and_then(|lists| lists.of_profile(profile)),
            None => Some(None),
        };
        list.into_iter().flat_map(move |list| self.members_of(pool, list))
    }

    /// How a profile's list chooses; `None` is whoever leases from the whole pool.
    #[must_use]
    pub fn strategy_for(&self, pool: PoolKey, profile: Option<&str>) -> Strategy {
        let lists = self.index.pools.get(&pool).map(|pool| &pool.lists);
        self.strategy(pool, profile.and_then(|profile| lists?.of_profile(profile)).flatten())
    }

    /// The lists of a pool.
    pub fn lists(&self, pool: PoolKey) -> impl Iterator<Item = &List> {
        self.records.lists.values().filter(move |list| list.pool == pool)
    }

    /// Defined credentials of a pool, by state.
    #[must_use]
    pub fn states(&self, pool: PoolKey) -> BTreeMap<State, usize> {
        self.index.pools.get(&pool).map(|pool| pool.states.clone()).unwrap_or_default()
    }

    /// Live leases of a pool.
    #[must_use]
    pub fn leases_out(&self, pool: PoolKey) -> usize {
        self.index.pools.get(&pool).map_or(0, |pool| pool.leases.len())
    }

    /// The live leases of a pool with numbers above `after`, in the order in which they were granted.
    pub fn leases_after(&self, pool: PoolKey, after: LeaseNo) -> impl Iterator<Item = &Lease> {
        let out = self.index.pools.get(&pool).map(|pool| pool.leases.range((Bound::Excluded(after), Bound::Unbounded)));
        out.into_iter().flatten().filter_map(|no| self.records.leases.get(no))
    }

    /// The first `most` of those who wait in a pool, in the order in which they are served if each can use what comes free
    /// (but for one lease in eight, which goes to the background before its turn).
    #[must_use]
    pub fn line(&self, pool: PoolKey, most: usize) -> Vec<Place> {
        let gap_ms = self.records.pools.get(&pool).and_then(|pool| pool.line.gap_ms);
        let mut queues: BTreeMap<_, _> = BTreeMap::new();
        for (wants, queue) in self.index.pools.get(&pool).into_iter().flat_map(|pool| &pool.queues) {
            let mut waiters = queue.waiters.iter().copied();
            let soonest = queue.waiters.first().and_then(|no| self.soonest_of(*no));
            queues.extend(waiters.next().map(|no| ((wants.class(), no), (soonest, waiters))));
        }
        let mut line = Vec::new();
        while let Some(((class, no), (soonest, mut waiters))) = queues.pop_first()
            && line.len() < most
        {
            let position = line.len() + 1;
            let now = self.now().boot;
            let by_pace = gap_ms.map(|gap_ms| gap_ms.saturating_mul(position as u64));
            let at_least = soonest.map(|soonest| soonest.since(now)).filter(|ms| *ms > 0);
            let since = self.records.waiters.get(&no).map_or(now, |waiter| waiter.since);
            let (waited_ms, estimate_ms) = (now.since(since), by_pace.max(at_least));
            line.push(Place { waiter: no, class, position, waited_ms, estimate_ms });
            queues.extend(waiters.next().map(|next| ((class, next), (soonest, waiters))));
        }
        line
    }

    /// When one who waits may be served at the soonest.
    fn soonest_of(&self, no: WaiterNo) -> Option<Boot> {
        let Waiter { pool, ask, .. } = self.records.waiters.get(&no)?;
        let need = self.need(*pool, ask)?;
        match self.view(*pool, &need) {
            Some(view) => self.soonest_for(*pool, ask, view),
            None => self.soonest_for(*pool, ask, &self.build_view(*pool, &need)),
        }
    }

    /// How many wait in a pool, by class.
    #[must_use]
    pub fn waiting(&self, pool: PoolKey) -> BTreeMap<Class, usize> {
        let mut waiting = BTreeMap::new();
        for (wants, queue) in self.index.pools.get(&pool).into_iter().flat_map(|pool| &pool.queues) {
            *waiting.entry(wants.class()).or_default() += queue.waiters.len();
        }
        waiting
    }

    /// The restrictions on a credential or its account that are not over, of whatever model.
    pub fn restrictions_on(&self, key: CredentialKey) -> impl Iterator<Item = &Restriction> {
        let credential = self.records.credentials.get(&key);
        let scopes = credential.map(|credential| [Scope::Credential(key), Scope::Account(credential.account)]);
        scopes
            .into_iter()
            .flatten()
            .flat_map(|scope| self.records.restrictions_within(scope))
            .filter(|restriction| !restriction.is_over())
    }

    /// The restriction behind a credential's state, the one that lasts longest; `None` while it is ready.
    #[must_use]
    pub fn restriction_behind(&self, key: CredentialKey) -> Option<&Restriction> {
        let state = self.state(key);
        let behind = |r: &&Restriction| r.identity.model.is_none() && r.state() == Some(state);
        self.longest(self.restrictions_on(key).filter(behind))
    }

    /// The restrictions on a pool as a whole that are not over.
    pub fn restrictions_on_pool(&self, pool: PoolKey) -> impl Iterator<Item = &Restriction> {
        self.records.restrictions_within(Scope::Pool(pool)).filter(|restriction| !restriction.is_over())
    }
}
