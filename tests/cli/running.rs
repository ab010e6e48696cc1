//! A program under `credpool exec`.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Daemon, PATIENCE, eventually, pool};

/// What every program here reads its key from.
pub(super) const KEY: &str = "KEY";

/// `credpool exec` with a program, and what the program says.
pub(super) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    complaints: BufReader<ChildStderr>,
}

/// What came of it.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// What the program had not been asked for before.
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    /// As a shell would show it: the exit code, or 128 and the signal that it died of.
    pub(super) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().expect("an exit code or a signal"))
    }
}

impl Running {
    /// `credpool exec --pool openrouter --env KEY`, and these arguments.
    pub(super) fn start(daemon: &Daemon, arguments: &[&str]) -> Self {
        let arguments = [&["exec", "--pool", "openrouter", "--env", KEY], arguments].concat();
        let bare = daemon.credpool().command(&arguments);
        // Whoever runs the tests in the background ignores signals that no program could then trap.
        let mut command = Command::new("env");
        daemon.credpool().dress(&mut command).arg("--default-signal").arg(bare.get_program()).args(bare.get_args());
        let mut child = command.stdin(Stdio::piped()).spawn().expect("credpool can be started");
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let complaints = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        Self { input: child.stdin.take(), output, complaints, child }
    }

    /// The same with a script of `sh`.
    pub(super) fn shell(daemon: &Daemon, script: &str) -> Self {
        Self::start(daemon, &["--", "sh", "-c", script])
    }

    /// The next line that the program prints.
    #[track_caller]
    pub(super) fn line(&mut self) -> String {
        next_line(&mut self.output)
    }

    /// The next line that stands on standard error.
    #[track_caller]
    pub(super) fn complaint(&mut self) -> String {
        next_line(&mut self.complaints)
    }

    /// Gives the program a line to read.
    pub(super) fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("stdin is open"), "{line}").expect("the program reads");
    }

    /// `credpool`'s own process.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are positive"))
    }

    /// Signals `credpool`, and not its program.
    pub(super) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("credpool is ours to signal");
    }

    /// Ends the program's input and waits until it has ended.
    #[track_caller]
    pub(super) fn ended(mut self) -> Ended {
        drop(self.input.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.output.read_to_string(&mut stdout).expect("the program prints text");
        self.complaints.read_to_string(&mut stderr).expect("credpool prints text");
        let status = eventually("credpool ends", || self.child.try_wait().expect("credpool is our child"));
        Ended { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn next_line(from: &mut BufReader<impl Read + AsFd>) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        if from.buffer().is_empty() {
            let mut pipe = [PollFd::new(from.get_ref().as_fd(), PollFlags::POLLIN)];
            let patience = PollTimeout::try_from(PATIENCE).expect("it is short");
            assert_eq!(poll(&mut pipe, patience), Ok(1), "no line within {PATIENCE:?}");
        }
        // What there is, as far as the line goes; nothing once the program has ended.
        let there = from.fill_buf().expect("a pipe can be read");
        let taken = there.iter().position(|byte| *byte == b'\n').map_or(there.len(), |at| at + 1);
        line.extend_from_slice(&there[..taken]);
        from.consume(taken);
        assert!(taken > 0, "the program ended instead of printing a line: {}", String::from_utf8_lossy(&line));
    }
    String::from_utf8(line).expect("programs print text").trim_end().to_owned()
}

/// Waits until this many leases of the pool are out.
#[track_caller]
pub(super) fn leases_out(daemon: &Daemon, count: u64) {
    let mut wire = daemon.wire();
    eventually(&format!("{count} leases are out"), || {
        (pool(&mut wire, "openrouter")["leases"].as_u64() == Some(count)).then_some(())
    });
}

/// Whether there is such a process, other than a dead one that nobody has waited for.
pub(super) fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}
