//! `refresh`: of many who find out that a secret has run out, one renews it.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, Wire, credential, eventually, secret};

fn stale(wire: &mut Wire, label: &str) -> Value {
    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": label}))["credential"]["fingerprint"].clone()
}

fn refresh(label: &str, stale: &Value) -> Value {
    json!({"op": "refresh", "pool": "openrouter", "credential": label, "stale": stale})
}

fn done(ticket: &Value, outcome: &str) -> Value {
    json!({"op": "refresh_done", "ticket": ticket, "outcome": outcome})
}

fn rotated() -> AuthJson {
    AuthJson::default().pool("openrouter", [Row::key("key-0").secret(&secret("rotated"))])
}

#[test]
fn one_of_many_renews_and_the_others_use_what_it_wrote() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut agents: Vec<Wire> = (0..20).map(|_| daemon.wire()).collect();
    let stale = stale(&mut agents[0], "key-0");
    let replies: Vec<Value> = agents.iter_mut().map(|agent| agent.ask(&refresh("key-0", &stale))).collect();
    let (chosen, others): (Vec<&Value>, Vec<&Value>) = replies.iter().partition(|reply| reply["ok"] == true);
    let [chosen] = chosen[..] else { panic!("not one renews: {replies:#?}") };
    assert_eq!((&chosen["action"], &chosen["ttl_ms"]), (&json!("refresh"), &json!(120_000)));
    for other in others {
        assert_eq!(other["error"]["code"], "busy", "{other:#}");
        assert!(other["error"]["retry_after_ms"].as_u64().is_some_and(|ms| ms <= 1_000), "{other:#}");
    }
    daemon.store(&rotated());
    agents[0].ok(&done(&chosen["ticket"], "ok"));
    for agent in &mut agents {
        let reply = eventually("the new secret is there", || {
            Some(agent.ask(&refresh("key-0", &stale))).filter(|reply| reply["ok"] == true)
        });
        assert_eq!(reply["action"], "use");
        assert_eq!(reply["credential"]["secret"], secret("rotated"));
        assert_ne!(reply["credential"]["fingerprint"], stale);
    }
    let after = credential(&mut agents[0], "openrouter", "key-0");
    assert_eq!(after["state"], "ready", "nobody was benched: {after:#}");
}

#[test]
fn a_ticket_is_free_again_when_its_holder_dies() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let (mut holder, mut other) = (daemon.wire(), daemon.wire());
    let stale = stale(&mut other, "key-0");
    let ticket = holder.ok(&refresh("key-0", &stale))["ticket"].clone();
    other.refused(&refresh("key-0", &stale), "busy");
    drop(holder);
    let next = eventually("the ticket is free", || {
        Some(other.ask(&refresh("key-0", &stale))).filter(|reply| reply["ok"] == true)
    });
    assert_eq!(next["action"], "refresh");
    other.refused(&done(&ticket, "ok"), "unknown_ticket");
    other.ok(&done(&next["ticket"], "ok"));
}

#[test]
fn a_failure_is_told_to_the_others_without_the_secrets_in_it() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let stale = stale(&mut wire, "key-0");
    let ticket = wire.ok(&refresh("key-0", &stale))["ticket"].clone();
    let message = format!("no route with {}", secret("key-0"));
    let failed = json!({"op": "refresh_done", "ticket": ticket, "outcome": "failed", "message": message});
    wire.ok(&failed);
    let error = wire.refused(&refresh("key-0", &stale), "busy");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("no route")), "{error:#}");
    assert!(error["retry_after_ms"].as_u64().is_some_and(|ms| (1_001..=5_000).contains(&ms)), "{error:#}");
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "ready");
    wire.refused(&failed, "unknown_ticket");
}

#[test]
fn a_dead_login_needs_a_person() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let stale = stale(&mut wire, "key-0");
    let ticket = wire.ok(&refresh("key-0", &stale))["ticket"].clone();
    wire.ok(&done(&ticket, "dead"));
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "needs_login");
    let error = wire.refused(&refresh("key-0", &stale), "exhausted");
    assert_eq!(error["retry_after_ms"], Value::Null);
    daemon.store(&rotated());
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(wire.ok(&refresh("key-0", &stale))["action"], "use");
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "ready");
}

#[test]
fn what_is_no_ticket_and_nobodys_secret_is_refused() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.refused(&done(&json!("abc"), "ok"), "unknown_ticket");
    wire.refused(&done(&json!("0".repeat(32)), "ok"), "unknown_ticket");
    wire.refused(&done(&json!("0".repeat(32)), "cancelled"), "bad_request");
    wire.refused(&refresh("key-7", &json!("sha256:0000000000000000")), "unknown_credential");
    wire.refused(&json!({"op": "refresh", "pool": "openrouter", "credential": "key-0"}), "bad_request");
}
