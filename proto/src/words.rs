//! The closed vocabularies of the protocol.
//!
//! Words of requests are read strictly: an unknown one is refused. Words of replies have a variant
//! `Other`, which this version never sends: a client reads it where a newer daemon says something
//! that the client has no word for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Defines an enum whose variants are words on the wire, and how to write and recognise them.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The variant that `word` stands for, if any.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

/// Lets clients read a vocabulary of replies: a word that they don't know becomes `Other`.
macro_rules! reply_words {
    ($($name:ident,)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;
                impl de::Visitor<'_> for Word {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a word")
                    }
                    fn visit_str<E: de::Error>(self, word: &str) -> Result<$name, E> {
                        Ok($name::parse(word).unwrap_or($name::Other))
                    }
                }
                deserializer.deserialize_str(Word)
            }
        }
    )+};
}

words! {
    /// The operations of this version.
    pub enum OpName {
        /// Who are you, and what do you accept?
        Hello = "hello",
        /// Are you there?
        Ping = "ping",
        /// Lease a credential.
        Acquire = "acquire",
        /// Tell what went wrong with a credential, and end its lease.
        ReportError = "report_error",
        /// End a lease.
        Release = "release",
        /// Extend a lease.
        Renew = "renew",
        /// Have a lease again whose connection went with an earlier run of the daemon.
        Claim = "claim",
        /// Describe pools and credentials.
        Status = "status",
        /// Say what `acquire` would do, and why, without doing it.
        Explain = "explain",
        /// Tell what was said and done about credentials.
        History = "history",
        /// Lift restrictions.
        Clear = "clear",
        /// Take a credential out of use.
        Disable = "disable",
        /// Put a disabled credential back to use.
        Enable = "enable",
        /// Read the definitions again.
        Reload = "reload",
        /// Tell what happens from now on.
        Subscribe = "subscribe",
        /// Ask to renew an OAuth token, which one caller at a time does.
        Refresh = "refresh",
        /// Tell how that went.
        RefreshDone = "refresh_done",
    }
}

words! {
    /// Who waits for a lease: a person, or something that can give way.
    pub enum Class {
        /// Somebody waits for the answer.
        Interactive = "interactive",
        /// Nobody minds if it takes longer.
        Background = "background",
    }
}

words! {
    /// What a client says about the request that it used a lease for.
    pub enum Outcome {
        /// The provider answered as hoped.
        Ok = "ok",
        /// The client gave up by itself.
        Cancelled = "cancelled",
        /// The client does not say.
        Unknown = "unknown",
    }
}

words! {
    /// How an attempt to renew a secret went.
    pub enum RefreshOutcome {
        /// The store of definitions holds a new one.
        Ok = "ok",
        /// There is no new one this time.
        Failed = "failed",
        /// There is none without a new login.
        Dead = "dead",
    }
}

words! {
    /// What a client knows by itself about a failure: a verdict's kind, or `timeout`.
    pub enum FailureKind {
        /// Too many requests for now.
        RateLimit = "rate_limit",
        /// A quota window is used up.
        Quota = "quota",
        /// Out of credit.
        Billing = "billing",
        /// The secret was not accepted.
        Auth = "auth",
        /// The secret is void for good.
        Dead = "dead",
        /// The secret is good, but not for this.
        Forbidden = "forbidden",
        /// The model is unknown, or not for this credential.
        Model = "model",
        /// The provider has no capacity.
        Overloaded = "overloaded",
        /// The provider failed.
        Server = "server",
        /// Something between client and provider refused.
        Edge = "edge",
        /// There was no answer: no connection, or it broke.
        Network = "network",
        /// The request itself was wrong.
        Request = "request",
        /// The client gave up by itself.
        Cancelled = "cancelled",
        /// None of the others.
        Unknown = "unknown",
        /// There was no answer in time.
        Timeout = "timeout",
    }
}

