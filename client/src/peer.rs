//! The other end of a connection, for tests: what a daemon would say is up to the test.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::connection::Connection;
use crate::discover::greet;
use crate::error::Why;
use crate::link::{Dial, Link, Session};
use crate::options::ConnectOptions;

/// How long a daemon that has gone is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a request may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

/// A client and its peer.
pub(crate) fn connected() -> (Client, Peer) {
    let (client, peer, _) = connected_by(64 * 1_024);
    (client, peer)
}

/// A client, its peer, and where the client's further connections come from. The connection holds as many
/// bytes as `room`.
pub(crate) fn connected_by(room: usize) -> (Client, Peer, Exchange) {
    let (stream, peer) = Peer::new(room);
    let tasks = TaskTracker::new();
    let hello = serde_json::from_value(hello("first")).unwrap();
    let session = Session { connection: Connection::start(stream, &tasks), hello: Arc::new(hello), profile: None };
    let exchange = Exchange::default();
    let link = Link::new(Box::new(exchange.clone()), session, PATIENCE, tasks);
    (Client::new(link, TIMEOUT), peer, exchange)
}

/// Answers calls as it was told to; those that it was told nothing of, as a socket that is not there.
#[derive(Clone, Default)]
pub(crate) struct Exchange {
    next: Arc<Mutex<VecDeque<Result<DuplexStream, Why>>>>,
    calls: Arc<Mutex<usize>>,
}

impl Exchange {
    /// Lets a further call through, to the peer that is returned.
    pub(crate) fn accept(&self) -> Peer {
        let (stream, peer) = Peer::new(64 * 1_024);
        self.next.lock().unwrap().push_back(Ok(stream));
        peer
    }

    /// Refuses a further call.
    pub(crate) fn refuse(&self, why: Why) {
        self.next.lock().unwrap().push_back(Err(why));
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }
}

impl Dial for Exchange {
    fn socket(&self) -> &Path {
        Path::new("test.sock")
    }

    fn dial(&self) -> Pin<Box<dyn Future<Output = Result<Session, Why>> + Send + '_>> {
        *self.calls.lock().unwrap() += 1;
        let next = self.next.lock().unwrap().pop_front();
        Box::pin(async {
            let stream = next.unwrap_or_else(|| Err(Why::Io(io::ErrorKind::NotFound.into())))?;
            greet(stream, &ConnectOptions::at("test.sock"), &TaskTracker::new()).await
        })
    }
}

impl Peer {
    fn new(room: usize) -> (DuplexStream, Self) {
        let (ours, theirs) = tokio::io::duplex(room);
        let (reader, writer) = tokio::io::split(theirs);
        (ours, Self { lines: BufReader::new(reader).lines(), writer })
    }

    /// The next line, or `None` once the other end is closed.
    pub(crate) async fn heard(&mut self) -> Option<String> {
        self.lines.next_line().await.unwrap()
    }

    /// The next request; its id is taken out of it and returned.
    pub(crate) async fn request(&mut self) -> (Value, Value) {
        let line = self.heard().await.expect("a request");
        let mut request: Value = serde_json::from_str(&line).unwrap();
        let id = request.as_object_mut().unwrap().remove("id").unwrap_or_default();
        (request, id)
    }

    /// Answers the `hello` of a new connection, as this run of the daemon.
    pub(crate) async fn greet(&mut self, run: &str) {
        let (request, id) = self.request().await;
        assert_eq!(request["op"], "hello");
        self.answer(&id, hello(run)).await;
    }

    /// Waits until the other end has written all that the connection holds, and has more to write.
    ///
    /// In paused time, timers fire only when nothing else can be done.
    pub(crate) async fn is_jammed(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Answers the request `id` with these fields.
    pub(crate) async fn answer(&mut self, id: &Value, mut fields: Value) {
        fields["id"] = id.clone();
        fields["ok"] = json!(true);
        self.say(&fields.to_string()).await;
    }

    /// Refuses the request `id`.
    pub(crate) async fn refuse(&mut self, id: &Value, error: Value) {
        self.say(&json!({"id": id, "ok": false, "error": error}).to_string()).await;
    }
}

pub(crate) fn hello(run: &str) -> Value {
    json!({"protocol": 1, "server": "credpoold/0", "run": run, "pid": 1, "auth_file": null})
}

/// A lease as it stands in an answer.
pub(crate) fn lease(id: &str) -> Value {
    lease_for(id, Duration::from_secs(3_600))
}

/// The same, which ends after this long.
pub(crate) fn lease_for(id: &str, ttl: Duration) -> Value {
    json!({
        "lease": id, "pool": "openrouter", "expires_at_ms": ms_from_now(ttl), "probe": false,
        "chosen_by": "fill_first", "queued_ms": 0,
        "credential": {
            "id": "a1b2c3", "label": "work", "auth_type": "api_key", "secret": "sk-canary",
            "auth": {"header": "Authorization", "prefix": "Bearer "}, "secret_expires_at_ms": null,
            "base_url": null, "fingerprint": "sha256:053ad1494404cdc3", "epoch": "e1"
        }
    })
}

/// An instant by the wall clock, which runs on where timers are paused, but hardly so.
pub(crate) fn ms_from_now(duration: Duration) -> u64 {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + duration;
    u64::try_from(at.as_millis()).unwrap()
}

/// A report's answer.
pub(crate) fn verdict() -> Value {
    json!({
        "applied": true, "lease_ended": true,
        "verdict": {
            "kind": "rate_limit", "scope": "account", "model": null, "state": "cooling",
            "until_at_ms": 1_795_471_643_000_u64, "retry_after_ms": 43_000, "strikes": 1, "rule": "http.429",
            "evidence": null
        }
    })
}
