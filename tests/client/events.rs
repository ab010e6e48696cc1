//! Subscriptions of the Rust client.

use credpool_client::proto::event::Event;
use credpool_client::{AcquireRequest, Client, ConnectOptions, Notice, Outcome, SubscribeRequest, blocking};
use serde_json::json;

use crate::support::{AuthJson, Daemon};

/// The lease's number, if this tells of a grant.
#[track_caller]
fn granted(notice: &Notice) -> u64 {
    let Notice::Event(line) = notice else { panic!("no event: {notice:?}") };
    let Event::Leased(leased) = &line.event else { panic!("no grant: {line:?}") };
    leased.lease
}

#[tokio::test]
async fn what_happens_is_told_while_the_client_asks_other_things() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let client = Client::connect(ConnectOptions::at(daemon.socket())).await.expect("the daemon is there");
    let mut events = client.subscribe(SubscribeRequest::new().pool("openrouter")).await.expect("it tells");
    let lease = client.acquire(AcquireRequest::new("openrouter")).await.expect("a lease");
    lease.release(Outcome::Ok).await.expect("the daemon is there");
    let lease = granted(&events.recv().await.expect("an event"));
    let Ok(Notice::Event(line)) = events.recv().await else { panic!("no event") };
    let Event::Released(ended) = line.event else { panic!("{line:?}") };
    assert_eq!((ended.lease, line.seq), (lease, 2));
    assert!(events.line().contains(r#""event":"released""#), "{}", events.line());
    let unknown = client.subscribe(SubscribeRequest::new().pool("nothing")).await;
    assert!(unknown.is_err_and(|error| error.to_string().contains("nothing")));
}

#[test]
fn a_subscription_outlives_its_daemon_and_says_so() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let client = blocking::Client::connect(ConnectOptions::at(daemon.socket())).expect("the daemon is there");
    let mut events = client.subscribe(SubscribeRequest::new()).expect("it tells");
    daemon.kill();
    daemon.restart();
    assert_eq!(events.recv().expect("it is connected anew"), Notice::Reconnected);
    daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}));
    granted(&events.recv().expect("an event"));
}
