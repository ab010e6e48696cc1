//! A client in a process of its own: something to kill, or to run as somebody else.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command};

use serde_json::{Value, json};

use super::{Gate, Wire, again};

const SOCKET: &str = "CREDPOOL_TEST_PEER_SOCKET";

/// Precedes each reply that the process passes on, since the test harness prints there too.
const MARK: &str = "peer: ";

/// A running client process with one connection.
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// A process of our own user.
    pub(crate) fn start(socket: &Path) -> Self {
        Self::spawn(command(socket))
    }

    /// A process of another user. Only root can start one.
    pub(crate) fn start_as(socket: &Path, uid: u32) -> Self {
        let mut command = command(socket);
        command.uid(uid).gid(uid);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("this program can be started again");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Self { child, input, output }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request without waiting for its reply.
    #[track_caller]
    pub(crate) fn send(&mut self, request: &Value) {
        let input = self.input.as_mut().expect("the process has not been told to end");
        writeln!(input, "{request}").expect("the process reads");
    }

    /// The next reply; `None` where the daemon closed the connection.
    #[track_caller]
    pub(crate) fn recv(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("the process writes text");
            assert_ne!(read, 0, "the process ended without an answer");
            if let Some(at) = line.find(MARK) {
                return serde_json::from_str(&line[at + MARK.len()..]).expect("the process passes JSON on");
            }
        }
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Value) -> Option<Value> {
        self.send(request);
        self.recv()
    }

    /// Parks the process at `gate`: what it is sent afterwards waits until the gate opens.
    #[track_caller]
    pub(crate) fn park(&mut self, gate: &Gate) {
        let arrived = self.ask(&json!({"gate": gate.path()}));
        assert_eq!(arrived, Some(json!("arrived")));
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process is ours");
        self.child.wait().expect("the process is our child");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(socket: &Path) -> Command {
    let mut command = again("support::peer::run");
    command.env(SOCKET, socket);
    command
}

/// Passes requests from stdin to the daemon and its replies to stdout, until stdin ends.
#[test]
#[ignore = "not a test: the process that other tests start"]
fn run() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    let mut wire = Wire::connect(Path::new(&socket)).ok();
    for line in std::io::stdin().lines() {
        let request: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        if let Some(gate) = request["gate"].as_str() {
            pass_on(&json!("arrived"));
            Gate::pass(Path::new(gate));
            continue;
        }
        // A daemon that turns us away may do so before it has read anything.
        let reply = wire.as_mut().and_then(|wire| {
            let _ = wire.send_some(format!("{request}\n").as_bytes());
            wire.try_recv().ok().flatten()
        });
        pass_on(&json!(reply));
    }
}

fn pass_on(reply: &Value) {
    let mut output = std::io::stdout();
    writeln!(output, "{MARK}{reply}").and_then(|()| output.flush()).expect("stdout is there");
}
