//! auth.json changes under a running daemon: what Hermes does is served, what is broken is survived.

use serde_json::{Value, json};

use crate::support::{
    AuthJson, Daemon, DaemonBuilder, Home, Row, Wire, credential, definitions, eventually, pool, replace_file,
    same_instant, secret,
};

fn pinned(credential: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "credential": credential})
}

fn reload() -> Value {
    json!({"op": "reload"})
}

fn problems(wire: &mut Wire) -> String {
    definitions(wire)["problems"].to_string()
}

#[test]
fn an_added_key_is_served_without_being_asked_to() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.refused(&pinned("key-1"), "unknown_credential");
    daemon.store(&AuthJson::many(2));
    let reply =
        eventually("the new key is served", || Some(wire.ask(&pinned("key-1"))).filter(|reply| reply["ok"] == true));
    assert_eq!(reply["credential"]["secret"], secret("key-1"));
}

#[test]
fn reload_answers_when_it_is_done_and_says_what_changed() {
    let mut daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let rows = [Row::key("key-0"), Row::key("key-1").secret(&secret("rotated")), Row::key("key-3"), Row::key("key-4")];
    let counts = eventually("a reload is faster than the watcher", || {
        daemon.store(&AuthJson::many(3));
        wire.ok(&reload());
        daemon.store(&AuthJson::default().pool("openrouter", rows.clone()));
        let reply = wire.ok(&reload());
        let counts = ["added", "removed", "changed"].map(|field| reply[field].as_u64().expect("a number"));
        // Whatever the watcher has done there is nothing left of to do.
        (counts != [0, 0, 0]).then_some(counts)
    });
    assert_eq!(counts, [2, 1, 1]);
    assert_eq!(pool(&mut wire, "openrouter")["total"], 4);
    wire.refused(&pinned("key-2"), "unknown_credential");
    assert_eq!(wire.ok(&pinned("key-1"))["credential"]["secret"], secret("rotated"));
    let idle = wire.ok(&reload());
    assert_eq!((&idle["added"], &idle["removed"], &idle["changed"]), (&json!(0), &json!(0), &json!(0)), "{idle:#}");
}

#[test]
fn a_rotation_leaves_leases_alone_and_serves_the_new_secret() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let old = wire.ok(&pinned("key-0"));
    daemon.store(&AuthJson::default().pool("openrouter", [Row::key("key-0").secret(&secret("rotated"))]));
    let new = eventually("the new secret is served", || {
        Some(wire.ok(&pinned("key-0"))).filter(|reply| reply["credential"]["secret"] == secret("rotated"))
    });
    assert_ne!(new["credential"]["epoch"], old["credential"]["epoch"]);
    assert_ne!(new["credential"]["fingerprint"], old["credential"]["fingerprint"]);
    let released = wire.ok(&json!({"op": "release", "lease": old["lease"]}));
    assert_eq!(released.get("ended_by"), None, "the old lease had not ended: {released:#}");
}

#[test]
fn a_new_secret_ends_what_was_about_the_old_one() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = wire.ok(&pinned("key-0"))["lease"].clone();
    let body = json!({"error": {"code": "token_revoked"}});
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 401, "body": body}));
    wire.refused(&pinned("key-0"), "exhausted");
    daemon.store(&AuthJson::default().pool("openrouter", [Row::key("key-0").secret(&secret("rotated"))]));
    wire.ok(&reload());
    wire.ok(&pinned("key-0"));
}

#[test]
fn a_key_replaced_in_hermes_environment_is_leased_at_the_first_attempt() {
    let builder = DaemonBuilder::serving(&AuthJson::default().pool("openrouter", [Row::env("OPENROUTER_API_KEY")]));
    let env = |home: &Home, name: &str| {
        let line = format!("OPENROUTER_API_KEY={}\n", secret(name));
        replace_file(&home.hermes().join(".env"), line.as_bytes());
    };
    env(builder.home(), "old");
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    let acquire = json!({"op": "acquire", "pool": "openrouter"});
    let lease = wire.ok(&acquire)["lease"].clone();
    let body = json!({"error": {"code": "token_revoked"}});
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 401, "body": body}));
    wire.refused(&acquire, "exhausted");
    daemon.while_others_write(|home| env(home, "new"));
    wire.ok(&reload());
    assert_eq!(wire.ok(&acquire)["credential"]["secret"], secret("new"));
}

