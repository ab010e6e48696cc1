//! The longest request line: just under, at, and just over.

use serde_json::json;

use crate::support::{AuthJson, Daemon, Wire};

const LONGEST: usize = 256 * 1024;

/// A ping of exactly `length` bytes, without its newline.
fn ping_of(length: usize) -> Vec<u8> {
    let (start, end) = (br#"{"op":"ping","id":1,"pad":""#, br#""}"#);
    let mut line = start.to_vec();
    line.resize(length - end.len(), b'x');
    line.extend_from_slice(end);
    line
}

#[track_caller]
fn accepted(wire: &mut Wire, length: usize, newline: &[u8]) {
    wire.send_bytes(&ping_of(length));
    wire.send_bytes(newline);
    let reply = wire.recv();
    assert_eq!((&reply["id"], &reply["ok"]), (&json!(1), &json!(true)), "{length} bytes: {reply:#}");
}

#[track_caller]
fn too_long(wire: &mut Wire, length: usize, newline: &[u8], limit: usize) {
    wire.send_bytes(&ping_of(length));
    wire.send_bytes(newline);
    let reply = wire.recv();
    assert_eq!(reply["error"]["code"], "line_too_long", "{length} bytes: {reply:#}");
    assert_eq!(reply["error"]["value"], limit, "{reply:#}");
    assert_eq!(reply["id"], json!(null), "{reply:#}");
}

#[test]
fn a_line_has_at_most_256_kib() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for newline in [&b"\n"[..], b"\r\n"] {
        accepted(&mut wire, LONGEST - 1, newline);
        accepted(&mut wire, LONGEST, newline);
        too_long(&mut wire, LONGEST + 1, newline, LONGEST);
        too_long(&mut wire, LONGEST + 2, newline, LONGEST);
    }
    accepted(&mut wire, 100, b"\n");
}

#[test]
fn the_limit_is_configurable() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[limits]\nrequest_line = \"2KiB\"\n");
    let mut wire = daemon.wire();
    assert_eq!(wire.ok(&json!({"op": "hello"}))["limits"]["request_line_bytes"], 2048);
    accepted(&mut wire, 2047, b"\n");
    accepted(&mut wire, 2048, b"\n");
    too_long(&mut wire, 2049, b"\n", 2048);
}

#[test]
fn a_far_longer_line_is_skipped_once_and_costs_no_memory() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let before = resident_kib(daemon.id());
    let chunk = vec![b'x'; 1024 * 1024];
    for _ in 0..64 {
        wire.send_bytes(&chunk);
    }
    wire.send_bytes(b"\n{\"op\":\"ping\",\"id\":2}\n");
    assert_eq!(wire.recv()["error"]["code"], "line_too_long");
    assert_eq!(wire.recv(), json!({"id": 2, "ok": true}), "one refusal for one line");
    let grown = resident_kib(daemon.id()).saturating_sub(before);
    assert!(grown < 8 * 1024, "64 MiB of one line made the daemon grow by {grown} KiB");
}

#[test]
fn a_line_too_long_is_refused_before_it_ends() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.send_bytes(&vec![b'x'; LONGEST + 2]);
    assert_eq!(wire.recv()["error"]["code"], "line_too_long");
    wire.send_bytes(b"more of it\n{\"op\":\"ping\",\"id\":2}\n");
    assert_eq!(wire.recv(), json!({"id": 2, "ok": true}));
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the daemon runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says so");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
