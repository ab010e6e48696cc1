//! Leases of a daemon that stays, while connections come and go.

use std::time::Duration;

use credpool_client::proto::words::EndedBy;
use credpool_client::{AcquireRequest, Client, ConnectOptions, Failure, Loss, Outcome, blocking};
use serde_json::json;

use super::dump::Dump;
use super::{connect, in_time, options, run};
use crate::support::{AuthJson, Daemon, PATIENCE, Row, eventually, eventually_async};

fn pool() -> AuthJson {
    AuthJson::default().pool("openrouter", [Row::key("one")])
}

fn leases(daemon: &Daemon) -> u64 {
    daemon.wire().ok(&json!({"op": "status"}))["pools"][0]["leases"].as_u64().expect("a number")
}

#[test]
fn a_lease_is_kept_alive_beyond_its_time() {
    let daemon = Daemon::serving(&pool());
    run(async {
        let client = connect(&daemon).await;
        let request = AcquireRequest::new("openrouter").ttl(Duration::from_millis(300));
        let lease = client.acquire(request.clone()).await.expect("a lease").keep_alive();
        // One like it that nobody renews ends in the meantime.
        let other = client.acquire(request).await.expect("a lease");
        assert_eq!(in_time(other.lost()).await, Loss::Expired);
        assert_eq!(lease.loss(), None);
        assert!(lease.expires_at_ms() > other.expires_at_ms());
        assert_eq!(lease.release(Outcome::Ok).await.expect("it was held").ended_by, None);
    });
}

#[test]
fn a_lease_that_somebody_else_ends_is_lost() {
    let daemon = Daemon::serving(&pool());
    run(async {
        let client = connect(&daemon).await;
        let request = AcquireRequest::new("openrouter").ttl(Duration::from_millis(300));
        let lease = client.acquire(request).await.expect("a lease").keep_alive();
        daemon.wire().ok(&json!({"op": "release", "lease": lease.id()}));
        let loss = in_time(lease.lost()).await;
        assert!(matches!(loss, Loss::Unknown | Loss::Expired), "{loss:?}");
    });
}

#[test]
fn dropped_leases_are_given_back() {
    let daemon = Daemon::serving(&pool());
    run(async {
        let client = connect(&daemon).await;
        for request in [AcquireRequest::new("openrouter"), AcquireRequest::new("openrouter").detach()] {
            drop(client.acquire(request).await.expect("a lease"));
        }
        // Answers come in the order of requests, and so does the end of leases.
        client.ping().await.expect("an answer");
        assert_eq!(leases(&daemon), 0);
    });
    let client = blocking::Client::connect(options(&daemon)).expect("the daemon is there");
    let lease = client.acquire(AcquireRequest::new("openrouter").detach()).expect("a lease");
    assert_eq!(leases(&daemon), 1);
    drop(client);
    drop(lease);
    assert_eq!(leases(&daemon), 0);
}

#[test]
fn a_connection_that_breaks_ends_bound_leases_and_no_others() {
    let daemon = Daemon::serving(&pool());
    let mut dump = Dump::of(&daemon, &[]);
    run(async {
        let options = ConnectOptions::at(dump.socket()).connect_timeout(PATIENCE);
        let client = Client::connect(options).await.expect("the daemon is there");
        let request = AcquireRequest::new("openrouter");
        let bound = client.acquire(request.clone()).await.expect("a lease");
        let reported = client.acquire(request.clone()).await.expect("a lease");
        let detached = client.acquire(request.clone().detach()).await.expect("a lease");
        let dropped = client.acquire(request.detach()).await.expect("a lease");

        dump.kill();
        assert_eq!(in_time(bound.lost()).await, Loss::Connection);
        eventually("two are left", || (leases(&daemon) == 2).then_some(()));
        dump.restart();

        // It is the same run, which knows them all.
        let released = bound.release(Outcome::Ok).await.expect("it knows how that ended");
        assert_eq!(released.ended_by, Some(EndedBy::Connection));
        detached.renew(None).await.expect("it goes on");
        let report = reported.report(Failure::new().status(429)).await.expect("it is judged");
        assert!(report.applied);
        assert_eq!(report.ended_by, Some(EndedBy::Connection));

        dump.kill();
        drop(dropped);
        dump.restart();
        eventually_async("the dropped one is given back", || leases(&daemon) == 1).await;
        assert_eq!(detached.release(Outcome::Ok).await.expect("it goes on").ended_by, None);
    });
}

fn waiters(daemon: &Daemon) -> u64 {
    daemon.wire().ok(&json!({"op": "status"}))["pools"][0]["waiters"].as_u64().expect("a number")
}

fn one_slot() -> Daemon {
    Daemon::configured(&pool(), "[defaults]\ncap = \"hard\"\n")
}

#[test]
fn a_request_may_wait_for_longer_than_requests_take() {
    let daemon = one_slot();
    run(async {
        let impatient = connect(&daemon).await.within(Duration::from_millis(200));
        let held = impatient.acquire(AcquireRequest::new("openrouter")).await.expect("a lease");
        let request = AcquireRequest::new("openrouter").wait(Duration::from_millis(600));
        let refused = in_time(impatient.acquire(request)).await.expect_err("nothing comes free");
        assert_eq!(refused.refusal().map(|error| error.code.as_str()), Some("timeout"), "{refused}");
        let waiting = impatient.acquire(AcquireRequest::new("openrouter").wait(PATIENCE));
        let release = async {
            eventually("it waits", || (waiters(&daemon) == 1).then_some(()));
            held.release(Outcome::Ok).await.expect("it was held");
        };
        // Polled in turn: the request is sent first.
        let (lease, ()) = tokio::join!(in_time(waiting), async {
            tokio::task::yield_now().await;
            release.await;
        });
        lease.expect("the freed slot");
    });
}

#[test]
fn a_lease_that_arrives_for_somebody_who_has_given_up_goes_to_the_next() {
    let daemon = one_slot();
    run(async {
        let client = connect(&daemon).await;
        for detach in [false, true] {
            let held = client.acquire(AcquireRequest::new("openrouter")).await.expect("a lease");
            let request = AcquireRequest::new("openrouter").wait(PATIENCE);
            let request = if detach { request.detach() } else { request };
            let waiting = tokio::time::timeout(Duration::from_millis(100), client.acquire(request));
            assert!(waiting.await.is_err(), "it waits");
            held.release(Outcome::Ok).await.expect("it was held");
            eventually("the late lease is given back", || (leases(&daemon) == 0).then_some(()));
        }
    });
}

#[test]
fn a_blocking_client_waits_too() {
    let daemon = one_slot();
    let client = blocking::Client::connect(options(&daemon)).expect("the daemon is there");
    let held = client.acquire(AcquireRequest::new("openrouter")).expect("a lease");
    let other = client.clone();
    let waiting = std::thread::spawn(move || other.acquire(AcquireRequest::new("openrouter").wait(PATIENCE)).map(drop));
    eventually("it waits", || (waiters(&daemon) == 1).then_some(()));
    held.release(Outcome::Ok).expect("it was held");
    waiting.join().expect("no panic").expect("the freed slot");
}
