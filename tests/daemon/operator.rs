//! `clear`, `disable` and `enable`.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, Wire, credential, eventually, now_ms, same_instant};

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

fn rate_limit(wire: &mut Wire, label: &str) {
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": label}))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "600"}}));
}

fn state(wire: &mut Wire, label: &str) -> String {
    credential(wire, "openrouter", label)["state"].as_str().expect("a state").to_owned()
}

#[test]
fn clear_lifts_what_restricts_one_credential() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    rate_limit(&mut wire, "key-0");
    rate_limit(&mut wire, "key-1");
    let epoch = credential(&mut wire, "openrouter", "key-0")["epoch"].clone();
    let clear = json!({"op": "clear", "pool": "openrouter", "credential": "key-0"});
    assert_eq!(wire.ok(&clear)["cleared"], 1);
    assert_eq!((state(&mut wire, "key-0"), state(&mut wire, "key-1")), ("ready".into(), "cooling".into()));
    assert_ne!(credential(&mut wire, "openrouter", "key-0")["epoch"], epoch, "a clear begins a new epoch");
    assert_eq!(wire.ok(&clear)["cleared"], 0);
}

#[test]
fn clear_of_a_pool_lifts_everything_but_what_an_operator_did() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    rate_limit(&mut wire, "key-0");
    rate_limit(&mut wire, "key-1");
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-2"}));
    assert_eq!(wire.ok(&json!({"op": "clear", "pool": "openrouter"}))["cleared"], 2);
    let states = ["key-0", "key-1", "key-2"].map(|label| state(&mut wire, label));
    assert_eq!(states, ["ready", "ready", "disabled"]);
}

#[test]
fn clear_revives_what_needed_a_login() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire())["lease"].clone();
    let body = json!({"error": {"code": "token_revoked"}});
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 401, "body": body}));
    assert_eq!(state(&mut wire, "key-0"), "needs_login");
    wire.ok(&json!({"op": "clear", "pool": "openrouter", "credential": Row::key("key-0").id()}));
    wire.ok(&acquire());
}

#[test]
fn a_disabled_credential_is_not_granted_until_it_is_enabled() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    let held = wire.ok(&acquire());
    assert_eq!(held["credential"]["label"], "key-0");
    let disable = json!({"op": "disable", "pool": "openrouter", "credential": "key-0", "note": "too expensive"});
    let reply = wire.ok(&disable);
    assert_eq!(reply["credential"]["state"], "disabled", "{reply:#}");
    let status = credential(&mut wire, "openrouter", "key-0");
    assert_eq!((&status["cause"]["kind"], &status["cause"]["reason"]), (&json!("disabled"), &json!("too expensive")));
    assert_eq!((&status["until_at_ms"], &status["leases"]), (&Value::Null, &json!(1)), "leases stay: {status:#}");
    wire.ok(&json!({"op": "release", "lease": held["lease"]}));
    assert_eq!(wire.ok(&acquire())["credential"]["label"], "key-1");
    let pinned = json!({"op": "acquire", "pool": "openrouter", "credential": "key-0"});
    wire.refused(&pinned, "exhausted");
    let reply = wire.ok(&json!({"op": "enable", "pool": "openrouter", "credential": "key-0"}));
    assert_eq!(reply["credential"]["state"], "ready", "{reply:#}");
    wire.ok(&pinned);
}

#[test]
fn a_disable_may_end_by_itself() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let before = now_ms();
    let disable = json!({"op": "disable", "pool": "openrouter", "credential": "key-0", "for_ms": 300});
    let until = wire.ok(&disable)["credential"]["until_at_ms"].as_u64().expect("an instant");
    assert!((before + 300..=now_ms() + 300).contains(&until), "{until}");
    let error = wire.refused(&acquire(), "exhausted");
    same_instant(&error["retry_at_ms"], &json!(until));
    eventually("the credential is back", || (wire.ask(&acquire())["ok"] == true).then_some(()));
    assert!(now_ms() + 1 >= until, "it was back early");
}

#[test]
fn a_disable_hides_other_restrictions_and_lifts_none() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    rate_limit(&mut wire, "key-0");
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-0"}));
    let status = credential(&mut wire, "openrouter", "key-0");
    assert_eq!(status["state"], "disabled");
    assert_eq!(status["restrictions"].as_array().map(Vec::len), Some(2), "{status:#}");
    wire.ok(&json!({"op": "enable", "pool": "openrouter", "credential": "key-0"}));
    assert_eq!(state(&mut wire, "key-0"), "cooling");
}

#[test]
fn operators_are_told_when_they_mean_nobody() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for op in ["clear", "disable", "enable"] {
        wire.refused(&json!({"op": op, "pool": "nowhere", "credential": "key-0"}), "unknown_pool");
        wire.refused(&json!({"op": op, "pool": "openrouter", "credential": "nobody"}), "unknown_credential");
    }
    for op in ["disable", "enable"] {
        wire.refused(&json!({"op": op, "pool": "openrouter"}), "bad_request");
    }
}

#[test]
fn a_credential_that_was_enabled_can_be_enabled_again() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "enable", "pool": "openrouter", "credential": "key-0"}));
    assert_eq!(reply["credential"]["state"], "ready");
}
