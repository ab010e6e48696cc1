//! Looking things up in the answer to `status`.

use serde_json::{Value, json};

use super::Wire;

/// A pool, as `status` has it.
#[track_caller]
pub(crate) fn pool(wire: &mut Wire, name: &str) -> Value {
    let status = wire.ok(&json!({"op": "status", "pool": name}));
    let pools = status["pools"].as_array().expect("`pools` is a list");
    pools.iter().find(|pool| pool["name"] == name).unwrap_or_else(|| panic!("no pool {name} in {status:#}")).clone()
}

/// A credential, as `status` has it, by its label.
#[track_caller]
pub(crate) fn credential(wire: &mut Wire, pool_name: &str, label: &str) -> Value {
    let pool = pool(wire, pool_name);
    let credentials = pool["credentials"].as_array().expect("`credentials` is a list");
    credentials
        .iter()
        .find(|credential| credential["label"] == label)
        .unwrap_or_else(|| panic!("no credential {label} in {pool:#}"))
        .clone()
}

/// How reading the definitions went.
#[track_caller]
pub(crate) fn definitions(wire: &mut Wire) -> Value {
    wire.ok(&json!({"op": "status"}))["definitions"].clone()
}
