//! The headers `retry-after-ms` and `retry-after`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::Found;
use super::moment::Moment;
use crate::facts::Facts;

/// `retry-after-ms` (OpenAI's and Azure's SDKs) is the finer one, so `retry-after` counts only where it says nothing.
pub(super) fn read(facts: &Facts<'_>, now_ms: u64, found: &mut Vec<Found>) {
    let before = found.len();
    read_header(facts, "retry-after-ms", "header:retry-after-ms", found, |value| {
        value.parse().ok().and_then(Moment::after_ms)
    });
    if found.len() > before {
        return;
    }
    let date = values(facts, "date").find_map(http_date);
    read_header(facts, "retry-after", "header:retry-after", found, |value| match value.parse() {
        // Fractions are not in RFC 9110, section 10.2.3, but vendors send them; some even send an instant.
        Ok(number) => Moment::from_number(number, now_ms),
        Err(_) => from_date(http_date(value)?, date, now_ms),
    });
}

fn read_header(
    facts: &Facts<'_>,
    name: &str,
    source: &'static str,
    found: &mut Vec<Found>,
    parse: impl Fn(&str) -> Option<Moment>,
) {
    found.extend(values(facts, name).filter_map(|value| {
        let moment = parse(value)?;
        Some(Found { moment, source, raw: value.to_owned() })
    }));
}

fn values<'a>(facts: &Facts<'a>, name: &str) -> impl Iterator<Item = &'a str> {
    facts.headers.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.trim())
}

/// The server's `Date` turns its instant into a duration, which is right even where the two clocks differ.
fn from_date(until: SystemTime, date: Option<SystemTime>, now_ms: u64) -> Option<Moment> {
    match date {
        Some(date) => Moment::after_ms(until.duration_since(date).ok()?.as_secs_f64() * 1e3),
        None => Moment::at(until.duration_since(UNIX_EPOCH).ok()?.as_secs_f64() * 1e3, now_ms),
    }
}

fn http_date(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value).ok()
}

#[cfg(test)]
mod tests {
    use super::super::MAX_HINT_MS;
    use super::*;

    const NOW: u64 = 1_795_471_600_000;

    fn moments(headers: &[(&str, &str)]) -> Vec<Moment> {
        let mut found = Vec::new();
        read(&Facts { headers, ..Facts::default() }, NOW, &mut found);
        found.into_iter().map(|found| found.moment).collect()
    }

    #[test]
    fn durations() {
        assert_eq!(moments(&[("retry-after", "30")]), [Moment::After(30_000)]);
        assert_eq!(moments(&[("retry-after", " 1.5 ")]), [Moment::After(1_500)]);
        assert_eq!(moments(&[("retry-after", "121180")]), [Moment::After(121_180_000)]);
        assert_eq!(moments(&[("retry-after", "99999999")]), [Moment::After(MAX_HINT_MS)]);
        for useless in ["0", "-1", "nan", "inf", "1e400", "soon", "", "12 s"] {
            assert_eq!(moments(&[("retry-after", useless)]), [], "{useless:?}");
        }
    }

    #[test]
    fn milliseconds_come_first_where_they_say_something() {
        assert_eq!(moments(&[("retry-after", "2"), ("retry-after-ms", "1500.2")]), [Moment::After(1_501)]);
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
        // The server's clock is an hour behind ours: what counts is that it means ten seconds.
        let until_then = ("retry-after", "Mon, 23 Nov 2026 21:06:50 GMT");
        assert_eq!(moments(&[until_then]), []);
        assert_eq!(moments(&[until_then, ("date", "Mon, 23 Nov 2026 21:06:40 GMT")]), [Moment::After(10_000)]);
        assert_eq!(moments(&[until_then, ("date", "Mon, 23 Nov 2026 21:06:50 GMT")]), []);
        assert_eq!(moments(&[until, ("date", "yesterday")]), [Moment::At(NOW + 30_000)]);
    }
}
