//! From options to a daemon that may be trusted.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use credpool_proto::PROTOCOL_VERSION;
use credpool_proto::paths::{SocketEnv, socket_candidates};
use credpool_proto::reply::Hello;
use nix::unistd::geteuid;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::connection::Connection;
use crate::error::{Error, Tried, Why};
use crate::link::{Dial, Session};
use crate::options::ConnectOptions;
use crate::requests::Call;

/// Connects to the first candidate that will do, which is the one to be dialled from then on: another
/// daemon has other leases and other knowledge.
pub(crate) async fn discover(options: &ConnectOptions, tasks: &TaskTracker) -> Result<(Dialer, Session), Error> {
    let candidates = socket_candidates(&SocketEnv {
        credpool_socket: options.socket.as_deref(),
        xdg_runtime_dir: options.runtime_dir.as_deref(),
        uid: geteuid().as_raw(),
        home: options.home.as_deref(),
    });
    let mut tried = Vec::with_capacity(candidates.len());
    for socket in candidates {
        let dialer = Dialer { socket, options: options.clone(), tasks: tasks.clone() };
        match dialer.dial().await {
            Ok(session) => return Ok((dialer, session)),
            Err(why) => tried.push(Tried { socket: dialer.socket, why }),
        }
    }
    Err(Error::Unreachable(tried))
}

/// Connects to one socket.
pub(crate) struct Dialer {
    socket: PathBuf,
    options: ConnectOptions,
    tasks: TaskTracker,
}

impl Dial for Dialer {
    fn socket(&self) -> &Path {
        &self.socket
    }

    fn dial(&self) -> Pin<Box<dyn Future<Output = Result<Session, Why>> + Send + '_>> {
        Box::pin(async {
            let attempt = async { greet(self.open().await?, &self.options, &self.tasks).await };
            timeout(self.options.connect_timeout, attempt).await.unwrap_or(Err(Why::Silent))
        })
    }
}

impl Dialer {
    async fn open(&self) -> Result<UnixStream, Why> {
        let stream = UnixStream::connect(&self.socket).await.map_err(Why::Io)?;
        // Checked before the first byte is sent: a request tells something, too.
        self.options.server.check(stream.peer_cred().map_err(Why::Io)?.uid())?;
        Ok(stream)
    }
}

/// Says hello, and looks at what comes back.
pub(crate) async fn greet<S>(stream: S, options: &ConnectOptions, tasks: &TaskTracker) -> Result<Session, Why>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let connection = Connection::start(stream, tasks);
    let hello = say_hello(&connection, &options.client_name).await?;
    let profile = match &options.store {
        Some(store) => store.compare(&hello).await?,
        None => None,
    };
    connection.set_line_limit(hello.limits.request_line_bytes);
    Ok(Session { connection, hello: Arc::new(hello), profile })
}

async fn say_hello(connection: &Connection, client: &str) -> Result<Hello<'static>, Why> {
    let answer = connection.ask(&HelloRequest { client, protocol: [PROTOCOL_VERSION] }).await;
    answer.and_then(|answer| answer.read()).map_err(|error| match error {
        Error::Refused(error) => Why::Refused(error),
        Error::Disconnected | Error::NotSent => Why::Io(io::Error::from(io::ErrorKind::UnexpectedEof)),
        _ => Why::Stranger,
    })
}

#[derive(Clone, Serialize)]
struct HelloRequest<'a> {
    client: &'a str,
    protocol: [u64; 1],
}

impl Call for HelloRequest<'_> {
    const OP: &'static str = "hello";
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn what_is_opened_can_be_closed_halfway() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let dialer = Dialer { socket: socket.clone(), options: ConnectOptions::at(socket), tasks: TaskTracker::new() };
        let mut ours = dialer.open().await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        ours.write_all(b"last words").await.unwrap();
        ours.shutdown().await.unwrap();
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "last words");
        theirs.write_all(b"good-bye").await.unwrap();
        drop(theirs);
        let mut heard = String::new();
        ours.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "good-bye");
    }
}
