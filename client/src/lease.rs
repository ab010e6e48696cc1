//! A lease as a guard.

use std::fmt;
use std::future::pending;
use std::time::Duration;

use credpool_proto::error::WireError;
use credpool_proto::reply::{Credential, Grant, Released, ReportReply, Verdict};
use credpool_proto::words::{EndedBy, ErrorCode, NotApplied};
use secrecy::SecretString;
use serde::de::Error as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::error::{Error, Loss};
use crate::held::Held;
use crate::requests::{Ending, Failure, ReleaseRequest, RenewRequest, ReportRequest, Subject};

mod renewal;
mod term;

use renewal::Renewal;
use term::Term;

/// A credential as a client holds it: its secret can be used, and cannot be printed.
pub type LeasedCredential = Credential<'static, SecretString>;

/// The right to use one credential for a while.
///
/// Dropping it gives it back: the release is handed to the connection's task without waiting, with an
/// unknown outcome, and sent in the order of drops and requests. It is not sent if the process exits
/// or the runtime is shut down before that task has run again; then the connection ends, and with it
/// every lease that is not detached. A detached one lasts until its time is over. One that is dropped while the daemon is
/// away ends 5 seconds after that is back. To know that a
/// lease has ended, and to tell how it went, use [`release`](Self::release).
///
/// A lease can also end without its holder: [`lost`](Self::lost) and [`loss`](Self::loss) tell.
pub struct Lease {
    // First, so that nothing is renewed any more when it is given back.
    renewal: Option<Renewal>,
    grant: Grant<'static, LeasedCredential>,
    client: Client,
    held: Held,
    term: watch::Sender<Term>,
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
        self.term.borrow().expires_at_ms
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

    /// Lets the lease be renewed in the background for as long as it is held: when a third of its time has
    /// passed, for as long again as it was granted. What goes wrong with that is tried again after a third of
    /// what is left then, and so on; only a daemon that does not know the lease any more ends it, and the
    /// [loss](Self::lost) is told.
    #[must_use = "it goes on only for as long as the lease is held"]
    pub fn keep_alive(mut self) -> Self {
        if self.renewal.is_none() {
            let lost = self.held.lost().cloned();
            let renewal = Renewal::start(self.client.clone(), self.id().to_owned(), lost, self.term.clone());
            self.renewal = Some(renewal);
        }
        self
    }

