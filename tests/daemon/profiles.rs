//! Several Hermes homes under one root.

use serde_json::{Value, json};

use crate::support::{
    AuthJson, Daemon, DaemonBuilder, Row, Wire, credential, eventually, now_ms, pool, replace_file, secret,
};

const STORE_LOCKED: i32 = 3;

fn acquire(profile: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "profile": profile})
}

fn pinned(profile: &str, credential: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "profile": profile, "credential": credential})
}

/// A root that lists `root`, and profiles that list what is said.
fn homes(root: &AuthJson, profiles: &[(&str, AuthJson)]) -> DaemonBuilder {
    let builder = DaemonBuilder::serving(root);
    for (name, auth) in profiles {
        auth.write(&builder.home().profile(name).join("auth.json"));
    }
    builder
}

/// The labels of as many leases as there are, one after the other.
#[track_caller]
fn leased(wire: &mut Wire, profile: &str, count: usize) -> Vec<String> {
    let mut leased = Vec::new();
    for _ in 0..count {
        let granted = wire.ok(&acquire(profile));
        leased.push(granted["credential"]["label"].as_str().expect("a label").to_owned());
    }
    leased
}

/// A row with the id of one and the secret of another.
fn row(id: &str, label: &str, secret_of: &str) -> Row {
    Row::key(label).set("id", json!(id)).secret(&secret(secret_of))
}

#[test]
fn a_profile_leases_its_own_list_and_pool_by_pool_what_the_root_lists() {
    let root = AuthJson::keys(["a", "b"]).pool("anthropic", [Row::key("claude")]);
    let coder = AuthJson::keys(["x", "b"]).pool("anthropic", []).pool("groq", [Row::key("fast")]);
    let daemon = homes(&root, &[("coder", coder), ("writer", AuthJson::default())]).start();
    let mut wire = daemon.wire();
    assert_eq!(leased(&mut wire, "coder", 2), ["x", "b"]);
    wire.refused(&pinned("coder", "a"), "unknown_credential");
    assert_eq!(leased(&mut wire, "writer", 1), ["a"]);
    wire.refused(&pinned("default", "x"), "unknown_credential");
    let of = |profile: &str, pool: &str| json!({"op": "acquire", "pool": pool, "profile": profile});
    assert_eq!(wire.ok(&of("coder", "anthropic"))["credential"]["label"], "claude");
    assert_eq!(wire.ok(&of("coder", "groq"))["credential"]["label"], "fast");
    for request in [of("writer", "groq"), json!({"op": "acquire", "pool": "groq"})] {
        let error = wire.refused(&request, "unknown_pool");
        assert_eq!(error["pools"], json!(["anthropic", "openrouter"]), "{error:#}");
    }
}

#[test]
fn an_unknown_profile_is_refused_with_the_names_of_those_that_there_are() {
    let daemon = homes(&AuthJson::many(1), &[("coder", AuthJson::many(1))]).start();
    std::fs::create_dir(daemon.home().hermes().join("profiles/Not A Profile")).expect("a folder");
    std::fs::write(daemon.home().hermes().join("profiles/file"), "").expect("a file");
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "reload"}));
    for request in [acquire("file"), json!({"op": "explain", "pool": "openrouter", "profile": "Not A Profile"})] {
        let error = wire.refused(&request, "unknown_pool");
        assert_eq!(error["profiles"], json!(["default", "coder"]), "{error:#}");
    }
    let homes = wire.ok(&json!({"op": "hello"}))["homes"].clone();
    let of = |profile: &str, path: std::path::PathBuf| json!({"profile": profile, "auth_file": path});
    let coder = daemon.home().profile("coder").join("auth.json");
    assert_eq!(homes, json!([of("default", daemon.home().auth_json()), of("coder", coder)]));
}

