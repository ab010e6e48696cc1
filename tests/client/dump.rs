//! The example `dump`: both directions of a session.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use credpool_client::{AcquireRequest, ConnectOptions, Outcome, blocking};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Daemon, DaemonBuilder, Wire, eventually, example, sample};

/// `dump` between a daemon and whoever connects to its socket.
pub(super) struct Dump {
    folder: TempDir,
    daemon: PathBuf,
    arguments: Vec<String>,
    child: Child,
}

impl Dump {
    pub(super) fn of(daemon: &Daemon, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("credpool-").tempdir().expect("a temporary folder");
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = start(folder.path(), daemon.socket(), &arguments);
        Self { folder, daemon: daemon.socket().to_owned(), arguments, child }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// What it has printed.
    fn printed(&self) -> Vec<String> {
        let printed = std::fs::read_to_string(self.folder.path().join("printed")).expect("it is text");
        printed.lines().map(str::to_owned).collect()
    }

    /// Waits until it has printed this many lines.
    #[track_caller]
    fn prints(&self, lines: usize) -> Vec<String> {
        eventually("it has printed everything", || Some(self.printed()).filter(|printed| printed.len() >= lines))
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    pub(super) fn restart(&mut self) {
        std::fs::remove_file(self.socket()).expect("it was killed, and left its socket");
        self.child = start(self.folder.path(), &self.daemon, &self.arguments);
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path, daemon: &Path, arguments: &[String]) -> Child {
    let socket = folder.join("s");
    let printed = File::options().append(true).create(true).open(folder.join("printed")).expect("a file");
    let mut command = Command::new(example("dump"));
    command.args(arguments).arg(&socket).env_clear().env("CREDPOOL_SOCKET", daemon);
    let child = command.stdin(Stdio::null()).stdout(printed).stderr(Stdio::null()).spawn().expect("it can be started");
    eventually("it listens", || Wire::connect(&socket).ok());
    child
}

/// A daemon that serves what the README's does.
fn daemon() -> Daemon {
    let builder = DaemonBuilder::empty();
    std::fs::copy(sample(), builder.home().auth_json()).expect("the sample is there");
    builder.start()
}

fn session(dump: &Dump) -> Vec<String> {
    let client = blocking::Client::connect(ConnectOptions::at(dump.socket())).expect("the daemon is there");
    let lease = client.acquire(AcquireRequest::new("openrouter")).expect("a lease");
    lease.release(Outcome::Ok).expect("it ends");
    drop(client);
    // The first connection was to see whether it listens.
    let printed = dump.prints(8);
    printed.into_iter().filter(|line| line.starts_with("2 ")).collect()
}

#[test]
fn both_directions_are_printed_without_secrets() {
    let daemon = daemon();
    let dump = Dump::of(&daemon, &[]);
    let printed = session(&dump);
    let [hello, who, acquire, lease, release, held, end] = &*printed else { panic!("{printed:#?}") };
    assert!(hello.starts_with(r#"2 > {"op":"hello","id":"#), "{hello}");
    assert!(who.starts_with("2 < {") && who.contains(r#""server":"credpoold/"#), "{who}");
    assert!(acquire.starts_with(r#"2 > {"op":"acquire","id":"#), "{acquire}");
    assert!(
        lease.starts_with("2 < {") && lease.contains(r#""secret":"…""#) && lease.contains("…\",\"pool\""),
        "{lease}"
    );
    assert!(!lease.contains("sk-or"), "{lease}");
    let id = lease.split(r#""lease":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("a lease");
    assert_eq!(id.chars().count(), 5, "{id}");
    assert!(release.starts_with("2 > {") && release.contains(&format!(r#""lease":"{id}""#)), "{release}");
    assert!(held.starts_with("2 < {") && held.contains("held_ms"), "{held}");
    assert_eq!(end, "2 - closed");
}

#[test]
fn secrets_are_shown_to_those_who_ask_for_them() {
    let daemon = daemon();
    let dump = Dump::of(&daemon, &["--show-secrets"]);
    let printed = session(&dump).join("\n");
    assert!(printed.contains(r#""secret":"sk-or-v1-sample-work""#), "{printed}");
}

#[test]
fn secrets_are_not_shown_wherever_they_stand() {
    let daemon = daemon();
    let dump = Dump::of(&daemon, &[]);
    let mut wire = Wire::connect(&dump.socket()).expect("it listens");
    let lines = [
        (r#"{"op":"acquire","secret":true}"#, r#"{"op":"acquire","secret":true}"#),
        (r#"{"lease":"9f0cbeef","a":{"secret" : "sk-1\"2"}}"#, r#"{"lease":"9f0c…","a":{"secret" : "…"}}"#),
        (r#"{"s\u0065cret":"sk-1","b":["secret","x"]}"#, r#"{"s\u0065cret":"…","b":["secret","x"]}"#),
        (r#"{"message":"\"secret\":\"x\"","x":"secret"}"#, r#"{"message":"\"secret\":\"x\"","x":"secret"}"#),
        (r#"{"lease":"ab\\","x":1}"#, r#"{"lease":"ab\\…","x":1}"#),
        (r#"{"secret":null}"#, r#"{"secret":null}"#),
        (r#"{"secret":"sk-1"#, "(15 bytes that are no JSON)"),
    ];
    for (line, shown) in lines {
        wire.send_bytes(format!("{line}\n").as_bytes());
        wire.recv();
        let printed = dump.printed();
        let request = printed.iter().rfind(|line| line.starts_with("2 > ")).expect("a request was printed");
        assert_eq!(request, &format!("2 > {shown}"));
    }
}

#[test]
fn it_takes_its_socket_away_when_it_is_interrupted() {
    let daemon = daemon();
    let mut dump = Dump::of(&daemon, &[]);
    let mut wire = Wire::connect(&dump.socket()).expect("it listens");
    wire.ok(&json!({"op": "ping"}));
    kill(Pid::from_raw(i32::try_from(dump.child.id()).expect("a process id")), Signal::SIGINT).expect("it is ours");
    let status = eventually("it ends", || dump.child.try_wait().expect("it is our child"));
    assert!(status.success(), "{status}");
    assert!(!dump.socket().exists());
}
