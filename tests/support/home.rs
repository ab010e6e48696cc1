//! A home folder of its own for each daemon, so that tests meet neither each other nor whoever runs them.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::replace_file;

/// A temporary folder with everything in it that a daemon or Hermes would look for in a home.
pub(crate) struct Home {
    root: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("credpool-").tempdir().expect("a temporary folder");
        let home = Self { root };
        let folders = [home.user(), home.hermes(), home.runtime(), home.state(), home.config(), home.socket_folder()];
        for folder in folders {
            std::fs::DirBuilder::new().mode(0o700).create(&folder).expect("a folder in the temporary one");
        }
        home
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// `$HOME`.
    pub(crate) fn user(&self) -> PathBuf {
        self.root().join("user")
    }

    /// `$HERMES_HOME`.
    pub(crate) fn hermes(&self) -> PathBuf {
        self.root().join("hermes")
    }

    /// `$XDG_RUNTIME_DIR`.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.root().join("run")
    }

    /// `$XDG_STATE_HOME`.
    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// `$XDG_CONFIG_HOME`.
    pub(crate) fn config(&self) -> PathBuf {
        self.root().join("config")
    }

    /// Puts the login of Claude Code where it keeps it, as a file of this user's only.
    pub(crate) fn log_in_to_claude_code(&self, token: &str, expires_at_ms: u64) {
        let folder = self.user().join(".claude");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a folder in the home");
        let login = json!({"claudeAiOauth": {"accessToken": token, "refreshToken": "r", "expiresAt": expires_at_ms}});
        replace_file(&folder.join(".credentials.json"), login.to_string().as_bytes());
    }

    /// Where a daemon keeps its state, if it does.
    pub(crate) fn snapshot(&self) -> PathBuf {
        self.state().join("state.json")
    }

    pub(crate) fn auth_json(&self) -> PathBuf {
        self.hermes().join("auth.json")
    }

    /// The home of a profile.
    pub(crate) fn profile(&self, name: &str) -> PathBuf {
        self.hermes().join("profiles").join(name)
    }

    /// Every auth.json: that of the root, which need not be there, and those of profiles.
    pub(crate) fn stores(&self) -> Vec<PathBuf> {
        let profiles = std::fs::read_dir(self.hermes().join("profiles")).into_iter().flatten().flatten();
        let of_profiles = profiles.map(|profile| profile.path().join("auth.json")).filter(|store| store.exists());
        std::iter::once(self.auth_json()).chain(of_profiles).collect()
    }

    fn socket_folder(&self) -> PathBuf {
        self.root().join("s")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_folder().join("credpool.sock")
    }

    /// Lets `command` see this home and nothing of the real one.
    pub(crate) fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.user())
            .env("HERMES_HOME", self.hermes())
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("XDG_STATE_HOME", self.state())
            .env("XDG_CONFIG_HOME", self.config())
            .current_dir(self.user())
    }
}

/// The sample of the documentation: a store whose states do not depend on the day.
pub(crate) fn sample() -> PathBuf {
    repository().join("tests/fixtures/auth.json")
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    let daemon = Path::new(env!("CARGO_MANIFEST_DIR"));
    daemon.parent().expect("the daemon's folder is in the repository").to_owned()
}
