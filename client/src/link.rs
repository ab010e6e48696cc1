//! The connection of the moment, and what happens when it ends.
//!
//! A link is made with a connection, and makes another one when that has ended and it is asked for something, or at once if
//! there are leases that were bound to it: these are claimed before anything else is asked. Whether a request that was cut
//! off is sent again is decided here, and nowhere else.

use std::borrow::Cow;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use credpool_proto::reply::Hello;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bound::{BoundLeases, ClaimRequest};
use crate::connection::{Answer, Connection, FAREWELL, Waiter};
use crate::error::{Error, Tried, Why};
use crate::held::Keeper;
use crate::requests::Call;

/// The pause after the first vain attempt to connect anew. Each further one is twice as long, up to
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a daemon that was started anew holds leases for those who claim them, as the protocol says; so for how long it is
/// worth trying.
const CLAIMABLE: Duration = Duration::from_secs(5);

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
    bound: BoundLeases,
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
        let session = Arc::new(session);
        let shared = Shared {
            dial,
            session: Mutex::new(Arc::clone(&session)),
            bound: BoundLeases::default(),
            lost_at: tokio::sync::Mutex::new(None),
            patience,
            tasks,
            runtime: Handle::current(),
        };
        let link = Self { shared: Arc::new(shared) };
        link.watch(&session);
        link
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
            let keep = if detached { Keeper::detached } else { Keeper::bound };
            let keeper = keep(self.clone(), Arc::clone(&session));
            session.connection.ask_for_lease(&*session.addressed(call), keeper).await
        };
        self.at_most_twice(call.may_be_repeated(), once).await
    }

    /// Sends a line as it is and waits for its answer.
    pub(crate) async fn ask_raw(&self, line: &str, may_be_repeated: bool) -> Result<Answer, Error> {
        let once = |session: Arc<Session>| async move { session.connection.ask_raw(line).await };
        self.at_most_twice(may_be_repeated, once).await
    }

    /// Does it, and does it again if the connection ended before anything was sent, or the daemon was shutting down; or
    /// if it ended before there was an answer, and the request `may_be_repeated`.
    async fn at_most_twice<A>(&self, may_be_repeated: bool, once: impl Fn(Arc<Session>) -> A) -> Result<Answer, Error>
    where
        A: Future<Output = Result<Answer, Error>>,
    {
        let session = self.alive().await?;
        match once(Arc::clone(&session)).await {
            Err(Error::NotSent) => once(self.alive().await?).await,
            Ok(answer) if answer.is_draining() => {
                // It closes once everybody has been answered.
                session.connection.ended().await;
                once(self.alive().await?).await
            }
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
        // Before others know of the session, so that what they ask comes after the claims.
        self.claim(&session);
        *self.shared.session.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&session);
        self.watch(&session);
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

    // ---- bound leases ------------------------------------------------------------------------------------------

    /// Notes that a lease is bound to the connection of `session`; what is returned is set when it is lost.
    pub(crate) fn bind(&self, lease: &str, session: Arc<Session>) -> CancellationToken {
        self.shared.bound.insert(lease, session)
    }

    /// Lets go of a bound lease.
    pub(crate) fn unbind(&self, lease: &str) {
        self.shared.bound.remove(lease);
    }

    /// Sees to the leases that are bound to the connection of `session` when that ends, whoever asks for something then.
    fn watch(&self, session: &Session) {
        let closed = session.connection.closed();
        // Neither the connection nor the link is kept by this.
        let link = Arc::downgrade(&self.shared);
        drop(self.keep_doing(async move {
            closed.cancelled().await;
            if let Some(shared) = Weak::upgrade(&link) {
                Self { shared }.keep_bound_leases().await;
            }
        }));
    }

    /// Connects anew, if there are leases to be claimed, and claims them. Those that cannot be in time are lost.
    async fn keep_bound_leases(&self) {
        let reconnect = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.alive().await {
                    // What came over the old connection after the new one was made has not been claimed with the rest.
                    Ok(session) => return self.claim(&session),
                    Err(_) => sleep(pause).await,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        tokio::select! {
            biased;
            () = self.shared.bound.none_left() => {}
            () = reconnect => {}
            () = sleep(CLAIMABLE) => self.shared.bound.lose_cut_off(),
        }
    }

    /// Has all bound leases bound to the connection of `session`. The claims are handed to it here and now; their answers
    /// are seen to later.
    fn claim(&self, session: &Arc<Session>) {
        for (lease, run) in self.shared.bound.move_to(session) {
            // The same daemon has ended it with its connection.
            if run == session.hello.run {
                self.shared.bound.lose(&lease);
                continue;
            }
            let (reply, arrival) = oneshot::channel();
            // If that connection ends, too, the lease is claimed over the one after it.
            let _ = session.connection.send(&ClaimRequest { lease: &lease }, Waiter::Answer(reply));
            let link = Arc::downgrade(&self.shared);
            drop(self.keep_doing(async move {
                let refused = matches!(arrival.await, Ok(Ok(answer)) if !matches!(answer.refusal(), Ok(None)));
                if refused && let Some(shared) = Weak::upgrade(&link) {
                    shared.bound.lose(&lease);
                }
            }));
        }
    }
}

#[cfg(test)]
mod tests;
