//! Definitions as they were read at one moment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

use credpool_core::Strategy;
use sha2::{Digest as _, Sha256};

use super::legacy::LegacyState;
use super::names::PoolNames;
use super::path::ROOT_PROFILE;
use super::secret::Secret;
use crate::config::AuthType;

/// All definitions.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The homes that are served, the root's first.
    pub homes: Vec<Home>,
    /// The pools by name.
    pub pools: BTreeMap<String, PoolRows>,
    /// Of everything that says what the credentials are.
    pub digest: Digest,
    /// Of everything that Hermes noted about what happened to them.
    pub legacy_digest: Digest,
}

/// A home whose definitions are served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Home {
    /// The profile that it is of.
    pub profile: Arc<str>,
    /// Its auth.json.
    pub auth_file: PathBuf,
}

/// The definitions of one pool.
#[derive(Debug, Default)]
pub struct PoolRows {
    /// Every row that some home lists: first those of the root's list, in its order.
    pub rows: Vec<Row>,
    /// What the rows define. Rows of several homes that have the same secret define the same credential.
    pub credentials: Vec<Credential>,
    /// Which of `credentials` each row defines, in the order of the rows.
    pub(super) defines: Vec<usize>,
    /// What they are called.
    pub(crate) names: PoolNames,
    /// What profiles may lease. A profile is in no list of a pool that is none of its.
    pub lists: Vec<List>,
    /// The strategy that `config.yaml` has for it in the home that the daemon was started for.
    pub strategy: Option<Strategy>,
    /// What an operator should know of it, a sentence each. They hold no secret.
    pub warnings: Vec<String>,
}

/// A credential, whichever homes define it.
#[derive(Debug)]
pub struct Credential {
    /// Unique within the pool: at most 64 bytes without control characters, and a suffix of at most 65 for each row of
    /// another home that has the same id and another secret.
    pub id: Arc<str>,
    /// The first row that defines it.
    pub row: usize,
}

/// What some profiles may lease from a pool.
#[derive(Debug)]
pub struct List {
    /// Who leases by it, at least one.
    pub profiles: Vec<Arc<str>>,
    /// Rows, in order: those of an auth.json by priority, then those of our own configuration. Their ids are distinct,
    /// and so are their credentials.
    pub rows: Vec<usize>,
    /// The strategy that the profiles' `config.yaml` has for the pool.
    pub strategy: Option<Strategy>,
    /// Whether the file's order of rows says nothing, since Hermes rewrites it on each select.
    pub(super) unordered: bool,
}

impl PoolRows {
    /// Which credential a row defines, by its place among `credentials`.
    #[must_use]
    pub fn credential_of(&self, row: usize) -> usize {
        self.defines[row]
    }

    /// What a credential is called in words that mean it to everybody: its id, or `ID@PROFILE`, after the first profile
    /// that may lease it, where the id alone is not its name for each profile.
    #[must_use]
    pub fn called(&self, credential: usize) -> Cow<'_, str> {
        let has_it = |(list, _): &(usize, &List)| self.names.has(*list, credential);
        let owner = self.lists.iter().enumerate().find(has_it).and_then(|(_, list)| list.profiles.first());
        let Some(owner) = owner else { return Cow::Borrowed(&self.credentials[credential].id) };
        let row = self.names.row(owner, credential).unwrap_or(self.credentials[credential].row);
        let id = &self.rows[row].id;
        let means_it = |list: &List| {
            let names = list.profiles.first().and_then(|profile| self.names.of(Some(profile)));
            names.is_some_and(|names| names.by_id(id) == Some(credential))
        };
        if self.lists.iter().all(means_it) { Cow::Borrowed(id) } else { Cow::Owned(format!("{id}@{owner}")) }
    }
}

/// One definition: what a credential is.
#[derive(Debug)]
pub struct Row {
    /// Unique within a list: 1 to 64 bytes without control characters.
    pub id: String,
    /// What people call it: at most 256 bytes without control characters.
    pub label: String,
    /// What sort of secret it has.
    pub auth_type: AuthType,
    /// Where the secret comes from, in Hermes' words: `manual`, `env:VAR`, …; `file:PATH` for a file of ours.
    pub source: String,
    /// Where requests go, if the definition says so.
    pub base_url: Option<String>,
    /// The secret, if it can be resolved here.
    pub secret: Option<Secret>,
    /// The fingerprint of `secret`; without one, the fingerprint that Hermes recorded, if any.
    pub fingerprint: Option<String>,
    /// Where else the secret can be had.
    pub secret_ref: Option<SecretRef>,
    /// Why there is no `secret`; `Some` just if it is `None`.
    pub unresolved: Option<String>,
    /// The account that the definition itself names. The configuration may say otherwise.
    pub account: Option<String>,
    /// The account that an OAuth token says it is for, as a hash; it counts where nobody names one.
    pub token_account: Option<String>,
    /// When the secret runs out, in milliseconds of Unix time.
    pub secret_expires_at_ms: Option<u64>,
    /// What Hermes noted about it.
    pub legacy: Option<LegacyState>,
}

