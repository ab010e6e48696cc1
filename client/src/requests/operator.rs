//! What operators ask: `status`, `history`, `subscribe`, `clear`, `disable` and `enable`.
//!
//! All of it is about whole pools, whoever's. A profile says in whose words: a credential is called what the profile's
//! home calls it; one that is not listed there, `ID@PROFILE` by the home of another.

use std::time::Duration;

use serde::Serialize;

use super::{Call, milliseconds};

/// Makes requests calls, of the operation so named, with a profile to speak for.
macro_rules! spoken_for_a_profile {
    ($($request:ident is $op:literal, repeatable: $repeatable:literal;)*) => {$(
        impl $request {
            /// The profile in whose words credentials are named, here and in the answer.
            #[must_use]
            pub fn profile(mut self, profile: impl Into<String>) -> Self {
                self.profile = Some(profile.into());
                self
            }
        }

        impl Call for $request {
            const OP: &'static str = $op;

            fn may_be_repeated(&self) -> bool {
                $repeatable
            }

            fn default_profile(&mut self, profile: &str) {
                self.profile.get_or_insert_with(|| profile.to_owned());
            }
        }
    )*};
}

spoken_for_a_profile! {
    StatusRequest is "status", repeatable: true;
    HistoryRequest is "history", repeatable: false;
    ClearRequest is "clear", repeatable: false;
    DisableRequest is "disable", repeatable: false;
    EnableRequest is "enable", repeatable: false;
    SubscribeRequest is "subscribe", repeatable: true;
}

/// `status`: pools and credentials, a page at a time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StatusRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leases: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leases_after: Option<u64>,
}

impl StatusRequest {
    /// The first page, of all pools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only this pool.
    #[must_use]
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.pool = Some(pool.into());
        self
    }

    /// The page that begins where the one before said `next`.
    #[must_use]
    pub fn after(mut self, next: impl Into<String>) -> Self {
        self.after = Some(next.into());
        self
    }

    /// At most this many credentials, and as many leases, from 1 to 1,000.
    #[must_use]
    pub fn limit(mut self, most: usize) -> Self {
        self.limit = Some(most);
        self
    }

    /// Who holds leases and who waits, too. Needs a [`pool`](Self::pool).
    #[must_use]
    pub fn leases(mut self) -> Self {
        self.leases = Some(true);
        self
    }

    /// As [`leases`](Self::leases), from the page on that begins where the one before said `next`.
    #[must_use]
    pub fn leases_after(mut self, next: u64) -> Self {
        self.leases_after = Some(next);
        self.leases()
    }
}

/// `history`: what was said and done about credentials.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryRequest {
    pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

impl HistoryRequest {
    /// Everything that is remembered of this pool.
    pub fn new(pool: impl Into<String>) -> Self {
        Self { pool: pool.into(), profile: None, credential: None, model: None, limit: None }
    }

    /// Only what concerned this credential, given by its id or its label.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into());
        self
    }

    /// Only what happened with this model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// The latest so many, from 1 to 1,000.
    #[must_use]
    pub fn limit(mut self, entries: usize) -> Self {
        self.limit = Some(entries);
        self
    }
}

/// `subscribe`: what happens from now on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SubscribeRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

impl SubscribeRequest {
    /// In all pools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only in this pool.
    #[must_use]
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.pool = Some(pool.into());
        self
    }
}

/// `clear`: lift what restricts a pool or a credential; what an operator disabled stays disabled.
#[derive(Clone, Debug, Serialize)]
pub struct ClearRequest {
    pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

impl ClearRequest {
    /// Everything in this pool.
    pub fn new(pool: impl Into<String>) -> Self {
        Self { pool: pool.into(), profile: None, credential: None, model: None }
    }

    /// Only this credential, given by its id or its label, and its account.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into());
        self
    }

    /// Only this model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }
}

/// `disable`: take a credential out of use.
#[derive(Clone, Debug, Serialize)]
pub struct DisableRequest {
    pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    credential: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl DisableRequest {
    /// This credential, given by its id or its label, until somebody enables it.
    pub fn new(pool: impl Into<String>, credential: impl Into<String>) -> Self {
        Self { pool: pool.into(), profile: None, credential: credential.into(), for_ms: None, note: None }
    }

    /// For this long, in whole milliseconds from 1 ms on.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.for_ms = Some(milliseconds(duration));
        self
    }

    /// Why, for those who wonder; at most 256 bytes.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// `enable`: put a disabled credential back to use.
#[derive(Clone, Debug, Serialize)]
pub struct EnableRequest {
    pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    credential: String,
}

impl EnableRequest {
    /// This credential, given by its id or its label.
    pub fn new(pool: impl Into<String>, credential: impl Into<String>) -> Self {
        Self { pool: pool.into(), profile: None, credential: credential.into() }
    }
}
