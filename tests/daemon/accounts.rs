//! Credentials that are one account.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Row, credential, now_ms, pool, secret, token};

/// Two rows with one key, and one with another.
fn twice() -> AuthJson {
    let rows = [Row::key("work"), Row::key("again").secret(&secret("work")), Row::key("spare")];
    AuthJson::default().pool("openrouter", rows)
}

fn login(label: &str, user: &str) -> Row {
    let auth = json!({"chatgpt_account_id": "team", "chatgpt_user_id": user});
    let claims = json!({"https://api.openai.com/auth": auth, "exp": now_ms() / 1000 + 3600});
    Row::key(label).set("auth_type", json!("oauth")).secret(&token(label, &claims))
}

#[test]
fn the_same_key_twice_is_told_of_wherever_an_operator_looks() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    assert_eq!(pool(&mut wire, "openrouter")["warnings"], json!([]));
    daemon.store(&twice());
    let warnings = wire.ok(&json!({"op": "reload"}))["warnings"].clone();
    let shown = pool(&mut wire, "openrouter")["warnings"].clone();
    let shown = shown.as_array().expect("a list");
    let [warning] = shown.as_slice() else { panic!("{shown:#?}") };
    let warning = warning.as_str().expect("a sentence");
    for name in ["\"work\"", "\"again\"", &Row::key("work").id(), &Row::key("again").id(), "same secret", "nothing"] {
        assert!(warning.contains(name), "{name} is not in: {warning}");
    }
    assert!(!warning.contains("spare"), "{warning}");
    assert_eq!(warnings, json!([format!("openrouter: {warning}")]));
    assert!(daemon.log().contains("have the same secret"), "{}", daemon.log());

    let checked = DaemonBuilder::serving(&twice()).run_check();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert!(checked.stdout.contains(&format!("warning: openrouter: {warning}")), "{checked:?}");
    daemon.store(&AuthJson::many(1));
    assert_eq!(wire.ok(&json!({"op": "reload"})).get("warnings"), None);
}

#[test]
fn what_limits_one_of_them_limits_both_and_status_says_why() {
    let daemon = Daemon::serving(&twice());
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": "work"}))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "3600"}}));
    for label in ["work", "again"] {
        let found = credential(&mut wire, "openrouter", label);
        assert_eq!((&found["state"], &found["restrictions"][0]["scope"]), (&json!("cooling"), &json!("account")));
    }
    assert_eq!(wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["credential"]["label"], "spare");
}

#[test]
fn two_logins_of_one_user_are_told_of_and_two_users_are_not() {
    let logins = [login("ann", "ann"), login("bob", "bob"), login("ann again", "ann")];
    let daemon = Daemon::serving(&AuthJson::default().pool("openai-codex", logins));
    let warnings = pool(&mut daemon.wire(), "openai-codex")["warnings"].clone();
    let text = warnings.to_string();
    assert_eq!(warnings.as_array().map(Vec::len), Some(1), "{text}");
    for words in ["ann again", "logins of the same account"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("bob"), "{text}");
}

#[test]
fn homes_that_share_a_key_or_an_account_are_not_told_of() {
    let root = AuthJson::many(2).pool("openai-codex", [login("ann", "ann")]);
    let builder = DaemonBuilder::serving(&root);
    // A copy of the root's rows; its key under a name and an id of its own, and another login of the same user.
    root.write(&builder.home().profile("writer").join("auth.json"));
    let own = AuthJson::default().pool("openrouter", [Row::key("mine").secret(&secret("key-1"))]);
    let own = own.pool("openai-codex", [login("ann here", "ann")]);
    own.write(&builder.home().profile("coder").join("auth.json"));
    let daemon = builder.start();
    for name in ["openrouter", "openai-codex"] {
        let shown = pool(&mut daemon.wire(), name);
        assert_eq!((&shown["total"], &shown["warnings"]), (&json!(2), &json!([])), "{shown:#}");
    }
}

#[test]
fn a_profile_that_lists_a_key_twice_is_told_of() {
    let builder = DaemonBuilder::serving(&AuthJson::many(1));
    twice().write(&builder.home().profile("coder").join("auth.json"));
    let daemon = builder.start();
    let warnings: Vec<Value> = pool(&mut daemon.wire(), "openrouter")["warnings"].as_array().expect("a list").clone();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    // The root has no credential of these names.
    for label in ["work", "again"] {
        let name = format!("\"{label}\" ({}@coder)", Row::key(label).id());
        assert!(warnings[0].as_str().is_some_and(|warning| warning.contains(&name)), "{name}: {warnings:#?}");
    }
}

#[test]
fn an_id_that_means_another_key_elsewhere_is_named_with_its_profile() {
    // The profile has the root's key, once more, and another one that bears the id of it.
    let twice = |first: &str| {
        let row = |id: &str, secret_of: &str| Row::key(id).set("id", json!(id)).secret(&secret(secret_of));
        AuthJson::default().pool("openrouter", [row("a1", first), row("b2", "shared"), row("c3", "shared")])
    };
    let builder = DaemonBuilder::serving(&twice("shared"));
    twice("own").write(&builder.home().profile("coder").join("auth.json"));
    let checked = builder.run_check();
    let daemon = builder.start();
    let mut wire = daemon.wire();
    let warnings = pool(&mut wire, "openrouter")["warnings"].clone();
    let [warning] = warnings.as_array().expect("a list").as_slice() else { panic!("{warnings:#}") };
    let warning = warning.as_str().expect("a sentence");
    assert!(warning.starts_with("\"a1\" (a1@default), \"b2\" (b2) and \"c3\" (c3) have the same secret"), "{warning}");
    assert!(checked.stdout.contains(warning), "{checked:?}");
    for line in ["  a1@default  ", "  a1@coder  ", "  b2  ", "coder: fill_first, a1@coder, b2, c3\n"] {
        assert!(checked.stdout.contains(line), "{line}: {}", checked.stdout);
    }
    // What it says can be said by everybody, and means the same.
    for profile in ["default", "coder"] {
        let disable = json!({"op": "disable", "pool": "openrouter", "profile": profile, "credential": "a1@default"});
        let reply = wire.ok(&disable);
        assert_eq!(reply["profiles"], json!(["default"]), "{reply:#}");
        let enable = json!({"op": "enable", "pool": "openrouter", "profile": profile, "credential": "b2"});
        assert_eq!(wire.ok(&enable)["profiles"], json!(["default", "coder"]));
    }
}
