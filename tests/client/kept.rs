//! Daemons that keep their state, started anew under clients that hold leases: these notice a delay at most.

use credpool_client::{AcquireRequest, Outcome, blocking};
use nix::sys::signal::Signal;
use serde_json::json;

use super::{connect, in_time, options, run};
use crate::support::{AuthJson, Daemon, DaemonBuilder, eventually, pool};

const POOL: &str = "openrouter";

/// A daemon that keeps its state, in a pool of `keys` keys for one lease each.
fn keeping(keys: usize) -> Daemon {
    DaemonBuilder::serving(&AuthJson::many(keys)).config("defaults.cap = 'hard'\n").snapshot("sync").start()
}

/// How a daemon ends.
const ENDS: [fn(&mut Daemon); 2] = [Daemon::kill, |daemon| {
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().code(), Some(0), "{}", daemon.log());
}];

#[test]
fn a_lease_goes_on_however_its_daemon_ended() {
    for end in ENDS {
        let mut daemon = keeping(1);
        run(async {
            let client = connect(&daemon).await;
            let lease = client.acquire(AcquireRequest::new(POOL)).await.expect("a lease");
            let secret = lease.credential().fingerprint.clone();
            end(&mut daemon);
            daemon.restart();
            // Over the new connection it is bound, and so its time is its own again.
            in_time(lease.renew(None)).await.expect("it goes on");
            assert_eq!((lease.loss(), lease.is_replaced()), (None, false));
            daemon.wire().refused(&json!({"op": "acquire", "pool": POOL}), "busy");
            let released = in_time(lease.release(Outcome::Ok)).await.expect("it is released");
            assert_eq!((released.duplicate, released.ended_by), (false, None));
            let again = client.acquire(AcquireRequest::new(POOL)).await.expect("its place is free");
            assert_eq!(again.credential().fingerprint, secret);
        });
    }
}

#[test]
fn a_lease_that_nobody_asks_about_is_claimed_all_the_same() {
    let mut daemon = keeping(2);
    let client = blocking::Client::connect(options(&daemon)).expect("the daemon is there");
    let held = client.acquire(AcquireRequest::new(POOL)).expect("a lease");
    let forgotten = client.acquire(AcquireRequest::new(POOL)).expect("a lease").forget();
    daemon.kill();
    daemon.restart();
    let mut wire = daemon.wire();
    eventually("what nobody holds ends", || (pool(&mut wire, POOL)["leases"] == 1).then_some(()));
    assert_eq!(wire.ok(&json!({"op": "release", "lease": forgotten}))["ended_by"], "restart");
    assert_eq!(held.loss(), None);
    assert_eq!(held.release(Outcome::Ok).expect("it is released").ended_by, None);
}

#[test]
fn what_was_said_before_a_crash_is_known_after_it() {
    let mut daemon = keeping(1);
    run(async {
        let client = connect(&daemon).await;
        let lease = client.acquire(AcquireRequest::new(POOL)).await.expect("a lease");
        let mut wire = daemon.wire();
        wire.ok(&json!({"op": "release", "lease": lease.id()}));
        daemon.kill();
        daemon.restart();
        let released = in_time(lease.release(Outcome::Ok)).await.expect("the daemon remembers it");
        assert!(released.duplicate);
    });
}