#[test]
fn the_same_key_is_one_credential_for_all() {
    // As Hermes copies it, and as somebody might add it again.
    let coder = AuthJson::default().pool("openrouter", [row("ffffff", "mine", "key-1"), row("eeeeee", "own", "own")]);
    let builder = homes(&AuthJson::many(2), &[("coder", coder), ("writer", AuthJson::many(2))]);
    let daemon = builder.config("[defaults]\ncap = \"hard\"\n").start();
    let mut wire = daemon.wire();
    assert_eq!(pool(&mut wire, "openrouter")["total"], 3);

    let granted = wire.ok(&pinned("coder", "mine"));
    assert_eq!(
        (&granted["credential"]["id"], &granted["credential"]["secret"]),
        (&json!("ffffff"), &json!(secret("key-1")))
    );
    let error = wire.refused(&pinned("default", "key-1"), "busy");
    assert_eq!(error["credentials"][0]["id"], Row::key("key-1").id(), "{error:#}");
    wire.refused(&pinned("writer", "key-1"), "busy");

    let report =
        json!({"op": "report_error", "lease": granted["lease"], "status": 429, "headers": {"retry-after": "60"}});
    wire.ok(&report);
    wire.refused(&pinned("writer", "key-1"), "exhausted");
    let error = wire.refused(&pinned("coder", "ffffff"), "exhausted");
    assert_eq!((&error["credentials"][0]["id"], &error["credentials"][0]["label"]), (&json!("ffffff"), &json!("mine")));
    let found = credential(&mut wire, "openrouter", "key-1");
    assert_eq!((&found["id"], &found["state"]), (&json!(Row::key("key-1").id()), &json!("cooling")));
    assert_eq!(found["profiles"], json!(["default", "writer", "coder"]));

    let excluding = json!({"op": "acquire", "pool": "openrouter", "profile": "coder", "exclude": ["eeeeee"]});
    assert_eq!(wire.refused(&excluding, "exhausted")["total"], 1);
    let clear = json!({"op": "clear", "pool": "openrouter", "profile": "coder", "credential": "ffffff"});
    assert_eq!(wire.ok(&clear)["cleared"], 1);
    assert_eq!(wire.ok(&pinned("default", "key-1"))["credential"]["label"], "key-1");
}

#[test]
fn the_same_id_with_another_secret_is_another_credential() {
    let daemon = homes(
        &AuthJson::default().pool("openrouter", [row("a1b2c3", "work", "new")]),
        &[("coder", AuthJson::default().pool("openrouter", [row("a1b2c3", "copy", "old")]))],
    )
    .start();
    let mut wire = daemon.wire();
    let of = |wire: &mut Wire, profile: &str| wire.ok(&pinned(profile, "a1b2c3"))["credential"].clone();
    assert_eq!(of(&mut wire, "default")["secret"], secret("new"));
    let copy = of(&mut wire, "coder");
    assert_eq!((&copy["secret"], &copy["id"]), (&json!(secret("old")), &json!("a1b2c3")));
    let disable = json!({"op": "disable", "pool": "openrouter", "credential": "a1b2c3@coder"});
    assert_eq!(wire.ok(&disable)["credential"]["id"], "a1b2c3@coder");
    wire.refused(&acquire("coder"), "exhausted");
    wire.ok(&acquire("default"));
    assert_eq!(credential(&mut wire, "openrouter", "copy")["id"], "a1b2c3@coder");
}

#[test]
fn a_list_is_chosen_from_as_its_own_home_says() {
    let builder =
        homes(&AuthJson::many(3), &[("coder", AuthJson::default()), ("writer", AuthJson::keys(["key-2", "key-0"]))]);
    let config = "credential_pool_strategies: {openrouter: round_robin}";
    std::fs::write(builder.home().profile("coder").join("config.yaml"), config).expect("a file");
    let daemon = builder.start();
    let mut wire = daemon.wire();
    let mut used = |profile: &str| {
        let granted = wire.ok(&acquire(profile));
        wire.ok(&json!({"op": "release", "lease": granted["lease"]}));
        (granted["credential"]["label"].clone(), granted["chosen_by"].clone())
    };
    for label in ["key-0", "key-1", "key-2", "key-0"] {
        assert_eq!(used("coder"), (json!(label), json!("round_robin")));
        assert_eq!(used("default"), (json!("key-0"), json!("fill_first")));
        assert_eq!(used("writer"), (json!("key-2"), json!("fill_first")));
    }
    let pool = pool(&mut wire, "openrouter");
    let of =
        |profile: &str, strategy: &str, total: u64| json!({"profile": profile, "strategy": strategy, "total": total});
    let lists = json!([of("default", "fill_first", 3), of("coder", "round_robin", 3), of("writer", "fill_first", 2)]);
    assert_eq!((&pool["strategy"], &pool["profiles"]), (&json!("fill_first"), &lists));
}

