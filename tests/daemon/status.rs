//! `status`. That it never holds a secret is checked with every reply that a test reads.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, pool};

fn ids(pool: &Value) -> Vec<String> {
    let credentials = pool["credentials"].as_array().expect("a list");
    credentials.iter().map(|credential| credential["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_pool_is_described_with_its_credentials() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
    wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "60"}}));
    let pool = pool(&mut wire, "openrouter");
    assert_eq!((&pool["strategy"], &pool["total"]), (&json!("fill_first"), &json!(3)));
    assert_eq!((&pool["leases"], &pool["waiters"]), (&json!(1), &json!(0)));
    assert_eq!((&pool["counts"]["ready"], &pool["counts"]["cooling"]), (&json!(2), &json!(1)), "{pool:#}");
    let second = &pool["credentials"][1];
    assert_eq!((&second["label"], &second["state"], &second["leases"]), (&json!("key-1"), &json!("ready"), &json!(1)));
    assert_eq!((&second["cause"], &second["until_at_ms"]), (&Value::Null, &Value::Null));
    assert_eq!((&second["max_in_flight"], &second["cap"]), (&json!(1), &json!("soft")));
    assert_eq!(second["source"], "manual");
    assert!(second["fingerprint"].as_str().is_some_and(|text| text.starts_with("sha256:")), "{second:#}");
}

#[test]
fn one_pool_can_be_asked_for() {
    let auth = AuthJson::many(1).pool("anthropic", [Row::key("claude")]);
    let daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    let all = wire.ok(&json!({"op": "status"}));
    assert_eq!(all["pools"].as_array().map(Vec::len), Some(2), "{all:#}");
    let one = wire.ok(&json!({"op": "status", "pool": "anthropic"}));
    assert_eq!(one["pools"].as_array().map(Vec::len), Some(1), "{one:#}");
    assert_eq!(one["pools"][0]["name"], "anthropic");
    wire.refused(&json!({"op": "status", "pool": "nowhere"}), "unknown_pool");
}

#[test]
fn pages_hold_every_credential_once() {
    let auth = AuthJson::many(10).pool("anthropic", (0..5).map(|number| Row::key(&format!("claude-{number}"))));
    let daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    for limit in [1, 3, 4, 15, 16] {
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let page = wire.ok(&json!({"op": "status", "limit": limit, "after": after}));
            let pools = page["pools"].as_array().expect("a list");
            let found: Vec<_> = pools.iter().flat_map(ids).collect();
            assert!(found.len() <= limit, "{} on a page of {limit}", found.len());
            seen.extend(found);
            after = page["next"].clone();
            if after.is_null() {
                break;
            }
            assert!(seen.len() < 100, "the pages have no end");
        }
        assert_eq!(seen.len(), 15, "in pages of {limit}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 15, "in pages of {limit}");
    }
}

#[test]
fn a_page_holds_1_to_1000_credentials() {
    let daemon = Daemon::serving(&AuthJson::many(1_100));
    let mut wire = daemon.wire();
    let on_page = |wire: &mut crate::support::Wire, request: Value| {
        wire.ok(&request)["pools"][0]["credentials"].as_array().expect("a list").len()
    };
    assert_eq!(on_page(&mut wire, json!({"op": "status"})), 1_000);
    assert_eq!(on_page(&mut wire, json!({"op": "status", "limit": 999})), 999);
    assert_eq!(on_page(&mut wire, json!({"op": "status", "limit": 1_000})), 1_000);
    wire.refused(&json!({"op": "status", "limit": 1_001}), "limit");
    let zero = wire.ask(&json!({"op": "status", "limit": 0}));
    assert_eq!(zero["ok"], false, "{zero:#}");
    let total = wire.ok(&json!({"op": "status"}))["pools"][0]["total"].clone();
    assert_eq!(total, 1_100);
}

#[test]
fn a_store_without_pools_has_an_empty_status() {
    let daemon = Daemon::serving(&AuthJson::default());
    assert_eq!(daemon.wire().ok(&json!({"op": "status"}))["pools"], json!([]));
}
