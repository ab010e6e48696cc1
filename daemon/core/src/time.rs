//! Time as an argument: two clocks, and deadlines that may stand on either.
//!
//! A duration ("try again in 30 s") runs on the boot clock, which no step of the wall clock touches and which goes on
//! through a suspend. An instant ("resets at 18:00") follows the wall clock. The core never asks for the time.

/// A point on the boot clock (`CLOCK_BOOTTIME`), in milliseconds since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Boot(pub u64);

/// A point on the wall clock, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Wall(pub u64);

impl Boot {
    /// The point `ms` milliseconds later, saturating.
    #[must_use]
    pub fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this point; 0 if that lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Wall {
    /// The point `ms` milliseconds later, saturating.
    #[must_use]
    pub fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this point; 0 if that lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Now {
    /// The boot clock.
    pub boot: Boot,
    /// The wall clock.
    pub wall: Wall,
}

/// When a restriction opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Until {
    /// When both clocks have passed their part; a part of 0 asks nothing of its clock.
    Passed {
        /// The duration's part.
        boot: Boot,
        /// The instant's part.
        wall: Wall,
    },
    /// Only when a person, or a new definition, lifts it.
    Lifted,
}

impl Until {
    /// The end of a duration.
    #[must_use]
    pub fn boot(boot: Boot) -> Self {
        Self::Passed { boot, wall: Wall(0) }
    }

    /// An instant of the wall clock.
    #[must_use]
    pub fn wall(wall: Wall) -> Self {
        Self::Passed { boot: Boot(0), wall }
    }

    /// The later of both, clock by clock: it has passed only when both have.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::Passed { boot, wall }, Self::Passed { boot: b, wall: w }) => {
                Self::Passed { boot: boot.max(b), wall: wall.max(w) }
            }
            _ => Self::Lifted,
        }
    }

    /// Milliseconds left at `now`; `None` if no clock ends it.
    #[must_use]
    pub fn remaining(self, now: Now) -> Option<u64> {
        match self {
            Self::Passed { boot, wall } => Some(boot.since(now.boot).max(wall.since(now.wall))),
            Self::Lifted => None,
        }
    }

    /// Whether it has passed at `now`.
    #[must_use]
    pub fn passed(self, now: Now) -> bool {
        self.remaining(now) == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { boot: Boot(1_000), wall: Wall(50_000) };

    #[test]
    fn a_deadline_on_both_clocks_waits_for_the_later() {
        let both = Until::boot(Boot(1_500)).max(Until::wall(Wall(50_200)));
        assert_eq!(both.remaining(NOW), Some(500));
        let stepped_back = Now { wall: Wall(40_000), ..NOW };
        assert_eq!(both.remaining(stepped_back), Some(10_200));
        assert!(both.passed(Now { boot: Boot(1_500), wall: Wall(50_200) }));
    }

    #[test]
    fn nothing_outlasts_what_a_person_must_lift() {
        assert_eq!(Until::Lifted.max(Until::boot(Boot(9))), Until::Lifted);
        assert_eq!(Until::Lifted.remaining(NOW), None);
        assert!(!Until::Lifted.passed(NOW));
    }
}
