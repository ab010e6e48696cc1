//! No secret leaves the daemon but in a lease. Every test checks what its daemon wrote and answered; these provoke it.

use serde_json::json;

use crate::support::{AuthJson, CANARY, DaemonBuilder, Row, secret};

/// A daemon that logs everything it can.
fn talkative(auth: &AuthJson) -> DaemonBuilder {
    DaemonBuilder::serving(auth).variable("CREDPOOL_LOG", "trace").variable("RUST_BACKTRACE", "1")
}

#[test]
fn secrets_in_what_clients_and_providers_say_are_not_repeated() {
    let daemon = talkative(&AuthJson::many(2)).start();
    let mut wire = daemon.wire();
    let key = secret("key-0");
    let said = [
        json!({"op": "acquire", "pool": key}),
        json!({"op": "acquire", "pool": "openrouter", "credential": key}),
        json!({"op": key}),
        json!({"op": "release", "lease": key}),
        json!({"op": "acquire", "pool": "openrouter", "class": key}),
        json!({"op": "hello", "client": key}),
        json!({"op": "status", "pool": key}),
    ];
    for request in &said {
        // The connection itself panics where a reply repeats a secret.
        wire.ask(request);
    }
    for report in 1..=4_u64 {
        let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
        let message = format!("Incorrect API key provided: {key}");
        let facts = [
            json!({"status": 401, "body": {"error": {"code": "invalid_api_key", "message": message}}}),
            json!({"status": 401, "headers": {"x-echo": key, "retry-after": key}, "message": message}),
            json!({"status": 429, "code": key, "retry_after": key, "reset_at": key}),
            json!({"status": 429, "body": format!("{{\"error\":{{\"code\":\"{key}\",\"type\":\"{key}\"}}}}")}),
        ];
        let index = usize::try_from(report - 1).expect("a small number");
        let mut request = json!({"op": "report_error", "lease": lease});
        request.as_object_mut().expect("an object").extend(facts[index].as_object().expect("an object").clone());
        wire.ok(&request);
        wire.ok(&json!({"op": "status"}));
        wire.ask(&json!({"op": "acquire", "pool": "openrouter"}));
        wire.ok(&json!({"op": "clear", "pool": "openrouter"}));
    }
    assert!(!daemon.log().is_empty(), "nothing was logged, so nothing was tested");
}

#[test]
fn secrets_in_places_where_none_belongs_are_not_repeated() {
    let rows = json!([
        secret("bare"),
        {"id": "a", "access_token": {"nested": secret("nested")}},
        {"id": "b", "access_token": secret("fine"), "source": 5},
        [secret("list")],
    ]);
    let mut daemon = talkative(&AuthJson::default().raw_pool("openrouter", rows)).start();
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "status"}));
    let whole = AuthJson::many(1).text();
    let at = whole.find(CANARY).expect("a secret") + CANARY.len() + 4;
    daemon.store_bytes(&whole.as_bytes()[..at]);
    wire.ok(&json!({"op": "reload"}));
    wire.ok(&json!({"op": "status"}));
}

#[test]
fn the_command_line_of_the_daemon_and_its_environment_hold_none() {
    let daemon = talkative(&AuthJson::default().pool("openrouter", [Row::key("key-0")])).start();
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{file}", daemon.id())).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(CANARY), "{file} of the daemon holds a secret");
    }
}

#[test]
fn a_check_prints_none_whatever_is_wrong() {
    let auth =
        AuthJson::default().raw_pool("openrouter", json!([secret("bare"), {"id": 5, "access_token": secret("odd")}]));
    let ended = DaemonBuilder::serving(&auth).run_check();
    assert!(!ended.stdout.contains(CANARY) && !ended.stderr.contains(CANARY), "{ended:?}");
}
