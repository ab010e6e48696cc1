//! Against a peer in the same process: what is sent, what is made of answers, what is given back.

use credpool_proto::words::{ErrorCode, Outcome};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::peer::{self, Peer, connected};
use crate::requests::{Failure, LeaseOptions, Subject};

/// A client, its peer, and a lease between them.
async fn leased(id: &str) -> (Client, Peer, Lease) {
    let (client, mut peer) = connected();
    let (lease, ()) = tokio::join!(client.acquire(AcquireRequest::new("openrouter")), async {
        let (_, request) = peer.request().await;
        peer.answer(&request, peer::lease(id)).await;
    });
    (client, peer, lease.unwrap())
}

fn released(lease: &str) -> Value {
    json!({"op": "release", "lease": lease, "outcome": "unknown"})
}

/// Waits until the connection's task has nothing left to do that it could do now.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_find_whoever_asked() {
    let (client, mut peer) = connected();
    let (first, second, ()) =
        tokio::join!(client.clear(ClearRequest::new("a")), client.clear(ClearRequest::new("b")), async {
            let (a, first) = peer.request().await;
            let (b, second) = peer.request().await;
            assert_eq!((a, b), (json!({"op": "clear", "pool": "a"}), json!({"op": "clear", "pool": "b"})));
            peer.answer(&second, json!({"cleared": 2})).await;
            peer.answer(&first, json!({"cleared": 1})).await;
        });
    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
}

#[tokio::test]
async fn a_refusal_is_an_error_that_says_when_to_come_back() {
    let (client, mut peer) = connected();
    let (refused, ()) = tokio::join!(client.acquire(AcquireRequest::new("p")), async {
        let (_, id) = peer.request().await;
        let error = json!({"code": "exhausted", "message": "none", "retry_after_ms": 43_000});
        peer.refuse(&id, error).await;
    });
    let error = refused.unwrap_err();
    assert_eq!(error.refusal().map(|error| error.code), Some(ErrorCode::Exhausted));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(43)));
}

#[tokio::test]
async fn a_lease_has_a_secret_that_cannot_be_printed() {
    let (_client, _peer, lease) = leased("9f0c").await;
    assert_eq!(lease.secret().map(ExposeSecret::expose_secret), Some("sk-canary"));
    let printed = format!("{lease:?} {:?}", lease.credential());
    assert!(!printed.contains("sk-canary") && !printed.contains("9f0c"), "{printed}");
}

#[tokio::test]
async fn a_dropped_lease_is_given_back() {
    let (_client, mut peer, lease) = leased("9f0c").await;
    drop(lease);
    assert_eq!(peer.request().await.0, released("9f0c"));
}

#[tokio::test]
async fn a_released_lease_is_given_back_once() {
    let (client, mut peer, lease) = leased("9f0c").await;
    let (answer, ()) = tokio::join!(lease.release(Outcome::Ok), async {
        let (request, id) = peer.request().await;
        assert_eq!(request, json!({"op": "release", "lease": "9f0c", "outcome": "ok"}));
        peer.answer(&id, json!({"held_ms": 5})).await;
    });
    assert_eq!(answer.unwrap().held_ms, 5);
    drop(client);
    assert_eq!(peer.heard().await, None);
}

#[tokio::test]
async fn a_forgotten_lease_is_not_given_back() {
    let (client, mut peer, lease) = leased("9f0c").await;
    assert_eq!(lease.forget(), "9f0c");
    drop(client);
    assert_eq!(peer.heard().await, None);
}

#[tokio::test]
async fn a_lease_keeps_the_connection_and_its_release_is_the_last_thing_said() {
    let (client, mut peer, lease) = leased("9f0c").await;
    drop(client);
    settle().await;
    drop(lease);
    assert_eq!(peer.request().await.0, released("9f0c"));
    assert_eq!(peer.heard().await, None);
}

#[tokio::test]
async fn a_lease_that_arrives_after_its_acquire_was_dropped_is_given_back() {
    let (client, mut peer) = connected();
    let id = tokio::select! {
        biased;
        _ = client.acquire(AcquireRequest::new("p").detach()) => unreachable!("nobody answered"),
        (_, id) = peer.request() => id,
    };
    // Not even the client needs to be there any more.
    drop(client);
    settle().await;
    peer.answer(&id, peer::lease("9f0c")).await;
    let (request, id) = peer.request().await;
    assert_eq!(request, released("9f0c"));
    peer.answer(&id, json!({"held_ms": 0})).await;
    assert_eq!(peer.heard().await, None);
}

#[tokio::test]
async fn a_lease_that_has_arrived_when_its_acquire_is_dropped_is_given_back() {
    let (client, mut peer) = connected();
    {
        let acquire = client.acquire(AcquireRequest::new("p"));
        tokio::pin!(acquire);
        let id = tokio::select! {
            biased;
            _ = &mut acquire => unreachable!("nobody answered"),
            (_, id) = peer.request() => id,
        };
        peer.answer(&id, peer::lease("9f0c")).await;
        // The answer is handed over, but the future is not polled again.
        settle().await;
    }
    assert_eq!(peer.request().await.0, released("9f0c"));
}

