//! Waiting for a lease, through the socket.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, eventually};

const MINUTE_MS: u64 = 60_000;

/// This many keys with one slot each.
fn slots(count: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(count), "[defaults]\ncap = \"hard\"\n")
}

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

fn waiting(id: u64) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "id": id, "wait_ms": MINUTE_MS})
}

fn pool(wire: &mut Wire) -> Value {
    wire.ok(&json!({"op": "status"}))["pools"][0].clone()
}

/// Until so many wait.
fn wait_until_waiting(daemon: &Daemon, count: u64) {
    let mut wire = daemon.wire();
    eventually("as many wait", || (pool(&mut wire)["waiters"] == count).then_some(()));
}

#[test]
fn a_freed_slot_goes_to_the_one_who_has_waited_longest() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    let held = holder.ok(&acquire());
    let mut wires: Vec<Wire> = (1..=3).map(|_| daemon.wire()).collect();
    for (id, wire) in (1..).zip(&mut wires) {
        wire.send(&waiting(id));
        wait_until_waiting(&daemon, id);
    }
    holder.ok(&json!({"op": "release", "lease": held["lease"]}));
    let first = wires[0].recv();
    assert_eq!((&first["id"], &first["ok"], &first["chosen_by"]), (&json!(1), &json!(true), &json!("fill_first")));
    assert!(first["queued_ms"].is_u64() && first["warnings"].is_null(), "{first:#}");
    assert_eq!(pool(&mut holder)["waiters"], 2, "one slot, one waiter");
    drop(wires.remove(0));
    assert_eq!(wires[0].recv()["id"], 2, "a client that goes makes room");
}

#[test]
fn requests_that_wait_keep_no_other_from_its_answer() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    let held = wire.ok(&acquire());
    wire.send(&waiting(1));
    assert_eq!(wire.ok(&json!({"op": "ping", "id": 2}))["id"], 2);
    wire.send(&json!({"op": "release", "id": 3, "lease": held["lease"]}));
    let mut ids = [wire.recv()["id"].clone(), wire.recv()["id"].clone()];
    ids.sort_by_key(Value::as_u64);
    assert_eq!(ids, [1, 3]);
}

#[test]
fn whoever_waits_too_long_is_told_why() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    wire.ok(&acquire());
    let error = wire.refused(&json!({"op": "acquire", "pool": "openrouter", "wait_ms": 50}), "timeout");
    assert_eq!(
        (&error["pool"], &error["total"], &error["by_cause"]),
        (&json!("openrouter"), &json!(1), &json!({"at_cap": 1}))
    );
    assert_eq!(error["credentials"][0]["label"], "key-0");
    assert_eq!(pool(&mut wire)["waiters"], 0);
}

#[test]
fn whoever_would_wait_in_vain_is_refused_at_once() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    let held = wire.ok(&acquire());
    wire.ok(&json!({"op": "report_error", "lease": held["lease"], "status": 429, "headers": {"retry-after": "3600"}}));
    let error = wire.refused(&waiting(1), "exhausted");
    assert!(error["retry_after_ms"].as_u64().is_some_and(|ms| ms > MINUTE_MS), "{error:#}");
}

#[test]
fn one_who_waits_in_vain_from_now_on_is_told_at_once() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    let held = wire.ok(&acquire());
    let mut waiter = daemon.wire();
    waiter.send(&waiting(1));
    wait_until_waiting(&daemon, 1);
    wire.ok(&json!({"op": "report_error", "lease": held["lease"], "status": 429, "headers": {"retry-after": "3600"}}));
    assert_eq!(waiter.recv()["error"]["code"], "exhausted");
}

#[test]
fn a_client_that_has_half_closed_gets_the_answer_that_it_waits_for() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    let held = holder.ok(&acquire());
    let mut waiter = daemon.wire();
    waiter.send(&json!({"op": "acquire", "pool": "openrouter", "wait_ms": MINUTE_MS, "detach": true}));
    waiter.half_close();
    wait_until_waiting(&daemon, 1);
    holder.ok(&json!({"op": "release", "lease": held["lease"]}));
    assert_eq!(waiter.recv()["ok"], true);
    waiter.closed();
}

#[test]
fn a_client_that_goes_waits_no_more() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    holder.ok(&acquire());
    for detach in [false, true] {
        let mut waiter = daemon.wire();
        waiter.send(&json!({"op": "acquire", "pool": "openrouter", "wait_ms": MINUTE_MS, "detach": detach}));
        wait_until_waiting(&daemon, 1);
        drop(waiter);
        wait_until_waiting(&daemon, 0);
    }
}

#[test]
fn a_daemon_that_goes_tells_those_who_wait() {
    let mut daemon = slots(1);
    let mut holder = daemon.wire();
    holder.ok(&acquire());
    let mut waiter = daemon.wire();
    waiter.send(&waiting(7));
    wait_until_waiting(&daemon, 1);
    daemon.signal(Signal::SIGTERM);
    let reply = waiter.recv();
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(7), &json!("draining")));
    waiter.closed();
    assert_eq!(daemon.ended().code(), Some(0));
}

