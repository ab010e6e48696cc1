//! The types that fields of requests can have.
//!
//! Deserialising checks type and size alike. What serde says about a mismatch is dropped, since it
//! quotes the input; [`Value::EXPECTED`] completes the sentence "`field` must be …" in its place.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{Id, Raw};
use crate::limits::{MAX_CURSOR_BYTES, MAX_ID_BYTES, MAX_INTEGER, MAX_NAME_BYTES};
use crate::words::{Class, FailureKind};

/// A type of field.
pub(super) trait Value<'a>: Deserialize<'a> {
    /// What the field must be, for people.
    const EXPECTED: &'static str;
}

/// A refusal whose text nobody reads.
fn refuse<E: Error>() -> E {
    E::custom("")
}

/// Any string, borrowed unless it has escapes.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyString;
        impl<'de> Visitor<'de> for AnyString {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(AnyString)
    }
}

impl<'a> Value<'a> for Text<'a> {
    const EXPECTED: &'static str = "a string";
}

/// A string of bounded length that names something.
#[derive(Debug)]
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        if text.is_empty() || text.len() > MAX_NAME_BYTES {
            return Err(refuse());
        }
        Ok(Self(text))
    }
}

impl<'a> Value<'a> for Name<'a> {
    const EXPECTED: &'static str = "a string of 1 to 256 bytes";
}

/// A string of bounded length that may be empty.
#[derive(Debug)]
pub(super) struct Note<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Note<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        if text.len() > MAX_NAME_BYTES {
            return Err(refuse());
        }
        Ok(Self(text))
    }
}

impl<'a> Value<'a> for Note<'a> {
    const EXPECTED: &'static str = "a string of at most 256 bytes";
}

/// A place in the list of credentials, as a page of `status` gave it.
#[derive(Debug)]
pub(super) struct Cursor<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Cursor<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        if text.is_empty() || text.len() > MAX_CURSOR_BYTES {
            return Err(refuse());
        }
        Ok(Self(text))
    }
}

impl<'a> Value<'a> for Cursor<'a> {
    const EXPECTED: &'static str = "a string of 1 to 1024 bytes";
}

/// An integer from 0 to 2^53 − 1, written as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Int(pub(super) u64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number > MAX_INTEGER {
            return Err(refuse());
        }
        Ok(Self(number))
    }
}

impl Value<'_> for Int {
    const EXPECTED: &'static str = "an integer from 0 to 9007199254740991";
}

/// An integer of at least 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positive(pub(super) u64);

impl<'de> Deserialize<'de> for Positive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Int(number) = Int::deserialize(deserializer)?;
        if number == 0 {
            return Err(refuse());
        }
        Ok(Self(number))
    }
}

impl Value<'_> for Positive {
    const EXPECTED: &'static str = "an integer of at least 1";
}

/// An HTTP status.
#[derive(Clone, Copy, Debug)]
pub(super) struct HttpStatus(pub(super) u16);

impl<'de> Deserialize<'de> for HttpStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Providers' own statuses (529, 999) are as welcome as registered ones.
        let status = u16::deserialize(deserializer)?;
        if !(100..=999).contains(&status) {
            return Err(refuse());
        }
        Ok(Self(status))
    }
}

impl Value<'_> for HttpStatus {
    const EXPECTED: &'static str = "an HTTP status from 100 to 999";
}

impl Value<'_> for bool {
    const EXPECTED: &'static str = "true or false";
}

impl<'de> Deserialize<'de> for Id<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrInteger;
        impl<'de> Visitor<'de> for StringOrInteger {
            type Value = Id<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Id<'de>, E> {
                if number > MAX_INTEGER {
                    return Err(refuse());
                }
                Ok(Id::Int(number))
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Id<'de>, E> {
                if text.len() > MAX_ID_BYTES {
                    return Err(refuse());
                }
                Ok(Id::Str(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Id<'de>, E> {
                if text.len() > MAX_ID_BYTES {
                    return Err(refuse());
                }
                Ok(Id::Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_any(StringOrInteger)
    }
}

impl<'a> Value<'a> for Id<'a> {
    const EXPECTED: &'static str = "a string of at most 64 bytes or an integer from 0 to 9007199254740991";
}

/// What a provider said, as text: a string's content, or a number as it was written.
#[derive(Debug)]
pub(super) struct Hint<'a>(pub(super) Cow<'a, str>);

