//! The leases that are bound to a link's connection, and are claimed when another one takes its place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::link::Session;
use crate::requests::Call;

/// `claim`: have a lease again that a restart of the daemon cut off.
#[derive(Clone, Serialize)]
pub(crate) struct ClaimRequest<'a> {
    pub(crate) lease: &'a str,
}

impl Call for ClaimRequest<'_> {
    const OP: &'static str = "claim";
}

/// The bound leases of one link that somebody holds, by their ids.
#[derive(Default)]
pub(crate) struct BoundLeases {
    leases: Mutex<HashMap<String, Binding>>,
    /// Signalled when the last of them is gone.
    emptied: Notify,
}

struct Binding {
    /// Whose connection it is bound to, or is about to be.
    session: Arc<Session>,
    lost: CancellationToken,
}

impl BoundLeases {
    /// Takes a lease in; what is returned is set when it is lost.
    pub(crate) fn insert(&self, lease: &str, session: Arc<Session>) -> CancellationToken {
        let lost = CancellationToken::new();
        self.leases().insert(lease.to_owned(), Binding { session, lost: lost.clone() });
        lost
    }

    /// Lets go of a lease.
    pub(crate) fn remove(&self, lease: &str) {
        let mut leases = self.leases();
        leases.remove(lease);
        if leases.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Says that a lease is lost, if somebody still holds it.
    pub(crate) fn lose(&self, lease: &str) {
        let lost = self.leases().get(lease).map(|binding| binding.lost.clone());
        if let Some(lost) = lost {
            self.remove(lease);
            lost.cancel();
        }
    }

    /// Says that all those are lost whose connection has ended.
    pub(crate) fn lose_cut_off(&self) {
        let has_ended =
            |(lease, binding): (&String, &Binding)| binding.session.connection.has_ended().then(|| lease.clone());
        let cut_off: Vec<String> = self.leases().iter().filter_map(has_ended).collect();
        for lease in cut_off {
            self.lose(&lease);
        }
    }

    /// Notes that all those are about to be bound to `session` which are not; returns each of them, with the daemon's run
    /// that it was bound in.
    pub(crate) fn move_to(&self, session: &Arc<Session>) -> Vec<(String, String)> {
        let mut leases = self.leases();
        let elsewhere = leases.iter_mut().filter(|(_, binding)| !Arc::ptr_eq(&binding.session, session));
        let moved = elsewhere.map(|(lease, binding)| {
            let before = std::mem::replace(&mut binding.session, Arc::clone(session));
            (lease.clone(), before.hello.run.clone().into_owned())
        });
        moved.collect()
    }

    /// Waits until there is none. Cancel-safe.
    pub(crate) async fn none_left(&self) {
        // From here on it is told, before it is looked at.
        let emptied = self.emptied.notified();
        if !self.leases().is_empty() {
            emptied.await;
        }
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<String, Binding>> {
        // Nothing that is done under the lock leaves the table half-changed.
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
