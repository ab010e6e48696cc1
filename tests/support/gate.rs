//! Lets processes start their work at the same moment. Without it the first is done before the last is born, and a
//! test of a race tests nothing.

use std::fs::File;
use std::path::{Path, PathBuf};

/// A closed gate, with processes parked before it: a file lock that this process holds and they wait for.
pub(crate) struct Gate {
    path: PathBuf,
    held: File,
}

impl Gate {
    pub(crate) fn closed(folder: &Path) -> Self {
        let path = folder.join("gate");
        let held = File::create(&path).expect("a new file");
        held.lock().expect("nobody else holds a new lock");
        Self { path, held }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets everybody through.
    pub(crate) fn open(self) {
        drop(self.held);
    }

    /// Waits at the gate at `path`.
    pub(crate) fn pass(path: &Path) {
        File::open(path).and_then(|gate| gate.lock_shared()).expect("the gate is there");
    }
}
