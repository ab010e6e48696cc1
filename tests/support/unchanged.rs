//! The promise that auth.json is never written, checked.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file was like at one moment.
pub(crate) struct Unchanged {
    path: PathBuf,
    then: Option<Snapshot>,
}

#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    bytes: Vec<u8>,
}

impl Unchanged {
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), then: Snapshot::take(path) }
    }

    /// Panics if the file's bytes, mode, owner, inode or time of modification differ from what they were.
    #[track_caller]
    pub(crate) fn check(&self) {
        let now = Snapshot::take(&self.path);
        assert!(
            now == self.then,
            "{} was changed.\nBefore: {:?}\nAfter: {:?}",
            self.path.display(),
            self.then.as_ref().map(Snapshot::describe),
            now.as_ref().map(Snapshot::describe),
        );
    }
}

impl Snapshot {
    /// `None` if the file is not there, or is no file. Bytes and attributes are of the same file, even if it is being replaced.
    fn take(path: &Path) -> Option<Self> {
        // A FIFO would keep us waiting, and a folder has no bytes.
        path.metadata().ok().filter(Metadata::is_file)?;
        let mut file = File::open(path).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("the file can be read");
        let attributes = file.metadata().expect("an open file has attributes");
        Some(Self {
            inode: attributes.ino(),
            mode: attributes.mode(),
            owner: (attributes.uid(), attributes.gid()),
            modified: (attributes.mtime(), attributes.mtime_nsec()),
            bytes,
        })
    }

    fn describe(&self) -> String {
        let Self { inode, mode, owner, modified, bytes } = self;
        format!(
            "inode {inode}, mode {mode:o}, owner {owner:?}, modified {modified:?}: {}",
            String::from_utf8_lossy(bytes)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    /// Does something to a file under guard, and looks.
    fn check_after(change: impl FnOnce(&Path) -> std::io::Result<()>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "before").expect("a new file");
        let guard = Unchanged::of(&path);
        guard.check();
        change(&path).expect("it is ours");
        guard.check();
    }

    #[test]
    fn reading_is_no_change() {
        check_after(|path| std::fs::read(path).map(|_| ()));
    }

    #[test]
    #[should_panic(expected = "was changed")]
    fn bytes_are_guarded() {
        check_after(|path| std::fs::write(path, "after!"));
    }

    #[test]
    #[should_panic(expected = "was changed")]
    fn the_mode_is_guarded() {
        check_after(|path| std::fs::set_permissions(path, Permissions::from_mode(0o640)));
    }

    #[test]
    #[should_panic(expected = "was changed")]
    fn the_time_is_guarded() {
        check_after(|path| File::options().write(true).open(path)?.set_modified(SystemTime::UNIX_EPOCH));
    }

    #[test]
    #[should_panic(expected = "was changed")]
    fn a_copy_in_its_place_is_a_change() {
        check_after(|path| {
            std::fs::copy(path, path.with_extension("new"))
                .and_then(|_| std::fs::rename(path.with_extension("new"), path))
        });
    }
}
