//! Reset hints: when the provider says that it is over.
//!
//! Each reader yields what it found as [`Found`]. The latest of them wins, separately for durations and for absolute
//! instants, because the two run on different clocks: whoever restricts waits until both have passed.

mod body;
mod calendar;
mod duration;
mod fields;
mod instant;
mod moment;
mod prose;
mod retry_after;

use std::borrow::Cow;

use jiff::tz::Offset;

use crate::evidence::Evidence;
use crate::facts::Facts;
use crate::kind::Kind;
use crate::rules::Until;
use crate::signals::Signals;
use crate::vendor::Vendor;
use crate::windows::{self, Draft};
pub(crate) use moment::{Clock, Moment};

/// 35 days, in milliseconds: no hint reaches further. The longest window that a vendor is known to have is a month.
pub const MAX_HINT_MS: u64 = 35 * 24 * 60 * 60 * 1_000;

/// A server's clock that is off by less is not off: `Date` counts whole seconds, and reports take a while.
const LEAST_SKEW_MS: u64 = 5_000;

/// When the provider says that it is over. At least one of the two is there; it is over when both have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// From now, in milliseconds: 1 to [`MAX_HINT_MS`].
    pub after_ms: Option<u64>,
    /// At this Unix time, in milliseconds: later than now, at most [`MAX_HINT_MS`] from it.
    pub at_ms: Option<u64>,
}

impl From<Moment> for Hint {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::After(ms) => Self { after_ms: Some(ms), at_ms: None },
            Moment::At(ms) => Self { after_ms: None, at_ms: Some(ms) },
        }
    }
}

/// How good a hint is. Of a better sort one is enough, and worse ones are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// When a bucket will be full again. A request gets through long before that.
    Refilled,
    /// When the vendor says to come back, or when a window that is spent opens again.
    Stated,
}

/// One hint and where it stood.
pub(crate) struct Found {
    pub(crate) moment: Moment,
    pub(crate) source: Cow<'static, str>,
    pub(crate) raw: String,
    pub(crate) worth: Worth,
}

impl Found {
    fn stated(moment: Moment, source: &'static str, raw: &str) -> Self {
        Self { moment, source: Cow::Borrowed(source), raw: raw.to_owned(), worth: Worth::Stated }
    }
}

/// The clock of whoever sent these headers. Whose noon it is where no zone is named, a daemon cannot know, and servers
/// mostly live by UTC; Z.ai's by Beijing's time (hugalafutro/model-hotel#955 compares its texts with its API).
pub(crate) fn clock(signals: &Signals, vendor: Vendor, now_ms: u64) -> Clock {
    let zone = if vendor == Vendor::Zai { Offset::constant(8) } else { Offset::UTC };
    let date = signals.header("date").find_map(|date| instant::whole(date, Offset::UTC));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "both are instants in milliseconds; `as` saturates"
    )]
    let ahead_ms = date.map_or(0, |date| (date - now_ms as f64) as i64);
    Clock { zone, now_ms, ahead_ms: if ahead_ms.unsigned_abs() > LEAST_SKEW_MS { ahead_ms } else { 0 } }
}

/// A reset as a header has it: a number, a duration or an instant.
pub(crate) fn header_moment(value: &str, clock: Clock) -> Option<Moment> {
    Moment::from_text(value, clock)
}

