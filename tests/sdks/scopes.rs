//! Who waits when a call fails: the model, the key, its account, or nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::agent::Agent;
use super::answers::{completion, key, model_of, retry_after, secret_of, tokens_per_minute};
use crate::support::{AuthJson, Daemon, Http, HttpAnswer, credential, now_ms, pool, secret};

#[test]
fn a_models_bucket_leaves_the_key_to_other_models() {
    let server = Http::start(|request| match &*model_of(request) {
        "gpt-5.5" => tokens_per_minute("gpt-5.5"),
        _ => completion(),
    });
    let daemon = Daemon::serving(&AuthJson::default().pool("openai-api", [key("only", &server)]));
    let Some(mut agent) = Agent::of(&daemon) else { return };
    let ask = |model: &str| json!({"pool": "openai-api", "model": model});
    let failed = agent.turn(&ask("gpt-5.5"), "openai", "gpt-5.5");
    let verdict = &failed["reply"]["verdict"];
    assert_eq!((&verdict["kind"], &verdict["scope"]), (&json!("rate_limit"), &json!("account_model")), "{failed:#}");
    assert!(verdict["evidence"]["raw"].as_str().is_some_and(|raw| raw.contains("40s")), "{failed:#}");

    let refused = agent.acquire("refused", &ask("gpt-5.5"));
    assert_eq!(refused["error"]["code"], "exhausted", "{refused:#}");
    let other = agent.turn(&ask("gpt-5.5-mini"), "openai", "gpt-5.5-mini");
    assert_eq!((&other["status"], &other["reply"]["ok"]), (&json!(200), &json!(true)), "{other:#}");
}

#[test]
fn where_all_are_restricted_the_answer_says_why_each_is_and_when_the_first_comes_back() {
    let server = Http::start(|request| match secret_of(request) {
        limited if limited == secret("limited") => retry_after(60),
        broke if broke == secret("broke") => {
            let error = json!({"message": "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
                               "code": 402});
            HttpAnswer::json(402, &json!({"error": error}))
        }
        _ => HttpAnswer::json(401, &json!({"error": {"message": "User not found.", "code": 401}})),
    });
    let labels = ["limited", "broke", "unknown"];
    let rows = labels.map(|label| key(label, &server));
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", rows));
    let Some(mut agent) = Agent::of(&daemon) else { return };
    let before = now_ms();
    for (label, kind) in labels.into_iter().zip(["rate_limit", "billing", "auth"]) {
        let failed = agent.turn(&json!({"pool": "openrouter", "credential": label}), "openai", "m");
        assert_eq!(failed["reply"]["verdict"]["kind"], kind, "{failed:#}");
    }
    let refused = agent.acquire("refused", &json!({"pool": "openrouter", "model": "m"}));
    let error = &refused["error"];
    assert_eq!((&error["code"], refused.get("credential")), (&json!("exhausted"), None), "{refused:#}");
    assert_eq!(error["by_cause"], json!({"rate_limit": 1, "billing": 1, "auth": 1}), "{refused:#}");
    let named: Vec<_> = error["credentials"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|credential| (credential["label"].as_str(), credential["cause"]["status"].as_u64()))
        .collect();
    for known in [(Some("limited"), Some(429)), (Some("broke"), Some(402)), (Some("unknown"), Some(401))] {
        assert!(named.contains(&known), "{refused:#}");
    }
    let retry_at = error["retry_at_ms"].as_u64().expect("an instant");
    assert!((before + 60_000..=now_ms() + 66_000).contains(&retry_at), "{refused:#}");
}

#[test]
fn a_hundred_failures_of_one_window_are_one_strike() {
    const RUSH: u64 = 100;
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    let server = Http::start(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        HttpAnswer::json(429, &json!({"error": {"message": "Too many requests"}}))
    });
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", [key("only", &server)]));
    let Some(mut agent) = Agent::of(&daemon) else { return };
    agent.send(&json!({"do": "rush", "count": RUSH, "sdk": "openai", "model": "m", "ask": {"pool": "openrouter"}}));
    let failed = agent.recv();
    let failed = failed.as_array().expect("a list");
    assert_eq!((failed.len() as u64, served.load(Ordering::Relaxed) as u64), (RUSH, RUSH));
    for failed in failed {
        assert_eq!((&failed["status"], &failed["reply"]["verdict"]["strikes"]), (&json!(429), &json!(1)), "{failed:#}");
    }
    let found = credential(&mut daemon.wire(), "openrouter", "only");
    assert_eq!(found["restrictions"].as_array().map(Vec::len), Some(1), "{found:#}");
    assert_eq!(found["restrictions"][0]["strikes"], 1, "{found:#}");
}

/// Serves `answer` to an agent with one key of `pool`, and returns how its call went. The key has to be ready after it.
fn blameless(pool_name: &str, sdk: &str, path: &str, answer: HttpAnswer) -> Option<Value> {
    let server = Http::start(move |_| answer.clone());
    let row = key("only", &server).set("base_url", json!(format!("{}{path}", server.url())));
    let daemon = Daemon::serving(&AuthJson::default().pool(pool_name, [row]));
    let mut agent = Agent::of(&daemon)?;
    let failed = agent.turn(&json!({"pool": pool_name}), sdk, "m");
    assert_eq!(pool(&mut daemon.wire(), pool_name)["counts"], json!({"ready": 1}), "{failed:#}");
    Some(failed)
}

#[test]
fn nobody_waits_for_a_request_that_no_key_can_make_good() {
    let error =
        json!({"type": "invalid_request_error", "message": "prompt is too long: 250000 tokens > 200000 maximum"});
    let answer = HttpAnswer::json(400, &json!({"type": "error", "error": error}));
    let Some(failed) = blameless("anthropic", "anthropic", "", answer) else { return };
    let reply = &failed["reply"];
    assert_eq!((&failed["status"], &reply["verdict"]["kind"]), (&json!(400), &json!("request")), "{failed:#}");
    assert_eq!((&reply["verdict"]["scope"], &reply["applied"]), (&json!("none"), &json!(false)), "{failed:#}");
}

#[test]
fn nobody_waits_for_a_provider_that_fails_within_a_stream() {
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                       "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]});
    let error = json!({"error": {"message": "The server had an error while processing your request",
                                 "type": "server_error", "param": null, "code": null}});
    let answer = HttpAnswer::new(200, "text/event-stream", format!("data: {chunk}\n\ndata: {error}\n\n"));
    let Some(failed) = blameless("openai-api", "openai.stream", "/v1", answer) else { return };
    // OpenAI's SDK has forgotten the response by now.
    assert_eq!(
        (&failed["status"], &failed["reply"]["verdict"]["kind"]),
        (&Value::Null, &json!("server")),
        "{failed:#}"
    );
}

#[test]
fn nobody_waits_for_a_provider_that_is_overloaded_within_a_stream() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let answer = HttpAnswer::new(200, "text/event-stream", format!("event: error\ndata: {error}\n\n"));
    let Some(failed) = blameless("anthropic", "anthropic.stream", "", answer) else { return };
    let kind = &failed["reply"]["verdict"]["kind"];
    assert_eq!((&failed["status"], kind), (&json!(200), &json!("overloaded")), "{failed:#}");
}
