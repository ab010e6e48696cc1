//! One moment in the future, as vendors write it: a duration or an instant, told apart by form and magnitude.

use jiff::Timestamp;

use super::MAX_HINT_MS;
use crate::facts::Scalar;

/// Below it a number is a duration in seconds: 10^9 s is September 2001 as an instant and 31 years as a duration.
const LEAST_EPOCH_S: f64 = 1e9;

/// Above it a number is an instant in milliseconds. hermes-agent draws the same line.
const MOST_EPOCH_S: f64 = 1e12;

/// A moment later than now, at most [`MAX_HINT_MS`] away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Milliseconds from now.
    After(u64),
    /// Milliseconds of Unix time.
    At(u64),
}

impl Moment {
    /// In Unix milliseconds, for comparing moments of both sorts.
    pub(super) fn at_ms(self, now_ms: u64) -> u64 {
        match self {
            Self::After(ms) => now_ms.saturating_add(ms),
            Self::At(ms) => ms,
        }
    }

    /// This many milliseconds from now; `None` unless that is a finite, positive number.
    pub(super) fn after_ms(ms: f64) -> Option<Self> {
        if !ms.is_finite() || ms <= 0.0 {
            return None;
        }
        Some(Self::After(ceil(ms).min(MAX_HINT_MS)))
    }

    /// At this Unix time; `None` if that is not later than now.
    pub(super) fn at(ms: f64, now_ms: u64) -> Option<Self> {
        if !ms.is_finite() || ms <= 0.0 {
            return None;
        }
        let ms = ceil(ms).min(now_ms.saturating_add(MAX_HINT_MS));
        (ms > now_ms).then_some(Self::At(ms))
    }

    /// A number of seconds from now, or an instant in seconds or milliseconds, by its magnitude.
    pub(super) fn from_number(number: f64, now_ms: u64) -> Option<Self> {
        if number > MOST_EPOCH_S {
            Self::at(number, now_ms)
        } else if number >= LEAST_EPOCH_S {
            Self::at(number * 1e3, now_ms)
        } else {
            Self::after_ms(number * 1e3)
        }
    }

    /// A number, the same as a string, or RFC 3339.
    pub(super) fn from_scalar(scalar: Scalar<'_>, now_ms: u64) -> Option<Self> {
        match scalar {
            Scalar::Number(number) => Self::from_number(number, now_ms),
            Scalar::Text(text) => {
                let text = text.trim();
                if let Ok(number) = text.parse() {
                    return Self::from_number(number, now_ms);
                }
                let instant: Timestamp = text.parse().ok()?;
                let ms = instant.as_nanosecond().div_euclid(1_000_000)
                    + i128::from(instant.as_nanosecond().rem_euclid(1_000_000) != 0);
                let ms = u64::try_from(ms).ok()?.min(now_ms.saturating_add(MAX_HINT_MS));
                (ms > now_ms).then_some(Self::At(ms))
            }
        }
    }
}

/// Rounded up: a retry that comes a moment too early is a retry wasted.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers have checked that it is positive, and `as` saturates"
)]
fn ceil(ms: f64) -> u64 {
    ms.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_471_600_000;

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
            (999_999_999.0, Some(Moment::After(MAX_HINT_MS))),
            (1e9, None),
            (1_795_471_600.0, None),
            (1_795_471_600.001, Some(Moment::At(NOW + 1))),
            (1_795_471_660.0, Some(Moment::At(NOW + 60_000))),
            (4_102_444_800.0, Some(Moment::At(NOW + MAX_HINT_MS))),
            (1_795_471_600_000.0, None),
            (1_795_471_600_001.0, Some(Moment::At(NOW + 1))),
            (1e300, Some(Moment::At(NOW + MAX_HINT_MS))),
        ];
        for (number, expected) in cases {
            assert_eq!(Moment::from_scalar(Scalar::Number(number), NOW), expected, "{number}");
            assert_eq!(Moment::from_scalar(Scalar::Text(&number.to_string()), NOW), expected, "{number} as text");
        }
    }

    #[test]
    fn instants_as_text() {
        let cases = [
            ("2026-11-23T22:06:40Z", None),
            ("2026-11-23T22:06:41Z", Some(Moment::At(NOW + 1_000))),
            ("2026-11-23T23:06:41+01:00", Some(Moment::At(NOW + 1_000))),
            (" 2026-11-23T22:06:40.0000001+00:00 ", Some(Moment::At(NOW + 1))),
            ("2100-01-01T00:00:00Z", Some(Moment::At(NOW + MAX_HINT_MS))),
            ("1970-01-01T00:00:00Z", None),
            ("0001-01-01T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
            ("1h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Moment::from_scalar(Scalar::Text(text), NOW), expected, "{text:?}");
        }
    }
}
