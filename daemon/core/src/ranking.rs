//! Who is next: the free credentials of one view, in the order of the pool's strategy.
//!
//! The lower tier always goes first. Tier 0 is "below its cap"; a credential at a soft cap is in the tier of its number
//! of leases, so that when all are at their caps the least busy one is shared. A credential whose secret has run out
//! comes after all the others, whatever their tiers: sharing one that works beats having one that does not. Before those
//! come the ones of which only the reserve is left.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::policy::Strategy;
use crate::records::CredentialKey;
use crate::rng::Rng;

/// Where a free credential stands. Lower goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// Whether its secret has run out: it goes after all whose has not.
    pub(crate) expired: bool,
    /// Whether only the reserve of its quota is left: it goes after all that have more.
    pub(crate) reserve: bool,
    /// 0 below its cap, else its number of leases.
    pub(crate) tier: u32,
    /// What the strategy goes by.
    pub(crate) key: u64,
    /// Its place among the definitions, which settles ties.
    pub(crate) order: u32,
}

impl Rank {
    /// What comes before anything that a strategy goes by.
    pub(crate) fn full_tier(self) -> Tier {
        (self.expired, self.reserve, self.tier)
    }
}

/// Whether it has run out, whether only the reserve is left, and the tier.
pub(crate) type Tier = (bool, bool, u32);

/// The free credentials of one view.
#[derive(Clone, Debug)]
pub(crate) enum Ranking {
    /// For strategies with an order.
    Ordered(BTreeSet<(Rank, CredentialKey)>),
    /// For `random`: an equal chance for each in the lowest tier, those that go last in tiers of their own.
    Shuffled {
        /// Dense, so that a draw is an index.
        tiers: BTreeMap<Tier, Vec<CredentialKey>>,
        /// Where each stands in its tier.
        places: BTreeMap<CredentialKey, usize>,
    },
}

impl Ranking {
    pub(crate) fn new(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Random => Self::Shuffled { tiers: BTreeMap::new(), places: BTreeMap::new() },
            _ => Self::Ordered(BTreeSet::new()),
        }
    }

    /// All of them; where there is an order, the next one first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = CredentialKey> {
        let (ordered, shuffled) = match self {
            Self::Ordered(set) => (Some(set), None),
            Self::Shuffled { tiers, .. } => (None, Some(tiers)),
        };
        let ordered = ordered.into_iter().flatten().map(|(_, key)| *key);
        ordered.chain(shuffled.into_iter().flat_map(BTreeMap::values).flatten().copied())
    }

    pub(crate) fn insert(&mut self, rank: Rank, key: CredentialKey) {
        match self {
            Self::Ordered(set) => {
                set.insert((rank, key));
            }
            Self::Shuffled { tiers, places } => {
                let tier = tiers.entry(rank.full_tier()).or_default();
                places.insert(key, tier.len());
                tier.push(key);
            }
        }
    }

    pub(crate) fn remove(&mut self, rank: Rank, key: CredentialKey) {
        match self {
            Self::Ordered(set) => {
                set.remove(&(rank, key));
            }
            Self::Shuffled { tiers, places } => {
                let Some(place) = places.remove(&key) else { return };
                let Some(tier) = tiers.get_mut(&rank.full_tier()) else { return };
                tier.swap_remove(place);
                if let Some(moved) = tier.get(place) {
                    places.insert(*moved, place);
                } else if tier.is_empty() {
                    tiers.remove(&rank.full_tier());
                }
            }
        }
    }

    /// The one to grant, passing over the few in `exclude`.
    pub(crate) fn pick(&self, exclude: &[CredentialKey], rng: &mut Rng) -> Option<CredentialKey> {
        match self {
            Self::Ordered(set) => set.iter().map(|(_, key)| *key).find(|key| !exclude.contains(key)),
            Self::Shuffled { tiers, places } => tiers.values().find_map(|tier| draw(tier, places, exclude, rng)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Ordered(set) => set.len(),
            Self::Shuffled { places, .. } => places.len(),
        }
    }
}

