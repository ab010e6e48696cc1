//! Leases that are renewed, and leases that are lost, in paused time.

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::*;
use crate::peer::{self, Peer, connected_by};
use crate::requests::AcquireRequest;

const TTL: Duration = Duration::from_secs(60);

/// Half of a second: expiry is told in whole milliseconds of the wall clock, which does not stand still.
const SLACK: Duration = Duration::from_millis(500);

async fn leased(request: AcquireRequest) -> (Client, Peer, Lease) {
    let (client, mut peer, _) = connected_by(1_024);
    let (lease, ()) = tokio::join!(client.acquire(request), async {
        let (_, id) = peer.request().await;
        peer.answer(&id, peer::lease_for("9f0c", TTL)).await;
    });
    (client, peer, lease.unwrap())
}

fn bound() -> AcquireRequest {
    AcquireRequest::new("p")
}

/// Waits for the next renewal and returns its id, and how long it took to come.
async fn renewal(peer: &mut Peer) -> (serde_json::Value, Duration) {
    let start = Instant::now();
    let (request, id) = peer.request().await;
    assert_eq!(request, json!({"op": "renew", "lease": "9f0c"}));
    (id, start.elapsed())
}

async fn renewed(peer: &mut Peer, id: &serde_json::Value) {
    renewed_with(peer, id, json!("sha256:053ad1494404cdc3")).await;
}

async fn renewed_with(peer: &mut Peer, id: &serde_json::Value, fingerprint: serde_json::Value) {
    peer.answer(id, json!({"expires_at_ms": peer::ms_from_now(TTL), "fingerprint": fingerprint})).await;
}

