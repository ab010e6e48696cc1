//! How long a lease lives: with its connection, or detached to its TTL.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Peer, Wire, eventually, now_ms};

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

fn detached(ttl_ms: u64) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "detach": true, "ttl_ms": ttl_ms})
}

/// This many keys with one slot each.
fn slots(count: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(count), "[defaults]\ncap = \"hard\"\n")
}

/// Waits until there is a lease to be had, and takes it.
#[track_caller]
fn eventually_free(wire: &mut Wire) -> Value {
    eventually("a slot is free", || Some(wire.ask(&acquire())).filter(|reply| reply["ok"] == true))
}

#[test]
fn a_closed_connection_ends_its_leases() {
    let daemon = slots(2);
    let mut holder = daemon.wire();
    let lease = holder.ok(&acquire())["lease"].clone();
    holder.ok(&acquire());
    let mut wire = daemon.wire();
    wire.refused(&acquire(), "busy");
    drop(holder);
    eventually_free(&mut wire);
    eventually_free(&mut wire);
    let late = wire.ok(&json!({"op": "release", "lease": lease}));
    assert_eq!(late["ended_by"], "connection", "{late:#}");
}

#[test]
fn a_killed_client_frees_its_leases_at_once() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    for _ in 0..5 {
        let mut holder = Peer::start(daemon.socket());
        let granted =
            eventually("the peer has the slot", || holder.ask(&acquire()).filter(|reply| reply["ok"] == true));
        wire.refused(&acquire(), "busy");
        holder.kill();
        let killed_at = now_ms();
        let freed = eventually_free(&mut wire);
        let took = now_ms() - killed_at;
        assert!(took < 5_000, "the slot was free only {took} ms after the kill; its TTL is an hour");
        assert_ne!(freed["lease"], granted["lease"]);
        wire.ok(&json!({"op": "release", "lease": freed["lease"]}));
    }
}

#[test]
fn a_half_closed_connection_ends_its_leases_after_the_answer() {
    let daemon = slots(1);
    let mut half = daemon.wire();
    half.send(&acquire());
    half.half_close();
    let lease = half.recv()["lease"].clone();
    half.closed();
    let mut wire = daemon.wire();
    eventually_free(&mut wire);
    assert_eq!(wire.ok(&json!({"op": "release", "lease": lease}))["ended_by"], "connection");
}

#[test]
fn a_detached_lease_outlives_its_connection_and_ends_at_its_ttl() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    let granted = holder.ok(&detached(600));
    let expires_at = granted["expires_at_ms"].as_u64().expect("an instant");
    holder.half_close();
    holder.closed();
    let mut wire = daemon.wire();
    wire.refused(&acquire(), "busy");
    eventually_free(&mut wire);
    let now = now_ms();
    assert!(now + 1 >= expires_at, "ended {} ms before its time", expires_at - now);
    assert!(now < expires_at + 5_000, "ended {} ms after its time", now - expires_at);
    let late = wire.ok(&json!({"op": "release", "lease": granted["lease"]}));
    assert_eq!(late["ended_by"], "ttl", "{late:#}");
}

#[test]
fn a_detached_lease_is_released_by_whoever_holds_its_id() {
    let daemon = slots(1);
    let lease = daemon.wire().ok(&detached(60_000))["lease"].clone();
    let mut wire = daemon.wire();
    wire.refused(&acquire(), "busy");
    let released = wire.ok(&json!({"op": "release", "lease": lease}));
    assert_eq!(released.get("ended_by"), None, "{released:#}");
    wire.ok(&acquire());
}

#[test]
fn a_bound_lease_ends_at_its_ttl_while_its_connection_lives() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    holder.ok(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": 100}));
    eventually_free(&mut daemon.wire());
    holder.ok(&json!({"op": "ping"}));
}

#[test]
fn leases_live_as_long_as_the_config_says() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\nlease_ttl = \"2m\"\ndetached_ttl = \"30s\"\n");
    let mut wire = daemon.wire();
    for (detach, ttl_ms) in [(false, 120_000), (true, 30_000)] {
        let before = now_ms();
        let reply = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "detach": detach}));
        let expires = reply["expires_at_ms"].as_u64().expect("an instant");
        assert!((before + ttl_ms..=now_ms() + ttl_ms).contains(&expires), "{reply:#}");
    }
}

#[test]
fn a_lease_outlives_the_connection_that_lets_go_of_it() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\ncap = \"hard\"\ndetached_ttl = \"30s\"\n");
    let mut holder = daemon.wire();
    let lease = holder.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
    let let_go = json!({"op": "renew", "lease": lease, "detach": true});
    daemon.wire().refused(&let_go, "forbidden");
    let before_ms = now_ms();
    let expires_at_ms = holder.ok(&let_go)["expires_at_ms"].as_u64().expect("an instant");
    assert!((before_ms..=now_ms()).contains(&(expires_at_ms - 30_000)), "{expires_at_ms} of {before_ms}");
    drop(holder);
    let mut other = daemon.wire();
    other.refused(&json!({"op": "acquire", "pool": "openrouter"}), "busy");
    assert_eq!(other.ok(&json!({"op": "release", "lease": lease})).get("duplicate"), None);
}

#[test]
fn renewing_moves_the_end() {
    let daemon = slots(2);
    let mut wire = daemon.wire();
    let kept = wire.ok(&detached(400));
    let before = now_ms();
    let renewed = wire.ok(&json!({"op": "renew", "lease": kept["lease"], "ttl_ms": 3_600_000}));
    let expires = renewed["expires_at_ms"].as_u64().expect("an instant");
    assert!((before + 3_600_000..=now_ms() + 3_600_000).contains(&expires), "{renewed:#}");
    // One that expires after the first would have shows that the time has come and gone.
    wire.ok(&detached(500));
    eventually_free(&mut wire);
    wire.refused(&acquire(), "busy");
    assert_eq!(wire.ok(&json!({"op": "release", "lease": kept["lease"]})).get("ended_by"), None);
}

#[test]
fn renewing_without_a_ttl_grants_the_first_one_again() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    let lease = wire.ok(&detached(90_000))["lease"].clone();
    let before = now_ms();
    let renewed = wire.ok(&json!({"op": "renew", "lease": lease}));
    let expires = renewed["expires_at_ms"].as_u64().expect("an instant");
    assert!((before + 90_000..=now_ms() + 90_000).contains(&expires), "{renewed:#}");
}

#[test]
fn an_ended_lease_cannot_be_renewed() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire())["lease"].clone();
    wire.ok(&json!({"op": "release", "lease": lease}));
    wire.refused(&json!({"op": "renew", "lease": lease}), "unknown_lease");
    wire.ok(&acquire());
}
