//! SIGTERM and SIGINT drain, SIGHUP reloads.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{AuthJson, Daemon, DaemonBuilder, Wire, eventually, replace_file};

#[test]
fn asked_to_end_it_closes_what_is_open_and_exits_with_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut daemon = Daemon::serving(&AuthJson::many(1));
        let mut idle = daemon.wire();
        idle.ok(&json!({"op": "ping"}));
        let mut holder = daemon.wire();
        holder.ok(&json!({"op": "acquire", "pool": "openrouter"}));
        daemon.signal(signal);
        idle.closed();
        holder.closed();
        assert_eq!(daemon.ended().code(), Some(0), "after {signal}:\n{}", daemon.log());
        assert!(Wire::connect(daemon.socket()).is_err(), "somebody still listens");
    }
}

#[test]
fn requests_that_were_read_are_answered_before_the_end() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let requests: String = (0..500).map(|id| format!("{{\"op\":\"ping\",\"id\":{id}}}\n")).collect();
    wire.send_bytes(requests.as_bytes());
    // Answered by the same loop after what was sent before.
    daemon.wire().ok(&json!({"op": "ping"}));
    daemon.signal(Signal::SIGTERM);
    for id in 0..500 {
        assert_eq!(wire.recv()["id"], id);
    }
    wire.closed();
    assert_eq!(daemon.ended().code(), Some(0));
}

#[test]
fn a_client_that_reads_nothing_does_not_keep_it_from_ending() {
    let mut daemon = Daemon::serving(&AuthJson::many(100));
    let mut deaf = daemon.wire();
    eventually("the connection takes no more", || match deaf.send_some(b"{\"op\":\"status\"}\n") {
        Ok(_) => None,
        Err(_) => Some(()),
    });
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().code(), Some(0), "{}", daemon.log());
}

#[test]
fn hanging_up_reads_the_configuration_again_and_ends_nothing() {
    let builder = DaemonBuilder::serving(&AuthJson::many(2)).config("[defaults]\nstrategy = \"fill_first\"\n");
    let path = builder.home().config().join("credpool.toml");
    let daemon = builder.start();
    let mut wire = daemon.wire();
    let chosen_by = |wire: &mut Wire| {
        let reply = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
        wire.ok(&json!({"op": "release", "lease": reply["lease"]}));
        reply["chosen_by"].as_str().expect("a word").to_owned()
    };
    assert_eq!(chosen_by(&mut wire), "fill_first");
    let held = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
    replace_file(&path, b"[defaults]\nstrategy = \"round_robin\"\n");
    daemon.signal(Signal::SIGHUP);
    eventually("the new strategy is used", || (chosen_by(&mut wire) == "round_robin").then_some(()));
    // A configuration that is wrong is not taken.
    // At once: an empty one, seen on the way, would be a good one.
    replace_file(&path, b"[defaults]\nstrategy = \"by_mood\"\n");
    daemon.signal(Signal::SIGHUP);
    eventually("the mistake is in the log", || daemon.log().contains("by_mood").then_some(()));
    assert_eq!(chosen_by(&mut wire), "round_robin");
    let released = wire.ok(&json!({"op": "release", "lease": held}));
    assert_eq!(released.get("ended_by"), None, "the lease had ended: {released:#}");
}
