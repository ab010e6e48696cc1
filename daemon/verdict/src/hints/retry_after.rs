//! The headers `retry-after-ms`, `x-ms-retry-after-ms` and `retry-after`.

use super::Found;
use super::moment::{Clock, Moment};
use crate::signals::Signals;

/// Milliseconds (`retry-after-ms` of OpenAI and Azure, `x-ms-retry-after-ms` of Azure) are the finer ones, so
/// `retry-after` counts only where they say nothing.
pub(super) fn read(signals: &Signals, clock: Clock, found: &mut Vec<Found>) {
    let before = found.len();
    for (name, source) in
        [("retry-after-ms", "header:retry-after-ms"), ("x-ms-retry-after-ms", "header:x-ms-retry-after-ms")]
    {
        read_header(signals, name, source, found, |value| value.parse().ok().and_then(Moment::after_ms));
    }
    if found.len() == before {
        // Fractions and units are not in RFC 9110, section 10.2.3, but vendors send them; some even send an instant.
        read_header(signals, "retry-after", "header:retry-after", found, |value| Moment::from_text(value, clock));
    }
}

fn read_header(
    signals: &Signals,
    name: &str,
    source: &'static str,
    found: &mut Vec<Found>,
    parse: impl Fn(&str) -> Option<Moment>,
) {
    found.extend(signals.header(name).filter_map(|value| Some(Found::stated(parse(value)?, source, value))));
}

#[cfg(test)]
mod tests {
    use super::super::clock;
    use super::*;
    use crate::facts::Facts;
    use crate::vendor::Vendor;

    const NOW: u64 = 1_795_471_600_000;

    fn moments(headers: &[(&str, &str)]) -> Vec<Moment> {
        let signals = Signals::read(&Facts { headers, ..Facts::default() });
        let mut found = Vec::new();
        read(&signals, clock(&signals, Vendor::Other, NOW), &mut found);
        found.into_iter().map(|found| found.moment).collect()
    }

    #[test]
    fn durations() {
        assert_eq!(moments(&[("retry-after", "30")]), [Moment::After(30_000)]);
        assert_eq!(moments(&[("retry-after", " 1.5 ")]), [Moment::After(1_500)]);
        assert_eq!(moments(&[("retry-after", "121180")]), [Moment::After(121_180_000)]);
        for useless in ["0", "-1", "nan", "inf", "1e400", "soon", "", "12 apples", "99999999"] {
            assert_eq!(moments(&[("retry-after", useless)]), [], "{useless:?}");
        }
    }

    #[test]
    fn milliseconds_come_first_where_they_say_something() {
        assert_eq!(moments(&[("retry-after", "2"), ("retry-after-ms", "1500.2")]), [Moment::After(1_501)]);
        assert_eq!(moments(&[("retry-after", "2"), ("x-ms-retry-after-ms", "1500")]), [Moment::After(1_500)]);
        assert_eq!(moments(&[("retry-after", "2"), ("retry-after-ms", "-1")]), [Moment::After(2_000)]);
    }

    #[test]
    fn several_values_all_count() {
        assert_eq!(
            moments(&[("retry-after", "2"), ("retry-after", "9")]),
            [Moment::After(2_000), Moment::After(9_000)]
        );
    }

    #[test]
    fn dates() {
        let until = ("retry-after", "Mon, 23 Nov 2026 22:07:10 GMT");
        assert_eq!(moments(&[until]), [Moment::At(NOW + 30_000)]);
        // Whoever reads HTTP dates has to accept these as well, also in the zone of a vendor that has one.
        for obsolete in ["Monday, 23-Nov-26 22:07:10 GMT", "Mon Nov 23 22:07:10 2026"] {
            assert_eq!(moments(&[("retry-after", obsolete)]), [Moment::At(NOW + 30_000)], "{obsolete}");
            assert_eq!(moments(&[until, ("date", obsolete)]), [], "{obsolete}");
        }
        // The server's clock is an hour behind ours: what counts is that it means ten seconds.
        let until_then = ("retry-after", "Mon, 23 Nov 2026 21:06:50 GMT");
        assert_eq!(moments(&[until_then]), []);
        assert_eq!(moments(&[until_then, ("date", "Mon, 23 Nov 2026 21:06:40 GMT")]), [Moment::At(NOW + 10_000)]);
        assert_eq!(moments(&[until_then, ("date", "Mon, 23 Nov 2026 21:06:50 GMT")]), []);
        assert_eq!(moments(&[until, ("date", "yesterday")]), [Moment::At(NOW + 30_000)]);
    }
}
