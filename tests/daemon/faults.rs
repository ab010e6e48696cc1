//! Files that are not what they should be, and a system that will not give them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use serde_json::{Value, json};

use crate::support::{
    AuthJson, Daemon, DaemonBuilder, Home, Wire, definitions, eventually, pool, replace_file, secret,
};

fn pinned(credential: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "credential": credential})
}

fn problems(wire: &mut Wire) -> String {
    definitions(wire)["problems"].to_string()
}

/// Breaks auth.json, sees that what it held is served and the problem named with `word`, and mends it.
#[track_caller]
fn survives(daemon: &mut Daemon, wire: &mut Wire, word: &str, fault: impl FnOnce(&Path)) {
    let auth = AuthJson::many(2);
    daemon.while_others_write(|home| fault(&home.auth_json()));
    eventually(&format!("it is noticed: {word}"), || (definitions(wire)["ok"] == false).then_some(()));
    assert!(problems(wire).contains(word), "{word}: {}", problems(wire));
    assert_eq!(wire.ok(&pinned("key-1"))["credential"]["secret"], secret("key-1"), "{word}");
    daemon.while_others_write(|home| {
        let path = home.auth_json();
        // What cannot be renamed over.
        if path.is_dir() {
            fs::remove_dir(&path).expect("it is empty");
        }
        auth.write(&path);
    });
    eventually(&format!("all is well again: {word}"), || (definitions(wire)["ok"] == true).then_some(()));
}

#[test]
fn what_is_no_file_of_ours_keeps_the_last_good_definitions() {
    let mut daemon = DaemonBuilder::serving(&AuthJson::many(2)).without_override().start();
    let mut wire = daemon.wire();
    survives(&mut daemon, &mut wire, "not a regular file", |path| {
        fs::remove_file(path).expect("it is there");
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    });
    survives(&mut daemon, &mut wire, "not a regular file", |path| {
        fs::remove_file(path).expect("it is there");
        fs::create_dir(path).expect("a folder");
    });
    survives(&mut daemon, &mut wire, "not a regular file", |path| {
        fs::remove_file(path).expect("it is there");
        symlink("/dev/zero", path).expect("a link");
    });
    survives(&mut daemon, &mut wire, "is gone", |path| {
        fs::remove_file(path).expect("it is there");
        symlink("/nowhere/at/all", path).expect("a link");
    });
    survives(&mut daemon, &mut wire, "can be written by others", |path| {
        fs::set_permissions(path, Permissions::from_mode(0o622)).expect("it is ours");
    });
    survives(&mut daemon, &mut wire, "Permission denied", |path| {
        fs::set_permissions(path, Permissions::from_mode(0o000)).expect("it is ours");
    });
    if geteuid().is_root() {
        survives(&mut daemon, &mut wire, "belongs to uid 65534", |path| {
            fs::set_permissions(path, Permissions::from_mode(0o644)).expect("it is ours");
            chown(path, Some(65_534), None).expect("root may");
        });
    }
}

#[test]
fn a_file_that_becomes_a_link_is_followed_to_wherever_it_leads() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let target = |home: &Home| home.hermes().join("elsewhere/real.json");
    daemon.while_others_write(|home| {
        AuthJson::many(2).write(&target(home));
        let link = home.hermes().join("link");
        symlink(target(home), &link).expect("a link");
        fs::rename(&link, home.auth_json()).expect("it is there");
    });
    eventually("what the link leads to is served", || (wire.ask(&pinned("key-1"))["ok"] == true).then_some(()));
    daemon.while_others_write(|home| AuthJson::many(3).write(&target(home)));
    eventually("and followed", || (wire.ask(&pinned("key-2"))["ok"] == true).then_some(()));
}

#[test]
fn a_system_without_descriptors_keeps_the_last_good_definitions() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.ok(&pinned("key-0"));
    let id = daemon.id();
    let limit = |soft: usize| {
        let status = Command::new("prlimit").args(["--pid", &id.to_string(), &format!("--nofile={soft}:")]).status();
        assert!(status.expect("prlimit is there").success());
    };
    // What is open stays open.
    limit(3);
    daemon.store(&AuthJson::many(2));
    eventually("it is noticed", || (definitions(&mut wire)["ok"] == false).then_some(()));
    assert!(problems(&mut wire).contains("Too many open files"), "{}", problems(&mut wire));
    assert_eq!(wire.ok(&pinned("key-0"))["credential"]["secret"], secret("key-0"));
    limit(200);
    // Nothing tells it that the descriptors are back: it tries again by itself.
    eventually("the new key is served", || (wire.ask(&pinned("key-1"))["ok"] == true).then_some(()));
}

#[test]
fn a_secret_that_no_header_can_carry_is_named_and_not_served() {
    let env = |value: &str| format!("KEY={value}\n");
    let auth =
        AuthJson::many(1).raw_pool("groq", json!([{"id": "a1", "access_token": format!("{}\nmore", secret("a"))}]));
    let builder = DaemonBuilder::serving(&auth).variable("LINES", &format!("{}\r\n{}", secret("b"), secret("c")));
    let file = builder.home().config().join("key");
    fs::write(&file, format!("{}\n{}\n", secret("d"), secret("e"))).expect("a file");
    replace_file(&builder.home().hermes().join(".env"), env(&secret("f")).as_bytes());
    let own = format!("[[pools.own.definitions]]\nenv = \"LINES\"\n[[pools.own.definitions]]\nfile = {file:?}\n");
    let daemon = builder.config(&own).start();
    let mut wire = daemon.wire();
    for pool in ["groq", "own"] {
        let error = wire.refused(&json!({"op": "acquire", "pool": pool}), "exhausted");
        assert!(error["by_cause"]["no_secret"].as_u64() > Some(0), "{error:#}");
    }
    let named = problems(&mut wire);
    for word in ["groq: \\\"a1\\\"", "own: ", "key"] {
        assert!(named.contains(word), "{word} is not named: {named}");
    }
    assert_eq!(definitions(&mut wire)["problems_total"], 3, "{named}");
}

#[test]
fn a_file_of_a_secret_that_goes_away_leaves_its_secret() {
    let builder = DaemonBuilder::serving(&AuthJson::many(1));
    let file = builder.home().config().join("key");
    fs::write(&file, secret("first")).expect("a file");
    let daemon = builder.config(&format!("[[pools.own.definitions]]\nfile = {file:?}\n")).start();
    let mut wire = daemon.wire();
    let leased = |wire: &mut Wire| wire.ok(&json!({"op": "acquire", "pool": "own"}))["credential"]["secret"].clone();
    assert_eq!(leased(&mut wire), secret("first"));
    fs::remove_file(&file).expect("it is there");
    eventually("it is noticed", || problems(&mut wire).contains("does not exist").then_some(()));
    assert_eq!(leased(&mut wire), secret("first"));
    fs::write(&file, secret("second")).expect("a file");
    eventually("the new one is served", || (leased(&mut wire) == secret("second")).then_some(()));
    assert_eq!(pool(&mut wire, "own")["total"], 1);
}
