//! `credpool get`: a key for tools that ask a command for one, and one lease for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::running::leases_out;
use crate::support::{AuthJson, Daemon, Row, Tool, credential, eventually, need, secret};

/// This many keys with one slot each.
fn slots(count: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(count), "[defaults]\ncap = \"hard\"\n")
}

/// What a command printed that has to succeed.
#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout.clone()).expect("credpool prints text")
}

#[track_caller]
fn run(daemon: &Daemon, arguments: &[&str]) -> String {
    printed(&daemon.credpool().run(arguments))
}

/// A script of `sh` in a session of its own, as a tool in another terminal would be.
#[track_caller]
fn elsewhere(daemon: &Daemon, script: &str) -> String {
    let mut command = Command::new("setsid");
    daemon.credpool().dress(&mut command);
    printed(&command.args(["--wait", "sh", "-c", script]).output().expect("setsid can be started"))
}

#[test]
fn a_key_is_printed_as_the_tool_wants_it() {
    let oauth = Row::key("claude").set("auth_type", json!("oauth"));
    let auth = AuthJson::keys(["work"]).pool("anthropic", [Row::key("api")]).pool("copilot", [oauth]);
    let daemon = Daemon::serving(&auth);
    let work = secret("work");
    assert_eq!(run(&daemon, &["get", "openrouter"]), format!("{work}\n"));
    assert_eq!(run(&daemon, &["get", "openrouter", "--format", "plain"]), format!("{work}\n"));
    let header = run(&daemon, &["get", "openrouter", "--format", "header"]);
    assert_eq!(header, format!("Authorization: Bearer {work}\n"));
    let headers: Value =
        serde_json::from_str(&run(&daemon, &["get", "anthropic", "--format", "headers"])).expect("JSON");
    assert_eq!(headers, json!({"x-api-key": secret("api")}));
    let answer: Value = serde_json::from_str(&run(&daemon, &["get", "openrouter", "--json"])).expect("JSON");
    assert_eq!(answer["credential"]["secret"], work.as_str());
    assert_eq!(answer["credential"]["base_url"], "https://openrouter.ai/api/v1");
    leases_out(&daemon, 1);
}

#[test]
fn asking_again_gives_the_same_key_and_leaves_one_lease() {
    let daemon = slots(3);
    let keys: BTreeSet<_> = (0..5).map(|_| run(&daemon, &["get", "openrouter"])).collect();
    assert_eq!(keys, BTreeSet::from([secret("key-0") + "\n"]));
    leases_out(&daemon, 1);
    assert_eq!(credential(&mut daemon.wire(), "openrouter", "key-0")["grants"], 5);
}

#[test]
fn sessions_and_names_have_a_key_each() {
    let daemon = slots(4);
    let twice = "credpool get openrouter; credpool get openrouter";
    let first = run(&daemon, &["get", "openrouter"]);
    let second = elsewhere(&daemon, twice);
    let named = run(&daemon, &["get", "openrouter", "--for", "codex"]);
    let named_again = elsewhere(&daemon, "credpool get openrouter --for codex");
    assert_eq!(first, secret("key-0") + "\n");
    assert_eq!(second, (secret("key-1") + "\n").repeat(2));
    assert_eq!((named, named_again), (secret("key-2") + "\n", secret("key-2") + "\n"));
    leases_out(&daemon, 3);
}

#[test]
fn a_key_that_cannot_be_had_any_more_gives_way_to_another() {
    let daemon = slots(2);
    assert_eq!(run(&daemon, &["get", "openrouter"]), secret("key-0") + "\n");
    let said = run(&daemon, &["report-error", "--last", "openrouter", "--status", "429"]);
    assert!(said.starts_with("rate limit"), "{said}");
    leases_out(&daemon, 0);
    assert_eq!(run(&daemon, &["get", "openrouter"]), secret("key-1") + "\n");
    // And stays with that one, though the first is the pool's first choice again.
    run(&daemon, &["clear", "openrouter"]);
    assert_eq!(run(&daemon, &["get", "openrouter"]), secret("key-1") + "\n");
    leases_out(&daemon, 1);
}