words! {
    /// What a failure turned out to be.
    pub enum VerdictKind {
        /// Too many requests for now.
        RateLimit = "rate_limit",
        /// A quota window is used up.
        Quota = "quota",
        /// Out of credit.
        Billing = "billing",
        /// The secret was not accepted.
        Auth = "auth",
        /// The secret is void for good.
        Dead = "dead",
        /// The secret is good, but not for this.
        Forbidden = "forbidden",
        /// The model is unknown, or not for this credential.
        Model = "model",
        /// The provider has no capacity.
        Overloaded = "overloaded",
        /// The provider failed.
        Server = "server",
        /// Something between client and provider refused.
        Edge = "edge",
        /// There was no answer.
        Network = "network",
        /// The request itself was wrong.
        Request = "request",
        /// The client gave up by itself.
        Cancelled = "cancelled",
        /// Cannot be told: nothing is restricted.
        Unknown = "unknown",
        /// A kind that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// What a verdict or a restriction is about.
    pub enum Scope {
        /// One credential.
        Credential = "credential",
        /// One model of one credential.
        Model = "model",
        /// Every credential of one account.
        Account = "account",
        /// One model of one account.
        AccountModel = "account_model",
        /// The whole pool.
        Pool = "pool",
        /// One model of the whole pool.
        PoolModel = "pool_model",
        /// Nothing: the failure restricts nothing.
        None = "none",
        /// A scope that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// The state of a credential; of several that apply, the first in this order.
    pub enum CredentialState {
        /// Taken out of use by an operator.
        Disabled = "disabled",
        /// Its secret cannot be had here.
        NoSecret = "no_secret",
        /// The provider says that the secret is void for good.
        NeedsLogin = "needs_login",
        /// Out of credit.
        Billing = "billing",
        /// Restricted until a known instant.
        Cooling = "cooling",
        /// Leases are out to see whether it recovered.
        Probing = "probing",
        /// Usable.
        Ready = "ready",
        /// A state that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// How far a restriction has come.
    pub enum Phase {
        /// It restricts until its deadline.
        Closed = "closed",
        /// Its deadline, a guess, has passed: one probe at a time sees whether it is over.
        HalfOpen = "half_open",
        /// It is over, but only so many leases are let through at a time.
        Ramping = "ramping",
        /// It is over.
        Over = "over",
        /// A phase that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// Why a report changed nothing.
    pub enum NotApplied {
        /// It is about a secret that has been replaced.
        StaleSecret = "stale_secret",
        /// Its lease is older than the last `clear`.
        ClearedSince = "cleared_since",
        /// The failure says nothing about the credential.
        NotTheCredentialsFault = "not_the_credentials_fault",
        /// A restriction that reaches as far is there already.
        AlreadyRestricted = "already_restricted",
        /// A reason that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// What ended a lease.
    pub enum EndedBy {
        /// `release`.
        Release = "release",
        /// `report_error`.
        Report = "report",
        /// Its time ran out.
        Ttl = "ttl",
        /// Its connection closed.
        Connection = "connection",
        /// The daemon restarted.
        Restart = "restart",
        /// The machine that served it is gone.
        Machine = "machine",
        /// Something that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// What happened to a credential or a pool.
    pub enum HistoryEvent {
        /// A failure was reported.
        Reported = "reported",
        /// Hermes had noted a failure beside the definition.
        Imported = "imported",
        /// A response said that nothing is left, before anything was refused.
        Spent = "spent",
        /// A success showed that restrictions were over.
        Recovered = "recovered",
        /// Several credentials failed at once, so the pool pauses for the provider's fault.
        Paused = "paused",
        /// An operator lifted restrictions.
        Cleared = "cleared",
        /// An operator took it out of use.
        Disabled = "disabled",
        /// An operator put it back.
        Enabled = "enabled",
        /// Something that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// How a credential's `max_in_flight` is meant.
    pub enum Cap {
        /// Spread first, share when all are at it.
        Soft = "soft",
        /// Never exceed it.
        Hard = "hard",
        /// A kind that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// Why `acquire` would pass over a credential.
    pub enum Obstacle {
        /// A restriction covers it.
        Restricted = "restricted",
        /// It has as many leases as its hard cap allows.
        AtCap = "at_cap",
        /// The request excludes it.
        Excluded = "excluded",
        /// The request pins another one.
        NotPinned = "not_pinned",
        /// A reason that only a newer daemon knows.
        Other = "other",
    }
}

words! {
    /// Error codes. A code is contract; the message beside it is not.
    pub enum ErrorCode {
        /// The line is not a request that can be understood.
        BadRequest = "bad_request",
        /// The line is longer than the daemon reads.
        LineTooLong = "line_too_long",
        /// There is no such operation.
        UnknownOp = "unknown_op",
        /// No version of the protocol is spoken by both sides.
        UnsupportedProtocol = "unsupported_protocol",
        /// There is no such pool.
        UnknownPool = "unknown_pool",
        /// There is no such credential in the pool.
        UnknownCredential = "unknown_credential",
        /// The label belongs to several credentials.
        AmbiguousLabel = "ambiguous_label",
        /// There is no such lease, nor was there one lately.
        UnknownLease = "unknown_lease",
        /// There is no such refresh ticket.
        UnknownTicket = "unknown_ticket",
        /// Another machine has refreshed this secret.
        RefreshedElsewhere = "refreshed_elsewhere",
        /// Every candidate is restricted.
        Exhausted = "exhausted",
        /// Some candidates are healthy, but at their hard cap.
        Busy = "busy",
        /// The request waited as long as it asked to.
        Timeout = "timeout",
        /// Too many others wait already.
        QueueFull = "queue_full",
        /// A limit, named in the error, would be exceeded.
        Limit = "limit",
        /// The caller may not do this.
        Forbidden = "forbidden",
        /// The daemon is shutting down.
        Draining = "draining",
        /// The shared store is away, and the daemon may not go on without it.
        StoreUnavailable = "store_unavailable",
        /// The daemon is at fault.
        Internal = "internal",
        /// A code that only a newer daemon knows.
        Other = "other",
    }
}

reply_words! {
    VerdictKind, Scope, CredentialState, Phase, NotApplied, EndedBy, HistoryEvent, Cap, Obstacle, ErrorCode,
}
