//! What the journal asks of a disk: a few operations in one folder, each of which can fail, and each of which a test can
//! make fail, tear or reorder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// The largest file that is read back, in bytes: hundreds of thousands of credentials take less.
const MOST_BYTES: u64 = 1 << 30;

/// Permission bits that let others write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A folder in which the journal keeps its files. Nothing but what was synced is sure to be there after a power cut: a
/// file's bytes by `sync`, that it is there under its name by `sync_names`.
pub(crate) trait Disk {
    /// A file that is being written.
    type File;

    /// Sees to it that the folder is there, and that a file can take the name `name` in it.
    fn prepare(&mut self, name: &str) -> io::Result<()>;
    /// The names of the files in it.
    fn names(&mut self) -> io::Result<Vec<String>>;
    /// All of a file that is this user's own; `None` if there is none of that name. The error says what else it is.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// A new file for this user alone; there must be none of that name.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;
    /// Writes to the end of a file.
    fn write(&mut self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;
    /// Waits until what was written to a file is on the disk.
    fn sync(&mut self, file: &mut Self::File) -> io::Result<()>;
    /// Gives a file another name, in the place of whatever has that.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Waits until all names are on the disk as they are.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Disk for Folder {
    type File = File;

    fn prepare(&mut self, name: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        match std::fs::symlink_metadata(self.0.join(name)) {
            Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
            _ => Ok(()),
        }
    }

    fn names(&mut self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let unfit = |why: String| Err(io::Error::new(ErrorKind::InvalidData, why));
        // Without O_NONBLOCK, opening a FIFO waits for a writer.
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
        let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(self.0.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => return unfit("is a link".to_owned()),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return unfit("is no regular file".to_owned());
        }
        if metadata.uid() != geteuid().as_raw() {
            return unfit(format!("belongs to uid {}, and not to this daemon's user", metadata.uid()));
        }
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
            return unfit(format!("can be written by others (mode {:04o})", metadata.mode() & 0o7777));
        }
        if metadata.len() > MOST_BYTES {
            return unfit(format!("is larger than {MOST_BYTES} bytes"));
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn create(&mut self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.0.join(name))
    }

    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&mut self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.0.join(name))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}
