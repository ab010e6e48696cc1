//! A lease as a guard.

use std::fmt;
use std::time::Duration;

use credpool_proto::error::WireError;
use credpool_proto::reply::{Credential, Grant, Released, ReportReply, Verdict};
use credpool_proto::words::{EndedBy, NotApplied};
use secrecy::SecretString;
use serde::de::Error as _;

use crate::client::Client;
use crate::connection::Held;
use crate::error::Error;
use crate::requests::{Ending, Failure, ReleaseRequest, RenewRequest, ReportRequest, Subject};

/// A credential as a client holds it: its secret can be used, and cannot be printed.
pub type LeasedCredential = Credential<'static, SecretString>;

/// The right to use one credential for a while.
///
/// Dropping it gives it back: the release is handed to the connection's task without waiting, with an
/// unknown outcome, and sent in the order of drops and requests. It is not sent if the process exits
/// or the runtime is shut down before that task has run again; then the connection ends, and with it
/// every lease that is not detached. A detached one lasts until its time is over. To know that a
/// lease has ended, and to tell how it went, use [`release`](Self::release).
pub struct Lease {
    grant: Grant<'static, LeasedCredential>,
    client: Client,
    held: Held,
    reports: u64,
}

impl Lease {
    /// The lease's id. It is a bearer token: whoever has it can report on the lease and end it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.grant.lease
    }

    /// The pool that the credential is of.
    #[must_use]
    pub fn pool(&self) -> &str {
        &self.grant.pool
    }

    /// The credential.
    #[must_use]
    pub fn credential(&self) -> &LeasedCredential {
        &self.grant.credential
    }

    /// The secret, where it was not withheld; then the credential's `secret_ref` says where it is.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretString> {
        self.grant.credential.secret.as_ref()
    }

    /// When the lease ends by itself, in milliseconds of Unix time.
    #[must_use]
    pub fn expires_at_ms(&self) -> u64 {
        self.grant.expires_at_ms
    }

    /// What decided for this credential: the pool's strategy, or a pin.
    #[must_use]
    pub fn chosen_by(&self) -> &str {
        &self.grant.chosen_by
    }

    /// Whether the lease is to find out if its credential has recovered.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.grant.probe
    }

    /// Whether the secret has run out, and must be refreshed before it is used.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.grant.expired
    }

    /// Ends the lease and tells how it went.
    ///
    /// # Errors
    ///
    /// As for [`Client::ping`]. The lease is over for this process in any case.
    ///
    /// # Cancel safety
    ///
    /// The lease ends even if the future is dropped, but maybe with an unknown outcome.
    pub async fn release(self, ending: impl Into<Ending>) -> Result<Released, Error> {
        let released = self.client.release(ReleaseRequest::new(self.id(), ending)).await?;
        self.held.discharge();
        Ok(released)
    }

    /// Ends the lease and tells what went wrong; with [`Failure::next_same`] or
    /// [`Failure::next_with`], leases the next credential in the same step.
    ///
    /// # Errors
    ///
    /// As for [`Client::report_error`]. That there is no next lease is not among them: the report has
    /// been made, and [`Report::next_error`] says why there is none.
    ///
    /// # Cancel safety
    ///
    /// The lease ends even if the future is dropped, but maybe without the report. A next lease that
    /// arrives is given back.
    pub async fn report(self, failure: Failure) -> Result<Report, Error> {
        let report = self.client.report_error(self.failed(failure)).await?;
        self.held.discharge();
        Ok(report)
    }

    /// Tells what went wrong and goes on with the lease; 64 failures of one lease can be told.
    ///
    /// # Errors
    ///
    /// As for [`Client::report_error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the report was made; the next one counts as another
    /// failure then.
    pub async fn report_and_keep(&mut self, failure: Failure) -> Result<Report, Error> {
        let request = self.failed(failure).keep();
        self.reports += 1;
        self.client.report_error(request).await
    }

    /// Lets the lease last for `ttl` from now, or for its own length again if that is `None`.
    ///
    /// # Errors
    ///
    /// As for [`Client::renew`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the lease was renewed; [`expires_at_ms`] then says too
    /// little rather than too much.
    ///
    /// [`expires_at_ms`]: Self::expires_at_ms
    pub async fn renew(&mut self, ttl: Option<Duration>) -> Result<(), Error> {
        let mut request = RenewRequest::new(self.id());
        if let Some(ttl) = ttl {
            request = request.ttl(ttl);
        }
        let renewed = self.client.renew(request).await?;
        self.grant.expires_at_ms = renewed.expires_at_ms;
        Ok(())
    }

    /// Lets go of the lease without ending it, and returns its id.
    ///
    /// A detached lease then lasts until somebody ends it by its id, or its time is over; any other
    /// lasts as long as the connection does at most.
    #[must_use]
    pub fn forget(self) -> String {
        let Self { grant, held, .. } = self;
        held.discharge();
        grant.lease.into_owned()
    }

    fn failed(&self, failure: Failure) -> ReportRequest {
        let subject = Subject::Lease { lease: self.id().to_owned() };
        ReportRequest::new(subject, failure).number(self.reports + 1)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("grant", &self.grant).finish_non_exhaustive()
    }
}

/// What came of a report.
#[derive(Debug)]
pub struct Report {
    /// What the failure was, and what follows.
    pub verdict: Verdict<'static>,
    /// Whether the report changed anything about the credential.
    pub applied: bool,
    /// Why not, if it didn't.
    pub why: Option<NotApplied>,
    /// Whether the same report had been made before.
    pub duplicate: bool,
    /// What had ended the lease before the report came, if anything had.
    pub ended_by: Option<EndedBy>,
    /// The next lease, if one was asked for and there was one.
    pub next: Option<Lease>,
    /// Why there is no next lease, if one was asked for and there was none.
    pub next_error: Option<WireError<'static>>,
}

/// A lease from what was granted, and the duty to give it back.
pub(crate) fn granted(grant: Grant<'static, LeasedCredential>, held: Option<Held>, client: &Client) -> Option<Lease> {
    held.map(|held| Lease { grant, client: client.clone(), held, reports: 0 })
}

/// A report's outcome from the daemon's answer, and the duty to give its next lease back.
pub(crate) fn reported(reply: ReportReply<'static, LeasedCredential>, held: Option<Held>, client: &Client) -> Report {
    Report {
        verdict: reply.verdict,
        applied: reply.applied,
        why: reply.why,
        duplicate: reply.duplicate,
        ended_by: reply.ended_by,
        next: reply.next.and_then(|grant| granted(grant, held, client)),
        next_error: reply.next_error,
    }
}

/// The daemon granted a lease, and there is none in its answer.
pub(crate) fn no_lease() -> Error {
    Error::Malformed(serde_json::Error::custom("the answer has no lease"))
}
