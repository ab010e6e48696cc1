//! What the daemon knows of credentials beyond what the core does: labels, secrets, base URLs, and the bytes of each as
//! they stand in a lease.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use credpool_core::{CredentialKey, PoolKey, Seq, Wall};
use credpool_proto::reply::{Credential, ExposedSecret, SecretRef};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroize;

use crate::auth_header::auth_header;
use crate::definitions::{self, Definitions, Home, PoolRows, Problem, Row};

/// The definitions as they were last read, by the core's keys.
#[derive(Default)]
pub(crate) struct Catalogue {
    definitions: Arc<Definitions>,
    by_name: BTreeMap<Arc<str>, PoolKey>,
    pools: BTreeMap<PoolKey, Pool>,
    entries: BTreeMap<CredentialKey, Entry>,
    auth_file: Option<PathBuf>,
    loaded_at: Option<Wall>,
    /// How many times the definitions in use became others.
    changes: u64,
    /// Whether the files could be read the last time; if not, earlier definitions are in use.
    current: bool,
    problems: Vec<Problem>,
}

struct Pool {
    name: Arc<str>,
    /// The keys of its credentials, in their order among the definitions.
    keys: Vec<CredentialKey>,
    /// By row, the bytes of a lease's `credential` with its secret, and the epoch that they say.
    rendered: RefCell<Vec<Option<(Seq, Rendered)>>>,
}

#[derive(Clone, Copy)]
struct Entry {
    pool: PoolKey,
    /// Its place among the pool's credentials.
    credential: usize,
}

/// A credential as it stands in a lease. It may hold a secret: it cannot be printed, and is wiped when dropped.
#[derive(Clone)]
pub(crate) struct Rendered(Rc<Wiped>);

struct Wiped(Option<Box<RawValue>>);

impl Drop for Wiped {
    fn drop(&mut self) {
        if let Some(raw) = self.0.take() {
            let text: Box<str> = raw.into();
            text.into_string().zeroize();
        }
    }
}

impl Serialize for Rendered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.0.serialize(serializer)
    }
}

/// What became of one pool's definitions in the core.
pub(crate) struct PoolKeys {
    /// The pool.
    pub name: Arc<str>,
    /// Its key.
    pub key: PoolKey,
    /// Its credentials' keys, in the order of the definitions.
    pub credentials: Vec<CredentialKey>,
}

impl Catalogue {
    /// Takes over new definitions, for which the core gave `keys`.
    pub(crate) fn replace(&mut self, definitions: Arc<Definitions>, keys: Vec<PoolKeys>) {
        self.by_name.clear();
        self.pools.clear();
        self.entries.clear();
        for PoolKeys { name, key, credentials } in keys {
            let Some(rows) = definitions.pools.get(&*name) else { continue };
            let entries = credentials.iter().enumerate();
            self.entries.extend(entries.map(|(credential, of)| (*of, Entry { pool: key, credential })));
            let rendered = RefCell::new(vec![None; rows.rows.len()]);
            self.pools.insert(key, Pool { name: Arc::clone(&name), keys: credentials, rendered });
            self.by_name.insert(name, key);
        }
        self.definitions = definitions;
        self.changes += 1;
    }

    /// Notes how the last reading of the files went.
    pub(crate) fn note(&mut self, auth_file: Option<PathBuf>, current: bool, problems: Vec<Problem>, at: Wall) {
        if current {
            self.loaded_at = Some(at);
        }
        self.auth_file = auth_file;
        self.current = current;
        self.problems = problems;
    }

    /// The definitions in use.
    pub(crate) fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// The homes that are served, the root's first.
    pub(crate) fn homes(&self) -> &[Home] {
        &self.definitions.homes
    }

    /// The pools by name, or those of one profile.
    pub(crate) fn pools(&self, profile: Option<&str>) -> impl Iterator<Item = (&str, PoolKey)> {
        let is_its = move |key: &PoolKey| self.rows(*key).is_some_and(|rows| rows.names.of(profile).is_some());
        self.by_name.iter().filter(move |(_, key)| is_its(key)).map(|(name, key)| (&**name, *key))
    }

    /// A pool by name, if the profile has it.
    #[must_use]
    pub(crate) fn pool(&self, name: &str, profile: Option<&str>) -> Option<PoolKey> {
        let key = self.by_name.get(name).copied()?;
        self.rows(key)?.names.of(profile).map(|_| key)
    }

