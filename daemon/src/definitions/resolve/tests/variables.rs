//! Secrets in variables.

use serde_json::json;

use super::super::AuthType;
use super::super::{Secret, SecretRef};
use super::{CLAUDE, World, borrowed, claude, pool, world};

#[test]
fn priority_orders_and_the_file_breaks_ties() {
    let row = |id: &str, priority: i64| json!({ "id": id, "priority": priority, "access_token": id });
    let world = pool("p", json!([row("a", 1), row("b", 0), row("c", 1), row("d", -1), { "id": "e" }]));
    let ids: Vec<_> = world.rows("p").into_iter().map(|row| row.id).collect();
    assert_eq!(ids, ["d", "b", "e", "a", "c"]);
}

#[test]
fn a_variable_is_looked_up_in_the_file_of_hermes_first() {
    let world = pool("openrouter", borrowed("env:OPENROUTER_API_KEY")).env("OPENROUTER_API_KEY", "shell");
    assert_eq!(world.secret("openrouter"), "shell");
    let world = world.dotenv("OPENROUTER_API_KEY=file");
    let row = world.row("openrouter");
    assert_eq!(row.secret.as_ref().map(Secret::expose), Some("file"));
    assert_eq!((row.id.as_str(), row.base_url.as_deref()), ("b", Some("https://openrouter.ai/api/v1")));
    assert_eq!(row.secret_ref, Some(SecretRef::Env("OPENROUTER_API_KEY".to_owned())));
}

#[test]
fn a_variable_that_hermes_does_not_know_is_looked_up_all_the_same() {
    for name in ["openrouter", "custom:x", "p"] {
        assert_eq!(pool(name, borrowed("env:MINE")).dotenv("MINE=s").secret(name), "s");
    }
}

