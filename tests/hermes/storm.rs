//! hermes-agent writing its file as fast as it can.

use serde_json::{Value, json};

use super::agent::Hermes;
use crate::support::{AuthJson, DaemonBuilder, Home, definitions};

/// Rewritings of auth.json.
const WRITES: usize = 2_000;

#[test]
fn turns_that_hermes_writes_down_cost_no_reload() {
    let Some(hermes) = Hermes::installed() else { return };
    let builder = DaemonBuilder::serving(&AuthJson::many(10));
    let config = "credential_pool_strategies: {openrouter: round_robin}\n";
    std::fs::write(builder.home().hermes().join("config.yaml"), config).expect("a file");
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    let before = definitions(&mut wire);
    assert_eq!(before["changes"], 1);
    let read = |home: &Home| std::fs::read(home.auth_json()).expect("it is there");
    let first = read(daemon.home());
    let mut leases = 0;
    let (output, last) = daemon.while_others_write(|home| {
        let arguments = ["openrouter", &WRITES.to_string()];
        let output = hermes.script_while(home, "storm.py", &arguments, || {
            let granted = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
            wire.ok(&json!({"op": "release", "lease": granted["lease"]}));
            assert_eq!(granted["credential"]["label"], format!("key-{}", leases % 10), "our turns are our own");
            leases += 1;
        });
        (output, read(home))
    });
    let chosen: Vec<Value> = serde_json::from_str(&output).expect("the script prints JSON");
    assert_eq!((chosen.len(), chosen.last()), (WRITES, Some(&json!("key-9"))));
    assert!(first != last && leases > 10, "{leases} leases");
    let after = definitions(&mut wire);
    assert_eq!((&after["changes"], &after["ok"], &after["problems_total"]), (&json!(1), &json!(true), &json!(0)));
    assert!(after["loaded_at_ms"].as_u64() > before["loaded_at_ms"].as_u64(), "nobody looked");
}
