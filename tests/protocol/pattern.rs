//! What an example says about a reply.
//!
//! A pattern is JSON. It matches what is equal to it, but:
//! - `"…"` matches any text that is not empty, and `"<int>"` any integer;
//! - `"$name"` matches any text, which `$name` stands for from then on, in requests as well;
//! - an object that has `"...": true` matches objects that have more fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What the names of a page stand for.
#[derive(Default)]
pub(crate) struct Bindings(BTreeMap<String, String>);

impl Bindings {
    /// A request, with every name replaced by what it stands for.
    pub(crate) fn fill(&self, request: &str) -> String {
        self.0.iter().fold(request.to_owned(), |text, (name, value)| {
            text.replace(&format!("\"{name}\""), &format!("\"{value}\""))
        })
    }

    /// Compares a reply with a pattern.
    ///
    /// # Errors
    /// Says where they differ first.
    pub(crate) fn compare(&mut self, pattern: &Value, reply: &Value) -> Result<(), String> {
        self.value(pattern, reply, "the reply")
    }

    fn value(&mut self, pattern: &Value, found: &Value, place: &str) -> Result<(), String> {
        let same = match (pattern, found) {
            (Value::String(text), _) if text == "…" => found.as_str().is_some_and(|text| !text.is_empty()),
            (Value::String(text), _) if text == "<int>" => found.is_u64(),
            (Value::String(name), Value::String(text)) if name.starts_with('$') => {
                self.0.entry(name.clone()).or_insert_with(|| text.clone()) == text
            }
            (Value::Object(pattern), Value::Object(found)) => return self.object(pattern, found, place),
            (Value::Array(pattern), Value::Array(found)) if pattern.len() == found.len() => {
                let mut pairs = pattern.iter().zip(found).enumerate();
                return pairs.try_for_each(|(index, (pattern, found))| {
                    self.value(pattern, found, &format!("{place}[{index}]"))
                });
            }
            _ => pattern == found,
        };
        if same { Ok(()) } else { Err(format!("{place} is {found}, not {pattern}")) }
    }

    fn object(&mut self, pattern: &Map<String, Value>, found: &Map<String, Value>, place: &str) -> Result<(), String> {
        let open = pattern.get("...") == Some(&Value::Bool(true));
        for (key, pattern) in pattern.iter().filter(|(key, _)| *key != "...") {
            let place = format!("{place}.{key}");
            let found = found.get(key).ok_or_else(|| format!("{place} is missing"))?;
            self.value(pattern, found, &place)?;
        }
        match found.keys().find(|key| !pattern.contains_key(*key)) {
            Some(key) if !open => Err(format!("{place} has a field `{key}` that is not expected")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compare(pattern: &Value, reply: &Value) -> Result<(), String> {
        Bindings::default().compare(pattern, reply)
    }

    #[test]
    fn equal_is_equal() {
        assert_eq!(compare(&json!({"a": [1, {"b": null}]}), &json!({"a": [1, {"b": null}]})), Ok(()));
        assert!(compare(&json!({"a": 1}), &json!({"a": 2})).is_err());
        assert!(compare(&json!([1]), &json!([1, 2])).is_err());
        assert!(compare(&json!({"a": 1}), &json!({})).is_err());
    }

    #[test]
    fn more_fields_are_expected_only_where_the_pattern_says_so() {
        assert!(compare(&json!({"a": 1}), &json!({"a": 1, "b": 2})).is_err());
        assert_eq!(compare(&json!({"a": 1, "...": true}), &json!({"a": 1, "b": 2})), Ok(()));
        assert!(compare(&json!({"a": {"x": 1}, "...": true}), &json!({"a": {"x": 1, "y": 2}})).is_err());
    }

    #[test]
    fn placeholders_match_by_type() {
        assert_eq!(compare(&json!({"a": "…", "b": "<int>"}), &json!({"a": "x", "b": 5})), Ok(()));
        for reply in [json!({"a": ""}), json!({"a": 5}), json!({"a": null})] {
            assert!(compare(&json!({"a": "…"}), &reply).is_err(), "{reply}");
        }
        for reply in [json!({"a": "5"}), json!({"a": 1.5}), json!({"a": null})] {
            assert!(compare(&json!({"a": "<int>"}), &reply).is_err(), "{reply}");
        }
    }

    #[test]
    fn a_name_stands_for_one_text() {
        let mut bindings = Bindings::default();
        assert_eq!(bindings.compare(&json!({"lease": "$lease"}), &json!({"lease": "9f0c"})), Ok(()));
        assert_eq!(bindings.fill(r#"{"lease":"$lease"}"#), r#"{"lease":"9f0c"}"#);
        assert!(bindings.compare(&json!({"lease": "$lease"}), &json!({"lease": "other"})).is_err());
    }
}
