//! `credpool top` in a real terminal: tmux, 80 columns by 24 lines.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{AuthJson, Credpool, Daemon, PATIENCE, Tool, Wire, credential, eventually, need, poll, pool};

/// A shell in a tmux of its own.
struct Tmux {
    program: PathBuf,
    credpool: Credpool,
    socket: PathBuf,
}

impl Tmux {
    fn open(program: PathBuf, daemon: &Daemon) -> Self {
        let tmux = Self { program, credpool: daemon.credpool(), socket: daemon.home().user().join("tmux") };
        let shell = ["bash", "--norc", "--noprofile", "-i"];
        tmux.run(&[&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"], shell.as_slice()].concat());
        tmux.shows("the shell's prompt", |screen| screen.contains("ready>"));
        tmux
    }

    /// A command of tmux: what it prints.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        self.credpool.dress(&mut command).env("PS1", "ready> ").env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
        command.arg("-u").arg("-S").arg(&self.socket).args(arguments).stdin(Stdio::null());
        let output = command.output().expect("tmux can be started");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types a line.
    fn line(&self, line: &str) {
        self.run(&["send-keys", "-l", line]);
        self.keys(&["Enter"]);
    }

    fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The only program that the shell runs.
    #[track_caller]
    fn foreground(&self) -> Pid {
        let shell = self.run(&["display-message", "-p", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("the shell runs");
        Pid::from_raw(children.trim().parse().unwrap_or_else(|_| panic!("not one program, but {children:?}")))
    }

    /// Waits until the screen is as it should be; returns it.
    #[track_caller]
    fn shows(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let shown = poll(PATIENCE, || {
            last = self.screen();
            is_so(&last).then(|| last.clone())
        });
        shown.unwrap_or_else(|| panic!("the screen never shows {what}, but\n{last}"))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut command = Command::new(&self.program);
        let _ = command.arg("-S").arg(&self.socket).arg("kill-server").stderr(Stdio::null()).status();
    }
}

/// The line of a screen that has all of this.
#[track_caller]
fn line_with<'a>(screen: &'a str, parts: &[&str]) -> &'a str {
    let found = screen.lines().find(|line| parts.iter().all(|part| line.contains(part)));
    found.unwrap_or_else(|| panic!("no line has all of {parts:?}:\n{screen}"))
}

/// Three keys under hard caps: one leased, one cooling, one broken; and somebody who waits.
fn scene(wire: &mut Wire, waiter: &mut Wire) {
    wire.ok(&json!({"op": "hello", "client": "aider/1.0"}));
    let cooled = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": "key-1"}));
    wire.ok(&json!({
        "op": "report_error", "lease": cooled["lease"], "status": 429, "headers": {"retry-after": "3000"}
    }));
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-2", "note": "spend cap"}));
    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "model": "gpt-5.5"}));
    waiter.ok(&json!({"op": "hello", "client": "batch/2"}));
    waiter.send(&json!({"op": "acquire", "pool": "openrouter", "class": "background", "wait_ms": 600_000}));
    eventually("somebody waits", || (pool(wire, "openrouter")["waiters"] == 1).then_some(()));
}

