//! Reading all definitions, again and again, and keeping the last good ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use credpool_core::Strategy;

use super::duplicates;
use super::homes::Homes;
use super::merge::{Listing, Merge};
use super::own_rows::{self, SecretFiles};
use super::path::ROOT_PROFILE;
use super::snapshot::{Definitions, Home, PoolRows, Problem};
use crate::config::{Config, SecretSource};

/// The most problems that one load names.
const MAX_PROBLEMS: usize = 1_000;

/// Looks up a variable of the environment.
pub type Env = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Reads definitions. It blocks, and never writes anything nor takes a lock.
pub struct Loader {
    config: Config,
    env: Env,
    homes: Homes,
    secrets: SecretFiles,
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
    /// Whether each auth.json could be read, or never was there.
    pub ok: bool,
    /// Whether it is to be read again soon, even if no file changes.
    pub again: bool,
    /// What is wrong. It holds no secret.
    pub problems: Vec<Problem>,
    /// The auth.json that is served.
    pub auth_file: Option<PathBuf>,
}

impl Loader {
    /// What reads the definitions that `config` names. `env` looks up variables of the daemon's environment.
    #[must_use]
    pub fn new(config: Config, env: Env) -> Self {
        Self { homes: Homes::new(&config), config, env, secrets: SecretFiles::default(), last: None }
    }

    /// Takes a configuration that was read again. The next load counts as changed. The auth.json stays the one that it
    /// was: another daemon may serve the other.
    pub fn set_config(&mut self, config: Config) {
        self.config = config;
        self.last = None;
    }

