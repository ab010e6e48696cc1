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
use crate::definitions::{self, Definitions, Problem, Row};

/// The definitions as they were last read, by the core's keys.
#[derive(Default)]
pub(crate) struct Catalogue {
    definitions: Arc<Definitions>,
    pools: BTreeMap<Arc<str>, PoolKey>,
    names: BTreeMap<PoolKey, Names>,
    entries: BTreeMap<CredentialKey, Entry>,
    auth_file: Option<PathBuf>,
    loaded_at: Option<Wall>,
    /// Whether the files could be read the last time; if not, earlier definitions are in use.
    current: bool,
    problems: Vec<Problem>,
}

/// The credentials of one pool by name.
#[derive(Default)]
struct Names {
    by_id: BTreeMap<String, CredentialKey>,
    by_label: BTreeMap<String, Vec<CredentialKey>>,
}

struct Entry {
    pool: Arc<str>,
    row: usize,
    /// The bytes of a lease's `credential` with its secret, and the epoch that they say.
    rendered: RefCell<Option<(Seq, Rendered)>>,
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
    /// Its credentials' keys, in the order of its rows.
    pub credentials: Vec<CredentialKey>,
}

impl Catalogue {
    /// Takes over new definitions, for which the core gave `keys`.
    pub(crate) fn replace(&mut self, definitions: Arc<Definitions>, keys: Vec<PoolKeys>) {
        self.pools.clear();
        self.names.clear();
        self.entries.clear();
        for pool in keys {
            let mut names = Names::default();
            let rows = definitions.pools.get(&*pool.name).map_or(&[][..], |pool| &pool.rows);
            for ((index, row), key) in rows.iter().enumerate().zip(&pool.credentials) {
                names.by_id.insert(row.id.clone(), *key);
                names.by_label.entry(row.label.clone()).or_default().push(*key);
                let entry = Entry { pool: Arc::clone(&pool.name), row: index, rendered: RefCell::new(None) };
                self.entries.insert(*key, entry);
            }
            self.names.insert(pool.key, names);
            self.pools.insert(pool.name, pool.key);
        }
        self.definitions = definitions;
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

    /// The pools by name.
    pub(crate) fn pools(&self) -> impl Iterator<Item = (&str, PoolKey)> {
        self.pools.iter().map(|(name, key)| (&**name, *key))
    }

    /// A pool by name.
    #[must_use]
    pub(crate) fn pool(&self, name: &str) -> Option<PoolKey> {
        self.pools.get(name).copied()
    }

    /// A credential of a pool by id.
    #[must_use]
    pub(crate) fn by_id(&self, pool: PoolKey, id: &str) -> Option<CredentialKey> {
        self.names.get(&pool)?.by_id.get(id).copied()
    }

    /// A credential of a pool by id, or by label if that is unique.
    ///
    /// # Errors
    /// Those that bear the label, if there are several; none, if nobody has that id or label.
    pub(crate) fn by_name(&self, pool: PoolKey, name: &str) -> Result<CredentialKey, &[CredentialKey]> {
        let Some(names) = self.names.get(&pool) else { return Err(&[]) };
        if let Some(key) = names.by_id.get(name) {
            return Ok(*key);
        }
        match names.by_label.get(name).map_or(&[][..], Vec::as_slice) {
            [key] => Ok(*key),
            several => Err(several),
        }
    }

    /// The definition of a credential.
    #[must_use]
    pub(crate) fn row(&self, key: CredentialKey) -> Option<&Row> {
        let entry = self.entries.get(&key)?;
        self.definitions.pools.get(&*entry.pool)?.rows.get(entry.row)
    }

    /// A credential as it stands in a lease.
    #[must_use]
    pub(crate) fn render(&self, key: CredentialKey, run: u64, epoch: Seq, with_secret: bool) -> Option<Rendered> {
        let entry = self.entries.get(&key)?;
        let row = self.row(key)?;
        let epoch_text = || self.epoch_text(run, epoch);
        if !with_secret {
            return render(row, &entry.pool, None, &epoch_text());
        }
        let mut rendered = entry.rendered.borrow_mut();
        match &*rendered {
            Some((of, bytes)) if *of == epoch => Some(bytes.clone()),
            _ => {
                let secret = row.secret.as_ref().map(|secret| ExposedSecret(secret.expose()));
                let bytes = render(row, &entry.pool, secret, &epoch_text())?;
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
