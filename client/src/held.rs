//! The duty to give a lease back.

use std::sync::Arc;

use credpool_proto::words::Outcome;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::connection::Waiter;
use crate::error::Error;
use crate::link::{Link, Session};
use crate::requests::ReleaseRequest;

/// How to keep a lease and give it back, whichever it will be.
#[derive(Clone)]
pub(crate) struct Keeper {
    link: Link,
    /// Whose connection the lease comes over.
    session: Arc<Session>,
    is_detached: bool,
}

impl Keeper {
    /// For leases that are bound to the connection of `session`.
    pub(crate) fn bound(link: Link, session: Arc<Session>) -> Self {
        Self { link, session, is_detached: false }
    }

    /// For leases that outlive the connection of `session`.
    pub(crate) fn detached(link: Link, session: Arc<Session>) -> Self {
        Self { link, session, is_detached: true }
    }

    /// Gives back a lease that is bound to the connection of the moment. If there is none now, the daemon ends it.
    fn give_back_bound(&self, lease: String) {
        let request = ReleaseRequest::new(lease, Outcome::Unknown);
        let _ = self.link.session().connection.send(&request, Waiter::Nobody);
    }

    fn give_back_detached(&self, lease: String) {
        let request = ReleaseRequest::new(lease, Outcome::Unknown);
        let (reply, arrival) = oneshot::channel();
        let sent = self.session.connection.send(&request, Waiter::Answer(reply));
        let again = self.link.clone();
        self.link.spawn(async move {
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
    lease: String,
    keeper: Keeper,
    /// Set when the lease has gone with its connection; `None` for one that does not.
    lost: Option<CancellationToken>,
    /// Whether it is somebody else's business, or over.
    is_discharged: bool,
}

impl Held {
    /// A lease that has just come. While this is held, it is claimed if its connection is lost.
    pub(crate) fn new(lease: String, keeper: Keeper) -> Self {
        let lost = (!keeper.is_detached).then(|| keeper.link.bind(&lease, Arc::clone(&keeper.session)));
        Self { lease, keeper, lost, is_discharged: false }
    }

    /// What is set when the lease has gone with its connection; `None` for one that is detached.
    pub(crate) fn lost(&self) -> Option<&CancellationToken> {
        self.lost.as_ref()
    }

    /// The lease is somebody else's business, or over.
    pub(crate) fn discharge(mut self) {
        self.is_discharged = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let lease = std::mem::take(&mut self.lease);
        match &self.lost {
            None if self.is_discharged => {}
            None => self.keeper.give_back_detached(lease),
            Some(lost) => {
                self.keeper.link.unbind(&lease);
                if !self.is_discharged && !lost.is_cancelled() {
                    self.keeper.give_back_bound(lease);
                }
            }
        }
    }
}
