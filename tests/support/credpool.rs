//! The command-line client, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{Home, bins};

/// Runs `credpool` against one daemon, in the daemon's home.
#[derive(Clone)]
pub(crate) struct Credpool {
    binary: PathBuf,
    socket: PathBuf,
    user: PathBuf,
    state: PathBuf,
}

impl Credpool {
    pub(crate) fn new(socket: &Path, home: &Home) -> Self {
        Self { binary: bins::credpool(), socket: socket.to_owned(), user: home.user(), state: home.state() }
    }

    /// The folder that the program is in.
    pub(crate) fn folder(&self) -> &Path {
        self.binary.parent().expect("a program is in a folder")
    }

    /// `credpool` with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        self.dress(&mut command).args(arguments);
        command
    }

    /// Lets `command` find this `credpool`, and `credpool` the daemon.
    pub(crate) fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.folder().to_owned()).chain(std::env::split_paths(&path));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(folders).expect("folders without colons"))
            .env("HOME", &self.user)
            .env("XDG_STATE_HOME", &self.state)
            .env("CREDPOOL_SOCKET", &self.socket)
            .current_dir(&self.user)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
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
