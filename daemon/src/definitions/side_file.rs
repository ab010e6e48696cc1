//! Files beside auth.json that hold secrets, and what they held when it could last be said.
//!
//! Editors, synchronisers and programs that are killed leave such a file away, empty or half-written for a moment, and a
//! file system that is not there leaves all of them away. None of that takes a secret from anybody. What is written into
//! the file does, at once; and so does that the file is gone or empty, once it has stayed so: programs end a login by
//! removing its file, and Hermes leaves an empty `.env` behind when it has taken out the last variable.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::safe_file::{self, Demands, SafeFile};
use super::snapshot::Problem;

/// How long a file has to be gone or empty until that is what somebody wanted.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What is said of a file of which an older state is served, and of one that never could be read.
pub(super) const STILL_SERVED: &str = "what it held before is still served";
pub(super) const NOTHING_SERVED: &str = "nothing of it is served";

/// Under which circumstances files are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// Whether the home is away that the files belong to, so that nobody removed them.
    pub(super) is_away: bool,
}

/// A file, and what it held when it could last be read.
#[derive(Debug)]
pub(super) struct SideFile<T> {
    path: PathBuf,
    demands: Demands,
    held: T,
    /// Whether `held` is what a file held.
    was_there: bool,
    /// Since when it has been gone or empty, where it held something before.
    missing_since: Option<Instant>,
    /// Whether the last reading failed for a reason that may go away without a change of the file.
    failed: bool,
}

impl<T: Default> SideFile<T> {
    /// The file at `path`, not read yet.
    pub(super) fn new(path: PathBuf, demands: Demands) -> Self {
        Self { path, demands, held: T::default(), was_there: false, missing_since: None, failed: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, or held before; nothing if it never could be read.
    pub(super) fn held(&self) -> &T {
        &self.held
    }

    /// Whether it is to be read again soon, even if nobody hears of a change.
    pub(super) fn is_pending(&self) -> bool {
        self.missing_since.is_some() || self.failed
    }

    /// Reads it. `parse` makes sense of what is not empty; its error is a sentence that goes on from the file's name.
    pub(super) fn read(
        &mut self,
        moment: Moment,
        parse: impl FnOnce(&SafeFile) -> Result<T, String>,
        problems: &mut Vec<Problem>,
    ) {
        let found = safe_file::read(&self.path, self.demands);
        self.failed = found.is_err();
        let error = match found {
            Ok(Some(file)) if !file.bytes.is_empty() => match parse(&file) {
                Ok(held) => {
                    *self = Self { held, was_there: true, ..self.unread() };
                    return;
                }
                Err(error) => error,
            },
            Ok(file) => {
                let what = if file.is_some() { "is empty" } else { "is gone" };
                problems.extend(self.missing(moment, what));
                return;
            }
            Err(error) => error.to_string(),
        };
        self.missing_since = None;
        let served = if self.was_there { STILL_SERVED } else { NOTHING_SERVED };
        problems.push(self.problem(format!("{error}; {served}")));
    }

    /// Forgets what it held.
    pub(super) fn forget(&mut self) {
        *self = self.unread();
    }

    /// Takes note that there is nothing; what to say about it.
    fn missing(&mut self, moment: Moment, what: &str) -> Option<Problem> {
        if !self.was_there {
            return None;
        }
        if moment.is_away {
            // Whether somebody removed it is to be seen once the home is back.
            self.missing_since = Some(moment.now);
            return Some(self.problem(format!("{what}; {STILL_SERVED}")));
        }
        let since = *self.missing_since.get_or_insert(moment.now);
        if moment.now.duration_since(since) >= PATIENCE {
            self.forget();
            return None;
        }
        let patience = PATIENCE.as_secs();
        Some(self.problem(format!("{what}; {STILL_SERVED}, until it has been so for {patience} s")))
    }

    fn unread(&self) -> Self {
        Self::new(self.path.clone(), self.demands)
    }

    fn problem(&self, problem: String) -> Problem {
        Problem::new(self.path.display().to_string(), problem)
    }
}

#[cfg(test)]
mod tests;
