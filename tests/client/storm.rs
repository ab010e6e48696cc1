//! Fifty clients that each want forty leases, from a daemon that is started anew ten times meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use credpool_client::proto::words::EndedBy;
use credpool_client::{AcquireRequest, Client, Failure, Outcome};
use nix::sys::signal::Signal;
use serde_json::json;

use super::{in_time, options, run};
use crate::support::{AuthJson, Daemon, DaemonBuilder, eventually};

const CLIENTS: usize = 50;
const REQUESTS: usize = 40;
const RESTARTS: usize = 10;

/// Fewer slots than clients, so that some always wait.
const KEYS: usize = 20;
const CAP: usize = 2;

/// Who uses which key, by those who use it: the daemon is not asked.
struct Witness {
    using: BTreeMap<String, AtomicUsize>,
    answered: AtomicUsize,
}

impl Witness {
    fn new() -> Self {
        let keys = (0..KEYS).map(|key| (format!("key-{key}"), AtomicUsize::new(0)));
        Self { using: keys.collect(), answered: AtomicUsize::new(0) }
    }

    /// Uses a key for a moment in which others can come to use it, too.
    async fn sees_used(&self, key: &str) {
        let users = &self.using[key];
        let with_us = users.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(with_us <= CAP, "{with_us} use {key} at once");
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        users.fetch_sub(1, Ordering::SeqCst);
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

/// One agent. Whatever it asks for has to be answered, and no lease may be lost.
async fn work(client: Client, number: usize, witness: Arc<Witness>) {
    for request in 0..REQUESTS {
        let acquire = AcquireRequest::new("openrouter").wait(Duration::from_secs(60));
        let lease = client.acquire(acquire).await.unwrap_or_else(|error| panic!("{number}.{request}: {error}"));
        witness.sees_used(&lease.credential().label).await;
        // A failure that is the request's own benches no key.
        let ended_by = if (number + request).is_multiple_of(2) {
            in_time(lease.release(Outcome::Ok)).await.map(|released| released.ended_by)
        } else {
            in_time(lease.report(Failure::new().status(400))).await.map(|report| report.ended_by)
        };
        let ended_by = ended_by.unwrap_or_else(|error| panic!("{number}.{request}: {error}"));
        // It may have been said twice.
        assert!(
            matches!(ended_by, None | Some(EndedBy::Release | EndedBy::Report)),
            "{number}.{request}: {ended_by:?}"
        );
        witness.answered.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn two_thousand_requests_are_answered_over_ten_restarts() {
    let config = format!("[defaults]\ncap = 'hard'\nmax_in_flight = {CAP}\n");
    let mut daemon = DaemonBuilder::serving(&AuthJson::many(KEYS)).config(&config).snapshot("sync").start();
    let witness = Arc::new(Witness::new());
    let clients = {
        let (options, witness) = (options(&daemon), Arc::clone(&witness));
        std::thread::spawn(move || {
            run(async {
                // All before the first one works: nobody is there to connect to while the daemon is away.
                let mut connected = Vec::new();
                for _ in 0..CLIENTS {
                    connected.push(Client::connect(options.clone()).await.expect("the daemon is there"));
                }
                let mut tasks = tokio::task::JoinSet::new();
                for (number, client) in connected.into_iter().enumerate() {
                    tasks.spawn(work(client, number, Arc::clone(&witness)));
                }
                while let Some(task) = tasks.join_next().await {
                    task.expect("a client panicked");
                }
            });
        })
    };
    for restart in 0..RESTARTS {
        let goal = (restart + 1) * CLIENTS * REQUESTS / (RESTARTS + 1);
        eventually("the clients go on", || {
            assert!(!clients.is_finished(), "they have ended before the restarts");
            (witness.answered() >= goal).then_some(())
        });
        end(&mut daemon, restart);
        daemon.restart();
    }
    clients.join().expect("no client panicked");
    assert_eq!(witness.answered(), CLIENTS * REQUESTS);
    eventually("no lease is left", || {
        let status = daemon.credpool().call(&json!({"op": "status"}));
        (status["pools"][0]["leases"] == 0).then_some(())
    });
}

/// Ends it, every other time without a warning.
fn end(daemon: &mut Daemon, restart: usize) {
    if restart.is_multiple_of(2) {
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.ended().code(), Some(0), "{}", daemon.log());
    } else {
        daemon.kill();
    }
}
