//! Reading all definitions, again and again, and keeping the last good ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use credpool_core::Strategy;

use super::dotenv::Dotenv;
use super::hermes_config::{self, Strategies};
use super::safe_file::{self, Demands, SafeFile};
use super::snapshot::{Definitions, PoolRows, Problem};
use super::store::Store;
use super::{own_rows, resolve};
use crate::config::{Config, SecretSource};

/// The largest `.env` and `config.yaml`, in bytes.
const MAX_SIDE_FILE_BYTES: u64 = 1 << 20;

/// How often auth.json is read until it makes sense: a reader may catch a copy in place half-way.
const ATTEMPTS: usize = 2;

/// The most problems that one load names.
const MAX_PROBLEMS: usize = 1_000;

/// Looks up a variable of the environment.
pub type Env = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Reads definitions. It blocks, and never writes anything nor takes a lock.
pub struct Loader {
    config: Config,
    env: Env,
    store: Option<Store>,
    dotenv: Dotenv,
    strategies: Strategies,
    last: Option<Arc<Definitions>>,
}

/// What a [`Loader`] found.
#[derive(Debug)]
pub struct LoadOutcome {
    /// What to serve; where files could not be read, what they held before.
    pub definitions: Arc<Definitions>,
    /// Whether what the credentials are differs from the last time, or the configuration was replaced since. True the
    /// first time.
    pub changed: bool,
    /// Whether what Hermes noted about them differs from the last time. True the first time.
    pub legacy_changed: bool,
    /// Whether auth.json could be read, or never was there.
    pub ok: bool,
    /// What is wrong. It holds no secret.
    pub problems: Vec<Problem>,
    /// The auth.json that is served.
    pub auth_file: Option<PathBuf>,
}

impl Loader {
    /// What reads the definitions that `config` names. `env` looks up variables of the daemon's environment.
    #[must_use]
    pub fn new(config: Config, env: Env) -> Self {
        Self { config, env, store: None, dotenv: Dotenv::default(), strategies: Strategies::default(), last: None }
    }

    /// Takes a configuration that was read again. The next load counts as changed. What was read of another auth.json
    /// is forgotten.
    pub fn set_config(&mut self, config: Config) {
        if config.auth_file != self.config.auth_file {
            self.store = None;
            self.dotenv = Dotenv::default();
            self.strategies = Strategies::default();
        }
        self.config = config;
        self.last = None;
    }

