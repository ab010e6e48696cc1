//! What configuration values look like, and how they are read from a file, a flag or a variable.

use std::fmt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};
use toml::Value;

/// Most bytes of a refused value that a message repeats.
const MAX_ECHO_BYTES: usize = 64;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueType {
    /// Any text without control characters.
    Text,
    /// An absolute path, or one under `~/`. Flags and variables may also be relative to the working folder.
    Path,
    /// A time with its unit: `"15s"`, `"1h30m"`, `"500ms"`, `"2d"`. Inclusive bounds in milliseconds.
    Duration {
        /// The shortest.
        min_ms: u64,
        /// The longest.
        max_ms: u64,
    },
    /// A number of bytes: `1048576`, `"1MiB"`, `"64 kB"`. Inclusive bounds.
    Size {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A whole number. Inclusive bounds.
    Count {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A number from 1 to 100, to three decimals.
    Factor,
    /// A share from `"0%"` to `"99%"`, to one decimal.
    Percent,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list of texts; in a flag or a variable, separated by commas.
    List,
}

/// A value as it was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// In a flag or a variable, where everything is text.
    Argument(String),
    Text(String),
    Integer(i64),
    Float(f64),
    List(Vec<Self>),
    /// Of a type that no key takes.
    Other(&'static str),
}

impl Raw {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Argument(_) | Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::List(_) => "a list",
            Self::Other(name) => name,
        }
    }

    fn text(&self) -> Result<&str, String> {
        match self {
            Self::Argument(text) | Self::Text(text) => Ok(text),
            _ => Err(format!("must be a text in quotes, not {}", self.type_name())),
        }
    }
}

impl ValueType {
    /// The value in its normal form, which `settings` takes: durations as integer milliseconds, sizes as integer
    /// bytes, factors and shares as integer thousandths, paths absolute. The error says what is wrong, but not where.
    pub(super) fn read(self, raw: &Raw, home: Option<&Path>) -> Result<Value, String> {
        match self {
            Self::Text => Ok(Value::String(plain(raw.text()?)?.to_owned())),
            Self::Path => path(raw, home),
            Self::Duration { min_ms, max_ms } => {
                let ms = duration_ms(raw)?;
                if !(min_ms..=max_ms).contains(&ms) {
                    return Err(format!("must be {} to {}", Milliseconds(min_ms), Milliseconds(max_ms)));
                }
                integer(ms)
            }
            Self::Size { min, max } => {
                let bytes = match raw {
                    Raw::Integer(bytes) => u64::try_from(*bytes).ok(),
                    raw => raw.text()?.trim().parse::<ByteSize>().ok().map(|size| size.as_u64()),
                };
                let bytes = bytes.ok_or("must be a size such as \"1MiB\"")?;
                if !(min..=max).contains(&bytes) {
                    return Err(format!("must be {min} to {max} bytes"));
                }
                integer(bytes)
            }
            Self::Count { min, max } => {
                let count = match raw {
                    Raw::Integer(count) => u64::try_from(*count).ok(),
                    Raw::Argument(text) => text.trim().parse().ok(),
                    _ => None,
                };
                match count {
                    Some(count) if (min..=max).contains(&count) => integer(count),
                    _ => Err(format!("must be a whole number from {min} to {max}")),
                }
            }
            Self::Factor => factor(raw),
            Self::Percent => percent(raw),
            Self::Choice(words) => choice(raw.text()?, words),
            Self::List => list(raw),
        }
    }
}

fn path(raw: &Raw, home: Option<&Path>) -> Result<Value, String> {
    let text = plain(raw.text()?)?;
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let path = if let Some(rest) = text.strip_prefix("~/") {
        home.ok_or("begins with ~, but there is no home folder")?.join(rest)
    } else {
        PathBuf::from(text)
    };
    let path = match raw {
        // Whoever types a path means it from where they stand; a file is read from anywhere.
        Raw::Argument(_) => std::path::absolute(&path).map_err(|error| error.to_string())?,
        _ if path.is_absolute() => path,
        _ => return Err("must be an absolute path, or begin with ~/".to_owned()),
    };
    match path.into_os_string().into_string() {
        Ok(path) => Ok(Value::String(path)),
        Err(_) => Err("must be valid UTF-8, with the folder it is relative to".to_owned()),
    }
}

