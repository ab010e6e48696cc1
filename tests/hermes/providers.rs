//! What hermes-agent itself knows of providers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::agent::Hermes;
use crate::support::{DaemonBuilder, secret};

#[test]
fn every_variable_that_hermes_knows_fills_the_pool_that_it_fills() {
    let Some(hermes) = Hermes::installed() else { return };
    let builder = DaemonBuilder::empty();
    let known: Vec<(String, Vec<String>, String)> =
        serde_json::from_str(&hermes.script(builder.home(), "registry.py", &[])).expect("JSON");
    assert!(known.len() >= 25, "{known:?}");
    let variables = known.iter().flat_map(|(_, variables, _)| variables);
    let dotenv: String = variables.map(|variable| format!("{variable}={}\n", secret(variable))).collect();
    let daemon = builder.beside_auth_json(".env", &dotenv).start();
    let mut wire = daemon.wire();
    for (pool, variables, base_url) in known {
        let expected: BTreeMap<String, Value> = variables
            .iter()
            .map(|variable| {
                (variable.clone(), json!([secret(variable), Some(&base_url).filter(|url| !url.is_empty())]))
            })
            .collect();
        let leased: BTreeMap<String, Value> = variables
            .iter()
            .map(|variable| {
                let lease = wire.ok(&json!({"op": "acquire", "pool": pool, "credential": variable}));
                (variable.clone(), json!([lease["credential"]["secret"], lease["credential"]["base_url"]]))
            })
            .collect();
        assert_eq!(leased, expected, "{pool}");
    }
}
