//! What a lease holds, and who is chosen.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Row, Wire, now_ms, secret};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

/// The labels of the credentials that the next requests get, each released before the next is asked for.
fn in_turn(wire: &mut Wire, requests: usize) -> Vec<String> {
    (0..requests)
        .map(|_| {
            let reply = wire.ok(&acquire());
            wire.ok(&json!({"op": "release", "lease": reply["lease"]}));
            label(&reply)
        })
        .collect()
}

fn label(reply: &Value) -> String {
    reply["credential"]["label"].as_str().expect("a label").to_owned()
}

fn fingerprint(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[test]
fn a_lease_holds_all_that_a_request_needs() {
    let row = Row::key("work");
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", [row.clone()]));
    let before = now_ms();
    let reply = daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "id": 1}));
    let after = now_ms();
    let credential = &reply["credential"];
    assert_eq!(credential["id"], row.id());
    assert_eq!(credential["label"], "work");
    assert_eq!(credential["auth_type"], "api_key");
    assert_eq!(credential["secret"], secret("work"));
    assert_eq!(credential["auth"], json!({"header": "Authorization", "prefix": "Bearer "}));
    assert_eq!(credential["secret_expires_at_ms"], Value::Null);
    assert_eq!(credential["base_url"], "https://openrouter.ai/api/v1");
    assert_eq!(credential["fingerprint"], fingerprint(&secret("work")));
    assert!(credential["epoch"].as_str().is_some_and(|epoch| !epoch.is_empty()), "{reply:#}");
    assert_eq!((&reply["id"], &reply["pool"]), (&json!(1), &json!("openrouter")));
    assert_eq!((&reply["probe"], &reply["queued_ms"]), (&json!(false), &json!(0)));
    assert_eq!(reply["chosen_by"], "fill_first");
    let expires = reply["expires_at_ms"].as_u64().expect("an instant");
    assert!((before + HOUR_MS..=after + HOUR_MS).contains(&expires), "{expires} is not an hour after {before}");
}

#[test]
fn a_lease_id_is_128_bits_that_never_repeat() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let mut ids: Vec<_> = (0..100)
        .map(|_| {
            let id = wire.ok(&acquire())["lease"].as_str().expect("a text").to_owned();
            assert!(id.len() >= 22, "{id} cannot hold 128 bits");
            id
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[test]
fn the_header_follows_the_provider() {
    let auth = ["anthropic", "gemini", "azure", "openrouter", "custom:together-ai"]
        .into_iter()
        .fold(AuthJson::default(), |auth, pool| auth.pool(pool, [Row::key(pool)]));
    let daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    let mut header = |pool: &str| {
        let reply = wire.ok(&json!({"op": "acquire", "pool": pool}));
        reply["credential"]["auth"]["header"].as_str().expect("a header").to_lowercase()
    };
    assert_eq!(header("anthropic"), "x-api-key");
    assert_eq!(header("gemini"), "x-goog-api-key");
    assert_eq!(header("azure"), "api-key");
    assert_eq!(header("openrouter"), "authorization");
    assert_eq!(header("custom:together-ai"), "authorization");
}

#[test]
fn an_oauth_token_is_a_bearer_token_whoever_takes_it() {
    let row = Row::key("me").set("auth_type", json!("oauth")).set("expires_at_ms", json!(now_ms() + HOUR_MS));
    let daemon = Daemon::serving(&AuthJson::default().pool("anthropic", [row]));
    let reply = daemon.wire().ok(&json!({"op": "acquire", "pool": "anthropic"}));
    assert_eq!(reply["credential"]["auth"], json!({"header": "Authorization", "prefix": "Bearer "}));
    assert_eq!(reply["credential"]["auth_type"], "oauth");
}

#[test]
fn a_secret_is_withheld_on_request() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let reply = daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "secret": false}));
    assert_eq!(reply["credential"]["secret"], Value::Null);
    assert_eq!(reply["credential"]["fingerprint"], fingerprint(&secret("key-0")));
}

#[test]
fn a_borrowed_secret_is_resolved_or_referred_to() {
    let auth = AuthJson::default().pool("openrouter", [Row::env("OPENROUTER_API_KEY")]);
    let daemon = DaemonBuilder::serving(&auth).variable("OPENROUTER_API_KEY", &secret("borrowed")).start();
    let mut wire = daemon.wire();
    assert_eq!(wire.ok(&acquire())["credential"]["secret"], secret("borrowed"));
    let reply = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "secret": false}));
    assert_eq!(reply["credential"]["secret"], Value::Null);
    assert_eq!(reply["credential"]["secret_ref"], json!({"env": "OPENROUTER_API_KEY"}));
}

