//! What the credentials of a pool are called: by everybody, and in the home of each profile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::snapshot::{List, PoolRows};

/// Ids and labels, and which credentials of the pool bear them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_id: BTreeMap<String, usize>,
    /// Sets, since all rows of a file may have one label: who gives none gets that of the source.
    by_label: BTreeMap<String, BTreeSet<usize>>,
}

impl Names {
    fn add(&mut self, id: &str, label: &str, credential: usize) {
        if !self.by_id.contains_key(id) {
            self.by_id.insert(id.to_owned(), credential);
        }
        self.by_label.entry(label.to_owned()).or_default().insert(credential);
    }

    /// The credential with this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The credentials with this label.
    pub(crate) fn by_label(&self, label: &str) -> impl Iterator<Item = usize> {
        self.by_label.get(label).into_iter().flatten().copied()
    }
}

/// The names in one pool.
#[derive(Debug, Default)]
pub(crate) struct PoolNames {
    all: Names,
    /// By list; `None` for one that has every row.
    lists: Vec<Option<ListNames>>,
    list_of: BTreeMap<Arc<str>, usize>,
}

/// The names in one list.
#[derive(Debug)]
struct ListNames {
    names: Names,
    /// Its rows by credential.
    rows: BTreeMap<usize, usize>,
}

impl PoolNames {
    /// The names in a pool whose rows and lists are complete.
    pub(super) fn of_pool(pool: &PoolRows) -> Self {
        let mut all = Names::default();
        for (at, credential) in pool.credentials.iter().enumerate() {
            all.add(&credential.id, &pool.rows[credential.row].label, at);
        }
        // What other homes call a credential names it, too, where nothing else bears that id.
        if pool.rows.len() > pool.credentials.len() {
            for (at, row) in pool.rows.iter().enumerate() {
                all.add(&row.id, &row.label, pool.credential_of(at));
            }
        }
        let lists = pool.lists.iter().map(|list| ListNames::of(pool, list)).collect();
        let profiles = pool.lists.iter().enumerate();
        let profiles = profiles.flat_map(|(at, list)| list.profiles.iter().map(move |name| (Arc::clone(name), at)));
        Self { all, lists, list_of: profiles.collect() }
    }

    /// What a profile calls them, or everybody; `None` if the profile leases nothing here.
    pub(crate) fn of(&self, profile: Option<&str>) -> Option<&Names> {
        let Some(profile) = profile else { return Some(&self.all) };
        let list = *self.list_of.get(profile)?;
        Some(self.lists[list].as_ref().map_or(&self.all, |list| &list.names))
    }

    /// Whether a profile may lease a credential.
    pub(crate) fn lists(&self, profile: &str, credential: usize) -> bool {
        self.list_of.get(profile).is_some_and(|list| self.has(*list, credential))
    }

    /// Whether a list has a credential.
    pub(crate) fn has(&self, list: usize, credential: usize) -> bool {
        self.lists.get(list).is_some_and(|list| list.as_ref().is_none_or(|list| list.rows.contains_key(&credential)))
    }

    /// The row that a profile's list has for a credential; `None` if it has none, or every row.
    pub(crate) fn row(&self, profile: &str, credential: usize) -> Option<usize> {
        let list = self.lists[*self.list_of.get(profile)?].as_ref()?;
        list.rows.get(&credential).copied()
    }
}

impl ListNames {
    /// `None` if the list has every row: then the ids of the rows are those of the credentials.
    fn of(pool: &PoolRows, list: &List) -> Option<Self> {
        if list.rows.len() == pool.rows.len() {
            return None;
        }
        let mut names = Names::default();
        let mut rows = BTreeMap::new();
        for at in &list.rows {
            let credential = pool.credential_of(*at);
            names.add(&pool.rows[*at].id, &pool.rows[*at].label, credential);
            rows.insert(credential, *at);
        }
        Some(Self { names, rows })
    }
}

#[cfg(test)]
mod tests;
