//! A client of `credpoold`, the daemon that leases pooled credentials.
//!
//! ```no_run
//! use credpool_client::{AcquireRequest, Client, ConnectOptions, Failure, Outcome};
//!
//! # async fn request(_: &credpool_client::Lease) -> Result<(), u16> { Ok(()) }
//! # async fn example() -> Result<(), credpool_client::Error> {
//! let client = Client::connect(ConnectOptions::from_env()).await?;
//! let lease = client.acquire(AcquireRequest::new("openrouter").model("gpt-5.5")).await?;
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
//! called on. There are no timeouts but the one for connecting, no retries and no reconnecting: an
//! [`Error::Disconnected`] is final for its client.
//!
//! # When a future is dropped
//!
//! A request is handed to the connection when its future is first polled. Dropping the future before
//! that does nothing; dropping it later does not call the request back, and its answer is thrown
//! away. Only leases are not thrown away: a lease that arrives for nobody is given back at once. What
//! this means for each operation is said there.

mod client;
mod connection;
mod discover;
mod error;
mod lease;
mod options;
#[cfg(test)]
mod peer;
mod requests;

pub use client::Client;
pub use credpool_proto as proto;
pub use credpool_proto::words::{Class, FailureKind, Outcome};
pub use error::{Error, Tried, Why};
pub use lease::{Lease, LeasedCredential, Report};
pub use options::ConnectOptions;
pub use requests::{
    AcquireRequest, Call, ClearRequest, DisableRequest, EnableRequest, Ending, ExplainRequest, Failure, LeaseOptions,
    PingRequest, ReleaseRequest, ReloadRequest, RenewRequest, ReportRequest, StatusRequest, Subject,
};
