//! A lease as a guard, for programs without tokio.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credpool_proto::reply::Released;
use secrecy::SecretString;

use super::Thread;
use crate::error::{Error, Loss};
use crate::lease::LeasedCredential;
use crate::requests::{Ending, Failure};

/// What came of a report.
pub type Report = crate::lease::Report<Lease>;

/// The right to use one credential for a while. Dropping it gives it back. See [`crate::Lease`].
pub struct Lease {
    // Dropped in this order: the lease is given back before the thread may end.
    inner: crate::Lease,
    thread: Arc<Thread>,
}

/// What a lease says of itself.
macro_rules! facts {
    ($($name:ident -> $type:ty;)+) => {
        impl Lease {$(
            #[doc = concat!("As [`crate::Lease::", stringify!($name), "`].")]
            #[must_use]
            pub fn $name(&self) -> $type {
                self.inner.$name()
            }
        )+}
    };
}

facts! {
    id -> &str;
    pool -> &str;
    credential -> &LeasedCredential;
    secret -> Option<&SecretString>;
    expires_at_ms -> u64;
    chosen_by -> &str;
    is_probe -> bool;
    is_expired -> bool;
    is_replaced -> bool;
    loss -> Option<Loss>;
}

impl Lease {
    pub(super) fn new(inner: crate::Lease, thread: Arc<Thread>) -> Self {
        Self { inner, thread }
    }

    /// As [`crate::Lease::keep_alive`].
    #[must_use = "it goes on only for as long as the lease is held"]
    pub fn keep_alive(self) -> Self {
        Self { inner: self.inner.keep_alive(), thread: self.thread }
    }

    /// As [`crate::Lease::lost`]: blocks until the lease is lost.
    #[must_use]
    pub fn lost(&self) -> Loss {
        self.thread.wait(self.inner.lost())
    }

    /// As [`crate::Lease::release`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn release(self, ending: impl Into<Ending>) -> Result<Released, Error> {
        self.thread.wait(self.inner.release(ending))
    }

    /// As [`crate::Lease::report`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn report(self, failure: Failure) -> Result<Report, Error> {
        let report = self.thread.wait(self.inner.report(failure))?;
        Ok(report.holding(|next| Self::new(next, self.thread)))
    }

    /// As [`crate::Lease::report_and_keep`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn report_and_keep(&mut self, failure: Failure) -> Result<Report, Error> {
        let report = self.thread.wait(self.inner.report_and_keep(failure))?;
        Ok(report.holding(|next| Self::new(next, Arc::clone(&self.thread))))
    }

    /// As [`crate::Lease::renew`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn renew(&self, ttl: Option<Duration>) -> Result<(), Error> {
        self.thread.wait(self.inner.renew(ttl))
    }

    /// As [`crate::Lease::forget`].
    #[must_use]
    pub fn forget(self) -> String {
        self.inner.forget()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
