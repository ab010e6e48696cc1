//! Requests: from a line to a typed operation, or to the refusal to send back.
//!
//! The rules, in the order in which they are checked:
//!
//! 1. The line is UTF-8 and nests at most 64 levels deep, the request itself being the first.
//! 2. It is one JSON object and nothing else, and no field stands in it twice.
//! 3. `op` names an operation. It may stand anywhere in the object.
//! 4. Each field that the operation knows has the right type and size. `null` is the same as
//!    leaving the field out. Integers are 0 to 2^53 − 1, written as integers.
//! 5. Every other field is ignored, and named to the caller.
//!
//! A refusal carries the request's `id` whenever the line is a JSON object with a good one, however
//! wrong the rest of it is.

use std::borrow::Cow;
use std::{fmt, str};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::WireError;
use crate::limits::MAX_NESTING;
use crate::words::{Class, ErrorCode, FailureKind, OpName, Outcome, RefreshOutcome};

mod build;
mod fields;
mod nesting;
mod peek;
mod values;

#[cfg(test)]
mod tests;

pub use values::{Body, Headers};

/// A request, borrowing from its line wherever the line has no escapes.
#[derive(Debug)]
pub struct Request<'a> {
    /// What to repeat in the reply.
    pub id: Option<Id<'a>>,
    /// What to do.
    pub op: Op<'a>,
    /// Names of fields that were ignored: at most 16, in alphabetical order, each cut to 64 bytes.
    /// Fields inside `next` and `usage` are named with their path, as in `next.colour`.
    pub unknown: Vec<Cow<'a, str>>,
}

/// A line that is not a request: what to answer.
#[derive(Debug)]
pub struct Rejected<'a> {
    /// The request's id, if it could be read.
    pub id: Option<Id<'a>>,
    /// What was wrong. Never repeats a value of the request.
    pub error: WireError<'static>,
}

/// The `id` of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id<'a> {
    /// An integer from 0 to 2^53 − 1.
    Int(u64),
    /// A string of at most 64 bytes.
    Str(Cow<'a, str>),
}

impl Id<'_> {
    /// The same id, independent of the line that it came in.
    #[must_use]
    pub fn into_owned(self) -> Id<'static> {
        match self {
            Self::Int(number) => Id::Int(number),
            Self::Str(text) => Id::Str(Cow::Owned(text.into_owned())),
        }
    }
}

impl Serialize for Id<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_u64(*number),
            Self::Str(text) => serializer.serialize_str(text),
        }
    }
}

/// An operation and what it asks.
///
/// `Debug` shows its name alone: a lease's id is a bearer token, and what providers answer may hold
/// secrets.
pub enum Op<'a> {
    /// `hello`.
    Hello {
        /// Who asks, as "name/version".
        client: Option<Cow<'a, str>>,
        /// The versions that the client speaks; `[1]` unless it says otherwise.
        protocols: Vec<u64>,
    },
    /// `ping`.
    Ping,
    /// `acquire`.
    Acquire {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Under which conditions.
        options: AcquireOptions<'a>,
    },
    /// `report_error`.
    ReportError(Box<ReportError<'a>>),
    /// `release`.
    Release(Release<'a>),
    /// `renew`.
    Renew {
        /// Which lease.
        lease: Cow<'a, str>,
        /// How long from now, in milliseconds; the lease's own TTL again if `None`.
        ttl_ms: Option<u64>,
        /// Whether it outlives its connection from now on.
        detach: bool,
    },
    /// `claim`.
    Claim {
        /// Which lease.
        lease: Cow<'a, str>,
    },
    /// `status`.
    Status(Status<'a>),
    /// `explain`.
    Explain {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Under which conditions.
        options: AcquireOptions<'a>,
    },
    /// `history`.
    History {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Whose names are meant, here and in the answer.
        profile: Option<Cow<'a, str>>,
        /// Only what concerned this credential (id or unique label).
        credential: Option<Cow<'a, str>>,
        /// Only what happened with this model.
        model: Option<Cow<'a, str>>,
        /// How many entries at most; 1 to 1,000.
        limit: usize,
    },
    /// `clear`.
    Clear {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Whose names are meant.
        profile: Option<Cow<'a, str>>,
        /// Only this credential (id or unique label) and its account.
        credential: Option<Cow<'a, str>>,
        /// Only this model.
        model: Option<Cow<'a, str>>,
    },
    /// `disable`.
    Disable {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Whose names are meant, here and in the answer.
        profile: Option<Cow<'a, str>>,
        /// Which credential: id or unique label.
        credential: Cow<'a, str>,
        /// For how long, in milliseconds; until `enable` if `None`.
        for_ms: Option<u64>,
        /// Why, for those who wonder.
        note: Option<Cow<'a, str>>,
    },
    /// `enable`.
    Enable {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Whose names are meant, here and in the answer.
        profile: Option<Cow<'a, str>>,
        /// Which credential: id or unique label.
        credential: Cow<'a, str>,
    },
    /// `reload`.
    Reload,
    /// `subscribe`.
    Subscribe {
        /// Only what happens in this pool.
        pool: Option<Cow<'a, str>>,
        /// Whose names the events use.
        profile: Option<Cow<'a, str>>,
    },
    /// `refresh`.
    Refresh {
        /// Which pool.
        pool: Cow<'a, str>,
        /// Whose names are meant, here and in the answer.
        profile: Option<Cow<'a, str>>,
        /// Which credential: id or unique label.
        credential: Cow<'a, str>,
        /// The fingerprint of the secret that has run out.
        stale: Cow<'a, str>,
    },
    /// `refresh_done`.
    RefreshDone {
        /// Which ticket.
        ticket: Cow<'a, str>,
        /// How it went.
        outcome: RefreshOutcome,
        /// What went wrong, for those who ask meanwhile.
        message: Option<Cow<'a, str>>,
    },
}

impl fmt::Debug for Op<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().as_str())
    }
}

