//! The tables of plain records that are the whole state. Everything else the core holds is derived from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cause::{Cause, Kind, State};
use crate::guard::Spark;
use crate::history::Entry;
use crate::policy::{Cap, Policy};
use crate::restriction::Restriction;
use crate::rng::Rng;
use crate::time::{Boot, Now, Until, Wall};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        pub struct $name(pub $inner);
    };
}

number! {
    /// The place of a command in the order of all commands. The first is 1.
    Seq(u64)
}
number! {
    /// A pool; never used again for another.
    PoolKey(u32)
}
number! {
    /// A credential; never used again for another.
    CredentialKey(u32)
}
number! {
    /// An account within one pool; never used again for another.
    AccountKey(u32)
}
number! {
    /// A list of a pool; never used again for another.
    ListKey(u32)
}
number! {
    /// A lease's public number: it names the lease in logs and events and authorises nothing.
    LeaseNo(u64)
}
number! {
    /// An entry of a pool's history, in order of time.
    EntryNo(u64)
}
number! {
    /// The hash of a lease's bearer token. The core never sees the token.
    TokenHash(u128)
}

/// The connection that a lease is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Owner {
    /// The run of the daemon that holds the connection.
    pub run: u64,
    /// The connection's number in that run.
    pub connection: u64,
}

/// A model's name, as the caller writes it.
pub type Model = Arc<str>;

/// The name of somebody who may lease by a list of their own.
pub type Profile = Arc<str>;

/// What every table shares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Header {
    /// The command that was applied last.
    pub seq: Seq,
    /// The latest reading of the clocks; the boot clock never goes back.
    pub now: Now,
    /// Both clocks when the wall clock was last stepped: instants are put in order as if it has gone on evenly since.
    pub reference: Now,
    /// The generator behind choices and jitter.
    pub rng: Rng,
    /// The next lease's number.
    pub next_lease: LeaseNo,
    /// The next key of a pool, credential or account.
    pub next_key: u32,
    /// The next entry's number.
    pub next_entry: EntryNo,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pool {
    /// Its key.
    pub key: PoolKey,
    /// Its name in auth.json.
    pub name: Arc<str>,
    /// What it is told to do.
    pub policy: Policy,
    /// The turn that the next `round_robin` grant takes.
    pub next_turn: u64,
    /// Failures of late that may turn out to be the provider's, by age.
    pub sparks: Vec<Spark>,
}

/// A credential: what the core knows of its definition, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Credential {
    /// Its key.
    pub key: CredentialKey,
    /// Its pool.
    pub pool: PoolKey,
    /// Its id in auth.json, unique within the pool.
    pub id: Arc<str>,
    /// Its place among the pool's definitions, from 0.
    pub order: u32,
    /// The fingerprint of its secret; `None` where the definition cannot be resolved here.
    pub fingerprint: Option<Arc<str>>,
    /// The newest fingerprint that was known: a secret that cannot be resolved for a while is no new one.
    pub known_fingerprint: Option<Arc<str>>,
    /// Whether its secret can be had elsewhere if it cannot be resolved here.
    pub referable: bool,
    /// Its account.
    pub account: AccountKey,
    /// Its own cap, if it has one.
    pub cap: Option<Cap>,
    /// When its secret runs out, if it does.
    pub expires: Option<Wall>,
    /// Whether it has run out. A wall clock that is set back undoes nothing.
    pub expired: bool,
    /// When it stopped being defined. It is not granted any more, but a definition that comes back finds its state.
    pub retired: Option<Boot>,
    /// The command that brought its secret.
    pub secret_since: Seq,
    /// The command that last changed its secret or cleared it.
    pub epoch: Seq,
    /// How often it was granted, counting what its definition brought along.
    pub grants: u64,
    /// Its turn in `round_robin`: the lower, the sooner.
    pub turn: u64,
    /// The date of the newest legacy fact that was imported.
    pub imported: Wall,
    /// When a report, a success or an operator last said something about it here.
    pub known: Wall,
}

/// What the provider limits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Account {
    /// Its key.
    pub key: AccountKey,
    /// Its pool.
    pub pool: PoolKey,
    /// Its name; by default the fingerprint of the one secret that belongs to it.
    pub name: Arc<str>,
}

/// What some profiles may lease from a pool: these of its credentials, in this order, by this strategy. The credentials
/// themselves are the pool's, so what happens to one happens in every list that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct List {
    /// Its key.
    pub key: ListKey,
    /// Its pool.
    pub pool: PoolKey,
    /// Who leases by it; at least one, and none of them by another list of the pool.
    pub profiles: Vec<Profile>,
    /// Its credentials, in order, each once and all defined.
    pub members: Vec<CredentialKey>,
    /// How one of them is chosen.
    pub strategy: crate::policy::Strategy,
}