    /// The files to watch. They need not exist.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.homes.files().chain(self.config.file.clone()).chain(secret_files(&self.config).cloned()).collect()
    }

    /// Reads everything, at this moment. A file that cannot be read or makes no sense, and an auth.json that is gone,
    /// leave what they held before; so do other files of Hermes that are gone or empty, for half a minute.
    pub fn load(&mut self, now: Instant) -> LoadOutcome {
        let mut problems = Vec::new();
        let ok = self.homes.read(&self.config.limits, now, &mut problems);
        self.secrets.read(secret_files(&self.config), &mut problems);
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
            again: !ok || self.homes.iter().any(|(_, home)| home.is_pending()),
            problems,
            auth_file: Some(self.config.auth_file.clone()),
        }
    }

    fn assemble(&self, problems: &mut Vec<Problem>) -> Definitions {
        let mut names: BTreeSet<String> = self.config.own_definitions().map(|(name, _)| name.to_owned()).collect();
        for (profile, home) in self.homes.iter() {
            names.extend(home.store().iter().flat_map(|store| store.pools.keys().cloned()));
            names.extend(home.seeded_pools(self.homes.root_of(profile), &self.env));
        }
        let pools = names.into_iter().filter_map(|name| {
            let mut pool = self.pool(&name, problems);
            pool.warnings = duplicates::warnings(&self.config, &name, &pool);
            (!pool.lists.is_empty()).then_some((name, pool))
        });
        let pools: BTreeMap<String, PoolRows> = pools.collect();
        problems.extend(self.config.credential_names().filter_map(|(pool, name)| {
            let has = |rows: &PoolRows| {
                let mut credentials = rows.credentials.iter();
                credentials.any(|credential| *credential.id == *name || rows.rows[credential.row].label == name)
            };
            let place = format!("pools.{pool}.credentials.{}", super::printable(name));
            (!pools.get(pool).is_some_and(has)).then(|| Problem::new(place, "is the id or label of no credential"))
        }));
        let homes = self.homes.iter().map(|(profile, home)| {
            let (profile, auth_file) = (Arc::clone(profile), home.auth_file().to_owned());
            Home { profile, auth_file }
        });
        Definitions::new(homes.collect(), pools)
    }

    /// What the homes list for one pool, and behind it what our own configuration has.
    fn pool(&self, name: &str, problems: &mut Vec<Problem>) -> PoolRows {
        let mut merge = Merge::default();
        let (mut of_root, mut own) = (Vec::new(), Vec::new());
        let mut known = problems.len()..problems.len();
        for (profile, home) in self.homes.iter() {
            let root = self.homes.root_of(profile);
            let source = home.source(name, root);
            let of_others = source.as_ref().filter(|source| !source.is_own);
            let stored = of_others.and_then(|source| source.store.pools.get(name)).map_or(&[][..], Vec::as_slice);
            let mut listing = Listing::default();
            if of_others.is_some() && home.takes_as_they_are(name, stored, root, &self.env) {
                // The rows that the root has of its environment stand behind those of its file.
                for row in of_root.iter().take(stored.len()) {
                    merge.again(&mut listing, *row);
                }
            } else {
                let mut wrong = Vec::new();
                for row in home.rows(name, source.as_ref(), root, &self.env, &mut wrong) {
                    merge.add(profile, &mut listing, row.with_a_secret_that_fits(name, &mut wrong));
                }
                // What is wrong with the root's rows is said once.
                wrong.retain(|problem| of_others.is_none() || !problems[known.clone()].contains(problem));
                problems.extend(wrong.into_iter().map(|problem| problem.of(profile)));
            }
            if &**profile == ROOT_PROFILE {
                of_root = listing.rows().to_vec();
                known.end = problems.len();
                own = self.add_own(name, &mut merge, &mut listing, problems);
            } else {
                let left_out = own.iter().filter(|(_, row)| !merge.again(&mut listing, *row));
                let wrong = left_out.map(|(index, row)| left_out_row(name, *index, merge.id(*row)).of(profile));
                problems.extend(wrong);
            }
            if source.is_some() || !listing.rows().is_empty() {
                let owner = if of_others.is_some() { ROOT_PROFILE } else { profile };
                let unordered = self.is_round_robin(owner, name) || self.is_round_robin(profile, name);
                merge.close(profile, listing, home.strategy(name), unordered);
            }
        }
        merge.finish(self.homes.main().strategy(name))
    }

    /// Lists the rows of our own configuration; their places there, and which rows of the pool they are.
    fn add_own(
        &self,
        pool: &str,
        merge: &mut Merge,
        listing: &mut Listing,
        problems: &mut Vec<Problem>,
    ) -> Vec<(usize, usize)> {
        let mut added = Vec::new();
        let own = self.config.own_definitions().filter(|(name, _)| *name == pool).flat_map(|(_, rows)| rows);
        for (index, definition) in own.enumerate() {
            let row = own_rows::row(pool, definition, &self.secrets, self.homes.main().dotenv(), &self.env);
            let row = row.with_a_secret_that_fits(pool, problems);
            if listing.has(&row.id) {
                problems.push(left_out_row(pool, index, &row.id));
            } else {
                merge.add(ROOT_PROFILE, listing, row);
                added.extend(listing.rows().last().map(|row| (index, *row)));
            }
        }
        added
    }

    /// Whether the home of a profile chooses by turns, which Hermes writes into the order of its rows.
    fn is_round_robin(&self, profile: &str, pool: &str) -> bool {
        let hermes = self.homes.home(profile).and_then(|home| home.strategy(pool));
        self.config.policy(pool, hermes).strategy == Strategy::RoundRobin
    }
}

/// What is wrong with a row of our configuration whose id another row of the list has.
fn left_out_row(pool: &str, index: usize, id: &str) -> Problem {
    let id = super::printable(id);
    let place = format!("pools.{pool}.definitions[{index}]");
    Problem::new(place, format!("has the id of an earlier row, {id}, and is left out"))
}

/// The files that our configuration names for secrets.
fn secret_files(config: &Config) -> impl Iterator<Item = &PathBuf> {
    config.own_definitions().flat_map(|(_, rows)| rows).filter_map(|row| match &row.source {
        SecretSource::File(path) => Some(path),
        SecretSource::Env(_) => None,
    })
}

#[cfg(test)]
mod tests;
