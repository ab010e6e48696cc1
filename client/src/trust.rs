//! Which daemon may be trusted: who runs it, and which store it serves.

use std::path::{Path, PathBuf};

use credpool_proto::reply::Hello;
use nix::unistd::{User, geteuid};

use crate::error::Why;

/// The user whom the daemon may run as, besides oneself and root.
#[derive(Clone, Debug, Default)]
pub(crate) enum Server {
    /// Nobody else.
    #[default]
    Nobody,
    Uid(u32),
    /// A user by name. Looked up only where it matters.
    Name(String),
}

impl Server {
    /// A user as configurations have them: a name or a number.
    pub(crate) fn named(user: &str) -> Self {
        user.parse().map_or_else(|_| Self::Name(user.to_owned()), Self::Uid)
    }

    /// Checks the user that the kernel says is behind a socket.
    pub(crate) fn check(&self, server: u32) -> Result<(), Why> {
        self.check_for(geteuid().as_raw(), server)
    }

    fn check_for(&self, own: u32, server: u32) -> Result<(), Why> {
        if server == own || server == 0 {
            return Ok(());
        }
        let accepted = match self {
            Self::Nobody => None,
            Self::Uid(uid) => Some(*uid),
            Self::Name(name) => match User::from_name(name) {
                Ok(Some(user)) => Some(user.uid.as_raw()),
                Ok(None) => return Err(Why::NoSuchUser(name.clone())),
                Err(error) => return Err(Why::Io(error.into())),
            },
        };
        if Some(server) == accepted { Ok(()) } else { Err(Why::Untrusted(server)) }
    }
}

/// The store that a daemon has to serve, be it the only one or one of many.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// The one of this Hermes home.
    Home(PathBuf),
    /// This file.
    File(PathBuf),
}

impl Store {
    /// Checks the stores that a daemon serves; returns the profile that has this one. Another one than it serves is
    /// refused; that it serves none at all is another matter.
    pub(crate) async fn compare(&self, hello: &Hello<'_>) -> Result<Option<String>, Why> {
        let Some(serves) = &hello.auth_file else { return Ok(None) };
        let wanted = match self {
            Self::Home(home) => home.join("auth.json"),
            Self::File(file) => file.clone(),
        };
        if let Some(profile) = profile_of(&wanted, hello).await {
            return Ok(Some(profile.to_owned()));
        }
        if let Self::Home(home) = self
            // As it was given, as Hermes takes it, or where it is, for those who come by a link.
            && let Some((root, profile)) = root_and_profile(home).or(root_and_profile(&real(home).await))
            // It may have come after this was said.
            && profile_of(&root.join("auth.json"), hello).await.is_some()
        {
            return Ok(Some(profile.to_owned()));
        }
        Err(Why::OtherStore { serves: PathBuf::from(&**serves), wanted })
    }
}

/// The profile whose store this is, by what a daemon says that it serves.
async fn profile_of<'a>(store: &Path, hello: &'a Hello<'_>) -> Option<&'a str> {
    let store = real(store).await;
    for home in &hello.homes {
        if real(Path::new(&*home.auth_file)).await == store {
            return Some(&home.profile);
        }
    }
    None
}

/// The root that a home is a profile of, and the profile's name: Hermes keeps profiles in
/// `<root>/profiles/<name>` (`get_default_hermes_root` in hermes-agent's `hermes_constants.py`).
fn root_and_profile(home: &Path) -> Option<(&Path, &str)> {
    let folder = home.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "profiles"))?;
    Some((folder.parent()?, home.file_name()?.to_str()?))
}

/// Where a path leads to. A store that isn't there yet, or isn't ours to look at, is compared by name,
/// as far down as its folder can be followed.
async fn real(path: &Path) -> PathBuf {
    if let Ok(real) = tokio::fs::canonicalize(path).await {
        return real;
    }
    if let (Some(folder), Some(name)) = (path.parent(), path.file_name())
        && let Ok(folder) = tokio::fs::canonicalize(folder).await
    {
        return folder.join(name);
    }
    path.to_owned()
}

#[cfg(test)]
mod tests;
