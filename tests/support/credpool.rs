//! The command-line client, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::bins;

/// Runs `credpool` against one daemon.
#[derive(Clone)]
pub(crate) struct Credpool {
    binary: PathBuf,
    socket: PathBuf,
}

impl Credpool {
    pub(crate) fn new(socket: &Path) -> Self {
        Self { binary: bins::credpool(), socket: socket.to_owned() }
    }

    /// `credpool` with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .env("CREDPOOL_SOCKET", &self.socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What came of it.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("credpool can be started")
    }

    /// `credpool call`, one request in a process of its own: the reply.
    #[track_caller]
    pub(crate) fn call(&self, request: &Value) -> Value {
        let output = self.run(&["call", &request.to_string()]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("`credpool call` printed no JSON ({error}): {output:?}"))
    }
}
