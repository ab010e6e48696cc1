//! One Hermes home: an auth.json, the `.env` and `config.yaml` beside it, and the files with logins that Hermes uses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use credpool_core::Strategy;
use credpool_proto::limits::Limits;

use super::dotenv::Dotenv;
use super::hermes_config::HermesConfig;
use super::legacy::LegacyState;
use super::resolve;
use super::row::StoredRow;
use super::safe_file::{self, Demands, FileError, SafeFile};
use super::seeds::Places;
use super::side_file::{Moment, NOTHING_SERVED, STILL_SERVED, SideFile};
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
    /// `None` until auth.json could be read, or was not there.
    store: Option<Store>,
    /// Whether auth.json has ever been there and made sense.
    was_there: bool,
    dotenv: SideFile<Dotenv>,
    config: SideFile<HermesConfig>,
    files: TokenFiles,
    /// Whose logins in files of their own are of interest.
    wanted: Vec<Holder>,
}

/// Whose rows a home leases.
pub(super) struct Source<'a> {
    pub(super) store: &'a Store,
    /// Whether it is the home's own auth.json, and not the root's.
    pub(super) is_own: bool,
}

impl Home {
    /// A home that has not been read yet: the one that `auth_file` is in, wherever links lead. `user` is the home folder
    /// of its user.
    pub(super) fn new(auth_file: PathBuf, user: Option<&Path>) -> Self {
        let beside = |name| auth_file.with_file_name(name);
        let demands = |holds_secrets| Demands { max_bytes: MAX_SIDE_FILE_BYTES, holds_secrets };
        Self {
            dotenv: SideFile::new(beside(".env"), demands(true)),
            config: SideFile::new(beside("config.yaml"), demands(false)),
            files: TokenFiles::new(auth_file.parent().unwrap_or(&auth_file), user),
            auth_file,
            store: None,
            was_there: false,
            wanted: Vec::new(),
        }
    }

    pub(super) fn auth_file(&self) -> &Path {
        &self.auth_file
    }