#[test]
fn a_key_that_somebody_else_has_gives_way_to_another() {
    let daemon = slots(2);
    run(&daemon, &["get", "openrouter"]);
    run(&daemon, &["release", "--last"]);
    let mut other = daemon.wire();
    other.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": "key-0"}));
    assert_eq!(run(&daemon, &["get", "openrouter"]), secret("key-1") + "\n");
}

#[test]
fn a_key_that_is_gone_gives_way_to_another() {
    let mut daemon = slots(2);
    run(&daemon, &["get", "openrouter"]);
    daemon.store(&AuthJson::keys(["key-1"]));
    daemon.wire().ok(&json!({"op": "reload"}));
    assert_eq!(run(&daemon, &["get", "openrouter"]), secret("key-1") + "\n");
}

#[test]
fn where_there_is_nothing_the_tool_gets_nothing() {
    let daemon = slots(1);
    daemon.wire().ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-0"}));
    let output = daemon.credpool().run(&["get", "openrouter"]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(4), &b""[..]));
    let output = daemon.credpool().run(&["get", "no-such-pool"]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(5), &b""[..]));
}

#[test]
fn a_slot_stays_with_whoever_has_it() {
    let daemon = slots(1);
    run(&daemon, &["get", "openrouter"]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let rivals: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut wire = daemon.wire();
                    let mut granted = 0;
                    while !done.load(Ordering::Relaxed) {
                        granted += u32::from(wire.ask(&json!({"op": "acquire", "pool": "openrouter"}))["ok"] == true);
                    }
                    granted
                })
            })
            .collect();
        let keys: Vec<_> = (0..50).map(|_| daemon.credpool().run(&["get", "openrouter"]).status.code()).collect();
        done.store(true, Ordering::Relaxed);
        let granted: u32 = rivals.into_iter().map(|rival| rival.join().expect("the rival lives")).sum();
        assert_eq!((keys, granted), (vec![Some(0); 50], 0));
    });
}