#[test]
fn a_cooldown_survives_a_reload_of_the_same_secret() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = wire.ok(&pinned("key-0"))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "600"}}));
    let until = credential(&mut wire, "openrouter", "key-0")["until_at_ms"].clone();
    daemon.store(&AuthJson::default().pool("openrouter", [Row::key("key-0").set("label", json!("renamed"))]));
    wire.ok(&reload());
    let renamed = credential(&mut wire, "openrouter", "renamed");
    assert_eq!(renamed["state"], "cooling", "{renamed:#}");
    same_instant(&renamed["until_at_ms"], &until);
}

#[test]
fn a_removed_key_with_a_lease_drains() {
    let mut daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    let lease = wire.ok(&pinned("key-1"))["lease"].clone();
    daemon.store(&AuthJson::many(1));
    wire.ok(&reload());
    wire.refused(&pinned("key-1"), "unknown_credential");
    let report = json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "60"}});
    let reply = wire.ok(&report);
    assert_eq!((&reply["applied"], &reply["lease_ended"]), (&json!(true), &json!(true)), "{reply:#}");
    wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
}

#[test]
fn a_removed_pool_is_unknown() {
    let mut daemon = Daemon::serving(&AuthJson::many(1).pool("anthropic", [Row::key("claude")]));
    let mut wire = daemon.wire();
    daemon.store(&AuthJson::many(1));
    wire.ok(&reload());
    wire.refused(&json!({"op": "acquire", "pool": "anthropic"}), "unknown_pool");
    wire.ok(&pinned("key-0"));
}

