//! Daemons that are killed and started again under clients that go on asking.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use credpool_client::{AcquireRequest, Client, Error, Failure, Loss, Outcome, blocking};

use super::{connect, in_time, options, run};
use crate::support::{AuthJson, Daemon, Row, eventually};

const TASKS: usize = 50;
const RESTARTS: usize = 4;

/// Requests of all tasks together between two restarts, at least.
const BETWEEN: usize = 500;

fn pool() -> AuthJson {
    AuthJson::default().pool("openrouter", ["one", "two", "three"].map(Row::key))
}

/// What the tasks have to tell.
#[derive(Default)]
struct Tally {
    asked: AtomicUsize,
    answered: AtomicUsize,
    cut_off: AtomicUsize,
    done: AtomicBool,
}

impl Tally {
    /// Counts a request, whose failure may only be one of these that a restart can be the reason of.
    fn count<T>(&self, what: &str, outcome: &Result<T, Error>, may_be_lost: bool) {
        match outcome {
            Ok(_) => self.answered.fetch_add(1, Ordering::Relaxed),
            Err(Error::Disconnected | Error::NotSent) => self.cut_off.fetch_add(1, Ordering::Relaxed),
            Err(Error::LeaseLost(_)) if may_be_lost => self.answered.fetch_add(1, Ordering::Relaxed),
            Err(error) => panic!("{what}: {error}"),
        };
    }

    async fn ask<T>(&self, what: &str, asking: impl Future<Output = Result<T, Error>>, may_be_lost: bool) -> Option<T> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let outcome = in_time(asking).await;
        self.count(what, &outcome, may_be_lost);
        outcome.ok()
    }
}

/// One agent: leases, uses, releases or reports, over and over.
async fn work(client: Client, tally: Arc<Tally>) {
    while !tally.done.load(Ordering::Relaxed) {
        let Some(lease) = tally.ask("acquire", client.acquire(AcquireRequest::new("openrouter")), false).await else {
            continue;
        };
        let lease = lease.keep_alive();
        tally.ask("ping", client.ping(), false).await;
        if tally.asked.load(Ordering::Relaxed).is_multiple_of(2) {
            tally.ask("release", lease.release(Outcome::Ok), true).await;
        } else {
            // The failure is the request's own, so that no key is benched.
            tally.ask("report", lease.report(Failure::new().status(400).next_same()), true).await;
        }
    }
}

#[test]
fn fifty_clients_lose_nothing_over_restarts() {
    let mut daemon = Daemon::serving(&pool());
    let tally = Arc::new(Tally::default());
    let tasks = {
        let (options, tally) = (options(&daemon), Arc::clone(&tally));
        std::thread::spawn(move || {
            run(async {
                let mut clients = Vec::new();
                for _ in 0..TASKS / 2 {
                    clients.push(Client::connect(options.clone()).await.expect("the daemon is there"));
                }
                // Each connection is shared by two.
                let mut tasks = tokio::task::JoinSet::new();
                for client in clients {
                    tasks.spawn(work(client.clone(), Arc::clone(&tally)));
                    tasks.spawn(work(client, Arc::clone(&tally)));
                }
                while let Some(task) = tasks.join_next().await {
                    task.expect("a task panicked");
                }
            });
        })
    };
    let go_on = || {
        let goal = tally.asked.load(Ordering::Relaxed) + BETWEEN;
        eventually("the clients ask", || {
            assert!(!tasks.is_finished(), "the clients gave up");
            (tally.asked.load(Ordering::Relaxed) >= goal).then_some(())
        });
    };
    for _ in 0..RESTARTS {
        go_on();
        daemon.kill();
        daemon.restart();
    }
    go_on();
    tally.done.store(true, Ordering::Relaxed);
    tasks.join().expect("no task panicked");

    let count = |number: &AtomicUsize| number.load(Ordering::Relaxed);
    assert_eq!(count(&tally.asked), count(&tally.answered) + count(&tally.cut_off), "requests without an outcome");
    // A restart can cut off one request of each task, and the repetition of another.
    assert!(count(&tally.cut_off) <= 2 * TASKS * RESTARTS, "{} requests cut off", count(&tally.cut_off));
    eventually("no lease is left", || {
        let status = daemon.credpool().call(&serde_json::json!({"op": "status"}));
        (status["pools"][0]["leases"] == 0).then_some(())
    });
}

#[test]
fn a_lease_is_lost_when_its_daemon_is_killed() {
    let mut daemon = Daemon::serving(&pool());
    run(async {
        let client = connect(&daemon).await;
        let run = client.hello().run.clone();
        let lease = client.acquire(AcquireRequest::new("openrouter")).await.expect("a lease").keep_alive();
        let detached = client.acquire(AcquireRequest::new("openrouter").detach()).await.expect("a lease");
        assert_eq!(lease.loss(), None);
        daemon.kill();
        assert_eq!(in_time(lease.lost()).await, Loss::Connection);
        assert_eq!(detached.loss(), None);
        assert!(matches!(lease.renew(None).await, Err(Error::LeaseLost(Loss::Connection))));

        daemon.restart();
        // The new run knows neither.
        assert!(matches!(lease.release(Outcome::Ok).await, Err(Error::LeaseLost(Loss::Connection))));
        assert!(matches!(detached.renew(None).await, Err(Error::LeaseLost(Loss::Unknown))));
        assert_eq!(detached.loss(), Some(Loss::Unknown));
        assert_ne!(client.hello().run, run);
        client
            .acquire(AcquireRequest::new("openrouter"))
            .await
            .expect("a lease")
            .release(Outcome::Ok)
            .await
            .expect("ok");
    });
}

#[test]
fn a_daemon_that_stays_away_is_missed_and_found_again() {
    let mut daemon = Daemon::serving(&pool());
    run(async {
        let options = options(&daemon).connect_timeout(std::time::Duration::from_millis(50));
        let client = Client::connect(options).await.expect("the daemon is there");
        daemon.kill();
        for _ in 0..3 {
            let error = in_time(client.ping()).await.expect_err("nobody is there");
            // What was sent to the daemon in its last moment is another matter.
            assert!(matches!(error, Error::Unreachable(_) | Error::Disconnected), "{error}");
        }
        daemon.restart();
        in_time(client.ping()).await.expect("it is back");
    });
}

#[test]
fn a_blocking_client_outlives_a_restart() {
    let mut daemon = Daemon::serving(&pool());
    let client = blocking::Client::connect(options(&daemon)).expect("the daemon is there");
    let lease = client.acquire(AcquireRequest::new("openrouter")).expect("a lease").keep_alive();
    daemon.kill();
    assert_eq!(lease.lost(), Loss::Connection);
    daemon.restart();
    client.ping().expect("it is back");
    assert!(matches!(lease.release(Outcome::Ok), Err(Error::LeaseLost(_))));
    client.acquire(AcquireRequest::new("openrouter")).expect("a lease").release(Outcome::Ok).expect("it ends");
}
