//! The Rust client and the real daemon: what happens when one of them goes.

mod dump;
mod events;
mod kept;
mod leases;
mod restarts;
mod storm;
mod trust;

use std::time::Duration;

use credpool_client::{Client, ConnectOptions};

use crate::support::{Daemon, PATIENCE};

/// How a client of `daemon` connects. It waits for a daemon that starts slowly rather than fail.
fn options(daemon: &Daemon) -> ConnectOptions {
    ConnectOptions::at(daemon.socket()).connect_timeout(PATIENCE).request_timeout(2 * PATIENCE)
}

/// Runs `work` on a runtime of its own.
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

/// A client of `daemon`.
async fn connect(daemon: &Daemon) -> Client {
    Client::connect(options(daemon)).await.expect("the daemon is there")
}

/// Panics if `future` takes longer than anything should.
#[track_caller]
fn in_time<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let at = std::panic::Location::caller();
    async move {
        let late: Duration = 2 * PATIENCE;
        tokio::time::timeout(late, future).await.unwrap_or_else(|_| panic!("{at}: not within {late:?}"))
    }
}