#[test]
fn a_file_that_cannot_be_read_keeps_the_last_good_definitions() {
    let auth = AuthJson::many(2);
    let whole = auth.text();
    let broken: [&[u8]; 6] = [
        &whole.as_bytes()[..whole.len() / 2],
        b"",
        b"not json at all",
        b"[]",
        b"{\"credential_pool\": \"a text\"}",
        b"\xff\xfe\x00",
    ];
    let mut daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    for bytes in broken {
        daemon.store_bytes(bytes);
        let shown = String::from_utf8_lossy(bytes).into_owned();
        eventually(&format!("the problem is reported: {shown}"), || {
            (definitions(&mut wire)["ok"] == false).then_some(())
        });
        let reply = wire.ok(&reload());
        assert!(reply["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()), "{shown}: {reply:#}");
        assert!(problems(&mut wire).contains("auth.json"), "{shown}: {}", problems(&mut wire));
        let granted = wire.ok(&pinned("key-1"));
        assert_eq!(granted["credential"]["secret"], secret("key-1"), "after {shown}");
        daemon.store(&auth);
        eventually("all is well again", || (definitions(&mut wire)["ok"] == true).then_some(()));
    }
}

#[test]
fn a_file_that_goes_away_keeps_the_last_good_definitions() {
    let auth = AuthJson::many(1);
    let mut daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    daemon.while_others_write(|home| std::fs::remove_file(home.auth_json()).expect("it is there"));
    wire.ok(&reload());
    assert_eq!(wire.ok(&pinned("key-0"))["credential"]["secret"], secret("key-0"));
    daemon.while_others_write(|home| AuthJson::many(2).write(&home.auth_json()));
    eventually("it is served when it is back", || (wire.ask(&pinned("key-1"))["ok"] == true).then_some(()));
}

#[test]
fn a_home_that_goes_away_keeps_the_secrets_that_stand_beside_auth_json() {
    let auth = AuthJson::keys(["work"]).pool("deepseek", [Row::env("DEEPSEEK_API_KEY")]);
    let builder = DaemonBuilder::serving(&auth);
    let mut daemon = builder.beside_auth_json(".env", &format!("DEEPSEEK_API_KEY={}\n", secret("beside"))).start();
    let mut wire = daemon.wire();
    let acquire = json!({"op": "acquire", "pool": "deepseek"});
    daemon.while_others_write(|home| {
        let away = home.root().join("away");
        std::fs::rename(home.hermes(), &away).expect("it can be moved");
        wire.ok(&reload());
        assert_eq!(wire.ok(&acquire)["credential"]["secret"], secret("beside"));
        for name in ["auth.json", ".env"] {
            let said =
                json!({"where": home.hermes().join(name), "problem": "is gone; what it held before is still served"});
            let problems = definitions(&mut wire)["problems"].clone();
            assert!(problems.as_array().is_some_and(|problems| problems.contains(&said)), "{said}: {problems:#}");
        }
        std::fs::rename(&away, home.hermes()).expect("it can be moved");
    });
    eventually("all is well again", || (definitions(&mut wire)["problems_total"] == 0).then_some(()));
}

#[test]
fn an_environment_file_that_is_emptied_for_a_moment_keeps_what_it_held() {
    let auth = AuthJson::default().pool("deepseek", [Row::env("DEEPSEEK_API_KEY")]);
    let builder = DaemonBuilder::serving(&auth);
    let daemon = builder.beside_auth_json(".env", &format!("DEEPSEEK_API_KEY={}\n", secret("old"))).start();
    let mut wire = daemon.wire();
    let acquire = json!({"op": "acquire", "pool": "deepseek"});
    let write = |text: &str| std::fs::write(daemon.home().hermes().join(".env"), text).expect("it can be written");
    write("");
    wire.ok(&reload());
    assert_eq!(wire.ok(&acquire)["credential"]["secret"], secret("old"));
    assert!(problems(&mut wire).contains("is empty; what it held before is still served"), "{}", problems(&mut wire));
    write(&format!("DEEPSEEK_API_KEY={}\n", secret("new")));
    wire.ok(&reload());
    assert_eq!(wire.ok(&acquire)["credential"]["secret"], secret("new"));
    write("# taken out\n");
    wire.ok(&reload());
    wire.refused(&acquire, "exhausted");
}

#[test]
fn a_file_that_was_never_there_is_an_empty_store_and_watched() {
    let mut daemon = DaemonBuilder::empty().start();
    let mut wire = daemon.wire();
    let error = wire.refused(&json!({"op": "acquire", "pool": "openrouter"}), "unknown_pool");
    assert_eq!(error["pools"], json!([]));
    daemon.while_others_write(|home| AuthJson::many(1).write(&home.auth_json()));
    eventually("it is served as soon as it is there", || (wire.ask(&pinned("key-0"))["ok"] == true).then_some(()));
}

#[test]
fn a_folder_that_was_never_there_is_no_obstacle() {
    let builder = DaemonBuilder::empty();
    let folder = builder.home().user().join("not-yet");
    let path = folder.join("auth.json");
    let daemon = builder.argument("--auth-file").argument(path.to_str().expect("text")).finding_its_way();
    let socket = daemon.home().runtime().join("credpool/credpool.sock");
    let daemon = daemon.start_at(socket);
    let mut wire = daemon.wire();
    std::fs::create_dir(&folder).expect("a new folder");
    // Without a secret, since the folder is not one that may hold any.
    AuthJson::default().pool("openrouter", [Row::env("NOWHERE")]).write(&path);
    let reference = json!({"op": "acquire", "pool": "openrouter", "secret": false});
    eventually("it is served as soon as it is there", || (wire.ask(&reference)["ok"] == true).then_some(()));
}

#[test]
fn a_file_rewritten_in_place_is_seen_once_it_is_whole() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    // What Hermes does where it cannot rename: a mount point, say.
    daemon.while_others_write(|home| {
        std::fs::write(home.auth_json(), AuthJson::many(2).text()).expect("it can be written");
    });
    eventually("the new key is served", || (wire.ask(&pinned("key-1"))["ok"] == true).then_some(()));
}

#[test]
fn a_symlink_is_followed_and_its_target_watched() {
    let builder = DaemonBuilder::empty();
    let target = builder.home().hermes().join("real.json");
    AuthJson::many(1).write(&target);
    std::os::unix::fs::symlink("real.json", builder.home().auth_json()).expect("a new link");
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    wire.ok(&pinned("key-0"));
    daemon.while_others_write(|_| AuthJson::many(2).write(&target));
    eventually("the new key is served", || (wire.ask(&pinned("key-1"))["ok"] == true).then_some(()));
}

#[test]
fn bad_rows_are_skipped_and_named() {
    let good = |label: &str| {
        serde_json::from_str::<Value>(&AuthJson::keys([label]).text()).expect("JSON")["credential_pool"]["openrouter"]
            [0]
        .clone()
    };
    let mut twin = good("first");
    twin["label"] = json!("twin");
    let mut void = good("void");
    void["access_token"] = json!(5);
    let rows = json!([good("first"), "a text", 7, null, twin, void, good("last")]);
    let daemon = Daemon::serving(&AuthJson::default().raw_pool("openrouter", rows));
    let mut wire = daemon.wire();
    let pool = pool(&mut wire, "openrouter");
    let labels: Vec<_> = pool["credentials"].as_array().expect("a list").iter().map(|c| c["label"].clone()).collect();
    assert!(labels.contains(&json!("first")) && labels.contains(&json!("last")), "{pool:#}");
    assert!(!labels.contains(&json!("twin")), "of duplicate ids the first counts: {pool:#}");
    let definitions = definitions(&mut wire);
    assert!(definitions["problems_total"].as_u64().is_some_and(|count| count >= 4), "{definitions:#}");
    let named = definitions["problems"].to_string();
    assert!(named.contains("openrouter"), "{named}");
    assert!(named.contains(&Row::key("first").id()), "the duplicate id is not named: {named}");
    for row in [1, 2, 3, 4, 5] {
        assert!(named.contains(&format!("openrouter[{row}]")), "row {row} is not named: {named}");
    }
}

#[test]
fn a_bad_pool_does_not_spoil_the_others() {
    let auth = AuthJson::many(1).raw_pool("anthropic", json!({"not": "a list"}));
    let daemon = Daemon::serving(&auth);
    let mut wire = daemon.wire();
    wire.ok(&pinned("key-0"));
    assert!(problems(&mut wire).contains("anthropic"), "{}", problems(&mut wire));
}

#[test]
fn unknown_fields_and_auth_types_are_no_reason_to_skip_a_row() {
    let row = Row::key("odd").set("auth_type", json!("carrier_pigeon")).set("feathers", json!([1, 2]));
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", [row]).top("credpool", json!("hello")));
    assert_eq!(daemon.wire().ok(&pinned("odd"))["credential"]["secret"], secret("odd"));
}

#[test]
fn a_file_over_the_size_limit_keeps_the_last_good_definitions() {
    let mut daemon = Daemon::configured(&AuthJson::many(1), "[limits]\nauth_file = \"16KiB\"\n");
    let mut wire = daemon.wire();
    daemon.store(&AuthJson::many(200));
    wire.ok(&reload());
    assert_eq!(definitions(&mut wire)["ok"], false);
    wire.ok(&pinned("key-0"));
    wire.refused(&pinned("key-1"), "unknown_credential");
}

#[test]
fn the_row_limit_holds_at_the_limit_and_not_above() {
    let mut daemon = Daemon::configured(&AuthJson::many(9), "[limits]\nauth_file_rows = 10\n");
    let mut wire = daemon.wire();
    daemon.store(&AuthJson::many(10));
    wire.ok(&reload());
    assert_eq!(pool(&mut wire, "openrouter")["total"], 10);
    daemon.store(&AuthJson::many(11));
    wire.ok(&reload());
    let definitions = definitions(&mut wire);
    assert!(definitions["problems_total"].as_u64() > Some(0), "{definitions:#}");
    assert_eq!(pool(&mut wire, "openrouter")["total"], 10);
}

#[test]
fn fifty_clients_that_report_do_not_keep_a_new_key_away() {
    let mut daemon = Daemon::serving(&AuthJson::many(50));
    let mut clients: Vec<_> = (0..50).map(|_| daemon.wire()).collect();
    let leases: Vec<_> = clients
        .iter_mut()
        .map(|wire| wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone())
        .collect();
    for (number, wire) in clients.iter_mut().enumerate() {
        if number == 25 {
            daemon.store(&AuthJson::many(51));
        }
        wire.send(&json!({"op": "report_error", "lease": leases[number], "status": 429, "retry_after": 60}));
    }
    for wire in &mut clients {
        assert_eq!(wire.recv()["applied"], true);
    }
    let mut wire = daemon.wire();
    eventually("the new key is served", || (wire.ask(&pinned("key-50"))["ok"] == true).then_some(()));
}