#[track_caller]
fn assert_about(actual: Duration, expected: Duration) {
    assert!(actual.abs_diff(expected) < SLACK, "{actual:?} instead of {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_kept_alive_is_renewed_when_a_third_of_it_has_passed() {
    for request in [bound(), bound().detach()] {
        let (_client, mut peer, lease) = leased(request).await;
        let lease = lease.keep_alive().keep_alive();
        let before = lease.expires_at_ms();
        for _ in 0..10 {
            let (id, after) = renewal(&mut peer).await;
            assert_about(after, TTL / 3);
            renewed(&mut peer, &id).await;
        }
        assert!(lease.expires_at_ms() >= before);
        assert_eq!(lease.loss(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_tells_that_the_secret_was_replaced_or_has_gone() {
    for by_now in [json!("sha256:0000000000000000"), json!(null)] {
        let (_client, mut peer, lease) = leased(bound()).await;
        let lease = lease.keep_alive();
        let start = Instant::now();
        let ((), ()) = tokio::join!(lease.replaced(), async {
            let (id, _) = renewal(&mut peer).await;
            renewed(&mut peer, &id).await;
            let (id, _) = renewal(&mut peer).await;
            renewed_with(&mut peer, &id, by_now.clone()).await;
        });
        assert_about(start.elapsed(), 2 * TTL / 3);
        assert!(lease.is_replaced());
        assert_eq!(lease.loss(), None, "the lease goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_keeps_alive_ends_by_itself() {
    let (_client, _peer, lease) = leased(bound()).await;
    let start = Instant::now();
    assert_eq!(lease.lost().await, Loss::Expired);
    assert_about(start.elapsed(), TTL);
    assert_eq!(lease.loss(), Some(Loss::Expired));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_by_hand_puts_the_end_off() {
    let (_client, mut peer, lease) = leased(bound()).await;
    sleep(TTL / 2).await;
    let (lost, ()) = tokio::join!(timeout(TTL, lease.lost()), async {
        let (done, ()) = tokio::join!(lease.renew(Some(2 * TTL)), async {
            let (request, id) = peer.request().await;
            assert_eq!(request["ttl_ms"], 120_000);
            peer.answer(&id, json!({"expires_at_ms": peer::ms_from_now(2 * TTL)})).await;
        });
        done.unwrap();
    });
    assert!(lost.is_err(), "it was lost: {lost:?}");
    let start = Instant::now();
    assert_eq!(lease.lost().await, Loss::Expired);
    assert_about(start.elapsed(), TTL);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_made_shorter_is_kept_alive_no_less() {
    let (_client, mut peer, lease) = leased(bound()).await;
    let lease = lease.keep_alive();
    let (done, ()) = tokio::join!(lease.renew(Some(TTL / 10)), async {
        let (_, id) = peer.request().await;
        peer.answer(&id, json!({"expires_at_ms": peer::ms_from_now(TTL / 10)})).await;
    });
    done.unwrap();
    let (_, after) = renewal(&mut peer).await;
    assert_about(after, TTL / 30);
}

#[tokio::test(start_paused = true)]
async fn renewals_that_fail_are_tried_again_in_time() {
    let (_client, mut peer, lease) = leased(bound()).await;
    let lease = lease.keep_alive();
    let (id, _) = renewal(&mut peer).await;
    peer.refuse(&id, json!({"code": "internal", "message": "x"})).await;
    // Two thirds are left, and a third of that passes.
    let (_unanswered, after) = renewal(&mut peer).await;
    assert_about(after, TTL * 2 / 9);
    // No answer counts as a failure when half of what was left has passed.
    let left = TTL * 4 / 9;
    let (id, after) = renewal(&mut peer).await;
    assert_about(after, left / 2 + left / 2 / 3);
    assert_eq!(lease.loss(), None);
    renewed(&mut peer, &id).await;
    let (_, after) = renewal(&mut peer).await;
    assert_about(after, TTL / 3);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_is_lost_when_its_time_is_over() {
    let (_client, mut peer, lease) = leased(bound()).await;
    let lease = lease.keep_alive();
    let start = Instant::now();
    let (loss, attempts) = {
        let lost = lease.lost();
        tokio::pin!(lost);
        let mut attempts = 0;
        loop {
            tokio::select! {
                biased;
                loss = &mut lost => break (loss, attempts),
                (_, id) = peer.request() => {
                    attempts += 1;
                    peer.refuse(&id, json!({"code": "internal", "message": "x"})).await;
                }
            }
        }
    };
    assert_eq!(loss, Loss::Expired);
    assert_about(start.elapsed(), TTL);
    assert!((2..=32).contains(&attempts), "{attempts} attempts");
    // And nobody tries any longer.
    assert!(timeout(10 * TTL, peer.heard()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_the_daemon_does_not_know_is_lost_at_once() {
    let (_client, mut peer, lease) = leased(bound()).await;
    let lease = lease.keep_alive();
    let (loss, ()) = tokio::join!(lease.lost(), async {
        let (id, _) = renewal(&mut peer).await;
        peer.refuse(&id, json!({"code": "unknown_lease", "message": "x"})).await;
    });
    assert_eq!((loss, lease.loss()), (Loss::Unknown, Some(Loss::Unknown)));
    assert!(timeout(10 * TTL, peer.heard()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_renewed_after_its_holder_let_go() {
    for detached in [false, true] {
        let request = if detached { bound().detach() } else { bound() };
        let (_client, mut peer, lease) = leased(request).await;
        drop(lease.keep_alive());
        let (request, id) = peer.request().await;
        assert_eq!(request["op"], "release");
        peer.answer(&id, json!({"held_ms": 1})).await;
        assert!(timeout(10 * TTL, peer.heard()).await.is_err());
    }

    let (_client, mut peer, lease) = leased(bound().detach()).await;
    assert_eq!(lease.keep_alive().forget(), "9f0c");
    assert!(timeout(10 * TTL, peer.heard()).await.is_err());

    // While its release is on its way, either.
    let (client, mut peer, lease) = leased(bound()).await;
    let client = client.within(10 * TTL);
    let lease = Lease { client, ..lease }.keep_alive();
    let release = lease.release(credpool_proto::words::Outcome::Ok);
    let (released, ()) = tokio::join!(release, async {
        let (request, id) = peer.request().await;
        assert_eq!(request["op"], "release");
        assert!(timeout(5 * TTL, peer.heard()).await.is_err());
        peer.answer(&id, json!({"held_ms": 1})).await;
    });
    released.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_kept_alive_is_lost_with_its_connection() {
    let (_client, peer, lease) = leased(bound()).await;
    let lease = lease.keep_alive();
    let (loss, ()) = tokio::join!(lease.lost(), async { drop(peer) });
    assert_eq!(loss, Loss::Connection);
}

#[tokio::test(start_paused = true)]
async fn a_detached_lease_is_renewed_over_the_next_connection() {
    let (client, mut peer, exchange) = connected_by(1_024);
    let (lease, ()) = tokio::join!(client.acquire(bound().detach()), async {
        let (_, id) = peer.request().await;
        peer.answer(&id, peer::lease_for("9f0c", TTL)).await;
    });
    let lease = lease.unwrap().keep_alive();
    drop(peer);
    let mut peer = exchange.accept();
    peer.greet("first").await;
    let (id, _) = renewal(&mut peer).await;
    renewed(&mut peer, &id).await;
    let (_, after) = renewal(&mut peer).await;
    assert_about(after, TTL / 3);
    assert_eq!(lease.loss(), None);
}

#[tokio::test(start_paused = true)]
async fn an_end_in_the_far_future_is_no_trouble() {
    let (client, mut peer, _) = connected_by(1_024);
    let (lease, ()) = tokio::join!(client.acquire(bound()), async {
        let (_, id) = peer.request().await;
        let mut lease = peer::lease("9f0c");
        lease["expires_at_ms"] = json!(u64::MAX);
        peer.answer(&id, lease).await;
    });
    let lease = lease.unwrap().keep_alive();
    assert!(timeout(TTL, lease.lost()).await.is_err());
}
