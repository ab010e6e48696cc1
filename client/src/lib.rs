//! A client of `credpoold`, the daemon that leases pooled credentials.
//!
//! ```no_run
//! use credpool_client::{AcquireRequest, Client, ConnectOptions, Failure, Outcome};
//!
//! # async fn request(_: &credpool_client::Lease) -> Result<(), u16> { Ok(()) }
//! # async fn example() -> Result<(), credpool_client::Error> {
//! let client = Client::connect(ConnectOptions::from_env()).await?;
//! let lease = client.acquire(AcquireRequest::new("openrouter").model("gpt-5.5")).await?.keep_alive();
//! match request(&lease).await {
//!     Ok(()) => lease.release(Outcome::Ok).await.map(drop)?,
//!     Err(status) => {
//!         let report = lease.report(Failure::new().status(status).next_same()).await?;
//!         if let Some(lease) = report.next {
//!             // Try again with another credential.
//!             # drop(lease);
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! All requests of a [`Client`] and its clones share one connection, on which they don't wait for
//! each other. The connection is served by a task on the tokio runtime that [`Client::connect`] was
//! called on.
//!
//! Programs without tokio use [`blocking`].
//!
//! # Which daemon
//!
//! One whose user, as the kernel says, is one's own, root, or the one that [`ConnectOptions::server`]
//! accepts; nothing is sent to any other. Where `HERMES_HOME` is set or a store is named, the daemon must
//! serve that one, maybe among others, and requests say which profile it is if they have to. All of this is
//! checked whenever a connection is made. A client keeps to the socket at which it found its daemon.
//!
//! # When the connection ends
//!
//! The next request connects anew. If nobody is there it tries again, ever more slowly, until the connect timeout has
//! passed since the end was found; after that each request tries once, and fails with [`Error::Unreachable`].
//!
//! Leases that are detached go on. For the others the client connects anew by itself, and if the daemon was started anew
//! and has kept its state, claims them: they go on, and nobody need notice. They are lost if the daemon does not know them,
//! if it was not started anew (then they have ended with the connection), or if it has not come back in 5 seconds.
//! [`Lease::lost`] tells.
//!
//! A request that is cut off, or comes to a daemon that is shutting down, is sent once more if that can do no harm:
//!
//! | operation | if nothing of it was sent | if it is not known whether it was served |
//! | --- | --- | --- |
//! | `ping`, `status`, `explain`, `reload` | sent again | sent again |
//! | `release`, `renew`, `report_error` about a lease | sent again | sent again: the daemon knows a repetition, and says `duplicate` |
//! | `acquire` | sent again | sent again: a lease that was granted ends with the connection, or 5 seconds after the daemon has come back |
//! | `acquire` of a detached lease | sent again | [`Error::Disconnected`]: a lease that was granted lasts until its time is over |
//! | `report_error` about a credential | sent again | [`Error::Disconnected`]: a repetition would be another failure |
//! | `clear`, `disable`, `enable` | sent again | [`Error::Disconnected`]: in between, somebody else may have decided otherwise |
//! | [`Client::call_raw`] | sent again | [`Error::Disconnected`] |
//!
//! A report that was repeated brings no next lease, since the daemon has granted that to a connection that is
//! gone: where neither [`Report::next`] nor [`Report::next_error`] is there, acquire one. A request that is cut
//! off again fails with [`Error::Disconnected`], or with [`Error::NotSent`] if nothing of it was ever sent.
//!
//! # Deadlines
//!
//! A request has [`ConnectOptions::request_timeout`], or what [`Client::within`] says: from the call on,
//! connecting anew and sending again included. What it waits for a lease (`wait`) comes on top. After that it
//! fails with [`Error::TimedOut`], and a lease that still comes is given back.
//!
//! # When a future is dropped
//!
//! A request is handed to the connection when its future is first polled. Dropping the future before
//! that does nothing; dropping it later does not call the request back, and its answer is thrown
//! away. Only leases are not thrown away: a lease that arrives for nobody is given back at once. What
//! this means for each operation is said there.

pub mod blocking;
mod bound;
mod client;
mod connection;
mod discover;
mod error;
mod events;
mod held;
mod lease;
mod link;
mod options;
#[cfg(test)]
mod peer;
mod requests;
mod trust;

pub use client::Client;
pub use credpool_proto as proto;
pub use credpool_proto::words::{Class, FailureKind, Outcome};
pub use error::{Error, Loss, Tried, Why};
pub use events::{Events, Notice};
pub use lease::{Lease, LeasedCredential, Report};
pub use options::ConnectOptions;
pub use requests::{
    AcquireRequest, Call, ClearRequest, DisableRequest, EnableRequest, Ending, ExplainRequest, Failure, HistoryRequest,
    LeaseOptions, PingRequest, ReleaseRequest, ReloadRequest, RenewRequest, ReportRequest, StatusRequest, Subject,
    SubscribeRequest,
};
