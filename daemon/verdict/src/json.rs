//! A forgiving reader of JSON, for what reaches us of a body: whole, cut short, printed by Python (dictionaries, bytes,
//! protobufs), as events of a stream, or in the middle of an error message.
//!
//! It builds no tree. Each scalar is shown once, with the keys that lead to it, in one pass over the text: time is
//! linear, and memory is the nesting (bounded) and one string at a time. Whoever looks on picks what matters.
//!
//! serde_json refuses all of these texts but the first, and its tree is many times the size of some bodies.

use std::borrow::Cow;

/// Deeper levels are passed over. The deepest field that a rule asks for is at level 6.
const MAX_DEPTH: usize = 32;

/// A scalar of a body.
pub(crate) struct Field<'f> {
    /// The keys that lead to it, its own last. Arrays add none.
    pub(crate) path: &'f [Cow<'f, str>],
    /// A string's content, or a number or a word as it stands.
    pub(crate) value: &'f str,
    /// Whether it is a string.
    pub(crate) quoted: bool,
    /// Whether its end is there; if not, more may have been cut off.
    pub(crate) whole: bool,
}

/// Blocks of Google's errors as the text format of protobuf shows them, which is how its Python SDK prints errors:
/// `retry_delay { seconds: 54 }`.
const BLOCKS: &[&str] = &["retry_delay", "violations"];

/// How often text is freed of escapes to find an object inside of it.
const MAX_ESCAPED: usize = 3;

/// Shows every scalar of every object in `text` to `visit`.
pub(crate) fn scan(text: &str, visit: &mut dyn FnMut(&Field<'_>)) {
    scan_escaped(text, 0, visit);
}

fn scan_escaped(text: &str, escaped: usize, visit: &mut dyn FnMut(&Field<'_>)) {
    let mut scanner = Scanner { text, at: 0, path: Vec::new(), open: Vec::new(), too_deep: 0 };
    while let Some(start) = text.get(scanner.at..).and_then(|rest| rest.find('{')) {
        scanner.at += start;
        let start = scanner.at;
        if scanner.object(visit) == Object::Escaped {
            if escaped < MAX_ESCAPED {
                scan_escaped(&unescape(&text[start..]), escaped + 1, visit);
            }
            return;
        }
    }
}

/// The content of the string that `text` begins with, if it begins with one; a missing end is forgiven.
pub(crate) fn leading_string(text: &str) -> Option<Cow<'_, str>> {
    let quote = text.bytes().next().filter(|byte| is_quote(*byte))?;
    let (content, _) = string(&text[1..], quote);
    Some(unescape(content))
}

/// Replaces escapes of JSON and of Python by what they stand for. Borrows where there are none.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('b' | 'f') => plain.push(' '),
            Some('u') => plain.push(code_unit(&mut chars, 4)),
            Some('x') => plain.push(code_unit(&mut chars, 2)),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Cow::Owned(plain)
}

