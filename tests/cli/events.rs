//! `credpool events`.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{AuthJson, Daemon, eventually};

/// `credpool events`, which prints to files.
struct Follower {
    folder: TempDir,
    child: Child,
}

impl Follower {
    /// It is listening by the time that this returns.
    fn start(daemon: &Daemon, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| Stdio::from(File::create(folder.path().join(name)).expect("room"));
        let mut command = daemon.credpool().command(&[&["events"], arguments].concat());
        let child = command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err")).spawn().expect("it starts");
        let follower = Self { folder, child };
        follower.hears(daemon);
        follower
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn printed(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).expect("it prints text")
    }

    /// Lets something happen until it has printed something new.
    #[track_caller]
    fn hears(&self, daemon: &Daemon) {
        let before = self.printed("out").len();
        let mut wire = daemon.wire();
        eventually("it prints what happens", || {
            let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
            wire.ok(&json!({"op": "release", "lease": lease["lease"]}));
            (self.printed("out").len() > before).then_some(())
        });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_line_for_each_event_over_a_restart_of_the_daemon() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut follower = Follower::start(&daemon, &[]);
    daemon.wire().ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-0", "note": "why not"}));
    eventually("the restriction is told", || {
        follower.printed("out").lines().find(|line| line.contains("disabled: why not")).map(|_| ())
    });
    let out = follower.printed("out");
    assert!(out.lines().any(|line| line.contains("  leased       openrouter  key-0 ")), "{out}");
    daemon.kill();
    daemon.restart();
    eventually("it says that it is connected anew", || {
        follower.printed("err").contains("connected anew: what happened meanwhile is missing here").then_some(())
    });
    follower.hears(&daemon);
    kill(Pid::from_raw(follower.child.id().try_into().expect("a process id")), Signal::SIGINT).expect("it is ours");
    follower.child.wait().expect("it is our child");
}

#[test]
fn programs_get_the_lines_as_they_came() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let follower = Follower::start(&daemon, &["openrouter", "--json"]);
    let out = follower.printed("out");
    let first: Value = serde_json::from_str(out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["event"], "leased", "{out}");
    assert_eq!(follower.printed("err"), "");
}

#[test]
fn it_ends_without_a_word_when_nobody_reads_it() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut command = daemon.credpool().command(&["events"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let mut wire = daemon.wire();
    eventually("it ends", || {
        let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
        wire.ok(&json!({"op": "release", "lease": lease["lease"]}));
        child.try_wait().expect("it is our child")
    });
    let output = child.wait_with_output().expect("it is our child");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_pool_that_is_not_there_is_an_error() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let output = daemon.credpool().run(&["events", "nothing"]);
    assert_eq!(output.status.code(), daemon.credpool().run(&["status", "nothing"]).status.code(), "{output:?}");
}
