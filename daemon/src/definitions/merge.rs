//! One pool out of what several homes list for it: the same key is one credential, whosever file it stands in.
//!
//! Hermes copies rows of its root into the files of profiles, ids and secrets and all, and then rotates them apart. So the
//! secret decides: rows of different homes with the same secret are one credential, and rows with the same id and
//! different secrets are two, of which the later is told apart as `ID@PROFILE`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use credpool_core::Strategy;

use super::names::PoolNames;
use super::snapshot::{Credential, List, PoolRows, Row};

/// A pool in the making.
#[derive(Default)]
pub(super) struct Merge {
    pool: PoolRows,
    /// Rows by secret, if they have one, and id.
    rows: BTreeMap<(Option<String>, String), Vec<usize>>,
    /// Credentials by secret.
    by_secret: BTreeMap<String, Vec<usize>>,
    /// The ids that credentials have.
    ids: BTreeSet<Arc<str>>,
}

/// A list in the making.
#[derive(Default)]
pub(super) struct Listing {
    rows: Vec<usize>,
    credentials: BTreeSet<usize>,
    ids: BTreeSet<String>,
    /// How many of the credentials of a secret the list has for certain.
    used: BTreeMap<String, usize>,
}

impl Listing {
    /// Whether it has a row with this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Its rows so far.
    pub(super) fn rows(&self) -> &[usize] {
        &self.rows
    }
}

impl Merge {
    /// Lists a row of the home of `profile`.
    pub(super) fn add(&mut self, profile: &str, listing: &mut Listing, row: Row) {
        let secret = row.secret.as_ref().and(row.fingerprint.clone());
        let key = (secret, row.id.clone());
        let alike = self.rows.get(&key).map_or(&[][..], Vec::as_slice).iter().copied();
        let left: Vec<usize> = alike.filter(|at| !listing.credentials.contains(&self.pool.defines[*at])).collect();
        if let Some(same) = left.iter().find(|at| self.is_same(**at, &row)) {
            self.again(listing, *same);
            return;
        }
        let credential = match (left.first(), &key.0) {
            (Some(at), _) => Some(self.pool.defines[*at]),
            (None, Some(secret)) => self.unlisted(listing, secret),
            (None, None) => None,
        };
        let at = self.pool.rows.len();
        let credential = credential.unwrap_or_else(|| self.define(at, profile, &key));
        self.rows.entry(key).or_default().push(at);
        self.pool.rows.push(row);
        self.pool.defines.push(credential);
        self.again(listing, at);
    }

    /// The id of a row.
    pub(super) fn id(&self, at: usize) -> &str {
        &self.pool.rows[at].id
    }

    /// Lists a row that is there already, unless its id or its credential is in the list. Whether its credential is in the
    /// list then.
    pub(super) fn again(&self, listing: &mut Listing, at: usize) -> bool {
        let (credential, id) = (self.pool.defines[at], &self.pool.rows[at].id);
        if !listing.credentials.contains(&credential) && listing.ids.insert(id.clone()) {
            listing.credentials.insert(credential);
            listing.rows.push(at);
        }
        listing.credentials.contains(&credential)
    }

    /// Ends the list of a profile.
    pub(super) fn close(&mut self, profile: &Arc<str>, listing: Listing, strategy: Option<Strategy>, unordered: bool) {
        let rows = listing.rows;
        let same = |list: &&mut List| list.rows == rows && list.strategy == strategy && list.unordered == unordered;
        match self.pool.lists.iter_mut().find(same) {
            Some(list) => list.profiles.push(Arc::clone(profile)),
            None => self.pool.lists.push(List { profiles: vec![Arc::clone(profile)], rows, strategy, unordered }),
        }
    }

    /// The whole pool.
    pub(super) fn finish(self, strategy: Option<Strategy>) -> PoolRows {
        let names = PoolNames::of_pool(&self.pool);
        PoolRows { names, strategy, ..self.pool }
    }

    /// A credential with this secret that the list has not yet. Within one list, each row is a credential of its own.
    fn unlisted(&self, listing: &mut Listing, secret: &str) -> Option<usize> {
        let known = self.by_secret.get(secret)?;
        let used = listing.used.entry(secret.to_owned()).or_default();
        while listing.credentials.contains(known.get(*used)?) {
            *used += 1;
        }
        known.get(*used).copied()
    }

    /// A new credential, which the row at `at` is the first to define.
    fn define(&mut self, at: usize, profile: &str, (secret, id): &(Option<String>, String)) -> usize {
        let credential = self.pool.credentials.len();
        let id = self.distinct(id, profile);
        self.ids.insert(Arc::clone(&id));
        self.pool.credentials.push(Credential { id, row: at });
        if let Some(secret) = secret {
            self.by_secret.entry(secret.clone()).or_default().push(credential);
        }
        credential
    }

    /// Whether a row of the pool is this very row.
    fn is_same(&self, at: usize, row: &Row) -> bool {
        let known = &self.pool.rows[at];
        known.legacy == row.legacy && known.digest() == row.digest()
    }

    /// An id that no credential of the pool has yet.
    fn distinct(&self, id: &str, profile: &str) -> Arc<str> {
        let mut id = id.to_owned();
        while self.ids.contains(id.as_str()) {
            id = format!("{id}@{profile}");
        }
        id.into()
    }
}

#[cfg(test)]
mod tests;