#[tokio::test]
async fn a_report_ends_its_lease_and_may_bring_the_next() {
    let (_client, mut peer, lease) = leased("9f0c").await;
    let failure = Failure::new().status(429).header("Retry-After", "43").next_same();
    let (report, ()) = tokio::join!(lease.report(failure), async {
        let (request, id) = peer.request().await;
        assert_eq!(
            request,
            json!({"op": "report_error", "lease": "9f0c", "status": 429,
                   "headers": {"retry-after": ["43"]}, "next": true})
        );
        let mut answer = peer::verdict();
        answer["next"] = peer::lease("beef");
        peer.answer(&id, answer).await;
    });
    let report = report.unwrap();
    assert!(report.applied);
    drop(report);
    // Of the two leases only the next one is still there to be given back.
    assert_eq!(peer.request().await.0, released("beef"));
}

#[tokio::test]
async fn reports_of_a_lease_that_goes_on_are_numbered() {
    let (_client, mut peer, mut lease) = leased("9f0c").await;
    for number in [1, 2, 3] {
        let (report, ()) = tokio::join!(lease.report_and_keep(Failure::new().status(500)), async {
            let (request, id) = peer.request().await;
            assert_eq!(request.get("report").and_then(Value::as_u64).unwrap_or(1), number);
            assert_eq!(request["keep"], true);
            peer.answer(&id, peer::verdict()).await;
        });
        report.unwrap();
    }
}

#[tokio::test]
async fn a_report_that_is_too_long_loses_the_end_of_its_body_only() {
    let (client, mut peer) = connected();
    client.link.session().connection.set_line_limit(300);
    let failure = Failure::new().message("what").body("\u{e9}\n".repeat(1_000)).next_with(LeaseOptions::new());
    let request = ReportRequest::new(Subject::Lease { lease: "9f0c".to_owned() }, failure);
    let (report, ()) = tokio::join!(client.report_error(request), async {
        let line = peer.heard().await.unwrap();
        assert!(line.len() <= 300, "{} bytes", line.len());
        let request: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(request["message"], "what");
        assert_eq!(request["next"], json!({}));
        peer.answer(&request["id"], peer::verdict()).await;
    });
    report.unwrap();
}

#[tokio::test]
async fn a_line_at_the_daemons_limit_is_sent_and_a_longer_one_is_not() {
    let (client, mut peer) = connected();
    let pool = "p".repeat(100);
    let request = || ClearRequest::new(pool.clone());
    let bytes = r#"{"op":"clear","id":4503599627370496,"pool":""}"#.len() + pool.len();
    client.link.session().connection.set_line_limit(bytes - 1);
    assert!(matches!(
        client.clear(request()).await,
        Err(Error::TooLong { bytes: found, limit }) if found == bytes && limit == bytes - 1
    ));
    client.link.session().connection.set_line_limit(bytes);
    let (cleared, ()) = tokio::join!(client.clear(request()), async {
        let line = peer.heard().await.unwrap();
        assert_eq!(line.len(), bytes);
        let request: Value = serde_json::from_str(&line).unwrap();
        peer.answer(&request["id"], json!({"cleared": 0})).await;
    });
    assert_eq!(cleared.unwrap(), 0);
}

#[tokio::test]
async fn raw_lines_are_sent_as_they_are_and_answered_as_it_came() {
    let (client, mut peer) = connected();
    for (line, answer) in [
        (r#"{"op":"ping","id":7}"#, r#"{"id":7,"ok":true}"#),
        ("nonsense", r#"{"id":null,"ok":false,"error":{"code":"bad_request","message":"x"}}"#),
    ] {
        let (raw, ()) = tokio::join!(client.call_raw(line), async {
            assert_eq!(peer.heard().await.unwrap(), line);
            peer.say(answer).await;
        });
        assert_eq!(raw.unwrap(), answer);
    }
    for bad in ["", " \t", "a\nb"] {
        assert!(matches!(client.call_raw(bad).await, Err(Error::NotALine)));
    }
}

#[tokio::test]
async fn a_raw_line_waits_for_the_answer_to_the_one_before_even_if_nobody_else_does() {
    let (client, mut peer) = connected();
    tokio::select! {
        biased;
        _ = client.call_raw("first") => unreachable!("nobody answered"),
        line = peer.heard() => assert_eq!(line.as_deref(), Some("first")),
    }
    let (answer, ()) = tokio::join!(client.call_raw("second"), async {
        settle().await;
        peer.say(r#"{"id":null,"n":1}"#).await;
        assert_eq!(peer.heard().await.as_deref(), Some("second"));
        peer.say(r#"{"id":null,"n":2}"#).await;
    });
    assert_eq!(answer.unwrap(), r#"{"id":null,"n":2}"#);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_json_is_left() {
    let (client, mut peer) = connected();
    let (cleared, ()) = tokio::join!(client.clear(ClearRequest::new("p")), async {
        peer.heard().await;
        peer.say("HTTP/1.1 400 Bad Request").await;
    });
    assert!(matches!(cleared, Err(Error::Disconnected)));
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_an_error() {
    let (client, mut peer) = connected();
    let (lease, ()) = tokio::join!(client.acquire(AcquireRequest::new("p")), async {
        let (_, id) = peer.request().await;
        peer.answer(&id, json!({"lease": "9f0c", "pool": 7})).await;
    });
    assert!(matches!(lease, Err(Error::Malformed(_))));
    // Whatever it was, it was a lease.
    assert_eq!(peer.request().await.0, released("9f0c"));
}