#[test]
fn a_borrowed_secret_is_that_of_the_profile_s_own_home() {
    let builder = homes(
        &AuthJson::default().pool("openrouter", [Row::env("KEY")]),
        &[("coder", AuthJson::default()), ("writer", AuthJson::default()), ("zoe", AuthJson::default())],
    );
    let env = |folder: std::path::PathBuf, name: &str| {
        replace_file(&folder.join(".env"), format!("KEY={}\n", secret(name)).as_bytes());
    };
    env(builder.home().hermes(), "of-root");
    env(builder.home().profile("coder"), "of-coder");
    env(builder.home().profile("zoe"), "of-root");
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    let mut secret_of = |profile: &str| wire.ok(&acquire(profile))["credential"]["secret"].clone();
    assert_eq!(secret_of("default"), secret("of-root"));
    assert_eq!(secret_of("coder"), secret("of-coder"));
    assert_eq!(secret_of("zoe"), secret("of-root"));
    wire.refused(&acquire("writer"), "exhausted");
    let states: Vec<Value> = pool(&mut wire, "openrouter")["credentials"].as_array().expect("a list").clone();
    let shown: Vec<_> = states.iter().map(|c| (c["state"].clone(), c["profiles"].clone())).collect();
    let expected =
        [("ready", json!(["default", "zoe"])), ("ready", json!(["coder"])), ("no_secret", json!(["writer"]))];
    assert_eq!(shown, expected.map(|(state, profiles)| (json!(state), profiles)));

    daemon.while_others_write(|home| env(home.profile("writer"), "late"));
    let granted =
        eventually("the new .env is read", || Some(wire.ask(&acquire("writer"))).filter(|reply| reply["ok"] == true));
    assert_eq!(granted["credential"]["secret"], secret("late"));
}

#[test]
fn profiles_come_and_go_while_the_daemon_runs() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.refused(&acquire("coder"), "unknown_pool");
    daemon.while_others_write(|home| std::fs::create_dir_all(home.profile("coder")).expect("a folder"));
    eventually("it is a profile", || (wire.ask(&acquire("coder"))["ok"] == true).then_some(()));
    daemon.while_others_write(|home| AuthJson::keys(["own"]).write(&home.profile("coder").join("auth.json")));
    let granted = eventually("its own list counts", || {
        Some(wire.ok(&acquire("coder"))).filter(|reply| reply["credential"]["label"] == "own")
    });
    daemon.while_others_write(|home| AuthJson::keys(["other"]).write(&home.profile("coder").join("auth.json")));
    eventually("and is followed", || (wire.ok(&acquire("coder"))["credential"]["label"] == "other").then_some(()));
    daemon.while_others_write(|home| std::fs::remove_dir_all(home.profile("coder")).expect("it is there"));
    eventually("it is gone", || (wire.ask(&acquire("coder"))["error"]["code"] == "unknown_pool").then_some(()));
    assert_eq!(pool(&mut wire, "openrouter")["total"], 1);
    let next = json!({"op": "report_error", "lease": granted["lease"], "status": 429, "next": true});
    let reported = wire.ok(&next);
    assert_eq!(reported["next_error"]["profiles"], json!(["default"]), "{reported:#}");
}

#[test]
fn what_cannot_be_read_neither_empties_a_profile_nor_lends_it_the_root_s_keys() {
    let mut daemon = homes(&AuthJson::many(1), &[("coder", AuthJson::keys(["own"]))]).start();
    let mut wire = daemon.wire();
    daemon.while_others_write(|home| {
        let torn = b"{\"credential_pool\": {\"openro";
        replace_file(&home.profile("coder").join("auth.json"), torn);
        std::fs::create_dir(home.profile(".late")).expect("a folder");
        replace_file(&home.profile(".late").join("auth.json"), torn);
        std::fs::rename(home.profile(".late"), home.profile("late")).expect("it is there");
    });
    let known = |wire: &mut Wire, name: &str| wire.ok(&json!({"op": "hello"}))["homes"].to_string().contains(name);
    eventually("the new profile is seen", || known(&mut wire, "late").then_some(()));
    let reply = wire.ok(&json!({"op": "reload"}));
    assert_eq!(reply["warnings"].as_array().map(Vec::len), Some(2), "{reply:#}");
    assert_eq!(leased(&mut wire, "coder", 1), ["own"]);
    wire.refused(&acquire("late"), "unknown_pool");
    daemon
        .while_others_write(|home| std::fs::remove_file(home.profile("late").join("auth.json")).expect("it is there"));
    eventually("without a file it falls back", || (wire.ask(&acquire("late"))["ok"] == true).then_some(()));
}

#[test]
fn the_folder_of_profiles_that_goes_away_keeps_them() {
    let mut daemon = homes(&AuthJson::many(1), &[("coder", AuthJson::keys(["own"]))]).start();
    let mut wire = daemon.wire();
    let aside = daemon.home().state().join("aside");
    let profiles = daemon.home().hermes().join("profiles");
    daemon.while_others_write(|_| std::fs::rename(&profiles, &aside).expect("it is there"));
    let reply = wire.ok(&json!({"op": "reload"}));
    assert!(reply["warnings"].to_string().contains("profiles"), "{reply:#}");
    assert_eq!(leased(&mut wire, "coder", 1), ["own"]);
    // Secrets may stand there, and nowhere else.
    daemon.while_others_write(|_| std::fs::rename(&aside, &profiles).expect("it is there"));
}

