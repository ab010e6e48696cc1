//! What follows from the kind of a limit where nobody says when it is over.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::moment::{Clock, Moment};
use crate::evidence::Evidence;
use crate::places::Unit;
use crate::rules::Until;
use crate::signals::Signals;

/// The US Pacific coast's time, with its summers (POSIX.1-2024, XBD 8.3, TZ). A database of time zones is not asked
/// for.
const PACIFIC: &str = "PST8PDT,M3.2.0,M11.1.0";

/// When it is over by what `until` says, and the evidence if there is some beside the rule's own.
pub(super) fn deduce(until: Until, signals: &Signals, clock: Clock) -> Option<(Moment, Option<Evidence>)> {
    match until {
        Until::Hint | Until::Person => None,
        Until::NextMonth | Until::HintOrNextMonth => Some((midnight(clock, &TimeZone::UTC, Next::Month)?, None)),
        Until::HintOrNextDay => Some((midnight(clock, &TimeZone::UTC, Next::Day)?, None)),
        Until::HintOrWithin(ms) => Some((Moment::After(ms), None)),
        Until::HintOrQuotaWindow => quota(signals, clock),
    }
}

/// Google's quotas are named after their windows: `GenerateRequestsPerDayPerProjectPerModel-FreeTier`. A day ends at
/// midnight Pacific time (Gemini API docs, rate limits; reports of 00:00 UTC are not believed), a minute within a
/// minute (gemini-cli, googleQuotaErrors.ts, waits that long).
fn quota(signals: &Signals, clock: Clock) -> Option<(Moment, Option<Evidence>)> {
    let named = |words: &[&str]| {
        let mut names = signals.resets.iter().filter(|reset| reset.unit == Unit::QuotaName);
        names.find(|reset| words.iter().any(|word| reset.value.to_ascii_lowercase().contains(word)))
    };
    let (moment, reset) = if let Some(reset) = named(&["perday", "daily"]) {
        (midnight(clock, &TimeZone::posix(PACIFIC).ok()?, Next::Day)?, reset)
    } else {
        (Moment::After(60_000), named(&["perminute"])?)
    };
    Some((moment, Some(Evidence::new(reset.source, &reset.value))))
}

#[derive(Clone, Copy)]
enum Next {
    Day,
    Month,
}

/// The next midnight there, or the one before the first day of the next month, by the other side's clock.
fn midnight(clock: Clock, place: &TimeZone, next: Next) -> Option<Moment> {
    let now = Timestamp::from_millisecond(i64::try_from(clock.theirs_ms()).ok()?).ok()?;
    let today = place.to_datetime(now).date();
    let day = match next {
        Next::Day => today.checked_add(1.day()).ok()?,
        Next::Month => today.first_of_month().checked_add(1.month()).ok()?,
    };
    let midnight = place.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "an instant in milliseconds fits for 285,000 years")]
    Moment::at(midnight.as_millisecond() as f64, clock)
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;
    use crate::facts::Facts;

    /// 2026-11-23T22:06:40Z.
    const NOW: u64 = 1_795_471_600_000;
    const CLOCK: Clock = Clock { zone: Offset::UTC, now_ms: NOW, ahead_ms: 0 };

    fn deduced(until: Until, body: &str) -> Option<Moment> {
        let signals = Signals::read(&Facts { body: Some(body), ..Facts::default() });
        deduce(until, &signals, CLOCK).map(|(moment, _)| moment)
    }

    #[test]
    fn days_and_months_end() {
        assert_eq!(deduced(Until::NextMonth, ""), Some(Moment::At(1_796_083_200_000)));
        assert_eq!(deduced(Until::HintOrNextMonth, ""), Some(Moment::At(1_796_083_200_000)));
        assert_eq!(deduced(Until::HintOrNextDay, ""), Some(Moment::At(1_795_478_400_000)));
        assert_eq!(deduced(Until::HintOrWithin(60_000), ""), Some(Moment::After(60_000)));
        assert_eq!(deduced(Until::Hint, ""), None);
        assert_eq!(deduced(Until::Person, ""), None);
    }

    #[test]
    fn quotas_are_named_after_their_windows() {
        let quota = |names: &[&str]| {
            let violations: Vec<String> = names.iter().map(|name| format!(r#"{{"quotaId":"{name}"}}"#)).collect();
            let body = format!(r#"{{"error":{{"details":[{{"violations":[{}]}}]}}}}"#, violations.join(","));
            deduced(Until::HintOrQuotaWindow, &body)
        };
        let pacific_midnight = Moment::At(1_795_478_400_000 + 8 * 3_600_000);
        assert_eq!(quota(&["RequestsPerMinute", "GenerateRequestsPerDayPerProject"]), Some(pacific_midnight));
        // Where it is an hour later, today ends an hour sooner.
        let ahead = Clock { ahead_ms: 3_600_000, ..CLOCK };
        assert_eq!(midnight(ahead, &TimeZone::UTC, Next::Day), Some(Moment::At(1_795_478_400_000 - 3_600_000)));
        // 2026-07-01T12:00:00Z: in summer, midnight is an hour earlier.
        let summer = Clock { now_ms: 1_782_907_200_000, ..CLOCK };
        let tz = TimeZone::posix(PACIFIC).expect("a time zone");
        assert_eq!(midnight(summer, &tz, Next::Day), Some(Moment::At(1_782_907_200_000 + 19 * 3_600_000)));
        assert_eq!(quota(&["GenerateRequestsPerMinutePerProject"]), Some(Moment::After(60_000)));
        assert_eq!(quota(&["Whatever"]), None);
        assert_eq!(quota(&[]), None);
    }
}
