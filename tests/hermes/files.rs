//! auth.json as hermes-agent itself writes it.

use serde_json::{Value, json};

use super::agent::Hermes;
use crate::support::{Daemon, DaemonBuilder, Wire, credential, eventually, now_ms, secret};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn acquire(credential: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "credential": credential})
}

/// A daemon that serves what `hermes auth add` wrote, and nothing else.
fn with_keys(hermes: &Hermes, labels: &[&str]) -> DaemonBuilder {
    let builder = DaemonBuilder::empty();
    for label in labels {
        hermes.add(builder.home(), label, &secret(label));
    }
    builder
}

/// Lets hermes-agent mark a key, until an hour from now. Returns until when.
fn mark(hermes: &Hermes, daemon: &mut Daemon, label: &str) -> u64 {
    let reset = now_ms() + HOUR_MS;
    daemon.while_others_write(|home| {
        hermes.script(home, "mark.py", &["openrouter", label, &(reset / 1000).to_string()]);
    });
    reset / 1000 * 1000
}

#[track_caller]
fn cools_until(wire: &mut Wire, label: &str, instant: u64) {
    let found = eventually("the cooldown is known", || {
        Some(credential(wire, "openrouter", label)).filter(|found| found["state"] == "cooling")
    });
    let until = found["until_at_ms"].as_u64().expect("an instant");
    assert!((instant..=instant + HOUR_MS / 10).contains(&until), "{found:#}");
    assert_eq!((&found["cause"]["kind"], &found["cause"]["status"]), (&json!("rate_limit"), &json!(429)), "{found:#}");
}

#[test]
fn keys_that_hermes_added_are_served() {
    let Some(hermes) = Hermes::installed() else { return };
    let daemon = with_keys(&hermes, &["one", "two"]).start();
    let mut wire = daemon.wire();
    for label in ["one", "two"] {
        let granted = wire.ok(&acquire(label));
        assert_eq!(granted["credential"]["secret"], secret(label));
        assert_eq!(granted["credential"]["base_url"], "https://openrouter.ai/api/v1");
    }
    assert_eq!(wire.ok(&json!({"op": "status"}))["definitions"]["problems_total"], 0);
}

#[test]
fn a_cooldown_that_hermes_wrote_is_honoured_without_being_asked_to() {
    let Some(hermes) = Hermes::installed() else { return };
    let builder = with_keys(&hermes, &["one", "two"]);
    let reset = (now_ms() + HOUR_MS) / 1000;
    hermes.script(builder.home(), "mark.py", &["openrouter", "one", &reset.to_string()]);
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    cools_until(&mut wire, "one", reset * 1000);
    wire.refused(&acquire("one"), "exhausted");
    assert_eq!(wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["credential"]["label"], "two");
    // And one that it writes while the daemon runs.
    let reset = mark(&hermes, &mut daemon, "two");
    cools_until(&mut wire, "two", reset);
}

#[test]
fn what_was_cleared_stays_cleared_when_hermes_writes_its_file_again() {
    let Some(hermes) = Hermes::installed() else { return };
    let builder = with_keys(&hermes, &["one", "two"]);
    let reset = (now_ms() + HOUR_MS) / 1000;
    hermes.script(builder.home(), "mark.py", &["openrouter", "one", &reset.to_string()]);
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    assert_eq!(wire.ok(&json!({"op": "clear", "pool": "openrouter"}))["cleared"], 1);
    // Another mark rewrites the first one with it.
    let reset = mark(&hermes, &mut daemon, "two");
    cools_until(&mut wire, "two", reset);
    assert_eq!(credential(&mut wire, "openrouter", "one")["state"], "ready");
}

#[test]
fn keys_come_and_go_while_the_daemon_runs() {
    let Some(hermes) = Hermes::installed() else { return };
    let mut daemon = with_keys(&hermes, &["one"]).start();
    let mut wire = daemon.wire();
    let held = wire.ok(&acquire("one"));
    daemon.while_others_write(|home| hermes.add(home, "two", &secret("two")));
    let granted =
        eventually("the new key is served", || Some(wire.ask(&acquire("two"))).filter(|reply| reply["ok"] == true));
    assert_eq!(granted["credential"]["secret"], secret("two"));
    daemon.while_others_write(|home| hermes.run(home, &["auth", "remove", "openrouter", "one"]));
    eventually("the removed key is gone", || {
        (wire.ask(&acquire("one"))["error"]["code"] == "unknown_credential").then_some(())
    });
    wire.ok(&json!({"op": "release", "lease": held["lease"]}));
}

#[test]
fn the_sample_in_the_fixtures_is_a_file_that_hermes_reads() {
    let Some(hermes) = Hermes::installed() else { return };
    let builder = DaemonBuilder::empty();
    std::fs::copy(crate::support::sample(), builder.home().auth_json()).expect("a copy");
    let listed = hermes.run(builder.home(), &["auth", "list"]);
    for label in ["work", "spare", "claude"] {
        assert!(listed.contains(label), "{label} is missing: {listed}");
    }
}
