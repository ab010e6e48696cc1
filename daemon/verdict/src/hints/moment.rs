//! One moment in the future, as vendors write it: a duration or an instant, told apart by form and magnitude.

use jiff::tz::Offset;

use super::{MAX_HINT_MS, duration, instant};
use crate::facts::Scalar;

/// Below it a number is a duration in seconds: 10^9 s is September 2001 as an instant and 31 years as a duration.
const LEAST_EPOCH_S: f64 = 1e9;

/// Above it a number is an instant in milliseconds. hermes-agent draws the same line.
const MOST_EPOCH_S: f64 = 1e12;

/// A moment later than now, at most [`MAX_HINT_MS`] away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Milliseconds from now.
    After(u64),
    /// Milliseconds of Unix time.
    At(u64),
}

/// The clock that instants are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Where it is what o'clock, if an instant does not say.
    pub(crate) zone: Offset,
    /// Now, in milliseconds of Unix time.
    pub(crate) now_ms: u64,
    /// By how much the other side's clock is ahead of ours, in milliseconds.
    pub(crate) ahead_ms: i64,
}

impl Clock {
    /// What the other side's clock says, in milliseconds of Unix time.
    pub(crate) fn theirs_ms(self) -> u64 {
        self.now_ms.saturating_add_signed(self.ahead_ms)
    }
}

impl Moment {
    /// In Unix milliseconds, for comparing moments of both sorts.
    pub(crate) fn at_ms(self, now_ms: u64) -> u64 {
        match self {
            Self::After(ms) => now_ms.saturating_add(ms),
            Self::At(ms) => ms,
        }
    }

    /// This many milliseconds from now; `None` unless that is a finite, positive and plausible number.
    pub(crate) fn after_ms(ms: f64) -> Option<Self> {
        plausible(ms).map(Self::After)
    }

    /// At this time of the other side's clock, in Unix milliseconds; `None` unless that is later than now, and
    /// plausible.
    pub(crate) fn at(ms: f64, clock: Clock) -> Option<Self> {
        // Both are far below 2^53, where a float holds every integer.
        #[expect(clippy::cast_precision_loss, reason = "an instant in milliseconds fits for 285,000 years")]
        let (now, ahead) = (clock.now_ms as f64, clock.ahead_ms as f64);
        let left = plausible(ms.ceil() - ahead - now)?;
        Some(Self::At(clock.now_ms.saturating_add(left)))
    }

    /// A number of seconds from now, or an instant in seconds or milliseconds, by its magnitude.
    pub(crate) fn from_number(number: f64, clock: Clock) -> Option<Self> {
        if number > MOST_EPOCH_S {
            Self::at(number, clock)
        } else if number >= LEAST_EPOCH_S {
            Self::at(number * 1e3, clock)
        } else {
            Self::after_ms(number * 1e3)
        }
    }

    /// A number, a duration with units, or an instant in words.
    pub(crate) fn from_text(text: &str, clock: Clock) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            return Self::from_number(number, clock);
        }
        if let Some(ms) = duration::whole(text) {
            return Self::after_ms(ms);
        }
        instant::whole(text, clock.zone).and_then(|ms| Self::at(ms, clock))
    }

    /// As [`Moment::from_text`], or a number as it is.
    pub(crate) fn from_scalar(scalar: Scalar<'_>, clock: Clock) -> Option<Self> {
        match scalar {
            Scalar::Number(number) => Self::from_number(number, clock),
            Scalar::Text(text) => Self::from_text(text, clock),
        }
    }
}

/// Rounded up, as a retry that comes a moment too early is a retry wasted; refused if no vendor can mean it. What is
/// refused is no hint: a guess that grows serves better than a wait of ten years.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "it has been checked to be positive and small"
)]
fn plausible(ms: f64) -> Option<u64> {
    (ms > 0.0 && ms.ceil() <= MAX_HINT_MS as f64).then(|| ms.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_471_600_000;
    const CLOCK: Clock = Clock { zone: Offset::UTC, now_ms: NOW, ahead_ms: 0 };

    #[test]
    fn numbers_by_magnitude() {
        let cases = [
            (0.0, None),
            (-5.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (f64::NEG_INFINITY, None),
            (30.0, Some(Moment::After(30_000))),
            (0.0004, Some(Moment::After(1))),
            (1.0001, Some(Moment::After(1_001))),
            (3_024_000.0, Some(Moment::After(MAX_HINT_MS))),
            (3_024_001.0, None),
            (999_999_999.0, None),
            (1e9, None),
            (1_795_471_600.0, None),
            (1_795_471_600.001, Some(Moment::At(NOW + 1))),
            (1_795_471_660.0, Some(Moment::At(NOW + 60_000))),
            (4_102_444_800.0, None),
            (1_795_471_600_000.0, None),
            (1_795_471_600_001.0, Some(Moment::At(NOW + 1))),
            (1e300, None),
        ];
        for (number, expected) in cases {
            assert_eq!(Moment::from_scalar(Scalar::Number(number), CLOCK), expected, "{number}");
            assert_eq!(Moment::from_scalar(Scalar::Text(&number.to_string()), CLOCK), expected, "{number} as text");
        }
    }

    #[test]
    fn instants_and_durations_as_text() {
        let cases = [
            ("2026-11-23T22:06:40Z", None),
            ("2026-11-23T22:06:41Z", Some(Moment::At(NOW + 1_000))),
            ("2026-11-23T23:06:41+01:00", Some(Moment::At(NOW + 1_000))),
            (" 2026-11-23T22:06:40.0000001+00:00 ", Some(Moment::At(NOW + 1))),
            ("2026-11-23 22:06:41", Some(Moment::At(NOW + 1_000))),
            ("Mon, 23 Nov 2026 22:06:41 GMT", Some(Moment::At(NOW + 1_000))),
            ("2100-01-01T00:00:00Z", None),
            ("1970-01-01T00:00:00Z", None),
            ("0001-01-01T00:00:00Z", None),
            ("6m0s", Some(Moment::After(360_000))),
            ("12ms", Some(Moment::After(12))),
            ("1h", Some(Moment::After(3_600_000))),
            ("0s", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Moment::from_text(text, CLOCK), expected, "{text:?}");
        }
    }

    #[test]
    fn the_other_sides_clock_counts() {
        let behind = Clock { ahead_ms: -3_600_000, ..CLOCK };
        assert_eq!(Moment::from_text("2026-11-23T21:06:41Z", behind), Some(Moment::At(NOW + 1_000)));
        assert_eq!(Moment::from_text("2026-11-23T21:06:40Z", behind), None);
    }
}