    /// A credential of a pool by id, as the profile's home has it.
    #[must_use]
    pub(crate) fn by_id(&self, pool: PoolKey, profile: Option<&str>, id: &str) -> Option<CredentialKey> {
        let credential = self.rows(pool)?.names.of(profile)?.by_id(id)?;
        self.pools.get(&pool)?.keys.get(credential).copied()
    }

    /// A credential of a pool by id, or by label if that is unique.
    ///
    /// # Errors
    /// Those that bear the label, if there are several; none, if nobody has that id or label.
    pub(crate) fn by_name(
        &self,
        pool: PoolKey,
        profile: Option<&str>,
        name: &str,
    ) -> Result<CredentialKey, Vec<CredentialKey>> {
        let bearers = self.bearers_for(pool, profile, name);
        match bearers[..] {
            [key] => Ok(key),
            _ => Err(bearers),
        }
    }

    /// Those of a pool that some profile knows by this id or label.
    pub(crate) fn bearers(&self, pool: PoolKey, name: &str) -> Vec<CredentialKey> {
        self.bearers_for(pool, None, name)
    }

    fn bearers_for(&self, pool: PoolKey, profile: Option<&str>, name: &str) -> Vec<CredentialKey> {
        let names = self.rows(pool).and_then(|rows| rows.names.of(profile));
        let (Some(pool), Some(names)) = (self.pools.get(&pool), names) else { return Vec::new() };
        let by_id = names.by_id(name);
        let by_label = by_id.is_none().then(|| names.by_label(name)).into_iter().flatten();
        by_id.into_iter().chain(by_label).filter_map(|at| pool.keys.get(at).copied()).collect()
    }

    /// A credential of a pool as somebody of the profile names it: as the profile's home does, or, whosever it is, as
    /// `NAME@PROFILE` by the home of that other profile.
    ///
    /// # Errors
    /// As for `by_name`. Without a profile, the names of others stand for nothing: they may come to mean another key.
    pub(crate) fn named(&self, pool: PoolKey, profile: &str, name: &str) -> Result<CredentialKey, Vec<CredentialKey>> {
        let own = self.by_name(pool, Some(profile), name);
        match (own, name.rsplit_once('@')) {
            (Err(bearers), Some((name, owner))) if bearers.is_empty() => self.by_name(pool, Some(owner), name),
            (own, _) => own,
        }
    }

