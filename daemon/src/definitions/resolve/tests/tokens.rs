//! What tokens say of themselves.

use serde_json::json;

use super::super::super::jwt::tests::token;
use super::super::AuthType;
use super::pool;

#[test]
fn an_oauth_token_says_whose_it_is_and_when_it_runs_out() {
    let oauth = |exp: u64| {
        let claims = json!({ "iss": "i", "sub": "ann", "exp": exp });
        let row = json!([{ "id": "a", "auth_type": "oauth", "access_token": token(&claims), "expires_at_ms": 1_000 }]);
        pool("openai-codex", row).row("openai-codex")
    };
    let (one, other) = (oauth(4_000_000_000), oauth(4_000_000_001));
    assert_eq!(one.secret_expires_at_ms, Some(4_000_000_000_000));
    assert!(one.token_account.is_some() && one.fingerprint != other.fingerprint);
    assert_eq!(one.token_account, other.token_account, "the account outlives the token");
}

#[test]
fn what_an_api_key_says_of_itself_does_not_matter() {
    let claims = json!({ "sub": "ann", "exp": 4_000_000_000_u64 });
    let row = json!([{ "id": "a", "access_token": token(&claims) }]);
    let row = pool("minimax", row).row("minimax");
    assert_eq!((row.token_account, row.secret_expires_at_ms), (None, None));
}

#[test]
fn an_anthropic_token_is_one_whatever_its_row_says() {
    let row = json!([{ "id": "a", "source": "env:ANTHROPIC_API_KEY" }]);
    let auth_type = |key: &str| {
        pool("anthropic", row.clone()).dotenv(&format!("ANTHROPIC_API_KEY={key}")).row("anthropic").auth_type
    };
    assert_eq!(auth_type("sk-ant-oat01-x"), AuthType::OAuth);
    assert_eq!(auth_type("sk-ant-api03-x"), AuthType::ApiKey);
    let said = json!([{ "id": "a", "source": "env:ANTHROPIC_API_KEY", "auth_type": "oauth" }]);
    assert_eq!(
        pool("anthropic", said).dotenv("ANTHROPIC_API_KEY=sk-ant-api03-x").row("anthropic").auth_type,
        AuthType::ApiKey
    );
}
