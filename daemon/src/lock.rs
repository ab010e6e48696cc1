//! Lock files: at most one daemon per auth store, per snapshot, and per socket.
//!
//! A lock is a BSD `flock`, which the kernel drops with the process, however it ends. The file's text names the holder,
//! so that whoever loses can say who won.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Bytes of a lock file that are read to name its holder.
const NOTE_BYTES: u64 = 4_096;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody holds it; their note.
    #[error("it is held by {0}")]
    Held(String),
    /// The file cannot be used.
    #[error("the lock file {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock at `path` and leaves `note` in it. The folder must be there.
    ///
    /// # Errors
    /// `Held` if another process has it; `Io` if the file cannot be opened, locked or written.
    pub fn take(path: &Path, note: &str) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
                .open(path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(read_note(&file).map_err(failed)?)),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // The last holder removes the file as it goes: a lock on a file that has no name any more excludes nobody.
            if !is_same(path, &file).map_err(failed)? {
                continue;
            }
            let mut lock = Self { file, path: path.to_owned() };
            lock.note(note)?;
            return Ok(lock);
        }
    }

    /// Replaces the note that says who holds the lock.
    ///
    /// # Errors
    /// `Io` if it cannot be written.
    pub fn note(&mut self, note: &str) -> Result<(), LockError> {
        let written = self.file.set_len(0).and_then(|()| self.file.rewind());
        written
            .and_then(|()| self.file.write_all(note.as_bytes()))
            .map_err(|source| LockError::Io { path: self.path.clone(), source })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if matches!(is_same(&self.path, &self.file), Ok(true)) {
            // A file that stays behind is harmless: it is the lock that counts.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn is_same(path: &Path, file: &File) -> io::Result<bool> {
    let held = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok(named.dev() == held.dev() && named.ino() == held.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_note(mut file: &File) -> io::Result<String> {
    let mut note = Vec::new();
    file.rewind()?;
    file.take(NOTE_BYTES).read_to_end(&mut note)?;
    let note: String = String::from_utf8_lossy(&note).chars().filter(|c| !c.is_control()).collect();
    Ok(if note.is_empty() { "a daemon that is just starting".to_owned() } else { note })
}

/// Where the lock of something that is at `canonical` is: in the state folder of the user whose `home` this is, named by
/// that path, so that two daemons of one user meet there whatever their environments say.
#[must_use]
pub fn lock_path(home: &Path, canonical: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let digest = Sha256::digest(canonical.as_os_str().as_bytes());
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    home.join(".local/state/credpool/locks").join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = Lock::take(&path, "pid 1 at /run/a.sock").unwrap();
        let Err(LockError::Held(holder)) = Lock::take(&path, "pid 2") else { panic!("the lock was given twice") };
        assert_eq!(holder, "pid 1 at /run/a.sock");
        drop(first);
        assert!(!path.exists());
        drop(Lock::take(&path, "pid 2").unwrap());
    }

    #[test]
    fn a_shorter_note_leaves_nothing_of_a_longer_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        std::fs::write(&path, "a note left behind by a daemon that was killed").unwrap();
        let lock = Lock::take(&path, "pid 2").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "pid 2");
        drop(lock);
    }

    #[test]
    fn a_lock_does_not_remove_what_replaced_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let lock = Lock::take(&path, "old").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "another's").unwrap();
        drop(lock);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another's");
    }

    #[test]
    fn a_symlink_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("precious"), folder.path().join("a.lock"));
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(matches!(Lock::take(&path, "x"), Err(LockError::Io { .. })));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }
}
