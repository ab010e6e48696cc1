//! The other end of a connection, for tests: what a daemon would say is up to the test.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

use crate::connection::Connection;

pub(crate) struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

impl Peer {
    /// A connection and its other end.
    pub(crate) fn connected() -> (Connection, Self) {
        let (ours, theirs) = tokio::io::duplex(64 * 1_024);
        let (reader, writer) = tokio::io::split(theirs);
        (Connection::start(ours), Self { lines: BufReader::new(reader).lines(), writer })
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

/// A lease as it stands in an answer.
pub(crate) fn lease(id: &str) -> Value {
    json!({
        "lease": id, "pool": "openrouter", "expires_at_ms": 1_795_471_600_000_u64, "probe": false,
        "chosen_by": "fill_first", "queued_ms": 0,
        "credential": {
            "id": "a1b2c3", "label": "work", "auth_type": "api_key", "secret": "sk-canary",
            "auth": {"header": "Authorization", "prefix": "Bearer "}, "secret_expires_at_ms": null,
            "base_url": null, "fingerprint": "sha256:053ad1494404cdc3", "epoch": "e1"
        }
    })
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