    /// The files to watch. They need not exist.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let own_secrets =
            self.config.own_definitions().flat_map(|(_, rows)| rows).filter_map(|row| match &row.source {
                SecretSource::File(path) => Some(path.clone()),
                SecretSource::Env(_) => None,
            });
        [self.config.auth_file.clone(), self.beside(".env"), self.beside("config.yaml")]
            .into_iter()
            .chain(self.config.file.clone())
            .chain(own_secrets)
            .collect()
    }

    /// Reads everything. A file that cannot be read or makes no sense, and an auth.json that is gone, leave what they
    /// held before.
    pub fn load(&mut self) -> LoadOutcome {
        let mut problems = Vec::new();
        self.read_dotenv(&mut problems);
        self.read_hermes_config(&mut problems);
        let ok = self.read_store(&mut problems);
        let definitions = Arc::new(self.assemble(&mut problems));
        if problems.len() > MAX_PROBLEMS {
            let more = problems.drain(MAX_PROBLEMS..).count();
            problems.push(Problem::new("definitions", format!("have {more} more problems")));
        }
        let last = self.last.replace(Arc::clone(&definitions));
        LoadOutcome {
            changed: last.as_ref().is_none_or(|last| last.digest != definitions.digest),
            legacy_changed: last.as_ref().is_none_or(|last| last.legacy_digest != definitions.legacy_digest),
            definitions,
            ok,
            problems,
            auth_file: Some(self.config.auth_file.clone()),
        }
    }

    fn read_store(&mut self, problems: &mut Vec<Problem>) -> bool {
        let path = self.config.auth_file.display().to_string();
        match self.try_read_store(problems) {
            Ok(Some(store)) => self.store = Some(store),
            Ok(None) if self.store.is_none() => {}
            Ok(None) => {
                problems.push(Problem::new(path, "is gone; what it held is still served"));
                return false;
            }
            Err(error) => {
                let served = if self.store.is_some() { "; what it held before is still served" } else { "" };
                problems.push(Problem::new(path, format!("{error}{served}")));
                return false;
            }
        }
        true
    }

    fn try_read_store(&self, problems: &mut Vec<Problem>) -> Result<Option<Store>, String> {
        let limits = &self.config.limits;
        let demands = Demands { max_bytes: limits.auth_file_bytes as u64, holds_secrets: true };
        let mut attempt = 1;
        loop {
            let file = safe_file::read(&self.config.auth_file, demands).map_err(|error| error.to_string())?;
            let Some(file) = file else { return Ok(None) };
            match Store::parse(&file.bytes, limits.auth_file_rows) {
                Ok(store) => {
                    warn_if_readable(&self.config.auth_file, &file, problems);
                    return Ok(Some(store));
                }
                Err(error) if attempt == ATTEMPTS => return Err(error.to_string()),
                Err(_) => attempt += 1,
            }
        }
    }

    fn read_dotenv(&mut self, problems: &mut Vec<Problem>) {
        let path = self.beside(".env");
        match safe_file::read(&path, Demands { max_bytes: MAX_SIDE_FILE_BYTES, holds_secrets: true }) {
            Ok(Some(file)) => {
                warn_if_readable(&path, &file, problems);
                self.dotenv = Dotenv::parse(&file.bytes);
            }
            Ok(None) => self.dotenv = Dotenv::default(),
            Err(error) => problems.push(Problem::new(path.display().to_string(), error.to_string())),
        }
    }

    fn read_hermes_config(&mut self, problems: &mut Vec<Problem>) {
        let path = self.beside("config.yaml");
        let parsed = match safe_file::read(&path, Demands { max_bytes: MAX_SIDE_FILE_BYTES, holds_secrets: false }) {
            Ok(Some(file)) => hermes_config::parse(&file.bytes, problems),
            Ok(None) => Ok(Strategies::default()),
            Err(error) => Err(error.to_string()),
        };
        match parsed {
            Ok(strategies) => self.strategies = strategies,
            Err(error) => problems.push(Problem::new(path.display().to_string(), error)),
        }
    }

    fn assemble(&self, problems: &mut Vec<Problem>) -> Definitions {
        let mut pools: BTreeMap<String, PoolRows> = BTreeMap::new();
        if let Some(store) = &self.store {
            problems.extend(store.problems.iter().cloned());
            for (name, stored) in &store.pools {
                let rows = stored.iter().map(|stored| {
                    let mut row = resolve::resolve(name, stored, &self.dotenv, &self.env);
                    row.legacy = Some(stored.notes.merge(store.runtime.of(name, &stored.id)));
                    row
                });
                pools.insert(name.clone(), PoolRows { rows: rows.collect(), strategy: None });
            }
        }
        for (name, definitions) in self.config.own_definitions() {
            let pool = pools.entry(name.to_owned()).or_default();
            let mut ids: BTreeSet<String> = pool.rows.iter().map(|row| row.id.clone()).collect();
            for (index, definition) in definitions.iter().enumerate() {
                let row = own_rows::row(name, definition, &self.dotenv, &self.env, problems);
                if ids.insert(row.id.clone()) {
                    pool.rows.push(row);
                } else {
                    let place = format!("pools.{name}.definitions[{index}]");
                    let id = super::printable(&row.id);
                    problems.push(Problem::new(place, format!("has the id of an earlier row, {id}, and is left out")));
                }
            }
        }
        for (name, pool) in &mut pools {
            pool.strategy = self.strategies.get(name).copied();
        }
        Definitions::new(pools, |name, pool| self.config.policy(name, pool.strategy).strategy == Strategy::RoundRobin)
    }

    /// A file beside auth.json: in the Hermes home, wherever links lead.
    fn beside(&self, name: &str) -> PathBuf {
        self.config.auth_file.with_file_name(name)
    }
}

fn warn_if_readable(path: &Path, file: &SafeFile, problems: &mut Vec<Problem>) {
    if file.readable_by_others {
        problems.push(Problem::new(path.display().to_string(), "can be read by others than its owner"));
    }
}

#[cfg(test)]
mod tests;
