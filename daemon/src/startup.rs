//! From a command line to a running daemon, and what the exit code says about how that went.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use credpool_proto::paths::{SocketEnv, socket_candidates};
use nix::unistd::{Uid, User, geteuid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use tracing_subscriber::EnvFilter;

use crate::access::Access;
use crate::config::{Cli, Config};
use crate::definitions::path::canonical_root;
use crate::journal::State;
use crate::lock::{Lock, LockError, lock_path};
use crate::reload::Reloader;
use crate::server::{Signals, run};
use crate::socket::{Rights, Socket, SocketError};
use crate::{check, clock, process};

/// What the daemon's exit code means. 0 is an end that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something failed that should not.
    Failure = 1,
    /// The command line, the configuration or (with `--check`) a definitions file is wrong.
    Config = 2,
    /// Another daemon serves this auth store; its socket is named.
    StoreLocked = 3,
    /// The socket cannot be had.
    Socket = 4,
    /// Another daemon keeps its state in this snapshot; its socket is named.
    SnapshotLocked = 5,
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("{0}")]
    Config(String),
    #[error("another daemon serves {}: {holder}", root.display())]
    StoreLocked { root: PathBuf, holder: String },
    #[error("another daemon keeps its state in {}: {holder}", path.display())]
    SnapshotLocked { path: PathBuf, holder: String },
    #[error("a lock cannot be taken: {0}")]
    Lock(LockError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("{0}")]
    Failure(String),
}

impl StartError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::StoreLocked { .. } => Exit::StoreLocked,
            Self::SnapshotLocked { .. } => Exit::SnapshotLocked,
            Self::Socket(_) => Exit::Socket,
            Self::Lock(_) | Self::Failure(_) => Exit::Failure,
        }
    }
}

/// Starts the daemon, or does what else the command line asks, and returns when that is over.
#[must_use]
pub fn start(cli: &Cli) -> ExitCode {
    match try_start(cli) {
        Ok(code) => code,
        Err(error) => {
            // There is nobody to tell that standard error is closed.
            let _ = writeln!(std::io::stderr(), "credpoold: {error}");
            (error.exit() as u8).into()
        }
    }
}

fn try_start(cli: &Cli) -> Result<ExitCode, StartError> {
    process::harden();
    let configure = configuration(cli.clone());
    let config = configure().map_err(StartError::Config)?;
    if cli.check {
        return Ok(check::check(&config));
    }
    start_log(&config)?;
    process::raise_descriptor_limit();
    let access = Access::resolve(&config.access.users, &config.access.groups, &config.access.admins)
        .map_err(|error| StartError::Config(error.to_string()))?;
    let mut locks = vec![lock_store(&config.root_auth_file())?];
    let state = match &config.snapshot {
        None => State::in_memory(),
        Some(snapshot) => {
            locks.push(lock_snapshot(&snapshot.path)?);
            State::open(snapshot, clock::now()).map_err(|error| StartError::Config(error.to_string()))?
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Failure(format!("no event loop: {error}")))?;
    let local = LocalSet::new();
    let _entered = runtime.enter();
    let socket = bind(config.socket.as_deref(), access.rights())?;
    for lock in &mut locks {
        lock.note(&holder(Some(socket.path()))).map_err(StartError::Lock)?;
    }
    let signals = Signals::default();
    listen_to_signals(&local, &signals)?;
    let reloader = Reloader::new(Box::new(configure), config.clone())
        .map_err(|error| StartError::Failure(format!("no way to watch files: {error}")))?;
    local
        .block_on(&runtime, run(config, access, state, reloader, &socket, clock::now, &signals))
        .map_err(|error| StartError::Failure(error.to_string()))?;
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
}

/// What reads the configuration, now and at each reload.
fn configuration(cli: Cli) -> impl Fn() -> Result<Config, String> + Send + Clone + 'static {
    move || {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from).or_else(home_of_user);
        Config::load(&cli, |name| std::env::var(name).ok(), home.as_deref()).map_err(|errors| errors.to_string())
    }
}

/// The home folder that the user database has, whatever the environment says.
fn home_of_user() -> Option<PathBuf> {
    User::from_uid(Uid::effective()).ok().flatten().map(|user| user.dir)
}

