//! Instants in words: HTTP dates, RFC 3339 and its loose relatives, `April 20, 2026 at 2:00 AM`. What names no zone is in
//! the vendor's.

use std::time::UNIX_EPOCH;

use jiff::civil::DateTime;
use jiff::tz::Offset;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A text that is an instant and nothing else, in milliseconds of Unix time, rounded up.
pub(super) fn whole(text: &str, zone: Offset) -> Option<f64> {
    if let Some(ms) = http_date(text.trim()) {
        return Some(ms);
    }
    let text = text.to_ascii_lowercase();
    let (ms, rest) = leading(&text, zone)?;
    rest.trim().is_empty().then_some(ms)
}

/// An HTTP date, also in the two obsolete forms that recipients have to accept (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<f64> {
    let date = httpdate::parse_http_date(text).ok()?;
    date.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64() * 1e3)
}

/// The instant that a text in lower case begins with, in milliseconds of Unix time, rounded up, and what comes after
/// it.
pub(super) fn leading(text: &str, zone: Offset) -> Option<(f64, &str)> {
    let mut text = Cursor(text);
    let (year, month, day) = text.year_first().or_else(|| text.day_first()).or_else(|| text.month_first())?;
    let time = text.time();
    let (hour, minute, second, nanos) = time.unwrap_or_default();
    let offset = time.and_then(|_| text.zone()).unwrap_or(zone);
    let civil = DateTime::new(year, month, day, hour, minute, second, nanos).ok()?;
    let instant = offset.to_timestamp(civil).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "an instant in milliseconds fits for 285,000 years")]
    let ms = (instant.as_millisecond() + i64::from(nanos % 1_000_000 > 0)) as f64;
    Some((ms, text.0))
}

/// The time of the day, in milliseconds since midnight UTC, that a text in lower case begins with, and what comes after
/// it. It must name UTC: a time alone is read by people, who take it for their own.
pub(super) fn time_of_day(text: &str) -> Option<(u64, &str)> {
    let mut text = Cursor(text);
    let hour = text.digits(1, 2).filter(|hour| *hour < 24)?;
    text.eat(":")?;
    let minute = text.digits(2, 2).filter(|minute| *minute < 60)?;
    let offset = text.zone()?;
    (offset == Offset::UTC).then_some((u64::from(hour * 60 + minute) * 60_000, text.0))
}

/// What is left of a text. A method that finds nothing takes nothing.
struct Cursor<'t>(&'t str);

