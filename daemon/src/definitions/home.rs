//! One Hermes home: an auth.json, the `.env` and `config.yaml` beside it, and the files with logins that Hermes uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use credpool_core::Strategy;
use credpool_proto::limits::Limits;

use super::dotenv::Dotenv;
use super::hermes_config::HermesConfig;
use super::legacy::LegacyState;
use super::resolve;
use super::row::StoredRow;
use super::safe_file::{self, Demands, SafeFile};
use super::seeds::Places;
use super::snapshot::{Problem, Row};
use super::store::Store;
use super::token_file::{Holder, TokenFiles};

/// The largest `.env` and `config.yaml`, in bytes.
const MAX_SIDE_FILE_BYTES: u64 = 1 << 20;

/// How often auth.json is read until it makes sense: a reader may catch a copy in place half-way.
const ATTEMPTS: usize = 2;

/// What the files of a Hermes home held when each of them could last be read.
pub(super) struct Home {
    auth_file: PathBuf,
    store: Option<Store>,
    dotenv: Dotenv,
    config: HermesConfig,
    files: TokenFiles,
}

impl Home {
    /// A home that has not been read yet: the one that `auth_file` is in, wherever links lead. `user` is the home folder
    /// of its user.
    pub(super) fn new(auth_file: PathBuf, user: Option<&Path>) -> Self {
        let files = TokenFiles::new(auth_file.parent().unwrap_or(&auth_file), user);
        Self { auth_file, store: None, dotenv: Dotenv::default(), config: HermesConfig::default(), files }
    }

    /// The files to watch. They need not exist.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let tokens = Holder::ALL.into_iter().filter(|holder| self.wants(*holder));
        let tokens = tokens.filter_map(|holder| self.files.path(holder).map(Path::to_owned));
        [self.auth_file.clone(), self.beside(".env"), self.beside("config.yaml")].into_iter().chain(tokens)
    }

    /// Reads everything. A file that cannot be read or makes no sense, and an auth.json that is gone, leave what they
    /// held before.
    ///
    /// Whether auth.json could be read, or never was there.
    pub(super) fn read(&mut self, limits: &Limits, problems: &mut Vec<Problem>) -> bool {
        self.read_dotenv(problems);
        self.read_hermes_config(problems);
        let ok = self.read_store(limits, problems);
        let wanted: Vec<Holder> = Holder::ALL.into_iter().filter(|holder| self.wants(*holder)).collect();
        self.files.read(|holder| wanted.contains(&holder), problems);
        ok
    }

    /// What is wrong with the rows of auth.json.
    pub(super) fn problems(&self) -> &[Problem] {
        self.store.as_ref().map_or(&[], |store| &store.problems)
    }

    /// The pools as Hermes would load them, in this home: their rows, with their secrets.
    pub(super) fn pools(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<String, Vec<Row>> {
        let places = Places {
            dotenv: &self.dotenv,
            config: &self.config,
            store: self.store.as_ref(),
            root: None,
            files: &self.files,
            env,
        };
        let stored = self.store.iter().flat_map(|store| &store.pools);
        let names: BTreeSet<String> = stored.map(|(name, _)| name.clone()).chain(places.pools()).collect();
        let mut pools = BTreeMap::new();
        for name in names {
            let of_store = self.store.as_ref().and_then(|store| Some((store, store.pools.get(&name)?)));
            let rows = match of_store {
                Some((store, stored)) => {
                    let legacy = |row: &StoredRow| row.notes.merge(store.runtime.of(&name, &row.id));
                    resolve::rows(&name, stored, &places, &legacy, problems)
                }
                None => resolve::rows(&name, &[], &places, &|_| LegacyState::default(), problems),
            };
            if of_store.is_some() || !rows.is_empty() {
                pools.insert(name, rows);
            }
        }
        pools
    }

    /// Whether a login that stands in a file of its own is of interest: Hermes' own is, and others' where Hermes uses them.
    fn wants(&self, holder: Holder) -> bool {
        let rows = || self.store.as_ref().and_then(|store| store.pools.get(holder.pool()));
        holder.is_hermes() || rows().is_some_and(|rows| rows.iter().any(|row| row.source == holder.source()))
    }

    /// The values of its `.env`.
    pub(super) fn dotenv(&self) -> &Dotenv {
        &self.dotenv
    }

    /// The strategy that its `config.yaml` has for a pool.
    pub(super) fn strategy(&self, pool: &str) -> Option<Strategy> {
        self.config.strategies.get(pool).copied()
    }

    fn read_store(&mut self, limits: &Limits, problems: &mut Vec<Problem>) -> bool {
        let path = self.auth_file.display().to_string();
        match self.try_read_store(limits, problems) {
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

    fn try_read_store(&self, limits: &Limits, problems: &mut Vec<Problem>) -> Result<Option<Store>, String> {
        let demands = Demands { max_bytes: limits.auth_file_bytes as u64, holds_secrets: true };
        let mut attempt = 1;
        loop {
            let file = safe_file::read(&self.auth_file, demands).map_err(|error| error.to_string())?;
            let Some(file) = file else { return Ok(None) };
            match Store::parse(&file.bytes, limits.auth_file_rows) {
                Ok(store) => {
                    warn_if_readable(&self.auth_file, &file, problems);
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
            Ok(Some(file)) => HermesConfig::parse(&file.bytes, problems),
            Ok(None) => Ok(HermesConfig::default()),
            Err(error) => Err(error.to_string()),
        };
        match parsed {
            Ok(config) => self.config = config,
            Err(error) => problems.push(Problem::new(path.display().to_string(), error)),
        }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.auth_file.with_file_name(name)
    }
}

fn warn_if_readable(path: &Path, file: &SafeFile, problems: &mut Vec<Problem>) {
    if file.readable_by_others {
        problems.push(Problem::new(path.display().to_string(), "can be read by others than its owner"));
    }
}
