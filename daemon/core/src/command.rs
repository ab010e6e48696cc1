//! What can be asked of the core, and what it answers.

use std::sync::Arc;

use crate::cause::{Cause, Kind, State};
use crate::policy::{Cap, Policy, Strategy};
use crate::quota::Reading;
use crate::records::{
    Ask, ChosenBy, Conclusion, CredentialKey, EndedBy, Evidence, LeaseNo, Model, Owner, PoolKey, Profile, Reach, Seq,
    TokenHash, WaiterNo,
};
use crate::refusal::Refusal;
use crate::renewals::Attempt;
use crate::time::{Boot, Until, Wall};
use crate::waiting::Wait;

/// A command. What is not here does not change the state of a pool.
#[derive(Clone, Debug)]
pub enum Command {
    /// The definitions and policy of a pool, whole.
    Define(Define),
    /// A fact that Hermes wrote beside a definition.
    Import(Import),
    /// The right to use a credential.
    Acquire(Acquire),
    /// A failure.
    Report(Report),
    /// The end of a lease.
    Release(Release),
    /// More time for a lease.
    Renew(Renew),
    /// A lease of an earlier run, for a connection of this one.
    Claim(Claim),
    /// The right to renew a secret that has run out.
    AskRenewal(AskRenewal),
    /// How that went.
    EndRenewal(EndRenewal),
    /// The end of a connection.
    Disconnect(Owner),
    /// An operator lifts restrictions.
    Clear(Clear),
    /// An operator switches a credential off.
    Disable(Disable),
    /// An operator switches it on again.
    Enable(CredentialKey),
    /// Nothing but the passing of time.
    Tick,
}

/// One row of a pool's definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Unique within the pool.
    pub id: Arc<str>,
    /// The fingerprint of its secret; `None` if it cannot be resolved here.
    pub fingerprint: Option<Arc<str>>,
    /// Why it cannot be resolved, for people; of meaning without a fingerprint.
    pub unresolved: Arc<str>,
    /// Whether it can be had elsewhere, so that whoever takes references can be served; of meaning without a fingerprint.
    pub referable: bool,
    /// What the provider limits, by name.
    pub account: Arc<str>,
    /// A cap of its own.
    pub cap: Option<Cap>,
    /// When its secret runs out, if it does: from then on it is granted only where nothing better is there.
    pub expires: Option<Wall>,
    /// Grants that the definition brings along; they count only for a credential that was unknown.
    pub grants: u64,
}

/// `Command::Define`.
#[derive(Clone, Debug)]
pub struct Define {
    /// The pool's name.
    pub pool: Arc<str>,
    /// What it is told to do.
    pub policy: Policy,
    /// All its definitions, in order, with distinct ids. A credential whose id is gone gets the new id with its secret,
    /// where there is one of each.
    pub definitions: Vec<Definition>,
    /// Who may lease what of it.
    pub lists: Vec<Listing>,
}

/// What some profiles may lease from a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Who leases by it. A profile that stands in several listings leases by the first.
    pub profiles: Vec<Profile>,
    /// Places among the pool's definitions, in order. One that comes again, or is nobody's, is passed over.
    pub members: Vec<usize>,
    /// How one of them is chosen.
    pub strategy: Strategy,
}

/// `Command::Import`.
#[derive(Clone, Debug)]
pub struct Import {
    /// The credential that it is about.
    pub credential: CredentialKey,
    /// When it happened.
    pub at: Wall,
    /// What happened; never one of `Cause::is_ours`.
    pub cause: Cause,
    /// When that is over.
    pub until: Until,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The rule that concluded it.
    pub rule: Arc<str>,
}

/// `Command::Acquire`.
#[derive(Clone, Debug)]
pub struct Acquire {
    /// The pool.
    pub pool: PoolKey,
    /// What is wanted of it.
    pub ask: Ask,
    /// The hash of the token that the lease will have.
    pub token: TokenHash,
    /// The connection that the lease is bound to; `None` for a detached lease.
    pub owner: Option<Owner>,
    /// How long it may wait for somebody; `None` for not at all.
    pub wait: Option<Wait>,
}