impl Cursor<'_> {
    /// `2026-11-23`.
    fn year_first(&mut self) -> Option<(i16, i8, i8)> {
        self.all(|text| {
            let year = text.digits(4, 4)?;
            text.eat("-")?;
            let month = text.digits(2, 2)?;
            text.eat("-")?;
            Some((i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(text.digits(2, 2)?).ok()?))
        })
    }

    /// `Mon, 23 Nov 2026`, with or without the day of the week.
    fn day_first(&mut self) -> Option<(i16, i8, i8)> {
        self.all(|text| {
            let _ = text.all(|text| {
                text.word()?;
                text.eat(", ")
            });
            let day = text.digits(1, 2)?;
            text.eat(" ")?;
            let month = text.month()?;
            text.eat(" ")?;
            Some((i16::try_from(text.digits(4, 4)?).ok()?, month, i8::try_from(day).ok()?))
        })
    }

    /// `April 20, 2026` or `Apr 20th, 2026`.
    fn month_first(&mut self) -> Option<(i16, i8, i8)> {
        self.all(|text| {
            let month = text.month()?;
            text.eat(" ")?;
            let day = text.digits(1, 2)?;
            let _ = ["st", "nd", "rd", "th"].iter().find_map(|ending| text.eat(ending));
            let _ = text.eat(",");
            text.eat(" ")?;
            Some((i16::try_from(text.digits(4, 4)?).ok()?, month, i8::try_from(day).ok()?))
        })
    }

    /// `T22:07:10.5`, ` 22:07`, ` at 2:00 am`, `, 2 pm`.
    fn time(&mut self) -> Option<(i8, i8, i8, i32)> {
        self.all(|text| {
            [" at ", ", ", "t", " "].iter().find_map(|joint| text.eat(joint))?;
            let mut hour = text.digits(1, 2)?;
            let minute = text.all(|text| text.eat(":").and_then(|()| text.digits(2, 2)));
            let second = minute.and_then(|_| text.all(|text| text.eat(":").and_then(|()| text.digits(2, 2))));
            let nanos = second.and_then(|_| text.fraction());
            let half = text.all(|text| {
                let _ = text.eat(" ");
                text.eat("am").map(|()| 0).or_else(|| text.eat("pm").map(|()| 12))
            });
            if let Some(half) = half {
                hour = hour % 12 + half;
            } else {
                minute?;
            }
            let part = |value: u32| i8::try_from(value).ok();
            Some((part(hour)?, part(minute.unwrap_or(0))?, part(second.unwrap_or(0))?, nanos.unwrap_or(0)))
        })
    }

    /// `Z`, ` UTC`, `+01:00`, `+0100`.
    fn zone(&mut self) -> Option<Offset> {
        self.all(|text| {
            let _ = text.eat(" ");
            let _ = text.eat("(");
            if ["z", "utc", "gmt"].iter().any(|name| text.eat(name).is_some()) {
                let _ = text.eat(")");
                return Some(Offset::UTC);
            }
            let sign = text.eat("+").map(|()| 1).or_else(|| text.eat("-").map(|()| -1))?;
            let hours = i32::try_from(text.digits(2, 2)?).ok()?;
            let _ = text.eat(":");
            let minutes = i32::try_from(text.digits(2, 2).unwrap_or(0)).ok()?;
            Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
        })
    }

    fn month(&mut self) -> Option<i8> {
        self.all(|text| {
            let name = text.word()?;
            let index = MONTHS.iter().position(|month| name.starts_with(month))?;
            i8::try_from(index + 1).ok()
        })
    }

    /// Up to nine digits after a dot, as nanoseconds; more are dropped.
    fn fraction(&mut self) -> Option<i32> {
        self.all(|text| {
            text.eat(".")?;
            let count = text.0.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = text.0.split_at_checked(count).filter(|_| count > 0)?;
            text.0 = rest;
            let padded: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
            padded.parse().ok()
        })
    }

    fn word(&mut self) -> Option<String> {
        let end = self.0.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        let word = (end > 0).then(|| word.to_owned())?;
        self.0 = rest;
        Some(word)
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count).filter(|_| count >= least)?;
        self.0 = rest;
        digits.parse().ok()
    }

    fn eat(&mut self, prefix: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(prefix)?;
        Some(())
    }

    /// All of it, or nothing is taken.
    fn all<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.0;
        let result = read(self);
        if result.is_none() {
            self.0 = before;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<f64> {
        whole(text, Offset::UTC)
    }

    #[test]
    fn one_instant_in_many_forms() {
        let forms = [
            "2026-11-23T22:07:10Z",
            "2026-11-23T22:07:10",
            "2026-11-23 22:07:10",
            "2026-11-23 22:07:10 UTC",
            "2026-11-23 at 22:07:10 UTC",
            "2026-11-23T22:07:10.000+00:00",
            "2026-11-23T17:07:10-05:00",
            "2026-11-23T23:07:10+0100",
            "Mon, 23 Nov 2026 22:07:10 GMT",
            "Monday, 23-Nov-26 22:07:10 GMT",
            "Mon Nov 23 22:07:10 2026",
            "23 November 2026 22:07:10",
            "November 23, 2026 at 10:07:10 PM",
            "Nov 23rd, 2026 10:07:10 pm",
        ];
        for form in forms {
            assert_eq!(utc(form), Some(1_795_471_630_000.0), "{form:?}");
        }
    }

    #[test]
    fn without_a_zone_it_is_the_vendors() {
        let beijing = Offset::constant(8);
        assert_eq!(whole("2026-11-24 06:07:10", beijing), Some(1_795_471_630_000.0));
        assert_eq!(whole("2026-11-23 22:07:10 UTC", beijing), Some(1_795_471_630_000.0));
    }

    #[test]
    fn times_of_the_day() {
        assert_eq!(time_of_day("10:00 utc. top up"), Some((36_000_000, ". top up")));
        for text in ["10:00", "24:00 utc", "25:00 utc", "10:60 utc", "10 utc", "10:00 pm", "3pm (america/los_angeles)"]
        {
            assert_eq!(time_of_day(text), None, "{text:?}");
        }
    }

    #[test]
    fn less_exact_forms() {
        assert_eq!(utc("2026-12-01 at 00:00 UTC"), Some(1_796_083_200_000.0));
        assert_eq!(utc("2026-12-01"), Some(1_796_083_200_000.0));
        assert_eq!(utc("November 23, 2026 at 12 AM"), utc("2026-11-23T00:00:00Z"));
        assert_eq!(utc("2026-11-23T22:07:10.0000001Z"), Some(1_795_471_630_001.0));
        assert_eq!(leading("2026-11-23 22:07:10. then", Offset::UTC), Some((1_795_471_630_000.0, ". then")));
    }

    #[test]
    fn what_is_none() {
        for text in
            ["", "tomorrow", "2026-13-01", "2026-02-30T00:00:00Z", "2026-11-23T25:00:00Z", "20261123", "nov", "5pm"]
        {
            assert_eq!(utc(text), None, "{text:?}");
        }
        assert_eq!(utc("2026-11-23T22:07:10Z and more"), None);
    }
}
