//! Connections that end, in paused time.

use credpool_proto::words::Outcome;
use serde_json::{Value, json};

use super::*;
use crate::client::Client;
use crate::error::Loss;
use crate::peer::{self, Exchange, PATIENCE, Peer, TIMEOUT, connected, connected_by};
use crate::requests::{AcquireRequest, ClearRequest, Failure, LeaseOptions, ReleaseRequest, ReportRequest, Subject};

/// Ends the connection, and waits until the client knows.
async fn hang_up(client: &Client, peer: Peer) {
    drop(peer);
    client.link.session().connection.ended().await;
}

fn report() -> ReportRequest {
    ReportRequest::new(Subject::Lease { lease: "9f0c".to_owned() }, Failure::new().status(429).next_same())
}

#[tokio::test(start_paused = true)]
async fn a_request_after_the_end_of_the_connection_makes_another_one() {
    let (client, peer, exchange) = connected_by(1_024);
    hang_up(&client, peer).await;
    let mut peer = exchange.accept();
    assert_eq!(client.hello().run, "first");
    let (cleared, ()) = tokio::join!(client.clear(ClearRequest::new("p")), async {
        peer.greet("second").await;
        let (request, id) = peer.request().await;
        assert_eq!(request, json!({"op": "clear", "pool": "p"}));
        peer.answer(&id, json!({"cleared": 1})).await;
    });
    assert_eq!(cleared.unwrap(), 1);
    assert_eq!(client.hello().run, "second");
    assert_eq!(exchange.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_share_the_new_connection() {
    let (client, peer, exchange) = connected_by(1_024);
    hang_up(&client, peer).await;
    let mut peer = exchange.accept();
    let (first, second, ()) = tokio::join!(client.ping(), client.ping(), async {
        peer.greet("second").await;
        for _ in 0..2 {
            let (_, id) = peer.request().await;
            peer.answer(&id, json!({})).await;
        }
    });
    first.and(second).unwrap();
    assert_eq!(exchange.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_is_gone_is_waited_for_once_and_then_asked_for_once_a_request() {
    let (client, peer, exchange) = connected_by(1_024);
    hang_up(&client, peer).await;
    let start = Instant::now();
    let error = client.ping().await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable(tried) if tried.len() == 1), "{error}");
    // Between the calls it was 10, 20, 40, 80, 160, 320, eight times 500 and the remaining 370 ms.
    assert_eq!((exchange.calls(), start.elapsed()), (16, PATIENCE));

    let start = Instant::now();
    assert!(matches!(client.ping().await, Err(Error::Unreachable(_))));
    assert_eq!((exchange.calls(), start.elapsed()), (17, Duration::ZERO));

    // It may come back at any time, and go again.
    for run in ["second", "third"] {
        let mut peer = exchange.accept();
        let (ping, ()) = tokio::join!(client.ping(), async {
            peer.greet(run).await;
            let (_, id) = peer.request().await;
            peer.answer(&id, json!({})).await;
        });
        ping.unwrap();
        hang_up(&client, peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_comes_back_soon_is_not_missed() {
    let (client, peer, exchange) = connected_by(1_024);
    hang_up(&client, peer).await;
    exchange.refuse(Why::Io(std::io::ErrorKind::ConnectionRefused.into()));
    exchange.refuse(Why::Silent);
    let mut peer = exchange.accept();
    let (ping, ()) = tokio::join!(client.ping(), async {
        peer.greet("second").await;
        let (_, id) = peer.request().await;
        peer.answer(&id, json!({})).await;
    });
    ping.unwrap();
    assert_eq!(exchange.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_must_not_be_trusted_is_not_waited_for() {
    let (client, peer, exchange) = connected_by(1_024);
    hang_up(&client, peer).await;
    exchange.refuse(Why::Untrusted(54_321));
    let error = client.ping().await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable(tried) if matches!(tried[0].why, Why::Untrusted(_))), "{error}");
    assert_eq!(exchange.calls(), 1);
}

/// Ends the connection when the peer has heard the request, and returns what comes of it.
async fn cut_off<T>(client: &Client, mut peer: Peer, asking: impl Future<Output = T>) -> (T, Value) {
    let (outcome, request) = tokio::join!(asking, async {
        let (request, _) = peer.request().await;
        hang_up(client, peer).await;
        request
    });
    (outcome, request)
}

/// The same for a request that has to be heard again, over a new connection; it is answered there.
async fn cut_off_and_repeated<T>(
    client: &Client,
    mut peer: Peer,
    exchange: &Exchange,
    answer: Value,
    asking: impl Future<Output = Result<T, Error>>,
) -> T {
    let mut second = exchange.accept();
    let (outcome, ()) = tokio::join!(asking, async {
        let (request, _) = peer.request().await;
        hang_up(client, peer).await;
        second.greet("second").await;
        let (repeated, id) = second.request().await;
        assert_eq!(repeated, request);
        second.answer(&id, answer).await;
    });
    outcome.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_may_be_repeated_is_repeated() {
    let (client, peer, exchange) = connected_by(1_024);
    cut_off_and_repeated(&client, peer, &exchange, json!({}), client.ping()).await;

    let (client, peer, exchange) = connected_by(1_024);
    let release = client.release(ReleaseRequest::new("9f0c", Outcome::Ok));
    let answer = json!({"held_ms": 5, "duplicate": true, "ended_by": "connection"});
    assert!(cut_off_and_repeated(&client, peer, &exchange, answer, release).await.duplicate);

    let (client, peer, exchange) = connected_by(1_024);
    let acquire = client.acquire(AcquireRequest::new("p"));
    assert_eq!(cut_off_and_repeated(&client, peer, &exchange, peer::lease("9f0c"), acquire).await.id(), "9f0c");

    let (client, peer, exchange) = connected_by(1_024);
    let mut answer = peer::verdict();
    answer["duplicate"] = json!(true);
    let report = cut_off_and_repeated(&client, peer, &exchange, answer, client.report_error(report())).await;
    assert!(report.duplicate && report.next.is_none() && report.next_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_daemon_that_shuts_down_does_not_serve_is_asked_of_the_next() {
    let (client, mut peer, exchange) = connected_by(1_024);
    let mut second = exchange.accept();
    let (cleared, ()) = tokio::join!(client.clear(ClearRequest::new("p")), async {
        let (request, id) = peer.request().await;
        peer.refuse(&id, json!({"code": "draining", "message": "x"})).await;
        drop(peer);
        second.greet("second").await;
        let (repeated, id) = second.request().await;
        assert_eq!(repeated, request);
        second.answer(&id, json!({"cleared": 2})).await;
    });
    assert_eq!(cleared.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_not() {
    let (client, peer, exchange) = connected_by(1_024);
    let (acquired, _) = cut_off(&client, peer, client.acquire(AcquireRequest::new("p").detach())).await;
    assert!(matches!(acquired, Err(Error::Disconnected)));
    assert_eq!(exchange.calls(), 0);

    let (client, peer, exchange) = connected_by(1_024);
    let (cleared, _) = cut_off(&client, peer, client.clear(ClearRequest::new("p"))).await;
    assert!(matches!(cleared, Err(Error::Disconnected)));
    assert_eq!(exchange.calls(), 0);

    let (client, peer, exchange) = connected_by(1_024);
    let (answered, _) = cut_off(&client, peer, client.call_raw(r#"{"op":"ping"}"#)).await;
    assert!(matches!(answered, Err(Error::Disconnected)));
    assert_eq!(exchange.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_repeated_twice() {
    let (client, mut peer, exchange) = connected_by(1_024);
    let mut second = exchange.accept();
    let _third = exchange.accept();
    let (ping, ()) = tokio::join!(client.ping(), async {
        peer.request().await;
        hang_up(&client, peer).await;
        second.greet("second").await;
        second.request().await;
        drop(second);
    });
    assert!(matches!(ping, Err(Error::Disconnected)));
    assert_eq!(exchange.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_have_been_served_is_not_called_unsent() {
    // The daemon does not come back.
    let (client, peer, _exchange) = connected_by(1_024);
    let (ping, _) = cut_off(&client, peer, client.ping()).await;
    assert!(matches!(ping, Err(Error::Disconnected)));

    // It does, and goes before it hears the repetition.
    let (client, mut peer, exchange) = connected_by(1_024);
    let mut second = exchange.accept();
    let (ping, ()) = tokio::join!(client.ping(), async {
        peer.request().await;
        hang_up(&client, peer).await;
        second.greet("second").await;
        drop(second);
    });
    assert!(matches!(ping, Err(Error::Disconnected)));
}

/// Asks for something that fills the connection, and then for a lease, of which nothing can be sent. Once
/// both are on their way, `then` is awaited.
async fn behind_a_jam<T>(client: &Client, then: impl Future<Output = T>) -> (Result<u64, Error>, Result<(), Error>, T) {
    let jam = client.clear(ClearRequest::new("p".repeat(100)));
    let acquire = async { client.acquire(AcquireRequest::new("p")).await.map(drop) };
    let (jammed, acquired, then) = tokio::join!(biased; jam, acquire, then);
    (jammed, acquired, then)
}

#[tokio::test(start_paused = true)]
async fn what_was_surely_not_sent_is_sent_again() {
    let (client, peer, exchange) = connected_by(16);
    let mut second = exchange.accept();
    let (jammed, acquired, ()) = behind_a_jam(&client, async {
        peer.is_jammed().await;
        hang_up(&client, peer).await;
        second.greet("second").await;
        let (request, id) = second.request().await;
        assert_eq!(request, json!({"op": "acquire", "pool": "p"}));
        second.answer(&id, peer::lease("9f0c")).await;
        // It is dropped at once.
        assert_eq!(second.request().await.0["op"], "release");
    })
    .await;
    acquired.unwrap();
    // Of this one the beginning was sent.
    assert!(matches!(jammed, Err(Error::Disconnected)));
}

#[tokio::test(start_paused = true)]
async fn what_was_surely_not_sent_is_sent_again_once() {
    let (client, peer, exchange) = connected_by(16);
    let mut second = exchange.accept();
    let _third = exchange.accept();
    let (_, acquired, ()) = behind_a_jam(&client, async {
        peer.is_jammed().await;
        hang_up(&client, peer).await;
        second.greet("second").await;
        drop(second);
    })
    .await;
    assert!(matches!(acquired, Err(Error::NotSent)));
    assert_eq!(exchange.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn raw_lines_that_were_surely_not_sent_are_sent_again() {
    let (client, peer, exchange) = connected_by(16);
    let mut second = exchange.accept();
    let (jammed, answered, ()) = tokio::join!(biased; client.clear(ClearRequest::new("p".repeat(100))), client.call_raw("anything"), async {
        peer.is_jammed().await;
        hang_up(&client, peer).await;
        second.greet("second").await;
        assert_eq!(second.heard().await.as_deref(), Some("anything"));
        second.say(r#"{"id":null}"#).await;
    });
    assert!(matches!(jammed, Err(Error::Disconnected)));
    assert_eq!(answered.unwrap(), r#"{"id":null}"#);
}

#[tokio::test(start_paused = true)]
async fn a_request_has_its_time_and_no_more() {
    let (client, mut peer) = connected();
    for (client, time) in [(client.clone(), TIMEOUT), (client.within(Duration::from_secs(1)), Duration::from_secs(1))] {
        let start = Instant::now();
        assert!(matches!(client.ping().await, Err(Error::TimedOut(after)) if after == time));
        assert_eq!(start.elapsed(), time);
    }
    let start = Instant::now();
    let wait = Duration::from_secs(60);
    let acquired = client.acquire(AcquireRequest::new("p").wait(wait)).await;
    assert!(matches!(acquired, Err(Error::TimedOut(after)) if after == wait + TIMEOUT));
    let failure = Failure::new().next_with(LeaseOptions::new().wait(wait));
    let next = ReportRequest::new(Subject::Lease { lease: "9f0c".to_owned() }, failure);
    assert!(matches!(client.report_error(next).await, Err(Error::TimedOut(after)) if after == wait + TIMEOUT));
    assert_eq!(start.elapsed(), 2 * (wait + TIMEOUT));

    // A lease that comes too late is given back.
    for _ in 0..2 {
        peer.request().await;
    }
    let (_, id) = peer.request().await;
    peer.answer(&id, peer::lease("9f0c")).await;
    peer.request().await;
    assert_eq!(peer.request().await.0, json!({"op": "release", "lease": "9f0c", "outcome": "unknown"}));
}

#[tokio::test(start_paused = true)]
async fn the_time_to_connect_anew_counts() {
    let (client, peer, _exchange) = connected_by(1_024);
    hang_up(&client, peer).await;
    let start = Instant::now();
    let client = client.within(Duration::from_secs(1));
    assert!(matches!(client.ping().await, Err(Error::TimedOut(_))));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_about_the_profile_unless_it_says_otherwise() {
    let (client, mut peer) = connected();
    let session = client.link.session();
    let dev = Session {
        connection: session.connection.clone(),
        hello: Arc::clone(&session.hello),
        profile: Some("dev".to_owned()),
    };
    *client.link.shared.session.lock().unwrap() = Arc::new(dev);
    let asked = async {
        drop(client.acquire(AcquireRequest::new("p")).await);
        drop(client.acquire(AcquireRequest::new("p").profile("other")).await);
        drop(client.explain(crate::ExplainRequest::new("p")).await);
        drop(client.report_error(report()).await);
        let subject = Subject::Lease { lease: "9f0c".to_owned() };
        let failure = Failure::new().next_with(LeaseOptions::new());
        drop(client.report_error(ReportRequest::new(subject, failure)).await);
        drop(client.ping().await);
        drop(client.call_as_line(&AcquireRequest::new("p")).await);
        drop(client.call_raw(r#"{"op":"acquire","pool":"p"}"#).await);
    };
    let ((), ()) = tokio::join!(asked, async {
        for expected in [
            json!({"op": "acquire", "pool": "p", "profile": "dev"}),
            json!({"op": "acquire", "pool": "p", "profile": "other"}),
            json!({"op": "explain", "pool": "p", "profile": "dev"}),
            json!({"op": "report_error", "lease": "9f0c", "status": 429, "next": true}),
            json!({"op": "report_error", "lease": "9f0c", "next": {"profile": "dev"}}),
            json!({"op": "ping"}),
            json!({"op": "acquire", "pool": "p", "profile": "dev"}),
            json!({"op": "acquire", "pool": "p"}),
        ] {
            let (request, id) = peer.request().await;
            assert_eq!(request, expected);
            peer.refuse(&id, json!({"code": "internal", "message": "x"})).await;
        }
    });
}

/// A client, its peer, and a lease between them.
async fn leased(request: AcquireRequest) -> (Client, Peer, Exchange, crate::Lease) {
    let (client, mut peer, exchange) = connected_by(1_024);
    let (lease, ()) = tokio::join!(client.acquire(request), async {
        let (_, id) = peer.request().await;
        peer.answer(&id, peer::lease("9f0c")).await;
    });
    (client, peer, exchange, lease.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_bound_lease_is_lost_if_its_daemon_stays_away_and_says_so() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    let start = Instant::now();
    let (loss, ()) = tokio::join!(lease.lost(), async {
        hang_up(&client, peer).await;
        assert_eq!(lease.loss(), None, "the daemon may come back");
    });
    assert_eq!((loss, lease.loss()), (Loss::Connection, Some(Loss::Connection)));
    assert_eq!(start.elapsed(), CLAIMABLE);
    assert!(matches!(lease.renew(None).await, Err(Error::LeaseLost(Loss::Connection))));
    // There is nothing to give back, and nobody is bothered.
    let calls = exchange.calls();
    drop(lease);
    drop(client);
    sleep(10 * CLAIMABLE).await;
    assert_eq!(exchange.calls(), calls);
}

/// Hears a claim of the lease; its id.
async fn claimed(peer: &mut Peer) -> Value {
    let (request, id) = peer.request().await;
    assert_eq!(request, json!({"op": "claim", "lease": "9f0c"}));
    id
}

#[tokio::test(start_paused = true)]
async fn a_bound_lease_is_claimed_whenever_its_daemon_has_come_back() {
    let (client, mut peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    for run in ["second", "third"] {
        let mut next = exchange.accept();
        hang_up(&client, peer).await;
        // Nobody asks for anything.
        next.greet(run).await;
        let id = claimed(&mut next).await;
        next.answer(&id, peer::lease("9f0c")).await;
        peer = next;
    }
    assert!(timeout(10 * CLAIMABLE, lease.lost()).await.is_err(), "it goes on");
    drop(lease);
    assert_eq!(peer.request().await.0, json!({"op": "release", "lease": "9f0c", "outcome": "unknown"}));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_claimed_before_anything_else_is_asked() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    hang_up(&client, peer).await;
    let mut peer = exchange.accept();
    let (renewed, ()) = tokio::join!(lease.renew(None), async {
        peer.greet("second").await;
        let claim = claimed(&mut peer).await;
        let (request, id) = peer.request().await;
        assert_eq!(request["op"], "renew");
        peer.answer(&claim, peer::lease("9f0c")).await;
        peer.answer(&id, json!({"expires_at_ms": peer::ms_from_now(Duration::from_secs(60))})).await;
    });
    renewed.unwrap();
    assert_eq!(lease.loss(), None);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_cut_off_is_made_again() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    let (mut second, mut third) = (exchange.accept(), exchange.accept());
    hang_up(&client, peer).await;
    second.greet("second").await;
    claimed(&mut second).await;
    drop(second);
    third.greet("third").await;
    let id = claimed(&mut third).await;
    third.answer(&id, peer::lease("9f0c")).await;
    assert!(timeout(10 * CLAIMABLE, lease.lost()).await.is_err(), "it goes on");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_was_not_started_anew_has_ended_the_lease() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    let mut peer_again = exchange.accept();
    hang_up(&client, peer).await;
    let (loss, ()) = tokio::join!(lease.lost(), peer_again.greet("first"));
    assert_eq!(loss, Loss::Connection);
    drop((lease, client));
    assert_eq!(peer_again.heard().await, None, "there is nothing to claim or give back");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_holds_any_more_is_not_claimed() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    hang_up(&client, peer).await;
    drop(lease);
    let mut peer = exchange.accept();
    let (ping, ()) = tokio::join!(client.ping(), async {
        peer.greet("second").await;
        let (request, id) = peer.request().await;
        assert_eq!(request["op"], "ping");
        peer.answer(&id, json!({})).await;
    });
    ping.unwrap();
}

#[tokio::test(start_paused = true)]
async fn how_it_went_with_a_lease_counts_after_its_connection_has_ended() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    hang_up(&client, peer).await;
    let mut peer = exchange.accept();
    let (released, ()) = tokio::join!(lease.release(Outcome::Ok), async {
        peer.greet("first").await;
        let (request, id) = peer.request().await;
        assert_eq!(request["outcome"], "ok");
        peer.answer(&id, json!({"held_ms": 5, "duplicate": true, "ended_by": "connection"})).await;
    });
    assert_eq!(released.unwrap().ended_by, Some(credpool_proto::words::EndedBy::Connection));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_a_new_run_does_not_know_is_lost() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p")).await;
    hang_up(&client, peer).await;
    let mut peer = exchange.accept();
    let (report, ()) = tokio::join!(lease.report(Failure::new().status(429)), async {
        peer.greet("second").await;
        let id = claimed(&mut peer).await;
        peer.refuse(&id, json!({"code": "unknown_lease", "message": "x"})).await;
        let (_, id) = peer.request().await;
        peer.refuse(&id, json!({"code": "unknown_lease", "message": "x"})).await;
    });
    assert!(matches!(report, Err(Error::LeaseLost(Loss::Connection))));
}

#[tokio::test(start_paused = true)]
async fn a_detached_lease_outlives_its_connection() {
    let (client, peer, exchange, lease) = leased(AcquireRequest::new("p").detach()).await;
    hang_up(&client, peer).await;
    assert_eq!(lease.loss(), None);
    let mut peer = exchange.accept();
    let (renewed, ()) = tokio::join!(lease.renew(None), async {
        peer.greet("first").await;
        let (_, id) = peer.request().await;
        peer.answer(&id, json!({"expires_at_ms": peer::ms_from_now(Duration::from_secs(60))})).await;
    });
    renewed.unwrap();
    // And it is given back wherever that can be done.
    hang_up(&client, peer).await;
    let mut peer = exchange.accept();
    drop((lease, client));
    peer.greet("first").await;
    assert_eq!(peer.request().await.0, json!({"op": "release", "lease": "9f0c", "outcome": "unknown"}));
}

#[tokio::test(start_paused = true)]
async fn a_detached_lease_is_given_back_again_if_the_first_time_was_cut_off() {
    let (client, mut peer, exchange, lease) = leased(AcquireRequest::new("p").detach()).await;
    let mut second = exchange.accept();
    drop(lease);
    assert_eq!(peer.request().await.0["op"], "release");
    hang_up(&client, peer).await;
    second.greet("first").await;
    assert_eq!(second.request().await.0["op"], "release");
}
