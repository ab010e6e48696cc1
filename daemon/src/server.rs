//! The daemon's life: accept, serve, reload, drain.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use credpool_core::Now;
use credpool_proto::envelope::Envelope;
use credpool_proto::error::WireError;
use credpool_proto::words::ErrorCode;
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::traits::tokio::Listener as _;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Peer};
use crate::config::Config;
use crate::connection::{Outbox, serve};
use crate::engine::{ConnectionNo, Engine, Lines, durability};
use crate::journal::State;
use crate::reload::Reloader;
use crate::socket::Socket;

/// How long connections have, after a request to stop, to take what they are owed.
const DRAIN: Duration = Duration::from_secs(5);

/// How long to wait when the system has no descriptor for one more connection. Without it the loop would spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Timers sleep through a suspend; the loop looks at the clock at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What is asked of a running daemon from outside, apart from requests.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Drain and end.
    pub shutdown: CancellationToken,
    /// Read configuration and definitions again.
    pub reload: Rc<Notify>,
}

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No randomness for lease ids.
    #[error("the system gives no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

/// Serves on `socket`, from `state` on, until `signals.shutdown`, then drains and returns. The first definitions are read before the first
/// connection is accepted.
///
/// Runs on the current thread, within a [`tokio::task::LocalSet`]. `clock` is the only clock that decides anything.
/// Dropping the future ends every connection at once.
///
/// # Errors
/// See [`RunError`]; once it serves, nothing but `shutdown` ends it.
pub async fn run(
    config: Config,
    access: Access,
    state: State,
    mut reloader: Reloader,
    socket: &Socket,
    clock: fn() -> Now,
    signals: &Signals,
) -> Result<(), RunError> {
    let engine = Rc::new(RefCell::new(Engine::new(Rc::new(config), access, state, clock)?));
    reloader.load_first(&engine).await;
    tracing::info!(socket = %socket.path().display(), "serving");
    let mut tasks = JoinSet::new();
    tasks.spawn_local(deadlines(Rc::clone(&engine)));
    tasks.spawn_local(durability::hand_over(Rc::clone(&engine)));
    tasks.spawn_local(durability::answer(Rc::clone(&engine)));
    tasks.spawn_local(reloader.run(Rc::clone(&engine), Rc::clone(&signals.reload)));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = signals.shutdown.cancelled() => break,
            accepted = socket.listener().accept() => match accepted {
                Ok(stream) => accept(stream, &engine, &mut connections),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_BACKOFF).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed; its connection is closed");
                }
            }
        }
    }
    tracing::info!(connections = connections.len(), "draining");
    engine.borrow_mut().drain();
    let drained = timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(connections = connections.len(), "closing connections that do not read their replies");
    }
    drop(connections);
    if timeout(DRAIN, durability::settle(&engine)).await.is_err() {
        tracing::error!("the disk takes too long: what happened last may be forgotten");
    }
    Ok(())
}

/// Takes a connection on, or says why not.
fn accept(stream: Stream, engine: &Rc<RefCell<Engine>>, connections: &mut JoinSet<()>) {
    let peer = match peer_of(&stream) {
        Ok(peer) => peer,
        Err(error) => {
            tracing::warn!(%error, "a peer without credentials was turned away");
            return;
        }
    };
    if let Err(error) = admit(&engine.borrow(), peer) {
        tracing::warn!(uid = peer.uid, code = %error.code, "a connection was turned away");
        connections.spawn_local(turn_away(stream, error));
        return;
    }
    let (number, outbox) = engine.borrow_mut().connect(peer);
    let guard = Guard { engine: Rc::clone(engine), connection: number };
    connections.spawn_local(connection(stream, guard, outbox));
}

/// The kernel's word about who connected.
fn peer_of(stream: &Stream) -> io::Result<Peer> {
    let credentials = stream.peer_creds()?;
    let uid = credentials.euid().ok_or_else(|| io::Error::other("the kernel does not name the peer's user"))?;
    // From a namespace that the daemon cannot see into, the kernel gives 0.
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    Ok(Peer { uid, gid: credentials.egid(), pid })
}

fn admit(engine: &Engine, peer: Peer) -> Result<(), WireError<'static>> {
    if !engine.admits(peer) {
        let message = format!("uid {} may not connect; the daemon's config names who may under access.users", peer.uid);
        return Err(WireError::new(ErrorCode::Forbidden, message));
    }
    let limits = &engine.config().limits;
    let (all, of_uid) = engine.connections(peer.uid);
    if all >= limits.connections {
        return Err(WireError::limit("connections", limits.connections as u64, "too many connections"));
    }
    if of_uid >= limits.connections_per_uid {
        let limit = limits.connections_per_uid as u64;
        return Err(WireError::limit("connections_per_uid", limit, "too many connections of this user"));
    }
    Ok(())
}

/// Says why, and closes. It does not wait for a peer that does not read.
async fn turn_away(mut stream: Stream, error: WireError<'static>) {
    let mut line = Vec::new();
    Envelope::to(None).error(&mut line, &error);
    // The peer has been told if it listens; what it does not hear changes nothing.
    let _ = timeout(Duration::from_secs(1), stream.write_all(&line)).await;
}

/// Ends a connection's leases however its task ends, by a panic too.
struct Guard {
    engine: Rc<RefCell<Engine>>,
    connection: ConnectionNo,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.engine.borrow_mut().disconnect(self.connection);
    }
}

async fn connection(stream: Stream, guard: Guard, outbox: Rc<RefCell<Outbox>>) {
    let limits = guard.engine.borrow().config().limits;
    let lines = Lines { engine: Rc::clone(&guard.engine), connection: guard.connection };
    let end = serve(&stream, hang_up(&stream), &lines, &outbox, &limits).await;
    tracing::debug!(connection = guard.connection, ?end, "connection ended");
}

/// Waits until the peer has closed its connection altogether, and not its sending side alone.
async fn hang_up(stream: &Stream) {
    let Stream::UdSocket(stream) = stream;
    // A registration of its own, which may be told that there is no news. It exists only while it is waited for.
    let watched = stream.as_fd().try_clone_to_owned().and_then(|fd| UnixStream::from_std(fd.into()));
    let Ok(watched) = watched else {
        // Then the next reply finds out.
        return std::future::pending().await;
    };
    while let Ok(ready) = watched.ready(Interest::WRITABLE).await {
        if ready.is_write_closed() {
            return;
        }
        // That it can be written to is none.
        let _ = watched.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
}

/// Lets time pass in the core when nobody asks anything.
async fn deadlines(engine: Rc<RefCell<Engine>>) {
    let changed = engine.borrow().deadline_changed();
    loop {
        let next = engine.borrow().until_next_deadline().map_or(LONGEST_SLEEP, Duration::from_millis);
        tokio::select! {
            () = sleep(next.min(LONGEST_SLEEP)) => engine.borrow_mut().tick(),
            () = changed.notified() => {}
        }
    }
}
