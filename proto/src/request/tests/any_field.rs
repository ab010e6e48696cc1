//! What holds for fields of every operation.

use super::*;

#[test]
fn a_field_may_not_stand_there_twice() {
    for (line, name) in [
        (r#"{"op":"ping","op":"ping"}"#, "op"),
        (r#"{"op":"acquire","pool":"a","pool":"b"}"#, "pool"),
        (r#"{"op":"ping","pool":"a","pool":"b"}"#, "pool"),
        (r#"{"op":"acquire","pool":"a","ttl_ms":null,"ttl_ms":1}"#, "ttl_ms"),
        (r#"{"op":"ping","colour":1,"colour":1}"#, "colour"),
        (r#"{"op":"ping","colour":1,"c\u006flour":1}"#, "colour"),
        (r#"{"op":"ping","id":1,"id":1}"#, "id"),
        (r#"{"op":"report_error","lease":"l","next":{"model":"a","model":"b"}}"#, "next.model"),
        (r#"{"op":"release","lease":"l","usage":{"x":1,"x":2}}"#, "usage.x"),
    ] {
        assert_eq!(complaint(line), format!("the field `{name}` stands there twice"), "{line}");
    }
}

#[test]
fn fields_that_the_operation_does_not_know_are_named_and_not_checked() {
    let request = accept(r#"{"colour":1,"wait_ms":"soon","op":"ping","pool":"p","épée":{}}"#);
    assert_eq!(request.unknown, ["colour", "pool", "wait_ms", "épée"]);

    let request = accept(r#"{"op":"report_error","lease":"l","next":{"pool":"p","model":"m"},"session":"s"}"#);
    assert_eq!(request.unknown, ["session", "next.pool"]);

    let request = accept(r#"{"op":"release","lease":"l","usage":{"cost":1}}"#);
    assert_eq!(request.unknown, ["usage.cost"]);

    assert!(accept(r#"{"op":"ping","id":1}"#).unknown.is_empty());
}

#[test]
fn few_unknown_fields_are_named_and_none_at_length() {
    for count in [MAX_UNKNOWN_NAMED - 1, MAX_UNKNOWN_NAMED, MAX_UNKNOWN_NAMED + 1] {
        let fields: String = (0..count).map(|n| format!(r#","u{n:02}":0"#)).collect();
        let line = format!(r#"{{"op":"ping"{fields}}}"#);
        assert_eq!(accept(&line).unknown.len(), count.min(MAX_UNKNOWN_NAMED));
    }
    for (name, kept) in [
        ("x".repeat(63), 63),
        ("x".repeat(64), 64),
        ("x".repeat(65), 64),
        ("é".repeat(40), 64),
        (format!("x{}", "é".repeat(40)), 63),
    ] {
        let line = format!(r#"{{"op":"ping","{name}":0}}"#);
        let request = accept(&line);
        assert_eq!(request.unknown[0], name[..kept]);
    }
}

#[test]
fn null_is_absence() {
    let options = acquire(
        r#"{"op":"acquire","pool":"p","id":null,"model":null,"exclude":null,"class":null,
            "wait_ms":null,"ttl_ms":null,"detach":null,"secret":null}"#,
    );
    assert_eq!(options, AcquireOptions::default());
    assert_eq!(complaint(r#"{"op":"acquire","pool":null}"#), "`acquire` needs `pool`");
    assert_eq!(complaint(r#"{"op":null}"#), "a request needs `op`");
    assert!(matches!(report(&with(r#""next":null"#)).next, Next::No));
}

#[test]
fn op_may_stand_anywhere_and_must_be_known() {
    assert!(matches!(accept(r#"{"pool":"p","wait_ms":1,"op":"acquire"}"#).op, Op::Acquire { .. }));
    assert_eq!(complaint("{}"), "a request needs `op`");
    assert_eq!(complaint(r#"{"op":7}"#), "`op` must be a string");
    for name in ["refreshing", "Ping", "", "ping "] {
        let line = format!(r#"{{"op":"{name}","id":"i","limit":"x"}}"#);
        let rejected = reject(line.as_bytes());
        assert_eq!(rejected.error.code, ErrorCode::UnknownOp, "{name:?}");
        assert_eq!(rejected.id, Some(Id::Str("i".into())), "{name:?}");
    }
}

#[test]
fn only_what_looks_like_an_operation_is_repeated() {
    assert_eq!(reject(br#"{"op":"aquire"}"#).error.message, "there is no operation `aquire`");
    for op in ["sk-or-v1-0123", "AKIA", &"x".repeat(33)] {
        let line = format!(r#"{{"op":"{op}"}}"#);
        assert_eq!(reject(line.as_bytes()).error.message, "there is no such operation");
    }
}

#[test]
fn integers_are_integers_within_their_range() {
    let ttl = |value: &str| format!(r#"{{"op":"acquire","pool":"p","ttl_ms":{value}}}"#);
    let wait = |value: &str| format!(r#"{{"op":"acquire","pool":"p","wait_ms":{value}}}"#);
    assert_eq!(acquire(&wait("0")).wait_ms, 0);
    assert_eq!(acquire(&wait("9007199254740990")).wait_ms, MAX_INTEGER - 1);
    assert_eq!(acquire(&wait("9007199254740991")).wait_ms, MAX_INTEGER);
    for bad in ["9007199254740992", "18446744073709551616", "-1", "-0", "1.0", "1e3", "\"5\"", "true", "[]", "{}"] {
        assert_eq!(complaint(&wait(bad)), "`wait_ms` must be an integer from 0 to 9007199254740991", "{bad}");
    }
    assert!(complaint(&wait("1e400")).contains("not valid JSON"));
    assert_eq!(acquire(&ttl("1")).ttl_ms, Some(1));
    assert_eq!(complaint(&ttl("0")), "`ttl_ms` must be an integer of at least 1");
}

#[test]
fn names_are_bounded_and_not_empty() {
    let long = "n".repeat(MAX_NAME_BYTES);
    for field in ["pool", "model", "session", "credential", "profile"] {
        let line = |name: &str| {
            let pool = if field == "pool" { "" } else { r#","pool":"p""# };
            format!(r#"{{"op":"acquire"{pool},"{field}":"{name}"}}"#)
        };
        let message = format!("`{field}` must be a string of 1 to 256 bytes");
        accept(&line("n"));
        accept(&line(&long[1..]));
        accept(&line(&long));
        assert_eq!(complaint(&line(&format!("{long}n"))), message);
        assert_eq!(complaint(&line("")), message);
    }
    assert!(complaint(r#"{"op":"renew","lease":""}"#).starts_with("`lease` must be"));
    let disable = |note: &str| format!(r#"{{"op":"disable","pool":"p","credential":"c","note":"{note}"}}"#);
    accept(&disable(""));
    accept(&disable(&long));
    assert_eq!(complaint(&disable(&format!("{long}n"))), "`note` must be a string of at most 256 bytes");
}

#[test]
fn escaped_text_is_read_and_plain_text_is_borrowed() {
    let options = acquire(r#"{"op":"acquire","pool":"p","model":"gpt","session":"a\nb"}"#);
    assert!(matches!(options.model, Some(Cow::Borrowed("gpt"))));
    assert_eq!(options.session.as_deref(), Some("a\nb"));
}
