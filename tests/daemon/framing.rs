//! Bytes to lines, and what becomes of lines that are no requests: each is answered, none ends the connection.

use std::fmt::Write as _;

use serde_json::json;

use crate::support::{AuthJson, Daemon, Wire};

fn daemon() -> Daemon {
    Daemon::serving(&AuthJson::many(1))
}

/// Panics unless the connection still answers, and has nothing else to say before.
#[track_caller]
fn still_answers(wire: &mut Wire) {
    let reply = wire.ask(&json!({"op": "ping", "id": "still there"}));
    assert_eq!(reply, json!({"id": "still there", "ok": true}));
}

#[test]
fn lines_may_end_as_on_windows() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    wire.send_bytes(b"{\"op\":\"ping\",\"id\":1}\r\n");
    assert_eq!(wire.recv(), json!({"id": 1, "ok": true}));
}

#[test]
fn blank_lines_are_ignored() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    wire.send_bytes(b"\n\r\n\n  \t\n");
    still_answers(&mut wire);
}

#[test]
fn spaces_around_a_request_are_json() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    wire.send_bytes(b" \t{ \"op\" : \"ping\" , \"id\" : 1 }  \n");
    assert_eq!(wire.recv(), json!({"id": 1, "ok": true}));
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let lines: [&[u8]; 17] = [
        b"hello",
        b"{",
        b"{\"op\":\"ping\"",
        b"{\"op\":\"ping\",}",
        b"{'op':'ping'}",
        b"[]",
        b"\"ping\"",
        b"5",
        b"null",
        b"{}",
        b"{\"op\":\"ping\"}{\"op\":\"ping\"}",
        b"{\"op\":\"ping\"} x",
        b"\xef\xbb\xbf{\"op\":\"ping\"}",
        b"{\"op\":\"ping\",\"id\":\"\xff\"}",
        b"{\"op\":\"ping\",\"id\":\"\x00\"}",
        b"{\"op\":\"ping\",\"id\":\"\\ud800\"}",
        b"// {\"op\":\"ping\"}",
    ];
    for line in lines {
        wire.line_refused(line, "bad_request");
    }
    still_answers(&mut wire);
}

#[test]
fn the_id_is_null_where_it_cannot_be_read() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    wire.send_bytes(b"{\"id\":1,\"op\":\n");
    let reply = wire.recv();
    assert_eq!((reply.get("id"), &reply["error"]["code"]), (Some(&json!(null)), &json!("bad_request")));
}

#[test]
fn a_key_stands_once() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let lines = [
        r#"{"op":"ping","op":"ping"}"#,
        r#"{"op":"ping","\u006fp":"hello"}"#,
        r#"{"op":"ping","id":1,"id":2}"#,
        r#"{"op":"acquire","pool":"a","pool":"openrouter"}"#,
        r#"{"op":"ping","unheard":1,"unheard":1}"#,
        r#"{"op":"report_error","lease":"x","status":429,"headers":{"retry-after":"1","retry-after":"2"}}"#,
    ];
    for line in lines {
        wire.line_refused(line.as_bytes(), "bad_request");
    }
    still_answers(&mut wire);
}

#[test]
fn nesting_goes_64_deep() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let nested = |depth: usize| {
        // The request itself is the first level.
        format!("{{\"op\":\"ping\",\"deep\":{}{}}}\n", "[".repeat(depth - 1), "]".repeat(depth - 1))
    };
    for depth in [63, 64] {
        wire.send_bytes(nested(depth).as_bytes());
        assert_eq!(wire.recv()["ok"], true, "{depth} levels");
    }
    for depth in [65, 129, 100_000] {
        wire.line_refused(nested(depth).trim_end().as_bytes(), "bad_request");
    }
    still_answers(&mut wire);
}

#[test]
fn brackets_within_strings_are_not_nesting() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let text = format!("{}\\\"{}", "[".repeat(100), "{".repeat(100));
    wire.send_bytes(format!("{{\"op\":\"ping\",\"text\":\"{text}\"}}\n").as_bytes());
    assert_eq!(wire.recv()["ok"], true);
}

#[test]
fn a_null_character_in_a_name_names_nothing() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let reply = wire.ask(&json!({"op": "acquire", "pool": "openrouter\u{0}"}));
    assert_eq!(reply["ok"], false, "{reply:#}");
    still_answers(&mut wire);
}

#[test]
fn control_characters_of_a_client_reach_the_log_escaped() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let forged = "x\u{1b}[2J\nFORGED level=error";
    wire.refused(&json!({"op": "acquire", "pool": forged, "id": forged}), "unknown_pool");
    wire.ok(&json!({"op": "hello", "client": forged}));
    let log = daemon.log();
    assert!(!log.contains('\u{1b}'), "an escape sequence in {log:?}");
    assert!(!log.lines().any(|line| line.starts_with("FORGED")), "a forged line in {log}");
}

#[test]
fn a_request_may_arrive_in_any_two_pieces() {
    let daemon = daemon();
    let mut other = daemon.wire();
    let request = b"{\"op\":\"ping\",\"id\":\"\xc3\xa9\\u00e9\"}\r\n";
    let mut wire = daemon.wire();
    for cut in 1..request.len() {
        wire.send_bytes(&request[..cut]);
        // Answered by the same loop, after it has seen the first piece.
        other.ok(&json!({"op": "ping"}));
        wire.send_bytes(&request[cut..]);
        assert_eq!(wire.recv(), json!({"id": "éé", "ok": true}), "cut at byte {cut}");
    }
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let daemon = daemon();
    let mut other = daemon.wire();
    let mut wire = daemon.wire();
    for byte in b"{\"op\":\"ping\",\"id\":1}\n" {
        wire.send_bytes(&[*byte]);
        other.ok(&json!({"op": "ping"}));
    }
    assert_eq!(wire.recv(), json!({"id": 1, "ok": true}));
}

#[test]
fn a_thousand_requests_at_once_are_answered_in_order() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    let mut lines = String::new();
    for id in 0..1_000 {
        // Now and then one that is refused.
        let op = if id % 10 == 9 { "nonsense" } else { "ping" };
        writeln!(lines, "{}", json!({"op": op, "id": id})).expect("strings take everything");
    }
    wire.send_bytes(lines.as_bytes());
    for id in 0..1_000 {
        let reply = wire.recv();
        assert_eq!((&reply["id"], &reply["ok"]), (&json!(id), &json!(id % 10 != 9)), "{reply:#}");
    }
}

#[test]
fn http_is_refused_line_by_line() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    wire.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for _ in 0..2 {
        assert_eq!(wire.recv()["error"]["code"], "bad_request");
    }
    still_answers(&mut wire);
}

#[test]
fn binary_bytes_are_refused() {
    let daemon = daemon();
    let mut wire = daemon.wire();
    // The beginning of a TLS handshake.
    let mut bytes = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    bytes.extend((0..=255_u8).filter(|byte| *byte != b'\n'));
    wire.line_refused(&bytes, "bad_request");
    still_answers(&mut wire);
}
