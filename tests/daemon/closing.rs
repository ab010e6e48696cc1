//! The few reasons for which the daemon closes a connection, and what is no reason.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{AuthJson, Daemon, PATIENCE, eventually};

#[test]
fn whoever_has_half_closed_is_answered_first() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for id in 0..100 {
        wire.send(&json!({"op": "ping", "id": id}));
    }
    wire.half_close();
    for id in 0..100 {
        assert_eq!(wire.recv(), json!({"id": id, "ok": true}));
    }
    wire.closed();
}

#[test]
fn an_unterminated_last_line_is_not_a_request() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.send(&json!({"op": "ping", "id": 1}));
    wire.send_bytes(br#"{"op":"acquire","pool":"openrouter","detach":true}"#);
    wire.half_close();
    assert_eq!(wire.recv(), json!({"id": 1, "ok": true}));
    wire.closed();
    assert_eq!(daemon.wire().ok(&json!({"op": "status"}))["pools"][0]["leases"], 0, "the line was run");
}

#[test]
fn a_client_that_sends_nothing_and_closes_is_closed() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.half_close();
    wire.closed();
}

#[test]
fn a_line_may_stay_partial_for_a_while_only() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[limits]\npartial_line = \"200ms\"\n");
    // Idle, and blank lines are no beginning of a line: neither is ever closed.
    let mut idle = daemon.wire();
    let mut blank = daemon.wire();
    blank.send_bytes(b"\r\n\n");
    idle.ok(&json!({"op": "ping"}));
    let mut wire = daemon.wire();
    wire.send_bytes(b"{\"op\":\"pi");
    let begun = Instant::now();
    wire.closed();
    assert!(begun.elapsed() >= Duration::from_millis(190), "closed after {:?}", begun.elapsed());
    idle.ok(&json!({"op": "ping"}));
    blank.ok(&json!({"op": "ping"}));
}

#[test]
fn a_drip_of_bytes_does_not_extend_a_partial_line() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[limits]\npartial_line = \"200ms\"\n");
    let mut wire = daemon.wire();
    let begun = Instant::now();
    let what = "a connection that sends one byte after another is closed";
    eventually(what, || match wire.send_some(b"x") {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(_) => Some(()),
    });
    assert!(begun.elapsed() < PATIENCE / 2, "closed only after {:?}", begun.elapsed());
}

#[test]
fn finished_lines_start_the_time_anew() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[limits]\npartial_line = \"500ms\"\n");
    let mut wire = daemon.wire();
    let begun = Instant::now();
    let mut id = 0;
    // Each piece ends one line and begins the next, so there is always a partial one, but never an old one.
    wire.send_bytes(b"{\"op\":\"ping\",");
    while begun.elapsed() < Duration::from_millis(1_500) {
        wire.send_bytes(format!("\"id\":{id}}}\n{{\"op\":\"ping\",").as_bytes());
        assert_eq!(wire.recv(), json!({"id": id, "ok": true}));
        id += 1;
    }
}

#[test]
fn whoever_does_not_read_is_closed_and_costs_others_nothing() {
    let toml = "[limits]\nunsent_output = \"64KiB\"\nunread_output = \"300ms\"\n";
    let daemon = Daemon::configured(&AuthJson::many(200), toml);
    let mut deaf = daemon.wire();
    let mut other = daemon.wire();
    let requests = "{\"op\":\"status\"}\n".repeat(1_000);
    eventually("a connection that never reads is closed", || {
        other.ok(&json!({"op": "ping"}));
        match deaf.send_some(requests.as_bytes()) {
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(_) => Some(()),
        }
    });
    other.ok(&json!({"op": "ping"}));
}

#[test]
fn whoever_reads_late_loses_nothing() {
    // Far more than what fits: the daemon stops reading, and goes on when the client reads.
    let daemon = Daemon::configured(&AuthJson::many(100), "[limits]\nunsent_output = \"64KiB\"\n");
    let mut wire = daemon.wire();
    let mut other = daemon.wire();
    const REQUESTS: usize = 300;
    let requests: String = (0..REQUESTS).map(|id| format!("{{\"op\":\"status\",\"id\":{id}}}\n")).collect();
    wire.send_bytes(requests.as_bytes());
    for id in 0..REQUESTS {
        other.ok(&json!({"op": "ping"}));
        assert_eq!(wire.recv()["id"], id);
    }
}

#[test]
fn a_little_unread_output_is_no_reason_to_close() {
    let toml = "[limits]\nunsent_output = \"64KiB\"\nunread_output = \"200ms\"\n";
    let daemon = Daemon::configured(&AuthJson::many(100), toml);
    let mut quiet = daemon.wire();
    quiet.send(&json!({"op": "ping", "id": 1}));
    // Somebody who came later and was closed for it shows that the time is over.
    let mut deaf = daemon.wire();
    let requests = "{\"op\":\"status\"}\n".repeat(1_000);
    eventually("a connection that never reads is closed", || match deaf.send_some(requests.as_bytes()) {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(_) => Some(()),
    });
    assert_eq!(quiet.recv(), json!({"id": 1, "ok": true}));
    assert_eq!(quiet.ask(&json!({"op": "ping", "id": 2})), json!({"id": 2, "ok": true}));
}

#[test]
fn a_client_that_is_gone_before_its_answer_leaves_nothing_behind() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\ncap = \"hard\"\n");
    for _ in 0..50 {
        let mut wire = daemon.wire();
        wire.send(&json!({"op": "acquire", "pool": "openrouter"}));
        drop(wire);
    }
    let mut wire = daemon.wire();
    eventually("the only key is free again", || {
        let reply = wire.ask(&json!({"op": "acquire", "pool": "openrouter"}));
        (reply["ok"] == true).then_some(())
    });
}
