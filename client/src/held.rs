//! The duty to give a lease back.

use credpool_proto::words::Outcome;
use tokio::sync::oneshot;

use crate::connection::{Connection, Waiter};
use crate::error::Error;
use crate::link::Link;
use crate::requests::ReleaseRequest;

/// How to give a lease back, whichever it will be.
#[derive(Clone)]
pub(crate) struct Keeper {
    /// The connection that the lease comes over.
    connection: Connection,
    /// Where to give it back once that connection has ended; `None` if the lease has ended then, too.
    outliving: Option<Link>,
}

impl Keeper {
    /// For leases that are bound to `connection`.
    pub(crate) fn bound(connection: Connection) -> Self {
        Self { connection, outliving: None }
    }

    /// For leases that may outlive `connection`.
    pub(crate) fn detached(connection: Connection, link: Link) -> Self {
        Self { connection, outliving: Some(link) }
    }

    /// The connection whose end is the end of the lease, if there is one.
    pub(crate) fn bound_to(&self) -> Option<&Connection> {
        self.outliving.is_none().then_some(&self.connection)
    }

    fn give_back(&self, lease: String) {
        let request = ReleaseRequest::new(lease, Outcome::Unknown);
        let Some(link) = &self.outliving else {
            // On a connection that has ended there is nothing to give back.
            let _ = self.connection.send(&request, Waiter::Nobody);
            return;
        };
        let (reply, arrival) = oneshot::channel();
        let sent = self.connection.send(&request, Waiter::Answer(reply));
        let again = link.clone();
        link.spawn(async move {
            let missed = sent.is_err() || matches!(arrival.await, Ok(Err(Error::NotSent | Error::Disconnected)));
            if missed {
                // Nobody is left to hear of a failure: the lease then lasts until its time is over.
                let _ = again.ask(&request).await;
            }
        });
    }
}

/// A lease that has to be given back when this is dropped.
pub(crate) struct Held {
    lease: Option<String>,
    keeper: Keeper,
}

impl Held {
    pub(crate) fn new(lease: String, keeper: Keeper) -> Self {
        Self { lease: Some(lease), keeper }
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The lease is somebody else's business, or over.
    pub(crate) fn discharge(mut self) {
        self.lease = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.keeper.give_back(lease);
        }
    }
}
