//! State that outlives the daemon, and what may happen to the files that it is in.

mod acknowledged;
mod claims;
mod faults;
mod kills;
mod powercut;
mod restarts;

use serde_json::{Value, json};

use crate::support::{AuthJson, DaemonBuilder, Wire};

const POOL: &str = "openrouter";

/// A daemon that keeps its state, in a pool of these keys, each for one lease at a time.
fn keeping(durability: &str, keys: &AuthJson) -> DaemonBuilder {
    DaemonBuilder::serving(keys).config("defaults.cap = 'hard'\n").snapshot(durability)
}

fn pinned(key: &str) -> Value {
    json!({"op": "acquire", "pool": POOL, "credential": key})
}

fn detached(key: &str) -> Value {
    json!({"op": "acquire", "pool": POOL, "credential": key, "detach": true, "ttl_ms": 3_600_000})
}

fn limited(lease: &Value) -> Value {
    json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "3600"}})
}

fn of_key(op: &str, key: &str) -> Value {
    json!({"op": op, "pool": POOL, "credential": key})
}

/// Leases a key and has it restricted for an hour; the verdict.
#[track_caller]
fn restrict(wire: &mut Wire, key: &str) -> Value {
    let lease = wire.ok(&detached(key))["lease"].clone();
    wire.ok(&limited(&lease))["verdict"].clone()
}
