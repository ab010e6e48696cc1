//! The two servers, as processes, each on the same core.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::{client, echo};

/// Reading 100,000 definitions takes a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not killed: a daemon then leaves its lock behind.
        let _ = i32::try_from(self.child.id()).map(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM));
        let _ = self.child.wait();
    }
}

impl Server {
    /// A daemon with this many credentials.
    pub(crate) fn daemon(folder: &Path, credentials: usize) -> io::Result<Self> {
        let (auth, socket) = (folder.join("auth.json"), folder.join("daemon.sock"));
        std::fs::write(&auth, definitions(credentials))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_credpoold"));
        command.arg("--auth-file").arg(auth).arg("--socket").arg(&socket).args(["--log", "error"]);
        command.env_clear().env("HOME", folder);
        Self::start(command, socket)
    }

    /// An echo of what `daemon` answers.
    pub(crate) fn echo_of(daemon: &Self, folder: &Path) -> io::Result<Self> {
        let mut stream = BufReader::new(UnixStream::connect(&daemon.socket)?);
        let acquired = ask(&mut stream, client::ACQUIRE)?;
        let mut request = Vec::new();
        client::release(&mut request, acquired.as_bytes())?;
        let released = ask(&mut stream, &request)?;
        let socket = folder.join("echo.sock");
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(echo::MODE).arg(&socket).args([acquired, released]);
        Self::start(command, socket)
    }

    fn start(mut command: Command, socket: PathBuf) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let server = Self { child, socket };
        // Threads that begin later stay there too.
        pin_to_one_core(server.child.id())?;
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(&server.socket).is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("nobody listens at {}", server.socket.display())));
            }
            std::thread::yield_now();
        }
        Ok(server)
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// Keeps a process, 0 for this one, on the first core.
pub(crate) fn pin_to_one_core(process: u32) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(0)?;
    let pid = i32::try_from(process).map_err(io::Error::other)?;
    Ok(sched_setaffinity(Pid::from_raw(pid), &cores)?)
}

fn ask(stream: &mut BufReader<UnixStream>, request: &[u8]) -> io::Result<String> {
    stream.get_mut().write_all(request)?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn definitions(count: usize) -> String {
    let row = |number: usize| {
        json!({"id": format!("{number:06x}"), "label": format!("key-{number}"), "auth_type": "api_key",
            "priority": number, "source": "manual", "access_token": format!("sk-bench-{number:032}")})
    };
    json!({"version": 1, "credential_pool": {"bench": (0..count).map(row).collect::<Vec<_>>()}}).to_string()
}
