//! What can be asked, as builders.
//!
//! Each is a [`Call`]: its fields are the request's fields, and what is not set is left out, so that
//! the daemon's own defaults apply.

use std::time::Duration;

use credpool_proto::words::Class;
use serde::Serialize;

mod failure;
mod line;
mod operator;

pub use failure::{Ending, Failure, ReleaseRequest, ReportRequest, Subject};
pub use line::Call;
pub(crate) use line::with_id;
pub use operator::{ClearRequest, DisableRequest, EnableRequest, HistoryRequest, StatusRequest, SubscribeRequest};

/// `ping`: is the daemon there?
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PingRequest {}

impl Call for PingRequest {
    const OP: &'static str = "ping";

    fn may_be_repeated(&self) -> bool {
        true
    }
}

/// `reload`: read the definitions again.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ReloadRequest {}

impl Call for ReloadRequest {
    const OP: &'static str = "reload";

    fn may_be_repeated(&self) -> bool {
        true
    }
}

/// The conditions of a lease.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LeaseOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detach: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<bool>,
}

impl LeaseOptions {
    /// No conditions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.detach == Some(true)
    }

    fn waits_for(&self) -> Duration {
        Duration::from_millis(self.wait_ms.unwrap_or(0))
    }

    fn default_profile(&mut self, profile: &str) {
        self.profile.get_or_insert_with(|| profile.to_owned());
    }
}

/// Gives a type the conditions of a lease as methods of its own.
macro_rules! lease_conditions {
    ($type:ty, $($options:ident)?) => {
        impl $type {
            /// The profile whose pool is meant.
            #[must_use]
            pub fn profile(mut self, profile: impl Into<String>) -> Self {
                self$(.$options)?.profile = Some(profile.into());
                self
            }

            /// The model that the credential is for.
            #[must_use]
            pub fn model(mut self, model: impl Into<String>) -> Self {
                self$(.$options)?.model = Some(model.into());
                self
            }

            /// What should stay with one credential where that is possible, so that the provider's cache is warm.
            #[must_use]
            pub fn session(mut self, session: impl Into<String>) -> Self {
                self$(.$options)?.session = Some(session.into());
                self
            }

            /// Only this credential, given by its id or its label.
            #[must_use]
            pub fn credential(mut self, credential: impl Into<String>) -> Self {
                self$(.$options)?.credential = Some(credential.into());
                self
            }

            /// Not these credentials, given by their ids, either; 32 at most.
            #[must_use]
            pub fn exclude(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
                self$(.$options)?.exclude.extend(ids.into_iter().map(Into::into));
                self
            }

            /// Who waits for the lease: a person, who goes first, or something that can give way.
            #[must_use]
            pub fn class(mut self, class: Class) -> Self {
                self$(.$options)?.class = Some(class);
                self
            }

            /// How long to wait until there is something to lease, up to the daemon's limit; not at all
            /// unless this is called. The request's deadline is later by as much. Whoever cannot be served in
            /// that time, whatever happens, is refused at once. In the `next` of a report nobody waits.
            #[must_use]
            pub fn wait(mut self, wait: Duration) -> Self {
                self$(.$options)?.wait_ms = Some(milliseconds(wait));
                self
            }

            /// How long the lease may last, from 1 ms to the daemon's limit; fractions of a
            /// millisecond count as a whole one.
            #[must_use]
            pub fn ttl(mut self, ttl: Duration) -> Self {
                self$(.$options)?.ttl_ms = Some(milliseconds(ttl));
                self
            }

            /// Lets the lease outlive the connection: then only a release, a report or its time end it.
            #[must_use]
            pub fn detach(mut self) -> Self {
                self$(.$options)?.detach = Some(true);
                self
            }

            /// Asks for a reference to the secret in its place.
            #[must_use]
            pub fn without_secret(mut self) -> Self {
                self$(.$options)?.secret = Some(false);
                self
            }
        }
    };
}

/// `acquire`: lease a credential.
#[derive(Clone, Debug, Serialize)]
pub struct AcquireRequest {
    pool: String,
    #[serde(flatten)]
    options: LeaseOptions,
}

impl AcquireRequest {
    /// Any credential of this pool.
    pub fn new(pool: impl Into<String>) -> Self {
        Self { pool: pool.into(), options: LeaseOptions::default() }
    }

    /// These conditions, and none of those that were set before.
    #[must_use]
    pub fn options(mut self, options: LeaseOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.options.is_detached()
    }
}

impl Call for AcquireRequest {
    const OP: &'static str = "acquire";

    fn may_be_repeated(&self) -> bool {
        // A lease that nobody heard of ends soon if it is bound.
        !self.is_detached()
    }

    fn waits_for(&self) -> Duration {
        self.options.waits_for()
    }

    fn default_profile(&mut self, profile: &str) {
        self.options.default_profile(profile);
    }
}

/// `explain`: what would `acquire` do, and why?
#[derive(Clone, Debug, Serialize)]
pub struct ExplainRequest {
    pool: String,
    #[serde(flatten)]
    options: LeaseOptions,
}

impl ExplainRequest {
    /// Any credential of this pool.
    pub fn new(pool: impl Into<String>) -> Self {
        Self { pool: pool.into(), options: LeaseOptions::default() }
    }

    /// These conditions, and none of those that were set before.
    #[must_use]
    pub fn options(mut self, options: LeaseOptions) -> Self {
        self.options = options;
        self
    }
}

impl Call for ExplainRequest {
    const OP: &'static str = "explain";

    fn may_be_repeated(&self) -> bool {
        true
    }

    fn default_profile(&mut self, profile: &str) {
        self.options.default_profile(profile);
    }
}

lease_conditions!(LeaseOptions,);
lease_conditions!(AcquireRequest, options);
lease_conditions!(ExplainRequest, options);

/// `renew`: let a lease last longer.
#[derive(Clone, Debug, Serialize)]
pub struct RenewRequest {
    lease: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detach: Option<bool>,
}

impl RenewRequest {
    /// This lease, for its own length again from now.
    pub fn new(lease: impl Into<String>) -> Self {
        Self { lease: lease.into(), ttl_ms: None, detach: None }
    }

    /// For this long from now; limits as for [`AcquireRequest::ttl`].
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl_ms = Some(milliseconds(ttl));
        self
    }

    /// Lets the lease outlive its connection from now on, as [`AcquireRequest::detach`] does from the beginning. Of a lease
    /// that another connection holds, that is forbidden.
    #[must_use]
    pub fn detach(mut self) -> Self {
        self.detach = Some(true);
        self
    }
}

impl Call for RenewRequest {
    const OP: &'static str = "renew";

    fn may_be_repeated(&self) -> bool {
        true
    }
}

/// Whole milliseconds, rounded up: a deadline may be later than asked for, never sooner.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
