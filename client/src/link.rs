//! The connection of the moment, and what happens when it ends.
//!
//! A link is made with a connection, and makes another one when it is asked for something and finds
//! that its connection has ended. Whether a request that was cut off is sent again is decided here, and
//! nowhere else.

use std::borrow::Cow;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credpool_proto::reply::Hello;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use crate::connection::{Answer, Connection, FAREWELL};
use crate::error::{Error, Tried, Why};
use crate::held::Keeper;
use crate::requests::Call;

/// The pause after the first vain attempt to connect anew. Each further one is twice as long, up to
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A connection that has been greeted.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) hello: Arc<Hello<'static>>,
    /// The profile that requests are about unless they say otherwise; `None` is the daemon's own.
    pub(crate) profile: Option<String>,
}

impl Session {
    /// The request as this daemon has to get it.
    pub(crate) fn addressed<'a, C: Call>(&self, call: &'a C) -> Cow<'a, C> {
        let Some(profile) = &self.profile else { return Cow::Borrowed(call) };
        let mut call = call.clone();
        call.default_profile(profile);
        Cow::Owned(call)
    }
}

/// Where sessions come from.
pub(crate) trait Dial: Send + Sync {
    /// The socket that is dialled.
    fn socket(&self) -> &Path;

    /// Connects, checks who answers, and says hello.
    fn dial(&self) -> Pin<Box<dyn Future<Output = Result<Session, Why>> + Send + '_>>;
}

/// A handle to the link.
#[derive(Clone)]
pub(crate) struct Link {
    shared: Arc<Shared>,
}

struct Shared {
    dial: Box<dyn Dial>,
    session: Mutex<Arc<Session>>,
    /// Held by the one who connects anew. When the connection was first found to have ended.
    lost_at: tokio::sync::Mutex<Option<Instant>>,
    /// For how long after that a daemon is waited for.
    patience: Duration,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Link {
    /// A link whose first session is `session`, on the current tokio runtime.
    pub(crate) fn new(dial: Box<dyn Dial>, session: Session, patience: Duration, tasks: TaskTracker) -> Self {
        let shared = Shared {
            dial,
            session: Mutex::new(Arc::new(session)),
            lost_at: tokio::sync::Mutex::new(None),
            patience,
            tasks,
            runtime: Handle::current(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn socket(&self) -> &Path {
        self.shared.dial.socket()
    }

    /// The session of the moment, be its connection alive or not.
    pub(crate) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.shared.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets `work` go on for a while, whoever lets go of the link.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = async move { drop(timeout(FAREWELL, work).await) };
        drop(self.shared.tasks.spawn_on(work, &self.shared.runtime));
    }

    /// Lets `work` go on until it is done or the returned handle aborts it.
    pub(crate) fn keep_doing(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::AbortHandle {
        self.shared.tasks.spawn_on(work, &self.shared.runtime).abort_handle()
    }

    /// A session of its own, for somebody who listens. It is dialled for as patiently as that of the others.
    pub(crate) async fn another(&self) -> Result<Session, Error> {
        self.dial(Instant::now() + self.shared.patience).await
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask<C: Call>(&self, call: &C) -> Result<Answer, Error> {
        let once = |session: Arc<Session>| async move { session.connection.ask(&*session.addressed(call)).await };
        self.at_most_twice(call.may_be_repeated(), once).await
    }

    /// The same for a request whose answer may hold a lease, `detached` or bound to its connection. If
    /// the returned future is dropped, or the answer is, the lease is given back.
    pub(crate) async fn ask_for_lease<C: Call>(&self, call: &C, detached: bool) -> Result<Answer, Error> {
        let once = |session: Arc<Session>| async move {
            let connection = session.connection.clone();
            let keeper = if detached { Keeper::detached(connection, self.clone()) } else { Keeper::bound(connection) };
            session.connection.ask_for_lease(&*session.addressed(call), keeper).await
        };
        self.at_most_twice(call.may_be_repeated(), once).await
    }

    /// Sends a line as it is and waits for its answer.
    pub(crate) async fn ask_raw(&self, line: &str) -> Result<Answer, Error> {
        let once = |session: Arc<Session>| async move { session.connection.ask_raw(line).await };
        self.at_most_twice(false, once).await
    }

    /// Does it, and does it again if the connection ended before anything was sent; or before there was
    /// an answer, if the request `may_be_repeated`.
    async fn at_most_twice<A>(&self, may_be_repeated: bool, once: impl Fn(Arc<Session>) -> A) -> Result<Answer, Error>
    where
        A: Future<Output = Result<Answer, Error>>,
    {
        match once(self.alive().await?).await {
            Err(Error::NotSent) => once(self.alive().await?).await,
            Err(Error::Disconnected) if may_be_repeated => match self.alive().await {
                Ok(session) => match once(session).await {
                    // That the second was not sent does not mean that the first was not served.
                    Err(Error::NotSent) => Err(Error::Disconnected),
                    other => other,
                },
                Err(_) => Err(Error::Disconnected),
            },
            other => other,
        }
    }

    /// A session whose connection has not ended, as far as anybody knows.
    ///
    /// Where it has, the daemon may be about to come back, so for a while it is dialled again and again;
    /// after that, once for each request. Others who ask meanwhile wait for the outcome.
    async fn alive(&self) -> Result<Arc<Session>, Error> {
        let session = self.session();
        if !session.connection.has_ended() {
            return Ok(session);
        }
        let mut lost_at = self.shared.lost_at.lock().await;
        let session = self.session();
        if !session.connection.has_ended() {
            return Ok(session);
        }
        let patient_until = *lost_at.get_or_insert_with(Instant::now) + self.shared.patience;
        let session = Arc::new(self.dial(patient_until).await?);
        *lost_at = None;
        *self.shared.session.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&session);
        Ok(session)
    }

    /// Dials once, and again and again until then where that may help.
    async fn dial(&self, patient_until: Instant) -> Result<Session, Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.shared.dial.dial().await {
                Ok(session) => return Ok(session),
                Err(why) if why.may_pass() && Instant::now() < patient_until => {
                    sleep_until(patient_until.min(Instant::now() + pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(why) => return Err(Error::Unreachable(vec![Tried { socket: self.socket().to_owned(), why }])),
            }
        }
    }
}

#[cfg(test)]
mod tests;
