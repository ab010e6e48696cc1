//! Who holds leases and who waits, as `status` tells it if it is asked to.

use nix::unistd::getuid;
use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Peer, Wire, eventually, now_ms, secret};

fn status(more: &Value) -> Value {
    let mut request = json!({"op": "status", "pool": "openrouter", "leases": true});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    request
}

/// The pool, with its leases.
#[track_caller]
fn pool(wire: &mut Wire) -> Value {
    wire.ok(&status(&json!({})))["pools"][0].clone()
}

#[track_caller]
fn leases(wire: &mut Wire) -> Vec<Value> {
    pool(wire)["leases_out"]["page"].as_array().expect("a list").clone()
}

#[test]
fn each_lease_is_told_with_who_holds_it() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut ours = daemon.wire();
    ours.ok(&json!({"op": "hello", "client": "aider/1.0"}));
    let first = ours.ok(&json!({
        "op": "acquire", "pool": "openrouter", "model": "gpt-5.5", "session": "chat", "ttl_ms": 60_000
    }));
    let mut theirs = Peer::start(daemon.socket());
    let second = theirs.ask(&json!({"op": "acquire", "pool": "openrouter", "class": "background"})).expect("a reply");

    let mut wire = daemon.wire();
    let told = leases(&mut wire);
    assert_eq!(told.len(), 2, "{told:#?}");
    let held_ms = told[0]["held_ms"].as_u64().expect("an integer");
    assert!(held_ms < now_ms(), "{told:#?}");
    assert_eq!(
        told[0],
        json!({
            "number": told[0]["number"], "credential": first["credential"]["id"], "model": "gpt-5.5",
            "class": "interactive", "session": true, "probe": false, "detached": false, "held_ms": held_ms,
            "expires_at_ms": told[0]["expires_at_ms"],
            "holder": {"client": "aider/1.0", "pid": std::process::id(), "uid": getuid().as_raw()}
        })
    );
    let (shown, granted) = (&told[0]["expires_at_ms"], &first["expires_at_ms"]);
    assert!(shown.as_u64().expect("an integer").abs_diff(granted.as_u64().expect("an integer")) <= 1_000, "{shown}");
    assert!(told[0]["number"].as_u64() < told[1]["number"].as_u64(), "in the order of their granting: {told:#?}");
    assert_eq!(told[1]["credential"], second["credential"]["id"]);
    assert_eq!((&told[1]["model"], &told[1]["class"]), (&Value::Null, &json!("background")));
    assert_eq!((&told[1]["session"], &told[1]["holder"]["client"]), (&json!(false), &Value::Null));
    assert_eq!(told[1]["holder"]["pid"], theirs.id());

    let plain = wire.ok(&json!({"op": "status", "pool": "openrouter"}));
    assert_eq!(plain["pools"][0]["leases_out"], Value::Null, "only if it is asked for: {plain:#}");
    ours.ok(&json!({"op": "release", "lease": first["lease"]}));
    theirs.kill();
    eventually("leases that have ended are not out", || leases(&mut wire).is_empty().then_some(()));
}

#[test]
fn nobody_holds_a_detached_lease() {
    // Under a hard cap a lease is on the disk before it is answered.
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).config("[defaults]\ncap = \"hard\"\n");
    let mut daemon = builder.snapshot("sync").start();
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}));
    let check = |told: &[Value]| {
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!((&told[0]["detached"], &told[0]["holder"]), (&json!(true), &Value::Null));
    };
    check(&leases(&mut wire));
    daemon.kill();
    daemon.restart();
    check(&leases(&mut daemon.wire()));
}

#[test]
fn who_waits_is_told_with_its_model() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\ncap = \"hard\"\n");
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    let mut waiter = daemon.wire();
    waiter.ok(&json!({"op": "hello", "client": "batch/2"}));
    waiter.send(&json!({
        "op": "acquire", "pool": "openrouter", "model": "gpt-5.5", "class": "background", "wait_ms": 60_000
    }));
    let line = eventually("somebody waits", || {
        let line = pool(&mut wire)["line"].as_array().expect("a list").clone();
        (!line.is_empty()).then_some(line)
    });
    assert_eq!((&line[0]["position"], &line[0]["class"]), (&json!(1), &json!("background")));
    assert_eq!(line[0]["model"], "gpt-5.5");
    let holder = json!({"client": "batch/2", "pid": std::process::id(), "uid": getuid().as_raw()});
    assert_eq!(line[0]["holder"], holder);
    let plain = wire.ok(&json!({"op": "status", "pool": "openrouter"}))["pools"][0]["line"][0].clone();
    assert_eq!((&plain["number"], &plain["holder"]), (&line[0]["number"], &Value::Null), "only if it is asked for");
}

#[test]
fn pages_hold_every_lease_once() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    for _ in 0..1_001 {
        wire.ok(&json!({"op": "acquire", "pool": "openrouter", "secret": false}));
    }
    for (limit, pages) in [(500, 3), (999, 2), (1_000, 2)] {
        let mut seen = Vec::new();
        let mut after = Value::Null;
        for page in 1..=pages {
            let answer = wire.ok(&status(&json!({"limit": limit, "leases_after": after})));
            let out = &answer["pools"][0]["leases_out"];
            let page_of = out["page"].as_array().expect("a list");
            assert!(page_of.len() <= limit, "{} on a page of {limit}", page_of.len());
            seen.extend(page_of.iter().map(|lease| lease["number"].as_u64().expect("an integer")));
            after = out["next"].clone();
            assert_eq!(after.is_null(), page == pages, "page {page} of {pages} goes on after {after}");
        }
        assert_eq!(seen.len(), 1_001, "in pages of {limit}");
        assert!(seen.is_sorted_by(|one, other| one < other), "in pages of {limit}");
    }
    assert_eq!(wire.ok(&status(&json!({})))["pools"][0]["leases_out"]["page"].as_array().map(Vec::len), Some(1_000));
    wire.refused(&json!({"op": "status", "leases": true}), "bad_request");
    wire.refused(&json!({"op": "status", "pool": "openrouter", "leases_after": 1}), "bad_request");
}

#[test]
fn a_clients_name_is_shown_without_what_must_not_be() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let name = format!("agent\u{1b}[2J {} {}", secret("key-0"), "x".repeat(100));
    wire.ok(&json!({"op": "hello", "client": name}));
    wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    // That no reply holds the secret is checked where it is read.
    let client = leases(&mut wire)[0]["holder"]["client"].as_str().expect("a name").to_owned();
    assert!(client.starts_with("agent [2J [cut] xxx"), "{client:?}");
    assert_eq!(client.len(), 64, "{client:?}");
}