/// Whom a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A lease.
    Lease(TokenHash),
    /// A credential in an epoch, from somebody who holds no lease.
    Credential(CredentialKey, Seq),
}

/// What the classifier says of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it was.
    pub kind: Kind,
    /// How far it reaches.
    pub reach: Reach,
    /// The one model that it reaches.
    pub model: Option<Model>,
    /// Milliseconds from now until it is over, if the vendor said so.
    pub after_ms: Option<u64>,
    /// The instant at which it is over, if the vendor said so. With both, the later counts.
    pub at: Option<Wall>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The rule that fired.
    pub rule: Arc<str>,
    /// What it went by.
    pub evidence: Option<Evidence>,
}

/// `Command::Report`.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whom it is about.
    pub subject: Subject,
    /// Which failure of this lease, by the caller's count.
    pub number: u64,
    /// The model that was in use, if one was.
    pub model: Option<Model>,
    /// What the classifier says.
    pub verdict: Verdict,
    /// What the response says is left, one reading a window.
    pub readings: Vec<Reading>,
    /// Whether the lease goes on.
    pub keep: bool,
    /// Whether another lease is wanted in the same step.
    pub next: Option<Next>,
}

/// The lease that follows a report.
#[derive(Clone, Debug)]
pub enum Next {
    /// On the terms of the lease that was reported, without waiting; if that one was bound, then to this connection.
    Same {
        /// The hash of the token that it will have.
        token: TokenHash,
        /// The connection that reports.
        connection: Owner,
    },
    /// On other terms, without waiting.
    With {
        /// What is wanted.
        ask: Ask,
        /// The hash of the token that it will have.
        token: TokenHash,
        /// The connection that it is bound to; `None` for a detached lease.
        owner: Option<Owner>,
    },
}

/// `Command::Release`.
#[derive(Clone, Debug)]
pub struct Release {
    /// The lease.
    pub token: TokenHash,
    /// Whether its use is known to have succeeded.
    pub success: bool,
    /// What the response says is left, one reading a window.
    pub readings: Vec<Reading>,
}

/// `Command::Renew`.
#[derive(Clone, Copy, Debug)]
pub struct Renew {
    /// The lease.
    pub token: TokenHash,
    /// Milliseconds from now; `None` for what it was granted with.
    pub ttl_ms: Option<u64>,
    /// The connection that lets go of it, if it shall outlive that. One that is detached stays so.
    pub let_go_by: Option<Owner>,
}

/// `Command::Claim`.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The lease.
    pub token: TokenHash,
    /// The connection that it is bound to from now on.
    pub owner: Owner,
}

/// `Command::AskRenewal`.
#[derive(Clone, Debug)]
pub struct AskRenewal {
    /// Whose secret.
    pub credential: CredentialKey,
    /// The fingerprint of the one that has run out.
    pub stale: Arc<str>,
    /// The hash that the ticket will have.
    pub ticket: TokenHash,
    /// The connection that it will be bound to.
    pub owner: Owner,
}

/// `Command::EndRenewal`.
#[derive(Clone, Debug)]
pub struct EndRenewal {
    /// The ticket.
    pub ticket: TokenHash,
    /// How it went.
    pub attempt: Attempt,
}

/// `Command::Clear`.
#[derive(Clone, Debug)]
pub struct Clear {
    /// The pool.
    pub pool: PoolKey,
    /// One credential of it, with its account; `None` for all and for the pool itself.
    pub credential: Option<CredentialKey>,
    /// Only restrictions of this one model; `None` for all restrictions.
    pub model: Option<Model>,
}

