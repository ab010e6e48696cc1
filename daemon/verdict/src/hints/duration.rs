//! Durations with units: Go's `1h2m3.5s`, protobuf's `34.07s`, and people's `4hr 5min`.

/// Names of units, in lower case, and how many milliseconds they are.
const UNITS: &[(&[&str], f64)] = &[
    (&["ns"], 1e-6),
    (&["us", "µs", "μs"], 1e-3),
    (&["ms", "msec", "msecs", "millisecond", "milliseconds"], 1.0),
    (&["s", "sec", "secs", "second", "seconds"], 1e3),
    (&["m", "min", "mins", "minute", "minutes"], 60e3),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600e3),
    (&["d", "day", "days"], 86_400e3),
    (&["w", "week", "weeks"], 604_800e3),
];

/// The longest number that is read, in characters.
const MAX_DIGITS: usize = 24;

/// A text that is a duration and nothing else, in milliseconds; possibly 0.
pub(super) fn whole(text: &str) -> Option<f64> {
    let (ms, rest) = leading(text)?;
    rest.is_empty().then_some(ms)
}

/// The duration that a text begins with, in milliseconds, and what comes after it. The text is taken as it is or in
/// lower case; units in upper case are none (`5M` may mean anything).
pub(super) fn leading(text: &str) -> Option<(f64, &str)> {
    let (mut total, mut rest) = part(text)?;
    // `4hr 5min`, `3 days, 4 hours and 5 minutes`.
    while let Some((ms, after)) = part(without_joint(rest)) {
        total += ms;
        rest = after;
    }
    Some((total, rest))
}

/// The number that a text begins with, and what comes after it.
pub(super) fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = match text[whole..].strip_prefix('.').map(digits) {
        Some(count @ 1..) => 1 + count,
        _ => 0,
    };
    let end = whole + fraction;
    let value = text.get(..end).filter(|_| whole > 0 && end <= MAX_DIGITS)?.parse().ok()?;
    Some((value, &text[end..]))
}

/// A number and its unit.
fn part(text: &str) -> Option<(f64, &str)> {
    let (value, rest) = number(text)?;
    let rest = rest.strip_prefix([' ', '-']).unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let (_, ms) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
    Some((value * ms, rest))
}

fn without_joint(text: &str) -> &str {
    let text = text.strip_prefix(',').unwrap_or(text).trim_start_matches(' ');
    text.strip_prefix("and ").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_durations() {
        let cases = [
            ("6m0s", 360_000.0),
            ("12ms", 12.0),
            ("1s", 1_000.0),
            ("2m59.56s", 179_560.0),
            ("156h14m36.75s", 562_476_750.0),
            ("562476.752463453s", 562_476_752.463_453),
            ("34.074824224s", 34_074.824_224),
            ("900ms", 900.0),
            ("1h2m", 3_720_000.0),
            ("1d2h", 93_600_000.0),
            ("4hr 5min", 14_700_000.0),
            ("463 hours 23 minutes", 1_668_180_000.0),
            ("3 days, 4 hours and 5 minutes", 273_900_000.0),
            ("37 seconds", 37_000.0),
            ("5-minute", 300_000.0),
            ("0s", 0.0),
        ];
        for (text, ms) in cases {
            let read = whole(text).unwrap_or_else(|| panic!("{text:?}"));
            assert!((read - ms).abs() < 1e-3, "{text:?}: {read}");
        }
        for text in ["", "s", "5", "5 apples", "-5s", "5s ago", "1e3s", ".5s", "5M", "9999999999999999999999999s"] {
            assert_eq!(whole(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_comes_after_is_left() {
        assert_eq!(leading("7m12s. Visit"), Some((432_000.0, ". Visit")));
        assert_eq!(leading("20s, and 5 tokens"), Some((20_000.0, ", and 5 tokens")));
    }
}