/// The character of a `\u` or `\x` escape. Halves of surrogate pairs become the replacement character: nothing that a
/// rule looks for is written with them.
fn code_unit(chars: &mut std::str::Chars<'_>, digits: usize) -> char {
    let rest = chars.as_str();
    let value = rest.get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match value {
        Some(value) => {
            *chars = rest[digits..].chars();
            char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        None => char::REPLACEMENT_CHARACTER,
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    path: Vec<Cow<'t, str>>,
    open: Vec<Level>,
    /// How many levels are open beyond [`MAX_DEPTH`].
    too_deep: usize,
}

/// How the reading of an object ended.
#[derive(PartialEq, Eq)]
enum Object {
    Read,
    /// Its quotes have backslashes before them.
    Escaped,
}

struct Level {
    is_object: bool,
    /// How long the path is without this level's own key.
    path: usize,
    wants_key: bool,
}

impl<'t> Scanner<'t> {
    /// Reads from a `{` to its `}`, or to the end of the text.
    fn object(&mut self, visit: &mut dyn FnMut(&Field<'_>)) -> Object {
        self.path.clear();
        self.open.clear();
        self.too_deep = 0;
        let before = self.text[..self.at].trim_end_matches(' ');
        self.path.extend(BLOCKS.iter().filter(|block| before.ends_with(**block)).map(|block| Cow::Borrowed(*block)));
        while let Some(byte) = self.text.as_bytes().get(self.at).copied() {
            match byte {
                b'{' | b'[' => self.enter(byte == b'{'),
                b'}' | b']' => {
                    self.leave();
                    if self.open.is_empty() {
                        self.at += 1;
                        return Object::Read;
                    }
                }
                b',' => self.next_key(true),
                b':' => self.next_key(false),
                b'\\' => match self.text.as_bytes().get(self.at + 1) {
                    // A part of a string, of which we did not see the beginning.
                    Some(next) if is_quote(*next) => return Object::Escaped,
                    // A line's end in a bytes literal that Python printed.
                    Some(b'n' | b'r' | b't') => self.at += 1,
                    _ => {}
                },
                _ if is_quote(byte) => {
                    let (content, whole) = string(&self.text[self.at + 1..], byte);
                    self.at += 1 + content.len() + usize::from(whole);
                    self.token(unescape(content), true, whole, visit);
                    continue;
                }
                _ if byte.is_ascii_whitespace() => {}
                _ => {
                    self.word(visit);
                    continue;
                }
            }
            self.at += 1;
        }
        Object::Read
    }

    fn enter(&mut self, is_object: bool) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(Level { is_object, path: self.path.len(), wants_key: is_object });
        } else {
            self.too_deep += 1;
        }
    }

    fn leave(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if let Some(level) = self.open.pop() {
            self.path.truncate(level.path);
            self.next_key(true);
        }
    }

    fn next_key(&mut self, wanted: bool) {
        if let Some(level) = self.open.last_mut().filter(|_| self.too_deep == 0) {
            level.wants_key = wanted && level.is_object;
        }
    }

    /// A number, `true`, `null`, `None`, or a key without quotes.
    fn word(&mut self, visit: &mut dyn FnMut(&Field<'_>)) {
        let rest = &self.text[self.at..];
        let ends =
            |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"' | '\'' | '\\');
        let end = rest.find(ends);
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        // `b'…'` and `u'…'` are strings of Python. A line of an event stream may go on with another `data:`.
        let is_prefix = word.len() == 1 && rest[word.len()..].starts_with(['"', '\'']);
        let is_event_field = word == "data" && rest[word.len()..].starts_with(": ");
        if !is_prefix && !is_event_field {
            self.token(Cow::Borrowed(word), false, end.is_some(), visit);
        } else if is_event_field {
            self.at += 1;
        }
    }

    fn token(&mut self, token: Cow<'t, str>, quoted: bool, whole: bool, visit: &mut dyn FnMut(&Field<'_>)) {
        if self.too_deep > 0 {
            return;
        }
        let Some(level) = self.open.last() else { return };
        if level.wants_key {
            self.path.truncate(level.path);
            self.path.push(token);
        } else {
            visit(&Field { path: &self.path, value: &token, quoted, whole });
            // Where there are commas, the next one says so again.
            self.next_key(true);
        }
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

/// What stands before the end of a string that began just before `text`, and whether there is an end.
fn string(text: &str, quote: u8) -> (&str, bool) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if byte == quote {
            return (&text[..at], true);
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        scan(text, &mut |field| {
            let path = field.path.join(".");
            let value = if field.quoted { format!("{:?}", field.value) } else { field.value.to_owned() };
            fields.push((path, if field.whole { value } else { format!("{value}…") }));
        });
        fields
    }

    fn shown(text: &str) -> String {
        fields(text).into_iter().map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn json_is_read() {
        let text =
            r#"{"error": {"code": 429, "list": [{"a": true}, {"a": null}], "text": "x \"y\" \u00e9\n"}, "z": -1.5e3}"#;
        assert_eq!(
            shown(text),
            r#"error.code=429 error.list.a=true error.list.a=null error.text="x \"y\" é\n" z=-1.5e3"#
        );
    }

    #[test]
    fn so_is_what_python_prints() {
        let text = r#"Error code: 429 - {'error': {'message': "it's", 'code': None, 'n': 3}} and b'{\n  "a": "b"\n}'"#;
        assert_eq!(shown(text), r#"error.message="it's" error.code=None error.n=3 a="b""#);
    }

    #[test]
    fn so_are_protobufs() {
        let text = "[violations {\n  quota_id: \"PerDay\"\n  dims {\n    key: \"m\"\n  }\n  value: 50\n}\n, retry_delay {\n  seconds: 54\n}\n]";
        assert_eq!(
            shown(text),
            r#"violations.quota_id="PerDay" violations.dims.key="m" violations.value=50 retry_delay.seconds=54"#
        );
    }

    #[test]
    fn and_what_a_stream_sends() {
        let text = "event: error\ndata: {\"a\": 1}\n\ndata: {\"b\":\ndata: 2}\n\ndata: [DONE]\n";
        assert_eq!(shown(text), "a=1 b=2");
    }

    #[test]
    fn what_is_whole_is_salvaged() {
        assert_eq!(
            shown(r#"{"error": {"code": "x", "message": "try again in 7m"#),
            r#"error.code="x" error.message="try again in 7m"…"#
        );
        assert_eq!(shown(r#"{"a": "b", "retry_after": 12"#), r#"a="b" retry_after=12…"#);
        assert_eq!(shown(r#"{"a": {"b": 1}"#), "a.b=1");
        assert_eq!(shown(r#"{"a"#), "");
    }

    #[test]
    fn escapes_from_around_are_removed() {
        assert_eq!(shown(r#"said {\"a\": {\"b\": \"c\"}} again"#), r#"a.b="c""#);
        assert_eq!(shown(r#"{\\\"a\\\": 1}"#), "a=1");
    }

    #[test]
    fn nonsense_is_survived() {
        for text in [
            "",
            "{",
            "}",
            "{{{{",
            "[[{]]}",
            "{:,:,}",
            "{\"\\",
            "{\"a\\\"",
            "{'a':'\\x",
            "{é",
            "{\"é\": \"\\u12\"}",
            "\\",
            "{\\",
        ] {
            scan(text, &mut |_| {});
        }
        let deep = "{\"a\":".repeat(1_000);
        assert_eq!(shown(&format!("{deep}1{} {{\"b\": 2}}", "}".repeat(1_000))), "b=2");
    }

    #[test]
    fn strings_alone() {
        assert_eq!(leading_string(r#""{\"a\": 1}" rest"#).as_deref(), Some(r#"{"a": 1}"#));
        assert_eq!(leading_string(r#""{\"a\""#).as_deref(), Some(r#"{"a""#));
        assert_eq!(leading_string("x"), None);
    }
}
