//! What is derived from the records, so that no command scans them. It can always be built again from the records, and
//! `check_invariants` does so and compares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::affinity::Tie;
use crate::cause::{Cause, State};
use crate::history::HistoryIndex;
use crate::lists::Lists;
use crate::policy::Strategy;
use crate::quota::QuotaKey;
use crate::ranking::{Rank, Ranking};
use crate::records::{
    AccountKey, CredentialKey, Identity, LeaseNo, ListKey, Model, Owner, PoolKey, TokenHash, WaiterNo,
};
use crate::time::{Boot, Wall};
use crate::waiting::{Queue, Wants};

/// What a request needs of a credential; each need that matters has a view of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// The list, if it is not simply the whole pool in its own order.
    pub(crate) list: Option<ListKey>,
    /// The model, if it has restrictions or a cap of its own in the pool.
    pub(crate) model: Option<Model>,
    /// Whether a reference to the secret is enough, if the pool has credentials without one.
    pub(crate) by_reference: bool,
}

/// Where a credential stands in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// It can be granted.
    Free(Rank),
    /// It is healthy, but at its hard cap.
    Full,
    /// It is restricted, for `cause`, until about `back`.
    Restricted {
        cause: Cause,
        /// On the boot clock as the clocks stood when it was placed; the far end for "when a person helps".
        back: Boot,
        /// When it may be had at the soonest, as `back` is told; the near end for "at any moment".
        soonest: Boot,
        /// When a probe may be let through all the same, if there is nothing else to be had.
        probe: Option<Boot>,
    },
}

/// The credentials of a pool as one need sees them.
#[derive(Clone, Debug)]
pub(crate) struct View {
    strategy: Strategy,
    placements: BTreeMap<CredentialKey, Placement>,
    ranking: Ranking,
    returning: BTreeSet<(Boot, CredentialKey)>,
    soonest: BTreeSet<(Boot, CredentialKey)>,
    probeable: BTreeSet<(Boot, CredentialKey)>,
    full: BTreeSet<CredentialKey>,
    by_cause: BTreeMap<Cause, usize>,
}

impl View {
    pub(crate) fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            placements: BTreeMap::new(),
            ranking: Ranking::new(strategy),
            returning: BTreeSet::new(),
            soonest: BTreeSet::new(),
            probeable: BTreeSet::new(),
            full: BTreeSet::new(),
            by_cause: BTreeMap::new(),
        }
    }

    /// Puts `key` where `placement` says, or nowhere.
    pub(crate) fn place(&mut self, key: CredentialKey, placement: Option<Placement>) {
        let before = match placement {
            Some(placement) => self.placements.insert(key, placement),
            None => self.placements.remove(&key),
        };
        if before == placement {
            return;
        }
        match before {
            Some(Placement::Free(rank)) => self.ranking.remove(rank, key),
            Some(Placement::Full) => {
                self.full.remove(&key);
            }
            Some(Placement::Restricted { cause, back, soonest, probe }) => {
                self.returning.remove(&(back, key));
                self.soonest.remove(&(soonest, key));
                if let Some(at) = probe {
                    self.probeable.remove(&(at, key));
                }
                if let Some(count) = self.by_cause.get_mut(&cause) {
                    *count -= 1;
                    if *count == 0 {
                        self.by_cause.remove(&cause);
                    }
                }
            }
            None => {}
        }
        match placement {
            Some(Placement::Free(rank)) => self.ranking.insert(rank, key),
            Some(Placement::Full) => {
                self.full.insert(key);
            }
            Some(Placement::Restricted { cause, back, soonest, probe }) => {
                self.returning.insert((back, key));
                self.soonest.insert((soonest, key));
                self.probeable.extend(probe.map(|at| (at, key)));
                *self.by_cause.entry(cause).or_default() += 1;
            }
            None => {}
        }
    }

    pub(crate) fn placement(&self, key: CredentialKey) -> Option<Placement> {
        self.placements.get(&key).copied()
    }

    /// How it chooses.
    pub(crate) fn strategy(&self) -> Strategy {
        self.strategy
    }

    pub(crate) fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// The restricted ones, those that come back first before the others.
    pub(crate) fn returning(&self) -> impl Iterator<Item = CredentialKey> {
        self.returning.iter().map(|(_, key)| *key)
    }

    /// The restricted ones, by when they may be had at the soonest.
    pub(crate) fn soonest(&self) -> impl Iterator<Item = (Boot, CredentialKey)> {
        self.soonest.iter().copied()
    }

    /// The restricted ones that a probe may be let through to, by when; those first that have waited longest.
    pub(crate) fn probeable(&self) -> impl Iterator<Item = (Boot, CredentialKey)> {
        self.probeable.iter().copied()
    }

    /// Whether `key` is free, and as free as `other`.
    pub(crate) fn is_as_free(&self, key: CredentialKey, other: CredentialKey) -> bool {
        match (self.placement(key), self.placement(other)) {
            (Some(Placement::Free(rank)), Some(Placement::Free(best))) => rank.full_tier() <= best.full_tier(),
            _ => false,
        }
    }

    pub(crate) fn full(&self) -> &BTreeSet<CredentialKey> {
        &self.full
    }

    pub(crate) fn by_cause(&self) -> &BTreeMap<Cause, usize> {
        &self.by_cause
    }

    pub(crate) fn len(&self) -> usize {
        self.placements.len()
    }

    /// What differs between two views, but for the order that chance gave to a shuffled one.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let same_ranking = match (&self.ranking, &other.ranking) {
            (Ranking::Ordered(a), Ranking::Ordered(b)) => a == b,
            (Ranking::Shuffled { .. }, Ranking::Shuffled { .. }) => self.ranking.len() == other.ranking.len(),
            _ => false,
        };
        same_ranking
            && self.strategy == other.strategy
            && self.placements == other.placements
            && self.returning == other.returning
            && self.soonest == other.soonest
            && self.probeable == other.probeable
            && self.full == other.full
            && self.by_cause == other.by_cause
    }
}

