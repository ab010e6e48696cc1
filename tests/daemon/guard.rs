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

    let error = wire.refused(&json!({"op": "acquire", "pool": "openrouter", "model": "large"}), "exhausted");
    assert_eq!((&error["total"], &error["by_cause"]), (&json!(3), &json!({"server": 3})), "{error:#}");
    let named = error["credentials"].as_array().expect("a list");
    assert_eq!(named.len(), 3, "{error:#}");
    for credential in named {
        assert_eq!((&credential["state"], &credential["cause"]["kind"]), (&json!("ready"), &json!("server")));
        assert_eq!((&credential["cause"]["status"], &credential["until_at_ms"]), (&json!(503), &error["retry_at_ms"]));
    }
    let message = error["message"].as_str().expect("words");
    assert!(message.starts_with("the whole pool openrouter pauses") && message.contains("server 503"), "{message}");
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
    let daemon = Daemon::configured(&AuthJson::many(6), "guard.window = \"0s\"\n");
    let mut wire = daemon.wire();
    for key in ["key-0", "key-1", "key-2"] {
        fails(&mut wire, key, &json!({"status": 429}));
    }
    for key in ["key-3", "key-4"] {
        let verdict = fails(&mut wire, key, &json!({"status": 503}))["verdict"].clone();
        assert_eq!((&verdict["kind"], &verdict["scope"]), (&json!("server"), &json!("model")), "{verdict:#}");
    }
    let status = wire.ok(&json!({"op": "status", "pool": "openrouter"}));
    assert_eq!(status["pools"][0]["counts"], json!({"cooling": 3, "ready": 3}));
    let acquire = json!({"op": "acquire", "pool": "openrouter", "model": "large"});
    assert_eq!(wire.ok(&acquire)["credential"]["label"], "key-5", "of the two, the model cools");
}
