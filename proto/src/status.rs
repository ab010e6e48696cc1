//! The answer to `status`: everything that may be shown, and no secret.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reply::{Cause, Evidence, is_false};
use crate::words::{Cap, Class, CredentialState, Phase, Scope};

/// One page of `status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status<'a> {
    /// The daemon's name and version.
    pub server: Cow<'a, str>,
    /// The daemon's process.
    pub pid: u32,
    /// Names this run of the daemon.
    pub run: Cow<'a, str>,
    /// When this run began, in milliseconds of Unix time.
    pub started_at_ms: u64,
    /// The daemon's clock as it answers, in milliseconds of Unix time. What is left of a deadline is
    /// reckoned from here, not from the reader's clock.
    pub now_at_ms: u64,
    /// The auth store that is served, if one is.
    pub auth_file: Option<Cow<'a, str>>,
    /// How reading the definitions went.
    pub definitions: Definitions<'a>,
    /// Where state is kept over restarts; `None` if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot<'a>>,
    /// The pools that have credentials on this page, and those that have none at all.
    pub pools: Vec<PoolStatus<'a>>,
    /// Where the next page begins, to be given as `after`; `None` on the last one.
    pub next: Option<Cow<'a, str>>,
    /// Whether the shared store is away. The envelope writes it.
    #[serde(default, skip_serializing)]
    pub degraded: bool,
    /// Whether the disk keeps what it should. The envelope writes it.
    #[serde(default = "yes", skip_serializing)]
    pub durable: bool,
}

/// How reading the definitions went, the last time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definitions<'a> {
    /// When the definitions in use were read, in milliseconds of Unix time; `None` if never.
    pub loaded_at_ms: Option<u64>,
    /// How many times in this run definitions came into use that differ from those before, the first included.
    #[serde(default)]
    pub changes: u64,
    /// Whether the last attempt succeeded. If not, the definitions of an earlier one are in use.
    pub ok: bool,
    /// What was wrong: rows that were skipped, files that could not be read. The first 32.
    pub problems: Vec<Problem<'a>>,
    /// How many problems there were in all.
    pub problems_total: u64,
}

/// Where state is kept over restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot<'a> {
    /// The file.
    pub path: Cow<'a, str>,
    /// How soon state is in it: `relaxed`, within 250 ms, or `sync`, before whoever changed it is answered.
    pub durability: Cow<'a, str>,
    /// What keeps state from being kept at present; then the envelope says `"durable": false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Cow<'a, str>>,
    /// What was wrong with the files that this run found; they were set aside.
    pub problems: Vec<Problem<'a>>,
}

/// Something wrong with a file, or with a definition in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem<'a> {
    /// Where: a file, and a row of it.
    #[serde(rename = "where")]
    pub place: Cow<'a, str>,
    /// What: one sentence, without anything secret.
    pub problem: Cow<'a, str>,
}

/// A pool, and a page of its credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolStatus<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// How it chooses.
    pub strategy: Cow<'a, str>,
    /// How many credentials it has.
    pub total: u64,
    /// How many of them are in each state; states of none may be left out.
    pub counts: BTreeMap<CredentialState, u64>,
    /// How many leases are out.
    pub leases: u64,
    /// How many requests wait for a lease.
    pub waiters: u64,
    /// How many of them in each class; classes of none may be left out.
    #[serde(default)]
    pub waiting: BTreeMap<Class, u64>,
    /// The first 32 of them, in the order in which they are served if each can use what comes free.
    #[serde(default)]
    pub line: Vec<Waiter<'a>>,
    /// The leases that are out, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leases_out: Option<LeasesOut<'a>>,
    /// What restricts the pool as a whole, or one model of it.
    pub restrictions: Vec<Restriction<'a>>,
    /// What an operator should know, a sentence each.
    pub warnings: Vec<Cow<'a, str>>,
    /// Who may lease from it, where homes of several profiles are served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileStatus<'a>>,
    /// The credentials on this page, in order of priority.
    pub credentials: Vec<CredentialStatus<'a>>,
}

/// A request that waits for a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter<'a> {
    /// Its public number, which names it and authorises nothing.
    pub number: u64,
    /// Its class.
    pub class: Class,
    /// Its place: 1 is the next one.
    pub position: u64,
    /// How long it has waited by now, in milliseconds.
    pub waited_ms: u64,
    /// About how long it will have to wait yet, in milliseconds: its position times the usual gap between two slots
    /// that come free for a waiter, or until the first candidate comes back if that is longer; `None` if neither is
    /// known.
    pub estimate_ms: Option<u64>,
    /// The model that is waited for, if leases were asked for and one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Cow<'a, str>>,
    /// Who waits, if leases were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder<'a>>,
}

/// A page of the leases of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasesOut<'a> {
    /// In the order in which they were granted.
    pub page: Vec<LeaseOut<'a>>,
    /// Where the next page begins, to be given as `leases_after`; `None` on the last one.
    pub next: Option<u64>,
}

