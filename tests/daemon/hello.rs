//! `hello` and `ping`.

use serde_json::json;

use crate::support::{AuthJson, Daemon};

#[test]
fn hello_says_who_answers_and_what_is_served() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "hello", "client": "tests/1", "protocol": [1]}));
    assert_eq!(reply["protocol"], 1);
    assert_eq!(reply["pid"], daemon.id());
    let auth_file = daemon.home().auth_json().canonicalize().expect("auth.json is there");
    assert_eq!(reply["auth_file"], json!(auth_file));
    assert!(reply["server"].as_str().is_some_and(|server| server.starts_with("credpoold/")), "{reply:#}");
    let capabilities = reply["capabilities"].as_array().expect("a list");
    for operation in ["acquire", "report_error", "release", "renew", "status", "explain", "clear", "reload"] {
        assert!(capabilities.contains(&json!(operation)), "{operation} is missing in {reply:#}");
    }
}

#[test]
fn hello_names_the_limits_of_the_contract() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let limits = daemon.wire().ok(&json!({"op": "hello"}))["limits"].clone();
    let expected = [
        ("request_line_bytes", 256 * 1024),
        ("partial_line_ms", 10_000),
        ("unsent_output_bytes", 1024 * 1024),
        ("connections", 4_096),
        ("connections_per_uid", 1_024),
        ("leases", 65_536),
        ("leases_per_connection", 4_096),
        ("waiters", 16_384),
        ("waiters_per_connection", 256),
        ("waiters_per_uid", 4_096),
        ("queues_per_pool", 256),
        ("ttl_ms", 24 * 60 * 60 * 1000),
        ("wait_ms", 24 * 60 * 60 * 1000),
    ];
    for (name, value) in expected {
        assert_eq!(limits[name], value, "{name} in {limits:#}");
    }
}

#[test]
fn each_run_has_its_own_name() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let hello = json!({"op": "hello"});
    let first = daemon.wire().ok(&hello)["run"].clone();
    assert_eq!(daemon.wire().ok(&hello)["run"], first, "one run, two names");
    daemon.kill();
    daemon.restart();
    assert_ne!(daemon.wire().ok(&hello)["run"], first, "two runs, one name");
}

#[test]
fn a_client_of_a_later_version_is_answered_if_it_also_speaks_ours() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "hello", "protocol": [2, 1]}));
    assert_eq!(reply["protocol"], 1);
}

#[test]
fn a_client_that_speaks_none_of_our_versions_is_refused() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.refused(&json!({"op": "hello", "protocol": [2]}), "unsupported_protocol");
    wire.ok(&json!({"op": "ping"}));
}

#[test]
fn ping_needs_no_hello() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "ping", "id": 1}));
    assert_eq!(reply, json!({"id": 1, "ok": true}));
}
