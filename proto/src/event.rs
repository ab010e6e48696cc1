//! What a subscriber is told, a line each.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_INTEGER;
use crate::status::{Holder, Restriction};
use crate::words::{Class, EndedBy, ErrorCode};

/// The answer to `subscribe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// The number of the last event before those that follow.
    pub seq: u64,
}

/// An event, and its place among the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventLine<'a> {
    /// What happened.
    #[serde(flatten)]
    pub event: Event<'a>,
    /// Its number: of two events of one run of the daemon, the later one has the higher. One that is told everything is
    /// told every number.
    pub seq: u64,
    /// When it was, in milliseconds of Unix time.
    pub at_ms: u64,
}

/// Somebody who read too slowly was not told so many events; what follows is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lagged {
    /// How many.
    pub missed: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// A restriction began, was prolonged, or came to another phase.
    Restricted(Restricted<'a>),
    /// A restriction is over, whatever ended it.
    Cleared(Restricted<'a>),
    /// A lease was granted.
    Leased(Leased<'a>),
    /// A lease was given back, or its failure reported.
    Released(Ended<'a>),
    /// A lease ended by itself: its time is over, or its connection or its daemon is gone.
    Reclaimed(Ended<'a>),
    /// A request began to wait for a lease.
    Waiting(Waiting<'a>),
    /// A request waits no more, and has no lease.
    GaveUp(GaveUp<'a>),
    /// The definitions are others than before.
    Definitions {
        /// How many credentials were added.
        added: u64,
        /// How many were removed.
        removed: u64,
        /// How many are now another.
        changed: u64,
    },
    /// Something that an operator should know has come up.
    Warning {
        /// What it is about: a file, or a pool.
        #[serde(rename = "where")]
        place: Cow<'a, str>,
        /// A sentence.
        problem: Cow<'a, str>,
    },
    /// Something that this version has no word for.
    #[serde(other)]
    Other,
}

/// A restriction, and what it covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restricted<'a> {
    /// The pool.
    pub pool: Cow<'a, str>,
    /// The ids of the credentials that it covers, at most 32; none if it covers the pool.
    pub credentials: Vec<Cow<'a, str>>,
    /// The restriction as it is now, or as it was last.
    pub restriction: Restriction<'a>,
}

/// A lease that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leased<'a> {
    /// The pool.
    pub pool: Cow<'a, str>,
    /// The credential's id.
    pub credential: Cow<'a, str>,
    /// The credential's label.
    pub label: Cow<'a, str>,
    /// The lease's public number, which names it and authorises nothing.
    pub lease: u64,
    /// The model that it is for, if one was named.
    pub model: Option<Cow<'a, str>>,
    /// The class that it was asked for in.
    pub class: Class,
    /// What decided that it went to this credential.
    pub chosen_by: Cow<'a, str>,
    /// Whether it is to find out if the credential has recovered.
    pub probe: bool,
    /// Whether it outlives its connection.
    pub detached: bool,
    /// The number of the request that waited for it; `None` if it did not have to.
    pub waiter: Option<u64>,
    /// When it ends by itself, in milliseconds of Unix time.
    pub expires_at_ms: u64,
    /// Who asked for it.
    pub holder: Option<Holder<'a>>,
}

/// A lease that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended<'a> {
    /// The pool.
    pub pool: Cow<'a, str>,
    /// The credential's id.
    pub credential: Cow<'a, str>,
    /// The credential's label.
    pub label: Cow<'a, str>,
    /// The lease's public number.
    pub lease: u64,
    /// For how long it was out, in milliseconds.
    pub held_ms: u64,
    /// What ended it.
    pub ended_by: EndedBy,
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting<'a> {
    /// The pool.
    pub pool: Cow<'a, str>,
    /// Its public number, which names it and authorises nothing.
    pub waiter: u64,
    /// The model that it names, if any.
    pub model: Option<Cow<'a, str>>,
    /// Its class.
    pub class: Class,
    /// Who waits.
    pub holder: Option<Holder<'a>>,
}

/// A request that waits no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GaveUp<'a> {
    /// The pool.
    pub pool: Cow<'a, str>,
    /// Its public number.
    pub waiter: u64,
    /// What it was told; `None` if its connection is gone.
    pub code: Option<ErrorCode>,
}

impl EventLine<'_> {
    /// Appends the line and its newline to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        write(self, out);
    }
}

impl Lagged {
    /// Appends the line and its newline to `out`.
    pub fn write(self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Line {
            event: &'static str,
            missed: u64,
        }
        write(&Line { event: "lagged", missed: self.missed.min(MAX_INTEGER) }, out);
    }
}

fn write(line: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    match serde_json::to_writer(&mut *out, line) {
        Ok(()) => out.push(b'\n'),
        // Nothing in it can fail; half a line would be worse than none.
        Err(_) => out.truncate(start),
    }
}

#[cfg(test)]
mod tests;