/// Where a secret can be had by those who may not get it from us.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In the environment variable of this name.
    Env(String),
    /// In the entry of this name in Hermes' `config.yaml`.
    Config(String),
    /// In a file.
    File {
        /// Where it is.
        path: String,
        /// Where in it the secret stands, as a JSON pointer (RFC 6901); if nothing is said, the file is the secret.
        pointer: Option<String>,
    },
}

/// Something wrong with the definitions. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a file, or a row such as `openrouter[2]`, counted from 0.
    pub place: String,
    /// What, as the rest of a sentence that begins with the place.
    pub problem: String,
}

impl Problem {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    /// The same, said of the home of a profile. Paths say themselves whose they are.
    pub(super) fn of(self, profile: &str) -> Self {
        if profile == ROOT_PROFILE || self.place.starts_with('/') {
            return self;
        }
        Self { place: format!("profile {profile}: {}", self.place), ..self }
    }
}

/// A SHA-256. It is of meaning within one run only.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}…", self.0[0], self.0[1])
    }
}

impl Digest {
    fn of(value: impl Hash) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        value.hash(&mut hasher);
        Self(hasher.0.finalize().into())
    }
}

/// Lets whatever can be hashed be hashed without collisions.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks: `Digest::of` takes the whole hash.
    fn finish(&self) -> u64 {
        0
    }
}

impl Definitions {
    /// Computes both digests.
    pub(super) fn new(homes: Vec<Home>, pools: BTreeMap<String, PoolRows>) -> Self {
        let (mut meaning, mut legacy) = (Vec::new(), Vec::new());
        for (name, pool) in &pools {
            let rows: Vec<Digest> = pool.rows.iter().map(Row::digest).collect();
            let lists = pool.lists.iter().map(|list| {
                let mut rows: Vec<(Digest, &Arc<str>)> =
                    list.rows.iter().map(|row| (rows[*row], &pool.credentials[pool.defines[*row]].id)).collect();
                if list.unordered {
                    rows.sort_unstable();
                }
                (&list.profiles, list.strategy.map(|strategy| strategy as u8), rows)
            });
            meaning.push((name, pool.strategy.map(|strategy| strategy as u8), lists.collect::<Vec<_>>()));
            let mut facts: Vec<_> = pool
                .rows
                .iter()
                .zip(&pool.defines)
                .filter_map(|(row, of)| Some((name, &pool.credentials[*of].id, row.legacy.as_ref()?.fact?)))
                .collect();
            facts.sort_unstable_by_key(|(_, id, fact)| (Arc::clone(id), fact.at_ms));
            legacy.extend(facts);
        }
        let (digest, legacy_digest) = (Digest::of((&homes, meaning)), Digest::of(legacy));
        Self { homes, pools, digest, legacy_digest }
    }

    /// What an operator should know, each with the name of its pool.
    pub fn warnings(&self) -> impl Iterator<Item = (&str, &str)> {
        let pools = self.pools.iter();
        pools.flat_map(|(name, pool)| pool.warnings.iter().map(move |warning| (name.as_str(), warning.as_str())))
    }
}

impl Row {
    /// The row as it can be served: a secret with a control character in it fits into no header, and is none.
    pub(super) fn with_a_secret_that_fits(self, place: &str, problems: &mut Vec<Problem>) -> Self {
        if !self.secret.as_ref().is_some_and(|secret| secret.expose().chars().any(char::is_control)) {
            return self;
        }
        const REASON: &str = "its secret holds a line break or another control character, which no header can carry";
        problems.push(Problem::new(format!("{place}: {}", super::printable(&self.id)), REASON));
        Self { secret: None, unresolved: Some(REASON.to_owned()), ..self }
    }

    /// Of everything that says what the credential is.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.meaning())
    }

    /// Everything that says what the credential is, the secret by its fingerprint.
    fn meaning(&self) -> impl Hash {
        let Self {
            id,
            label,
            auth_type,
            source,
            base_url,
            secret,
            fingerprint,
            secret_ref,
            unresolved,
            account,
            token_account,
            secret_expires_at_ms,
            legacy: _,
        } = self;
        (
            (id, label, auth_type, source, base_url),
            (secret.is_some(), fingerprint, secret_ref, unresolved, account, token_account, secret_expires_at_ms),
        )
    }
}