    /// What somebody of the profile calls a credential: see `named`.
    #[must_use]
    pub(crate) fn called(&self, key: CredentialKey, profile: &str) -> Option<Cow<'_, str>> {
        let entry = self.entries.get(&key)?;
        let names = &self.rows(entry.pool)?.names;
        if names.lists(profile, entry.credential) {
            return self.row(key, Some(profile)).map(|row| Cow::Borrowed(row.id.as_str()));
        }
        match self.profiles(key).next() {
            Some(owner) => self.row(key, Some(owner)).map(|row| format!("{}@{owner}", row.id).into()),
            None => self.id(key).map(Cow::Borrowed),
        }
    }

    /// The definition of a credential: the row that the profile's home has for it, or else the first.
    #[must_use]
    pub(crate) fn row(&self, key: CredentialKey, profile: Option<&str>) -> Option<&Row> {
        let (rows, _, at) = self.find(key, profile)?;
        rows.rows.get(at)
    }

    /// What a credential is called in its whole pool.
    #[must_use]
    pub(crate) fn id(&self, key: CredentialKey) -> Option<&str> {
        let entry = self.entries.get(&key)?;
        self.rows(entry.pool)?.credentials.get(entry.credential).map(|credential| &*credential.id)
    }

    /// What an operator should know of a pool's definitions.
    pub(crate) fn warnings(&self, pool: PoolKey) -> impl Iterator<Item = &str> {
        self.rows(pool).into_iter().flat_map(|rows| &rows.warnings).map(String::as_str)
    }

    /// The profiles that may lease a credential.
    pub(crate) fn profiles(&self, key: CredentialKey) -> impl Iterator<Item = &Arc<str>> {
        let found = self.entries.get(&key).and_then(|entry| Some((entry.credential, self.rows(entry.pool)?)));
        found.into_iter().flat_map(|(credential, rows)| {
            let lists = rows.lists.iter().enumerate().filter(move |(list, _)| rows.names.has(*list, credential));
            lists.flat_map(|(_, list)| &list.profiles)
        })
    }

    fn rows(&self, pool: PoolKey) -> Option<&PoolRows> {
        self.pools.get(&pool).and_then(|pool| self.definitions.pools.get(&*pool.name))
    }

    /// The rows of a credential's pool, the pool, and the row that a profile's home has for the credential.
    fn find(&self, key: CredentialKey, profile: Option<&str>) -> Option<(&PoolRows, &Pool, usize)> {
        let entry = self.entries.get(&key)?;
        let pool = self.pools.get(&entry.pool)?;
        let rows = self.rows(entry.pool)?;
        let of_list = profile.and_then(|profile| rows.names.row(profile, entry.credential));
        let at = of_list.or_else(|| rows.credentials.get(entry.credential).map(|credential| credential.row))?;
        Some((rows, pool, at))
    }

    /// A credential as it stands in a lease of the profile.
    #[must_use]
    pub(crate) fn render(
        &self,
        key: CredentialKey,
        profile: Option<&str>,
        run: u64,
        epoch: Seq,
        with_secret: bool,
    ) -> Option<Rendered> {
        let (rows, pool, at) = self.find(key, profile)?;
        let row = rows.rows.get(at)?;
        let name = &*pool.name;
        let epoch_text = || self.epoch_text(run, epoch);
        if !with_secret {
            return render(row, name, None, &epoch_text());
        }
        let mut rendered = pool.rendered.borrow_mut();
        let rendered = rendered.get_mut(at)?;
        match rendered {
            Some((of, bytes)) if *of == epoch => Some(bytes.clone()),
            _ => {
                let secret = row.secret.as_ref().map(|secret| ExposedSecret(secret.expose()));
                let bytes = render(row, name, secret, &epoch_text())?;
                *rendered = Some((epoch, bytes.clone()));
                Some(bytes)
            }
        }
    }

    /// An epoch on the wire: opaque to clients, and of one run.
    #[must_use]
    pub(crate) fn epoch_text(&self, run: u64, epoch: Seq) -> String {
        format!("{run:012x}-{:x}", epoch.0)
    }

    /// Reads an epoch; what is not of this run is older than anything in it.
    #[must_use]
    pub(crate) fn epoch(&self, run: u64, text: &str) -> Seq {
        let own = text.split_once('-').and_then(|(of, epoch)| {
            let same = u64::from_str_radix(of, 16) == Ok(run);
            u64::from_str_radix(epoch, 16).ok().filter(|_| same)
        });
        Seq(own.unwrap_or(0))
    }

    /// The auth store that is served.
    #[must_use]
    pub(crate) fn auth_file(&self) -> Option<&Path> {
        self.auth_file.as_deref()
    }

    /// When the files were last read without failure.
    #[must_use]
    pub(crate) fn loaded_at(&self) -> Option<Wall> {
        self.loaded_at
    }

    /// How many times the definitions in use became others.
    #[must_use]
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the files could be read the last time.
    #[must_use]
    pub(crate) fn is_current(&self) -> bool {
        self.current
    }

    /// What was wrong with the files the last time.
    #[must_use]
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn render(row: &Row, pool: &str, secret: Option<ExposedSecret<'_>>, epoch: &str) -> Option<Rendered> {
    let credential = Credential {
        id: Cow::Borrowed(row.id.as_str()),
        label: Cow::Borrowed(row.label.as_str()),
        auth_type: row.auth_type.as_str().into(),
        secret_ref: if secret.is_none() { row.secret_ref.as_ref().map(reference) } else { None },
        secret,
        auth: auth_header(pool, row.base_url.as_deref(), row.auth_type, row.secret.as_ref()),
        secret_expires_at_ms: row.secret_expires_at_ms,
        base_url: row.base_url.as_deref().map(Cow::Borrowed),
        fingerprint: row.fingerprint.as_deref().map(Cow::Borrowed),
        epoch: Cow::Borrowed(epoch),
    };
    let raw = serde_json::value::to_raw_value(&credential).ok()?;
    Some(Rendered(Rc::new(Wiped(Some(raw)))))
}

fn reference(secret_ref: &definitions::SecretRef) -> SecretRef<'_> {
    match secret_ref {
        definitions::SecretRef::Env(name) => SecretRef { env: Some(Cow::Borrowed(name)), ..SecretRef::default() },
        definitions::SecretRef::Config(name) => SecretRef { config: Some(Cow::Borrowed(name)), ..SecretRef::default() },
        definitions::SecretRef::File { path, pointer } => SecretRef {
            file: Some(Cow::Borrowed(path)),
            pointer: pointer.as_deref().map(Cow::Borrowed),
            ..SecretRef::default()
        },
    }
}