fn start_log(config: &Config) -> Result<(), StartError> {
    // The library that watches folders warns of each that goes away. Whether that matters, we say ourselves.
    let filter = EnvFilter::try_new(format!("notify=error,{}", config.log))
        .map_err(|error| StartError::Config(format!("log: {:?} is no filter: {error}", config.log)))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    Ok(())
}

/// Sees to it that no other daemon of this user serves the same auth store, which is the root's with all its profiles.
fn lock_store(auth_file: &Path) -> Result<Lock, StartError> {
    let root = canonical_root(auth_file);
    lock(&root, |holder| StartError::StoreLocked { root: root.clone(), holder })
}

/// Sees to it that no other daemon of this user keeps its state in the same file.
fn lock_snapshot(path: &Path) -> Result<Lock, StartError> {
    // The file may not be there yet, or be replaced; its folder stays.
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let canonical = folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name));
    lock(&canonical, |holder| StartError::SnapshotLocked { path: path.to_owned(), holder })
}

/// Takes the lock that goes with `path` in this user's state folder.
fn lock(path: &Path, held: impl Fn(String) -> StartError) -> Result<Lock, StartError> {
    let homes = home_of_user().into_iter().chain([PathBuf::from(format!("/tmp/credpool-{}", geteuid()))]);
    let mut failure = None;
    for home in homes {
        let path = lock_path(&home, path);
        let taken = process::private_folders(path.parent().unwrap_or(&home))
            .map_err(|source| LockError::Io { path: path.clone(), source })
            .and_then(|()| Lock::take(&path, &holder(None)));
        match taken {
            Ok(lock) => return Ok(lock),
            Err(LockError::Held(holder)) => return Err(held(holder)),
            // A system user may have no home that it can write to.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.map_or_else(|| StartError::Failure("no place for locks".to_owned()), StartError::Lock))
}

/// Who holds a lock, for whoever finds it taken.
fn holder(socket: Option<&Path>) -> String {
    let mut holder = format!("credpoold, pid {}", std::process::id());
    if let Some(socket) = socket {
        // Writing to a string cannot fail.
        let _ = write!(holder, ", at {}", socket.display());
    }
    holder
}

/// The configured socket, or the first of the usual ones that may be created.
fn bind(configured: Option<&Path>, rights: Rights) -> Result<Socket, StartError> {
    if let Some(path) = configured {
        return Ok(Socket::bind(path, rights)?);
    }
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let (socket, runtime, home) = (variable("CREDPOOL_SOCKET"), variable("XDG_RUNTIME_DIR"), variable("HOME"));
    let candidates = socket_candidates(&SocketEnv {
        credpool_socket: socket.as_deref(),
        xdg_runtime_dir: runtime.as_deref(),
        uid: geteuid().as_raw(),
        home: home.or_else(home_of_user).as_deref(),
    });
    let mut failures = String::new();
    for path in candidates {
        match Socket::bind(&path, rights) {
            Ok(socket) => return Ok(socket),
            // A place where another daemon lives is not passed over: two would serve where one is looked for.
            Err(error @ (SocketError::Locked { .. } | SocketError::Occupied { .. })) => return Err(error.into()),
            // Writing to a string cannot fail.
            Err(error) => write!(failures, "\n  {error}").unwrap_or_default(),
        }
    }
    Err(StartError::Failure(format!("no socket could be created; name one with --socket{failures}")))
}

/// SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reloads.
fn listen_to_signals(local: &LocalSet, signals: &Signals) -> Result<(), StartError> {
    let listen = |kind| signal(kind).map_err(|error| StartError::Failure(format!("no signals: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let mut hang_up = listen(SignalKind::hangup())?;
    let Signals { shutdown, reload } = signals.clone();
    local.spawn_local(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                tracing::warn!("asked twice to end: ending at once");
                std::process::exit(Exit::Failure as i32);
            }
            shutdown.cancel();
        }
    });
    local.spawn_local(async move {
        while hang_up.recv().await.is_some() {
            Rc::clone(&reload).notify_one();
        }
    });
    Ok(())
}
