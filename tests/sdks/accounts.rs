//! Rows that are one account: what limits one of them limits all, and `status` says so.

use serde_json::{Value, json};

use super::agent::Agent;
use super::answers::{completion, key, secret_of, usage_limit_reached};
use crate::support::{AuthJson, Daemon, Http, Row, credential, now_ms, pool, same_instant, secret, token};

const RESETS_S: u64 = 3 * 24 * 60 * 60;

#[test]
fn an_accounts_quota_holds_for_all_models_and_all_of_its_logins() {
    let server = Http::start(|_| usage_limit_reached(RESETS_S));
    let login = |label: &str, user: &str| {
        let auth = json!({"chatgpt_account_id": "team", "chatgpt_user_id": user});
        let claims = json!({"https://api.openai.com/auth": auth, "exp": now_ms() / 1000 + 3600});
        key(label, &server).set("auth_type", json!("oauth")).secret(&token(label, &claims))
    };
    let logins = [login("ann", "ann"), login("ann-again", "ann"), login("bob", "bob")];
    let daemon = Daemon::serving(&AuthJson::default().pool("openai-codex", logins));
    let Some(mut agent) = Agent::of(&daemon) else { return };
    let ask = |model: &str| json!({"pool": "openai-codex", "model": model});
    let failed = agent.turn(&ask("gpt-5.5"), "openai", "gpt-5.5");
    let verdict = &failed["reply"]["verdict"];
    assert_eq!((&verdict["kind"], &verdict["scope"]), (&json!("quota"), &json!("account")), "{failed:#}");

    let mut wire = daemon.wire();
    for label in ["ann", "ann-again"] {
        let found = credential(&mut wire, "openai-codex", label);
        assert_eq!((&found["state"], &found["cause"]["kind"]), (&json!("cooling"), &json!("quota")), "{found:#}");
        let restriction = &found["restrictions"][0];
        assert_eq!((&restriction["scope"], &restriction["model"]), (&json!("account"), &Value::Null), "{found:#}");
        same_instant(&restriction["until_at_ms"], &verdict["until_at_ms"]);
    }
    for model in ["gpt-5.5", "gpt-5.5-mini"] {
        let lease = agent.acquire("other", &ask(model));
        assert_eq!(lease["credential"]["label"], "bob", "{model}: {lease:#}");
        let failed = agent.call("other", "openai", model);
        assert_eq!(failed["reply"]["verdict"]["scope"], "account", "{failed:#}");
        let refused = agent.acquire("refused", &ask(model));
        assert_eq!(refused["error"]["by_cause"], json!({"quota": 3}), "{refused:#}");
        wire.ok(&json!({"op": "clear", "pool": "openai-codex", "credential": "bob"}));
    }
    let warnings = pool(&mut wire, "openai-codex")["warnings"].to_string();
    for words in ["\\\"ann\\\"", "\\\"ann-again\\\"", "logins of the same account"] {
        assert!(warnings.contains(words), "{words} is not in {warnings}");
    }
    assert!(!warnings.contains("bob"), "{warnings}");
}

#[test]
fn the_same_key_under_two_names_is_benched_once_for_both() {
    let server =
        Http::start(
            |request| if secret_of(request) == secret("other") { completion() } else { usage_limit_reached(RESETS_S) },
        );
    let rows: [Row; 3] = [key("work", &server), key("again", &server).secret(&secret("work")), key("other", &server)];
    let daemon = Daemon::serving(&AuthJson::default().pool("openai-codex", rows));
    let (Some(mut agent), mut wire) = (Agent::of(&daemon), daemon.wire()) else { return };
    let ask = json!({"pool": "openai-codex", "model": "gpt-5.5"});
    let failed = agent.turn(&ask, "openai", "gpt-5.5");
    assert_eq!(failed["reply"]["verdict"]["kind"], "quota", "{failed:#}");

    for label in ["work", "again"] {
        let found = credential(&mut wire, "openai-codex", label);
        assert_eq!((&found["state"], &found["cause"]["kind"]), (&json!("cooling"), &json!("quota")), "{found:#}");
        assert_eq!(found["restrictions"][0]["scope"], "account", "{found:#}");
    }
    let warnings = pool(&mut wire, "openai-codex")["warnings"].clone();
    let said = warnings.as_array().expect("a list");
    assert!(said.len() == 1 && said[0].as_str().is_some_and(|said| said.contains("same secret")), "{warnings:#}");
    let explained = wire.ok(&json!({"op": "explain", "pool": "openai-codex", "credential": "again"}));
    let reason = explained["candidates"][0]["reasons"][0]["message"].clone();
    assert!(reason.as_str().is_some_and(|reason| reason.contains("of its account")), "{explained:#}");
    // The next call is not wasted on the same key.
    let next = agent.acquire("next", &ask);
    assert_eq!(next["credential"]["label"], "other", "{next:#}");
    assert_eq!(agent.call("next", "openai", "gpt-5.5")["status"], 200);
}
