//! `agent.py`, a process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{CANARY, Daemon, Tool, need, repository};

/// An agent that calls its providers through their own SDKs. It ends when it is dropped.
pub(super) struct Agent {
    child: Child,
    /// `None` once it has been asked to end.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Agent {
    /// `None` where the SDKs are not installed; then the test has been listed as skipped.
    #[track_caller]
    pub(super) fn of(daemon: &Daemon) -> Option<Self> {
        let python = need(Tool::Sdks)?;
        let mut command = Command::new(python);
        command.arg("-B").arg(repository().join("tests/sdks/agent.py")).arg(daemon.socket());
        daemon.home().dress(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the agent can be started");
        let (commands, answers) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Some(Self { child, commands, answers: BufReader::new(answers) })
    }

    /// Leases, and keeps the lease as `name`. Returns the daemon's answer, without the secret.
    #[track_caller]
    pub(super) fn acquire(&mut self, name: &str, ask: &Value) -> Value {
        self.send(&json!({"do": "acquire", "as": name, "ask": ask}));
        self.recv()
    }

    /// Calls with the lease `name`, and gives it back: with its failure, if there is one.
    #[track_caller]
    pub(super) fn call(&mut self, name: &str, sdk: &str, model: &str) -> Value {
        self.begin_call(name, sdk, model);
        self.recv()
    }

    /// As `call`, without waiting for the answer; [`recv`](Self::recv) does.
    #[track_caller]
    pub(super) fn begin_call(&mut self, name: &str, sdk: &str, model: &str) {
        self.send(&json!({"do": "call", "as": name, "sdk": sdk, "model": model}));
    }

    /// Leases and calls. The lease has to be had.
    #[track_caller]
    pub(super) fn turn(&mut self, ask: &Value, sdk: &str, model: &str) -> Value {
        let lease = self.acquire("turn", ask);
        assert_eq!(lease["ok"], true, "{lease:#}");
        self.call("turn", sdk, model)
    }

    #[track_caller]
    pub(super) fn send(&mut self, command: &Value) {
        let commands = self.commands.as_mut().expect("it has not been asked to end");
        writeln!(commands, "{command}").and_then(|()| commands.flush()).expect("the agent listens");
    }

    #[track_caller]
    pub(super) fn recv(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the agent answers in text");
        assert!(!line.contains(CANARY), "the agent's answer holds a secret");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the agent failed ({error}): {line}"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.commands = None;
        let status = self.child.wait().expect("the agent is our child");
        if !std::thread::panicking() {
            assert!(status.success(), "the agent ended with {status}");
        }
    }
}
