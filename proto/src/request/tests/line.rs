//! What makes a line a request at all.

use super::*;

#[test]
fn a_line_must_be_one_json_object() {
    for (line, message) in [
        ("[]", "a request must be a JSON object"),
        ("7", "a request must be a JSON object"),
        ("null", "a request must be a JSON object"),
        (r#""op""#, "a request must be a JSON object"),
        ("GET / HTTP/1.1", "the line is not valid JSON at byte 1"),
        (r#"{"op":"ping""#, "the line is not valid JSON at byte 12"),
        (r#"{"op":"ping",}"#, "the line is not valid JSON at byte 14"),
        (r#"{"op":"ping","x":NaN}"#, "the line is not valid JSON at byte 18"),
        ("\u{feff}{\"op\":\"ping\"}", "the line is not valid JSON at byte 1"),
        (r#"{"op":"ping"}{"op":"ping"}"#, "a line must hold one JSON object and nothing else"),
        (r#"{"op":"ping"} x"#, "a line must hold one JSON object and nothing else"),
    ] {
        assert_eq!(complaint(line), message, "{line}");
        assert_eq!(reject(line.as_bytes()).id, None, "{line}");
    }
    assert!(matches!(accept(" \t{ \"op\" : \"ping\" } ").op, Op::Ping));
}

#[test]
fn a_line_must_be_utf8() {
    for line in [b"{\"op\":\"ping\",\"id\":\"\xff\"}".as_slice(), b"{\"op\":\"ping\",\"x\":\"\xc3\"}", b"\xff"] {
        let rejected = reject(line);
        assert_eq!(rejected.error.message, "the line is not valid UTF-8");
        assert_eq!(rejected.id, None);
    }
}

#[test]
fn raw_control_characters_and_lone_surrogates_are_not_json() {
    for line in ["{\"op\":\"ping\",\"id\":\"a\0b\"}", r#"{"op":"ping","id":"\ud800"}"#] {
        assert!(complaint(line).contains("not valid JSON"), "{line}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!(r#"{{"id":1,"op":"ping","x":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    };
    accept(&nested(MAX_NESTING - 1));
    accept(&nested(MAX_NESTING));
    for levels in [MAX_NESTING + 1, 129, 20_000] {
        let line = nested(levels);
        assert_eq!(complaint(&line), "the request is nested more than 64 levels deep");
        assert_eq!(reject(line.as_bytes()).id, Some(Id::Int(1)));
    }
}

#[test]
fn only_nesting_counts_as_nesting() {
    let brackets = "[{".repeat(1_000);
    accept(&format!(r#"{{"op":"ping","id":1,"x":"{brackets}","y":"\"{brackets}"}}"#));
    let siblings = "[],".repeat(1_000);
    accept(&format!(r#"{{"op":"ping","x":[{siblings}{{}}]}}"#));
}
