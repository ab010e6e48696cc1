//! Logins in files of their own.

use serde_json::{Value, json};

use super::super::AuthType;
use super::super::{Secret, SecretRef};
use super::{CLAUDE, World, borrowed, claude, pool, world};

/// Rows that Claude Code's login fills, where anthropic is chosen.
fn chosen(rows: Value) -> World {
    let mut world = pool("anthropic", rows);
    world.store["active_provider"] = "anthropic".into();
    world
}

#[test]
fn the_login_of_claude_code_fills_its_row() {
    let world = chosen(borrowed("claude_code")).file(CLAUDE, &claude());
    let row = world.row("anthropic");
    assert_eq!(
        (row.secret.as_ref().map(Secret::expose), row.auth_type),
        (Some("sk-ant-oat01-claude"), AuthType::OAuth)
    );
    assert_eq!(row.secret_expires_at_ms, Some(4_000_000_000_000));
    assert_eq!(row.base_url.as_deref(), Some("https://api.anthropic.com"));
    let path = world.folder.path().join(CLAUDE).display().to_string();
    let pointer = Some("/claudeAiOauth/accessToken".to_owned());
    assert_eq!(row.secret_ref, Some(SecretRef::File { path, pointer }));
    assert!(chosen(borrowed("claude_code")).reason("anthropic").contains("log in with `claude`"));
}

#[test]
fn logins_of_other_programs_make_no_row_and_that_of_hermes_does() {
    assert!(chosen(json!([])).file(CLAUDE, &claude()).rows("anthropic").is_empty());
    assert!(
        world(json!({})).file(".qwen/oauth_creds.json", &json!({ "access_token": "q" })).rows("qwen-oauth").is_empty()
    );
    let own = json!({ "accessToken": "sk-ant-oat01-own" });
    let world = chosen(json!([])).file(".anthropic_oauth.json", &own);
    assert_eq!(world.row("anthropic").source, "hermes_pkce");
    assert_eq!(world.secret("anthropic"), "sk-ant-oat01-own");
}

#[test]
fn anthropics_logins_count_only_where_somebody_chose_anthropic() {
    let claude_row = json!({ "id": "b", "source": "claude_code" });
    let plain = |rows: Value| pool("anthropic", rows).file(CLAUDE, &claude());
    assert!(plain(json!([claude_row])).reason("anthropic").contains("only where anthropic"));
    assert_eq!(plain(json!([claude_row])).config("model: {provider: Anthropic}").served("anthropic").len(), 1);
    assert_eq!(plain(json!([claude_row])).env("ANTHROPIC_TOKEN", "sk-ant-oat01-x").rows("anthropic").len(), 1);
    let manual = json!({ "id": "a", "source": "manual", "access_token": "sk-ant-api03-x" });
    assert_eq!(plain(json!([manual, claude_row])).served("anthropic"), ["manual", "claude_code"]);
    let unset = json!({ "id": "a", "source": "env:ANTHROPIC_TOKEN" });
    assert!(plain(json!([unset, claude_row])).served("anthropic").is_empty());
}

#[test]
fn anthropics_logins_do_not_count_where_somebody_chose_an_api_key() {
    let rows = || json!([{ "id": "a", "source": "claude_code" }, { "id": "b", "source": "env:ANTHROPIC_API_KEY" }]);
    let keyed = |rows| chosen(rows).file(CLAUDE, &claude()).dotenv("ANTHROPIC_API_KEY=sk-ant-api03-x");
    assert_eq!(keyed(rows()).served("anthropic"), ["env:ANTHROPIC_API_KEY"]);
    assert!(
        keyed(rows())
            .rows("anthropic")
            .iter()
            .any(|row| row.unresolved.as_deref().is_some_and(|r| r.contains("ANTHROPIC_API_KEY")))
    );
    let both = keyed(rows()).env("CLAUDE_CODE_OAUTH_TOKEN", "cc-x");
    assert_eq!(both.served("anthropic"), ["claude_code", "env:ANTHROPIC_API_KEY"]);
}

#[test]
fn anthropics_rows_have_an_order_of_their_own() {
    let row = |source: &str, priority: i64| json!({ "id": source, "source": source, "priority": priority, "access_token": "sk-ant-oat01-x" });
    let rows = json!([
        row("env:ANTHROPIC_API_KEY", 0),
        row("env:CLAUDE_CODE_OAUTH_TOKEN", 1),
        row("env:ANTHROPIC_TOKEN", 2),
        row("manual:hermes_pkce", 9),
        row("manual", 8),
    ]);
    let expected =
        ["manual", "manual:hermes_pkce", "env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "env:ANTHROPIC_API_KEY"];
    assert_eq!(pool("anthropic", rows).served("anthropic"), expected);
}

#[test]
fn the_login_of_the_qwen_cli_fills_its_row() {
    let login = json!({ "access_token": "q", "expiry_date": 4_000_000_000_000_u64 });
    let world = pool("qwen-oauth", borrowed("qwen-cli")).file(".qwen/oauth_creds.json", &login);
    let row = world.row("qwen-oauth");
    assert_eq!((row.secret.as_ref().map(Secret::expose), row.auth_type), (Some("q"), AuthType::OAuth));
    assert_eq!(row.base_url.as_deref(), Some("https://portal.qwen.ai/v1"));
    assert_eq!(row.secret_expires_at_ms, Some(4_000_000_000_000));
    let world = world.dotenv("HERMES_QWEN_BASE_URL=https://q.test/");
    assert_eq!(world.row("qwen-oauth").base_url.as_deref(), Some("https://q.test"));
}
