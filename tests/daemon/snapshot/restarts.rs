//! What comes back, and what of it is left.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{POOL, detached, keeping, of_key, pinned, restrict};
use crate::support::{AuthJson, Daemon, DaemonBuilder, Row, Wire, credential, eventually, pool, same_instant};

fn key(at: usize) -> String {
    format!("key-{at}")
}

/// How a key stands, but for what each run counts anew.
fn standing(wire: &mut Wire, key: &str) -> Value {
    let mut credential = credential(wire, POOL, key);
    let fields = credential.as_object_mut().expect("an object");
    fields.remove("epoch");
    for restriction in fields["restrictions"].as_array_mut().expect("a list") {
        // The provider's words are not kept.
        restriction["evidence"] = Value::Null;
    }
    credential
}

fn restarted(daemon: &mut Daemon, wire: Wire) -> Wire {
    daemon.kill();
    drop(wire);
    daemon.restart();
    daemon.wire()
}

#[test]
fn ten_leases_and_three_cooldowns_survive_a_kill() {
    let mut daemon = keeping("sync", &AuthJson::many(14)).start();
    let mut wire = daemon.wire();
    for at in 0..3 {
        restrict(&mut wire, &key(at));
    }
    let held: Vec<Value> = (3..13).map(|at| wire.ok(&pinned(&key(at)))["lease"].clone()).collect();
    let before: Vec<Value> = (0..14).map(|at| standing(&mut wire, &key(at))).collect();
    let mut wire = restarted(&mut daemon, wire);
    for (at, before) in before.iter().enumerate() {
        let now = standing(&mut wire, &key(at));
        if at < 3 {
            same_instant(&now["until_at_ms"], &before["until_at_ms"]);
        }
        assert_eq!((&now["state"], &now["grants"]), (&before["state"], &before["grants"]), "{at}");
    }
    // Nobody claims them, so their places come free, and the cooldowns stay.
    eventually("leases whose clients are gone end", || (pool(&mut wire, POOL)["leases"] == 0).then_some(()));
    for lease in held {
        let released = wire.ok(&json!({"op": "release", "lease": lease}));
        assert_eq!((&released["duplicate"], &released["ended_by"]), (&json!(true), &json!("restart")));
    }
    assert_eq!(pool(&mut wire, POOL)["counts"], json!({"cooling": 3, "ready": 11}));
    wire.refused(&pinned(&key(0)), "exhausted");
}

#[test]
fn a_lease_that_needs_no_connection_goes_on() {
    let mut daemon = keeping("sync", &AuthJson::many(1)).start();
    let mut wire = daemon.wire();
    let lease = wire.ok(&detached("key-0"))["lease"].clone();
    let mut wire = restarted(&mut daemon, wire);
    wire.refused(&pinned("key-0"), "busy");
    wire.ok(&json!({"op": "renew", "lease": lease}));
    wire.ok(&json!({"op": "release", "lease": lease}));
    wire.ok(&pinned("key-0"));
}

#[test]
fn a_report_that_is_repeated_after_a_restart_is_answered_as_before() {
    let mut daemon = keeping("sync", &AuthJson::many(1)).start();
    let mut wire = daemon.wire();
    let lease = wire.ok(&detached("key-0"))["lease"].clone();
    let first = wire.ok(&super::limited(&lease));
    wire.ok(&of_key("clear", "key-0"));
    let mut wire = restarted(&mut daemon, wire);
    let again = wire.ok(&super::limited(&lease));
    assert_eq!((&again["duplicate"], &again["verdict"]["rule"]), (&json!(true), &first["verdict"]["rule"]));
    wire.ok(&pinned("key-0"));
}

#[test]
fn asked_to_end_a_daemon_keeps_what_happened_last() {
    let mut daemon = keeping("relaxed", &AuthJson::many(2)).start();
    let mut wire = daemon.wire();
    restrict(&mut wire, "key-0");
    wire.ok(&json!({"op": "disable", "pool": POOL, "credential": "key-1", "note": "spend cap"}));
    daemon.signal(Signal::SIGTERM);
    daemon.ended();
    daemon.restart();
    let mut wire = daemon.wire();
    assert_eq!(pool(&mut wire, POOL)["counts"], json!({"cooling": 1, "disabled": 1}));
    assert_eq!(credential(&mut wire, POOL, "key-1")["cause"]["reason"], "spend cap");
    assert_eq!(credential(&mut wire, POOL, "key-0")["grants"], 1);
}

#[test]
fn definitions_that_changed_meanwhile_are_matched_with_their_state() {
    let keys = || ["kept", "gone", "rotated"].map(Row::key);
    let mut daemon = keeping("sync", &AuthJson::default().pool(POOL, keys())).start();
    let mut wire = daemon.wire();
    for key in ["kept", "gone", "rotated"] {
        restrict(&mut wire, key);
    }
    daemon.kill();
    let [kept, gone, rotated] = keys();
    let rotated = rotated.secret(&crate::support::secret("another"));
    daemon.store(&AuthJson::default().pool(POOL, [kept.clone(), rotated.clone()]));
    daemon.restart();
    let mut wire = daemon.wire();
    assert_eq!(credential(&mut wire, POOL, "kept")["state"], "cooling");
    assert_eq!(credential(&mut wire, POOL, "rotated")["state"], "ready", "another secret, another account");
    daemon.store(&AuthJson::default().pool(POOL, [kept, gone, rotated]));
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(credential(&mut wire, POOL, "gone")["state"], "cooling");
}

#[test]
fn what_a_hermes_noted_and_somebody_cleared_is_not_imported_again() {
    let until = crate::support::now_ms() / 1_000 + 3_600;
    let marked = Row::key("marked")
        .set("last_status", json!("exhausted"))
        .set("last_status_at", json!(until - 3_700))
        .set("last_error_code", json!(429))
        .set("last_error_reset_at", json!(until));
    let mut daemon = keeping("sync", &AuthJson::default().pool(POOL, [marked])).start();
    let mut wire = daemon.wire();
    assert_eq!(credential(&mut wire, POOL, "marked")["state"], "cooling");
    wire.ok(&of_key("clear", "marked"));
    let mut wire = restarted(&mut daemon, wire);
    assert_eq!(credential(&mut wire, POOL, "marked")["state"], "ready");
}

#[test]
fn nothing_is_kept_where_nobody_says_where() {
    let mut daemon = DaemonBuilder::serving(&AuthJson::many(1)).start();
    let mut wire = daemon.wire();
    restrict(&mut wire, "key-0");
    assert_eq!(wire.ok(&json!({"op": "status"})).get("snapshot"), None);
    let mut wire = restarted(&mut daemon, wire);
    wire.ok(&pinned("key-0"));
}
