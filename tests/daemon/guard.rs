//! The provider's faults, as clients see them.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire};

fn fails(wire: &mut Wire, credential: &str, facts: &Value) -> Value {
    let acquire = json!({"op": "acquire", "pool": "openrouter", "credential": credential, "model": "large"});
    let lease = wire.ok(&acquire)["lease"].clone();
    let mut report = json!({"op": "report_error", "lease": lease});
    report.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
    wire.ok(&report)
}

#[test]
fn the_same_5xx_from_two_keys_for_one_model_benches_no_key_and_pauses_the_model() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let first = fails(&mut wire, "key-0", &json!({"status": 503}));
    assert_eq!((&first["applied"], &first["verdict"]["scope"]), (&json!(false), &json!("none")), "{first:#}");
    let second = fails(&mut wire, "key-1", &json!({"status": 503}));
    let verdict = &second["verdict"];
    assert_eq!((&verdict["scope"], &verdict["model"]), (&json!("pool_model"), &json!("large")), "{second:#}");

    wire.refused(&json!({"op": "acquire", "pool": "openrouter", "model": "large"}), "exhausted");
    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "model": "small"}));
    let status = wire.ok(&json!({"op": "status", "pool": "openrouter"}));
    let pool = &status["pools"][0];
    assert_eq!((&pool["counts"], &pool["restrictions"][0]["scope"]), (&json!({"ready": 3}), &json!("pool_model")));
    let story = wire.ok(&json!({"op": "history", "pool": "openrouter"}));
    let events = story["entries"].as_array().expect("a list").iter().map(|entry| &entry["event"]);
    assert_eq!(events.collect::<Vec<_>>(), ["reported", "paused", "reported"]);
}

#[test]
fn a_guard_that_is_switched_off_never_pauses() {
    let daemon = Daemon::configured(&AuthJson::many(3), "guard.window = \"0s\"\n");
    let mut wire = daemon.wire();
    for key in ["key-0", "key-1", "key-2"] {
        fails(&mut wire, key, &json!({"status": 429}));
    }
    let status = wire.ok(&json!({"op": "status", "pool": "openrouter"}));
    assert_eq!(status["pools"][0]["counts"], json!({"cooling": 3}));
}