#[test]
fn it_shows_acts_and_gives_the_terminal_back() {
    let Some(program) = need(Tool::Tmux) else { return };
    let daemon = Daemon::configured(&AuthJson::many(3), "[defaults]\ncap = \"hard\"\n");
    let (mut wire, mut waiter) = (daemon.wire(), daemon.wire());
    scene(&mut wire, &mut waiter);
    let tmux = Tmux::open(program, &daemon);
    let before = {
        tmux.line("stty -g > before; echo saved$((1))");
        tmux.shows("that it is saved", |screen| screen.contains("saved1"))
    };
    tmux.line("credpool top openrouter");
    let screen = tmux.shows("the pool", |screen| screen.contains("batch/2") && screen.contains("D enable"));

    let pid = std::process::id().to_string();
    assert!(line_with(&screen, &["credpoold/", "live"]).starts_with("credpoold/"));
    line_with(&screen, &["fill_first", "1 ready", "1 cooling", "1 disabled", "1 lease", "1 waiting"]);
    assert!(line_with(&screen, &["key-0", "1/1", "ready"]).starts_with("> ●"), "{screen}");
    line_with(&screen, &["◐ cooling", "████", "key-1", "rate limit 429"]);
    line_with(&screen, &["○ disabled", "key-2", "disabled: spend"]);
    line_with(&screen, &["aider/1.0", &pid, "key-0", "gpt-5.5"]);
    line_with(&screen, &["      1 batch/2", &pid, "background"]);
    line_with(&screen, &["rate limit 429", "key-1", "http.429"]);
    assert_eq!(screen.lines().count(), 24, "{screen}");

    // Filter, then explain, which has words of its own.
    tmux.keys(&["/"]);
    tmux.run(&["send-keys", "-l", "key-1"]);
    tmux.keys(&["Enter"]);
    let screen = tmux.shows("the filter", |screen| screen.contains("filter: key-1") && !screen.contains("key-0"));
    line_with(&screen, &["no lease is out"]);
    tmux.keys(&["e"]);
    let screen = tmux.shows("the explanation", |screen| screen.contains("IN THE WAY"));
    line_with(&screen, &["openrouter: nothing to lease"]);
    line_with(&screen, &["key-0", "at its cap: 1 lease"]);
    tmux.keys(&["x"]);
    tmux.keys(&["h"]);
    tmux.shows("the history", |screen| screen.contains("── history openrouter"));
    tmux.keys(&["x"]);

    // No is no, yes is yes.
    let state = |wire: &mut Wire| credential(wire, "openrouter", "key-1")["state"].clone();
    tmux.keys(&["d"]);
    tmux.shows("the question", |screen| screen.contains("Take out of use key-1"));
    tmux.keys(&["n"]);
    tmux.shows("no question", |screen| !screen.contains("Take out of use"));
    assert_eq!(state(&mut wire), "cooling");
    tmux.keys(&["d", "y"]);
    let screen = tmux.shows("what came of it", |screen| screen.contains("is disabled now."));
    assert_eq!(state(&mut wire), "disabled", "{screen}");
    tmux.shows("the new state", |screen| screen.contains("○ disabled"));
    tmux.keys(&["D", "y"]);
    tmux.shows("the old state", |screen| screen.contains("◐ cooling"));
    tmux.keys(&["c", "y"]);
    tmux.shows("that it is lifted", |screen| screen.contains("1 restriction was lifted."));
    // It went to the one who waited, at once.
    assert_eq!(waiter.recv()["credential"]["label"], "key-1");
    assert_eq!(state(&mut wire), json!("ready"));

    tmux.keys(&["Escape"]);
    tmux.shows("all of it", |screen| screen.contains("key-0") && screen.contains("nobody waits"));
    tmux.keys(&["q"]);
    let screen = tmux.shows("the shell again", |screen| !screen.contains("credpoold/"));
    assert!(before.lines().all(|line| line.is_empty() || screen.contains(line)), "what was there before:\n{screen}");
    tmux.line("echo code $?; stty -g | cmp before - && echo same$((1))");
    tmux.shows("the terminal as it was", |screen| screen.contains("code 0") && screen.contains("same1"));
}

#[test]
fn a_daemon_that_is_gone_is_told_and_one_that_is_back_is_used() {
    let Some(program) = need(Tool::Tmux) else { return };
    let mut daemon = Daemon::serving(&AuthJson::many(2));
    let tmux = Tmux::open(program, &daemon);
    tmux.line("credpool top");
    tmux.shows("the pool", |screen| screen.contains("key-1") && screen.contains("live"));
    daemon.kill();
    let screen = tmux.shows("that it is gone", |screen| screen.contains("NO DAEMON for"));
    line_with(&screen, &["● ready", "key-1"]);
    daemon.restart();
    tmux.shows("that it is back", |screen| screen.contains("live") && !screen.contains("NO DAEMON"));
    daemon.wire().ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-1"}));
    tmux.shows("what is new", |screen| screen.contains("○ disabled"));
    tmux.run(&["resize-window", "-x", "120", "-y", "40"]);
    tmux.shows("a wider screen", |screen| screen.lines().next().is_some_and(|line| line.trim_end().len() > 100));
    // Ended from outside, too, it gives the terminal back.
    kill(tmux.foreground(), Signal::SIGTERM).expect("credpool is ours to signal");
    tmux.shows("the shell again", |screen| screen.contains("ready>") && !screen.contains("○ disabled"));
}

#[test]
fn without_a_terminal_that_can_do_it_status_is_named() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let refused = |output: std::process::Output, why: &str| {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why) && said.contains("credpool status"), "{said}");
        assert!(output.stdout.is_empty(), "{output:?}");
    };
    refused(daemon.credpool().run(&["top"]), "needs a terminal");
    refused(daemon.credpool().run(&["top", "--json"]), "for people");
    // script(1) gives it a terminal.
    let mut command = Command::new("script");
    daemon.credpool().dress(&mut command).env("TERM", "dumb");
    let output = command.args(["-qec", "credpool top", "/dev/null"]).output().expect("script can be started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("TERM=dumb") && said.contains("credpool status"), "{said}");
    assert_eq!(output.status.code(), Some(2), "{said}");
}
