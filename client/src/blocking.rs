//! The same client for programs without tokio.
//!
//! ```no_run
//! use credpool_client::blocking::Client;
//! use credpool_client::{AcquireRequest, ConnectOptions, Outcome};
//!
//! # fn request(_: &credpool_client::blocking::Lease) {}
//! # fn example() -> Result<(), credpool_client::Error> {
//! let client = Client::connect(ConnectOptions::from_env())?;
//! let lease = client.acquire(AcquireRequest::new("openrouter"))?.keep_alive();
//! request(&lease);
//! lease.release(Outcome::Ok)?;
//! # Ok(())
//! # }
//! ```
//!
//! What is said of the [crate] holds here, too: everything is done by the client there, on a thread of
//! its own, which is shared by a [`Client`], its clones and its leases. A call blocks the thread that it is
//! made on until there is an answer, or the request's deadline has passed. It may be made anywhere; inside of
//! an asynchronous task it keeps other tasks from running, as everything does that blocks.
//!
//! When the last clone and the last lease are dropped, that waits until everything that was said is sent, the
//! end of leases included: a moment, or up to 5 seconds with a daemon that does not listen.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use credpool_proto::reply::{CredentialBrief, Explanation, Hello, Released, Reloaded, Renewed};
use credpool_proto::status::Status;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::events::Notice;
use crate::options::ConnectOptions;
use crate::requests::{
    AcquireRequest, Call, ClearRequest, DisableRequest, EnableRequest, ExplainRequest, ReleaseRequest, RenewRequest,
    ReportRequest, StatusRequest, SubscribeRequest,
};

mod lease;

pub use lease::{Lease, Report};

/// A way to ask a daemon, for programs without tokio. See [`crate::Client`].
#[derive(Clone)]
pub struct Client {
    // Dropped in this order: the thread ends when nobody has anything left to say.
    inner: crate::Client,
    thread: Arc<Thread>,
}

impl Client {
    /// Finds a daemon that may be trusted, and says hello.
    ///
    /// # Errors
    ///
    /// [`Error::NoThread`]; others as for [`crate::Client::connect`].
    pub fn connect(options: ConnectOptions) -> Result<Self, Error> {
        let tasks = TaskTracker::new();
        let thread = Arc::new(Thread::start(tasks.clone()).map_err(Error::NoThread)?);
        let inner = thread.wait(async move { crate::Client::connect_with(&options, tasks).await })?;
        Ok(Self { inner, thread })
    }

    /// As [`crate::Client::within`].
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { inner: self.inner.within(timeout), thread: Arc::clone(&self.thread) }
    }

    /// As [`crate::Client::socket`].
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.inner.socket()
    }

    /// As [`crate::Client::hello`].
    #[must_use]
    pub fn hello(&self) -> Arc<Hello<'static>> {
        self.inner.hello()
    }

    /// As [`crate::Client::acquire`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire(&self, request: AcquireRequest) -> Result<Lease, Error> {
        let lease = self.thread.wait(self.inner.acquire(request))?;
        Ok(Lease::new(lease, Arc::clone(&self.thread)))
    }

    /// As [`crate::Client::report_error`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn report_error(&self, request: ReportRequest) -> Result<Report, Error> {
        let report = self.thread.wait(self.inner.report_error(request))?;
        Ok(report.holding(|next| Lease::new(next, Arc::clone(&self.thread))))
    }

    /// As [`crate::Client::subscribe`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn subscribe(&self, request: SubscribeRequest) -> Result<Events, Error> {
        let inner = self.thread.wait(self.inner.subscribe(request))?;
        Ok(Events { inner, thread: Arc::clone(&self.thread) })
    }

    /// As [`crate::Client::call_as_line`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn call_as_line<C: Call>(&self, call: &C) -> Result<String, Error> {
        self.thread.wait(self.inner.call_as_line(call))
    }
}

/// The operations that take something and answer something, and that is all.
macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty)?) -> $answer:ty;)+) => {
        impl Client {$(
            #[doc = concat!("As [`crate::Client::", stringify!($name), "`].")]
            ///
            /// # Errors
            ///
            /// As there.
            pub fn $name(&self $(, $argument: $type)?) -> Result<$answer, Error> {
                self.thread.wait(self.inner.$name($($argument)?))
            }
        )+}
    };
}

operations! {
    ping() -> ();
    release(request: ReleaseRequest) -> Released;
    renew(request: RenewRequest) -> Renewed<'static>;
    status(request: StatusRequest) -> Status<'static>;
    explain(request: ExplainRequest) -> Explanation<'static>;
    clear(request: ClearRequest) -> u64;
    disable(request: DisableRequest) -> CredentialBrief<'static>;
    enable(request: EnableRequest) -> CredentialBrief<'static>;
    reload() -> Reloaded;
    call_raw(line: &str) -> String;
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// A subscription, for programs without tokio. See [`crate::Events`].
pub struct Events {
    inner: crate::Events,
    thread: Arc<Thread>,
}

impl Events {
    /// Blocks until something happens; as [`crate::Events::recv`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn recv(&mut self) -> Result<Notice, Error> {
        self.thread.wait(self.inner.recv())
    }
}

/// A thread that drives connections and timers until this is dropped and everything is said.
struct Thread {
    runtime: Handle,
    /// Never used but to be dropped.
    stop: Option<oneshot::Sender<Infallible>>,
    join: Option<JoinHandle<()>>,
}

impl Thread {
    /// `tasks` are what has to be done before the thread ends.
    fn start(tasks: TaskTracker) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let join = thread::Builder::new().name("credpool-client".to_owned()).spawn(move || {
            runtime.block_on(async {
                let _ = stopped.await;
                tasks.close();
                tasks.wait().await;
            });
        })?;
        Ok(Self { runtime: handle, stop: Some(stop), join: Some(join) })
    }

    /// Blocks until `future` is done. The thread does what it waits for.
    fn wait<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.runtime.enter();
        // Inside of somebody's task its budget would run out before the future is done, and never be refilled.
        pollster::block_on(tokio::task::unconstrained(future))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(join) = self.join.take()
            && join.thread().id() != thread::current().id()
        {
            // It cannot panic in a way that is anybody's business here.
            let _ = join.join();
        }
    }
}

#[cfg(test)]
mod tests;