/// What is derived of one pool.
#[derive(Clone, Debug)]
pub(crate) struct PoolIndex {
    /// The defined credentials, in order.
    pub(crate) members: BTreeSet<(u32, CredentialKey)>,
    /// All credentials, the retired ones too.
    pub(crate) by_id: BTreeMap<Arc<str>, CredentialKey>,
    /// Its accounts.
    pub(crate) accounts: BTreeMap<Arc<str>, AccountKey>,
    /// Who may lease what.
    pub(crate) lists: Lists,
    /// The views that have been asked for; the one of the plain need is always there.
    pub(crate) views: BTreeMap<Need, View>,
    /// The needs of `views`, the one used last at the end.
    pub(crate) recent: Vec<Need>,
    /// Restrictions in force, by the single model that they cover.
    pub(crate) restricted_models: BTreeMap<Model, usize>,
    /// Quota windows, by the single model whose use they count.
    pub(crate) metered_models: BTreeMap<Model, usize>,
    /// Restrictions in force for want of a secret.
    pub(crate) without_secret: usize,
    /// Defined credentials by state.
    pub(crate) states: BTreeMap<State, usize>,
    /// Live leases.
    pub(crate) leases: BTreeSet<LeaseNo>,
    /// Who waits, by what is wanted.
    pub(crate) queues: BTreeMap<Wants, Queue>,
    /// When time alone gives something to somebody who waits.
    pub(crate) wake: Option<Boot>,
    /// What is remembered of it.
    pub(crate) history: HistoryIndex,
}

impl PoolIndex {
    pub(crate) fn new(strategy: Strategy) -> Self {
        Self {
            members: BTreeSet::new(),
            by_id: BTreeMap::new(),
            accounts: BTreeMap::new(),
            lists: Lists::default(),
            views: BTreeMap::from([(Need::default(), View::new(strategy))]),
            recent: Vec::new(),
            restricted_models: BTreeMap::new(),
            metered_models: BTreeMap::new(),
            without_secret: 0,
            states: BTreeMap::new(),
            leases: BTreeSet::new(),
            queues: BTreeMap::new(),
            wake: None,
            history: HistoryIndex::default(),
        }
    }
}

/// What becomes due on the boot clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A lease expires.
    Lease(LeaseNo),
    /// A restriction opens, unless the wall clock keeps it closed.
    Opens(Identity),
    /// A probe has not answered.
    Silence(Identity),
    /// A ramp ends.
    Ramp(Identity),
    /// Strikes are forgotten.
    Strikes(Identity),
    /// A retired credential is forgotten.
    Retired(CredentialKey),
    /// A quota window is believed no longer, unless the wall clock says otherwise.
    Fades(QuotaKey),
    /// A probe may go that somebody waits for.
    Wake(PoolKey),
    /// A waiter has waited long enough.
    Waiter(WaiterNo),
    /// A stage of a secret's renewal ends.
    Renewal(Arc<str>),
}

