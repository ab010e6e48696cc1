//! Files that are not what was written, and disks that do not write.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::{POOL, keeping, of_key, pinned, restrict};
use crate::support::{AuthJson, Daemon, DaemonBuilder, Tool, Wire, credential, eventually, need};

/// The exit code for a snapshot in which another daemon keeps its state.
const SNAPSHOT_LOCKED: i32 = 5;

fn snapshot(wire: &mut Wire) -> Value {
    wire.ok(&json!({"op": "status"}))["snapshot"].clone()
}

fn is_durable(wire: &mut Wire) -> bool {
    wire.ok(&json!({"op": "ping"})).get("durable").is_none()
}

/// Kills it, does something to its files, and starts it again.
fn meanwhile(daemon: &mut Daemon, harm: impl FnOnce(&Path)) -> Wire {
    daemon.kill();
    harm(&daemon.home().snapshot());
    daemon.restart();
    daemon.wire()
}

#[test]
fn status_says_where_state_is_kept() {
    let daemon = keeping("sync", &AuthJson::many(1)).start();
    let path = daemon.home().snapshot();
    assert_eq!(snapshot(&mut daemon.wire()), json!({"path": path, "durability": "sync", "problems": []}));
    assert_eq!(fs::metadata(path).expect("it is there").permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_snapshot_that_was_changed_is_set_aside_and_the_daemon_starts() {
    let mut daemon = keeping("sync", &AuthJson::many(1)).start();
    restrict(&mut daemon.wire(), "key-0");
    let mut wire = meanwhile(&mut daemon, |path| {
        let text = fs::read_to_string(path).expect("it is text");
        fs::write(path, text.replace("\"pools\"", "\"polls\"")).expect("it is ours");
    });
    let problems = snapshot(&mut wire)["problems"].clone();
    assert_eq!(problems[0]["where"], "state.json");
    assert!(problems[0]["problem"].as_str().expect("a sentence").contains("checksum"), "{problems}");
    assert!(daemon.log().contains("checksum"));
    wire.ok(&pinned("key-0"));
    assert!(is_durable(&mut wire));
    let aside = daemon.home().state().join("state.json.aside-2");
    assert!(fs::read_to_string(aside).expect("it is kept").contains("\"polls\""));
    let shown = daemon.credpool().run(&["status"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("state.json is not what was written"), "{shown}");
}

#[test]
fn a_torn_log_costs_no_more_than_what_was_torn() {
    let mut daemon = keeping("sync", &AuthJson::many(2)).start();
    let mut wire = daemon.wire();
    restrict(&mut wire, "key-0");
    wire.ok(&of_key("disable", "key-1"));
    let mut wire = meanwhile(&mut daemon, |path| {
        let folder = path.parent().expect("it has one");
        let logs = fs::read_dir(folder).expect("it can be read").flatten().map(|entry| entry.path());
        let log = logs.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "log")).expect("a log");
        let bytes = fs::read(&log).expect("it can be read");
        fs::write(&log, &bytes[..bytes.len() - 10]).expect("it is ours");
    });
    assert_eq!(credential(&mut wire, POOL, "key-0")["state"], "cooling");
    assert_eq!(credential(&mut wire, POOL, "key-1")["state"], "ready");
    assert!(snapshot(&mut wire)["problems"][0]["where"].as_str().expect("a name").ends_with(".log"));
    restrict(&mut wire, "key-1");
    let mut wire = meanwhile(&mut daemon, |_| {});
    assert_eq!(credential(&mut wire, POOL, "key-1")["state"], "cooling");
    assert_eq!(snapshot(&mut wire)["problems"], json!([]), "it is told once");
}

#[test]
fn a_folder_that_cannot_be_written_stops_nothing_and_is_tried_again() {
    let builder = keeping("sync", &AuthJson::many(1)).without_override();
    let folder = builder.home().state();
    fs::set_permissions(&folder, Permissions::from_mode(0o500)).expect("it is ours");
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    assert!(!is_durable(&mut wire));
    restrict(&mut wire, "key-0");
    assert!(snapshot(&mut wire)["trouble"].as_str().expect("a sentence").contains("denied"));
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("it is ours");
    eventually("the disk is tried again", || is_durable(&mut wire).then_some(()));
    assert_eq!(snapshot(&mut wire).get("trouble"), None);
    let mut wire = meanwhile(&mut daemon, |_| {});
    wire.refused(&pinned("key-0"), "exhausted");
}

#[test]
fn the_second_daemon_on_one_snapshot_ends_and_names_the_first() {
    let daemon = keeping("sync", &AuthJson::many(1)).start();
    let path = daemon.home().snapshot();
    let second =
        DaemonBuilder::serving(&AuthJson::many(1)).argument("--snapshot").argument(path.to_str().expect("text"));
    let ended = second.run();
    assert_eq!(ended.status.code(), Some(SNAPSHOT_LOCKED), "{}", ended.stderr);
    for word in ["keeps its state in", daemon.socket().to_str().expect("text"), &daemon.id().to_string()] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

#[test]
fn a_path_that_names_no_file_is_an_error() {
    let ended = DaemonBuilder::serving(&AuthJson::many(1)).argument("--snapshot").argument("/").run();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("names no file"), "{}", ended.stderr);
}

/// Reports until the disk has failed, and until it keeps everything again; then it must have kept everything. Which of the
/// reports it kept at once.
fn fails_for_a_while(strace: &Path, inject: &str) -> Vec<bool> {
    let keys = 40;
    let builder =
        keeping("sync", &AuthJson::many(keys)).under(strace, &["-D", "-f", "-qqq", "-o", "/dev/null", "-e", inject]);
    let mut daemon = builder.start();
    let mut wire = daemon.wire();
    let mut seen = Vec::new();
    for at in 0..keys / 2 {
        let lease = wire.ok(&super::detached(&format!("key-{at}")))["lease"].clone();
        let reply = wire.ok(&super::limited(&lease));
        seen.push(reply.get("durable").is_none());
    }
    assert!(seen.contains(&false), "no failure was told: {seen:?}");
    eventually("the disk keeps everything again", || is_durable(&mut wire).then_some(()));
    restrict(&mut wire, &format!("key-{}", keys - 1));
    let mut wire = meanwhile(&mut daemon, |_| {});
    for at in (0..keys / 2).chain([keys - 1]) {
        assert_eq!(credential(&mut wire, POOL, &format!("key-{at}"))["state"], "cooling", "{at}");
    }
    seen
}

#[test]
fn an_error_of_fdatasync_is_told_and_survived() {
    let Some(strace) = need(Tool::Strace) else { return };
    let kept = fails_for_a_while(&strace, "inject=fdatasync:error=EIO:when=6..8");
    assert!(kept[0], "{kept:?}");
}

#[test]
fn an_error_of_fsync_is_told_and_survived() {
    let Some(strace) = need(Tool::Strace) else { return };
    // The folder's, once the first snapshot has its name.
    fails_for_a_while(&strace, "inject=fsync:error=EIO:when=2..3");
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let Some(strace) = need(Tool::Strace) else { return };
    fails_for_a_while(&strace, "inject=fdatasync:error=ENOSPC:when=6..7");
}