impl<'a> Hint<'a> {
    fn read(raw: Raw<'a>) -> Option<Self> {
        let json = raw.get();
        if json.starts_with('"') {
            let Text(text) = serde_json::from_str(json).ok()?;
            return Some(Self(text));
        }
        // A word such as `true` does not parse as a number here, since `raw` is valid JSON.
        let number: f64 = json.parse().ok()?;
        number.is_finite().then_some(Self(Cow::Borrowed(json)))
    }
}

impl<'de> Deserialize<'de> for Hint<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Raw::deserialize(deserializer)?).ok_or_else(refuse)
    }
}

impl<'a> Value<'a> for Hint<'a> {
    const EXPECTED: &'static str = "a string or a number";
}

/// An error's code: a string, or an integer as its digits.
#[derive(Debug)]
pub(super) struct Code<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Code<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let Hint(text) = Hint::read(raw).ok_or_else(refuse)?;
        let is_string = raw.get().starts_with('"');
        if !is_string && text.contains(['.', 'e', 'E']) {
            return Err(refuse());
        }
        Ok(Self(text))
    }
}

impl<'a> Value<'a> for Code<'a> {
    const EXPECTED: &'static str = "a string or an integer";
}

impl<'a> Value<'a> for Raw<'a> {
    const EXPECTED: &'static str = "a JSON value";
}

/// A response's body.
#[derive(Debug)]
pub enum Body<'a> {
    /// Text, which may well be JSON.
    Text(Cow<'a, str>),
    /// JSON that stood in the request as it is, not as a string.
    Json(&'a serde_json::value::RawValue),
}

impl<'de> Deserialize<'de> for Body<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        if !raw.get().starts_with('"') {
            return Ok(Self::Json(raw));
        }
        let Text(text) = serde_json::from_str(raw.get()).map_err(|_| refuse())?;
        Ok(Self::Text(text))
    }
}

impl<'a> Value<'a> for Body<'a> {
    const EXPECTED: &'static str = "a string or JSON";
}

/// A response's headers: pairs of a lower-cased name and a value, in the order of the request.
///
/// A name may occur several times, as in HTTP, whether the request had a list of values or the name
/// in different cases. The same key twice is refused, as everywhere in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Headers<'a> {
    /// Every name and value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The values of the header `name`, which must be given in lower case.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Headers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Headers<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers<'de>, A::Error> {
                let mut headers = Vec::new();
                let mut names = BTreeSet::new();
                while let Some((Text(name), raw)) = map.next_entry::<Text<'de>, Raw<'de>>()? {
                    if !names.insert(name.clone()) {
                        return Err(refuse());
                    }
                    let name = lower_cased(name);
                    let json = raw.get();
                    if json.starts_with('[') {
                        let values: Vec<Hint<'de>> = serde_json::from_str(json).map_err(|_| refuse())?;
                        headers.extend(values.into_iter().map(|Hint(value)| (name.clone(), value)));
                    } else if json != "null" {
                        let Hint(value) = Hint::read(raw).ok_or_else(refuse)?;
                        headers.push((name, value));
                    }
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'a> Value<'a> for Headers<'a> {
    const EXPECTED: &'static str = "an object of distinct names whose values are strings, numbers, or lists of these";
}

fn lower_cased(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { Cow::Owned(name.to_ascii_lowercase()) } else { name }
}

/// Credentials by id.
#[derive(Debug)]
pub(super) struct Ids<'a>(pub(super) Vec<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Ids<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Name<'de>>::deserialize(deserializer)?;
        Ok(Self(names.into_iter().map(|Name(name)| name).collect()))
    }
}

impl<'a> Value<'a> for Ids<'a> {
    const EXPECTED: &'static str = "a list of strings of 1 to 256 bytes";
}

/// Versions of the protocol.
#[derive(Debug)]
pub(super) struct Versions(pub(super) Vec<u64>);

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let versions = Vec::<Int>::deserialize(deserializer)?;
        Ok(Self(versions.into_iter().map(|Int(version)| version).collect()))
    }
}

impl Value<'_> for Versions {
    const EXPECTED: &'static str = "a list of integers";
}

/// Reads a word of a request's vocabulary.
macro_rules! word_value {
    ($($name:ident: $expected:literal,)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let Text(word) = Text::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(refuse)
            }
        }

        impl Value<'_> for $name {
            const EXPECTED: &'static str = $expected;
        }
    )+};
}

word_value! {
    Class: "`interactive` or `background`",
    FailureKind: "`timeout` or a kind of verdict, such as `rate_limit` or `network`",
}
