//! What answers are made of.
//!
//! One set of types for both sides: the daemon fills them with borrowed text and writes them, a
//! client reads them back as `…<'static>`. Clients ignore fields that they don't know, and read a
//! word that they don't know as `Other`.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::WireError;
use crate::limits::Limits;
use crate::words::{CredentialState, EndedBy, NotApplied, Obstacle, Scope, VerdictKind};

pub use crate::status::Restriction;

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// The version that both sides will speak.
    pub protocol: u64,
    /// The daemon's name and version, as in `credpoold/0.1.0`.
    pub server: Cow<'a, str>,
    /// Names this run of the daemon; another after each start.
    pub run: Cow<'a, str>,
    /// The daemon's process.
    pub pid: u32,
    /// The auth store that the daemon serves, if it serves one.
    pub auth_file: Option<Cow<'a, str>>,
    /// The profile that requests mean if they name none.
    #[serde(default)]
    pub profile: Option<Cow<'a, str>>,
    /// The homes that are served, the root's first.
    #[serde(default)]
    pub homes: Vec<Home<'a>>,
    /// The limits in force.
    #[serde(default)]
    pub limits: Limits,
    /// What the daemon can do: the names of its operations.
    #[serde(default)]
    pub capabilities: Vec<Cow<'a, str>>,
}

/// A Hermes home that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home<'a> {
    /// The profile that it is of, as requests name it.
    pub profile: Cow<'a, str>,
    /// Its auth store.
    pub auth_file: Cow<'a, str>,
}

/// The answer to `ping`: being answered is all there is to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {}

/// A granted lease: the answer to `acquire`, and `next` in the answer to `report_error`.
///
/// `C` is how the credential is held: the daemon has it as JSON that it rendered when it read the
/// definition, a client as a [`Credential`]. `Debug` shows neither the credential, whose JSON has the
/// secret in it, nor the lease's id.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant<'a, C> {
    /// The lease's id. A bearer token: who holds it may report on the lease.
    pub lease: Cow<'a, str>,
    /// The pool that the credential is of.
    pub pool: Cow<'a, str>,
    /// What was leased.
    pub credential: C,
    /// When the lease ends by itself, in milliseconds of Unix time.
    pub expires_at_ms: u64,
    /// Whether this lease is to find out if the credential has recovered.
    pub probe: bool,
    /// What decided for this credential: the pool's strategy, a pin, or the session, which was there before.
    pub chosen_by: Cow<'a, str>,
    /// How long the request waited, in milliseconds.
    pub queued_ms: u64,
    /// Whether the secret has run out and nothing better was there: refresh it first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub expired: bool,
}

impl<C> fmt::Debug for Grant<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("pool", &self.pool)
            .field("expires_at_ms", &self.expires_at_ms)
            .field("chosen_by", &self.chosen_by)
            .finish_non_exhaustive()
    }
}

/// The answer to `refresh`. `C` is how the credential is held, as in [`Grant`].
///
/// `Debug` shows neither the ticket nor the credential.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Refresh<'a, C> {
    /// The caller is to renew the secret.
    Refresh {
        /// What `refresh_done` takes. A bearer token.
        ticket: Cow<'a, str>,
        /// For how long nobody else will, in milliseconds.
        ttl_ms: u64,
    },
    /// There is another secret already.
    Use {
        /// The credential with it.
        credential: C,
    },
}

impl<C> fmt::Debug for Refresh<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refresh { .. } => "Refresh",
            Self::Use { .. } => "Use",
        })
    }
}

/// The answer to `refresh_done`: being answered is all there is to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshDone {}

/// A leased credential. `S` is how the secret is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential<'a, S> {
    /// Its id in the store of definitions.
    pub id: Cow<'a, str>,
    /// Its name for people.
    pub label: Cow<'a, str>,
    /// How it authorises, as in `api_key` or `oauth`.
    pub auth_type: Cow<'a, str>,
    /// The secret, unless the request or the daemon's configuration withholds it.
    pub secret: Option<S>,
    /// Where the secret is, when it is not in `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef<'a>>,
    /// Where the secret goes in a request to the provider.
    pub auth: AuthHeader<'a>,
    /// When the secret runs out, in milliseconds of Unix time, if that is known.
    pub secret_expires_at_ms: Option<u64>,
    /// Where the provider is, if the definition says so.
    pub base_url: Option<Cow<'a, str>>,
    /// `sha256:` and the first 16 hex digits of the secret's SHA-256; `None` without a secret.
    pub fingerprint: Option<Cow<'a, str>>,
    /// Opaque; another whenever the secret changes or the credential is cleared.
    pub epoch: Cow<'a, str>,
}

/// The HTTP header that carries a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthHeader<'a> {
    /// The header's name.
    pub header: Cow<'a, str>,
    /// What stands before the secret in the header's value; `"Bearer "` has its space.
    #[serde(default)]
    pub prefix: Cow<'a, str>,
}

/// Where to find a secret that the daemon does not hand out: exactly one of `env`, `config` and `file`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRef<'a> {
    /// An environment variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Cow<'a, str>>,
    /// An entry of Hermes' `config.yaml`: the name of a custom provider, or `model.api_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Cow<'a, str>>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Where in `file` the secret stands, as a JSON pointer (RFC 6901); without one, the file is the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Cow<'a, str>>,
}

/// A secret on its way to the wire: serialises, and cannot be printed.
///
/// ```
/// use credpool_proto::reply::ExposedSecret;
/// assert_eq!(format!("{:?}", ExposedSecret("sk-1")), "[secret]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExposedSecret<'a>(pub &'a str);