/// Everything that is derived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    pub(crate) pools: BTreeMap<PoolKey, PoolIndex>,
    pub(crate) pool_by_name: BTreeMap<Arc<str>, PoolKey>,
    /// The credentials of an account, the retired ones too.
    pub(crate) account_members: BTreeMap<AccountKey, BTreeSet<CredentialKey>>,
    /// How many leases, live and remembered, were granted on an account.
    pub(crate) account_leases: BTreeMap<AccountKey, usize>,
    /// Live leases on a credential, if any.
    pub(crate) in_flight: BTreeMap<CredentialKey, u32>,
    /// Those of them that are for one model.
    pub(crate) in_flight_for: BTreeMap<(CredentialKey, Model), u32>,
    /// The state that a defined credential is counted under.
    pub(crate) state: BTreeMap<CredentialKey, State>,
    /// Leases, live and remembered, by token.
    pub(crate) by_token: BTreeMap<TokenHash, LeaseNo>,
    /// Live bound leases.
    pub(crate) by_owner: BTreeSet<(Owner, LeaseNo)>,
    /// How many live leases there are.
    pub(crate) live: usize,
    /// How many live leases a connection has, with those that it waits for.
    pub(crate) live_of: BTreeMap<Owner, usize>,
    /// Whose answers a connection awaits.
    pub(crate) awaited: BTreeMap<Owner, BTreeSet<WaiterNo>>,
    /// How many of them are of one user.
    pub(crate) waiting_users: BTreeMap<u32, usize>,
    /// Pools in which something has changed that somebody may wait for.
    pub(crate) astir: BTreeSet<PoolKey>,
    /// The secrets that are being renewed, by ticket.
    pub(crate) tickets: BTreeMap<TokenHash, Arc<str>>,
    /// The same by who holds the ticket.
    pub(crate) renewing: BTreeSet<(Owner, Arc<str>)>,
    /// Sessions, by when they are forgotten.
    pub(crate) unbound: BTreeSet<(Boot, Tie)>,
    /// Remembered leases, by when they ended.
    pub(crate) ended: BTreeSet<(Boot, LeaseNo)>,
    /// What becomes due on the boot clock.
    pub(crate) due: BTreeSet<(Boot, Due)>,
    /// Restrictions whose boot part has passed, by their wall part.
    pub(crate) due_by_wall: BTreeSet<(Wall, Identity)>,
    /// Quota windows, by when they were heard of.
    pub(crate) quotas_by_age: BTreeSet<(Boot, QuotaKey)>,
    /// Quota windows whose boot part has passed, by their wall part.
    pub(crate) quotas_by_wall: BTreeSet<(Wall, QuotaKey)>,
    /// Credentials whose secret has not run out, by when it will.
    pub(crate) running_out: BTreeSet<(Wall, CredentialKey)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CredentialKey = CredentialKey(1);

    fn rank(key: u64) -> Rank {
        Rank { expired: false, reserve: false, tier: 0, key, order: 0 }
    }

    /// A view in which every part has something: one credential free, one full, one restricted.
    fn view() -> View {
        let mut view = View::new(Strategy::FillFirst);
        view.place(CredentialKey(0), Some(Placement::Free(rank(0))));
        view.place(KEY, Some(Placement::Full));
        view.place(
            CredentialKey(2),
            Some(Placement::Restricted { cause: Cause::Quota, back: Boot(9), soonest: Boot(8), probe: Some(Boot(8)) }),
        );
        view
    }

    #[test]
    fn a_view_agrees_only_with_its_like() {
        assert!(view().agrees_with(&view()));
        let spoil: [fn(&mut View); 9] = [
            |view| view.strategy = Strategy::LeastUsed,
            |view| view.placements.clear(),
            |view| view.ranking.remove(rank(0), CredentialKey(0)),
            |view| view.ranking = Ranking::new(Strategy::Random),
            |view| view.returning.clear(),
            |view| view.soonest.clear(),
            |view| view.probeable.clear(),
            |view| view.full.clear(),
            |view| view.by_cause.clear(),
        ];
        for (number, spoil) in spoil.into_iter().enumerate() {
            let mut spoilt = view();
            spoil(&mut spoilt);
            assert!(!view().agrees_with(&spoilt), "part {number} is not compared");
        }
    }
}