#[test]
fn the_last_one_can_be_given_back() {
    let daemon = slots(2);
    let refused = daemon.credpool().run(&["release", "--last"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    run(&daemon, &["get", "openrouter"]);
    assert!(run(&daemon, &["release", "--last"]).starts_with("Released"));
    leases_out(&daemon, 0);
    assert_eq!(run(&daemon, &["release", "--last"]), "The lease had ended before, by release.\n");
    // A lease in the environment gives way, one on the command line is a contradiction.
    let in_environment = daemon.credpool().command(&["release", "--last"]).env("CREDPOOL_LEASE", "other").output();
    assert!(in_environment.expect("credpool can be started").status.success());
    assert_eq!(daemon.credpool().run(&["release", "other", "--last"]).status.code(), Some(2));
    assert_eq!(daemon.credpool().run(&["release", "--last", "--for", "codex"]).status.code(), Some(2));
}

#[test]
fn the_next_lease_of_a_report_is_the_last_one_then() {
    let daemon = slots(3);
    run(&daemon, &["get", "openrouter"]);
    run(&daemon, &["report-error", "--last", "--status", "401", "--next"]);
    leases_out(&daemon, 1);
    assert_eq!(run(&daemon, &["get", "openrouter"]), secret("key-1") + "\n");
    leases_out(&daemon, 1);
}

#[test]
fn the_lease_lasts_as_long_as_is_asked() {
    let daemon = slots(1);
    run(&daemon, &["get", "openrouter", "--ttl", "100ms"]);
    leases_out(&daemon, 0);
    assert!(run(&daemon, &["report-error", "--last", "--status", "429"]).starts_with("rate limit"));
}

#[test]
fn without_a_place_for_notes_the_key_is_as_good() {
    let daemon = slots(2);
    let given = daemon.home().state().join("credpool/given");
    std::fs::create_dir_all(&given).expect("new folders");
    std::fs::set_permissions(&given, Permissions::from_mode(0o777)).expect("it is ours");
    let mut homeless = daemon.credpool().command(&["get", "openrouter"]);
    homeless.env_remove("HOME").env_remove("XDG_STATE_HOME");
    let outputs = [homeless.output().expect("credpool can be started"), daemon.credpool().run(&["get", "openrouter"])];
    for (output, key) in outputs.into_iter().zip(["key-0", "key-1"]) {
        assert_eq!(output.stdout, (secret(key) + "\n").into_bytes());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.starts_with("credpool: warning: cannot note what is given"), "{stderr}");
        assert!(stderr.contains("the next `get` takes another lease"), "{stderr}");
    }
    assert_eq!(std::fs::read_dir(&given).expect("a folder").count(), 0);
    std::fs::set_permissions(&given, Permissions::from_mode(0o700)).expect("it is ours");
}

#[test]
fn a_key_that_nobody_reads_is_given_back() {
    let daemon = slots(1);
    // Writing to it says that there is no room left.
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device of every Linux");
    let status = daemon.credpool().command(&["get", "openrouter"]).stdout(full).status();
    assert_eq!(status.expect("credpool can be started").code(), Some(1));
    leases_out(&daemon, 0);
}

#[test]
fn get_waits_for_a_slot_if_it_is_told_to() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    let held = holder.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    let output = daemon.credpool().run(&["get", "openrouter", "--wait", "50ms"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the wait is over: nothing to lease"), "{output:?}");
    thread::scope(|scope| {
        let getting = scope.spawn(|| run(&daemon, &["get", "openrouter", "--wait", "30s"]));
        let mut wire = daemon.wire();
        eventually("it waits", || (wire.ok(&json!({"op": "status"}))["pools"][0]["waiters"] == 1).then_some(()));
        holder.ok(&json!({"op": "release", "lease": held["lease"]}));
        assert!(!getting.join().expect("no panic").is_empty());
    });
}

/// The system calls that `credpool get` makes from the moment on at which it may have a lease: each by its name, and how
/// many of that name it has made by then.
fn calls_of_get(daemon: &Daemon, strace: &Path) -> Vec<(String, usize)> {
    // Not in the home, where no secret may stand: it shows what is printed.
    let trace = tempfile::NamedTempFile::new().expect("a temporary file");
    let get = daemon.credpool().command(VICTIM);
    let mut traced = Command::new(strace);
    daemon
        .credpool()
        .dress(&mut traced)
        .args(["-qqq", "-o"])
        .arg(trace.path())
        .arg(get.get_program())
        .args(get.get_args());
    printed(&traced.output().expect("strace can be started"));
    let mut made = BTreeMap::new();
    let mut calls = Vec::new();
    for line in std::fs::read_to_string(trace.path()).expect("a trace").lines() {
        let Some((name, _)) = line.split_once('(') else { continue };
        let count: &mut usize = made.entry(name.to_owned()).or_default();
        *count += 1;
        if name == "connect" || !calls.is_empty() {
            calls.push((name.to_owned(), *count));
        }
    }
    calls
}

const VICTIM: &[&str] = &["get", "openrouter", "--for", "victim"];

#[test]
fn at_whichever_system_call_get_is_killed_no_lease_is_left_that_nobody_knows_of() {
    let Some(strace) = need(Tool::Strace) else { return };
    let daemon = slots(4);
    let prepare = |has_one: bool| {
        run(&daemon, VICTIM);
        if !has_one {
            run(&daemon, &["release", "--last", "--for", "victim"]);
        }
    };
    for has_one in [false, true] {
        prepare(has_one);
        let calls = calls_of_get(&daemon, &strace);
        let mut killed_at = BTreeSet::new();
        for (name, count) in calls {
            prepare(has_one);
            let get = daemon.credpool().command(VICTIM);
            let mut killed = Command::new(&strace);
            let inject = format!("inject={name}:signal=KILL:when={count}");
            daemon.credpool().dress(&mut killed).args(["-qqq", "-o", "/dev/null", "-e", &inject]);
            let ended = killed.arg(get.get_program()).args(get.get_args()).output().expect("strace can be started");
            // How often it waits differs, so it may come to its end before the last time.
            if ended.status.signal() == Some(9) {
                killed_at.insert(name.clone());
            } else {
                assert!(ended.status.success(), "at {name} {count}: {ended:?}");
            }
            let known = daemon.credpool().run(&["release", "--last", "--for", "victim"]);
            assert!(known.status.success(), "at {name} {count}: {known:?}");
            leases_out(&daemon, 0);
        }
        for step in ["connect", "rename", "write", "exit_group"] {
            assert!(killed_at.iter().any(|name| name.starts_with(step)), "never killed at {step}: {killed_at:?}");
        }
    }
}
