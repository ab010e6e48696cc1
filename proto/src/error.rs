//! Refusals: what stands under `error` in a reply.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reply::CredentialBrief;
use crate::words::ErrorCode;

/// A refusal: a stable code, a sentence for people, and what else belongs to that code.
///
/// No part of it ever holds a secret, nor more than 64 bytes of what the client sent.
#[derive(Clone, Debug, PartialEq)]
pub struct WireError<'a> {
    /// What programs act on.
    pub code: ErrorCode,
    /// What people read: one sentence, in any wording.
    pub message: Cow<'a, str>,
    /// What the code brings with it.
    pub details: Details<'a>,
}

/// What an error says beyond its code and message.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Details<'a> {
    /// Nothing.
    #[default]
    None,
    /// With `exhausted`, `busy` and `timeout`: who is in the way, and until when.
    Unavailable(Box<Unavailable<'a>>),
    /// With `limit`, `queue_full` and `line_too_long`: the limit's name and value.
    Limit {
        /// The name, as in `hello`'s `limits` where it is there.
        limit: Cow<'a, str>,
        /// The largest value that is accepted.
        value: u64,
    },
    /// With `unknown_pool`: the pools that there are.
    Pools(Vec<Cow<'a, str>>),
    /// With `unknown_pool`, for a profile that there is not: those that there are.
    Profiles(Vec<Cow<'a, str>>),
    /// With `ambiguous_label`: the credentials that bear it.
    Credentials(Vec<CredentialBrief<'a>>),
}

/// Why there is no credential to lease now, among those that the request leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unavailable<'a> {
    /// When to ask again, as a duration in milliseconds; `None` if only a person can help.
    pub retry_after_ms: Option<u64>,
    /// The same as an instant, in milliseconds of Unix time.
    pub retry_at_ms: Option<u64>,
    /// The pool that was asked.
    pub pool: Cow<'a, str>,
    /// The model that was asked for.
    pub model: Option<Cow<'a, str>>,
    /// How many credentials pin, exclude, profile and model leave.
    pub total: u64,
    /// How many of them are held back by each kind of cause.
    pub by_cause: BTreeMap<Cow<'a, str>, u64>,
    /// Those of them that come back first, soonest first; at most 32.
    pub credentials: Vec<CredentialBrief<'a>>,
}

impl<'a> WireError<'a> {
    /// An error that is all said with its code and message.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'a, str>>) -> Self {
        Self { code, message: message.into(), details: Details::None }
    }

    /// `bad_request`.
    pub fn bad_request(message: impl Into<Cow<'a, str>>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// `limit`: `what` ran into the limit called `limit`, whose value is `value`.
    #[must_use]
    pub fn limit(limit: &'static str, value: u64, what: &str) -> Self {
        Self {
            code: ErrorCode::Limit,
            message: format!("{what}; the limit is {value}").into(),
            details: Details::Limit { limit: limit.into(), value },
        }
    }

    /// `queue_full`: `what` ran into the limit called `limit`, whose value is `value`, so it cannot wait.
    #[must_use]
    pub fn queue_full(limit: &'static str, value: u64, what: &str) -> Self {
        Self { code: ErrorCode::QueueFull, ..Self::limit(limit, value, what) }
    }

    /// `line_too_long`, for lines of more than `limit` bytes.
    #[must_use]
    pub fn line_too_long(limit: usize) -> Self {
        Self {
            code: ErrorCode::LineTooLong,
            message: format!("a request line may have at most {limit} bytes").into(),
            details: Details::Limit {
                limit: "request_line_bytes".into(),
                value: u64::try_from(limit).unwrap_or(u64::MAX),
            },
        }
    }

    /// `internal`, when the daemon could not write its own answer.
    #[must_use]
    pub const fn internal() -> Self {
        Self {
            code: ErrorCode::Internal,
            message: Cow::Borrowed("the daemon failed to answer; its log says why"),
            details: Details::None,
        }
    }

    /// When the daemon says to ask again, in milliseconds from its answer on.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match &self.details {
            Details::Unavailable(unavailable) => unavailable.retry_after_ms,
            _ => None,
        }
    }
}

impl fmt::Display for WireError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for WireError<'_> {}

/// The error as a client finds it: the fields of all codes side by side, any of which may lack.
#[derive(Deserialize)]
struct Flat {
    code: ErrorCode,
    #[serde(default)]
    message: String,
    limit: Option<String>,
    value: Option<u64>,
    pools: Option<Vec<Cow<'static, str>>>,
    profiles: Option<Vec<Cow<'static, str>>>,
    retry_after_ms: Option<u64>,
    retry_at_ms: Option<u64>,
    pool: Option<String>,
    model: Option<String>,
    #[serde(default)]
    total: u64,
    #[serde(default)]
    by_cause: BTreeMap<Cow<'static, str>, u64>,
    #[serde(default)]
    credentials: Vec<CredentialBrief<'static>>,
}

impl<'de> Deserialize<'de> for WireError<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Flat::deserialize(deserializer)?;
        let details = match flat.code {
            ErrorCode::Exhausted | ErrorCode::Busy | ErrorCode::Timeout => {
                Details::Unavailable(Box::new(Unavailable {
                    retry_after_ms: flat.retry_after_ms,
                    retry_at_ms: flat.retry_at_ms,
                    pool: flat.pool.unwrap_or_default().into(),
                    model: flat.model.map(Cow::Owned),
                    total: flat.total,
                    by_cause: flat.by_cause,
                    credentials: flat.credentials,
                }))
            }
            ErrorCode::UnknownPool => match flat.profiles {
                Some(profiles) => Details::Profiles(profiles),
                None => Details::Pools(flat.pools.unwrap_or_default()),
            },
            ErrorCode::AmbiguousLabel => Details::Credentials(flat.credentials),
            _ => match (flat.limit, flat.value) {
                (Some(limit), Some(value)) => Details::Limit { limit: limit.into(), value },
                _ => Details::None,
            },
        };
        Ok(Self { code: flat.code, message: flat.message.into(), details })
    }
}

impl Serialize for WireError<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("message", &self.message)?;
        match &self.details {
            Details::None => {}
            Details::Limit { limit, value } => {
                map.serialize_entry("limit", limit)?;
                map.serialize_entry("value", value)?;
            }
            Details::Pools(pools) => map.serialize_entry("pools", pools)?,
            Details::Profiles(profiles) => map.serialize_entry("profiles", profiles)?,
            Details::Credentials(credentials) => {
                map.serialize_entry("credentials", credentials)?;
            }
            Details::Unavailable(unavailable) => {
                map.serialize_entry("retry_after_ms", &unavailable.retry_after_ms)?;
                map.serialize_entry("retry_at_ms", &unavailable.retry_at_ms)?;
                map.serialize_entry("pool", &unavailable.pool)?;
                map.serialize_entry("model", &unavailable.model)?;
                map.serialize_entry("total", &unavailable.total)?;
                map.serialize_entry("by_cause", &unavailable.by_cause)?;
                map.serialize_entry("credentials", &unavailable.credentials)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
