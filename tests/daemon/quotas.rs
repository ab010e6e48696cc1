//! What responses say is left, as clients, operators and the strategies see it.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, Wire, credential, eventually, now_ms};

/// A lease of one key, given back with the headers of a response.
fn uses(wire: &mut Wire, pool: &str, key: &str, headers: &Value) {
    let lease = wire.ok(&json!({"op": "acquire", "pool": pool, "credential": key, "model": "large"}))["lease"].clone();
    wire.ok(&json!({"op": "release", "lease": lease, "status": 200, "headers": headers}));
}

fn next(wire: &mut Wire, pool: &str) -> Value {
    let granted = wire.ok(&json!({"op": "acquire", "pool": pool, "model": "large"}));
    wire.ok(&json!({"op": "release", "lease": granted["lease"]}));
    granted["credential"]["label"].clone()
}

/// Codex' primary window.
fn primary(used_percent: u64, resets_in_s: u64) -> Value {
    json!({"x-codex-primary-used-percent": used_percent.to_string(), "x-codex-primary-window-minutes": "300",
           "X-Codex-Primary-Reset-After-Seconds": resets_in_s})
}

fn codex(keys: usize) -> AuthJson {
    let rows = (0..keys).map(|key| Row::key(&format!("key-{key}")));
    AuthJson::default().pool("openai-codex", rows)
}

#[test]
fn status_shows_every_window_as_the_last_response_had_it() {
    let key = Row::key("key-0").without("base_url");
    let daemon = Daemon::serving(&AuthJson::default().pool("openai-api", [key]));
    let mut wire = daemon.wire();
    let earliest = now_ms();
    let headers = json!({"x-ratelimit-limit-tokens": "150000", "x-ratelimit-remaining-tokens": ["30000"],
                         "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-requests": "59"});
    uses(&mut wire, "openai-api", "key-0", &headers);
    let windows = credential(&mut wire, "openai-api", "key-0")["windows"].clone();
    let seen = windows[1]["seen_at_ms"].as_u64().expect("an instant");
    let resets = windows[1]["reset_at_ms"].as_u64().expect("an instant");
    assert!((earliest..=now_ms()).contains(&seen), "{windows:#}");
    assert!((earliest + 359_000..=now_ms() + 361_000).contains(&resets), "{windows:#}");
    assert_eq!(
        windows,
        json!([
            {"name": "requests", "model": "large", "limit": null, "remaining": 59, "used_permille": null,
             "reset_at_ms": null, "refills": true, "seen_at_ms": seen},
            {"name": "tokens", "model": "large", "limit": 150_000, "remaining": 30_000, "used_permille": 800,
             "reset_at_ms": resets, "refills": true, "seen_at_ms": seen},
        ])
    );
    uses(&mut wire, "openai-api", "key-0", &json!({"x-ratelimit-remaining-requests": "12"}));
    let later = credential(&mut wire, "openai-api", "key-0")["windows"].clone();
    assert_eq!((&later[0]["remaining"], &later[1]["remaining"]), (&json!(12), &json!(30_000)), "{later:#}");
}

#[test]
fn a_report_tells_what_is_left_too() {
    let daemon = Daemon::serving(&codex(1));
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openai-codex"}))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 400, "headers": primary(72, 60)}));
    let status = credential(&mut wire, "openai-codex", "key-0");
    assert_eq!(
        (&status["state"], &status["windows"][0]["used_permille"]),
        (&json!("ready"), &json!(720)),
        "{status:#}"
    );
}