/// `Command::Disable`.
#[derive(Clone, Debug)]
pub struct Disable {
    /// The credential.
    pub credential: CredentialKey,
    /// For so many milliseconds; `None` until it is enabled.
    pub for_ms: Option<u64>,
    /// What the operator notes.
    pub note: Arc<str>,
}

/// What the core answers, by command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To `Define`.
    Defined(Defined),
    /// To `Import`: whether it was news.
    Imported(bool),
    /// To `Acquire`.
    Acquired(Result<Grant, Refusal>),
    /// To `Acquire`, if it waits: its answer will be among what a later command has [`settled`](crate::Core::settled).
    Queued(WaiterNo),
    /// To `Report`.
    Reported(Result<Reported, Refusal>),
    /// To `Release`.
    Released(Result<Released, Refusal>),
    /// To `Renew`: when the lease now expires, or what has ended it.
    Renewed(Result<Renewed, Refusal>),
    /// To `Claim`.
    Claimed(Result<Claimed, Refusal>),
    /// To `AskRenewal`.
    Renewing(Result<Renewing, Refusal>),
    /// To `EndRenewal`.
    RenewalEnded(Result<(), Refusal>),
    /// To `Disconnect`: how many leases it ended. Its waiters are gone too.
    Disconnected(usize),
    /// To `Clear`: how many restrictions it lifted.
    Cleared(Result<usize, Refusal>),
    /// To `Disable` and `Enable`: the credential's state.
    Switched(Result<State, Refusal>),
    /// To `Tick`.
    Ticked,
}

/// The answer to `Define`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defined {
    /// The pool's key.
    pub pool: PoolKey,
    /// The credentials' keys, in the order of the definitions.
    pub keys: Vec<CredentialKey>,
    /// Definitions that were not there before.
    pub added: usize,
    /// Definitions that are there no more.
    pub removed: usize,
    /// Definitions whose id, secret, account, cap or order is another.
    pub changed: usize,
}

/// A granted lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its public number.
    pub no: LeaseNo,
    /// Its credential.
    pub credential: CredentialKey,
    /// The epoch that the credential is in.
    pub epoch: Seq,
    /// When it expires.
    pub expires: Boot,
    /// What decided the choice.
    pub chosen_by: ChosenBy,
    /// Whether it is to see if what restricted the credential is over.
    pub probe: bool,
    /// Whether the secret has run out: nothing better was there.
    pub expired: bool,
    /// How long it was waited for, in milliseconds.
    pub queued_ms: u64,
}

/// The answer to `Report`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// What it was concluded to mean.
    pub conclusion: Conclusion,
    /// What has ended the lease: this report, or something before it; `None` if it goes on or there was none.
    pub ended_by: Option<EndedBy>,
    /// Whether the same was said before; then nothing was changed, and there is no `next`.
    pub duplicate: bool,
    /// The lease that follows.
    pub next: Option<Result<Grant, Refusal>>,
}

/// The answer to `Release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// How long the lease was held, in milliseconds.
    pub held_ms: u64,
    /// What has ended it.
    pub ended_by: EndedBy,
    /// Whether it had ended before.
    pub duplicate: bool,
}

/// The answer to `Claim`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is bound to the connection now.
    Bound(Grant),
    /// It has ended; nothing was changed.
    Ended(EndedBy),
}

/// The answer to `AskRenewal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewing {
    /// There is another secret, since this epoch at the latest.
    Renewed(Seq),
    /// The caller is to renew it.
    Ticket {
        /// For how many milliseconds nobody else will.
        ttl_ms: u64,
    },
    /// Not now.
    Busy {
        /// Milliseconds until it is worth asking again.
        retry_after_ms: u64,
        /// What the last attempt said, if the reason is that it failed; somebody is at it otherwise.
        failed: Option<Arc<str>>,
    },
}

/// The answer to `Renew`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It expires then.
    Until(Boot),
    /// It has ended; nothing was changed.
    Ended(EndedBy),
}
