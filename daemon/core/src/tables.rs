//! The tables, all made from one list, so that whoever adds one adds a line here and the row itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::affinity::{Binding, Tie};
use crate::cause::Cause;
use crate::history::Entry;
use crate::quota::{Quota, QuotaKey};
use crate::records::{
    Account, AccountKey, Credential, CredentialKey, EntryNo, Header, Identity, Lease, LeaseNo, List, ListKey, Model,
    Pool, PoolKey, Scope, Seq, WaiterNo, Watermark,
};
use crate::renewals::Renewal;
use crate::restriction::Restriction;
use crate::rng::Rng;
use crate::time::Now;
use crate::waiting::Waiter;

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident: $key:ty => $row:ident, named $name:ident by |$record:ident| $of:expr;)*) => {
        /// Everything that a core is: the state of the pools, and nothing that can be derived from it.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct Records {
            /// What every table shares.
            pub header: Header,
            $(
                $(#[$doc])*
                #[cfg_attr(feature = "serde", serde(default, with = "rows"))]
                pub $table: BTreeMap<$key, $row>,
            )*
        }

        /// One record as a command left it: the record after, or `None` if it is gone.
        #[derive(Clone, Copy, Debug)]
        pub enum Change<'a> {
            /// What every table shares.
            Header(&'a Header),
            $(
                #[doc = concat!("One of `", stringify!($table), "`.")]
                $name(&'a $key, Option<&'a $row>),
            )*
        }

        /// The name of a record that a command touched.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Touched {
            $(
                #[doc = concat!("One of `", stringify!($table), "`.")]
                $name($key),
            )*
        }

        /// What became of some records, each once, as they were all together at one moment.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct Delta {
            /// What every table shares.
            pub header: Header,
            $(
                $(#[$doc])*
                #[cfg_attr(feature = "serde", serde(default, with = "pairs", skip_serializing_if = "BTreeMap::is_empty"))]
                pub $table: BTreeMap<$key, Option<$row>>,
            )*
        }

        impl Records {
            /// Empty tables; every choice and every jitter follows from `seed`.
            #[must_use]
            pub fn new(seed: u64) -> Self {
                Self { header: Header::new(seed), $($table: BTreeMap::new(),)* }
            }

            /// Brings one record to where `change` says it is.
            pub fn fold(&mut self, change: Change<'_>) {
                match change {
                    Change::Header(header) => self.header = header.clone(),
                    $(Change::$name(key, after) => put(&mut self.$table, key.clone(), after.cloned()),)*
                }
            }

            /// Brings every record of `delta` to where it says it is.
            pub fn fold_all(&mut self, delta: Delta) {
                self.header = delta.header;
                $(delta.$table.into_iter().for_each(|(key, after)| put(&mut self.$table, key, after));)*
            }

            /// The records of these names as they are now.
            #[must_use]
            pub fn delta(&self, names: impl IntoIterator<Item = Touched>) -> Delta {
                let mut delta = Delta { header: self.header.clone(), $($table: BTreeMap::new(),)* };
                for name in names {
                    match name {
                        $(Touched::$name(key) => {
                            let after = self.$table.get(&key).cloned();
                            delta.$table.insert(key, after);
                        })*
                    }
                }
                delta
            }
        }

        impl Touched {
            /// The record of that name, as it is now.
            pub(crate) fn change<'a>(&'a self, records: &'a Records) -> Change<'a> {
                match self {
                    $(Self::$name(key) => Change::$name(key, records.$table.get(key)),)*
                }
            }
        }

        $(
            #[cfg(feature = "serde")]
            impl Keyed for $row {
                type Key = $key;

                fn key(&self) -> $key {
                    let $record = self;
                    $of
                }
            }
        )*
    };
}

tables! {
    /// By key.
    pools: PoolKey => Pool, named Pool by |pool| pool.key;
    /// By key.
    credentials: CredentialKey => Credential, named Credential by |credential| credential.key;
    /// By key.
    accounts: AccountKey => Account, named Account by |account| account.key;
    /// By key.
    lists: ListKey => List, named List by |list| list.key;
    /// By number, so by age.
    leases: LeaseNo => Lease, named Lease by |lease| lease.no;
    /// By number, so by arrival.
    waiters: WaiterNo => Waiter, named Waiter by |waiter| waiter.no;
    /// By what is bound.
    bindings: Tie => Binding, named Binding by |binding| binding.tie.clone();
    /// By identity.
    restrictions: Identity => Restriction, named Restriction by |restriction| restriction.identity.clone();
    /// By what was cleared.
    watermarks: (Scope, Option<Model>) => Watermark, named Watermark by |w| (w.scope, w.model.clone());
    /// By account, model and name.
    quotas: QuotaKey => Quota, named Quota by |quota| quota.key.clone();
    /// By the fingerprint of the secret that is to be replaced.
    renewals: Arc<str> => Renewal, named Renewal by |renewal| renewal.stale.clone();
    /// By number, so by age.
    history: EntryNo => Entry, named Entry by |entry| entry.no;
}

fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, after: Option<V>) {
    match after {
        Some(record) => {
            table.insert(key, record);
        }
        None => {
            table.remove(&key);
        }
    }
}

impl Header {
    fn new(seed: u64) -> Self {
        Self {
            seq: Seq(0),
            now: Now::default(),
            reference: Now::default(),
            rng: Rng::new(seed),
            next_lease: LeaseNo(1),
            next_waiter: WaiterNo(1),
            next_key: 0,
            next_entry: EntryNo(1),
        }
    }
}

impl Records {
    /// The restrictions, in force or remembered, of one scope and model.
    pub fn restrictions_of(&self, scope: Scope, model: Option<&Model>) -> impl Iterator<Item = &Restriction> {
        let (first, last) = Cause::ALL.into_inner();
        let at = |cause| Identity { scope, model: model.cloned(), cause };
        self.restrictions.range(at(first)..=at(last)).map(|(_, restriction)| restriction)
    }

    /// The restrictions of one scope, of whatever model.
    pub fn restrictions_within(&self, scope: Scope) -> impl Iterator<Item = &Restriction> {
        let first = Identity { scope, model: None, cause: *Cause::ALL.start() };
        self.restrictions
            .range(first..)
            .map(|(_, restriction)| restriction)
            .take_while(move |r| r.identity.scope == scope)
    }
}

/// A row that says its own key.
#[cfg(feature = "serde")]
trait Keyed {
    type Key: Ord;

    fn key(&self) -> Self::Key;
}

/// A table as the list of its rows.
#[cfg(feature = "serde")]
mod rows {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Keyed;

    pub(super) fn serialize<K, V: Serialize, S: Serializer>(
        table: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(table.values())
    }

    pub(super) fn deserialize<'de, V: Keyed + Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<V::Key, V>, D::Error> {
        let rows = Vec::<V>::deserialize(deserializer)?;
        Ok(rows.into_iter().map(|row| (row.key(), row)).collect())
    }
}

/// What became of a table's rows, as a list of pairs: keys are more than JSON's objects take.
#[cfg(feature = "serde")]
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        table: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(table)
    }

    pub(super) fn deserialize<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
