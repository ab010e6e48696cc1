//! A client that knows the bytes of the protocol and nothing else.

use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use super::canary;
use super::eventually::PATIENCE;

/// One connection to a daemon. Every reply that it reads is searched for secrets.
pub(crate) struct Wire {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Wire {
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the daemon reads");
    }

    /// Sends a request and its newline.
    #[track_caller]
    pub(crate) fn send(&mut self, request: &Value) {
        self.send_bytes(format!("{request}\n").as_bytes());
    }

    /// As much as the connection takes at once; `WouldBlock` where it takes nothing.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_nonblocking(true)?;
        let result = self.stream.write(bytes);
        self.stream.set_nonblocking(false)?;
        result
    }

    /// The next reply.
    #[track_caller]
    pub(crate) fn recv(&mut self) -> Value {
        match self.try_recv() {
            Ok(Some(reply)) => reply,
            Ok(None) => panic!("the daemon closed the connection instead of answering"),
            Err(error) => panic!("no reply within {PATIENCE:?}: {error}"),
        }
    }

    /// The next reply, or `None` where the daemon has closed the connection.
    pub(crate) fn try_recv(&mut self) -> io::Result<Option<Value>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        assert!(line.ends_with('\n'), "the connection ended within a reply: {line}");
        let reply: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
        assert!(reply.is_object(), "not an object: {line}");
        canary::check_reply(&line, &reply);
        Ok(Some(reply))
    }

    /// Sends a request and reads its reply.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.send(request);
        self.recv()
    }

    /// Sends a request, which has to succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, request: &Value) -> Value {
        let reply = self.ask(request);
        assert_eq!(reply["ok"], true, "{request} was refused: {reply:#}");
        reply
    }

    /// Sends a request, which has to be refused with `code`. Returns the error.
    #[track_caller]
    pub(crate) fn refused(&mut self, request: &Value, code: &str) -> Value {
        let reply = self.ask(request);
        refusal(&reply, code, &request.to_string())
    }

    /// As `refused`, for a line of any bytes; the newline is added.
    #[track_caller]
    pub(crate) fn line_refused(&mut self, line: &[u8], code: &str) -> Value {
        self.send_bytes(line);
        self.send_bytes(b"\n");
        let reply = self.recv();
        refusal(&reply, code, &String::from_utf8_lossy(&line[..line.len().min(200)]))
    }

    /// Whether nothing has come that was not received.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("the connection is there");
        let there = self.reader.fill_buf().map(<[u8]>::len);
        self.stream.set_nonblocking(false).expect("the connection is there");
        there.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Ends this side of the connection.
    pub(crate) fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is there");
    }

    /// Waits until the daemon closes the connection, which it has to do without another word.
    #[track_caller]
    pub(crate) fn closed(&mut self) {
        match self.try_recv() {
            Ok(None) => {}
            Ok(Some(reply)) => panic!("a reply where the connection should end: {reply:#}"),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection is still open after {PATIENCE:?}: {error}"),
        }
    }
}

#[track_caller]
fn refusal(reply: &Value, code: &str, request: &str) -> Value {
    assert_eq!(reply["ok"], false, "{request} was not refused: {reply:#}");
    assert_eq!(reply["error"]["code"], code, "{request} was refused otherwise: {reply:#}");
    let message = reply["error"]["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{request} was refused without a sentence: {reply:#}");
    reply["error"].clone()
}
