//! What surrounds every request and reply: ids, warnings, and the refusal of what is no request.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon};

const LARGEST_INTEGER: u64 = (1 << 53) - 1;

#[test]
fn ids_come_back_as_they_were() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for id in [json!(0), json!(LARGEST_INTEGER), json!(""), json!("a \"quoted\" one\n"), json!("é".repeat(32))] {
        let reply = wire.ok(&json!({"op": "ping", "id": id}));
        assert_eq!(reply["id"], id);
    }
}

#[test]
fn a_refusal_carries_the_id_as_well() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let unknown = wire.ask(&json!({"id": "a", "op": "nonsense"}));
    assert_eq!((&unknown["id"], &unknown["error"]["code"]), (&json!("a"), &json!("unknown_op")));
    let missing = wire.ask(&json!({"id": "b", "op": "acquire"}));
    assert_eq!((&missing["id"], &missing["error"]["code"]), (&json!("b"), &json!("bad_request")));
}

#[test]
fn the_id_may_stand_behind_what_is_wrong() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.send_bytes(b"{\"op\":\"acquire\",\"pool\":5,\"id\":7}\n");
    let reply = wire.recv();
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(7), &json!("bad_request")));
}

#[test]
fn without_an_id_there_is_none_in_the_reply() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "ping"}));
    assert_eq!(reply["id"], Value::Null);
}

#[test]
fn ids_have_at_most_64_bytes() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for length in [63, 64] {
        let id = "i".repeat(length);
        assert_eq!(wire.ok(&json!({"op": "ping", "id": id}))["id"], id);
    }
    wire.refused(&json!({"op": "ping", "id": "i".repeat(65)}), "bad_request");
    // Bytes, not characters.
    wire.refused(&json!({"op": "ping", "id": "é".repeat(33)}), "bad_request");
}

#[test]
fn ids_are_strings_or_integers() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for id in ["9007199254740992", "-1", "1.0", "1e3", "true", "[1]", "{}"] {
        wire.line_refused(format!("{{\"op\":\"ping\",\"id\":{id}}}").as_bytes(), "bad_request");
    }
}

#[test]
fn unknown_fields_are_ignored_and_named() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let reply = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "colour": "red", "size": {"x": 1}}));
    let warnings = reply["warnings"].as_array().expect("a list of warnings");
    for field in ["colour", "size"] {
        let named = warnings.iter().filter_map(Value::as_str).any(|warning| warning.contains(field));
        assert!(named, "{field} is not named in {warnings:?}");
    }
    let plain = wire.ok(&json!({"op": "ping"}));
    assert_eq!(plain.get("warnings"), None, "a warning about nothing");
}

#[test]
fn warnings_repeat_at_most_64_bytes_of_a_name() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let name = "x".repeat(10_000);
    let reply = daemon.wire().ok(&json!({"op": "ping", name.as_str(): 1}));
    let warnings = reply["warnings"].to_string();
    assert!(warnings.contains(&"x".repeat(10)), "{warnings}");
    assert!(!warnings.contains(&"x".repeat(65)), "{warnings}");
}

#[test]
fn wrong_types_are_refused_by_field() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let wrong = [
        json!({"op": 5}),
        json!({"op": "acquire"}),
        json!({"op": "acquire", "pool": 5}),
        json!({"op": "acquire", "pool": "openrouter", "ttl_ms": "1000"}),
        json!({"op": "acquire", "pool": "openrouter", "detach": 1}),
        json!({"op": "acquire", "pool": "openrouter", "exclude": "a1b2c3"}),
        json!({"op": "acquire", "pool": "openrouter", "exclude": [1]}),
        json!({"op": "acquire", "pool": "openrouter", "class": "royal"}),
        json!({"op": "release"}),
        json!({"op": "release", "lease": 5}),
        json!({"op": "report_error", "status": 429}),
    ];
    for request in &wrong {
        wire.refused(request, "bad_request");
    }
    assert_eq!(daemon.wire().ok(&json!({"op": "status"}))["pools"][0]["leases"], 0, "a refusal took a lease");
}

#[test]
fn numbers_are_integers_from_0_to_2_to_the_53_minus_1() {
    let daemon = Daemon::configured(&AuthJson::many(1), "");
    let mut wire = daemon.wire();
    for number in ["-1", "1.0", "1.5", "1e3", "1e400", "9007199254740992", "18446744073709551616", "NaN", "Infinity"] {
        let line = format!("{{\"op\":\"acquire\",\"pool\":\"openrouter\",\"ttl_ms\":{number}}}");
        wire.line_refused(line.as_bytes(), "bad_request");
    }
}

#[test]
fn null_is_the_same_as_nothing() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "model": null, "ttl_ms": null}));
    assert_eq!(reply["credential"]["label"], "key-0");
}
