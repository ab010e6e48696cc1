//! Until when: a vendor's deadline in whatever form it comes, through the SDKs to the daemon.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::agent::Agent;
use super::answers::{key, secret_of};
use crate::support::{AuthJson, Daemon, Http, HttpAnswer, now_ms, secret};

const HOUR_MS: u64 = 60 * 60 * 1000;
const TEN_YEARS_MS: u64 = 10 * 365 * 24 * HOUR_MS;

fn limited(more: &Value) -> HttpAnswer {
    let mut error = json!({"message": "Slow down", "type": "rate_limit_error"});
    error.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    HttpAnswer::json(429, &json!({"error": error}))
}

fn plain() -> HttpAnswer {
    limited(&json!({}))
}

fn rfc3339(at_ms: u64) -> String {
    instant(at_ms).to_string()
}

fn instant(at_ms: u64) -> Timestamp {
    Timestamp::from_millisecond(at_ms.try_into().expect("an instant of our days")).expect("an instant of our days")
}

fn http_date(at_ms: u64) -> String {
    instant(at_ms).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An hour from now, in every form that vendors have for it.
fn an_hour(at_ms: u64) -> Vec<(&'static str, HttpAnswer)> {
    let at_s = at_ms / 1000 + 1;
    let naive = instant(at_s * 1000).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    vec![
        ("milliseconds", plain().header("retry-after-ms", &HOUR_MS)),
        ("seconds", plain().header("retry-after", &(HOUR_MS / 1000))),
        ("HTTP-date", plain().header("retry-after", &http_date(at_s * 1000))),
        ("epoch seconds", limited(&json!({"resets_at": at_s}))),
        ("epoch milliseconds", limited(&json!({"resets_at": at_ms}))),
        ("RFC 3339", limited(&json!({"resets_at": rfc3339(at_ms)}))),
        ("naive", limited(&json!({"resets_at": naive}))),
        ("Go", plain().header("x-ratelimit-remaining-requests", &0).header("x-ratelimit-reset-requests", &"1h0m0s")),
        ("words", limited(&json!({"message": "Please try again in 1h0m0s."}))),
    ]
}

/// What is no deadline.
fn nonsense(now_ms: u64) -> Vec<(&'static str, HttpAnswer)> {
    vec![
        ("past", limited(&json!({"resets_at": rfc3339(now_ms - HOUR_MS)}))),
        ("a past date", plain().header("retry-after", &http_date(now_ms - HOUR_MS))),
        ("negative", plain().header("retry-after", &-5)),
        ("in ten years", limited(&json!({"resets_at": (now_ms + TEN_YEARS_MS) / 1000}))),
        ("ten years", plain().header("retry-after", &(TEN_YEARS_MS / 1000))),
        ("not a number", plain().header("retry-after", &"NaN")),
    ]
}

/// A provider that answers each secret in its own way, and the daemon before it.
fn serving(answers: Vec<(&'static str, HttpAnswer)>) -> (Http, Daemon) {
    let names: Vec<_> = answers.iter().map(|(name, _)| *name).collect();
    let server = Http::start(move |request| {
        let mine = answers.iter().find(|(name, _)| secret(name) == secret_of(request));
        mine.expect("a secret of this test").1.clone()
    });
    let rows = names.iter().map(|name| key(name, &server));
    let daemon = Daemon::serving(&AuthJson::default().pool("custom:any", rows));
    (server, daemon)
}

fn fail(agent: &mut Agent, name: &str) -> Value {
    let failed = agent.turn(&json!({"pool": "custom:any", "credential": name}), "openai", "m");
    assert_eq!(failed["status"], 429, "{name}: {failed:#}");
    failed["reply"]["verdict"].clone()
}

#[test]
fn an_hour_is_an_hour_in_every_form() {
    let in_an_hour = now_ms() + HOUR_MS;
    let answers = an_hour(in_an_hour);
    let names: Vec<_> = answers.iter().map(|(name, _)| *name).collect();
    let (_server, daemon) = serving(answers);
    let Some(mut agent) = Agent::of(&daemon) else { return };
    for name in names {
        let verdict = fail(&mut agent, name);
        let until = verdict["until_at_ms"].as_u64().unwrap_or_else(|| panic!("{name}: {verdict:#}"));
        // Whole seconds round up; a tenth more keeps those who wait apart.
        let latest = now_ms() + HOUR_MS + HOUR_MS / 10 + 1_000;
        assert!((in_an_hour..=latest).contains(&until), "{name}: {verdict:#}");
        assert!(verdict["evidence"]["raw"].is_string(), "{name}: {verdict:#}");
    }
}

#[test]
fn nonsense_is_no_deadline() {
    let answers = nonsense(now_ms());
    let names: Vec<_> = answers.iter().map(|(name, _)| *name).collect();
    let (_server, daemon) = serving(answers);
    let Some(mut agent) = Agent::of(&daemon) else { return };
    for name in names {
        let verdict = fail(&mut agent, name);
        // A guess, then, and a short one.
        let wait = verdict["retry_after_ms"].as_u64().unwrap_or_else(|| panic!("{name}: {verdict:#}"));
        assert!((1..HOUR_MS / 2).contains(&wait), "{name}: {verdict:#}");
        let evidence = &verdict["evidence"]["source"];
        assert!(
            !evidence.as_str().is_some_and(|source| source.contains("ret") || source.contains("reset")),
            "{name}: {verdict:#}"
        );
    }
}