/// One of `tier` that is not in `exclude`, each with the same chance.
fn draw(
    tier: &[CredentialKey],
    places: &BTreeMap<CredentialKey, usize>,
    exclude: &[CredentialKey],
    rng: &mut Rng,
) -> Option<CredentialKey> {
    let mut excluded: Vec<usize> = exclude
        .iter()
        .filter_map(|key| places.get(key).copied().filter(|&place| tier.get(place) == Some(key)))
        .collect();
    excluded.sort_unstable();
    excluded.dedup();
    let left = (tier.len() - excluded.len()) as u64;
    if left == 0 {
        return None;
    }
    let mut place = usize::try_from(rng.below(left)).unwrap_or(usize::MAX);
    for hole in excluded {
        if place >= hole {
            place += 1;
        }
    }
    tier.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(tier: u32, key: u64, order: u32) -> Rank {
        Rank { expired: false, reserve: false, tier, key, order }
    }

    #[test]
    fn a_lower_tier_goes_before_a_better_key() {
        let mut ranking = Ranking::new(Strategy::LeastUsed);
        ranking.insert(rank(1, 0, 0), CredentialKey(0));
        ranking.insert(rank(0, 9, 1), CredentialKey(1));
        ranking.insert(rank(0, 9, 2), CredentialKey(2));
        let mut rng = Rng::new(0);
        assert_eq!(ranking.pick(&[], &mut rng), Some(CredentialKey(1)));
        assert_eq!(ranking.pick(&[CredentialKey(1)], &mut rng), Some(CredentialKey(2)));
        assert_eq!(ranking.pick(&[CredentialKey(1), CredentialKey(2)], &mut rng), Some(CredentialKey(0)));
        ranking.remove(rank(1, 0, 0), CredentialKey(0));
        assert_eq!(ranking.pick(&[CredentialKey(1), CredentialKey(2)], &mut rng), None);
    }

    #[test]
    fn a_secret_that_has_run_out_goes_last_however_free_it_is() {
        let mut rng = Rng::new(0);
        for strategy in [Strategy::FillFirst, Strategy::Random] {
            let mut ranking = Ranking::new(strategy);
            let expired = Rank { expired: true, ..rank(0, 0, 0) };
            ranking.insert(expired, CredentialKey(0));
            ranking.insert(rank(3, 9, 1), CredentialKey(1));
            assert_eq!(ranking.pick(&[], &mut rng), Some(CredentialKey(1)));
            assert_eq!(ranking.pick(&[CredentialKey(1)], &mut rng), Some(CredentialKey(0)));
            ranking.remove(expired, CredentialKey(0));
            assert_eq!(ranking.pick(&[CredentialKey(1)], &mut rng), None);
        }
    }

    #[test]
    fn a_draw_gives_each_of_the_rest_the_same_chance() {
        let mut ranking = Ranking::new(Strategy::Random);
        for key in 0..10 {
            ranking.insert(rank(0, 0, key), CredentialKey(key));
        }
        ranking.remove(rank(0, 0, 3), CredentialKey(3));
        let exclude = [CredentialKey(0), CredentialKey(9), CredentialKey(3), CredentialKey(0)];
        let mut rng = Rng::new(42);
        let mut drawn = BTreeMap::new();
        for _ in 0..7_000 {
            *drawn.entry(ranking.pick(&exclude, &mut rng).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(drawn.keys().map(|key| key.0).collect::<Vec<_>>(), [1, 2, 4, 5, 6, 7, 8]);
        // 1,000 expected of each; five standard deviations are 147.
        assert!(drawn.values().all(|count| (853..=1_147).contains(count)), "{drawn:?}");
    }

    #[test]
    fn a_draw_looks_beyond_a_tier_that_is_excluded_whole() {
        let mut ranking = Ranking::new(Strategy::Random);
        ranking.insert(rank(0, 0, 0), CredentialKey(0));
        ranking.insert(rank(2, 0, 1), CredentialKey(1));
        let mut rng = Rng::new(1);
        assert_eq!(ranking.pick(&[CredentialKey(0)], &mut rng), Some(CredentialKey(1)));
    }
}
