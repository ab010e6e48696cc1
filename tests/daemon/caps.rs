//! How many leases one credential carries.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, credential};

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

fn label(reply: &Value) -> String {
    reply["credential"]["label"].as_str().expect("a label").to_owned()
}

fn shares(wire: &mut Wire, requests: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        *shares.entry(label(&wire.ok(&acquire()))).or_insert(0) += 1;
    }
    shares
}

fn shares_of(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect()
}

#[test]
fn concurrent_leases_spread_before_they_share() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let first: Vec<_> = (0..3).map(|_| label(&wire.ok(&acquire()))).collect();
    assert_eq!(first, ["key-0", "key-1", "key-2"]);
    assert_eq!(shares(&mut wire, 3), shares_of(&[("key-0", 1), ("key-1", 1), ("key-2", 1)]));
    assert_eq!(shares(&mut wire, 6), shares_of(&[("key-0", 2), ("key-1", 2), ("key-2", 2)]));
}

#[test]
fn a_soft_cap_is_filled_before_the_next_credential_is_taken() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[defaults]\nmax_in_flight = 2\n");
    let mut wire = daemon.wire();
    let order: Vec<_> = (0..4).map(|_| label(&wire.ok(&acquire()))).collect();
    assert_eq!(order, ["key-0", "key-0", "key-1", "key-1"]);
    wire.ok(&acquire());
}

#[test]
fn a_hard_cap_is_never_exceeded() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[defaults]\ncap = \"hard\"\nmax_in_flight = 2\n");
    let mut wire = daemon.wire();
    let leases: Vec<_> = (0..4).map(|_| wire.ok(&acquire())).collect();
    let error = wire.refused(&acquire(), "busy");
    assert_eq!((&error["pool"], &error["total"]), (&json!("openrouter"), &json!(2)));
    wire.ok(&json!({"op": "release", "lease": leases[2]["lease"]}));
    assert_eq!(label(&wire.ok(&acquire())), label(&leases[2]), "the freed slot is the one that is given");
    wire.refused(&acquire(), "busy");
}

#[test]
fn a_pin_does_not_exceed_a_hard_cap_either() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[defaults]\ncap = \"hard\"\n");
    let mut wire = daemon.wire();
    let pinned = json!({"op": "acquire", "pool": "openrouter", "credential": "key-1"});
    wire.ok(&pinned);
    let error = wire.refused(&pinned, "busy");
    assert_eq!(error["total"], 1, "the error speaks of what the pin leaves: {error:#}");
    wire.ok(&acquire());
}

#[test]
fn a_refusal_takes_no_slot() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\ncap = \"hard\"\n");
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire())["lease"].clone();
    for _ in 0..20 {
        wire.refused(&acquire(), "busy");
    }
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["leases"], 1);
    wire.ok(&json!({"op": "release", "lease": lease}));
    wire.ok(&acquire());
}

#[test]
fn one_credential_may_have_a_cap_of_its_own() {
    let toml = "[pools.openrouter]\ncap = \"hard\"\n[pools.openrouter.credentials.key-1]\nmax_in_flight = 3\n";
    let daemon = Daemon::configured(&AuthJson::many(2), toml);
    let mut wire = daemon.wire();
    assert_eq!(shares(&mut wire, 4), shares_of(&[("key-0", 1), ("key-1", 3)]));
    wire.refused(&acquire(), "busy");
}

#[test]
fn busy_and_restricted_together_are_busy() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[defaults]\ncap = \"hard\"\n");
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire())["lease"].clone();
    wire.ok(&acquire());
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "60"}}));
    let error = wire.refused(&acquire(), "busy");
    assert_eq!(error["total"], 2, "{error:#}");
    assert_eq!(error["by_cause"]["rate_limit"], 1, "{error:#}");
}
