//! The answer when nothing can be leased: who is in the way, why, and when the first comes back. Never an empty key.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, now_ms};

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

/// Reports a failure of the credential with this label.
fn fail(wire: &mut Wire, label: &str, facts: &Value) {
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": label}))["lease"].clone();
    let mut request = json!({"op": "report_error", "lease": lease});
    let fields = facts.as_object().expect("an object").clone();
    request.as_object_mut().expect("an object").extend(fields);
    wire.ok(&request);
}

fn rate_limited(seconds: u32) -> Value {
    json!({"status": 429, "headers": {"retry-after": seconds.to_string()}})
}

#[test]
fn every_credential_is_named_with_its_cause_the_soonest_first() {
    let daemon = Daemon::serving(&AuthJson::many(4));
    let mut wire = daemon.wire();
    let before = now_ms();
    fail(&mut wire, "key-0", &rate_limited(3_600));
    fail(&mut wire, "key-1", &rate_limited(60));
    fail(&mut wire, "key-2", &json!({"status": 401, "body": {"error": {"code": "token_revoked"}}}));
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-3", "note": "on holiday"}));

    let reply = wire.ask(&acquire());
    let error = &reply["error"];
    assert_eq!(error["code"], "exhausted", "{reply:#}");
    assert_eq!(reply.get("credential"), None, "{reply:#}");
    assert_eq!((&error["pool"], &error["total"]), (&json!("openrouter"), &json!(4)));
    assert_eq!(error["by_cause"], json!({"rate_limit": 2, "dead": 1, "disabled": 1}), "{error:#}");

    let credentials = error["credentials"].as_array().expect("a list");
    let labels: Vec<_> = credentials.iter().filter_map(|credential| credential["label"].as_str()).collect();
    assert_eq!(labels[..2], ["key-1", "key-0"], "the soonest first: {error:#}");
    let named = |label: &str| {
        credentials.iter().find(|credential| credential["label"] == label).expect("all four are named").clone()
    };
    let cooling = named("key-1");
    assert_eq!((&cooling["state"], &cooling["cause"]["kind"]), (&json!("cooling"), &json!("rate_limit")));
    assert_eq!(cooling["cause"]["status"], 429);
    let void = named("key-2");
    assert_eq!((&void["state"], &void["until_at_ms"]), (&json!("needs_login"), &Value::Null), "{void:#}");
    let disabled = named("key-3");
    assert_eq!((&disabled["state"], &disabled["cause"]["reason"]), (&json!("disabled"), &json!("on holiday")));

    // When the first comes back: a minute from the report, at most a tenth later.
    let retry_at = error["retry_at_ms"].as_u64().expect("an instant");
    assert!((before + 60_000..=now_ms() + 66_000).contains(&retry_at), "{error:#}");
    assert_eq!(error["retry_at_ms"], cooling["until_at_ms"]);
    let retry_after = error["retry_after_ms"].as_u64().expect("a duration");
    assert!((55_000..=66_000).contains(&retry_after), "{error:#}");
}

#[test]
fn where_only_a_person_can_help_there_is_no_time_to_wait_for() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    fail(&mut wire, "key-0", &json!({"status": 401, "body": {"error": {"code": "token_revoked"}}}));
    let error = wire.refused(&acquire(), "exhausted");
    assert_eq!((&error["retry_at_ms"], &error["retry_after_ms"]), (&Value::Null, &Value::Null), "{error:#}");
}

#[test]
fn at_most_32_are_described_and_all_are_counted() {
    const MANY: u32 = 40;
    let daemon = Daemon::serving(&AuthJson::many(MANY as usize));
    let mut wire = daemon.wire();
    for number in 0..MANY {
        // The last comes back first, and before any probe may go.
        fail(&mut wire, &format!("key-{number}"), &rate_limited(800 - number * 10));
    }
    let error = wire.refused(&acquire(), "exhausted");
    assert_eq!((&error["total"], &error["by_cause"]["rate_limit"]), (&json!(MANY), &json!(MANY)), "{error:#}");
    let credentials = error["credentials"].as_array().expect("a list");
    assert_eq!(credentials.len(), 32);
    let instants: Vec<_> = credentials.iter().filter_map(|credential| credential["until_at_ms"].as_u64()).collect();
    assert!(instants.is_sorted(), "{instants:?}");
    assert_eq!(error["retry_at_ms"], instants[0]);
}

#[test]
fn the_credential_comes_back_when_the_answer_said() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    fail(&mut wire, "key-0", &json!({"status": 429, "headers": {"retry-after-ms": "300"}}));
    let retry_at = wire.refused(&acquire(), "exhausted")["retry_at_ms"].as_u64().expect("an instant");
    let (refused_at, served_at) = until_served(&mut wire);
    // Both clocks are read before or after the daemon's own, and each instant is cut to milliseconds twice.
    assert!(refused_at <= retry_at + 2, "still refused {} ms late", refused_at - retry_at);
    assert!(served_at + 2 >= retry_at, "served {} ms early", retry_at - served_at);
}

/// Asks until there is a lease. Returns when the last refusal had been asked for, and when the lease had come.
fn until_served(wire: &mut Wire) -> (u64, u64) {
    let mut refused_at = 0;
    crate::support::eventually("the credential comes back", || {
        let asked_at = now_ms();
        if wire.ask(&acquire())["ok"] == true {
            return Some((refused_at, now_ms()));
        }
        refused_at = asked_at;
        None
    })
}

#[test]
fn an_empty_pool_is_exhausted() {
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", []));
    let error = daemon.wire().refused(&acquire(), "exhausted");
    assert_eq!((&error["total"], &error["credentials"]), (&json!(0), &json!([])), "{error:#}");
}

#[test]
fn a_row_with_an_empty_key_is_never_granted() {
    let auth = AuthJson::keys(["blank", "good"]);
    let rows = [crate::support::Row::key("blank").secret(""), crate::support::Row::key("good")];
    let daemon = Daemon::serving(&auth.pool("openrouter", rows));
    let mut wire = daemon.wire();
    for _ in 0..4 {
        assert_eq!(wire.ok(&acquire())["credential"]["label"], "good");
    }
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "good"}));
    wire.refused(&acquire(), "exhausted");
}