fn duration_ms(raw: &Raw) -> Result<u64, String> {
    const EXAMPLES: &str = "must be a duration with its unit, such as \"15s\", \"1h30m\" or \"500ms\"";
    let text = match raw {
        Raw::Integer(number) => return Err(format!("{EXAMPLES}; {number} of what?")),
        raw => raw.text().map_err(|_| EXAMPLES)?.trim(),
    };
    if text.parse::<f64>().is_ok() {
        return Err(format!("{EXAMPLES}; {} of what?", echo(text)));
    }
    let duration = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| EXAMPLES)?;
    u64::try_from(duration.as_millis()).map_err(|_| "must not be negative".to_owned())
}

#[expect(clippy::cast_possible_truncation, reason = "the range has been checked")]
fn factor(raw: &Raw) -> Result<Value, String> {
    let number = match raw {
        Raw::Integer(number) => i32::try_from(*number).ok().map(f64::from),
        Raw::Float(number) => Some(*number),
        Raw::Argument(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if (1.0..=100.0).contains(&number) => Ok(Value::Integer((number * 1e3).round() as i64)),
        _ => Err("must be a number from 1 to 100".to_owned()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range has been checked")]
fn percent(raw: &Raw) -> Result<Value, String> {
    let number = raw.text().ok().and_then(|text| text.trim().strip_suffix('%')?.trim().parse::<f64>().ok());
    match number {
        Some(number) if (0.0..=99.0).contains(&number) => Ok(Value::Integer((number * 10.0).round() as i64)),
        _ => Err("must be a share from \"0%\" to \"99%\"".to_owned()),
    }
}

fn choice(text: &str, words: &[&str]) -> Result<Value, String> {
    if words.contains(&text) {
        return Ok(Value::String(text.to_owned()));
    }
    let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    Err(format!("must be one of {}, not {:?}", words.join(", "), echo(text)))
}

fn list(raw: &Raw) -> Result<Value, String> {
    let texts: Vec<&str> = match raw {
        Raw::Argument(text) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
        Raw::List(items) => items.iter().map(Raw::text).collect::<Result<_, _>>()?,
        raw => return Err(format!("must be a list of texts, not {}", raw.type_name())),
    };
    texts.into_iter().map(|text| Ok(Value::String(plain(text)?.to_owned()))).collect::<Result<_, _>>().map(Value::Array)
}

fn plain(text: &str) -> Result<&str, String> {
    if text.chars().any(char::is_control) { Err("must not hold control characters".to_owned()) } else { Ok(text) }
}

fn integer(number: u64) -> Result<Value, String> {
    i64::try_from(number).map(Value::Integer).map_err(|_| "is too large".to_owned())
}

fn echo(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_ECHO_BYTES)]
}

/// A duration in the largest unit that divides it.
pub(super) struct Milliseconds(pub(super) u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(60 * 60 * 1_000, "h"), (60 * 1_000, "m"), (1_000, "s")];
        let unit = UNITS.iter().find(|(ms, _)| self.0 >= *ms && self.0.is_multiple_of(*ms));
        let (ms, name) = unit.unwrap_or(&(1, "ms"));
        write!(f, "{}{name}", self.0 / ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: ValueType = ValueType::Duration { min_ms: 1, max_ms: 3_600_000 };

    fn argument(text: &str) -> Raw {
        Raw::Argument(text.to_owned())
    }

    fn read(value: ValueType, raw: &Raw) -> Result<Value, String> {
        value.read(raw, Some(Path::new("/home/ann")))
    }

    #[test]
    fn durations_need_a_unit_and_keep_their_range() {
        let cases = [
            ("15s", Some(15_000)),
            ("1h", Some(3_600_000)),
            ("500ms", Some(500)),
            ("1m30s", Some(90_000)),
            ("1 minute", Some(60_000)),
            ("1h1ms", None),
            ("2d", None),
            ("0s", None),
            ("-5s", None),
            ("15", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(HOUR, &argument(text)).ok(), expected.map(Value::Integer), "{text:?}");
            assert_eq!(read(HOUR, &Raw::Text(text.to_owned())).ok(), expected.map(Value::Integer), "{text:?}");
        }
        let message = read(HOUR, &Raw::Integer(15)).expect_err("a bare number");
        assert!(message.contains("15 of what?"), "{message}");
        let week = ValueType::Duration { min_ms: 1, max_ms: u64::MAX };
        assert_eq!(read(week, &argument("1w")), Ok(Value::Integer(7 * 24 * 3_600_000)));
    }

    #[test]
    fn sizes_and_counts_keep_their_range() {
        let size = ValueType::Size { min: 1_024, max: 2 * 1_024 * 1_024 };
        for (text, expected) in [
            ("1KiB", Some(1_024)),
            ("2 MiB", Some(2_097_152)),
            ("2000", Some(2_000)),
            ("2kB", Some(2_000)),
            ("1023", None),
            ("3MiB", None),
            ("many", None),
        ] {
            assert_eq!(read(size, &argument(text)).ok(), expected.map(Value::Integer), "{text:?}");
        }
        assert_eq!(read(size, &Raw::Integer(2_048)), Ok(Value::Integer(2_048)));
        let count = ValueType::Count { min: 1, max: 3 };
        for (number, good) in [(-1, false), (0, false), (1, true), (3, true), (4, false)] {
            assert_eq!(read(count, &Raw::Integer(number)).is_ok(), good, "{number}");
            assert_eq!(read(count, &argument(&number.to_string())).is_ok(), good, "{number}");
        }
        assert!(read(count, &Raw::Text("1".to_owned())).is_err());
        assert!(read(count, &Raw::Float(1.0)).is_err());
    }

    #[test]
    fn factors_are_kept_in_thousandths() {
        for (raw, expected) in [
            (Raw::Integer(2), Some(2_000)),
            (Raw::Float(1.5), Some(1_500)),
            (argument("1"), Some(1_000)),
            (argument("100"), Some(100_000)),
            (Raw::Float(0.999), None),
            (Raw::Float(100.1), None),
            (argument("nan"), None),
            (Raw::Other("a date"), None),
        ] {
            assert_eq!(read(ValueType::Factor, &raw).ok(), expected.map(Value::Integer), "{raw:?}");
        }
    }

    #[test]
    fn shares_are_kept_in_thousandths() {
        let text = |text: &str| Raw::Text(text.to_owned());
        for (raw, expected) in [
            (text("10%"), Some(100)),
            (argument("2.5 %"), Some(25)),
            (text("0%"), Some(0)),
            (text("99%"), Some(990)),
            (text("99.1%"), None),
            (text("-1%"), None),
            (text("10"), None),
            (text("nan%"), None),
            (Raw::Integer(10), None),
            (Raw::Float(0.1), None),
        ] {
            assert_eq!(read(ValueType::Percent, &raw).ok(), expected.map(Value::Integer), "{raw:?}");
        }
    }

    #[test]
    fn paths_become_absolute() {
        let text = |text: &str| Raw::Text(text.to_owned());
        let path = |raw: &Raw| read(ValueType::Path, raw);
        assert_eq!(path(&text("~/a/b")), Ok(Value::String("/home/ann/a/b".to_owned())));
        assert_eq!(path(&text("/a")), Ok(Value::String("/a".to_owned())));
        assert!(path(&text("a")).is_err());
        assert!(path(&text("")).is_err());
        assert!(path(&text("/a\nb")).is_err());
        assert!(ValueType::Path.read(&text("~/a"), None).is_err());
        let here = std::env::current_dir().unwrap().join("a").into_os_string().into_string().unwrap();
        assert_eq!(path(&argument("a")), Ok(Value::String(here)));
    }

    #[test]
    fn choices_say_what_there_is() {
        let strategy = ValueType::Choice(&["a", "b"]);
        assert!(read(strategy, &argument("b")).is_ok());
        assert_eq!(read(strategy, &argument("d")), Err("must be one of \"a\", \"b\", not \"d\"".to_owned()));
        assert!(read(strategy, &argument(&"é".repeat(99))).expect_err("long").len() < 120);
    }

    #[test]
    fn lists_are_split_at_commas_only_in_arguments() {
        let strings = |items: &[&str]| Value::Array(items.iter().map(|item| Value::String((*item).into())).collect());
        assert_eq!(read(ValueType::List, &argument("a, b,,")), Ok(strings(&["a", "b"])));
        let list = Raw::List(vec![Raw::Text("a,b".to_owned())]);
        assert_eq!(read(ValueType::List, &list), Ok(strings(&["a,b"])));
        assert!(read(ValueType::List, &Raw::Text("a".to_owned())).is_err());
        assert!(read(ValueType::List, &Raw::List(vec![Raw::Integer(1)])).is_err());
    }

    #[test]
    fn milliseconds_are_shown_in_their_largest_unit() {
        for (ms, shown) in [(0, "0ms"), (1, "1ms"), (1_500, "1500ms"), (90_000, "90s"), (86_400_000, "24h")] {
            assert_eq!(Milliseconds(ms).to_string(), shown);
        }
    }
}
