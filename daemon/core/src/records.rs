//! The plain records that are the whole state: a row of each of the [tables](crate::tables). Everything else the core
//! holds is derived from them.

use std::sync::Arc;

use crate::cause::{Cause, Kind, State};
use crate::guard::Spark;
use crate::policy::{Cap, Policy};
use crate::rng::Rng;
use crate::time::{Boot, Now, Until, Wall};
use crate::waiting::{Class, Line};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $inner);
    };
}

number! {
    /// The place of a command in the order of all commands; those who waited and are answered as time passes have one of
    /// their own before it. The first is 1.
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
    /// A waiter, in order of arrival.
    WaiterNo(u64)
}
number! {
    /// An entry of a pool's history, in order of time.
    EntryNo(u64)
}
macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u128);

        /// In hexadecimal digits: readers of JSON take numbers for floats.
        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&format_args!("{:032x}", self.0))
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let digits = std::borrow::Cow::<str>::deserialize(deserializer)?;
                u128::from_str_radix(&digits, 16).map(Self).map_err(serde::de::Error::custom)
            }
        }
    };
}

hash! {
    /// The hash of the name that a caller gives its session. The core never sees the name.
    Session
}
hash! {
    /// The hash of a lease's bearer token. The core never sees the token.
    TokenHash
}

/// A connection, which leases can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Owner {
    /// The run of the daemon that holds the connection.
    pub run: u64,
    /// The connection's number in that run.
    pub connection: u64,
    /// The user whose connection it is.
    #[cfg_attr(feature = "serde", serde(default = "nobody"))]
    pub user: u32,
}

/// The number that stands for no user (`(uid_t) -1`): whose connections were is not known of leases that were kept before
/// it was noted.
#[cfg(feature = "serde")]
fn nobody() -> u32 {
    u32::MAX
}

/// A model's name, as the caller writes it.
pub type Model = Arc<str>;

/// The name of somebody who may lease by a list of their own.
pub type Profile = Arc<str>;

/// What every table shares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// The next waiter's number.
    #[cfg_attr(feature = "serde", serde(default))]
    pub next_waiter: WaiterNo,
    /// The next key of a pool, credential or account.
    pub next_key: u32,
    /// The next entry's number.
    pub next_entry: EntryNo,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// How its waiters have fared.
    #[cfg_attr(feature = "serde", serde(default))]
    pub line: Line,
}

/// A credential: what the core knows of its definition, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Whether it comes before others that wait, or after them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub class: Class,
    /// What it is part of: it goes where the session went before, if it can.
    #[cfg_attr(feature = "serde", serde(default))]
    pub session: Option<Session>,
}

/// What decided a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ChosenBy {
    /// The pool's strategy.
    Strategy(crate::policy::Strategy),
    /// The caller's pin.
    Pin,
    /// The caller's session, which was there before.
    Session,
}

/// What ended a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum EndedBy {
    /// Its holder gave it back.
    Release,
    /// Its holder reported a failure.
    Report,
    /// Its time ran out.
    Ttl,
    /// Its connection ended.
    Connection,
    /// The daemon was started anew, and nobody claimed it.
    Restart,
}

/// The end of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ending {
    /// What ended it.
    pub by: EndedBy,
    /// When.
    pub at: Boot,
}

/// A lease, live or remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Until when it can be claimed, if its connection was one of an earlier run: then it ends.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub claim_by: Option<Boot>,
    /// What decided that it went to this credential.
    pub chosen_by: ChosenBy,
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

impl Lease {
    /// When it ends, if nobody says anything before.
    pub(crate) fn ends(&self) -> Boot {
        self.claim_by.map_or(self.expires, |at| at.min(self.expires))
    }
}

/// The reach of a verdict: which scope, and whether only the lease's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
