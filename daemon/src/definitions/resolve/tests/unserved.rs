//! What is not served, and why.

use serde_json::{Value, json};

use super::{CLAUDE, borrowed, claude, pool, world};

#[test]
fn what_cannot_be_looked_up_says_so() {
    let cases = [
        ("copilot", "gh_cli", "COPILOT_GITHUB_TOKEN"),
        ("anthropic", "vault:key", "does not know where Hermes keeps"),
        ("openrouter", "claude_code", "does not know where Hermes keeps"),
        ("p", "manual", "no access_token"),
        ("nous", "device_code", "hermes auth add nous"),
    ];
    for (name, source, words) in cases {
        let reason = pool(name, borrowed(source)).reason(name);
        assert!(reason.contains(words), "{source}: {reason}");
    }
    let leftover = json!([{ "id": "b", "source": "gh_cli", "access_token": "canary" }]);
    assert!(!pool("p", leftover).reason("p").contains("canary"), "Hermes uses no secret of such a row's own");
    let newer = json!([{ "id": "b", "source": "vault:key", "access_token": "s" }]);
    assert_eq!(pool("p", newer).secret("p"), "s");
}

#[test]
fn a_suppressed_source_is_not_used() {
    let suppressed = |pool: &str, source: &str, more: Value| {
        let mut store = json!({ "suppressed_sources": { pool: [source] }, "active_provider": "anthropic" });
        store.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        world(store).file(CLAUDE, &claude()).dotenv("OPENROUTER_API_KEY=k")
    };
    let rows = |pool: &str, source: &str| json!({ "credential_pool": { pool: borrowed(source) } });
    for (pool, source) in [("openrouter", "env:OPENROUTER_API_KEY"), ("anthropic", "claude_code")] {
        assert!(suppressed(pool, source, rows(pool, source)).rows(pool).is_empty(), "{source}");
        assert!(suppressed(pool, source, json!({})).rows(pool).is_empty(), "{source}");
    }
    // A copy of a login is a row of Hermes' own: it stays as it is.
    let login = json!({
        "providers": { "openai-codex": { "tokens": { "access_token": "new" } } },
        "credential_pool": { "openai-codex": [{ "id": "b", "source": "device_code", "access_token": "old" }] },
    });
    assert_eq!(suppressed("openai-codex", "device_code", login).secret("openai-codex"), "old");
    let elsewhere = rows("openrouter", "env:OPENROUTER_API_KEY");
    assert_eq!(suppressed("nous", "env:OPENROUTER_API_KEY", elsewhere).secret("openrouter"), "k");
}

#[test]
fn of_several_rows_of_one_source_the_first_in_the_file_counts() {
    let rows = json!([
        { "id": "a", "source": "env:OPENROUTER_API_KEY", "priority": 9 },
        { "id": "b", "source": "env:OPENROUTER_API_KEY", "priority": 0 },
    ]);
    let world = pool("openrouter", rows).dotenv("OPENROUTER_API_KEY=k");
    assert_eq!(world.row("openrouter").id, "a");
    assert_eq!(world.problems.borrow().len(), 1);
}

#[test]
fn names_that_no_row_can_have_make_none() {
    let yaml =
        format!("custom_providers: [{{name: \"a\\tb\", api_key: k}}, {{name: {}, api_key: k}}]", "x".repeat(300));
    let world = world(json!({})).config(&yaml);
    assert!(world.rows("custom:a\tb").is_empty());
    assert_eq!(world.problems.borrow().len(), 1);
    assert!(world.rows(&format!("custom:{}", "x".repeat(300))).is_empty());
}
