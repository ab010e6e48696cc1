//! Reading back what an earlier run left.

use std::io;

use credpool_core::Records;

use super::disk::Disk;
use super::format::{self, Timeline};
use super::names::Names;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The state and what its boot times are told by; `None` if there is none, or none that is sound.
    pub(crate) state: Option<(Records, Timeline)>,
    /// The highest generation of which there is a trace.
    pub(crate) generation: u64,
    /// Files that are to be set aside before anything is written, so that they are not lost.
    pub(crate) unsound: Vec<String>,
    /// What was wrong: a file, and a sentence.
    pub(crate) problems: Vec<(String, String)>,
}

impl Found {
    fn unsound(&mut self, name: &str, why: &impl ToString) {
        self.problems.push((name.to_owned(), why.to_string()));
        self.unsound.push(name.to_owned());
    }
}

/// Reads the snapshot and the log that continues it. What is not sound is named, and the rest is what was found.
pub(crate) fn load(disk: &mut impl Disk, names: &Names) -> Found {
    let mut found = Found::default();
    let logs = match disk.names() {
        Ok(all) => all.iter().filter_map(|name| names.generation_of(name)).collect(),
        Err(error) => {
            found.problems.push((names.snapshot().to_owned(), format!("its folder cannot be read: {error}")));
            Vec::new()
        }
    };
    found.generation = logs.iter().copied().max().unwrap_or_default();
    let snapshot = match disk.read(names.snapshot()) {
        Ok(None) => return found,
        Ok(Some(bytes)) => format::read_snapshot(&bytes).map_err(|unsound| unsound.to_string()),
        // Whoever named a folder by mistake wants it to stay where it is.
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            found.problems.push((names.snapshot().to_owned(), "is a folder".to_owned()));
            return found;
        }
        Err(error) => Err(error.to_string()),
    };
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(why) => {
            found.unsound(names.snapshot(), &why);
            // Without it they say nothing, but whoever mends it will want them.
            found.unsound.extend(logs.iter().map(|generation| names.log(*generation)));
            return found;
        }
    };
    let mut records = snapshot.records;
    found.generation = found.generation.max(snapshot.generation);
    let log = names.log(snapshot.generation);
    match disk.read(&log) {
        Ok(Some(bytes)) => {
            if let Err(unsound) = format::replay(&bytes, snapshot.generation, &mut records) {
                found.unsound(&log, &unsound);
            }
        }
        Ok(None) => found.problems.push((log, "is gone; what it said is lost".to_owned())),
        Err(error) => found.unsound(&log, &error),
    }
    found.state = Some((records, snapshot.timeline));
    found
}
