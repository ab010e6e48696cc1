//! What `credpool get` has given out, so that it gives the next key in place of the last one, and so
//! that a report about "the last one" has a lease to name.
//!
//! Whoever runs `get` sees the key and nothing else, and `get` itself is over at once. So it leaves a
//! note: one file for each holder in the user's state folder, with the leases that were given to it.
//! A lease's id is a bearer token, so the file is the user's alone; there is no secret in it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use crate::render::lease::Granted;

mod holder;

pub(crate) use holder::Holder;

/// How many leases are remembered for each holder.
const MOST: usize = 64;

/// How large a file may be, in bytes: far more than that many leases need.
const MOST_BYTES: u64 = 256 * 1_024;

/// How long a file may lie untouched. By then all its leases have ended: none lasts for more than a day.
const KEPT: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// A lease that was given to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The socket of the daemon that knows the lease: its id is nobody else's business.
    pub(crate) daemon: PathBuf,
    pub(crate) pool: String,
    pub(crate) profile: Option<String>,
    pub(crate) lease: String,
    /// The id of its credential.
    pub(crate) credential: String,
}

impl Note {
    pub(crate) fn new(daemon: &Path, grant: &Granted, profile: Option<String>) -> Self {
        Self {
            daemon: daemon.to_owned(),
            pool: grant.pool.clone().into_owned(),
            profile,
            lease: grant.lease.clone().into_owned(),
            credential: grant.credential.id.clone().into_owned(),
        }
    }
}

/// The notes about one holder. Nobody else can open them as long as this is there.
pub(crate) struct Given {
    path: PathBuf,
    /// Where the next state of the file is written. No holder's file is called so.
    next: PathBuf,
    /// What stands at `path`; held for its lock.
    _file: File,
    notes: Vec<Note>,
}

impl Given {
    /// Opens the notes about `holder`, once nobody else has them open; there may be none yet.
    ///
    /// # Errors
    ///
    /// What the system says, or that the file or its folder may be changed by others.
    pub(crate) fn open(holder: &Holder) -> io::Result<Self> {
        Self::open_in(&folder()?, holder)
    }

    fn open_in(folder: &Path, holder: &Holder) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        check(&fs::symlink_metadata(folder)?)?;
        forget_old(folder);
        let name = holder.file_name();
        let (path, next) = (folder.join(&name), folder.join(format!("next-{name}")));
        let mut file = lock(&path)?;
        let mut text = Vec::new();
        Read::by_ref(&mut file).take(MOST_BYTES).read_to_end(&mut text)?;
        // A file that the machine lost in a crash is no loss: its leases end by themselves.
        let notes = serde_json::from_slice(&text).unwrap_or_default();
        Ok(Self { path, next, _file: file, notes })
    }

    /// What this daemon gave last, of this pool and of this profile if they are named.
    pub(crate) fn last(&self, daemon: &Path, pool: Option<&str>, profile: Option<&str>) -> Option<&Note> {
        let is_of = |note: &&Note| {
            pool.is_none_or(|pool| note.pool == pool)
                && profile.is_none_or(|profile| note.profile.as_deref() == Some(profile))
        };
        self.notes.iter().rev().filter(|note| note.daemon == daemon).find(is_of)
    }

    /// What this daemon gave of this pool, of this profile.
    pub(crate) fn of(&self, daemon: &Path, pool: &str, profile: Option<&str>) -> Option<&Note> {
        let is_it = |note: &&Note| note.daemon == daemon && note.pool == pool && note.profile.as_deref() == profile;
        self.notes.iter().find(is_it)
    }

    /// Notes what was given last, in place of what the same daemon gave of the same pool and profile before. Whoever is
    /// killed meanwhile leaves the notes as they were, or as they should be.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn note(&mut self, note: Note) -> io::Result<()> {
        self.notes
            .retain(|other| (&other.daemon, &other.pool, &other.profile) != (&note.daemon, &note.pool, &note.profile));
        self.notes.drain(..(self.notes.len() + 1).saturating_sub(MOST));
        self.notes.push(note);
        let text = serde_json::to_vec(&self.notes)?;
        // It is locked before it is there, so nobody comes in between.
        let mut file = lock(&self.next)?;
        file.set_len(0)?;
        file.write_all(&text)?;
        fs::rename(&self.next, &self.path)?;
        self._file = file;
        Ok(())
    }
}

/// The user's state folder for this, as the XDG base directory specification has it.
fn folder() -> io::Result<PathBuf> {
    let path = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = path("XDG_STATE_HOME").or_else(|| Some(path("HOME")?.join(".local/state")));
    let state =
        state.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "neither XDG_STATE_HOME nor HOME is set"))?;
    Ok(state.join("credpool/given"))
}

fn check(found: &fs::Metadata) -> io::Result<()> {
    if found.uid() != geteuid().as_raw() || found.mode() & 0o022 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may change it"));
    }
    Ok(())
}

/// Opens a file that nobody else has open in this way.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let flags = OFlag::O_NOFOLLOW.bits();
        let file = OpenOptions::new().read(true).write(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
        file.lock()?;
        let ours = file.metadata()?;
        check(&ours)?;
        // It may have been forgotten between the two.
        if fs::symlink_metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
}

/// Removes what nobody has touched for long. What cannot be removed stays.
fn forget_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_old = |file: &File| {
            let modified = file.metadata().and_then(|found| found.modified());
            modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > KEPT))
        };
        let Ok(file) = File::open(entry.path()) else { continue };
        if is_old(&file) && file.try_lock().is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