#[test]
fn a_daemon_started_for_a_profile_serves_all_and_means_that_one() {
    let builder = homes(&AuthJson::many(1), &[("coder", AuthJson::keys(["own"]))]);
    let coder = builder.home().profile("coder");
    let socket = builder.home().runtime().join("credpool/credpool.sock");
    let daemon = builder.finding_its_way().variable("HERMES_HOME", coder.to_str().expect("text")).start_at(socket);
    let mut wire = daemon.wire();
    let hello = wire.ok(&json!({"op": "hello"}));
    assert_eq!((&hello["profile"], &hello["auth_file"]), (&json!("coder"), &json!(coder.join("auth.json"))));
    let mine = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    assert_eq!(mine["credential"]["label"], "own");
    assert_eq!(leased(&mut wire, "default", 1), ["key-0"]);

    // For the root, or another of its profiles, there is a daemon already.
    for home in [daemon.home().hermes(), daemon.home().profile("another")] {
        let second = DaemonBuilder::empty().finding_its_way();
        let second = second.variable("HERMES_HOME", home.to_str().expect("text"));
        let ended = second.run();
        assert_eq!(ended.status.code(), Some(STORE_LOCKED), "{ended:?}");
        assert!(ended.stderr.contains(daemon.socket().to_str().expect("text")), "the winner is not named: {ended:?}");
    }
}

#[test]
fn what_hermes_noted_in_any_home_is_honoured_once() {
    let until = (now_ms() + 3_600_000) / 1_000;
    let noted = |at: u64| {
        let row = Row::key("key-0").set("last_status", json!("exhausted")).set("last_status_at", json!(at));
        row.set("last_error_code", json!(429)).set("last_error_reset_at", json!(until))
    };
    let coder = |at: u64| AuthJson::default().pool("openrouter", [noted(at)]);
    let at = now_ms() / 1_000 - 100;
    let mut daemon = homes(&AuthJson::many(1), &[("coder", coder(at))]).start();
    let mut wire = daemon.wire();
    wire.refused(&acquire("default"), "exhausted");
    assert_eq!(wire.ok(&json!({"op": "clear", "pool": "openrouter"}))["cleared"], 1);
    daemon.while_others_write(|home| {
        coder(at).pool("groq", []).write(&home.profile("coder").join("auth.json"));
        coder(at).write(&home.profile("writer").join("auth.json"));
    });
    eventually("the new profile is served", || (wire.ask(&acquire("writer"))["ok"] == true).then_some(()));
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "ready");
}

#[test]
fn next_names_a_profile_like_acquire_and_keeps_to_it() {
    let daemon = homes(&AuthJson::many(1), &[("coder", AuthJson::keys(["own-0", "own-1"]))]).start();
    let mut wire = daemon.wire();
    let report =
        |lease: &Value, next: Value| json!({"op": "report_error", "lease": lease, "status": 429, "next": next});
    let granted = wire.ok(&acquire("coder"));
    let next = wire.ok(&report(&granted["lease"], json!(true)));
    assert_eq!(next["next"]["credential"]["label"], "own-1");
    let next = wire.ok(&report(&next["next"]["lease"], json!({"profile": "default"})));
    assert_eq!(next["next"]["credential"]["label"], "key-0");
    wire.refused(&report(&next["next"]["lease"], json!({"profile": "nobody"})), "unknown_pool");
    let explained = wire.ok(&json!({"op": "explain", "pool": "openrouter", "profile": "coder"}));
    let labels: Vec<_> =
        explained["candidates"].as_array().expect("a list").iter().map(|c| c["label"].clone()).collect();
    assert_eq!((&explained["total"], labels), (&json!(2), vec![json!("own-0"), json!("own-1")]));
}

#[test]
fn a_row_of_our_own_whose_id_a_profile_has_is_named() {
    let coder = AuthJson::default().pool("openrouter", [row("mine", "theirs", "theirs")]);
    let config = "[[pools.openrouter.definitions]]\nenv = 'OWN_KEY'\nid = 'mine'\n";
    let homes = homes(&AuthJson::keys(["root"]), &[("coder", coder)]).config(config);
    let daemon = homes.variable("OWN_KEY", &secret("own")).start();
    let mut wire = daemon.wire();
    assert_eq!(leased(&mut wire, "coder", 1), ["theirs"]);
    assert_eq!(wire.ok(&pinned("default", "mine"))["credential"]["secret"], secret("own"));
    let place = "profile coder: pools.openrouter.definitions[0]";
    let reloaded = wire.ok(&json!({"op": "reload"}))["warnings"].to_string();
    let status = wire.ok(&json!({"op": "status"}))["definitions"]["problems"].to_string();
    for said in [reloaded, status, daemon.log()] {
        assert!(said.contains(place) && said.contains("is left out"), "{said}");
    }
}
