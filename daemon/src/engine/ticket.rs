//! Whom an answer goes to: a request while it is looked at, and while its command waits for its turn.

use std::borrow::Cow;

use credpool_core::{CredentialKey, Model, Owner, TokenHash};
use credpool_proto::request::Id;

use super::{ConnectionNo, Run, Scope, owner};
use crate::access::Peer;
use crate::token::Token;

/// Whom a reply goes to, and what it takes to write it.
pub(super) struct Ticket {
    pub(super) connection: ConnectionNo,
    pub(super) id: Option<Id<'static>>,
    pub(super) unknown: Vec<Cow<'static, str>>,
    pub(super) warnings: Vec<Cow<'static, str>>,
    pub(super) answer: Answer,
}

/// What it takes to write the reply to a command.
pub(super) enum Answer {
    Acquire {
        scope: Scope,
        token: Token,
        model: Option<Model>,
    },
    Report {
        /// Of the lease that follows, as is `model`.
        scope: Scope,
        next: Option<Token>,
        model: Option<Model>,
    },
    Release,
    Renew(TokenHash),
    Claim {
        /// Of the lease.
        scope: Scope,
        token: Token,
    },
    Clear,
    Switch(Scope, CredentialKey),
    Reload,
    Refresh {
        scope: Scope,
        credential: CredentialKey,
        ticket: Token,
    },
    RefreshDone,
    /// Nobody asked.
    Nobody,
}

/// A request as far as its reply needs it, borrowed from its line.
pub(super) struct Asked<'a> {
    pub(super) connection: ConnectionNo,
    pub(super) peer: Peer,
    pub(super) id: Option<Id<'a>>,
    pub(super) unknown: Vec<Cow<'a, str>>,
}

impl Asked<'_> {
    /// Its connection, as leases are bound to it.
    pub(super) fn owner(&self, run: &Run) -> Owner {
        owner(run, self.connection, self.peer)
    }

    /// What is kept while the command waits for its turn.
    pub(super) fn ticket(&self, answer: Answer) -> Ticket {
        Ticket {
            connection: self.connection,
            id: self.id.clone().map(Id::into_owned),
            unknown: self.unknown.iter().map(|name| Cow::Owned(name.clone().into_owned())).collect(),
            warnings: Vec::new(),
            answer,
        }
    }
}

impl Ticket {
    pub(super) fn nobody() -> Self {
        Self { connection: 0, id: None, unknown: Vec::new(), warnings: Vec::new(), answer: Answer::Nobody }
    }
}
