//! Where a daemon's state comes from when it starts, and where it goes from then on.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;

use credpool_core::{Core, Limits, Now};
use tokio::sync::watch;

use super::disk::Folder;
use super::format::Timeline;
use super::keeper::Keeper;
use super::load::{Found, load};
use super::names::Names;
use super::thread::{Progress, Retry, keep, tell};
use super::{Journal, Pen};
use crate::config::{Durability, Snapshot};

/// Why no snapshot can be kept where the configuration says.
#[derive(Debug, thiserror::Error)]
#[error("snapshot.path: {} names no file", .0.display())]
pub struct SnapshotError(PathBuf);

/// The state that a daemon starts with.
#[derive(Debug)]
pub struct State(Option<Kept>);

#[derive(Debug)]
struct Kept {
    folder: Folder,
    names: Names,
    path: PathBuf,
    durability: Durability,
    found: Found,
    timeline: Timeline,
}

impl State {
    /// None, and none that is kept.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(None)
    }

    /// What an earlier run left in `snapshot`, which this run goes on with. Whatever is wrong with it is told in the log,
    /// and later in `status`. Nobody else may use it: the caller holds its lock.
    ///
    /// # Errors
    /// The path does not name a file.
    pub fn open(snapshot: &Snapshot, now: Now) -> Result<Self, SnapshotError> {
        let nameless = || SnapshotError(snapshot.path.clone());
        let name = snapshot.path.file_name().and_then(|name| name.to_str()).ok_or_else(nameless)?;
        let (names, mut folder) =
            (Names::of(name), Folder(snapshot.path.parent().unwrap_or(Path::new("/")).to_owned()));
        let found = load(&mut folder, &names);
        for (file, problem) in &found.problems {
            tracing::error!(file, problem, "snapshot");
        }
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        let ahead_ms = match &found.state {
            Some((records, saved)) => ahead(saved, records.header.now, &boot_id, now),
            None => now.wall.0.saturating_sub(now.boot.0),
        };
        let (path, durability) = (snapshot.path.clone(), snapshot.durability);
        let timeline = Timeline { boot_id, ahead_ms };
        Ok(Self(Some(Kept { folder, names, path, durability, found, timeline })))
    }

    /// How far the clock that the core is shown is ahead of the boot clock, in milliseconds.
    pub(crate) fn ahead_ms(&self) -> u64 {
        self.0.as_ref().map_or(0, |kept| kept.timeline.ahead_ms)
    }

    /// A core with that state, and the journal that keeps it. Waits until the disk has the state as it is now.
    pub(crate) fn start(self, seed: u64, limits: Limits, now: Now) -> (Core, Journal) {
        let Some(Kept { folder, names, path, durability, mut found, timeline }) = self.0 else {
            return (Core::new(seed, limits), Journal::None);
        };
        let core = match found.state.take() {
            Some((records, _)) => Core::restore(records, limits, now),
            None => Core::new(seed, limits),
        };
        let mut keeper = Keeper::new(folder, names, timeline, core.records().clone(), &found);
        let (progress, watched) = watch::channel(Progress::default());
        let mut retry = Retry::default();
        let renewed = keeper.renew();
        tell(&keeper, None, renewed, &mut retry, &progress);
        let (notes, received) = channel();
        let spawned =
            thread::Builder::new().name("journal".to_owned()).spawn(move || keep(keeper, retry, &received, &progress));
        if let Err(error) = spawned {
            // Its end of the progress went with it, which is how the pen knows.
            tracing::error!(%error, "no thread for the journal");
        }
        (core, Journal::File(Pen::new(path, durability, notes, watched, found.problems)))
    }
}

/// How far the records' clock is ahead of this boot's, so that it goes on where it stood when they were written: by what
/// has passed since as the boot clock tells it, or the wall clock if the machine was started anew. A wall clock that has
/// gone back meanwhile tells nothing.
fn ahead(saved: &Timeline, at: Now, boot_id: &str, now: Now) -> u64 {
    if saved.boot_id == boot_id && !boot_id.is_empty() {
        return saved.ahead_ms;
    }
    at.boot.after(now.wall.since(at.wall)).since(now.boot)
}

#[cfg(test)]
mod tests {
    use credpool_core::{Boot, Wall};

    use super::*;

    const SAVED: Now = Now { boot: Boot(1_795_000_600_000), wall: Wall(1_795_000_600_000) };

    fn saved() -> Timeline {
        Timeline { boot_id: "one".to_owned(), ahead_ms: 1_795_000_000_000 }
    }

    #[test]
    fn within_one_boot_the_boot_clock_tells_what_has_passed() {
        for wall in [0, SAVED.wall.0, u64::MAX] {
            let now = Now { boot: Boot(700_000), wall: Wall(wall) };
            assert_eq!(ahead(&saved(), SAVED, "one", now), 1_795_000_000_000);
        }
    }

    #[test]
    fn after_another_boot_the_wall_clock_tells_it() {
        let now = |wall| Now { boot: Boot(5_000), wall: Wall(wall) };
        let passed = |wall| ahead(&saved(), SAVED, "two", now(wall)) + 5_000 - SAVED.boot.0;
        assert_eq!(passed(SAVED.wall.0 + 60_000), 60_000);
        assert_eq!(passed(SAVED.wall.0 - 60_000), 0, "a clock that was set back tells nothing");
        assert_eq!(
            ahead(&Timeline { boot_id: String::new(), ..saved() }, SAVED, "", now(SAVED.wall.0)) + 5_000,
            SAVED.boot.0
        );
    }
}
