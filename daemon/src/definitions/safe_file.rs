//! Reading a file that might be anything: a FIFO, a device, somebody else's, or huge.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use zeroize::Zeroizing;

/// Permission bits of the group and of everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const READABLE_BY_OTHERS: u32 = 0o044;

/// What is asked of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    /// The largest size, in bytes.
    pub(super) max_bytes: u64,
    /// Whether nobody but its owner may be able to write it.
    pub(super) holds_secrets: bool,
}

/// A file's content, wiped when dropped.
#[derive(Debug)]
pub(super) struct SafeFile {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether its group or everybody may read it.
    pub(super) readable_by_others: bool,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is not a regular file")]
    NotRegular,
    #[error("belongs to uid {0}, neither to this daemon's user nor to root")]
    ForeignOwner(u32),
    #[error("can be written by others than its owner (mode {0:04o})")]
    WritableByOthers(u32),
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
}

/// Reads the whole file; `None` if there is none. Links are followed; what is asked of the file is asked of the one
/// that was opened, so nobody can swap it in between.
pub(super) fn read(path: &Path, demands: Demands) -> Result<Option<SafeFile>, FileError> {
    read_as(path, demands, geteuid().as_raw())
}

fn read_as(path: &Path, demands: Demands, uid: u32) -> Result<Option<SafeFile>, FileError> {
    // Without O_NONBLOCK, opening a FIFO waits for a writer. The standard library adds O_CLOEXEC.
    let file = match OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    if metadata.uid() != uid && metadata.uid() != 0 {
        return Err(FileError::ForeignOwner(metadata.uid()));
    }
    let mode = metadata.mode() & 0o7777;
    if demands.holds_secrets && mode & WRITABLE_BY_OTHERS != 0 {
        return Err(FileError::WritableByOthers(mode));
    }
    let bytes = read_all(file, metadata.len(), demands.max_bytes)?;
    Ok(Some(SafeFile { bytes, readable_by_others: mode & READABLE_BY_OTHERS != 0 }))
}

fn read_all(file: File, len: u64, max_bytes: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    if len > max_bytes {
        return Err(FileError::TooLarge(max_bytes));
    }
    // Room for all of it from the start: a vector that grows leaves copies behind that nobody wipes.
    let room = usize::try_from(len).map_err(|_| FileError::TooLarge(max_bytes))?.saturating_add(64);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(FileError::TooLarge(max_bytes));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use nix::sys::stat::Mode;
    use nix::unistd::{Uid, chown, mkfifo};

    use super::*;

    const SECRETS: Demands = Demands { max_bytes: 8, holds_secrets: true };

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        fn file(&self, content: &str, mode: u32) -> PathBuf {
            let path = self.0.path().join("file");
            fs::write(&path, content).expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("permissions");
            path
        }
    }

    #[test]
    fn sizes_around_the_limit() {
        let fixture = Fixture::new();
        for (content, good) in [("", true), ("1234567", true), ("12345678", true), ("123456789", false)] {
            let read = read(&fixture.file(content, 0o600), SECRETS);
            match read {
                Ok(Some(file)) => assert!(good && file.bytes.as_slice() == content.as_bytes(), "{content}"),
                Ok(None) => panic!("{content}"),
                Err(error) => assert!(!good && matches!(error, FileError::TooLarge(8)), "{content}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_not_there_is_no_error() {
        let fixture = Fixture::new();
        let path = fixture.0.path().join("none");
        assert!(read(&path, SECRETS).expect("no error").is_none());
        let link = fixture.0.path().join("link");
        symlink(&path, &link).expect("a link");
        assert!(read(&link, SECRETS).expect("no error").is_none());
    }

    #[test]
    fn only_regular_files_are_read_and_nothing_waits() {
        let fixture = Fixture::new();
        let fifo = fixture.0.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
        for path in [fifo.as_path(), fixture.0.path(), Path::new("/dev/null")] {
            assert!(matches!(read(path, SECRETS), Err(FileError::NotRegular)), "{}", path.display());
        }
    }

    #[test]
    fn others_may_not_write_secrets_and_are_seen_to_read_them() {
        let fixture = Fixture::new();
        let harmless = Demands { holds_secrets: false, ..SECRETS };
        for (mode, writable, readable) in [
            (0o600, false, false),
            (0o640, false, true),
            (0o604, false, true),
            (0o620, true, false),
            (0o602, true, false),
        ] {
            let path = fixture.file("x", mode);
            match read(&path, SECRETS) {
                Ok(Some(file)) => assert!(!writable && file.readable_by_others == readable, "{mode:o}"),
                Ok(None) => panic!("{mode:o}"),
                Err(error) => {
                    assert!(
                        writable && matches!(error, FileError::WritableByOthers(m) if m == mode),
                        "{mode:o}: {error}"
                    );
                }
            }
            assert!(read(&path, harmless).is_ok_and(|file| file.is_some()), "{mode:o}");
        }
    }

    #[test]
    fn the_owner_of_what_a_link_leads_to_counts() {
        let fixture = Fixture::new();
        let path = fixture.file("x", 0o600);
        let link = fixture.0.path().join("link");
        symlink(&path, &link).expect("a link");
        assert!(read(&link, SECRETS).expect("own file").is_some());
        let own = geteuid();
        if own.is_root() {
            chown(&path, Some(Uid::from_raw(65_534)), None).expect("root may");
            assert!(matches!(read(&link, SECRETS), Err(FileError::ForeignOwner(65_534))));
            assert!(read_as(&link, SECRETS, 65_534).expect("their own file").is_some());
        } else {
            // Nobody but root gives files away; to anybody else our own file is a foreign one.
            let other = own.as_raw() + 1;
            assert!(matches!(read_as(&link, SECRETS, other), Err(FileError::ForeignOwner(uid)) if uid == own.as_raw()));
        }
    }

    #[test]
    fn roots_files_are_trusted() {
        assert!(read_as(Path::new("/etc/passwd"), Demands { max_bytes: 1 << 20, holds_secrets: true }, 12_345).is_ok());
    }
}
