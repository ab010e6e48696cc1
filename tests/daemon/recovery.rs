//! Coming back: probes as clients see them.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, eventually};

fn acquire(wire: &mut Wire) -> Value {
    wire.ask(&json!({"op": "acquire", "pool": "openrouter"}))
}

/// A daemon whose one key was rate-limited without a hint, and the probe that has been let through since.
fn probed() -> (Daemon, Wire, Value) {
    let daemon = Daemon::configured(&AuthJson::many(1), "cooldown.rate_limit.base = \"50ms\"\n");
    let mut wire = daemon.wire();
    let lease = acquire(&mut wire)["lease"].clone();
    let reported = wire.ok(&json!({"op": "report_error", "lease": lease, "kind": "rate_limit"}));
    assert_eq!(reported["verdict"]["state"], "cooling", "{reported:#}");
    let probe = eventually("a probe", || Some(acquire(&mut wire)).filter(|reply| reply["ok"] == true));
    assert_eq!(probe["probe"], true, "{probe:#}");
    (daemon, wire, probe["lease"].clone())
}

fn credential(wire: &mut Wire) -> Value {
    wire.ok(&json!({"op": "status", "pool": "openrouter"}))["pools"][0]["credentials"][0].clone()
}

#[test]
fn one_lease_at_a_time_finds_out_whether_a_guess_is_over() {
    let (_daemon, mut wire, probe) = probed();
    let shown = credential(&mut wire);
    assert_eq!((&shown["state"], &shown["restrictions"][0]["phase"]), (&json!("probing"), &json!("half_open")));
    let refused = wire.refused(&json!({"op": "acquire", "pool": "openrouter"}), "exhausted");
    assert!(refused["retry_after_ms"].as_u64().expect("soon") <= 1_000, "{refused:#}");
    let explained = wire.ok(&json!({"op": "explain", "pool": "openrouter"}));
    let message = explained["candidates"][0]["reasons"][0]["message"].as_str().expect("words").to_owned();
    assert!(message.contains("a probe is out"), "{message}");

    wire.ok(&json!({"op": "release", "lease": probe, "status": 200}));
    let next = acquire(&mut wire);
    assert_eq!(next["probe"], false, "{next:#}");
    assert_eq!(credential(&mut wire)["restrictions"][0]["phase"], "ramping");
    let story = wire.ok(&json!({"op": "history", "pool": "openrouter", "limit": 1}));
    let latest = &story["entries"][0];
    assert_eq!((&latest["event"], &latest["probe"]), (&json!("recovered"), &json!(true)), "{latest:#}");
}

#[test]
fn a_probe_that_fails_is_one_strike_more() {
    let (_daemon, mut wire, probe) = probed();
    let reported = wire.ok(&json!({"op": "report_error", "lease": probe, "kind": "rate_limit"}));
    assert_eq!(reported["verdict"]["strikes"], 2, "{reported:#}");
}

#[test]
fn a_probe_whose_holder_is_gone_makes_room_for_another() {
    let (daemon, wire, _) = probed();
    drop(wire);
    let mut wire = daemon.wire();
    let probe = eventually("another probe", || Some(acquire(&mut wire)).filter(|reply| reply["ok"] == true));
    assert_eq!(probe["probe"], true, "{probe:#}");
}

#[test]
fn a_long_deadline_is_asked_after_now_and_then() {
    let daemon = Daemon::configured(&AuthJson::many(1), "defaults.probe_interval = \"1s\"\n");
    let mut wire = daemon.wire();
    let lease = acquire(&mut wire)["lease"].clone();
    let facts = json!({"op": "report_error", "lease": lease, "status": 429, "retry_after": 500_000});
    wire.ok(&facts);
    wire.refused(&json!({"op": "acquire", "pool": "openrouter"}), "exhausted");
    let probe = eventually("a probe", || Some(acquire(&mut wire)).filter(|reply| reply["ok"] == true));
    assert_eq!(probe["probe"], true, "{probe:#}");
    assert_eq!(credential(&mut wire)["state"], "cooling");
    wire.ok(&json!({"op": "release", "lease": probe["lease"], "outcome": "ok"}));
    assert_eq!(credential(&mut wire)["state"], "ready");
}
