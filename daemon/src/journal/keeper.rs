//! Generations: a snapshot, the log that continues it, and how the next takes their place.
//!
//! A generation that has come into being is continued in its log, batch by batch. When the log has grown, or after any
//! error, the next begins: a new log, and a snapshot that is written piece by piece under another name. Until that is whole
//! and in its place, batches go to both logs, so whichever snapshot is found after a crash, its own log says the rest.

use std::io;

use credpool_core::{Delta, Records};

use super::disk::Disk;
use super::format::{self, Timeline};
use super::load::Found;
use super::names::Names;

/// Bytes of a snapshot that are written and synced at a time: batches do not wait for all of it.
const PIECE: usize = 1 << 20;

/// Bytes of a log that are never too many.
const LOG_BYTES: usize = 4 << 20;

/// Keeps records on a disk, as well as that can be done.
pub(crate) struct Keeper<D: Disk> {
    disk: D,
    names: Names,
    timeline: Timeline,
    /// The records as the batches so far have left them.
    records: Records,
    /// The last one that was begun.
    generation: u64,
    /// What is to be set aside first.
    unsound: Vec<String>,
    /// The log of the generation that is in place, if everything that was written is there.
    current: Option<Log<D::File>>,
    next: Option<Draft<D::File>>,
}

struct Log<F> {
    file: F,
    batches: u64,
    /// Bytes, and how many of them make it long.
    size: usize,
    enough: usize,
}

/// A generation that is not whole yet.
struct Draft<F> {
    log: Log<F>,
    snapshot: F,
    bytes: Vec<u8>,
    written: usize,
    /// Whether it may be in its place already.
    placed: bool,
}

impl<D: Disk> Keeper<D> {
    /// A keeper of `records`, none of which is on the disk yet.
    pub(crate) fn new(disk: D, names: Names, timeline: Timeline, records: Records, found: &Found) -> Self {
        let (generation, unsound) = (found.generation, found.unsound.clone());
        Self { disk, names, timeline, records, generation, unsound, current: None, next: None }
    }

    /// Whether everything so far is on the disk, and the rest can be added.
    pub(crate) fn is_durable(&self) -> bool {
        self.current.is_some()
    }

    /// Whether `step` has something to do.
    pub(crate) fn is_at_work(&self) -> bool {
        self.next.is_some()
    }

    /// The generation that was begun last.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes a batch in. It is on the disk when this returns and the keeper is durable.
    ///
    /// # Errors
    /// What the disk said; nothing is durable then until a new generation is.
    pub(crate) fn append(&mut self, delta: Delta) -> io::Result<()> {
        let bytes = format::delta(&delta);
        self.records.fold_all(delta);
        let appended = bytes.and_then(|bytes| self.log(&bytes));
        self.or_give_up(appended)?;
        if self.next.is_none() && self.current.as_ref().is_some_and(|log| log.size > log.enough) {
            return self.fold();
        }
        Ok(())
    }

    /// Begins the next generation, for `step` to go on with.
    ///
    /// # Errors
    /// As [`Keeper::append`].
    pub(crate) fn fold(&mut self) -> io::Result<()> {
        let begun = self.begin();
        self.or_give_up(begun)
    }

    fn log(&mut self, delta: &[u8]) -> io::Result<()> {
        if let Some(log) = &mut self.current {
            log.write(&mut self.disk, delta)?;
            self.disk.sync(&mut log.file)?;
        }
        match &mut self.next {
            Some(draft) => draft.log.write(&mut self.disk, delta),
            None => Ok(()),
        }
    }

    /// Brings a new generation into being, at once.
    ///
    /// # Errors
    /// As [`Keeper::append`].
    pub(crate) fn renew(&mut self) -> io::Result<()> {
        let mut renewed = self.begin();
        while renewed.is_ok() && self.next.is_some() {
            renewed = self.advance();
        }
        self.or_give_up(renewed)
    }

    /// Goes on with the generation that is being written.
    ///
    /// # Errors
    /// As [`Keeper::append`].
    pub(crate) fn step(&mut self) -> io::Result<()> {
        let advanced = self.advance();
        self.or_give_up(advanced)
    }

    /// A file that failed once is not to be trusted again, whatever it says next time.
    fn or_give_up(&mut self, result: io::Result<()>) -> io::Result<()> {
        if result.is_err() {
            self.current = None;
            if self.next.take().is_some_and(|draft| !draft.placed) {
                self.discard();
            }
        }
        result
    }

    /// Removes what is of no use, so that it does not fill a disk that is full.
    fn discard(&mut self) {
        let _ = self.disk.remove(&self.names.draft());
        let _ = self.disk.remove(&self.names.log(self.generation));
    }

    fn begin(&mut self) -> io::Result<()> {
        self.disk.prepare(self.names.snapshot())?;
        self.set_aside()?;
        self.generation += 1;
        match self.draft() {
            Ok(draft) => self.next = Some(draft),
            Err(error) => {
                self.discard();
                return Err(error);
            }
        }
        Ok(())
    }

    fn draft(&mut self) -> io::Result<Draft<D::File>> {
        let mut log = Log { file: self.disk.create(&self.names.log(self.generation))?, batches: 0, size: 0, enough: 0 };
        self.disk.write(&mut log.file, &format::log_head(self.generation)?)?;
        match self.disk.remove(&self.names.draft()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let snapshot = self.disk.create(&self.names.draft())?;
        // The log has its name before the snapshot that it continues takes its place.
        self.disk.sync_names()?;
        let bytes = format::snapshot(self.generation, &self.timeline, &self.records)?;
        log.enough = bytes.len().max(LOG_BYTES);
        Ok(Draft { log, snapshot, bytes, written: 0, placed: false })
    }

    fn set_aside(&mut self) -> io::Result<()> {
        while let Some(name) = self.unsound.last() {
            let all = self.disk.names()?;
            let (aside, old) = self.names.aside(&all);
            for old in old {
                self.disk.remove(&old)?;
            }
            match self.disk.rename(name, &aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.unsound.pop();
        }
        Ok(())
    }

    fn advance(&mut self) -> io::Result<()> {
        let Some(draft) = &mut self.next else { return Ok(()) };
        let left = &draft.bytes[draft.written..];
        if !left.is_empty() {
            let piece = &left[..left.len().min(PIECE)];
            self.disk.write(&mut draft.snapshot, piece)?;
            draft.written += piece.len();
            return self.disk.sync(&mut draft.snapshot);
        }
        self.disk.sync(&mut draft.log.file)?;
        draft.placed = true;
        self.disk.rename(&self.names.draft(), self.names.snapshot())?;
        self.disk.sync_names()?;
        self.current = self.next.take().map(|draft| draft.log);
        self.tidy();
        Ok(())
    }

    /// Removes logs of other generations. One that stays is of no matter: no snapshot is of its generation any more.
    fn tidy(&mut self) {
        for name in self.disk.names().unwrap_or_default() {
            if self.names.generation_of(&name).is_some_and(|generation| generation != self.generation) {
                let _ = self.disk.remove(&name);
            }
        }
    }
}

impl<F> Log<F> {
    fn write<D: Disk<File = F>>(&mut self, disk: &mut D, delta: &[u8]) -> io::Result<()> {
        self.batches += 1;
        let line = format::batch(self.batches, delta);
        self.size += line.len();
        disk.write(&mut self.file, &line)
    }
}
