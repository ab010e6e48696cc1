//! Configuration: flags over variables over a file over defaults, checked as a whole before anything runs.
//!
//! [`KEYS`] is the one table of keys. Reading is a pipeline: `cli` and `file` find raw values, `value` checks each by
//! its type, `layers` keeps the highest of each key and where it came from, `settings` gives them types, and
//! [`Config::load`] fills in defaults and looks for contradictions. Every problem is reported, not only the first.
//! Loading reads one file and nothing else; doing it again with the same [`Cli`] is a reload.

mod cli;
mod cooldown;
mod error;
mod file;
mod keys;
mod layers;
mod limits;
mod pools;
mod settings;
mod value;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use credpool_core::{Cooldowns, Guard};
use credpool_proto::limits::Limits;
use serde::Deserialize;

pub use cli::{Cli, command};
pub use error::{ConfigError, ConfigErrors, Origin};
pub use keys::{Also, KEYS, Key, Support};
pub use pools::{MAX_ID_BYTES, OwnDefinition, SecretSource};
pub use settings::{Access, AuthType, Durability};
pub use value::ValueType;

use crate::definitions::path::{self, Place};
use layers::Layers;
use settings::{PoolSettings, Settings, SnapshotSettings};

/// What to log where nothing else is said.
const DEFAULT_LOG: &str = "info";

/// Where state is kept across restarts, and how soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The file, an absolute path. It need not exist.
    pub path: PathBuf,
    /// How soon.
    pub durability: Durability,
}

/// The configuration in force. What a pool is told is asked for by its name: see [`Config::policy`].
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen; `None` leaves the choice to the protocol's rules.
    pub socket: Option<PathBuf>,
    /// The auth.json to serve, an absolute path. It need not exist.
    pub auth_file: PathBuf,
    /// The user's home folder, if there is one: logins that Hermes borrows are in it.
    pub home: Option<PathBuf>,
    /// Where its home stands among those that share a root, all of which are served.
    pub place: Place,
    /// The configuration file: the one named, or the usual one, which need not exist.
    pub file: Option<PathBuf>,
    /// What to log, as a `tracing` filter; not checked yet.
    pub log: String,
    /// Where state is kept; `None`: in memory.
    pub snapshot: Option<Snapshot>,
    /// Who may connect.
    pub access: Access,
    /// The limits of the protocol and of the daemon.
    pub limits: Limits,
    cooldowns: Cooldowns,
    guard: Guard,
    defaults: PoolSettings,
    pools: BTreeMap<String, PoolSettings>,
    own_definitions: BTreeMap<String, Vec<OwnDefinition>>,
}

impl Config {
    /// What a daemon that runs with `running` can take over of it, and the keys of which it can take over nothing: where
    /// it listens, what it logs, and the store and the snapshot that it holds the locks of.
    #[must_use]
    pub fn beside(self, running: &Self) -> (Self, Vec<&'static str>) {
        let differ = [
            ("socket", self.socket != running.socket),
            ("auth_file", self.auth_file != running.auth_file),
            ("log", self.log != running.log),
            ("snapshot", self.snapshot != running.snapshot),
        ];
        let Self { socket, auth_file, place, log, snapshot, .. } = running.clone();
        let keys = differ.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key);
        (Self { socket, auth_file, place, log, snapshot, ..self }, keys.collect())
    }

    /// The auth.json of the root home: `auth_file`, unless that is a profile's.
    #[must_use]
    pub fn root_auth_file(&self) -> PathBuf {
        if self.place.profile == path::ROOT_PROFILE { self.auth_file.clone() } else { self.place.root_auth_file() }
    }

    /// Reads and checks the configuration. `env` looks up a variable; `home` is the user's home folder, for `~` and
    /// the usual places.
    ///
    /// The file is the one that `--config` or `$CREDPOOL_CONFIG` names, which must exist, else
    /// `$XDG_CONFIG_HOME/credpool/config.toml`, else `~/.config/credpool/config.toml`, which need not.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the place that it comes from.
    pub fn load(cli: &Cli, env: impl Fn(&str) -> Option<String>, home: Option<&Path>) -> Result<Self, ConfigErrors> {
        let (file, text) = match find_file(cli, &env, home) {
            Ok(found) => found,
            Err(error) => return Err(ConfigErrors(vec![error])),
        };
        let source = file.as_deref().zip(text.as_deref());
        let Layers { table, origins, mut errors, .. } = Layers::read(cli, &env, home, source);
        let settings = Settings::deserialize(table).unwrap_or_else(|error| {
            // Values are checked one by one before, so this says that the table of keys and `Settings` differ.
            errors.push(ConfigError::Contradiction { key: "configuration".to_owned(), cause: error.to_string() });
            Settings::default()
        });
        let auth_file = settings.auth_file.or_else(|| path::auth_file(&env, home));
        if auth_file.is_none() {
            errors.push(ConfigError::Contradiction {
                key: "auth_file".to_owned(),
                cause: "must be set: there is neither $HERMES_HOME nor a home folder".to_owned(),
            });
        }
        let snapshot = snapshot(settings.snapshot, &mut errors);
        let limits = limits::limits(&settings.limits);
        limits::check_ttls(&limits, &settings.defaults, &settings.pools, &origins, &mut errors);
        let cooldowns = cooldown::cooldowns(&settings.cooldown, &origins, &mut errors);
        let own_definitions = settings
            .pools
            .iter()
            .map(|(name, pool)| (name.clone(), pools::own_definitions(name, pool, &mut errors)))
            .filter(|(_, rows)| !rows.is_empty())
            .collect();
        match auth_file {
            Some(auth_file) if errors.is_empty() => Ok(Self {
                socket: settings.socket,
                place: Place::of(&auth_file, home),
                auth_file,
                home: home.map(Path::to_owned),
                file,
                log: settings.log.unwrap_or_else(|| DEFAULT_LOG.to_owned()),
                snapshot,
                access: settings.access,
                limits,
                cooldowns,
                guard: cooldown::guard(&settings.guard),
                defaults: settings.defaults,
                pools: settings.pools,
                own_definitions,
            }),
            _ => Err(ConfigErrors(errors)),
        }
    }
}

fn snapshot(settings: SnapshotSettings, errors: &mut Vec<ConfigError>) -> Option<Snapshot> {
    if settings.path.is_none() && settings.durability == Some(Durability::Sync) {
        errors.push(ConfigError::Contradiction {
            key: "snapshot.durability".to_owned(),
            cause: "is of no use without snapshot.path: there is nothing to keep state in".to_owned(),
        });
    }
    settings.path.map(|path| Snapshot { path, durability: settings.durability.unwrap_or_default() })
}

/// The configuration file's path and text.
fn find_file(
    cli: &Cli,
    env: &impl Fn(&str) -> Option<String>,
    home: Option<&Path>,
) -> Result<(Option<PathBuf>, Option<String>), ConfigError> {
    let named = cli.config.clone().or_else(|| path::from_env(env, "CREDPOOL_CONFIG"));
    let must_exist = named.is_some();
    let usual = || {
        let folder = path::from_env(env, "XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        Some(folder.or_else(|| Some(home?.join(".config")))?.join("credpool/config.toml"))
    };
    let Some(path) = named.or_else(usual) else { return Ok((None, None)) };
    let path =
        std::path::absolute(&path).map_err(|error| ConfigError::Unreadable { path, cause: error.to_string() })?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((Some(path), Some(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => Ok((Some(path), None)),
        Err(error) => Err(ConfigError::Unreadable { path, cause: error.to_string() }),
    }
}

#[cfg(test)]
mod generated;
#[cfg(test)]
mod tests;