impl Op<'_> {
    /// The operation's name.
    #[must_use]
    pub const fn name(&self) -> OpName {
        match self {
            Self::Hello { .. } => OpName::Hello,
            Self::Ping => OpName::Ping,
            Self::Acquire { .. } => OpName::Acquire,
            Self::ReportError(_) => OpName::ReportError,
            Self::Release(_) => OpName::Release,
            Self::Renew { .. } => OpName::Renew,
            Self::Claim { .. } => OpName::Claim,
            Self::Status(_) => OpName::Status,
            Self::Explain { .. } => OpName::Explain,
            Self::History { .. } => OpName::History,
            Self::Clear { .. } => OpName::Clear,
            Self::Disable { .. } => OpName::Disable,
            Self::Enable { .. } => OpName::Enable,
            Self::Reload => OpName::Reload,
            Self::Subscribe { .. } => OpName::Subscribe,
            Self::Refresh { .. } => OpName::Refresh,
            Self::RefreshDone { .. } => OpName::RefreshDone,
        }
    }
}

/// Which page of what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status<'a> {
    /// Only this pool.
    pub pool: Option<Cow<'a, str>>,
    /// Whose names the answer uses.
    pub profile: Option<Cow<'a, str>>,
    /// Where to go on, as the page before said.
    pub after: Option<Cow<'a, str>>,
    /// How many credentials at most, and how many leases; 1 to 1,000.
    pub limit: usize,
    /// Whether to tell of each lease that is out with a number above this one, and who waits. Only of one pool.
    pub leases: Option<u64>,
}

/// The conditions of a lease.
///
/// Durations are as the request has them: that they keep to the daemon's configured limits is the
/// daemon's to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcquireOptions<'a> {
    /// The profile whose pool is meant.
    pub profile: Option<Cow<'a, str>>,
    /// The model that the credential is for.
    pub model: Option<Cow<'a, str>>,
    /// What to stick to one credential.
    pub session: Option<Cow<'a, str>>,
    /// Only this credential: id or unique label.
    pub credential: Option<Cow<'a, str>>,
    /// None of these credentials, given by id; at most 32.
    pub exclude: Vec<Cow<'a, str>>,
    /// Who waits.
    pub class: Class,
    /// How long to wait, in milliseconds.
    pub wait_ms: u64,
    /// How long the lease may last, in milliseconds; as the pool has it if `None`.
    pub ttl_ms: Option<u64>,
    /// Whether the lease outlives its connection.
    pub detach: bool,
    /// Whether to answer with the secret itself.
    pub secret: bool,
}

impl Default for AcquireOptions<'_> {
    /// What a request without any of these fields means.
    fn default() -> Self {
        Self {
            profile: None,
            model: None,
            session: None,
            credential: None,
            exclude: Vec::new(),
            class: Class::Interactive,
            wait_ms: 0,
            ttl_ms: None,
            detach: false,
            secret: true,
        }
    }
}

