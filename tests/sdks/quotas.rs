//! What is left, by the headers of good answers: a key is not used once it has nothing, before anybody is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::agent::Agent;
use super::answers::{completion, key, no_such_key, secret_of};
use crate::support::{AuthJson, Daemon, Http, HttpAnswer, Row, credential, secret};

#[test]
fn a_key_that_openais_answers_say_is_used_up_gets_no_further_call() {
    const LIMIT: usize = 4;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = Http::start(move |request| {
        if secret_of(request) != secret("short") {
            return completion();
        }
        let used = counted.fetch_add(1, Ordering::Relaxed) + 1;
        let left = LIMIT.checked_sub(used);
        left.map_or_else(no_such_key, |left| {
            completion()
                .header("x-ratelimit-limit-requests", &LIMIT)
                .header("x-ratelimit-remaining-requests", &left)
                .header("x-ratelimit-reset-requests", &"6h0m0s")
        })
    });
    let daemon =
        Daemon::serving(&AuthJson::default().pool("openai-api", [key("short", &server), key("long", &server)]));
    let Some(mut agent) = Agent::of(&daemon) else { return };
    for _ in 0..LIMIT + 2 {
        let answered = agent.turn(&json!({"pool": "openai-api", "model": "gpt-5.5"}), "openai", "gpt-5.5");
        assert_eq!(answered["status"], 200, "{answered:#}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), LIMIT, "nobody was refused, and nothing was left unused");
}

#[test]
fn headroom_follows_anthropics_utilization() {
    let server = Http::start(|request| {
        let share = if secret_of(request) == secret("busy") { "0.81" } else { "0.29" };
        message().header("anthropic-ratelimit-unified-5h-utilization", &share)
    });
    let row = |label: &str| Row::key(label).set("base_url", json!(server.url()));
    let auth = AuthJson::default().pool("anthropic", [row("busy"), row("idle")]);
    let daemon = Daemon::configured(&auth, "[defaults]\nstrategy = \"headroom\"\n");
    let Some(mut agent) = Agent::of(&daemon) else { return };
    for _ in 0..4 {
        let answered = agent.turn(&json!({"pool": "anthropic", "model": "claude-5"}), "anthropic", "claude-5");
        assert_eq!(answered["status"], 200, "{answered:#}");
    }
    let mut wire = daemon.wire();
    let (busy, idle) = (credential(&mut wire, "anthropic", "busy"), credential(&mut wire, "anthropic", "idle"));
    assert_eq!((&busy["grants"], &idle["grants"]), (&json!(1), &json!(3)), "{busy:#} {idle:#}");
    assert_eq!(busy["windows"][0]["used_permille"], 810, "{busy:#}");
}

/// A success, as Anthropic answers.
fn message() -> HttpAnswer {
    HttpAnswer::json(
        200,
        &json!({"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
               "stop_sequence": null, "content": [{"type": "text", "text": "Hello"}],
               "usage": {"input_tokens": 1, "output_tokens": 1}}),
    )
}
