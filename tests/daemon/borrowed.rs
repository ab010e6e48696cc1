//! Rows whose secrets stand elsewhere: in variables, in Hermes' configuration, in the files of other programs.

use serde_json::{Value, json};

use crate::support::{
    AuthJson, Daemon, DaemonBuilder, Row, Wire, credential, definitions, eventually, now_ms, pool, secret,
};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn acquire(pool: &str) -> Value {
    json!({"op": "acquire", "pool": pool})
}

/// A row that Hermes fills from `source`.
fn borrowed(source: &str) -> Row {
    Row::key(source).set("source", json!(source)).without("access_token").without("base_url")
}

/// Why a credential has no secret, as `status` has it.
#[track_caller]
fn reason(wire: &mut Wire, pool: &str, label: &str) -> String {
    let found = credential(wire, pool, label);
    assert_eq!((&found["state"], &found["cause"]["kind"]), (&json!("no_secret"), &json!("no_secret")), "{found:#}");
    found["cause"]["reason"].as_str().expect("a reason").to_owned()
}

#[test]
fn keys_of_custom_endpoints_are_looked_up_in_hermes_configuration_and_watched() {
    let yaml = |key: &str| {
        format!("custom_providers:\n- {{name: Together AI, base_url: https://t.test/v1/, api_key: '{key}'}}\n")
    };
    let auth = AuthJson::default().pool("custom:together-ai", [borrowed("config:Together AI")]);
    let daemon = DaemonBuilder::serving(&auth)
        .beside_auth_json("config.yaml", &yaml("${TOGETHER_KEY}"))
        .beside_auth_json(".env", &format!("TOGETHER_KEY={}\n", secret("together")))
        .start();
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire("custom:together-ai"));
    assert_eq!(lease["credential"]["secret"], secret("together"));
    assert_eq!(lease["credential"]["base_url"], "https://t.test/v1");
    let by_reference = wire.ok(&json!({"op": "acquire", "pool": "custom:together-ai", "secret": false}));
    assert_eq!(by_reference["credential"]["secret_ref"], json!({"config": "Together AI"}));

    let config = daemon.home().hermes().join("config.yaml");
    std::fs::write(config, yaml(&secret("rotated"))).expect("the file can be written");
    eventually("the new key is served", || {
        Some(wire.ok(&acquire("custom:together-ai"))).filter(|lease| lease["credential"]["secret"] == secret("rotated"))
    });
}

#[test]
fn the_login_of_claude_code_is_served_and_watched() {
    let auth =
        AuthJson::default().pool("anthropic", [borrowed("claude_code")]).top("active_provider", json!("anthropic"));
    let builder = DaemonBuilder::serving(&auth);
    let expires = now_ms() + HOUR_MS;
    builder.home().log_in_to_claude_code(&secret("claude"), expires);
    let daemon = builder.start();
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire("anthropic"));
    let leased = &lease["credential"];
    assert_eq!((&leased["secret"], &leased["auth_type"]), (&json!(secret("claude")), &json!("oauth")));
    assert_eq!(leased["auth"], json!({"header": "Authorization", "prefix": "Bearer "}));
    assert_eq!(
        (&leased["secret_expires_at_ms"], &leased["base_url"]),
        (&json!(expires), &json!("https://api.anthropic.com"))
    );
    let file = daemon.home().user().join(".claude/.credentials.json");
    let by_reference = wire.ok(&json!({"op": "acquire", "pool": "anthropic", "secret": false}));
    let place = json!({"file": file, "pointer": "/claudeAiOauth/accessToken"});
    assert_eq!(by_reference["credential"]["secret_ref"], place);

    daemon.home().log_in_to_claude_code(&secret("refreshed"), expires + HOUR_MS);
    eventually("the refreshed token is served", || {
        Some(wire.ok(&acquire("anthropic"))).filter(|lease| lease["credential"]["secret"] == secret("refreshed"))
    });
    std::fs::write(file, r#"{"claudeAiOauth": null}"#).expect("the file can be written");
    eventually("the login is gone", || {
        Some(credential(&mut wire, "anthropic", "claude_code")).filter(|found| found["state"] == "no_secret")
    });
    assert!(reason(&mut wire, "anthropic", "claude_code").contains("log in with `claude`"));
}

#[test]
fn a_login_of_claude_code_that_comes_later_is_noticed() {
    let auth = AuthJson::default().top("active_provider", json!("anthropic"));
    let mut daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    daemon.store(&auth.clone().pool("anthropic", [borrowed("claude_code")]));
    eventually("the row is read", || {
        Some(wire.ask(&acquire("anthropic"))).filter(|r| r["error"]["code"] == "exhausted")
    });
    daemon.home().log_in_to_claude_code(&secret("claude"), now_ms() + HOUR_MS);
    eventually("the login is served", || Some(wire.ask(&acquire("anthropic"))).filter(|reply| reply["ok"] == true));
}

