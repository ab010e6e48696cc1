//! What remembers changes: the seam through which every record that a command left different can reach a disk.
//!
//! The loop notes the names of what changed and hands their records over in batches, one at a time: while a batch is on its
//! way, the next one gathers. A thread writes each to the end of a log, and a new snapshot when the log has grown. Nothing
//! here waits: what must be on the disk before its answer is answered when the thread says so.

mod disk;
mod format;
mod keeper;
mod load;
mod names;
mod state;
mod thread;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use credpool_core::{Core, Touched};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

pub use state::{SnapshotError, State};
pub(crate) use thread::Progress;

use crate::config::Durability;
use thread::Note;

/// How long changes gather before they are written, where no answer waits for that. With what it takes to write them, a
/// crash loses at most 250 ms.
const GATHER: Duration = Duration::from_millis(100);

/// Where changes go.
#[derive(Debug, Default)]
pub(crate) enum Journal {
    /// Nowhere: the state lives as long as the daemon.
    #[default]
    None,
    /// To a thread that writes them to files.
    File(Pen),
}

/// The loop's end of the journal that is kept in files.
#[derive(Debug)]
pub(crate) struct Pen {
    path: PathBuf,
    durability: Durability,
    /// What has changed since the last batch, but for the header, which always has.
    changed: BTreeSet<Touched>,
    /// Whether anything has.
    stale: bool,
    /// The number of the batch that gathers.
    gathering: u64,
    notes: Sender<Note>,
    progress: watch::Receiver<Progress>,
    /// Signalled when a batch begins to gather.
    begun: Rc<Notify>,
    /// What was wrong with the files that were found at the start: each file, and a sentence.
    problems: Vec<(String, String)>,
}

impl Journal {
    /// Takes note of what the last command changed.
    pub(crate) fn record(&mut self, core: &Core) {
        let Self::File(pen) = self else { return };
        // That time has passed and a command was counted need not be kept for themselves.
        if core.touched().is_empty() {
            return;
        }
        pen.changed.extend(core.touched().iter().cloned());
        if !std::mem::replace(&mut pen.stale, true) {
            pen.begun.notify_one();
        }
    }

    /// Hands over what has changed, unless a batch is on its way already. `core` is what was recorded.
    pub(crate) fn hand_over(&mut self, core: &Core) {
        let Self::File(pen) = self else { return };
        if !pen.stale || pen.is_waiting() {
            return;
        }
        let delta = core.records().delta(std::mem::take(&mut pen.changed));
        pen.stale = false;
        // If the thread is gone, its progress says that nothing is durable.
        let _ = pen.notes.send(Note { number: pen.gathering, delta });
        pen.gathering += 1;
    }

    /// Whether the disk keeps what it should; where there is no journal, nothing is asked of it.
    pub(crate) fn is_durable(&self) -> bool {
        self.pen().is_none_or(|pen| pen.progress.borrow().durable)
    }

    /// The batch that has to be on the disk before what was decided last may be said; `None` if there is none that is not
    /// there already, or the disk does not keep them anyway.
    pub(crate) fn awaited(&self) -> Option<u64> {
        let pen = self.pen().filter(|pen| pen.durability == Durability::Sync)?;
        let batch = if pen.stale { pen.gathering } else { pen.gathering - 1 };
        let progress = pen.progress.borrow();
        (progress.durable && progress.dealt_with < batch).then_some(batch)
    }

    /// How far the disk is; `None` where there is no journal.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.pen().map(|pen| pen.progress.borrow().clone())
    }

    /// Whether a batch is on its way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.pen().is_some_and(Pen::is_waiting)
    }

    /// Whether everything that was recorded has been dealt with.
    pub(crate) fn is_settled(&self) -> bool {
        self.pen().is_none_or(|pen| !pen.stale && !pen.is_waiting())
    }

    /// What it takes to wait for it; `None` where there is nothing to wait for.
    pub(crate) fn watch(&self) -> Option<Watch> {
        self.pen().map(|pen| Watch {
            gather: if pen.durability == Durability::Sync { Duration::ZERO } else { GATHER },
            begun: Rc::clone(&pen.begun),
            progress: pen.progress.clone(),
        })
    }

    /// The files' end of it, if there is one.
    pub(crate) fn pen(&self) -> Option<&Pen> {
        match self {
            Self::None => None,
            Self::File(pen) => Some(pen),
        }
    }
}

impl Pen {
    fn new(
        path: PathBuf,
        durability: Durability,
        notes: Sender<Note>,
        progress: watch::Receiver<Progress>,
        problems: Vec<(String, String)>,
    ) -> Self {
        Self {
            path,
            durability,
            changed: BTreeSet::new(),
            stale: false,
            gathering: 1,
            notes,
            progress,
            begun: Rc::new(Notify::new()),
            problems,
        }
    }

    fn is_waiting(&self) -> bool {
        self.progress.borrow().dealt_with < self.gathering - 1
    }

    /// Where the snapshot is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How soon it is on the disk.
    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// What keeps it from being kept at present.
    pub(crate) fn trouble(&self) -> Option<std::sync::Arc<str>> {
        self.progress.borrow().trouble.clone()
    }

    /// What was wrong with what was found: each file, and a sentence.
    pub(crate) fn problems(&self) -> &[(String, String)] {
        &self.problems
    }
}

/// Waits for a journal, from outside.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    gather: Duration,
    begun: Rc<Notify>,
    progress: watch::Receiver<Progress>,
}

impl Watch {
    /// Waits until there is something to hand over, and it has had time to gather. Not cancel-safe: what has begun is told
    /// once.
    pub(crate) async fn gathered(&self) {
        self.begun.notified().await;
        if !self.gather.is_zero() {
            sleep(self.gather).await;
        }
    }

    /// Waits until the disk has got further; `false` if it never will again. Cancel-safe.
    pub(crate) async fn moved(&mut self) -> bool {
        self.progress.changed().await.is_ok()
    }
}

#[cfg(test)]
mod tests;