/// What a restriction or a watermark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Scope {
    /// One credential.
    Credential(CredentialKey),
    /// Every credential of an account.
    Account(AccountKey),
    /// Every credential of a pool.
    Pool(PoolKey),
}

/// A restriction's identity: two reports with the same one speak of the same restriction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Identity {
    /// What it covers.
    pub scope: Scope,
    /// The one model that it covers; `None` for all, and for requests that name none.
    pub model: Option<Model>,
    /// Its cause class.
    pub cause: Cause,
}

/// An operator's `clear`: reports from leases granted before it are history only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Watermark {
    /// What was cleared.
    pub scope: Scope,
    /// The one model that was cleared; `None` for all.
    pub model: Option<Model>,
    /// The command that cleared it.
    pub seq: Seq,
}

/// What a caller asks of the credential that it wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ask {
    /// Who asks: what is to be had is what this profile's list has. `None` leases from the whole pool.
    pub profile: Option<Profile>,
    /// The model that it is going to use.
    pub model: Option<Model>,
    /// This credential and no other.
    pub pin: Option<CredentialKey>,
    /// None of these; at most 32.
    pub exclude: Vec<CredentialKey>,
    /// A lease of this many milliseconds instead of the pool's.
    pub ttl_ms: Option<u64>,
    /// A reference to the secret is enough.
    pub by_reference: bool,
}

/// What decided a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum ChosenBy {
    /// The pool's strategy.
    Strategy(crate::policy::Strategy),
    /// The caller's pin.
    Pin,
}

/// What ended a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum EndedBy {
    /// Its holder gave it back.
    Release,
    /// Its holder reported a failure.
    Report,
    /// Its time ran out.
    Ttl,
    /// Its connection ended.
    Connection,
}

/// The end of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ending {
    /// What ended it.
    pub by: EndedBy,
    /// When.
    pub at: Boot,
}

/// A lease, live or remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Lease {
    /// Its public number.
    pub no: LeaseNo,
    /// The hash of its token.
    pub token: TokenHash,
    /// Its pool.
    pub pool: PoolKey,
    /// Its credential.
    pub credential: CredentialKey,
    /// The account of that credential when it was granted.
    pub account: AccountKey,
    /// `Credential::secret_since` when it was granted: which secret it was granted with.
    pub secret: Seq,
    /// The command that granted it.
    pub granted: Seq,
    /// When that was.
    pub granted_at: Now,
    /// When it expires.
    pub expires: Boot,
    /// The connection that it is bound to; `None` if it is detached.
    pub owner: Option<Owner>,
    /// What was asked for.
    pub ask: Ask,
    /// The restrictions that it is to see about.
    pub trials: Vec<Identity>,
    /// Whether one of them was in force when it was granted.
    pub probe: bool,
    /// What was concluded from the failures reported about it, by the caller's number.
    pub reports: Vec<(u64, Conclusion)>,
    /// Whether its use is known to have succeeded.
    pub succeeded: bool,
    /// Its end, if it has ended.
    pub ended: Option<Ending>,
}

/// The reach of a verdict: which scope, and whether only the lease's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Reach {
    /// The lease's credential.
    Credential,
    /// The account that it was granted on.
    Account,
    /// Its pool.
    Pool,
    /// Nothing of the pool.
    None,
}

/// The evidence behind a verdict: where it stood, and what stood there. Vendor text, so no journal writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Such as `header:retry-after`.
    pub source: Arc<str>,
    /// At most 64 bytes, scrubbed.
    pub raw: Arc<str>,
}

/// Why a report changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Why {
    /// The secret that it was about has been replaced.
    StaleSecret,
    /// An operator cleared it since the lease was granted.
    ClearedSince,
    /// Somebody else was at fault, or nobody knows who.
    NotTheCredentialsFault,
    /// It says nothing that was not known.
    AlreadyRestricted,
}

/// What a report was concluded to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Conclusion {
    /// What the failure was.
    pub kind: Kind,
    /// How far it reaches.
    pub reach: Reach,
    /// The one model that it reaches.
    pub model: Option<Model>,
    /// Why nothing was changed; `None` if something was.
    pub why: Option<Why>,
    /// The credential's state after it.
    pub state: State,
    /// When the restriction opens; `None` if there is none.
    pub until: Option<Until>,
    /// The restriction's strikes, 0 if there is none.
    pub strikes: u32,
    /// The rule that fired.
    pub rule: Arc<str>,
    /// What it went by.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub evidence: Option<Evidence>,
}