#[test]
fn only_a_rotated_secret_of_the_daemons_own_environment_is_worth_a_word() {
    let rotated = |world: World| {
        world.secret("openrouter");
        world
            .problems
            .borrow()
            .iter()
            .map(|problem| format!("{} {}", problem.place, problem.problem))
            .collect::<Vec<_>>()
    };
    let row = || pool("openrouter", borrowed("env:OPENROUTER_API_KEY"));
    let problems = rotated(row().env("OPENROUTER_API_KEY", "canary"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("openrouter: \"b\" has OPENROUTER_API_KEY from the daemon's environment"));
    assert!(!problems[0].contains("canary"));
    assert!(rotated(row().dotenv("OPENROUTER_API_KEY=file")).is_empty());
    let said = |world: World, name: &str| {
        let secret = world.secret(name);
        (secret, world.problems.take())
    };
    let endpoint = "custom_providers: [{name: c, base_url: 'https://c.test', api_key: k}]";
    assert_eq!(said(pool("custom:c", borrowed("config:c")).config(endpoint), "custom:c"), ("k".to_owned(), vec![]));
    let login = pool("anthropic", borrowed("claude_code")).file(CLAUDE, &claude()).env("ANTHROPIC_TOKEN", "chooses it");
    assert_eq!(said(login, "anthropic"), ("sk-ant-oat01-claude".to_owned(), vec![]));
    let seen = json!([{ "id": "b", "source": "env:OPENROUTER_API_KEY",
                        "secret_fingerprint": Secret::new("same").fingerprint() }]);
    assert!(rotated(pool("openrouter", seen).env("OPENROUTER_API_KEY", "same")).is_empty());
}

#[test]
fn a_variable_without_a_value_says_what_to_do() {
    let row = || pool("openrouter", borrowed("env:OPENROUTER_API_KEY"));
    assert!(row().reason("openrouter").contains("OPENROUTER_API_KEY is set neither in"));
    let reference = row().dotenv("OPENROUTER_API_KEY=op://vault/item/field");
    assert!(reference.reason("openrouter").contains("1Password"));
    assert_eq!(reference.env("OPENROUTER_API_KEY", "resolved").secret("openrouter"), "resolved");
    let bitwarden = json!([{ "id": "b", "source": "env:OPENROUTER_API_KEY", "secret_source": "bitwarden" }]);
    assert!(pool("openrouter", bitwarden).reason("openrouter").contains("from bitwarden"));
    assert!(pool("p", borrowed("env:A=B")).reason("p").contains("cannot exist"));
    let old = json!([{ "id": "b", "source": "env:OPENROUTER_API_KEY", "access_token": "kept" }]);
    assert_eq!(pool("openrouter", old).secret("openrouter"), "kept");
}

#[test]
fn a_key_in_the_file_of_hermes_makes_a_row_and_one_in_the_environment_does_not() {
    let world = world(json!({})).dotenv("GLM_API_KEY=a\nZ_AI_API_KEY=b").env("ZAI_API_KEY", "c");
    let rows = world.rows("zai");
    let shown: Vec<_> =
        rows.iter().map(|row| (row.label.as_str(), row.source.as_str(), row.id.len(), row.auth_type)).collect();
    assert_eq!(
        shown,
        [
            ("GLM_API_KEY", "env:GLM_API_KEY", 13, AuthType::ApiKey),
            ("Z_AI_API_KEY", "env:Z_AI_API_KEY", 13, AuthType::ApiKey)
        ]
    );
    let rotated = World { dotenv: "GLM_API_KEY=other\nZ_AI_API_KEY=b".to_owned(), ..world };
    assert_eq!(rotated.rows("zai")[0].id, rows[0].id, "it is the same credential");
    assert!(rows[0].id.starts_with('s') && rows[0].id != rows[1].id);
}

#[test]
fn rows_of_hermes_own_come_before_those_that_it_has_not_written() {
    let rows = json!([{ "id": "a", "priority": 7, "access_token": "a" }]);
    let world = pool("openrouter", rows).dotenv("OPENROUTER_API_KEY=b");
    assert_eq!(world.served("openrouter"), ["manual", "env:OPENROUTER_API_KEY"]);
}

#[test]
fn where_requests_go_may_depend_on_variables_and_keys() {
    let url = |world: World, pool: &str| world.row(pool).base_url;
    let text = |text: &str| Some(text.to_owned());
    let stored = || json!([{ "id": "b", "source": "env:GLM_API_KEY", "base_url": "https://stored.test" }]);
    assert_eq!(url(pool("zai", stored()).dotenv("GLM_API_KEY=k"), "zai"), text("https://stored.test"));
    assert_eq!(url(world(json!({})).dotenv("GLM_API_KEY=k"), "zai"), text("https://api.z.ai/api/paas/v4"));
    let detected = json!({ "base_url": "https://found.test", "key_hash": "ba7816bf8f01cfea" });
    let store = json!({ "providers": { "zai": { "detected_endpoint": detected } } });
    assert_eq!(url(world(store.clone()).dotenv("GLM_API_KEY=abc"), "zai"), text("https://found.test"));
    let said = world(store).dotenv("GLM_API_KEY=abc").env("GLM_BASE_URL", "https://said.test/");
    assert_eq!(url(said, "zai"), text("https://said.test"));
    let kimi = |key: &str| url(world(json!({})).dotenv(&format!("KIMI_API_KEY={key}")), "kimi-coding");
    assert_eq!(kimi("sk-kimi-x"), text("https://api.kimi.com/coding"));
    assert_eq!(kimi("sk-x"), text("https://api.moonshot.ai/v1"));
    assert_eq!(url(world(json!({})).dotenv("AZURE_FOUNDRY_API_KEY=k"), "azure-foundry"), None);
    let manual = json!([{ "id": "a", "access_token": "k" }]);
    assert_eq!(url(pool("deepseek", manual.clone()), "deepseek"), text("https://api.deepseek.com/v1"));
    assert_eq!(url(pool("custom:x", manual), "custom:x"), None);
}
