//! An auth.json: where it is, and how it is replaced.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// The largest file that is read, in bytes: four times what the daemon reads unless told otherwise.
const MOST_BYTES: u64 = 64 << 20;

/// The auth.json of a Hermes home, which is there and this user's.
#[derive(Debug)]
pub(crate) struct AuthFile {
    named: PathBuf,
    /// Where links lead from there.
    real: PathBuf,
}

impl AuthFile {
    /// The one that is named, else the one in `$HERMES_HOME`, else `~/.hermes/auth.json`, as hermes-agent 0.19.0 has it
    /// (hermes_constants.py, `get_hermes_home`).
    ///
    /// # Errors
    ///
    /// That it is not there, or is no file of this user's.
    pub(crate) fn find(named: Option<PathBuf>) -> Result<Self, String> {
        let named = named.or_else(usual).ok_or("neither HERMES_HOME nor HOME is set; name it with --auth-file")?;
        let real = named.canonicalize().map_err(|error| format!("{}: {error}", named.display()))?;
        let found = fs::metadata(&real).map_err(|error| format!("{}: {error}", real.display()))?;
        if !found.is_file() {
            return Err(format!("{} is not a file", real.display()));
        }
        // A file, and a lock, that root made would shut out its Hermes.
        if found.uid() != geteuid().as_raw() {
            return Err(format!("{} is user {}'s; only that user may clean it", real.display(), found.uid()));
        }
        let named = std::path::absolute(&named).map_err(|error| format!("{}: {error}", named.display()))?;
        Ok(Self { named, real })
    }

    /// As it was named.
    pub(crate) fn path(&self) -> &Path {
        &self.named
    }

    /// What those lock who write it: Hermes takes the lock beside the path that it was given. So where a link leads to
    /// another folder, there are two.
    pub(crate) fn locks(&self) -> Vec<PathBuf> {
        let beside = |path: &Path| path.with_file_name("auth.lock");
        let mut locks = vec![beside(&self.named)];
        let folder = |path: &Path| path.parent().and_then(|folder| folder.canonicalize().ok());
        if folder(&self.named) != folder(&self.real) {
            locks.push(beside(&self.real));
        }
        locks
    }

    /// Its text.
    ///
    /// # Errors
    ///
    /// What the system says, or that it is too large or not UTF-8.
    pub(crate) fn read(&self) -> Result<String, String> {
        let place = self.real.display();
        let mut text = String::new();
        let read = File::open(&self.real).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
        match read {
            Ok(_) if text.len() as u64 <= MOST_BYTES => Ok(text),
            Ok(_) => Err(format!("{place} has more than {MOST_BYTES} bytes")),
            Err(error) => Err(format!("{place} cannot be read: {error}")),
        }
    }

    /// Puts `after` in the place of `before` in one step, and `before` into a file beside it, whose path is returned. Both
    /// have the mode and the group that it has; a backup of an earlier time is replaced.
    ///
    /// # Errors
    ///
    /// What the system says, or that it is not `before` any more. Then it is what it was.
    pub(crate) fn replace(&self, before: &str, after: &str) -> Result<PathBuf, String> {
        let backup = with_suffix(&self.real, ".before-clean");
        let failed = |path: &Path, error: &io::Error| {
            format!("{} cannot be written: {error}; auth.json is as it was", path.display())
        };
        self.prepare(before).and_then(|new| new.rename(&backup)).map_err(|error| failed(&backup, &error))?;
        let new = self.prepare(after).map_err(|error| failed(&self.real, &error))?;
        if self.read()? != before {
            let place = self.real.display();
            return Err(format!("{place} was changed by something that does not heed auth.lock, and is left so"));
        }
        new.rename(&self.real).map_err(|error| failed(&self.real, &error))?;
        let folder = self.real.parent().unwrap_or(&self.real);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| format!("{} was replaced, and a power cut may undo that: {error}", self.real.display()))?;
        Ok(backup)
    }

    /// A file beside it, on the disk, that is to take the place of another.
    fn prepare(&self, text: &str) -> io::Result<Prepared> {
        let found = fs::metadata(&self.real)?;
        let path = with_suffix(&self.real, ".cleaning");
        // Of a run that was killed: the lock is ours, so nobody is writing it.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let prepared = Prepared(path);
        if file.metadata()?.gid() != found.gid() {
            fchown(&file, None, Some(found.gid()))?;
        }
        file.write_all(text.as_bytes())?;
        file.set_permissions(found.permissions())?;
        file.sync_all()?;
        Ok(prepared)
    }
}

/// A file that is removed unless it gets its name.
struct Prepared(PathBuf);

impl Prepared {
    fn rename(self, name: &Path) -> io::Result<()> {
        // Then its old name is gone, so that dropping it removes nothing.
        fs::rename(&self.0, name)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn usual() -> Option<PathBuf> {
    let home = env::var("HERMES_HOME").ok().map(|home| home.trim().to_owned()).filter(|home| !home.is_empty());
    let home = home.map(PathBuf::from).or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".hermes")))?;
    Some(home.join("auth.json"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
