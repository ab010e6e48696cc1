//! Resets in the fields of a body.

use super::Found;
use super::moment::{Clock, Moment};
use crate::places::Unit;
use crate::signals::Reset;

/// Reads every field that states when it is over. The names of quotas are none.
pub(super) fn read(resets: &[Reset], clock: Clock, found: &mut Vec<Found>) {
    for (index, reset) in resets.iter().enumerate() {
        let number = || reset.value.parse::<f64>().ok();
        let moment = match reset.unit {
            Unit::Seconds => {
                let nanos = resets.get(index + 1).filter(|next| next.unit == Unit::Nanoseconds);
                match nanos.and_then(|nanos| Some(number()? + nanos.value.parse::<f64>().ok()? / 1e9)) {
                    Some(seconds) => Moment::from_number(seconds, clock),
                    None => Moment::from_text(&reset.value, clock),
                }
            }
            Unit::Milliseconds => number().and_then(Moment::after_ms),
            Unit::Nanoseconds | Unit::QuotaName => None,
        };
        if let Some(moment) = moment {
            found.push(Found::stated(moment, reset.source, &reset.value));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    const NOW: u64 = 1_795_471_600_000;

    fn moments(resets: &[(Unit, &str)]) -> Vec<Moment> {
        let resets: Vec<Reset> = resets
            .iter()
            .map(|(unit, value)| Reset { source: "body:x", unit: *unit, value: (*value).to_owned() })
            .collect();
        let mut found = Vec::new();
        read(&resets, Clock { zone: Offset::UTC, now_ms: NOW, ahead_ms: 0 }, &mut found);
        found.into_iter().map(|found| found.moment).collect()
    }

    #[test]
    fn units() {
        assert_eq!(moments(&[(Unit::Seconds, "34.07s")]), [Moment::After(34_070)]);
        assert_eq!(moments(&[(Unit::Seconds, "13872")]), [Moment::After(13_872_000)]);
        assert_eq!(moments(&[(Unit::Seconds, "1795471630")]), [Moment::At(NOW + 30_000)]);
        assert_eq!(moments(&[(Unit::Seconds, "1795471630500")]), [Moment::At(NOW + 30_500)]);
        assert_eq!(moments(&[(Unit::Seconds, "2026-11-23T22:07:10Z")]), [Moment::At(NOW + 30_000)]);
        assert_eq!(moments(&[(Unit::Milliseconds, "1500.2")]), [Moment::After(1_501)]);
        assert_eq!(moments(&[(Unit::Seconds, "34"), (Unit::Nanoseconds, "74824224")]), [Moment::After(34_075)]);
        assert_eq!(moments(&[(Unit::Seconds, "soon"), (Unit::QuotaName, "PerDay"), (Unit::Milliseconds, "x")]), []);
    }
}