#[test]
fn a_key_in_hermes_env_file_needs_no_row_and_one_in_the_environment_does() {
    let daemon = DaemonBuilder::empty()
        .beside_auth_json(".env", &format!("OPENROUTER_API_KEY={}\n", secret("file")))
        .variable("OPENAI_API_KEY", &secret("environment"))
        .start();
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire("openrouter"));
    assert_eq!(
        (&lease["credential"]["secret"], &lease["credential"]["label"]),
        (&json!(secret("file")), &json!("OPENROUTER_API_KEY"))
    );
    assert_eq!(wire.refused(&acquire("openai-api"), "unknown_pool")["pools"], json!(["openrouter"]));
}

#[test]
fn what_cannot_be_resolved_says_why_and_what_to_do() {
    let auth = AuthJson::default()
        .pool("copilot", [borrowed("gh_cli")])
        .pool("openrouter", [Row::env("OPENROUTER_API_KEY").set("secret_source", json!("bitwarden"))])
        .pool("deepseek", [Row::env("DEEPSEEK_API_KEY")]);
    let daemon =
        DaemonBuilder::serving(&auth).beside_auth_json(".env", "DEEPSEEK_API_KEY=op://vault/item/field\n").start();
    let mut wire = daemon.wire();
    assert!(reason(&mut wire, "copilot", "gh_cli").contains("set COPILOT_GITHUB_TOKEN"));
    assert!(reason(&mut wire, "openrouter", "OPENROUTER_API_KEY").contains("from bitwarden"));
    assert!(reason(&mut wire, "deepseek", "DEEPSEEK_API_KEY").contains("1Password"));
    wire.refused(&json!({"op": "acquire", "pool": "copilot", "secret": false}), "exhausted");
    let error = wire.refused(&acquire("copilot"), "exhausted");
    let cause = &error["credentials"][0]["cause"];
    assert!(cause["reason"].as_str().is_some_and(|reason| reason.contains("COPILOT_GITHUB_TOKEN")), "{error:#}");
}

#[test]
fn a_suppressed_source_is_not_served() {
    let auth = AuthJson::default()
        .pool("openrouter", [Row::env("OPENROUTER_API_KEY"), Row::key("work")])
        .top("suppressed_sources", json!({"openrouter": ["env:OPENROUTER_API_KEY"]}));
    let daemon = DaemonBuilder::serving(&auth).variable("OPENROUTER_API_KEY", &secret("suppressed")).start();
    let mut wire = daemon.wire();
    assert_eq!(pool(&mut wire, "openrouter")["total"], 1);
    assert_eq!(wire.ok(&acquire("openrouter"))["credential"]["label"], "work");
}

#[test]
fn an_environment_that_hermes_does_not_share_is_pointed_out() {
    let row = Row::env("OPENROUTER_API_KEY").set("secret_fingerprint", json!("sha256:0123456789abcdef"));
    let auth = AuthJson::default().pool("openrouter", [row]);
    let daemon = DaemonBuilder::serving(&auth).variable("OPENROUTER_API_KEY", &secret("older")).start();
    let mut wire = daemon.wire();
    assert_eq!(wire.ok(&acquire("openrouter"))["credential"]["secret"], secret("older"), "the live one counts");
    let problems = definitions(&mut wire)["problems"].to_string();
    assert!(problems.contains("OPENROUTER_API_KEY from the daemon's environment"), "{problems}");
}

#[test]
fn a_daemon_may_hand_out_references_only() {
    let auth = AuthJson::default()
        .pool("openrouter", [Row::env("OPENROUTER_API_KEY")])
        .pool("deepseek", [Row::env("DEEPSEEK_API_KEY")]);
    let daemon = DaemonBuilder::serving(&auth)
        .config("[defaults]\nsecrets = 'references'\n[pools.deepseek]\nsecrets = 'values'")
        .variable("OPENROUTER_API_KEY", &secret("kept"))
        .variable("DEEPSEEK_API_KEY", &secret("given"))
        .start();
    let mut wire = daemon.wire();
    let leased = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "secret": true}));
    let withheld = &leased["credential"];
    assert_eq!((&withheld["secret"], &withheld["secret_ref"]), (&Value::Null, &json!({"env": "OPENROUTER_API_KEY"})));
    let next =
        wire.ok(&json!({"op": "report_error", "lease": leased["lease"], "status": 500, "keep": true, "next": true}));
    assert_eq!(next["next"]["credential"]["secret"], Value::Null, "{next:#}");
    assert_eq!(wire.ok(&acquire("deepseek"))["credential"]["secret"], secret("given"));
}
