//! The operations.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use credpool_proto::reply::{
    Cleared, CredentialBrief, Explanation, Hello, Pong, Released, Reloaded, Renewed, Switched,
};
use credpool_proto::status::Status;

use crate::connection::Connection;
use crate::discover::{Found, discover};
use crate::error::Error;
use crate::lease::{self, Lease, Report};
use crate::options::ConnectOptions;
use crate::requests::{
    AcquireRequest, Call, ClearRequest, DisableRequest, EnableRequest, ExplainRequest, PingRequest, ReleaseRequest,
    ReloadRequest, RenewRequest, ReportRequest, StatusRequest,
};

/// A connection to a daemon. Clones share it; it closes when the last clone and the last
/// [`Lease`] are gone.
#[derive(Clone)]
pub struct Client {
    pub(crate) connection: Connection,
    server: Arc<Server>,
}

struct Server {
    socket: PathBuf,
    hello: Hello<'static>,
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
        discover(&options).await.map(Self::new)
    }

    fn new(Found { socket, connection, hello }: Found) -> Self {
        Self { connection, server: Arc::new(Server { socket, hello }) }
    }

    /// The socket that the daemon was found at.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.server.socket
    }

    /// What the daemon said of itself when the connection was made.
    #[must_use]
    pub fn hello(&self) -> &Hello<'static> {
        &self.server.hello
    }

    /// Makes sure that the daemon answers.
    ///
    /// # Errors
    ///
    /// As for every request: [`Error::Refused`], [`Error::Disconnected`], [`Error::Malformed`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn ping(&self) -> Result<(), Error> {
        self.connection.ask(&PingRequest {}).await?.read().map(|Pong {}| ())
    }

    /// Leases a credential.
    ///
    /// The lease ends when it is released or reported, when its time is over, or, unless it is
    /// detached, when the connection ends, whatever ends it. Dropping the [`Lease`] gives it back.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `exhausted` or `busy` if there is nothing to lease now;
    /// [`Error::retry_after`] then says when to come back. Others as for [`ping`](Self::ping).
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped and a lease arrives later, it is given back, detached or not.
    pub async fn acquire(&self, request: AcquireRequest) -> Result<Lease, Error> {
        let mut answer = self.connection.ask_for_lease(&request).await?;
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
    pub async fn report_error(&self, mut request: ReportRequest) -> Result<Report, Error> {
        let mut answer = match self.connection.ask_for_lease(&request).await {
            Err(Error::TooLong { bytes, limit }) if request.shorten(bytes - limit) => {
                self.connection.ask_for_lease(&request).await?
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
        self.connection.ask(&request).await?.read()
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
    pub async fn renew(&self, request: RenewRequest) -> Result<Renewed, Error> {
        self.connection.ask(&request).await?.read()
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
        self.connection.ask(&request).await?.read()
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
        self.connection.ask(&request).await?.read()
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
        self.connection.ask(&request).await?.read().map(|Cleared { cleared }| cleared)
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
        self.connection.ask(&request).await?.read().map(|Switched { credential }| credential)
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
        self.connection.ask(&request).await?.read().map(|Switched { credential }| credential)
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
        self.connection.ask(&ReloadRequest {}).await?.read()
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
    /// [`Error::NotALine`] if `line` is blank or several lines; [`Error::Disconnected`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the line was served, and a lease in its answer is lost
    /// until it ends by itself.
    pub async fn call_raw(&self, line: &str) -> Result<String, Error> {
        Ok(self.connection.ask_raw(line).await?.text())
    }

    /// The same for a request that this crate can make.
    ///
    /// # Errors
    ///
    /// [`Error::Unwritable`]; others as for [`call_raw`](Self::call_raw).
    ///
    /// # Cancel safety
    ///
    /// As for [`call_raw`](Self::call_raw).
    pub async fn call_as_line<C: Call + ?Sized>(&self, call: &C) -> Result<String, Error> {
        self.call_raw(&call.to_line().map_err(Error::Unwritable)?).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("socket", &self.server.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
