//! A real daemon, in a process and a home of its own.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::{AuthJson, Credpool, Home, PATIENCE, Unchanged, Wire, bins, canary, eventually, poll, replace_file};

/// How to start a daemon.
pub(crate) struct DaemonBuilder {
    home: Home,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    named: bool,
    guarded: bool,
    umask_0: bool,
    without_override: bool,
    under: Vec<String>,
}

/// A daemon that has ended, or never served.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running daemon. When it is dropped, it is asked to end, and has to: with 0, in good time. Then no file that it wrote
/// may hold a secret, and each auth.json and the folder that it is in must be as they were.
pub(crate) struct Daemon {
    home: Home,
    command: Command,
    child: Child,
    socket: PathBuf,
    stores: Vec<Unchanged>,
    beside_auth: Vec<Vec<String>>,
}

impl DaemonBuilder {
    /// A daemon that serves `auth`.
    pub(crate) fn serving(auth: &AuthJson) -> Self {
        let builder = Self::empty();
        auth.write(&builder.home.auth_json());
        builder
    }

    /// A daemon whose auth.json is not there.
    pub(crate) fn empty() -> Self {
        Self {
            home: Home::new(),
            arguments: Vec::new(),
            variables: Vec::new(),
            named: true,
            guarded: true,
            umask_0: false,
            without_override: false,
            under: Vec::new(),
        }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Puts a file of this user's only into the Hermes home.
    pub(crate) fn beside_auth_json(self, name: &str, content: &str) -> Self {
        replace_file(&self.home.hermes().join(name), content.as_bytes());
        self
    }

    /// Gives it a configuration file.
    pub(crate) fn config(self, toml: &str) -> Self {
        let path = self.home.config().join("credpool.toml");
        std::fs::write(&path, toml).expect("the configuration can be written");
        let path = path.to_str().expect("temporary paths are text").to_owned();
        self.argument("--config").argument(&path)
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves it to the daemon to find auth.json and to choose its socket.
    pub(crate) fn finding_its_way(mut self) -> Self {
        self.named = false;
        self
    }

    /// Starts it with a umask that takes no right away.
    pub(crate) fn with_umask_0(mut self) -> Self {
        self.umask_0 = true;
        self
    }

    /// Starts it without the rights that let root read everything.
    pub(crate) fn without_override(mut self) -> Self {
        self.without_override = true;
        self
    }

    /// Lets it keep its state, this durably.
    pub(crate) fn snapshot(self, durability: &str) -> Self {
        let path = self.home.snapshot();
        let path = path.to_str().expect("temporary paths are text").to_owned();
        self.argument("--snapshot").argument(&path).argument(&format!("--snapshot-durability={durability}"))
    }

    /// Starts it by a program that becomes it.
    pub(crate) fn under(mut self, program: &Path, arguments: &[&str]) -> Self {
        self.under = vec![program.to_str().expect("paths of tools are text").to_owned()];
        self.under.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// For an auth.json that cannot be read to be compared.
    pub(crate) fn without_guard(mut self) -> Self {
        self.guarded = false;
        self
    }

    /// Starts it, and waits until it answers at `socket`.
    #[track_caller]
    pub(crate) fn start_at(self, socket: PathBuf) -> Daemon {
        let mut command = self.command();
        let beside_auth = names_beside_stores(&self.home);
        let stores = if self.guarded { guard(&self.home) } else { Vec::new() };
        let child = spawn(&mut command, &self.home);
        let mut daemon = Daemon { home: self.home, command, child, socket, stores, beside_auth };
        daemon.await_ready();
        daemon
    }

    /// Starts it, and waits until it answers.
    #[track_caller]
    pub(crate) fn start(self) -> Daemon {
        let socket = self.home.socket();
        self.start_at(socket)
    }

    /// Starts it, and waits until it has ended.
    #[track_caller]
    pub(crate) fn run(&self) -> Ended {
        self.run_with(&[])
    }

    /// As `run`, with `--check`.
    #[track_caller]
    pub(crate) fn run_check(&self) -> Ended {
        self.run_with(&["--check"])
    }

    /// The daemon with these arguments alone, not yet started.
    pub(crate) fn command_with(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bins::credpoold());
        self.home.dress(&mut command).stdin(Stdio::null()).args(arguments);
        command
    }

    fn run_with(&self, more: &[&str]) -> Ended {
        let output = self.command().args(more).output().expect("credpoold can be started");
        Ended {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn command(&self) -> Command {
        let mut command = if self.umask_0 {
            let mut shell = Command::new("sh");
            shell.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(bins::credpoold());
            shell
        } else if self.without_override && nix::unistd::geteuid().is_root() {
            let mut setpriv = Command::new("setpriv");
            let without = ["--bounding-set", "--inh-caps"].map(|of| format!("{of}=-dac_override,-dac_read_search"));
            setpriv.args(without).arg(bins::credpoold());
            setpriv
        } else if let Some((program, arguments)) = self.under.split_first() {
            let mut under = Command::new(program);
            under.args(arguments).arg(bins::credpoold());
            under
        } else {
            Command::new(bins::credpoold())
        };
        self.home.dress(&mut command).stdin(Stdio::null()).envs(self.variables.iter().cloned());
        if self.named {
            command.arg("--auth-file").arg(self.home.auth_json()).arg("--socket").arg(self.home.socket());
        }
        command.args(&self.arguments);
        command
    }
}

impl Daemon {
    /// A daemon that serves `auth`, with no configuration.
    #[track_caller]
    pub(crate) fn serving(auth: &AuthJson) -> Self {
        DaemonBuilder::serving(auth).start()
    }

    /// A daemon that serves `auth`, with this configuration file.
    #[track_caller]
    pub(crate) fn configured(auth: &AuthJson, toml: &str) -> Self {
        DaemonBuilder::serving(auth).config(toml).start()
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A new connection.
    #[track_caller]
    pub(crate) fn wire(&self) -> Wire {
        Wire::connect(&self.socket).unwrap_or_else(|error| panic!("{error}; the daemon said:\n{}", self.log()))
    }

    /// The command-line client of this daemon.
    pub(crate) fn credpool(&self) -> Credpool {
        Credpool::new(&self.socket, &self.home)
    }

    /// What the daemon has written to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(log_of(&self.home)).unwrap_or_default()
    }

    /// Replaces auth.json as Hermes does.
    pub(crate) fn store(&mut self, auth: &AuthJson) {
        self.store_bytes(auth.text().as_bytes());
    }

    /// Replaces auth.json, as Hermes does, by anything.
    pub(crate) fn store_bytes(&mut self, bytes: &[u8]) {
        self.while_others_write(|home| replace_file(&home.auth_json(), bytes));
    }

    /// Lets somebody else (Hermes, or the test) change Hermes' homes, which the daemon must not have done before.
    pub(crate) fn while_others_write<T>(&mut self, write: impl FnOnce(&Home) -> T) -> T {
        self.check_auth_json();
        let result = write(&self.home);
        self.stores = guard(&self.home);
        self.beside_auth = names_beside_stores(&self.home);
        result
    }

    /// Panics if an auth.json is not as it was.
    #[track_caller]
    pub(crate) fn check_auth_json(&self) {
        self.stores.iter().for_each(Unchanged::check);
        let beside = names_beside_stores(&self.home);
        assert_eq!(beside, self.beside_auth, "files appeared beside an auth.json, or went");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the daemon is ours to signal");
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the daemon is ours to kill");
        self.child.wait().expect("the daemon is our child");
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the daemon ends", || self.child.try_wait().expect("the daemon is our child"))
    }

    /// Lets every user reach the socket, as far as the file system's rights go.
    pub(crate) fn open_wide(&self) {
        let open = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        };
        open(self.home.root(), 0o755);
        open(self.socket.parent().expect("a folder"), 0o755);
        open(&self.socket, 0o666);
    }

    /// Starts it again, with the same arguments, after it has ended.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&mut self.command, &self.home);
        self.await_ready();
    }

    /// Asks it to end, unless it has ended already.
    fn end(&mut self) -> ExitStatus {
        if let Ok(Some(status)) = self.child.try_wait() {
            return status;
        }
        let _ = kill(self.pid(), Signal::SIGTERM);
        poll(PATIENCE, || self.child.try_wait().ok().flatten()).unwrap_or_else(|| {
            let _ = self.child.kill();
            self.child.wait().expect("the daemon is our child")
        })
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are positive"))
    }

    #[track_caller]
    fn await_ready(&mut self) {
        eventually("the daemon answers", || {
            if let Some(status) = self.child.try_wait().expect("the daemon is our child") {
                let code = status.code().or(status.signal());
                panic!("the daemon ended ({code:?}) instead of serving:\n{}", self.log());
            }
            let mut wire = Wire::connect(&self.socket).ok()?;
            wire.send(&json!({"op": "ping"}));
            wire.try_recv().ok().flatten().filter(|reply| reply["ok"] == true)
        });
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Killed, it would leave its lock in the home of whoever runs the tests.
        let status = self.end();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.lines().rev().take(40).collect::<Vec<_>>();
            let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
            let _ =
                std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("The daemon's last words:\n{tail}\n"));
            return;
        }
        assert_eq!(status.code(), Some(0), "asked to end, the daemon ended with {status}:\n{}", self.log());
        self.check_auth_json();
        let of_others = [".claude", ".qwen"].map(|folder| self.home.user().join(folder));
        let allowed = [&[self.home.hermes(), self.home.config()], of_others.as_slice()].concat();
        canary::check_folder(self.home.root(), &allowed);
    }
}

fn spawn(command: &mut Command, home: &Home) -> Child {
    let log = File::options().append(true).create(true).open(log_of(home)).expect("a file for the daemon's stderr");
    let stdout = File::create(home.root().join("stdout")).expect("a file for the daemon's stdout");
    command.stdout(stdout).stderr(log).spawn().expect("credpoold can be started")
}

fn log_of(home: &Home) -> PathBuf {
    home.root().join("stderr")
}

fn guard(home: &Home) -> Vec<Unchanged> {
    home.stores().iter().map(|store| Unchanged::of(store)).collect()
}

fn names_beside_stores(home: &Home) -> Vec<Vec<String>> {
    home.stores().iter().filter_map(|store| store.parent()).map(names_in).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
