//! Limits on connections and leases: just under, at, and just over. Over one, the answer names it.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, eventually};

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

/// Panics unless `error` names this limit and its value.
#[track_caller]
fn names(error: &Value, limit: &str, value: u64) {
    assert_eq!((&error["limit"], &error["value"]), (&json!(limit), &json!(value)), "{error:#}");
}

/// Connects until the daemon has noticed that earlier connections are gone.
fn admitted(daemon: &Daemon) -> Wire {
    eventually("there is room for a connection", || {
        let mut wire = daemon.wire();
        // One that is turned away may be closed before it is read.
        wire.send_some(b"{\"op\":\"ping\"}\n").ok()?;
        let reply = wire.try_recv().ok().flatten()?;
        (reply["ok"] == true).then_some(wire)
    })
}

fn connections_are_counted(key: &str) {
    let daemon = Daemon::configured(&AuthJson::many(1), &format!("[limits]\n{key} = 5\n"));
    let mut open: Vec<_> = (0..5).map(|_| admitted(&daemon)).collect();
    let mut sixth = daemon.wire();
    let reply = sixth.recv();
    assert_eq!(reply["error"]["code"], "limit", "{reply:#}");
    names(&reply["error"], key, 5);
    sixth.closed();
    for wire in &mut open {
        wire.ok(&json!({"op": "ping"}));
    }
    open.pop();
    admitted(&daemon);
}

#[test]
fn connections_of_all() {
    connections_are_counted("connections");
}

#[test]
fn connections_of_one_user() {
    connections_are_counted("connections_per_uid");
}

#[test]
fn leases_of_all() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[limits]\nleases = 3\n");
    let (mut one, mut other) = (daemon.wire(), daemon.wire());
    let first = one.ok(&acquire());
    one.ok(&acquire());
    other.ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}));
    names(&other.refused(&acquire(), "limit"), "leases", 3);
    one.ok(&json!({"op": "release", "lease": first["lease"]}));
    other.ok(&acquire());
}

#[test]
fn leases_of_one_connection() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[limits]\nleases_per_connection = 3\n");
    let mut wire = daemon.wire();
    let leases: Vec<_> = (0..3).map(|_| wire.ok(&acquire())).collect();
    names(&wire.refused(&acquire(), "limit"), "leases_per_connection", 3);
    // Another connection has its own; and a detached lease is bound to none.
    daemon.wire().ok(&acquire());
    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}));
    wire.ok(&json!({"op": "release", "lease": leases[0]["lease"]}));
    wire.ok(&acquire());
    wire.refused(&acquire(), "limit");
}

#[test]
fn a_refusal_over_a_limit_consumes_nothing() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[limits]\nleases = 1\n");
    let mut wire = daemon.wire();
    wire.ok(&acquire());
    for _ in 0..10 {
        wire.refused(&acquire(), "limit");
    }
    let pool = wire.ok(&json!({"op": "status"}))["pools"][0].clone();
    assert_eq!(pool["leases"], 1, "{pool:#}");
    let grants: u64 = pool["credentials"].as_array().expect("a list").iter().filter_map(|c| c["grants"].as_u64()).sum();
    assert_eq!(grants, 1, "{pool:#}");
}

#[test]
fn leases_last_at_most_24_hours() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for ttl_ms in [DAY_MS - 1, DAY_MS] {
        let reply = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": ttl_ms}));
        wire.ok(&json!({"op": "renew", "lease": reply["lease"], "ttl_ms": ttl_ms}));
    }
    let lease = wire.ok(&acquire())["lease"].clone();
    let over = DAY_MS + 1;
    names(&wire.refused(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": over}), "limit"), "ttl_ms", DAY_MS);
    names(&wire.refused(&json!({"op": "renew", "lease": lease, "ttl_ms": over}), "limit"), "ttl_ms", DAY_MS);
}

#[test]
fn the_longest_lease_is_configurable() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[limits]\nttl = \"5m\"\n");
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": 300_000}));
    let refused = wire.refused(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": 300_001}), "limit");
    names(&refused, "ttl_ms", 300_000);
}

#[test]
fn waits_last_at_most_24_hours() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let request = |wait_ms: u64| json!({"op": "acquire", "pool": "openrouter", "wait_ms": wait_ms});
    wire.ok(&request(DAY_MS));
    names(&wire.refused(&request(DAY_MS + 1), "limit"), "wait_ms", DAY_MS);
}