#[test]
fn a_success_that_used_up_the_quota_restricts_and_says_why() {
    let daemon = Daemon::serving(&codex(2));
    let mut wire = daemon.wire();
    uses(&mut wire, "openai-codex", "key-0", &primary(100, 7_200));
    let status = credential(&mut wire, "openai-codex", "key-0");
    assert_eq!((&status["state"], &status["cause"]["kind"]), (&json!("cooling"), &json!("quota")), "{status:#}");
    let until = status["until_at_ms"].as_u64().expect("an instant");
    assert!((now_ms() + 7_190_000..=now_ms() + 7_201_000).contains(&until), "{status:#}");
    let restriction = &status["restrictions"][0];
    assert_eq!((&restriction["scope"], &restriction["strikes"]), (&json!("account"), &json!(0)), "{status:#}");
    assert_eq!((&restriction["reason"], next(&mut wire, "openai-codex")), (&json!("window.spent"), json!("key-1")));

    let pinned = json!({"op": "acquire", "pool": "openai-codex", "credential": "key-0"});
    wire.refused(&pinned, "exhausted");
    let evidence = json!({"source": "header:x-codex-primary-reset-after-seconds", "raw": "7200"});
    let explained = wire.ok(&json!({"op": "explain", "pool": "openai-codex"}));
    let reason = &explained["candidates"][0]["reasons"][0];
    assert_eq!(reason["restriction"]["evidence"], evidence, "{explained:#}");
    assert!(reason["message"].as_str().is_some_and(|words| words.contains("window.spent")), "{explained:#}");
    let story = wire.ok(&json!({"op": "history", "pool": "openai-codex", "credential": "key-0"}));
    let entry = &story["entries"][0];
    assert_eq!(
        (&entry["event"], &entry["kind"], &entry["rule"]),
        (&json!("spent"), &json!("quota"), &json!("window.spent"))
    );
    assert_eq!((&entry["evidence"], &entry["scope"]), (&evidence, &json!("account")), "{story:#}");
}

#[test]
fn a_window_that_is_spent_until_nobody_knows_when_is_left_alone_for_a_guess() {
    let daemon = Daemon::serving(
        &AuthJson::default().pool("groq", ["key-0", "key-1"].map(|key| Row::key(key).without("base_url"))),
    );
    let mut wire = daemon.wire();
    let before = now_ms();
    uses(&mut wire, "groq", "key-0", &json!({"x-ratelimit-remaining-requests": "0"}));
    let status = credential(&mut wire, "groq", "key-0");
    let restriction = &status["restrictions"][0];
    let told = (&restriction["kind"], &restriction["scope"], &restriction["reason"], &restriction["strikes"]);
    let expected = (&json!("quota"), &json!("account_model"), &json!("window.spent"), &json!(0));
    assert_eq!(told, expected, "{status:#}");
    let until = restriction["until_at_ms"].as_u64().expect("an instant");
    assert!(
        (before + 300_000..=now_ms() + 300_000).contains(&until),
        "five minutes, as after a first failure: {status:#}"
    );
    assert_eq!(restriction["evidence"], json!({"source": "header:x-ratelimit-remaining-requests", "raw": "0"}));
    assert_eq!(next(&mut wire, "groq"), "key-1");
}

#[test]
fn strategies_by_quota_are_set_changed_and_explained_without_a_restart() {
    let daemon = Daemon::configured(&codex(3), "[pools.openai-codex]\nstrategy = \"headroom\"\n");
    let mut wire = daemon.wire();
    uses(&mut wire, "openai-codex", "key-0", &primary(72, 7_200));
    uses(&mut wire, "openai-codex", "key-1", &primary(95, 600));
    uses(&mut wire, "openai-codex", "key-2", &primary(80, 3_600));
    assert_eq!(next(&mut wire, "openai-codex"), "key-0");
    let quota = |wire: &mut Wire, at: usize| {
        let explained = wire.ok(&json!({"op": "explain", "pool": "openai-codex"}));
        explained["candidates"][at]["quota"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(quota(&mut wire, 0), "72 % of primary is used, its tightest window");

    let config = daemon.home().config().join("credpool.toml");
    let set = |line: &str| std::fs::write(&config, format!("[pools.openai-codex]\n{line}\n")).expect("a file");
    set("strategy = \"reset_soon\"");
    eventually("what lapses first goes first", || (next(&mut wire, "openai-codex") == "key-1").then_some(()));
    assert!(quota(&mut wire, 1).starts_with("what is left of primary lapses in "), "{}", quota(&mut wire, 1));
    set("strategy = \"reset_soon\"\nreserve = \"10%\"");
    eventually("the reserve is kept", || (next(&mut wire, "openai-codex") == "key-2").then_some(()));
    assert_eq!(quota(&mut wire, 1), "95 % of primary is used: only the reserve of 10 % is left, so it goes last");
}
