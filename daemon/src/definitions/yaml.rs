//! YAML that people wrote by hand: nothing in it is an error but what is no YAML, and any text in it may be a secret.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// A key of a mapping, and what it names.
pub(super) type Entry = (String, Lenient);

/// Anything, as far as it is of interest here.
#[derive(Debug, Default)]
pub(super) enum Lenient {
    /// Nothing, or `null`.
    #[default]
    Nothing,
    /// A text, number or truth value.
    Scalar(Scalar),
    List(Vec<Self>),
    /// In order; of equal keys, the last counts.
    Map(Vec<Entry>),
}

/// A text, or what it would be as one: wiped when dropped, and never printed.
#[derive(Clone, Default)]
pub(super) struct Scalar {
    text: Zeroizing<String>,
    was_text: bool,
}

impl Scalar {
    /// A text.
    pub(super) fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), was_text: true }
    }

    fn number(number: impl fmt::Display) -> Self {
        Self { text: Zeroizing::new(number.to_string()), was_text: false }
    }

    /// The text, trimmed; `None` if nothing is left of it.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// Whether it was written as a text.
    pub(super) fn is_text(&self) -> bool {
        self.was_text
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[text]")
    }
}

impl Lenient {
    /// It, if it is a scalar.
    pub(super) fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar.clone()),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Lenient;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Lenient, E> {
        Ok(Lenient::Nothing)
    }

    fn visit_none<E>(self) -> Result<Lenient, E> {
        Ok(Lenient::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lenient, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Lenient, E> {
        Ok(Lenient::Scalar(Scalar::number(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Lenient, E> {
        Ok(Lenient::Scalar(Scalar::number(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Lenient, E> {
        Ok(Lenient::Scalar(Scalar::number(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Lenient, E> {
        Ok(Lenient::Scalar(Scalar::number(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Lenient, E> {
        Ok(Lenient::Scalar(Scalar::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Lenient, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = sequence.next_element()? {
            list.push(entry);
        }
        Ok(Lenient::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Lenient, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(key) = mapping.next_key::<Lenient>()? {
            let Some(key) = key.scalar() else {
                mapping.next_value::<IgnoredAny>()?;
                continue;
            };
            entries.push((key.text.to_string(), mapping.next_value()?));
        }
        Ok(Lenient::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Lenient {
        serde_saphyr::from_slice(text.as_bytes()).expect("YAML")
    }

    #[test]
    fn anything_is_read() {
        assert!(matches!(read("~"), Lenient::Nothing));
        assert!(matches!(read("[1, [a], {b: c}]"), Lenient::List(list) if list.len() == 3));
        let Lenient::Map(entries) = read("a: ' x '\nb: 3\nc: 1.5\n? [odd]\n: 1\nd:\n") else { panic!("a mapping") };
        let shown: Vec<_> = entries
            .iter()
            .map(|(key, value)| (key.as_str(), value.scalar().map(|s| (s.text().map(str::to_owned), s.is_text()))))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            shown,
            [
                ("a", Some((text("x"), true))),
                ("b", Some((text("3"), false))),
                ("c", Some((text("1.5"), false))),
                ("d", None)
            ]
        );
    }

    #[test]
    fn nests_and_bombs_of_aliases_are_errors() {
        let nest = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        for text in [nest, bomb] {
            assert!(serde_saphyr::from_slice::<Lenient>(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn nothing_of_it_is_printed() {
        assert!(!format!("{:?}", read("{a: canary, b: [canary]}")).contains("canary"));
    }
}
