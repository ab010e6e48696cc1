//! The operations.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use credpool_proto::history::History;
use credpool_proto::reply::{
    Cleared, CredentialBrief, Explanation, Hello, Pong, Released, Reloaded, Renewed, Switched,
};
use credpool_proto::status::Status;

use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::connection::Answer;
use crate::discover::discover;
use crate::error::Error;
use crate::events::Events;
use crate::lease::{self, Lease, Report};
use crate::link::Link;
use crate::options::ConnectOptions;
use crate::requests::{
    AcquireRequest, Call, ClearRequest, DisableRequest, EnableRequest, ExplainRequest, HistoryRequest, PingRequest,
    ReleaseRequest, ReloadRequest, RenewRequest, ReportRequest, StatusRequest, SubscribeRequest,
};

/// A way to ask a daemon. Clones share one connection to it, which closes when the last clone and the
/// last [`Lease`] are gone, and is made anew when it has ended and somebody asks for something.
#[derive(Clone)]
pub struct Client {
    pub(crate) link: Link,
    timeout: Duration,
}

impl Client {
    /// Finds a daemon that may be trusted, and says hello.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], which says what was tried.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever connection it had opened.
    pub async fn connect(options: ConnectOptions) -> Result<Self, Error> {
        Self::connect_with(&options, TaskTracker::new()).await
    }

    /// The same, with all that goes on behind the client's back among `tasks`.
    pub(crate) async fn connect_with(options: &ConnectOptions, tasks: TaskTracker) -> Result<Self, Error> {
        let (dialer, session) = discover(options, &tasks).await?;
        let link = Link::new(Box::new(dialer), session, options.connect_timeout, tasks);
        Ok(Self::new(link, options.request_timeout))
    }

    pub(crate) fn new(link: Link, timeout: Duration) -> Self {
        Self { link, timeout }
    }

