//! `explain`: what `acquire` would do, without doing it.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, credential, same_instant};

fn explain() -> Value {
    json!({"op": "explain", "pool": "openrouter"})
}

fn candidate(reply: &Value, label: &str) -> Value {
    let candidates = reply["candidates"].as_array().expect("a list");
    candidates.iter().find(|candidate| candidate["label"] == label).expect("the candidate is named").clone()
}

#[test]
fn it_says_what_acquire_then_does_and_takes_nothing() {
    let daemon = Daemon::configured(&AuthJson::many(3), "[defaults]\nstrategy = \"round_robin\"\n");
    let mut wire = daemon.wire();
    for _ in 0..6 {
        let first = wire.ok(&explain())["choice"].clone();
        let again = wire.ok(&explain())["choice"].clone();
        assert_eq!(first, again, "asking moved the turn");
        let granted = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
        assert_eq!(first["id"], granted["credential"]["id"]);
        assert_eq!(first["chosen_by"], granted["chosen_by"]);
        wire.ok(&json!({"op": "release", "lease": granted["lease"]}));
    }
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["grants"], 2);
}

#[test]
fn it_names_what_is_in_the_way_of_each() {
    let daemon = Daemon::configured(&AuthJson::many(4), "[defaults]\ncap = \"hard\"\n");
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "60"}}));
    let held = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    assert_eq!(held["credential"]["label"], "key-1");
    let mut request = explain();
    request["exclude"] = json!([Row::key("key-2").id()]);
    let reply = wire.ok(&request);
    assert_eq!(reply["choice"]["label"], "key-3", "{reply:#}");
    assert_eq!((&reply["pool"], &reply["total"]), (&json!("openrouter"), &json!(4)));
    let obstacle = |label: &str| candidate(&reply, label)["reasons"][0]["obstacle"].clone();
    assert_eq!(obstacle("key-0"), "restricted");
    assert_eq!(obstacle("key-1"), "at_cap");
    assert_eq!(obstacle("key-2"), "excluded");
    let restriction = &candidate(&reply, "key-0")["reasons"][0]["restriction"];
    assert_eq!((&restriction["kind"], &restriction["status"]), (&json!("rate_limit"), &json!(429)), "{reply:#}");
    assert_eq!(candidate(&reply, "key-3")["eligible"], true);
    assert_eq!(candidate(&reply, "key-3").get("reasons"), None);
}

#[test]
fn where_acquire_would_be_refused_there_is_no_choice() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "60"}}));
    let reply = wire.ok(&explain());
    assert_eq!(reply["choice"], Value::Null, "{reply:#}");
    let refused = wire.refused(&json!({"op": "acquire", "pool": "openrouter"}), "exhausted");
    same_instant(&reply["retry_at_ms"], &refused["retry_at_ms"]);
}

#[test]
fn a_pin_is_in_the_way_of_all_others() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut request = explain();
    request["credential"] = json!("key-1");
    let reply = daemon.wire().ok(&request);
    assert_eq!(reply["choice"]["label"], "key-1");
    assert_eq!(candidate(&reply, "key-0")["reasons"][0]["obstacle"], "not_pinned", "{reply:#}");
}

#[test]
fn at_most_32_candidates_are_described() {
    let daemon = Daemon::serving(&AuthJson::many(33));
    let reply = daemon.wire().ok(&explain());
    assert_eq!(reply["candidates"].as_array().map(Vec::len), Some(32));
    assert_eq!(reply["total"], 33);
}

#[test]
fn questions_about_nothing_are_refused_as_acquire_refuses_them() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.refused(&json!({"op": "explain", "pool": "nowhere"}), "unknown_pool");
    wire.refused(&json!({"op": "explain", "pool": "openrouter", "credential": "nobody"}), "unknown_credential");
}