#[test]
fn the_env_file_of_hermes_goes_before_the_environment() {
    let auth = AuthJson::default().pool("openrouter", [Row::env("OPENROUTER_API_KEY")]);
    let builder = DaemonBuilder::serving(&auth).variable("OPENROUTER_API_KEY", &secret("environment"));
    let env_file = builder.home().hermes().join(".env");
    std::fs::write(env_file, format!("# keys\nOPENROUTER_API_KEY={}\n", secret("file"))).expect("a new file");
    let daemon = builder.start();
    assert_eq!(daemon.wire().ok(&acquire())["credential"]["secret"], secret("file"));
}

#[test]
fn a_borrowed_secret_that_is_nowhere_is_handed_out_by_reference_only() {
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", [Row::env("OPENROUTER_API_KEY")]));
    let mut wire = daemon.wire();
    let error = wire.refused(&acquire(), "exhausted");
    assert_eq!(error["by_cause"], json!({"no_secret": 1}));
    assert_eq!(error["credentials"][0]["state"], "no_secret");
    let reply = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "secret": false}));
    assert_eq!(reply["credential"]["secret_ref"], json!({"env": "OPENROUTER_API_KEY"}));
}

#[test]
fn an_unknown_pool_is_refused_with_those_that_there_are() {
    let auth = AuthJson::many(1).pool("anthropic", [Row::key("claude")]);
    let daemon = Daemon::serving(&auth);
    let error = daemon.wire().refused(&json!({"op": "acquire", "pool": "opernouter"}), "unknown_pool");
    let mut pools: Vec<_> = error["pools"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    pools.sort_unstable();
    assert_eq!(pools, ["anthropic", "openrouter"]);
}

#[test]
fn fill_first_stays_with_the_first() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    assert_eq!(in_turn(&mut daemon.wire(), 4), ["key-0", "key-0", "key-0", "key-0"]);
}

#[test]
fn priority_decides_who_is_first_not_the_order_of_rows() {
    let rows = [("last", 7), ("first", 1), ("middle", 3)];
    let rows = rows.map(|(label, priority)| Row::key(label).set("priority", json!(priority)));
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", rows));
    let mut wire = daemon.wire();
    let order: Vec<_> = (0..3).map(|_| label(&wire.ok(&acquire()))).collect();
    assert_eq!(order, ["first", "middle", "last"]);
}

#[test]
fn round_robin_takes_turns() {
    let daemon = Daemon::configured(&AuthJson::many(3), "[pools.openrouter]\nstrategy = \"round_robin\"\n");
    let turns = in_turn(&mut daemon.wire(), 7);
    assert_eq!(turns, ["key-0", "key-1", "key-2", "key-0", "key-1", "key-2", "key-0"]);
}

#[test]
fn least_used_evens_out() {
    let daemon = Daemon::configured(&AuthJson::many(3), "[defaults]\nstrategy = \"least_used\"\n");
    let mut wire = daemon.wire();
    // One is ahead: the others catch up before it is chosen again.
    let pinned = json!({"op": "acquire", "pool": "openrouter", "credential": "key-0"});
    for _ in 0..2 {
        let lease = wire.ok(&pinned)["lease"].clone();
        wire.ok(&json!({"op": "release", "lease": lease}));
    }
    let mut turns = in_turn(&mut wire, 4);
    turns.sort();
    assert_eq!(turns, ["key-1", "key-1", "key-2", "key-2"]);
}

#[test]
fn random_reaches_everybody() {
    let daemon = Daemon::configured(&AuthJson::many(4), "[defaults]\nstrategy = \"random\"\n");
    let turns = in_turn(&mut daemon.wire(), 200);
    for number in 0..4 {
        let count = turns.iter().filter(|label| **label == format!("key-{number}")).count();
        // Of 200 fair draws, fewer than 20 or more than 80 come once in a hundred million runs.
        assert!((20..=80).contains(&count), "key-{number} was drawn {count} times in {turns:?}");
    }
}

#[test]
fn the_strategy_comes_from_hermes_unless_our_config_says_otherwise() {
    let hermes = "credential_pool_strategies:\n  openrouter: round_robin\n";
    let start = |toml: &str| {
        let builder = DaemonBuilder::serving(&AuthJson::many(2)).config(toml);
        std::fs::write(builder.home().hermes().join("config.yaml"), hermes).expect("a new file");
        builder.start()
    };
    assert_eq!(start("").wire().ok(&acquire())["chosen_by"], "round_robin");
    let ours = start("[pools.openrouter]\nstrategy = \"least_used\"\n");
    assert_eq!(ours.wire().ok(&acquire())["chosen_by"], "least_used");
}
