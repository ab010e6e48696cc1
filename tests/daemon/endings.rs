//! A lease ends exactly once, and ending it again says so.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, eventually};

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

fn release(lease: &Value) -> Value {
    json!({"op": "release", "lease": lease})
}

/// One key with one slot.
fn one_slot() -> Daemon {
    Daemon::configured(&AuthJson::many(1), "[defaults]\ncap = \"hard\"\n")
}

fn leases_out(wire: &mut Wire) -> u64 {
    wire.ok(&json!({"op": "status"}))["pools"][0]["leases"].as_u64().expect("a number")
}

#[test]
fn releasing_twice_frees_once() {
    let daemon = one_slot();
    let mut wire = daemon.wire();
    let first = wire.ok(&acquire())["lease"].clone();
    let released = wire.ok(&release(&first));
    assert!(released["held_ms"].is_u64(), "{released:#}");
    assert_eq!(released.get("duplicate"), None, "{released:#}");
    wire.ok(&acquire());
    let again = wire.ok(&release(&first));
    assert_eq!((&again["duplicate"], &again["ended_by"]), (&json!(true), &json!("release")), "{again:#}");
    wire.refused(&acquire(), "busy");
    assert_eq!(leases_out(&mut wire), 1);
}

#[test]
fn releasing_after_a_report_says_that_the_report_ended_it() {
    let daemon = one_slot();
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire())["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 400}));
    assert_eq!(wire.ok(&release(&lease))["ended_by"], "report");
    assert_eq!(leases_out(&mut wire), 0);
}

#[test]
fn a_lease_may_be_released_from_any_connection() {
    let daemon = one_slot();
    let mut holder = daemon.wire();
    let lease = holder.ok(&acquire())["lease"].clone();
    daemon.wire().ok(&release(&lease));
    holder.ok(&acquire());
}

#[test]
fn what_was_never_leased_cannot_be_released() {
    let daemon = one_slot();
    let mut wire = daemon.wire();
    wire.ok(&acquire());
    for lease in ["0", "0123456789abcdef0123456789abcdef", "\u{1F511}"] {
        wire.refused(&release(&json!(lease)), "unknown_lease");
        wire.refused(&json!({"op": "renew", "lease": lease}), "unknown_lease");
    }
    assert_eq!(leases_out(&mut wire), 1);
}

#[test]
fn a_lease_id_with_one_digit_changed_is_unknown() {
    let daemon = one_slot();
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire())["lease"].as_str().expect("a text").to_owned();
    let last = if lease.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &lease[..lease.len() - 1]);
    wire.refused(&release(&json!(forged)), "unknown_lease");
    wire.ok(&release(&json!(lease)));
}

#[test]
fn the_outcome_is_said_in_words_that_are_known() {
    let daemon = one_slot();
    let mut wire = daemon.wire();
    for outcome in ["ok", "cancelled", "unknown"] {
        let lease = wire.ok(&acquire())["lease"].clone();
        let usage = json!({"input_tokens": 10, "output_tokens": 20});
        wire.ok(&json!({"op": "release", "lease": lease, "outcome": outcome, "status": 200, "usage": usage}));
    }
    let lease = wire.ok(&acquire())["lease"].clone();
    wire.refused(&json!({"op": "release", "lease": lease, "outcome": "splendid"}), "bad_request");
    assert_eq!(leases_out(&mut wire), 1, "a refused release ended the lease");
}

#[test]
fn a_release_after_the_ttl_does_not_free_the_next_holder() {
    let daemon = one_slot();
    let mut wire = daemon.wire();
    let expired = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": 50}))["lease"].clone();
    eventually("the lease expires", || (wire.ask(&acquire())["ok"] == true).then_some(()));
    let late = wire.ok(&release(&expired));
    assert_eq!(late["ended_by"], "ttl", "{late:#}");
    wire.refused(&acquire(), "busy");
}