/// Everything that a core is: the state of the pools, and nothing that can be derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Records {
    /// What every table shares.
    pub header: Header,
    /// By key.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub pools: BTreeMap<PoolKey, Pool>,
    /// By key.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub credentials: BTreeMap<CredentialKey, Credential>,
    /// By key.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub accounts: BTreeMap<AccountKey, Account>,
    /// By key.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub lists: BTreeMap<ListKey, List>,
    /// By number, so by age.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub leases: BTreeMap<LeaseNo, Lease>,
    /// By identity.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub restrictions: BTreeMap<Identity, Restriction>,
    /// By what was cleared.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub watermarks: BTreeMap<(Scope, Option<Model>), Watermark>,
    /// By number, so by age.
    #[cfg_attr(feature = "serde", serde(serialize_with = "rows"))]
    pub history: BTreeMap<EntryNo, Entry>,
}

#[cfg(feature = "serde")]
fn rows<K, V: serde::Serialize, S: serde::Serializer>(
    table: &BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(table.values())
}

impl Records {
    /// Empty tables; every choice and every jitter follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            header: Header {
                seq: Seq(0),
                now: Now::default(),
                reference: Now::default(),
                rng: Rng::new(seed),
                next_lease: LeaseNo(1),
                next_key: 0,
                next_entry: EntryNo(1),
            },
            pools: BTreeMap::new(),
            credentials: BTreeMap::new(),
            accounts: BTreeMap::new(),
            lists: BTreeMap::new(),
            leases: BTreeMap::new(),
            restrictions: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            history: BTreeMap::new(),
        }
    }

    /// Brings one record to where `change` says it is.
    pub fn fold(&mut self, change: Change<'_>) {
        fn put<K: Ord, V: Clone>(table: &mut BTreeMap<K, V>, key: K, after: Option<&V>) {
            match after {
                Some(record) => {
                    table.insert(key, record.clone());
                }
                None => {
                    table.remove(&key);
                }
            }
        }
        match change {
            Change::Header(header) => self.header = header.clone(),
            Change::Pool(key, after) => put(&mut self.pools, key, after),
            Change::Credential(key, after) => put(&mut self.credentials, key, after),
            Change::Account(key, after) => put(&mut self.accounts, key, after),
            Change::List(key, after) => put(&mut self.lists, key, after),
            Change::Lease(key, after) => put(&mut self.leases, key, after),
            Change::Restriction(key, after) => put(&mut self.restrictions, key.clone(), after),
            Change::Watermark(key, after) => put(&mut self.watermarks, key.clone(), after),
            Change::Entry(key, after) => put(&mut self.history, key, after),
        }
    }

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

/// One record as a command left it: the record after, or `None` if it is gone.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// What every table shares.
    Header(&'a Header),
    /// A pool.
    Pool(PoolKey, Option<&'a Pool>),
    /// A credential.
    Credential(CredentialKey, Option<&'a Credential>),
    /// An account.
    Account(AccountKey, Option<&'a Account>),
    /// A list.
    List(ListKey, Option<&'a List>),
    /// A lease.
    Lease(LeaseNo, Option<&'a Lease>),
    /// A restriction.
    Restriction(&'a Identity, Option<&'a Restriction>),
    /// A watermark.
    Watermark(&'a (Scope, Option<Model>), Option<&'a Watermark>),
    /// An entry of a pool's history.
    Entry(EntryNo, Option<&'a Entry>),
}

/// The name of a record that a command touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    Pool(PoolKey),
    Credential(CredentialKey),
    Account(AccountKey),
    List(ListKey),
    Lease(LeaseNo),
    Restriction(Identity),
    Watermark((Scope, Option<Model>)),
    Entry(EntryNo),
}

impl Touched {
    /// The record of that name, as it is now.
    pub(crate) fn change<'a>(&'a self, records: &'a Records) -> Change<'a> {
        match self {
            Self::Pool(key) => Change::Pool(*key, records.pools.get(key)),
            Self::Credential(key) => Change::Credential(*key, records.credentials.get(key)),
            Self::Account(key) => Change::Account(*key, records.accounts.get(key)),
            Self::List(key) => Change::List(*key, records.lists.get(key)),
            Self::Lease(key) => Change::Lease(*key, records.leases.get(key)),
            Self::Restriction(key) => Change::Restriction(key, records.restrictions.get(key)),
            Self::Watermark(key) => Change::Watermark(key, records.watermarks.get(key)),
            Self::Entry(key) => Change::Entry(*key, records.history.get(key)),
        }
    }
}
