//! The socket's place in the file system: a folder that only its owner may change, and a name that is never taken from
//! a live daemon.

use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt;

use crate::lock::{Lock, LockError};

/// Longest socket path, in bytes: `sockaddr_un.sun_path` has 108 with its final zero (unix(7)).
const MAX_PATH_BYTES: usize = 107;

/// Who may connect, as far as the file system's rights say so; the uid of each peer is checked all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// The owner: folder 0700, socket 0600.
    Owner,
    /// The folder's group as well: folder 0750, socket 0660.
    Group(u32),
    /// Everybody: folder 0755, socket 0666. Other users are named one by one in the config.
    World,
}

impl Rights {
    fn folder_mode(self) -> u32 {
        match self {
            Self::Owner => 0o700,
            Self::Group(_) => 0o750,
            Self::World => 0o755,
        }
    }

    fn socket_mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Group(_) => 0o660,
            Self::World => 0o666,
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path does not fit into a socket's address.
    #[error("the socket path {} has {} bytes; at most {MAX_PATH_BYTES} fit: choose a shorter one with --socket", path.display(), path.as_os_str().len())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// The folder may be changed by somebody else.
    #[error("the folder {} {problem}: a socket in it could be replaced; choose another with --socket, or mend it", folder.display())]
    UnsafeFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that is not ours is in the place of the socket.
    #[error("{} {problem}; it is left as it is: choose another place with --socket, or remove it", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
        /// What is there.
        problem: String,
    },
    /// The socket's lock cannot be had.
    #[error("the socket {} cannot be taken: {source}", path.display())]
    Locked {
        /// The path.
        path: PathBuf,
        /// Who has it, or why.
        source: LockError,
    },
    /// The system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// What it was about.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A listening socket whose name is removed when it is dropped, if the name is still its own.
#[derive(Debug)]
pub struct Socket {
    listener: Listener,
    path: PathBuf,
    identity: (u64, u64),
    _lock: Lock,
}

impl Socket {
    /// Creates the folder and the socket at `path`, with no moment of looser rights than `rights`.
    ///
    /// Must be called within a tokio runtime. A socket that a killed daemon left behind is replaced: the lock beside it
    /// says that nobody lives there, and it must be a socket, of our own user, that refuses connections.
    ///
    /// # Errors
    /// See [`SocketError`]. Nothing that was there is touched.
    pub fn bind(path: &Path, rights: Rights) -> Result<Self, SocketError> {
        let failed = |source| SocketError::Io { path: path.to_owned(), source };
        if path.as_os_str().len() > MAX_PATH_BYTES {
            return Err(SocketError::TooLong { path: path.to_owned() });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        prepare_folder(folder, rights)?;
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let note = format!("credpoold, pid {}", std::process::id());
        let lock = Lock::take(Path::new(&lock_path), &note)
            .map_err(|source| SocketError::Locked { path: path.to_owned(), source })?;
        remove_stale(path)?;
        let mut listener = ListenerOptions::new()
            .name(path.to_fs_name::<GenericFilePath>().map_err(failed)?)
            .mode(nix::libc::mode_t::try_from(rights.socket_mode()).unwrap_or(0o600))
            .create_tokio()
            .map_err(failed)?;
        // It would remove the name whoever's it is by then; `drop` looks first.
        listener.do_not_reclaim_name_on_drop();
        if let Rights::Group(group) = rights {
            std::os::unix::fs::chown(path, None, Some(group)).map_err(failed)?;
        }
        let metadata = std::fs::symlink_metadata(path).map_err(failed)?;
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { listener, path: path.to_owned(), identity, _lock: lock })
    }

    /// What accepts connections.
    #[must_use]
    pub fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if ours {
            // Whoever comes next can deal with a name that stays behind.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Creates `folder` if need be; refuses one that others may change.
fn prepare_folder(folder: &Path, rights: Rights) -> Result<(), SocketError> {
    let failed = |source| SocketError::Io { path: folder.to_owned(), source };
    if !folder.exists() {
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        // Created closed, opened afterwards as far as the config asks: never the other way round.
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {
                if let Rights::Group(group) = rights {
                    std::os::unix::fs::chown(folder, None, Some(group)).map_err(failed)?;
                }
                let mode = std::fs::Permissions::from_mode(rights.folder_mode());
                std::fs::set_permissions(folder, mode).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let metadata = std::fs::metadata(folder).map_err(failed)?;
    let unsafe_folder = |problem: String| SocketError::UnsafeFolder { folder: folder.to_owned(), problem };
    if !metadata.is_dir() {
        return Err(unsafe_folder("is not a folder".to_owned()));
    }
    let own = nix::unistd::geteuid().as_raw();
    if metadata.uid() != own && metadata.uid() != 0 {
        return Err(unsafe_folder(format!("belongs to uid {}, not to us or root", metadata.uid())));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(unsafe_folder(format!("is writable by others (mode {:04o})", metadata.mode() & 0o7777)));
    }
    Ok(())
}

/// Removes a socket that a daemon left behind when it was killed. The caller holds the socket's lock.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let failed = |source| SocketError::Io { path: path.to_owned(), source };
    let occupied = |problem: &str| SocketError::Occupied { path: path.to_owned(), problem: problem.to_owned() };
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.file_type().is_socket() {
        return Err(occupied("is not a socket"));
    }
    if metadata.uid() != nix::unistd::geteuid().as_raw() {
        return Err(occupied("is a socket of another user"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(occupied("is answered by another program")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}