#[test]
fn a_key_that_is_added_serves_a_waiter() {
    let mut daemon = slots(1);
    let mut holder = daemon.wire();
    holder.ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}));
    let mut waiter = daemon.wire();
    waiter.send(&waiting(1));
    wait_until_waiting(&daemon, 1);
    daemon.store(&AuthJson::many(2));
    let reply = waiter.recv();
    assert_eq!(reply["credential"]["label"], "key-1", "{reply:#}");
}

#[test]
fn interactive_goes_before_background() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    let held = holder.ok(&acquire());
    let (mut patient, mut watched) = (daemon.wire(), daemon.wire());
    patient.send(&json!({"op": "acquire", "pool": "openrouter", "class": "background", "wait_ms": MINUTE_MS}));
    wait_until_waiting(&daemon, 1);
    watched.send(&waiting(1));
    wait_until_waiting(&daemon, 2);
    let seen = pool(&mut holder);
    assert_eq!(seen["waiting"], json!({"interactive": 1, "background": 1}));
    let place = |at: usize| (seen["line"][at]["class"].clone(), seen["line"][at]["position"].clone());
    assert_eq!((place(0), place(1)), ((json!("interactive"), json!(1)), (json!("background"), json!(2))));
    holder.ok(&json!({"op": "release", "lease": held["lease"]}));
    let lease = watched.recv();
    assert_eq!(lease["ok"], true);
    watched.ok(&json!({"op": "release", "lease": lease["lease"]}));
    assert_eq!(patient.recv()["ok"], true);
    assert!(pool(&mut holder)["line"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn too_many_waiters_are_refused_by_the_name_of_the_limit() {
    let limits = "[defaults]\ncap = \"hard\"\n[limits]\nwaiters = 3\nwaiters_per_connection = 2\nqueues_per_pool = 2\n";
    let daemon = Daemon::configured(&AuthJson::many(1), limits);
    let mut wire = daemon.wire();
    wire.ok(&acquire());
    let of_model = |model: &str| json!({"op": "acquire", "pool": "openrouter", "wait_ms": MINUTE_MS, "model": model});
    wire.send(&of_model("one"));
    wire.send(&of_model("two"));
    let named = |error: Value| (error["limit"].as_str().unwrap_or_default().to_owned(), error["value"].clone());
    let error = wire.refused(&of_model("one"), "queue_full");
    assert_eq!(named(error), ("waiters_per_connection".to_owned(), json!(2)));
    let mut other = daemon.wire();
    assert_eq!(named(other.refused(&of_model("three"), "queue_full")), ("queues_per_pool".to_owned(), json!(2)));
    other.send(&of_model("two"));
    let mut third = daemon.wire();
    wait_until_waiting(&daemon, 3);
    assert_eq!(named(third.refused(&of_model("two"), "queue_full")), ("waiters".to_owned(), json!(3)));

    let limits = "[defaults]\ncap = \"hard\"\n[limits]\nwaiters_per_uid = 1\n";
    let daemon = Daemon::configured(&AuthJson::many(1), limits);
    let mut wire = daemon.wire();
    wire.ok(&acquire());
    wire.send(&waiting(1));
    let error = daemon.wire().refused(&waiting(2), "queue_full");
    assert_eq!(named(error), ("waiters_per_uid".to_owned(), json!(1)));
}

#[test]
fn explain_says_that_a_request_would_wait() {
    let daemon = slots(1);
    let mut wire = daemon.wire();
    wire.ok(&acquire());
    let explain = |wait_ms: u64| json!({"op": "explain", "pool": "openrouter", "wait_ms": wait_ms});
    assert_eq!(wire.ok(&explain(0))["would_wait"], false);
    assert_eq!(wire.ok(&explain(1_000))["would_wait"], true);
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-0"}));
    assert_eq!(wire.ok(&explain(1_000))["would_wait"], false, "only a person helps");
}

#[test]
fn a_model_and_a_pool_have_caps_of_their_own() {
    let config = "[defaults]\nmax_in_flight = 9\ncap = \"hard\"\n\
                  [pools.openrouter]\nmax_in_flight_total = 3\n\
                  [pools.openrouter.models.\"gpt-5.5\"]\nmax_in_flight = 1\n";
    let daemon = Daemon::configured(&AuthJson::many(1), config);
    let mut wire = daemon.wire();
    let large = json!({"op": "acquire", "pool": "openrouter", "model": "gpt-5.5"});
    wire.ok(&large);
    wire.refused(&large, "busy");
    wire.ok(&acquire());
    let last = wire.ok(&acquire());
    let error = wire.refused(&acquire(), "busy");
    assert!(
        error["message"].as_str().is_some_and(|message| message.contains("3 leases of pool openrouter")),
        "{error:#}"
    );
    wire.ok(&json!({"op": "release", "lease": last["lease"]}));
    wire.refused(&large, "busy");
    wire.ok(&acquire());
}
