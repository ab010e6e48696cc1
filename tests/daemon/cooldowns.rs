//! How long a failure restricts where nobody says until when.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, credential, eventually, is_due, now_ms, same_instant};

const MINUTE_MS: u64 = 60 * 1_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Fails with `key-0`, which is ready, and panics unless that restricts it for `ms`.
#[track_caller]
fn restricts(wire: &mut Wire, facts: &Value, ms: u64) {
    wire.ok(&json!({"op": "clear", "pool": "openrouter"}));
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": "key-0"}))["lease"].clone();
    let mut report = json!({"op": "report_error", "lease": lease});
    report.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
    let before = now_ms();
    let verdict = wire.ok(&report)["verdict"].clone();
    assert_eq!(verdict["strikes"], 1, "{verdict:#}");
    is_due(&verdict["until_at_ms"], before, ms);
}

#[test]
fn each_kind_has_a_backoff_of_its_own() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    for (kind, ms) in [
        ("rate_limit", 15_000),
        ("quota", 5 * MINUTE_MS),
        ("billing", HOUR_MS),
        ("auth", MINUTE_MS),
        ("forbidden", 5 * MINUTE_MS),
    ] {
        restricts(&mut wire, &json!({"kind": kind}), ms);
    }
    // What only a person can lift ends otherwise.
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": "key-1"}))["lease"].clone();
    let dead = json!({"op": "report_error", "lease": lease, "kind": "dead"});
    let verdict = wire.ok(&dead)["verdict"].clone();
    assert_eq!((&verdict["state"], &verdict["until_at_ms"]), (&json!("needs_login"), &Value::Null), "{verdict:#}");
}

#[test]
fn hermes_times_can_be_had() {
    let daemon = Daemon::configured(&AuthJson::many(2), "cooldown.preset = \"hermes\"\n");
    let mut wire = daemon.wire();
    for (status, ms) in [(401, 5 * MINUTE_MS), (402, HOUR_MS), (429, HOUR_MS)] {
        restricts(&mut wire, &json!({"status": status}), ms);
    }
    restricts(&mut wire, &json!({"status": 429, "headers": {"retry-after": "30"}}), 30_000);
}

#[test]
fn a_backoff_is_another_one_as_soon_as_the_file_says_so() {
    let backoff = |base: &str| format!("cooldown.rate_limit = {{ base = \"{base}\", cap = \"1h\" }}\n");
    let daemon = Daemon::configured(&AuthJson::many(2), &backoff("10s"));
    let path = daemon.home().config().join("credpool.toml");
    let mut wire = daemon.wire();
    restricts(&mut wire, &json!({"status": 429}), 10_000);
    // What restricts already keeps its deadline.
    let until = credential(&mut wire, "openrouter", "key-0")["until_at_ms"].clone();
    std::fs::write(&path, backoff("10m") + "defaults.max_in_flight = 2\n").expect("a file");
    let found = eventually("the new file holds", || {
        Some(credential(&mut wire, "openrouter", "key-0")).filter(|found| found["max_in_flight"] == 2)
    });
    same_instant(&found["until_at_ms"], &until);
    restricts(&mut wire, &json!({"status": 429}), 10 * MINUTE_MS);
}

#[test]
fn a_sole_key_cools_briefly_for_what_passes_by_itself() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    restricts(&mut wire, &json!({"status": 429}), 5_000);
    // Not where somebody says how long it takes, nor where waiting is not all that it takes.
    restricts(&mut wire, &json!({"status": 429, "headers": {"retry-after": "60"}}), MINUTE_MS);
    restricts(&mut wire, &json!({"kind": "billing"}), HOUR_MS);
}
