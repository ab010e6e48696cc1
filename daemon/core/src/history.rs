//! What was said and done about the credentials of a pool, as far back as it is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cause::Cause;
use crate::machine::Core;
use crate::records::{Conclusion, CredentialKey, EntryNo, Evidence, LeaseNo, Model, PoolKey, Scope};
use crate::tables::Touched;
use crate::time::{Now, Until};

/// One thing that was said or done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Its number: the higher, the later.
    pub no: EntryNo,
    /// When.
    pub at: Now,
    /// In which pool.
    pub pool: PoolKey,
    /// To which credential; `None` if to the pool as a whole.
    pub credential: Option<CredentialKey>,
    /// How far it reached.
    pub scope: Scope,
    /// The model that was in use, or that was spoken of.
    pub model: Option<Model>,
    /// What.
    pub event: Event,
}

/// What was said or done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Event {
    /// A failure was reported.
    Reported {
        /// Of this lease, if of one.
        lease: Option<LeaseNo>,
        /// Whether that was a probe.
        probe: bool,
        /// The HTTP status.
        status: Option<u16>,
        /// What it was concluded to mean.
        conclusion: Conclusion,
    },
    /// Hermes had noted a failure beside the definition.
    Imported {
        /// Its cause class.
        cause: Cause,
        /// When it is over.
        until: Until,
        /// The HTTP status.
        status: Option<u16>,
        /// The rule that concluded it.
        rule: Arc<str>,
    },
    /// A response said that nothing is left, before anything was refused.
    Spent {
        /// The response to this lease, if to one.
        lease: Option<LeaseNo>,
        /// The cause class of what that restricts.
        cause: Cause,
        /// Until when it does.
        until: Until,
        /// The rule that concluded it.
        rule: Arc<str>,
        /// What it went by.
        #[cfg_attr(feature = "serde", serde(skip))]
        evidence: Option<Evidence>,
    },
    /// A success showed that restrictions were over.
    Recovered {
        /// Whose success.
        lease: LeaseNo,
        /// Whether that was a probe.
        probe: bool,
        /// How many.
        lifted: usize,
    },
    /// So many failed at once that it was the provider's fault: the pool pauses.
    Paused {
        /// How they failed.
        cause: Cause,
        /// How many restrictions of single credentials and accounts that undid.
        undone: usize,
    },
    /// An operator lifted restrictions.
    Cleared {
        /// How many that were in force.
        lifted: usize,
    },
    /// An operator took it out of use.
    Disabled {
        /// For how long.
        until: Until,
        /// What was noted.
        note: Arc<str>,
    },
    /// An operator put it back.
    Enabled,
}

/// The entries of one pool, and of each credential and model in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HistoryIndex {
    all: BTreeSet<EntryNo>,
    rings: BTreeMap<(Option<CredentialKey>, Option<Model>), BTreeSet<EntryNo>>,
}

impl HistoryIndex {
    pub(crate) fn insert(&mut self, entry: &Entry) {
        self.all.insert(entry.no);
        self.rings.entry((entry.credential, entry.model.clone())).or_default().insert(entry.no);
    }

    fn remove(&mut self, entry: &Entry) {
        self.all.remove(&entry.no);
        let ring = (entry.credential, entry.model.clone());
        if let Some(entries) = self.rings.get_mut(&ring) {
            entries.remove(&entry.no);
            if entries.is_empty() {
                self.rings.remove(&ring);
            }
        }
    }

    /// The longest ring, and all of them together.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.rings.values().map(BTreeSet::len).max().unwrap_or(0), self.all.len())
    }
}

impl Core {
    /// Remembers what happened now, and forgets what there is no more room for.
    pub(crate) fn note(
        &mut self,
        pool_key: PoolKey,
        credential: Option<CredentialKey>,
        scope: Scope,
        model: Option<Model>,
        event: Event,
    ) {
        // A lease may be remembered longer than its credential.
        if credential.is_some_and(|key| !self.records.credentials.contains_key(&key)) {
            return;
        }
        let no = self.records.header.next_entry;
        self.records.header.next_entry = EntryNo(no.0 + 1);
        let entry = Entry { no, at: self.now(), pool: pool_key, credential, scope, model, event };
        let Some(pool) = self.index.pools.get_mut(&pool_key) else { return };
        pool.history.insert(&entry);
        let ring = pool.history.rings.get(&(entry.credential, entry.model.clone()));
        let full = ring.filter(|ring| ring.len() > self.limits.history_per_model).and_then(|ring| ring.first());
        let full = full.or(pool.history.all.first().filter(|_| pool.history.all.len() > self.limits.history_per_pool));
        let oldest = full.copied();
        self.records.history.insert(no, entry);
        self.touch(Touched::Entry(no));
        if let Some(oldest) = oldest {
            self.forget_entry(oldest);
        }
    }

    /// Forgets what there is no more room for, under limits that are narrower than they were.
    pub(crate) fn trim_history(&mut self, pool_key: PoolKey) {
        loop {
            let Some(pool) = self.index.pools.get(&pool_key) else { return };
            let (per_model, per_pool) = (self.limits.history_per_model, self.limits.history_per_pool);
            let longest = pool.history.rings.values().find(|ring| ring.len() > per_model);
            let all = Some(&pool.history.all).filter(|all| all.len() > per_pool);
            let Some(oldest) = longest.or(all).and_then(BTreeSet::first).copied() else { return };
            self.forget_entry(oldest);
        }
    }

    /// Forgets what is remembered of a credential that is itself forgotten.
    pub(crate) fn forget_history(&mut self, pool: PoolKey, credential: CredentialKey) {
        let Some(pool) = self.index.pools.get(&pool) else { return };
        let own =
            pool.history.rings.range((Some(credential), None)..).take_while(|((of, _), _)| *of == Some(credential));
        let entries: Vec<EntryNo> = own.flat_map(|(_, entries)| entries.iter().copied()).collect();
        for no in entries {
            self.forget_entry(no);
        }
    }

    fn forget_entry(&mut self, no: EntryNo) {
        let Some(entry) = self.records.history.remove(&no) else { return };
        if let Some(pool) = self.index.pools.get_mut(&entry.pool) {
            pool.history.remove(&entry);
        }
        self.touch(Touched::Entry(no));
    }

    /// What is remembered of a pool, the latest first.
    pub fn history(&self, pool: PoolKey) -> impl Iterator<Item = &Entry> {
        let entries = self.index.pools.get(&pool).map(|pool| pool.history.all.iter().rev());
        entries.into_iter().flatten().filter_map(|no| self.records.history.get(no))
    }

    /// Whether an entry was about a credential: about it alone, its account, or its whole pool.
    #[must_use]
    pub fn concerns(&self, entry: &Entry, key: CredentialKey) -> bool {
        entry.credential == Some(key)
            || match entry.scope {
                Scope::Credential(of) => of == key,
                Scope::Account(of) => self.records.credentials.get(&key).is_some_and(|c| c.account == of),
                Scope::Pool(of) => self.records.credentials.get(&key).is_some_and(|c| c.pool == of),
            }
    }
}
