//! JSON as Python writes it: with the bare words `NaN`, `Infinity` and `-Infinity`, which are not JSON.

use zeroize::Zeroizing;

/// Longest first, as one ends in another.
const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The same text with `null` for each such word outside a string; `None` if there is none.
///
/// hermes-agent 0.19.0 writes them, when a provider's reset time is not finite and Python's `json.dumps` gets it.
pub(super) fn replace(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (mut in_string, mut escaped, mut place, mut copied) = (false, false, 0, 0);
    let mut replaced = Zeroizing::new(Vec::new());
    while let Some(byte) = text.get(place) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            _ => {
                if let Some(word) = WORDS.into_iter().find(|word| text[place..].starts_with(word)) {
                    if replaced.capacity() == 0 {
                        // `null` is at most one byte longer than a word of three: this never has to grow.
                        replaced.reserve_exact(text.len() + text.len() / 3 + 1);
                    }
                    replaced.extend_from_slice(&text[copied..place]);
                    replaced.extend_from_slice(b"null");
                    place += word.len();
                    copied = place;
                    continue;
                }
            }
        }
        place += 1;
    }
    if copied == 0 {
        return None;
    }
    replaced.extend_from_slice(&text[copied..]);
    Some(replaced)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(text: &str) -> Option<String> {
        replace(text.as_bytes()).map(|text| String::from_utf8(text.to_vec()).expect("UTF-8"))
    }

    #[test]
    fn words_become_null_outside_strings() {
        let cases = [
            ("NaN", Some("null")),
            ("[NaN,Infinity,-Infinity, 1]", Some("[null,null,null, 1]")),
            (r#"{"NaN": NaN}"#, Some(r#"{"NaN": null}"#)),
            (r#"{"a": "\"NaN", "b": Infinity}"#, Some(r#"{"a": "\"NaN", "b": null}"#)),
            (r#"{"a": "x\\", "b": NaN}"#, Some(r#"{"a": "x\\", "b": null}"#)),
            (r#"["NaN", "-Infinity"]"#, None),
            ("{}", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(replaced(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_never_grows_beyond_its_room(words in proptest::collection::vec("NaN|Infinity|-Infinity|,|\"x\"|\\[", 0..50)) {
            let text = words.concat();
            if let Some(replaced) = replace(text.as_bytes()) {
                prop_assert!(replaced.len() <= text.len() + text.len() / 3 + 1);
                prop_assert!(replaced.capacity() <= text.len() + text.len() / 3 + 1);
            }
        }

        #[test]
        fn json_is_left_alone(text in any::<String>(), number in any::<f64>()) {
            let json = serde_json::json!({ "t": text, "n": number }).to_string();
            prop_assert_eq!(replace(json.as_bytes()), None);
        }
    }
}
