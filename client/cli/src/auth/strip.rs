//! auth.json without what Hermes notes in it about the state of credentials. Pure: text in, text out.
//!
//! The text is cut, not written anew: whatever stays is what it was, byte for byte.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What hermes-agent 0.19.0 notes in a row (agent/credential_pool.py, `PooledCredential`) and is no definition.
const FIELDS: [&str; 7] = [
    "last_status",
    "last_status_at",
    "last_error_code",
    "last_error_reason",
    "last_error_message",
    "last_error_reset_at",
    "request_count",
];

/// The same beside the rows.
const RUNTIME: &str = "credential_pool_runtime";

/// A text without its notes.
#[derive(Debug)]
pub(crate) struct Stripped {
    pub(crate) text: String,
    /// What is missing in it, in the order of the file.
    pub(crate) removed: Vec<Removed>,
}

/// The notes about one credential, or those beside all rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Removed {
    /// `None` for what stands beside the rows.
    pub(crate) row: Option<RowName>,
    /// The names of the fields, each as often as it was there.
    pub(crate) fields: Vec<&'static str>,
    /// Whether they say, or may say, that a credential cannot be used.
    pub(crate) benches: bool,
}

/// Which row of a pool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RowName {
    pub(crate) pool: String,
    /// `None` if it has none.
    pub(crate) id: Option<String>,
    /// Its place among the rows of the pool, from 0.
    pub(crate) place: usize,
}

/// Cuts the notes out of the text of an auth.json.
///
/// # Errors
///
/// What is wrong with the text, without any of it: it is not JSON as Python writes it, or not an object.
pub(crate) fn strip(text: &str) -> Result<Stripped, String> {
    let json = without_words(text);
    let root: &RawValue = serde_json::from_str(&json)
        .map_err(|error| format!("is not JSON, at line {}, column {}", error.line(), error.column()))?;
    let members = members(root).ok_or("is not a JSON object")?;
    let mut cutter = Cutter { json: &json, cuts: Vec::new(), removed: Vec::new() };
    for (name, value) in &members {
        if name == "credential_pool" {
            cutter.pools(value);
        } else if name == RUNTIME {
            let benches = !matches!(value.get(), "null" | "{}" | "[]");
            cutter.removed.push(Removed { row: None, fields: vec![RUNTIME], benches });
        }
    }
    cutter.cut(root, &members, |name| name == RUNTIME);
    Ok(Stripped { text: cutter.applied_to(text), removed: cutter.removed })
}

struct Cutter<'a> {
    json: &'a str,
    /// Apart from each other.
    cuts: Vec<Range<usize>>,
    removed: Vec<Removed>,
}

impl<'a> Cutter<'a> {
    /// What is neither a pool nor a row is left as it is: to Hermes it is nothing either.
    fn pools(&mut self, pools: &'a RawValue) {
        for (pool, rows) in members(pools).unwrap_or_default() {
            let rows: Vec<&RawValue> = serde_json::from_str(rows.get()).unwrap_or_default();
            for (place, row) in rows.into_iter().enumerate() {
                self.row(&pool, place, row);
            }
        }
    }

    fn row(&mut self, pool: &str, place: usize, row: &'a RawValue) {
        let Some(members) = members(row) else { return };
        let fields: Vec<_> = members.iter().filter_map(|(name, _)| field(name)).collect();
        if fields.is_empty() {
            return;
        }
        // Of several with one name the last counts, as in Python.
        let text = |name: &str| {
            let (_, value) = members.iter().rfind(|(other, _)| other == name)?;
            serde_json::from_str::<String>(value.get()).ok()
        };
        let benches = matches!(text("last_status").as_deref(), Some("exhausted" | "dead"));
        let row_name = RowName { pool: pool.to_owned(), id: text("id"), place };
        self.removed.push(Removed { row: Some(row_name), fields, benches });
        self.cut(row, &members, |name| field(name).is_some());
    }

    /// Cuts members out of an object, each with the comma and the space before it; those at the beginning with what is
    /// behind them, so that the next member takes their place.
    fn cut(&mut self, object: &RawValue, members: &[(String, &RawValue)], goes: impl Fn(&str) -> bool) {
        let Range { start, end } = self.place(object);
        if members.iter().all(|(name, _)| goes(name)) {
            if !members.is_empty() {
                self.cuts.push(start + 1..end - 1);
            }
            return;
        }
        let mut after = start + 1;
        let mut is_first = true;
        for (name, value) in members {
            let end = self.place(value).end;
            match goes(name) {
                true if is_first => self.cuts.push(self.next_name(after)..self.next_name(end)),
                true => self.cuts.push(after..end),
                false => is_first = false,
            }
            after = end;
        }
    }

    /// Where a part of the text stands in it.
    fn place(&self, part: &RawValue) -> Range<usize> {
        let start = part.get().as_ptr().addr() - self.json.as_ptr().addr();
        start..start + part.get().len()
    }

    /// Where the next member's name begins: between two members there is no other quote.
    fn next_name(&self, from: usize) -> usize {
        self.json[from..].find('"').map_or(from, |at| from + at)
    }

    fn applied_to(&mut self, text: &str) -> String {
        self.cuts.sort_by_key(|cut| cut.start);
        let mut left = String::with_capacity(text.len());
        let mut copied = 0;
        for cut in &self.cuts {
            left.push_str(&text[copied..cut.start]);
            copied = cut.end;
        }
        left.push_str(&text[copied..]);
        left
    }
}

fn field(name: &str) -> Option<&'static str> {
    FIELDS.into_iter().find(|field| *field == name)
}

/// The members of an object in their order, those of one name, too; `None` if it is none.
fn members(raw: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    struct Members<'a>(Vec<(String, &'a RawValue)>);
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Reader)
        }
    }

    serde_json::from_str(raw.get()).ok().map(|Members(members)| members)
}

/// The text with a number of the same length for each `NaN`, `Infinity` and `-Infinity`: Python writes and reads these,
/// and they are not JSON.
fn without_words(text: &str) -> String {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| b" \t\r\n,:[]{}".contains(byte));
    let bytes = text.as_bytes();
    let mut json = String::with_capacity(text.len());
    let (mut in_string, mut escaped, mut copied) = (false, false, 0);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'-' | b'I' | b'N' if !in_string && is_edge(place.checked_sub(1).and_then(|before| bytes.get(before))) => {
                let word = WORDS.into_iter().find(|word| bytes[place..].starts_with(word.as_bytes()));
                if let Some(word) = word.filter(|word| is_edge(bytes.get(place + word.len()))) {
                    json.push_str(&text[copied..place]);
                    json.extend(std::iter::repeat_n('1', word.len()));
                    copied = place + word.len();
                }
            }
            _ => {}
        }
    }
    json.push_str(&text[copied..]);
    json
}

#[cfg(test)]
mod tests;