/// The hint in `facts`, with the evidence of the latest one if it stood anywhere.
pub(crate) fn read(
    facts: &Facts<'_>,
    signals: &Signals,
    windows: &[Draft],
    kind: Kind,
    until: Until,
    clock: Clock,
) -> Option<(Hint, Option<Evidence>)> {
    let now_ms = clock.now_ms;
    let mut found = Vec::new();
    if until.heeds_hints() {
        retry_after::read(signals, clock, &mut found);
        fields::read(facts, clock, &mut found);
        body::read(&signals.resets, clock, &mut found);
        prose::read(&signals.prose, clock, &mut found);
        if matches!(kind, Kind::RateLimit | Kind::Quota) {
            found.extend(windows::hints(windows));
        }
    }
    let Some(best) = found.iter().map(|found| found.worth).max() else {
        return calendar::deduce(until, signals, clock).map(|(moment, evidence)| (moment.into(), evidence));
    };
    found.retain(|found| found.worth == best);
    let latest = found.iter().max_by_key(|found| found.moment.at_ms(now_ms))?;
    let evidence = Evidence::new(latest.source.clone(), &latest.raw);
    let mut hint = Hint::default();
    for found in &found {
        match found.moment {
            Moment::After(ms) => hint.after_ms = hint.after_ms.max(Some(ms)),
            Moment::At(ms) => hint.at_ms = hint.at_ms.max(Some(ms)),
        }
    }
    Some((hint, Some(evidence)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Scalar;

    const NOW: u64 = 1_795_471_600_000;

    fn hint(facts: &Facts<'_>) -> Option<(Hint, String)> {
        let signals = Signals::read(facts);
        let clock = clock(&signals, Vendor::Other, NOW);
        let drafts = windows::read(&signals, Vendor::Other, None, clock);
        read(facts, &signals, &drafts, Kind::RateLimit, Until::Hint, clock)
            .map(|(hint, evidence)| (hint, evidence.map_or_else(String::new, |e| format!("{}={}", e.source, e.raw))))
    }

    #[test]
    fn the_latest_wins_on_each_clock() {
        let facts = Facts {
            headers: &[("retry-after", "30")],
            reset_at: Some(Scalar::Number(1_795_471_660.0)),
            resets_at: Some(Scalar::Text("2026-11-23T22:07:10Z")),
            retry_after: Some(Scalar::Text("40")),
            ..Facts::default()
        };
        let expected = Hint { after_ms: Some(40_000), at_ms: Some(NOW + 60_000) };
        assert_eq!(hint(&facts), Some((expected, "field:reset_at=1795471660".to_owned())));
    }

    #[test]
    fn a_full_bucket_is_waited_for_only_if_nobody_says_more() {
        let bucket = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")];
        let full = Hint { after_ms: Some(360_000), at_ms: None };
        let alone = Facts { headers: &bucket, ..Facts::default() };
        assert_eq!(hint(&alone), Some((full, "header:x-ratelimit-reset-requests=6m0s".to_owned())));
        let stated = Facts { message: Some("Please try again in 2s"), ..alone };
        let soon = Hint { after_ms: Some(2_000), at_ms: None };
        assert_eq!(hint(&stated), Some((soon, "message=2s".to_owned())));
    }

    #[test]
    fn a_window_that_is_not_spent_is_no_reason_to_wait() {
        let headers = [
            ("x-ratelimit-remaining-requests", "12"),
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "7s"),
        ];
        let expected = Hint { after_ms: Some(7_000), at_ms: None };
        let found = hint(&Facts { headers: &headers, ..Facts::default() });
        assert_eq!(found, Some((expected, "header:x-ratelimit-reset-tokens=7s".to_owned())));
    }

    #[test]
    fn a_clock_is_off_from_more_than_five_seconds_on() {
        let ahead_ms = |date| {
            let headers = [("date", date)];
            clock(&Signals::read(&Facts { headers: &headers, ..Facts::default() }), Vendor::Other, NOW).ahead_ms
        };
        assert_eq!(ahead_ms("Mon, 23 Nov 2026 22:06:45 GMT"), 0);
        assert_eq!(ahead_ms("Mon, 23 Nov 2026 22:06:46 GMT"), 6_000);
        assert_eq!(ahead_ms("Mon, 23 Nov 2026 22:06:35 GMT"), 0);
        assert_eq!(ahead_ms("Mon, 23 Nov 2026 22:06:34 GMT"), -6_000);
    }
}