impl fmt::Debug for ExposedSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for ExposedSecret<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Why a credential is in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause<'a> {
    /// A verdict's kind, or what else restricts: `disabled`, `no_secret`.
    pub kind: Cow<'a, str>,
    /// The HTTP status that the provider answered with, if it did.
    pub status: Option<u16>,
    /// A few words: the provider's code, an operator's note.
    pub reason: Option<Cow<'a, str>>,
}

/// A credential and its state, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialBrief<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its label.
    pub label: Cow<'a, str>,
    /// Its state.
    pub state: CredentialState,
    /// Why; `None` when it is ready.
    pub cause: Option<Cause<'a>>,
    /// Until when, in milliseconds of Unix time; `None` when it is ready or only a person can help.
    pub until_at_ms: Option<u64>,
}

/// What the daemon concluded from a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict<'a> {
    /// What the failure was.
    pub kind: VerdictKind,
    /// What it is about.
    pub scope: Scope,
    /// Which model, in the scopes of a model.
    pub model: Option<Cow<'a, str>>,
    /// The credential's state after it.
    pub state: CredentialState,
    /// Until when it restricts, in milliseconds of Unix time; `None` if not at all or for good.
    pub until_at_ms: Option<u64>,
    /// The same as a duration, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// How many windows in a row failed this way.
    pub strikes: u32,
    /// The rule that decided.
    pub rule: Cow<'a, str>,
    /// What the deadline was read from; `None` when it is a backoff.
    pub evidence: Option<Evidence<'a>>,
}

/// What the provider said about time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence<'a> {
    /// Where it said so, as in `header:retry-after`.
    pub source: Cow<'a, str>,
    /// What it said, as it came; at most 64 bytes.
    pub raw: Cow<'a, str>,
}

/// The answer to `report_error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportReply<'a, C> {
    /// Whether the report changed anything about the credential.
    pub applied: bool,
    /// Why not, if it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<NotApplied>,
    /// Whether the lease is over now; `false` for a report without a lease or with `keep`.
    pub lease_ended: bool,
    /// What had ended the lease before this report came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
    /// Whether the same report had been made before; then this one changed nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub duplicate: bool,
    /// What the failure was, and what follows.
    pub verdict: Verdict<'a>,
    /// The next lease, where one was asked for and there was one.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub next: Option<Grant<'a, C>>,
    /// Why there is no next lease, where one was asked for and there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_error: Option<WireError<'a>>,
}

/// The answer to `release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// How long the lease was out, in milliseconds.
    pub held_ms: u64,
    /// Whether the lease had been released before; then this release changed nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub duplicate: bool,
    /// What had ended the lease before this release came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
}

/// The answer to `renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed<'a> {
    /// When the lease ends by itself now, in milliseconds of Unix time.
    pub expires_at_ms: u64,
    /// The fingerprint of the secret that the credential has by now; `None` if it has none any more, or is gone.
    pub fingerprint: Option<Cow<'a, str>>,
}

/// The answer to `clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// How many restrictions were lifted.
    pub cleared: u64,
}

/// The answer to `disable` and `enable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switched<'a> {
    /// The credential, in its new state.
    pub credential: CredentialBrief<'a>,
    /// Who may lease it, where homes of several profiles are served: it is switched for all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Cow<'a, str>>,
}

/// The answer to `reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Definitions that are new.
    pub added: u64,
    /// Definitions that are gone.
    pub removed: u64,
    /// Definitions that are there as before, but not the same.
    pub changed: u64,
    /// What was wrong with the files, and what else an operator should know, a sentence each. The envelope writes it.
    #[serde(default, skip_serializing)]
    pub warnings: Vec<String>,
}

/// The answer to `explain`: what `acquire` would have done at that moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation<'a> {
    /// The pool that was asked.
    pub pool: Cow<'a, str>,
    /// The model that was asked for.
    pub model: Option<Cow<'a, str>>,
    /// The credential that would have been leased, if any.
    pub choice: Option<Choice<'a>>,
    /// Whether the request would wait, since somebody may come back in time.
    #[serde(default)]
    pub would_wait: bool,
    /// When to ask again, in milliseconds of Unix time, where there is no choice; `None` otherwise,
    /// and if only a person can help.
    pub retry_at_ms: Option<u64>,
    /// How many credentials the pool has.
    pub total: u64,
    /// The first 32 of them, as the strategy ranks them.
    pub candidates: Vec<Candidate<'a>>,
}

/// What `explain` says would have been leased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice<'a> {
    /// The credential's id.
    pub id: Cow<'a, str>,
    /// Its label.
    pub label: Cow<'a, str>,
    /// What decided for it: the pool's strategy, a pin, or the session, which was there before.
    pub chosen_by: Cow<'a, str>,
    /// Whether the lease would have been a probe.
    pub probe: bool,
}

/// One credential in the light of one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its label.
    pub label: Cow<'a, str>,
    /// Its state.
    pub state: CredentialState,
    /// Whether it could have been leased.
    pub eligible: bool,
    /// Why not: everything that is in the way, not only the first thing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason<'a>>,
    /// What its quota does to its place among the others, if anything, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Cow<'a, str>>,
    /// How many leases of it are out.
    pub leases: u64,
    /// When its OAuth token runs out, in milliseconds of Unix time, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at_ms: Option<u64>,
}

/// One thing that is in the way of leasing a credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason<'a> {
    /// What it is.
    pub obstacle: Obstacle,
    /// The same in words, and which evidence says so.
    #[serde(default)]
    pub message: Cow<'a, str>,
    /// Which restriction, if that is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restriction: Option<Restriction<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(crate) const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests;