/// A failure, as somebody saw it who used a credential.
#[derive(Debug)]
pub struct ReportError<'a> {
    /// What was used.
    pub subject: Subject<'a>,
    /// What happened.
    pub facts: Facts<'a>,
    /// Which failure of this lease it is, from 1 to 64.
    pub report: u64,
    /// Whether the lease goes on.
    pub keep: bool,
    /// Whether to answer with another lease.
    pub next: Next<'a>,
}

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A lease.
    Lease(Cow<'a, str>),
    /// A credential, used without a lease.
    Credential {
        /// Its pool.
        pool: Cow<'a, str>,
        /// Whose names are meant.
        profile: Option<Cow<'a, str>>,
        /// Its id or unique label.
        credential: Cow<'a, str>,
        /// Its epoch when it was used.
        epoch: Cow<'a, str>,
    },
}

/// Whether a report asks for another lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// It doesn't.
    No,
    /// One on the conditions of the lease that it is about. Only in reports about a lease.
    Same,
    /// One on these conditions, of the same pool.
    With(AcquireOptions<'a>),
}

/// What is known of a failure, each fact in whatever form and unit the provider gave it.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The HTTP status, from 100 to 999.
    pub status: Option<u16>,
    /// The response's headers.
    pub headers: Headers<'a>,
    /// The response's body.
    pub body: Option<Body<'a>>,
    /// The error's text.
    pub message: Option<Cow<'a, str>>,
    /// The error's code. An integer is given as its digits.
    pub code: Option<Cow<'a, str>>,
    /// What the client knows by itself.
    pub kind: Option<FailureKind>,
    /// A hint under this name. A number is given as it was written, here and below.
    pub reset_at: Option<Cow<'a, str>>,
    /// A hint under this name.
    pub resets_at: Option<Cow<'a, str>>,
    /// A hint under this name.
    pub retry_until: Option<Cow<'a, str>>,
    /// A hint under this name.
    pub retry_after: Option<Cow<'a, str>>,
    /// The model that failed; the lease's if `None`.
    pub model: Option<Cow<'a, str>>,
}

/// The end of a lease, and how the request went that it was for.
#[derive(Debug)]
pub struct Release<'a> {
    /// Which lease.
    pub lease: Cow<'a, str>,
    /// How it went.
    pub outcome: Outcome,
    /// The HTTP status, from 100 to 999.
    pub status: Option<u16>,
    /// The response's headers.
    pub headers: Headers<'a>,
    /// What it cost.
    pub usage: Usage,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens sent.
    pub input_tokens: Option<u64>,
    /// Tokens received.
    pub output_tokens: Option<u64>,
}

/// Reads one line, without its newline, as a request.
///
/// # Errors
///
/// [`Rejected`] holds the answer to give: `bad_request`, `unknown_op`, or `limit` for a list or a
/// number over a limit of the protocol.
pub fn decode(line: &[u8]) -> Result<Request<'_>, Rejected<'_>> {
    let Ok(text) = str::from_utf8(line) else {
        return Err(Rejected { id: None, error: WireError::bad_request("the line is not valid UTF-8") });
    };
    decode_text(text).map_err(|error| Rejected { id: peek::peek(text).id, error })
}

fn decode_text(text: &str) -> Result<Request<'_>, WireError<'static>> {
    if nesting::deeper_than(text.as_bytes(), MAX_NESTING) {
        return Err(WireError::bad_request(format!("the request is nested more than {MAX_NESTING} levels deep")));
    }
    let fields = match fields::read(text, fields::KeySet::ALL) {
        Ok(fields) => fields,
        Err(problem @ fields::Problem::Invalid(_)) => {
            // The field may be one that this operation doesn't know, and then its type is nobody's
            // business. Which operation it is, is found out again, since `op` may stand behind it.
            let Some(op) = peek::peek(text).op else {
                return Err(problem.into_error(""));
            };
            let keys = fields::keys_of(op_name(&op)?);
            fields::read(text, keys).map_err(|problem| problem.into_error(""))?
        }
        Err(problem) => return Err(problem.into_error("")),
    };
    build::request(fields)
}

fn op_name(op: &str) -> Result<OpName, WireError<'static>> {
    OpName::parse(op).ok_or_else(|| {
        // Only what is spelled like an operation is repeated: anything else may be a secret that
        // has slipped into the wrong place.
        let plain = op.len() <= 32 && op.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
        let message =
            if plain { format!("there is no operation `{op}`") } else { "there is no such operation".to_owned() };
        WireError::new(ErrorCode::UnknownOp, message)
    })
}

/// A JSON value that is kept as it was written.
type Raw<'a> = &'a RawValue;
