//! Logins in `providers` of auth.json.

use serde_json::{Value, json};

use super::super::super::jwt::tests::token;
use super::super::AuthType;
use super::super::Secret;
use super::{World, pool, world};

#[test]
fn a_login_fills_the_row_that_is_a_copy_of_it() {
    let row = |source: &str| json!([{ "id": "b", "source": source, "auth_type": "oauth", "access_token": "old", "label": "l" }]);
    let cases = [
        (
            "openai-codex",
            "device_code",
            json!({ "tokens": { "access_token": "new" } }),
            "https://chatgpt.com/backend-api/codex",
        ),
        ("xai-oauth", "device_code", json!({ "tokens": { "access_token": "new" } }), "https://api.x.ai/v1"),
        ("xai-oauth", "loopback_pkce", json!({ "tokens": { "access_token": "new" } }), "https://api.x.ai/v1"),
        (
            "minimax-oauth",
            "oauth",
            json!({ "access_token": "new", "inference_base_url": "https://m.test/" }),
            "https://m.test",
        ),
    ];
    for (pool, source, login, url) in cases {
        let store = json!({ "providers": { pool: login }, "credential_pool": { pool: row(source) } });
        let row = world(store).row(pool);
        assert_eq!((row.id.as_str(), row.label.as_str(), row.auth_type), ("b", "l", AuthType::OAuth));
        assert_eq!(row.secret.as_ref().map(Secret::expose), Some("new"), "{pool}");
        assert_eq!(row.base_url.as_deref(), Some(url));
    }
}

#[test]
fn a_login_without_a_row_makes_one_beside_those_that_were_added_by_hand() {
    let by_hand = json!([{ "id": "a", "source": "manual:device_code", "auth_type": "oauth", "access_token": "own" }]);
    let claims = json!({ "email": "ann@example.com" });
    let store = json!({
        "providers": { "openai-codex": { "tokens": { "access_token": token(&claims) } } },
        "credential_pool": { "openai-codex": by_hand },
    });
    let rows = world(store).rows("openai-codex");
    assert_eq!(rows.iter().map(|row| row.source.as_str()).collect::<Vec<_>>(), ["manual:device_code", "device_code"]);
    assert_eq!(rows[0].secret.as_ref().map(Secret::expose), Some("own"));
    assert_eq!((rows[1].label.as_str(), rows[1].auth_type), ("ann@example.com", AuthType::OAuth));
}

#[test]
fn a_row_keeps_its_own_tokens_where_there_is_no_login() {
    for (pool_name, source) in
        [("openai-codex", "device_code"), ("xai-oauth", "device_code"), ("minimax-oauth", "oauth")]
    {
        let row = json!([{ "id": "b", "source": source, "auth_type": "oauth", "access_token": "own" }]);
        assert_eq!(pool(pool_name, row).secret(pool_name), "own");
    }
    let both = json!([
        { "id": "a", "source": "loopback_pkce", "auth_type": "oauth", "access_token": "old" },
        { "id": "b", "source": "device_code", "auth_type": "oauth", "access_token": "new" },
    ]);
    assert_eq!(pool("xai-oauth", both).served("xai-oauth"), ["device_code"]);
}

#[test]
fn at_nous_a_login_that_was_ended_ends_the_rows_that_came_from_it() {
    let usable = token(&json!({ "scope": "inference:invoke", "exp": 4_000_000_000_u64 }));
    let rows = json!([
        { "id": "a", "source": "device_code", "auth_type": "oauth", "access_token": usable },
        { "id": "b", "source": "manual:device_code", "auth_type": "oauth", "access_token": usable },
        { "id": "c", "source": "manual", "auth_type": "oauth", "access_token": usable },
    ]);
    let with = |login: Value| world(json!({ "providers": { "nous": login }, "credential_pool": { "nous": rows } }));
    assert_eq!(with(json!({ "client_id": "hermes-cli" })).served("nous"), ["manual"]);
    assert_eq!(with(json!({})).served("nous").len(), 3);
    let newer = token(&json!({ "scope": "inference:invoke", "exp": 4_100_000_000_u64 }));
    let row = &with(json!({ "access_token": newer })).rows("nous")[0];
    assert_eq!(row.secret.as_ref().map(Secret::expose), Some(newer.as_str()));
    assert_eq!(row.secret_expires_at_ms, Some(4_100_000_000_000));
}

#[test]
fn at_nous_the_environment_says_where_requests_go_before_nous_does() {
    let usable = token(&json!({ "scope": "inference:invoke", "exp": 4_000_000_000_u64 }));
    let login = json!({ "access_token": usable, "inference_base_url": "https://said.test" });
    let nous = world(json!({ "providers": { "nous": login } }));
    assert_eq!(nous.row("nous").base_url.as_deref(), Some("https://said.test"));
    let nous = nous.env("NOUS_INFERENCE_BASE_URL", "https://own.test");
    assert_eq!(nous.row("nous").base_url.as_deref(), Some("https://own.test"));
}

#[test]
fn a_profile_has_the_logins_of_the_root_where_it_has_none_of_its_own() {
    let login = |token: &str| json!({ "providers": { "openai-codex": { "tokens": { "access_token": token } } } });
    let profile = |own: Value| World { root: Some(login("root")), ..world(own) };
    assert_eq!(profile(json!({})).secret("openai-codex"), "root");
    assert_eq!(profile(login("own")).secret("openai-codex"), "own");
    let ended = json!({ "providers": { "openai-codex": {} } });
    assert!(profile(ended).rows("openai-codex").is_empty());
}
