//! Reading all definitions, again and again, and keeping the last good ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use credpool_core::Strategy;

use super::home::Home;
use super::own_rows;
use super::snapshot::{Definitions, PoolRows, Problem};
use crate::config::{Config, SecretSource};

/// The most problems that one load names.
const MAX_PROBLEMS: usize = 1_000;

/// Looks up a variable of the environment.
pub type Env = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Reads definitions. It blocks, and never writes anything nor takes a lock.
pub struct Loader {
    config: Config,
    env: Env,
    home: Home,
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
        Self { home: home(&config), config, env, last: None }
    }

    /// Takes a configuration that was read again. The next load counts as changed. What was read of another auth.json
    /// is forgotten.
    pub fn set_config(&mut self, config: Config) {
        if config.auth_file != self.config.auth_file {
            self.home = home(&config);
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
        self.home.files().chain(self.config.file.clone()).chain(own_secrets).collect()
    }

    /// Reads everything. A file that cannot be read or makes no sense, and an auth.json that is gone, leave what they
    /// held before.
    pub fn load(&mut self) -> LoadOutcome {
        let mut problems = Vec::new();
        let ok = self.home.read(&self.config.limits, &mut problems);
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

    fn assemble(&self, problems: &mut Vec<Problem>) -> Definitions {
        problems.extend(self.home.problems().iter().cloned());
        let rows = self.home.pools(&self.env, problems).into_iter();
        let mut pools: BTreeMap<String, PoolRows> =
            rows.map(|(name, rows)| (name, PoolRows { rows, strategy: None })).collect();
        for (name, definitions) in self.config.own_definitions() {
            let pool = pools.entry(name.to_owned()).or_default();
            let mut ids: BTreeSet<String> = pool.rows.iter().map(|row| row.id.clone()).collect();
            for (index, definition) in definitions.iter().enumerate() {
                let row = own_rows::row(name, definition, self.home.dotenv(), &self.env, problems);
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
            pool.strategy = self.home.strategy(name);
        }
        Definitions::new(pools, |name, pool| self.config.policy(name, pool.strategy).strategy == Strategy::RoundRobin)
    }
}

fn home(config: &Config) -> Home {
    Home::new(config.auth_file.clone(), config.home.as_deref())
}

#[cfg(test)]
mod tests;