    /// The files to watch. They need not exist.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let tokens = self.wanted.iter().filter_map(|holder| self.files.path(*holder).map(Path::to_owned));
        let beside = [self.dotenv.path(), self.config.path()].map(Path::to_owned);
        std::iter::once(self.auth_file.clone()).chain(beside).chain(tokens)
    }

    /// Reads everything. A file that cannot be read or makes no sense, and an auth.json that is gone, leave what they
    /// held before; so do the others that are gone or empty, for a while.
    /// `root` is the auth.json of the root, if this is a profile's home.
    ///
    /// Whether auth.json could be read, or never was there.
    pub(super) fn read(
        &mut self,
        limits: &Limits,
        now: Instant,
        root: Option<&Store>,
        problems: &mut Vec<Problem>,
    ) -> bool {
        let moment = Moment { now, is_away: self.is_away() };
        self.read_dotenv(moment, problems);
        self.read_hermes_config(moment, problems);
        let ok = self.read_store(limits, problems);
        problems.extend(self.store.iter().flat_map(|store| store.problems.iter().cloned()));
        self.wanted = Holder::ALL.into_iter().filter(|holder| self.wants(*holder, root)).collect();
        self.files.read(moment, |holder| self.wanted.contains(&holder), problems);
        ok
    }

    /// Whether a file beside auth.json is to be read again soon, even if nobody hears of a change.
    pub(super) fn is_pending(&self) -> bool {
        self.dotenv.is_pending() || self.config.is_pending() || self.files.are_pending()
    }

    /// Whether the home itself is away: its folder, or the auth.json that it had.
    fn is_away(&self) -> bool {
        let is_gone = |path: &Path| !path.try_exists().unwrap_or(false);
        self.auth_file.parent().is_some_and(is_gone) || (self.was_there && is_gone(&self.auth_file))
    }

    /// What auth.json held: nothing if it never was there. `None` if it never could be read, so that nobody knows.
    pub(super) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// The auth.json whose rows this home leases in a pool: its own if that has any, else the root's, as in hermes-agent
    /// 0.19.0 (hermes_cli/auth.py, `read_credential_pool`). `None` if neither has the pool, or nobody knows what its own
    /// has.
    pub(super) fn source<'a>(&'a self, pool: &str, root: Option<&'a Store>) -> Option<Source<'a>> {
        let own = self.store.as_ref()?;
        let root = root.filter(|root| !own.lists(pool) && root.pools.contains_key(pool));
        match root {
            Some(store) => Some(Source { store, is_own: false }),
            None => own.pools.contains_key(pool).then_some(Source { store: own, is_own: true }),
        }
    }

    /// The pools that there may be because of what stands beside auth.json.
    pub(super) fn seeded_pools(&self, root: Option<&Store>, env: &dyn Fn(&str) -> Option<String>) -> BTreeSet<String> {
        self.places(root, env).pools().collect()
    }

    /// The rows of a pool as Hermes would load them in this home, with their secrets: those of `source`, which may be the
    /// root's, filled with what this home has for them.
    pub(super) fn rows(
        &self,
        pool: &str,
        source: Option<&Source<'_>>,
        root: Option<&Store>,
        env: &dyn Fn(&str) -> Option<String>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Row> {
        if self.store.is_none() {
            return Vec::new();
        }
        let stored = source.and_then(|source| source.store.pools.get(pool)).map_or(&[][..], Vec::as_slice);
        let legacy = |row: &StoredRow| {
            source.map_or(LegacyState::default(), |source| row.notes.merge(source.store.runtime.of(pool, &row.id)))
        };
        resolve::rows(pool, stored, &self.places(root, env), &legacy, problems)
    }

    /// Whether this home makes of these rows what every other makes of them.
    pub(super) fn takes_as_they_are(
        &self,
        pool: &str,
        stored: &[StoredRow],
        root: Option<&Store>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> bool {
        stored.iter().all(|row| resolve::is_manual(&row.source))
            && self.places(root, env).seeds(pool, stored).is_empty()
    }

    fn places<'a>(&'a self, root: Option<&'a Store>, env: &'a dyn Fn(&str) -> Option<String>) -> Places<'a> {
        let store = self.store.as_ref();
        Places { dotenv: self.dotenv.held(), config: self.config.held(), store, root, files: &self.files, env }
    }

    /// Whether a login that stands in a file of its own is of interest: Hermes' own is, and others' where Hermes uses them.
    fn wants(&self, holder: Holder, root: Option<&Store>) -> bool {
        let source = self.source(holder.pool(), root);
        let rows = source.and_then(|source| source.store.pools.get(holder.pool()));
        holder.is_hermes() || rows.is_some_and(|rows| rows.iter().any(|row| row.source == holder.source()))
    }

    /// The values of its `.env`.
    pub(super) fn dotenv(&self) -> &Dotenv {
        self.dotenv.held()
    }

    /// The strategy that its `config.yaml` has for a pool.
    pub(super) fn strategy(&self, pool: &str) -> Option<Strategy> {
        self.config.held().strategies.get(pool).copied()
    }

    fn read_store(&mut self, limits: &Limits, problems: &mut Vec<Problem>) -> bool {
        let path = self.auth_file.display().to_string();
        match self.try_read_store(limits, problems) {
            Ok(Some(store)) => {
                self.store = Some(store);
                self.was_there = true;
            }
            Ok(None) if !self.was_there => self.store = Some(Store::default()),
            Ok(None) => {
                problems.push(Problem::new(path, format!("is gone; {STILL_SERVED}")));
                return false;
            }
            Err(error) => {
                let served = if self.was_there { STILL_SERVED } else { NOTHING_SERVED };
                problems.push(Problem::new(path, format!("{error}; {served}")));
                return false;
            }
        }
        true
    }

    fn try_read_store(&self, limits: &Limits, problems: &mut Vec<Problem>) -> Result<Option<Store>, String> {
        let demands = Demands { max_bytes: limits.auth_file_bytes as u64, holds_secrets: true };
        let mut attempt = 1;
        loop {
            let file = safe_file::read(&self.auth_file, demands).map_err(|error| match error {
                FileError::TooLarge(_) => format!("{error}, which limits.auth_file could allow"),
                error => error.to_string(),
            })?;
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

    fn read_dotenv(&mut self, moment: Moment, problems: &mut Vec<Problem>) {
        let mut readable = Vec::new();
        let path = self.dotenv.path().to_owned();
        let parse = |file: &SafeFile| {
            warn_if_readable(&path, file, &mut readable);
            Ok(Dotenv::parse(&file.bytes))
        };
        self.dotenv.read(moment, parse, problems);
        problems.extend(readable);
    }

    fn read_hermes_config(&mut self, moment: Moment, problems: &mut Vec<Problem>) {
        let mut strategies = Vec::new();
        self.config.read(moment, |file| HermesConfig::parse(&file.bytes, &mut strategies), problems);
        problems.extend(strategies);
    }
}

fn warn_if_readable(path: &Path, file: &SafeFile, problems: &mut Vec<Problem>) {
    if file.readable_by_others {
        problems.push(Problem::new(path.display().to_string(), "can be read by others than its owner"));
    }
}
