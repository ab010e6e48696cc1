//! Definitions as they were read at one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use credpool_core::Strategy;
use sha2::{Digest as _, Sha256};

use super::legacy::LegacyState;
use super::secret::Secret;
use crate::config::AuthType;

/// All definitions.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The pools by name.
    pub pools: BTreeMap<String, PoolRows>,
    /// Of everything that says what the credentials are.
    pub digest: Digest,
    /// Of everything that Hermes noted about what happened to them.
    pub legacy_digest: Digest,
}

/// The definitions of one pool.
#[derive(Debug, Default)]
pub struct PoolRows {
    /// In order: those of auth.json by priority, then those of our own configuration. Their ids are distinct.
    pub rows: Vec<Row>,
    /// The strategy that Hermes' `config.yaml` has for it.
    pub strategy: Option<Strategy>,
}

/// One definition: what a credential is.
#[derive(Debug)]
pub struct Row {
    /// Unique within the pool: 1 to 64 bytes without control characters.
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
}

/// A SHA-256. It is of meaning within one run only.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
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
    /// Computes both digests. `is_round_robin` says which pools use `round_robin`, where Hermes rewrites priorities on
    /// each select: the order of rows says nothing there, and a change of it is none.
    pub(super) fn new(pools: BTreeMap<String, PoolRows>, is_round_robin: impl Fn(&str, &PoolRows) -> bool) -> Self {
        let (mut meaning, mut legacy) = (Vec::new(), Vec::new());
        for (name, pool) in &pools {
            let mut rows: Vec<_> = pool.rows.iter().collect();
            if is_round_robin(name, pool) {
                rows.sort_by(|a, b| a.id.cmp(&b.id));
            }
            meaning.push((
                name,
                pool.strategy.map(|strategy| strategy as u8),
                rows.iter().map(|row| row.meaning()).collect::<Vec<_>>(),
            ));
            rows.sort_by(|a, b| a.id.cmp(&b.id));
            legacy.extend(rows.iter().filter_map(|row| Some((name, &row.id, row.legacy.as_ref()?.fact.as_ref()?))));
        }
        let (digest, legacy_digest) = (Digest::of(meaning), Digest::of(legacy));
        Self { pools, digest, legacy_digest }
    }
}

impl Row {
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
