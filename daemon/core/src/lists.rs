//! Lists: what a profile may lease from a pool, in which order, and how one is chosen.
//!
//! A list that has all of a pool in its own order and chooses as the pool does is no other view of it, and is not treated
//! as one: who leases by it shares the plain view.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Listing;
use crate::machine::Core;
use crate::policy::Strategy;
use crate::records::{CredentialKey, List, ListKey, PoolKey, Profile};
use crate::tables::Touched;

/// What is derived of a pool's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    /// By which list a profile leases; `None` is the whole pool in its own order.
    of_profile: BTreeMap<Profile, Option<ListKey>>,
    /// Where a credential stands in each list that is not the whole pool in its own order.
    places: BTreeMap<CredentialKey, BTreeMap<ListKey, u32>>,
    /// Whether one of them goes by quota windows.
    weigh_quota: bool,
}

impl Lists {
    /// By which list a profile leases; `None` if by none.
    pub(crate) fn of_profile(&self, profile: &str) -> Option<Option<ListKey>> {
        self.of_profile.get(profile).copied()
    }

    /// The lists that have a credential.
    pub(crate) fn of(&self, key: CredentialKey) -> impl Iterator<Item = ListKey> {
        self.places.get(&key).into_iter().flat_map(|places| places.keys().copied())
    }

    /// Where a credential stands in a list.
    pub(crate) fn place(&self, key: CredentialKey, list: ListKey) -> Option<u32> {
        self.places.get(&key)?.get(&list).copied()
    }

    /// Whether one of them goes by quota windows.
    pub(crate) fn weigh_quota(&self) -> bool {
        self.weigh_quota
    }

    /// How many profiles lease by them, which is at least as many as there are lists.
    pub(crate) fn len(&self) -> usize {
        self.of_profile.len()
    }
}

impl Core {
    /// Takes over who may lease what of a pool, whose definitions have `keys`.
    pub(crate) fn define_lists(&mut self, pool: PoolKey, listings: Vec<Listing>, keys: &[CredentialKey]) {
        let before: Vec<ListKey> = self.lists(pool).map(|list| list.key).collect();
        let mut kept = BTreeSet::new();
        let mut named = BTreeSet::new();
        for Listing { profiles, members, strategy } in listings {
            let profiles: Vec<Profile> =
                profiles.into_iter().filter(|profile| named.insert(Profile::clone(profile))).collect();
            if profiles.is_empty() {
                continue;
            }
            let mut listed = BTreeSet::new();
            let members = members.iter().filter_map(|place| keys.get(*place).copied());
            let members: Vec<CredentialKey> = members.filter(|key| listed.insert(*key)).collect();
            let same = |key: &&ListKey| self.records.lists.get(key).is_some_and(|list| list.profiles == profiles);
            let key = match before.iter().find(same) {
                Some(key) => *key,
                None => ListKey(self.next_key()),
            };
            kept.insert(key);
            let list = List { key, pool, profiles, members, strategy };
            if self.records.lists.get(&key) != Some(&list) {
                self.records.lists.insert(key, list);
                self.touch(Touched::List(key));
            }
        }
        for key in before.into_iter().filter(|key| !kept.contains(key)) {
            self.records.lists.remove(&key);
            self.touch(Touched::List(key));
        }
        let lists = self.derive_lists(pool);
        if let Some(pool) = self.index.pools.get_mut(&pool) {
            pool.lists = lists;
        }
    }

    /// What follows from the lists of a pool.
    pub(crate) fn derive_lists(&self, pool: PoolKey) -> Lists {
        let mut lists = Lists::default();
        for list in self.lists(pool) {
            let is_all =
                list.strategy == self.strategy(pool, None) && self.members(pool).eq(list.members.iter().copied());
            let key = (!is_all).then_some(list.key);
            lists.weigh_quota |= list.strategy.weighs_quota();
            lists.of_profile.extend(list.profiles.iter().map(|profile| (Profile::clone(profile), key)));
            for (place, member) in (0..).zip(&list.members).filter(|_| !is_all) {
                lists.places.entry(*member).or_default().insert(list.key, place);
            }
        }
        lists
    }

    /// How a list chooses; `None` is the whole pool.
    pub(crate) fn strategy(&self, pool: PoolKey, list: Option<ListKey>) -> Strategy {
        match list {
            Some(list) => self.records.lists.get(&list).map(|list| list.strategy),
            None => self.records.pools.get(&pool).map(|pool| pool.policy.strategy),
        }
        .unwrap_or_default()
    }

    /// The credentials of a list, in order; `None` is the whole pool.
    pub(crate) fn members_of(&self, pool: PoolKey, list: Option<ListKey>) -> impl Iterator<Item = CredentialKey> {
        let of_list = list.and_then(|list| self.records.lists.get(&list)).map(|list| list.members.iter().copied());
        let of_pool = list.is_none().then(|| self.members(pool));
        of_list.into_iter().flatten().chain(of_pool.into_iter().flatten())
    }
}
