//! What a verdict rests on, made safe to keep and to show.

use std::borrow::Cow;

/// The most bytes of a vendor's text that are kept.
pub const MAX_EVIDENCE_BYTES: usize = 64;

/// How long a run of token characters may be before a mix of letters and digits in it makes it suspicious.
const LONGEST_PLAIN_WORD: usize = 20;

/// How secrets of well-known vendors begin, in lower case.
const SECRET_PREFIXES: &[&str] = &[
    "sk-", "sk_", "pk-", "rt-", "rt.", "eyj", "ey.", "gsk_", "xai-", "aiza", "ghp_", "gho_", "ghu_", "csk-", "nvapi-",
];

/// Where a conclusion comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The place, such as `header:retry-after`, `field:reset_at`, `body:error.code` or `message`. At most 135
    /// bytes, as names of headers are the vendor's.
    pub source: Cow<'static, str>,
    /// What stood there: at most [`MAX_EVIDENCE_BYTES`] bytes, without control characters, and with `[cut]` in place
    /// of whatever looks like a secret.
    pub raw: String,
}

impl Evidence {
    pub(crate) fn new(source: impl Into<Cow<'static, str>>, raw: &str) -> Self {
        Self { source: source.into(), raw: scrub(raw) }
    }
}

/// Somebody else's text, safe to keep and to show: at most [`MAX_EVIDENCE_BYTES`] bytes, without control characters, and
/// with `[cut]` in place of whatever looks like a secret.
#[must_use]
pub fn scrub(raw: &str) -> String {
    let mut scrubbed = String::with_capacity(MAX_EVIDENCE_BYTES.min(raw.len()));
    let mut rest = raw.trim();
    while let Some(first) = rest.chars().next() {
        let word_end = rest.find(|c: char| !is_token_char(c)).unwrap_or(rest.len());
        let end = if word_end == 0 { first.len_utf8() } else { word_end };
        let (piece, after) = rest.split_at(end);
        if first.is_control() {
            scrubbed.push(' ');
        } else if looks_secret(piece) {
            scrubbed.push_str("[cut]");
        } else {
            scrubbed.push_str(piece);
        }
        // Whole words are judged before the text is shortened, lest half a secret pass for a harmless word.
        if scrubbed.len() >= MAX_EVIDENCE_BYTES {
            break;
        }
        rest = after;
    }
    scrubbed.truncate(scrubbed.floor_char_boundary(MAX_EVIDENCE_BYTES));
    scrubbed
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '~')
}

fn looks_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if SECRET_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return true;
    }
    let has = |class: fn(&u8) -> bool| word.bytes().any(|byte| class(&byte));
    let mixed = has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    word.len() > LONGEST_PLAIN_WORD && has(u8::is_ascii_alphabetic) && mixed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn harmless_text_is_kept() {
        for text in [
            "43",
            "1795471600.123",
            "2026-11-23T21:00:00+00:00",
            "Mon, 23 Nov 2026 21:00:00 GMT",
            "organization_spend_limit_exceeded",
            "",
        ] {
            assert_eq!(scrub(text), text);
        }
    }

    #[test]
    fn secrets_and_control_characters_are_not() {
        let cases = [
            ("sk-or-v1-0000", "[cut]"),
            ("key=sk-or-v1-0000", "key=[cut]"),
            ("Bearer abcdefghij0123456789x", "Bearer [cut]"),
            ("eyJhbGciOi.eyJzdWIi.c2ln", "[cut]"),
            ("token AbCdEfGhIjKlMnOpQrStUvWx!", "token [cut]!"),
            ("a\u{1b}[31m\nb", "a [31m b"),
        ];
        for (text, expected) in cases {
            assert_eq!(scrub(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_secret_across_the_cut_is_not_halved() {
        let text = format!("{} sk-{}", "x ".repeat(28), "k".repeat(40));
        assert_eq!(scrub(&text), format!("{} [cut]", "x ".repeat(28)));
    }

    proptest! {
        #[test]
        fn evidence_is_short_and_printable(text in any::<String>()) {
            let scrubbed = scrub(&text);
            prop_assert!(scrubbed.len() <= MAX_EVIDENCE_BYTES);
            prop_assert!(!scrubbed.chars().any(char::is_control));
        }
    }
}
