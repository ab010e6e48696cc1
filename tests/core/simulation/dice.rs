//! Chance that follows from a seed.

use credpool_core::Rng;

pub(super) struct Dice(Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Rng::new(seed ^ 0x5eed_0000_0000_0000))
    }

    /// From `least` to `most`, both included.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.below(most - least + 1)
    }

    /// True in `percent` of a hundred throws.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    pub(super) fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = usize::try_from(self.0.below(all.len() as u64)).ok()?;
        all.get(at).cloned()
    }

    /// For delays: mostly about `typical`, now and then much longer.
    pub(super) fn delay(&mut self, typical: u64) -> u64 {
        if self.chance(10) { self.between(typical, 8 * typical) } else { self.between(1, typical) }
    }
}
