//! Hermes' lock on its auth.json.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long hermes-agent 0.19.0 waits for its lock, and how often it tries (hermes_cli/auth.py,
/// `AUTH_LOCK_TIMEOUT_SECONDS` and `_file_lock`).
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

/// As long as this is there, no Hermes writes the auth.json.
#[derive(Debug)]
#[must_use = "the lock is given up when it is dropped"]
pub(crate) struct Lock {
    _files: Vec<File>,
}

impl Lock {
    /// Takes the locks in these files, in this order, once nobody else has them. A file that is not there is made and
    /// stays, as Hermes has it.
    ///
    /// # Errors
    ///
    /// That somebody has had one of them for 15 seconds, or what the system says. Cancelled, it leaves no lock behind.
    pub(crate) async fn take(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut files = Vec::new();
        for path in paths {
            files.push(take(&path, deadline).await.map_err(|problem| format!("{}: {problem}", path.display()))?);
        }
        Ok(Self { _files: files })
    }
}

async fn take(path: &Path, deadline: Instant) -> Result<File, String> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path);
    let file = file.map_err(|error| format!("cannot be opened: {error}"))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => {
                return Err("is held by another process, perhaps a Hermes that renews a login; `fuser -v` with this \
                            path says which. Try again when it is done"
                    .to_owned());
            }
            Err(TryLockError::Error(error)) => return Err(format!("cannot be locked: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_waited_for_as_long_as_hermes_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.lock");
        let other = File::create(&path).unwrap();
        other.lock().unwrap();
        let start = Instant::now();
        let refused = Lock::take([path.clone()]).await.unwrap_err();
        assert!(refused.contains("auth.lock: is held by another process"), "{refused}");
        assert!((PATIENCE..PATIENCE + PAUSE).contains(&start.elapsed()), "{:?}", start.elapsed());

        let (taken, ()) = tokio::join!(Lock::take([path.clone()]), async {
            sleep(PATIENCE - PAUSE).await;
            other.unlock().unwrap();
        });
        let taken = taken.unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(taken);
        other.try_lock().unwrap();
    }
}
