//! The thread that waits for the disk, so that the loop need not.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use credpool_core::Delta;
use tokio::sync::watch;

use super::disk::Disk;
use super::keeper::Keeper;

/// How long after a failure the disk is tried again, the first time and at most; each time it is twice as long.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// A batch of changes for the disk, the `number`th of this run.
pub(crate) struct Note {
    pub(crate) number: u64,
    pub(crate) delta: Delta,
}

/// How far the disk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The last batch that was dealt with.
    pub(crate) dealt_with: u64,
    /// Whether the disk keeps what it should.
    pub(crate) durable: bool,
    /// What is wrong with it, if it does not.
    pub(crate) trouble: Option<Arc<str>>,
    /// The generation that was begun last.
    pub(crate) generation: u64,
}

/// Deals with notes until whoever sends them is gone.
pub(crate) fn keep<D: Disk>(
    mut keeper: Keeper<D>,
    mut retry: Retry,
    notes: &Receiver<Note>,
    progress: &watch::Sender<Progress>,
) {
    let _farewell = Farewell(progress);
    loop {
        let note = match receive(&keeper, notes, &retry) {
            Ok(note) => note,
            Err(Gone) => return,
        };
        let number = note.as_ref().map(|note| note.number);
        let result = match note {
            Some(note) => keeper.append(note.delta),
            None if keeper.is_at_work() => keeper.step(),
            None => Ok(()),
        };
        let result = if result.is_ok() && retry.is_due() { keeper.renew() } else { result };
        tell(&keeper, number, result, &mut retry, progress);
    }
}

struct Gone;

/// However the thread ends, nobody waits for it any more.
struct Farewell<'a>(&'a watch::Sender<Progress>);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|progress| {
            progress.dealt_with = u64::MAX;
            progress.durable = false;
        });
    }
}

/// The next note, if there is one before there is something else to do.
fn receive<D: Disk>(keeper: &Keeper<D>, notes: &Receiver<Note>, retry: &Retry) -> Result<Option<Note>, Gone> {
    if keeper.is_at_work() {
        return match notes.try_recv() {
            Ok(note) => Ok(Some(note)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Gone),
        };
    }
    let Some(at) = retry.at else { return notes.recv().map(Some).map_err(|_| Gone) };
    match notes.recv_timeout(at.saturating_duration_since(Instant::now())) {
        Ok(note) => Ok(Some(note)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Gone),
    }
}

/// Tells the loop how far the disk is, and the log when that changes.
pub(crate) fn tell<D: Disk>(
    keeper: &Keeper<D>,
    number: Option<u64>,
    result: io::Result<()>,
    retry: &mut Retry,
    progress: &watch::Sender<Progress>,
) {
    let durable = keeper.is_durable();
    let trouble = result.err().map(|error| error.to_string());
    match &trouble {
        Some(error) => retry.later(error),
        None if durable => retry.over(),
        None => {}
    }
    progress.send_if_modified(|progress| {
        let before = progress.clone();
        progress.dealt_with = number.unwrap_or(progress.dealt_with);
        progress.durable = durable;
        progress.generation = keeper.generation();
        if durable {
            progress.trouble = None;
        } else if let Some(trouble) = trouble {
            progress.trouble = Some(trouble.into());
        }
        *progress != before
    });
}

/// When to try again.
#[derive(Default)]
pub(crate) struct Retry {
    at: Option<Instant>,
    pause: Duration,
}

impl Retry {
    fn is_due(&self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }

    fn later(&mut self, error: &str) {
        if self.at.is_none() {
            tracing::error!(error, "the disk does not keep what it should; going on without");
        }
        self.pause = (self.pause * 2).clamp(FIRST_RETRY, LAST_RETRY);
        self.at = Some(Instant::now() + self.pause);
    }

    fn over(&mut self) {
        if self.at.take().is_some() {
            tracing::info!("the disk keeps everything again");
        }
        self.pause = Duration::ZERO;
    }
}