    /// The same client with another deadline: how long each request may take, everything included. Leases
    /// that it acquires keep to it, too.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: credpool_client::Client) -> Result<(), credpool_client::Error> {
    /// client.within(Duration::from_secs(1)).ping().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { link: self.link.clone(), timeout }
    }

    /// The socket that the daemon was found at. No other is connected to from then on.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.link.socket()
    }

    /// The profile that requests are about unless they say otherwise: the one that has the store that the options name,
    /// as the daemon that answered last says. `None`, if they name none, is the daemon's own.
    #[must_use]
    pub fn profile(&self) -> Option<String> {
        self.link.session().profile.clone()
    }

    /// What the daemon said of itself when the connection was made, the last one if there were several.
    #[must_use]
    pub fn hello(&self) -> Arc<Hello<'static>> {
        Arc::clone(&self.link.session().hello)
    }

    async fn ask<C: Call, T: DeserializeOwned>(&self, call: &C) -> Result<T, Error> {
        self.in_time(call.waits_for(), self.link.ask(call)).await?.read()
    }

    /// Lets `asking` take as long as a request may, and `more`.
    async fn in_time(
        &self,
        more: Duration,
        asking: impl Future<Output = Result<Answer, Error>>,
    ) -> Result<Answer, Error> {
        let deadline = self.timeout.saturating_add(more);
        timeout(deadline, asking).await.unwrap_or(Err(Error::TimedOut(deadline)))
    }

    /// Makes sure that the daemon answers.
    ///
    /// # Errors
    ///
    /// As for every request: [`Error::Refused`], and those of [a connection that ends](crate#when-the-connection-ends):
    /// [`Error::Disconnected`], [`Error::NotSent`], [`Error::Unreachable`]; [`Error::TimedOut`];
    /// [`Error::Malformed`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn ping(&self) -> Result<(), Error> {
        self.ask(&PingRequest {}).await.map(|Pong {}| ())
    }

    /// Leases a credential.
    ///
    /// The lease ends when it is released or reported, when its time is over, or, unless it is
    /// detached, when the connection ends for [good](crate#when-the-connection-ends). Dropping the [`Lease`] gives it back.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `exhausted` or `busy` if there is nothing to lease now, and with `timeout` if it
    /// [waits](AcquireRequest::wait) and nothing comes free in time; [`Error::retry_after`] then says when to come back.
    /// With `queue_full` if too many wait already. Others as for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped and a lease arrives later, it is given back, detached or not. A request that waits
    /// goes on waiting at the daemon until then: the protocol takes nothing back.
    pub async fn acquire(&self, request: AcquireRequest) -> Result<Lease, Error> {
        let asking = self.link.ask_for_lease(&request, request.is_detached());
        let mut answer = self.in_time(request.waits_for(), asking).await?;
        let grant = answer.read()?;
        lease::granted(grant, answer.take_lease(), self).ok_or_else(lease::no_lease)
    }

    /// Reports a failure, in words of its own; [`Lease::report`] is more convenient where there is a
    /// lease at hand.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] if the report is longer than the daemon reads even without body and message;
    /// others as for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the report was made. A next lease that arrives is
    /// given back. Making a report about a lease again, with the same number, changes nothing.
    pub async fn report_error(&self, request: ReportRequest) -> Result<Report, Error> {
        // Of a lease that is as one that nobody here knows, it is not known whether it is bound.
        self.report_as(request, true).await
    }

    /// The same about a lease that is detached or not, and so would be one like it.
    pub(crate) async fn report_as(&self, mut request: ReportRequest, detached: bool) -> Result<Report, Error> {
        let detached = request.next_is_detached().unwrap_or(detached);
        let answer = self.in_time(request.waits_for(), self.link.ask_for_lease(&request, detached)).await;
        let mut answer = match answer {
            Err(Error::TooLong { bytes, limit }) if request.shorten(bytes - limit) => {
                self.in_time(request.waits_for(), self.link.ask_for_lease(&request, detached)).await?
            }
            other => other?,
        };
        let reply = answer.read()?;
        Ok(lease::reported(reply, answer.take_lease(), self))
    }

    /// Ends a lease, given by its id.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping). Ending a lease that has ended is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the lease has ended. Ending it again changes nothing.
    pub async fn release(&self, request: ReleaseRequest) -> Result<Released, Error> {
        self.ask(&request).await
    }

    /// Lets a lease last longer, given by its id.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `unknown_lease` if the lease has ended; others as for
    /// [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the lease was renewed. Renewing it again is no harm.
    pub async fn renew(&self, request: RenewRequest) -> Result<Renewed<'static>, Error> {
        self.ask(&request).await
    }

    /// Describes pools and credentials: one page of them.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn status(&self, request: StatusRequest) -> Result<Status<'static>, Error> {
        self.ask(&request).await
    }

    /// Says what [`acquire`](Self::acquire) would do, and why, without doing it.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping). That there is nothing to lease is no error here.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn explain(&self, request: ExplainRequest) -> Result<Explanation<'static>, Error> {
        self.ask(&request).await
    }

    /// Is told what happens from now on, over a connection of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `unknown_pool`, or with `limit` if too many are told already; others as for
    /// [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever connection it had opened.
    pub async fn subscribe(&self, request: SubscribeRequest) -> Result<Events, Error> {
        let beginning = Events::begin(self.link.clone(), request);
        timeout(self.timeout, beginning).await.unwrap_or(Err(Error::TimedOut(self.timeout)))
    }

    /// Tells what was said and done about credentials, the latest first.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn history(&self, request: HistoryRequest) -> Result<History<'static>, Error> {
        self.ask(&request).await
    }

    /// Lifts restrictions; returns how many.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether they were lifted.
    pub async fn clear(&self, request: ClearRequest) -> Result<u64, Error> {
        self.ask(&request).await.map(|Cleared { cleared }| cleared)
    }

    /// Takes a credential out of use; returns its state.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the credential was disabled.
    pub async fn disable(&self, request: DisableRequest) -> Result<CredentialBrief<'static>, Error> {
        self.ask(&request).await.map(|Switched { credential, .. }| credential)
    }

    /// Puts a disabled credential back to use; returns its state.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the credential was enabled.
    pub async fn enable(&self, request: EnableRequest) -> Result<CredentialBrief<'static>, Error> {
        self.ask(&request).await.map(|Switched { credential, .. }| credential)
    }

    /// Has the definitions read again.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping). What is wrong with the definitions is in the answer's warnings.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the daemon from reading them.
    pub async fn reload(&self) -> Result<Reloaded, Error> {
        self.ask(&ReloadRequest {}).await
    }

    /// Sends a line of one's own making, and returns the daemon's answer as it came, without its
    /// newline. A refusal is an answer like any other here.
    ///
    /// One such line is on its way at a time. A lease that is got like this is nobody's to give back,
    /// and a secret in the answer is not wiped. Ids from 2^52 on are this client's own and must not be
    /// used.
    ///
    /// # Errors
    ///
    /// [`Error::NotALine`] if `line` is blank or several lines; others as for [`ping`](Self::ping), but for
    /// [`Error::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the line was served, and a lease in its answer is lost
    /// until it ends by itself.
    pub async fn call_raw(&self, line: &str) -> Result<String, Error> {
        Ok(self.in_time(Duration::ZERO, self.link.ask_raw(line, false)).await?.text())
    }

    /// The same for a request that this crate can make, which is sent again where that can do no harm.
    ///
    /// # Errors
    ///
    /// [`Error::Unwritable`]; others as for [`call_raw`](Self::call_raw).
    ///
    /// # Cancel safety
    ///
    /// As for [`call_raw`](Self::call_raw).
    pub async fn call_as_line<C: Call>(&self, call: &C) -> Result<String, Error> {
        let line = self.link.session().addressed(call).to_line().map_err(Error::Unwritable)?;
        let asking = self.link.ask_raw(&line, call.may_be_repeated());
        Ok(self.in_time(call.waits_for(), asking).await?.text())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("socket", &self.socket()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
