//! The answer to `history`: what was said and done about credentials.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::reply::{Evidence, is_false};
use crate::words::{HistoryEvent, NotApplied, Scope};

/// The answer to `history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History<'a> {
    /// The pool that was asked.
    pub pool: Cow<'a, str>,
    /// What is remembered, the latest first.
    pub entries: Vec<Entry<'a>>,
    /// Whether more is remembered than the request's `limit` let through.
    pub more: bool,
}

/// One thing that was said or done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// When, in milliseconds of Unix time.
    pub at_ms: u64,
    /// What.
    pub event: HistoryEvent,
    /// To which credential; `None` if to the pool as a whole.
    pub credential: Option<Name<'a>>,
    /// The model that was in use, or that was spoken of.
    pub model: Option<Cow<'a, str>>,
    /// How far it reached.
    pub scope: Scope,
    /// The public number of the lease behind it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<u64>,
    /// Whether that lease was a probe.
    #[serde(default, skip_serializing_if = "is_false")]
    pub probe: bool,
    /// A verdict's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'a, str>>,
    /// The HTTP status that the provider answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether a report changed anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    /// Why it didn't, if it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<NotApplied>,
    /// Until when it restricted, in milliseconds of Unix time; `None` if not at all or until a person helps.
    pub until_at_ms: Option<u64>,
    /// How many windows in a row had failed this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strikes: Option<u32>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Cow<'a, str>>,
    /// What the rule went by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence<'a>>,
    /// How many restrictions it lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<u64>,
    /// What an operator noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Cow<'a, str>>,
}

/// A credential by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its label; empty if it is not defined any more.
    pub label: Cow<'a, str>,
}