    /// How the lease ended, if it is known to have ended without its holder. The credential should not be
    /// used any longer then: somebody else may have it.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        if self.held.lost().is_some_and(CancellationToken::is_cancelled) {
            return Some(Loss::Connection);
        }
        self.term.borrow().loss(Instant::now())
    }

    /// Waits until the lease has ended without its holder, and tells how.
    ///
    /// ```no_run
    /// # async fn request(_: &credpool_client::Lease) {}
    /// # async fn example(lease: credpool_client::Lease) {
    /// tokio::select! {
    ///     answer = request(&lease) => drop(answer),
    ///     loss = lease.lost() => eprintln!("{loss}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn lost(&self) -> Loss {
        let gone = async {
            match self.held.lost() {
                Some(lost) => lost.cancelled().await,
                None => pending().await,
            }
        };
        tokio::pin!(gone);
        let mut term = self.term.subscribe();
        loop {
            let until = term.borrow_and_update().until;
            if let Some(loss) = self.loss() {
                return loss;
            }
            tokio::select! {
                () = &mut gone => return Loss::Connection,
                () = sleep_until(until) => {}
                // The sender is the lease's own.
                _ = term.changed() => {}
            }
        }
    }

    /// Whether the credential had another secret than the one that was leased, or none, when the lease was
    /// renewed last. The lease goes on; the provider may refuse the old secret at any time.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.term.borrow().replaced
    }

    /// Waits until [`is_replaced`](Self::is_replaced). Only renewals can tell, those of
    /// [`keep_alive`](Self::keep_alive) among them.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn replaced(&self) {
        // The sender is the lease's own, so this cannot fail.
        let _ = self.term.subscribe().wait_for(|term| term.replaced).await;
    }

    /// Ends the lease and tells how it went. That counts also if the lease has ended already, and the
    /// answer then says how.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if the daemon does not know the lease any more; others as for
    /// [`Client::ping`]. The lease is over for this process in any case.
    ///
    /// # Cancel safety
    ///
    /// The lease ends even if the future is dropped, but maybe with an unknown outcome.
    pub async fn release(mut self, ending: impl Into<Ending>) -> Result<Released, Error> {
        self.renewal = None;
        let released = self.client.release(ReleaseRequest::new(self.id(), ending)).await;
        let released = released.map_err(|error| self.lost_if_unknown(error))?;
        self.held.discharge();
        Ok(released)
    }

    /// Ends the lease and tells what went wrong; with [`Failure::next_same`] or
    /// [`Failure::next_with`], leases the next credential in the same step. The failure counts also if
    /// the lease has ended already.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if the daemon does not know the lease any more; others as for
    /// [`Client::report_error`]. That there is no next lease is not among them: the report has been
    /// made, and [`Report::next_error`] says why there is none.
    ///
    /// # Cancel safety
    ///
    /// The lease ends even if the future is dropped, but maybe without the report. A next lease that
    /// arrives is given back.
    pub async fn report(mut self, failure: Failure) -> Result<Report, Error> {
        self.renewal = None;
        let report = self.client.report_as(self.failed(failure), self.is_detached()).await;
        let report = report.map_err(|error| self.lost_if_unknown(error))?;
        self.held.discharge();
        Ok(report)
    }

    /// Tells what went wrong and goes on with the lease; 64 failures of one lease can be told.
    ///
    /// # Errors
    ///
    /// As for [`report`](Self::report).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the report was made; the next one counts as another
    /// failure then.
    pub async fn report_and_keep(&mut self, failure: Failure) -> Result<Report, Error> {
        let request = self.failed(failure).keep();
        self.reports += 1;
        let report = self.client.report_as(request, self.is_detached()).await;
        report.map_err(|error| self.lost_if_unknown(error))
    }

    /// Lets the lease last for `ttl` from now, or for as long again as it was granted if that is `None`.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if the lease has ended; others as for [`Client::renew`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the lease was renewed; [`expires_at_ms`] then says too
    /// little rather than too much.
    ///
    /// [`expires_at_ms`]: Self::expires_at_ms
    pub async fn renew(&self, ttl: Option<Duration>) -> Result<(), Error> {
        if self.loss() == Some(Loss::Connection) {
            return Err(Error::LeaseLost(Loss::Connection));
        }
        let mut request = RenewRequest::new(self.id());
        if let Some(ttl) = ttl {
            request = request.ttl(ttl);
        }
        let renewed = self.client.renew(request).await.map_err(|error| self.lost_if_unknown(error))?;
        self.term.send_modify(|term| term.renew(&renewed));
        Ok(())
    }

    /// Lets go of the lease without ending it, and returns its id.
    ///
    /// A detached lease then lasts until somebody ends it by its id, or its time is over; any other
    /// lasts as long as the connection does at most, and is not claimed over another.
    #[must_use]
    pub fn forget(self) -> String {
        let Self { renewal, grant, held, .. } = self;
        drop(renewal);
        held.discharge();
        grant.lease.into_owned()
    }

    fn is_detached(&self) -> bool {
        self.held.lost().is_none()
    }

    /// What it means for a lease that the daemon does not know it.
    fn lost_if_unknown(&self, error: Error) -> Error {
        if error.refusal().is_some_and(|error| error.code == ErrorCode::UnknownLease) {
            self.term.send_modify(Term::forget);
            return Error::LeaseLost(self.loss().unwrap_or(Loss::Unknown));
        }
        error
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

/// What came of a report. `L` is how a next lease is held.
#[derive(Debug)]
pub struct Report<L = Lease> {
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
    pub next: Option<L>,
    /// Why there is no next lease, if one was asked for and there was none.
    pub next_error: Option<WireError<'static>>,
}

impl Report {
    /// The same with the next lease held otherwise.
    pub(crate) fn holding<L>(self, hold: impl FnOnce(Lease) -> L) -> Report<L> {
        let Self { verdict, applied, why, duplicate, ended_by, next, next_error } = self;
        Report { verdict, applied, why, duplicate, ended_by, next: next.map(hold), next_error }
    }
}

/// A lease from what was granted, and the duty to give it back.
pub(crate) fn granted(grant: Grant<'static, LeasedCredential>, held: Option<Held>, client: &Client) -> Option<Lease> {
    held.map(|held| {
        let fingerprint = grant.credential.fingerprint.as_deref();
        let term = watch::Sender::new(Term::new(grant.expires_at_ms, fingerprint));
        Lease { renewal: None, grant, client: client.clone(), held, term, reports: 0 }
    })
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

#[cfg(test)]
mod tests;
