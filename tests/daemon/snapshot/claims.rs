//! Leases that a restart cut off from their connections, and who has them again.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{POOL, detached, keeping, pinned};
use crate::support::{AuthJson, Daemon, DaemonBuilder, Peer, Wire, eventually, need_root, pool, same_instant};

fn claim(lease: &Value) -> Value {
    json!({"op": "claim", "lease": lease})
}

fn terminate(daemon: &mut Daemon) {
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().code(), Some(0), "{}", daemon.log());
}

fn restarted(daemon: &mut Daemon, end: fn(&mut Daemon)) -> Wire {
    end(daemon);
    daemon.restart();
    daemon.wire()
}

/// Compares leases but for what a restart may change of them: the epoch is another, and the expiry may be rounded otherwise.
#[track_caller]
fn same_lease(one: &Value, other: &Value) {
    same_instant(&one["expires_at_ms"], &other["expires_at_ms"]);
    let rest = |lease: &Value| {
        let mut lease = lease.clone();
        lease["expires_at_ms"] = Value::Null;
        lease["credential"]["epoch"] = Value::Null;
        lease
    };
    assert_eq!(rest(one), rest(other));
}

#[test]
fn whoever_held_a_lease_has_it_again_however_the_daemon_ended() {
    for end in [Daemon::kill, terminate] {
        let mut daemon = keeping("sync", &AuthJson::many(1)).start();
        // It ends with the daemon, and not before.
        let mut before = daemon.wire();
        let held = before.ok(&pinned("key-0"));
        let mut wire = restarted(&mut daemon, end);
        wire.refused(&pinned("key-0"), "busy");
        for _ in 0..2 {
            same_lease(&wire.ok(&claim(&held["lease"])), &held);
        }
        wire.ok(&json!({"op": "renew", "lease": held["lease"]}));
        // It is bound to this connection as it was to that.
        drop(wire);
        let mut wire = daemon.wire();
        eventually("its place comes free", || (pool(&mut wire, POOL)["leases"] == 0).then_some(()));
        assert_eq!(wire.ok(&json!({"op": "release", "lease": held["lease"]}))["ended_by"], "connection");
    }
}

#[test]
fn a_lease_that_was_claimed_is_not_ended_by_the_restart() {
    let mut daemon = keeping("sync", &AuthJson::many(2)).start();
    let mut wire = daemon.wire();
    let [claimed, left] = ["key-0", "key-1"].map(|key| wire.ok(&pinned(key))["lease"].clone());
    let mut wire = restarted(&mut daemon, Daemon::kill);
    wire.ok(&claim(&claimed));
    eventually("what nobody claims ends", || (pool(&mut wire, POOL)["leases"] == 1).then_some(()));
    wire.refused(&claim(&left), "unknown_lease");
    wire.refused(&pinned("key-0"), "busy");
    wire.ok(&json!({"op": "release", "lease": claimed}));
}

#[test]
fn without_a_snapshot_there_is_nothing_to_claim() {
    let mut daemon = DaemonBuilder::serving(&AuthJson::many(1)).start();
    let mut before = daemon.wire();
    let lease = before.ok(&pinned("key-0"))["lease"].clone();
    let mut wire = restarted(&mut daemon, terminate);
    wire.refused(&claim(&lease), "unknown_lease");
    assert_eq!(pool(&mut wire, POOL)["leases"], 0);
}

#[test]
fn only_what_a_restart_cut_off_can_be_claimed() {
    let daemon = keeping("sync", &AuthJson::many(2)).start();
    let (mut wire, mut other) = (daemon.wire(), daemon.wire());
    let held = wire.ok(&pinned("key-0"))["lease"].clone();
    other.refused(&claim(&held), "forbidden");
    let detached = wire.ok(&detached("key-1"))["lease"].clone();
    wire.refused(&claim(&detached), "bad_request");
    wire.ok(&json!({"op": "release", "lease": held}));
    wire.refused(&claim(&held), "unknown_lease");
    for never in ["0", "0123456789abcdef0123456789abcdef"] {
        wire.refused(&claim(&json!(never)), "unknown_lease");
    }
}

#[test]
fn a_lease_is_claimed_by_its_user_alone() {
    const STRANGER: u32 = 65_534;
    if !need_root() {
        return;
    }
    let config = format!("defaults.cap = 'hard'\n[access]\nusers = ['{STRANGER}']\n");
    let mut daemon = DaemonBuilder::serving(&AuthJson::many(1)).config(&config).snapshot("sync").start();
    let mut before = daemon.wire();
    let held = before.ok(&pinned("key-0"))["lease"].clone();
    let mut wire = restarted(&mut daemon, Daemon::kill);
    daemon.open_wide();
    let mut stranger = Peer::start_as(daemon.socket(), STRANGER);
    let refused = stranger.ask(&claim(&held)).expect("a reply");
    assert_eq!(refused["error"]["code"], "forbidden", "{refused:#}");
    wire.ok(&claim(&held));
}

#[test]
fn a_key_that_is_gone_after_the_restart_is_not_claimed() {
    let mut daemon = keeping("sync", &AuthJson::many(2)).start();
    let mut before = daemon.wire();
    let held = before.ok(&pinned("key-1"))["lease"].clone();
    daemon.kill();
    daemon.store(&AuthJson::many(1));
    daemon.restart();
    daemon.wire().refused(&claim(&held), "unknown_credential");
}