/// A lease that is out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseOut<'a> {
    /// Its public number, which names it and authorises nothing.
    pub number: u64,
    /// The id of its credential.
    pub credential: Cow<'a, str>,
    /// The model that it is for, if one was named.
    pub model: Option<Cow<'a, str>>,
    /// The class that it was asked for in.
    pub class: Class,
    /// Whether it belongs to a session.
    pub session: bool,
    /// Whether it is to find out if the credential has recovered.
    pub probe: bool,
    /// Whether it outlives its connection.
    pub detached: bool,
    /// How long it has been out by now, in milliseconds.
    pub held_ms: u64,
    /// When it ends by itself, in milliseconds of Unix time.
    pub expires_at_ms: u64,
    /// Who holds it; `None` if nobody does: it is detached, or its connection was cut off by a restart.
    pub holder: Option<Holder<'a>>,
}

/// Whose connection it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder<'a> {
    /// What the client calls itself in `hello`, as far as that is fit to be shown. Nobody has checked it.
    pub client: Option<Cow<'a, str>>,
    /// The process that connected, by the kernel's word, as the daemon's own process namespace numbers it; `None` if it
    /// has no number there.
    pub pid: Option<u32>,
    /// Its user, by the kernel's word.
    pub uid: u32,
}

/// What one profile may lease from a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileStatus<'a> {
    /// Its name.
    pub profile: Cow<'a, str>,
    /// How one of its credentials is chosen.
    pub strategy: Cow<'a, str>,
    /// How many credentials it may lease.
    pub total: u64,
}

/// A credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CredentialStatus<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its label.
    pub label: Cow<'a, str>,
    /// How it authorises.
    pub auth_type: Cow<'a, str>,
    /// Where its definition comes from, as in `manual` or `env:OPENROUTER_API_KEY`.
    pub source: Cow<'a, str>,
    /// Its rank: lower goes first.
    pub priority: u64,
    /// The secret's fingerprint; `None` without a secret.
    pub fingerprint: Option<Cow<'a, str>>,
    /// When the secret runs out, in milliseconds of Unix time, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at_ms: Option<u64>,
    /// Its epoch.
    pub epoch: Cow<'a, str>,
    /// Its state.
    pub state: CredentialState,
    /// Why; `None` when it is ready.
    pub cause: Option<Cause<'a>>,
    /// Until when, in milliseconds of Unix time; `None` when it is ready or only a person can help.
    pub until_at_ms: Option<u64>,
    /// Everything that restricts it, single models included; the pool's restrictions are not.
    pub restrictions: Vec<Restriction<'a>>,
    /// What responses say is left of what its account may use; of windows that have begun anew, nothing is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<QuotaWindow<'a>>,
    /// How many leases of it are out.
    pub leases: u64,
    /// How many leases of it should be out at most.
    pub max_in_flight: u64,
    /// How `max_in_flight` is meant.
    pub cap: Cap,
    /// How many leases of it were ever granted.
    pub grants: u64,
    /// Who may lease it, where homes of several profiles are served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Cow<'a, str>>,
}

/// A quota window of an account, as the last response that spoke of it had it. What that did not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaWindow<'a> {
    /// The provider's name for it, as in `requests` or `5h`.
    pub name: Cow<'a, str>,
    /// The only model whose use it counts, if not all.
    pub model: Option<Cow<'a, str>>,
    /// How much there is in all.
    pub limit: Option<u64>,
    /// How much was left.
    pub remaining: Option<u64>,
    /// How much was used, in thousandths; above 1,000 if more was used than there is.
    pub used_permille: Option<u32>,
    /// When it begins anew, in milliseconds of Unix time; or when it is full, if it refills.
    pub reset_at_ms: Option<u64>,
    /// Whether it fills up bit by bit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refills: bool,
    /// When the response was heard of, in milliseconds of Unix time.
    pub seen_at_ms: u64,
}

/// Something that must not be used, for a while or until a person helps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restriction<'a> {
    /// What it covers.
    pub scope: Scope,
    /// The only model that it covers, if not all.
    pub model: Option<Cow<'a, str>>,
    /// A verdict's kind, or what else restricts: `disabled`, `no_secret`.
    pub kind: Cow<'a, str>,
    /// The HTTP status that caused it, if one did.
    pub status: Option<u16>,
    /// A few words about the cause.
    pub reason: Option<Cow<'a, str>>,
    /// When it opens at the latest, in milliseconds of Unix time; `None` if only a person can lift it.
    pub until_at_ms: Option<u64>,
    /// How far it has come.
    pub phase: Phase,
    /// How many windows in a row failed this way.
    pub strikes: u32,
    /// What its deadline, or else its kind, was read from; `None` for a guess.
    pub evidence: Option<Evidence<'a>>,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
