//! Asking for one credential, and for any but some.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row};

fn pinned(credential: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "credential": credential})
}

fn without(ids: &[String]) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "exclude": ids})
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| Row::key(&format!("key-{number}")).id()).collect()
}

#[test]
fn a_pin_is_an_id_or_a_label() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    assert_eq!(wire.ok(&pinned(&Row::key("key-2").id()))["credential"]["label"], "key-2");
    let reply = wire.ok(&pinned("key-1"));
    assert_eq!(reply["credential"]["label"], "key-1");
    assert_ne!(reply["chosen_by"], "fill_first", "the pin decided");
}

#[test]
fn a_pin_on_nobody_is_refused() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    daemon.wire().refused(&pinned("nobody"), "unknown_credential");
}

#[test]
fn a_label_of_two_is_refused_with_both() {
    let rows = [Row::key("a").set("label", json!("twin")), Row::key("b").set("label", json!("twin"))];
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", rows.clone()));
    let mut wire = daemon.wire();
    let error = wire.refused(&pinned("twin"), "ambiguous_label");
    let named: Vec<_> = error["credentials"].as_array().expect("a list").iter().map(|c| c["id"].clone()).collect();
    assert_eq!(named, [json!(rows[0].id()), json!(rows[1].id())]);
    wire.ok(&pinned(&rows[1].id()));
}

#[test]
fn a_pin_on_a_restricted_credential_gets_nobody_else() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    let lease = wire.ok(&pinned("key-0"))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "60"}}));
    let error = wire.refused(&pinned("key-0"), "exhausted");
    assert_eq!((&error["total"], &error["credentials"][0]["label"]), (&json!(1), &json!("key-0")), "{error:#}");
}

#[test]
fn excluded_credentials_are_passed_over() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let reply = daemon.wire().ok(&without(&ids(2)));
    assert_eq!(reply["credential"]["label"], "key-2");
}

#[test]
fn excluding_everybody_leaves_nobody() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let error = daemon.wire().refused(&without(&ids(2)), "exhausted");
    assert_eq!(error["total"], 0, "{error:#}");
    assert_eq!(error["retry_at_ms"], Value::Null, "no time brings back who is excluded: {error:#}");
}

#[test]
fn at_most_32_are_excluded() {
    let daemon = Daemon::serving(&AuthJson::many(40));
    let mut wire = daemon.wire();
    for count in [31, 32] {
        assert_eq!(wire.ok(&without(&ids(count)))["credential"]["label"], format!("key-{count}"));
    }
    let error = wire.refused(&without(&ids(33)), "limit");
    assert_eq!(error["value"], 32, "{error:#}");
}
