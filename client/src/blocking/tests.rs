//! Against a daemon of a few lines, behind a real socket and on a thread of its own.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};

use credpool_proto::words::Outcome;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::error::Loss;
use crate::peer;
use crate::requests::Failure;

/// Answers every request, on every connection, and passes on what it heard.
fn daemon() -> (tempfile::TempDir, ConnectOptions, Receiver<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (said, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let said = said.clone();
            thread::spawn(move || serve(stream.unwrap(), |request| said.send(request).is_ok()));
        }
    });
    (folder, ConnectOptions::at(socket), heard)
}

/// Serves a connection until `hear` has heard enough.
fn serve(mut stream: UnixStream, mut hear: impl FnMut(Value) -> bool) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let mut request: Value = serde_json::from_str(&line).unwrap();
        let id = request.as_object_mut().unwrap().remove("id").unwrap_or_default();
        let mut answer = match request["op"].as_str().unwrap() {
            "hello" => peer::hello("first"),
            "acquire" => peer::lease("9f0c"),
            "renew" => json!({"expires_at_ms": peer::ms_from_now(Duration::from_secs(60))}),
            "release" => json!({"held_ms": 5}),
            "report_error" => {
                let mut report = peer::verdict();
                if request["next"] == true {
                    report["next"] = peer::lease("beef");
                }
                report
            }
            _ => json!({}),
        };
        answer["id"] = id;
        answer["ok"] = json!(true);
        if !hear(request) || writeln!(stream, "{answer}").is_err() {
            return;
        }
    }
}

fn acquire() -> AcquireRequest {
    AcquireRequest::new("openrouter")
}

/// A session with one of everything; what was heard of it.
fn session(options: ConnectOptions, heard: &Receiver<Value>) -> Vec<Value> {
    let client = Client::connect(options).unwrap();
    client.ping().unwrap();
    let mut lease = client.acquire(acquire()).unwrap().keep_alive();
    assert_eq!(lease.secret().map(ExposeSecret::expose_secret), Some("sk-canary"));
    assert_eq!(lease.loss(), None);
    lease.renew(None).unwrap();
    assert!(lease.report_and_keep(Failure::new().status(500)).unwrap().next.is_none());
    let next = lease.report(Failure::new().status(429).next_same()).unwrap().next.unwrap();
    assert_eq!(next.release(Outcome::Ok).unwrap().held_ms, 5);
    let dropped = client.acquire(acquire()).unwrap();
    drop(client);
    // The last to go: all has been said when this returns.
    drop(dropped);
    heard.try_iter().collect()
}

fn check(said: &[Value]) {
    let ops: Vec<_> = said.iter().map(|request| request["op"].as_str().unwrap()).collect();
    assert_eq!(
        ops,
        ["hello", "ping", "acquire", "renew", "report_error", "report_error", "release", "acquire", "release"]
    );
    assert_eq!(said[6]["lease"], "beef");
    assert_eq!(said[8], json!({"op": "release", "lease": "9f0c", "outcome": "unknown"}));
}

#[test]
fn everything_is_said_when_the_last_lease_is_gone() {
    let (_folder, options, heard) = daemon();
    check(&session(options, &heard));
}

#[tokio::test]
async fn it_may_be_used_inside_of_a_runtime() {
    let (_folder, options, heard) = daemon();
    // Often enough to use up the budget of the task that this is.
    for _ in 0..100 {
        check(&session(options.clone(), &heard));
    }
}

#[test]
fn a_detached_lease_is_given_back_before_its_thread_ends() {
    let (_folder, options, heard) = daemon();
    let client = Client::connect(options).unwrap();
    let lease = client.acquire(acquire().detach()).unwrap();
    drop(client);
    drop(lease);
    assert_eq!(heard.try_iter().last().unwrap()["op"], "release");
}

#[test]
fn threads_share_a_client() {
    let (_folder, options, heard) = daemon();
    let client = Client::connect(options).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    client.acquire(acquire()).unwrap().release(Outcome::Ok).unwrap();
                }
            });
        }
    });
    drop(client);
    assert_eq!(heard.try_iter().filter(|request| request["op"] == "release").count(), 400);
}

#[test]
fn a_lost_connection_is_told_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("s")).unwrap();
    let server = thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            serve(stream, |request| request["op"] != "status");
        }
    });
    let client = Client::connect(ConnectOptions::at(folder.path().join("s"))).unwrap();
    let lease = client.acquire(acquire()).unwrap();
    // The status is asked for again, and the second connection ends as the first did.
    assert!(matches!(client.status(StatusRequest::new()), Err(Error::Disconnected)));
    assert_eq!(lease.lost(), Loss::Connection);
    drop((lease, client));
    server.join().unwrap();
}

#[test]
fn nobody_there_is_an_error_and_no_thread_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let options = ConnectOptions::at(folder.path().join("s"));
    assert!(matches!(Client::connect(options), Err(Error::Unreachable(tried)) if tried.len() == 1));
}

#[test]
fn clients_and_leases_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Client>();
    check::<Lease>();
    check::<crate::Client>();
    check::<crate::Lease>();
}
