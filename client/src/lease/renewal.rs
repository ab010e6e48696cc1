//! A lease that is renewed while nobody looks.

use std::future::pending;
use std::time::Duration;

use credpool_proto::words::ErrorCode;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::term::Term;
use crate::client::Client;
use crate::requests::RenewRequest;

/// The shortest pause between two attempts.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Renews a lease until this is dropped.
pub(super) struct Renewal {
    task: AbortHandle,
}

impl Renewal {
    /// Renews the lease `id` and keeps its `term` up to date, until `lost` is set if that is given.
    pub(super) fn start(
        client: Client,
        id: String,
        lost: Option<CancellationToken>,
        term: watch::Sender<Term>,
    ) -> Self {
        let link = client.link.clone();
        let task = link.keep_doing(async move {
            let over = async {
                match &lost {
                    Some(lost) => lost.cancelled().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = over => {}
                () = renew(&client, &id, &term) => {}
            }
        });
        Self { task }
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns when there is nothing left to renew.
async fn renew(client: &Client, id: &str, term: &watch::Sender<Term>) {
    let left = |term: &Term| term.until.saturating_duration_since(Instant::now());
    let mut changes = term.subscribe();
    loop {
        let pause = (left(&changes.borrow_and_update()) / 3).max(SHORTEST_PAUSE);
        tokio::select! {
            () = sleep(pause) => {}
            // It was renewed by hand, maybe for less than before. (The sender is here, so this cannot fail.)
            _ = changes.changed() => continue,
        }
        let left = left(&term.borrow());
        if left.is_zero() {
            return;
        }
        // An answer that does not come must not keep the next attempt from being made in time.
        match timeout(left / 2, client.renew(RenewRequest::new(id))).await {
            Ok(Ok(renewed)) => term.send_modify(|term| term.renew(&renewed)),
            Ok(Err(error)) if error.refusal().is_some_and(|error| error.code == ErrorCode::UnknownLease) => {
                term.send_modify(Term::forget);
                return;
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
