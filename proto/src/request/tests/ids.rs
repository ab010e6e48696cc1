//! The `id`, in requests and in refusals.

use super::*;

#[test]
fn an_id_is_a_short_string_or_an_integer() {
    let ping = |id: &str| format!(r#"{{"op":"ping","id":{id}}}"#);
    assert_eq!(accept(&ping("0")).id, Some(Id::Int(0)));
    assert_eq!(accept(&ping("9007199254740991")).id, Some(Id::Int(MAX_INTEGER)));
    assert_eq!(accept(&ping(r#""""#)).id, Some(Id::Str("".into())));
    assert_eq!(accept(&ping(r#""a\u0062""#)).id, Some(Id::Str("ab".into())));
    for bytes in [MAX_ID_BYTES - 1, MAX_ID_BYTES] {
        accept(&ping(&format!("\"{}\"", "i".repeat(bytes))));
    }
    let long = format!("\"{}\"", "i".repeat(MAX_ID_BYTES + 1));
    for bad in ["9007199254740992", "-1", "1.5", "true", "[1]", "{}", &long] {
        let line = ping(bad);
        let rejected = reject(line.as_bytes());
        assert_eq!(rejected.id, None, "{bad}");
        assert!(rejected.error.message.starts_with("`id` must be"), "{bad}");
    }
}

#[test]
fn a_refusal_carries_the_id_wherever_it_stands() {
    for line in [
        r#"{"op":"acquire","pool":"","id":7}"#,
        r#"{"id":7,"op":"acquire"}"#,
        r#"{"wait_ms":-1,"op":"acquire","pool":"p","id":7}"#,
        r#"{"x":1,"x":2,"id":7}"#,
        r#"{"op":"report_error","id":7,"lease":"l","next":{"ttl_ms":0}}"#,
        r#"{"op":7,"id":7}"#,
    ] {
        assert_eq!(reject(line.as_bytes()).id, Some(Id::Int(7)), "{line}");
    }
    for line in [r#"{"id":7,"op":"#, r#"{"id":7} x"#, r#"{"id":7,"id":8,"op":"ping"}"#] {
        assert_eq!(reject(line.as_bytes()).id, None, "{line}");
    }
}
