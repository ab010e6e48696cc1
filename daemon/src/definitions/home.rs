//! One Hermes home: an auth.json, and the `.env` and `config.yaml` beside it.

use std::path::{Path, PathBuf};

use credpool_core::Strategy;
use credpool_proto::limits::Limits;

use super::dotenv::Dotenv;
use super::hermes_config::{self, Strategies};
use super::resolve;
use super::row::StoredRow;
use super::safe_file::{self, Demands, SafeFile};
use super::snapshot::{Problem, Row};
use super::store::Store;

/// The largest `.env` and `config.yaml`, in bytes.
const MAX_SIDE_FILE_BYTES: u64 = 1 << 20;

/// How often auth.json is read until it makes sense: a reader may catch a copy in place half-way.
const ATTEMPTS: usize = 2;

/// What the files of a Hermes home held when each of them could last be read.
pub(super) struct Home {
    auth_file: PathBuf,
    store: Option<Store>,
    dotenv: Dotenv,
    strategies: Strategies,
}

impl Home {
    /// A home that has not been read yet: the one that `auth_file` is in, wherever links lead.
    pub(super) fn new(auth_file: PathBuf) -> Self {
        Self { auth_file, store: None, dotenv: Dotenv::default(), strategies: Strategies::default() }
    }

    /// The files to watch. They need not exist.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        [self.auth_file.clone(), self.beside(".env"), self.beside("config.yaml")].into_iter()
    }

    /// Reads everything. A file that cannot be read or makes no sense, and an auth.json that is gone, leave what they
    /// held before.
    ///
    /// Whether auth.json could be read, or never was there.
    pub(super) fn read(&mut self, limits: &Limits, problems: &mut Vec<Problem>) -> bool {
        self.read_dotenv(problems);
        self.read_hermes_config(problems);
        self.read_store(limits, problems)
    }

    /// What auth.json held, if it ever was there.
    pub(super) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// The values of its `.env`.
    pub(super) fn dotenv(&self) -> &Dotenv {
        &self.dotenv
    }

    /// The strategy that its `config.yaml` has for a pool.
    pub(super) fn strategy(&self, pool: &str) -> Option<Strategy> {
        self.strategies.get(pool).copied()
    }

    /// The row to serve, its secret looked up where this home keeps it.
    pub(super) fn resolve(&self, pool: &str, stored: &StoredRow, env: &dyn Fn(&str) -> Option<String>) -> Row {
        resolve::resolve(pool, stored, &self.dotenv, env)
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
            Ok(Some(file)) => hermes_config::parse(&file.bytes, problems),
            Ok(None) => Ok(Strategies::default()),
            Err(error) => Err(error.to_string()),
        };
        match parsed {
            Ok(strategies) => self.strategies = strategies,
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
