//! OAuth logins: copies of them in rows, whose they are, and what becomes of them when they run out.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, credential, now_ms, secret, token};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn acquire(pool: &str) -> Value {
    json!({"op": "acquire", "pool": pool})
}

fn oauth(label: &str) -> Row {
    Row::key(label).set("auth_type", json!("oauth")).without("base_url")
}

/// A store with this login in `providers`.
fn logged_in(auth: AuthJson, pool: &str, login: Value) -> AuthJson {
    let mut providers = serde_json::Map::new();
    providers.insert(pool.to_owned(), login);
    auth.top("providers", Value::Object(providers))
}

#[test]
fn a_login_beside_the_pools_counts_before_its_copy_in_a_row() {
    let row = oauth("me@example.com").set("source", json!("device_code")).secret(&secret("old"));
    let auth = AuthJson::default().pool("openai-codex", [row]);
    let login = json!({"tokens": {"access_token": secret("new"), "refresh_token": "r"}});
    let daemon = Daemon::serving(&logged_in(auth, "openai-codex", login));
    let leased = daemon.wire().ok(&acquire("openai-codex"))["credential"].clone();
    assert_eq!((&leased["secret"], &leased["label"]), (&json!(secret("new")), &json!("me@example.com")));
    assert_eq!(leased["base_url"], "https://chatgpt.com/backend-api/codex");
}

#[test]
fn a_login_needs_no_row() {
    let claims = json!({"email": "ann@example.com", "scope": "inference:invoke", "exp": now_ms() / 1000 + 3600});
    let login = json!({"access_token": token("nous", &claims), "inference_base_url": "https://i.test/v1"});
    let daemon = Daemon::serving(&logged_in(AuthJson::default(), "nous", login));
    let leased = daemon.wire().ok(&acquire("nous"))["credential"].clone();
    assert_eq!((&leased["secret"], &leased["label"]), (&json!(token("nous", &claims)), &json!("ann@example.com")));
    assert_eq!((&leased["base_url"], &leased["auth_type"]), (&json!("https://i.test/v1"), &json!("oauth")));
}

#[test]
fn a_token_that_nous_inference_does_not_take_is_none() {
    let daemon = Daemon::serving(&logged_in(AuthJson::default(), "nous", json!({"access_token": secret("opaque")})));
    let mut wire = daemon.wire();
    let found = credential(&mut wire, "nous", "device_code");
    assert_eq!(found["state"], "no_secret");
    assert!(
        found["cause"]["reason"].as_str().is_some_and(|reason| reason.contains("hermes auth add nous")),
        "{found:#}"
    );
}

#[test]
fn quota_is_the_accounts_and_outlives_a_refreshed_token() {
    let of = |name: &str, user: &str| {
        let auth = json!({"chatgpt_account_id": "team", "chatgpt_user_id": user});
        token(name, &json!({"https://api.openai.com/auth": auth, "exp": now_ms() / 1000 + 3600}))
    };
    let rows = |first: &str| {
        let rows = [
            oauth("ann").secret(&of(first, "ann")),
            oauth("ann again").secret(&of("2", "ann")),
            oauth("bob").secret(&of("3", "bob")),
        ];
        AuthJson::default().pool("openai-codex", rows)
    };
    let mut daemon = Daemon::serving(&rows("1"));
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire("openai-codex"));
    assert_eq!(lease["credential"]["label"], "ann");
    let report =
        json!({"op": "report_error", "lease": lease["lease"], "status": 429, "headers": {"retry-after": "3600"}});
    assert_eq!(wire.ok(&report)["verdict"]["scope"], "account");
    daemon.store(&rows("refreshed"));
    wire.ok(&json!({"op": "reload"}));
    for (label, state) in [("ann", "cooling"), ("ann again", "cooling"), ("bob", "ready")] {
        assert_eq!(credential(&mut wire, "openai-codex", label)["state"], state, "{label}");
    }
}

#[test]
fn a_token_that_has_run_out_is_leased_last_and_says_so() {
    let expiring = |label: &str, at: u64| oauth(label).set("expires_at_ms", json!(at));
    let rows = [
        expiring("out", now_ms() - 1),
        expiring("nearly out", now_ms() + 60_000),
        expiring("good", now_ms() + HOUR_MS),
    ];
    let daemon = Daemon::configured(&AuthJson::default().pool("anthropic", rows), "[defaults]\ncap = 'hard'");
    let mut wire = daemon.wire();
    let shown = credential(&mut wire, "anthropic", "out");
    assert!(shown["secret_expires_at_ms"].as_u64().is_some_and(|at| at < now_ms()), "{shown:#}");
    let good = wire.ok(&acquire("anthropic"));
    assert_eq!((&good["credential"]["label"], &good["expired"]), (&json!("good"), &Value::Null));
    let out = wire.ok(&acquire("anthropic"));
    assert_eq!((&out["credential"]["label"], &out["expired"]), (&json!("out"), &json!(true)));
    let nearly = wire.ok(&acquire("anthropic"));
    assert_eq!((&nearly["credential"]["label"], &nearly["expired"]), (&json!("nearly out"), &json!(true)));
}
