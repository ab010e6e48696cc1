//! From options to a daemon that may be trusted.

use std::io;
use std::path::{Path, PathBuf};

use credpool_proto::PROTOCOL_VERSION;
use credpool_proto::paths::{SocketEnv, socket_candidates};
use credpool_proto::reply::Hello;
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::{GenericFilePath, ToFsName};
use nix::unistd::geteuid;
use serde::Serialize;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::error::{Error, Tried, Why};
use crate::options::ConnectOptions;
use crate::requests::Call;

/// A daemon that has said hello.
pub(crate) struct Found {
    pub(crate) socket: PathBuf,
    pub(crate) connection: Connection,
    pub(crate) hello: Hello<'static>,
}

/// Connects to the first candidate that will do.
pub(crate) async fn discover(options: &ConnectOptions) -> Result<Found, Error> {
    let candidates = socket_candidates(&SocketEnv {
        credpool_socket: options.socket.as_deref(),
        xdg_runtime_dir: options.runtime_dir.as_deref(),
        uid: geteuid().as_raw(),
        home: options.home.as_deref(),
    });
    let mut tried = Vec::with_capacity(candidates.len());
    for socket in candidates {
        let attempt = timeout(options.timeout, attempt(&socket, options)).await;
        match attempt.unwrap_or(Err(Why::Silent)) {
            Ok((connection, hello)) => return Ok(Found { socket, connection, hello }),
            Err(why) => tried.push(Tried { socket, why }),
        }
    }
    Err(Error::Unreachable(tried))
}

async fn attempt(socket: &Path, options: &ConnectOptions) -> Result<(Connection, Hello<'static>), Why> {
    let name = socket.to_fs_name::<GenericFilePath>().map_err(Why::Io)?;
    let stream = Stream::connect(name).await.map_err(Why::Io)?;
    let server = stream.peer_creds().map_err(Why::Io)?.euid();
    // Checked before the first byte is sent: a request tells something, too.
    if !is_trusted(server, geteuid().as_raw(), options.server_uid) {
        return Err(Why::Untrusted(server));
    }
    let connection = Connection::start(stream);
    let hello = say_hello(&connection, &options.client_name).await?;
    if let Some(home) = &options.hermes_home {
        check_store(hello.auth_file.as_deref().map(Path::new), &home.join("auth.json"))?;
    }
    connection.set_line_limit(hello.limits.request_line_bytes);
    Ok((connection, hello))
}

fn is_trusted(server: Option<u32>, own: u32, accepted: Option<u32>) -> bool {
    server.is_some_and(|uid| uid == own || uid == 0 || Some(uid) == accepted)
}

async fn say_hello(connection: &Connection, client: &str) -> Result<Hello<'static>, Why> {
    let answer = connection.ask(&HelloRequest { client, protocol: [PROTOCOL_VERSION] }).await;
    answer.and_then(|answer| answer.read()).map_err(|error| match error {
        Error::Refused(error) => Why::Refused(error),
        Error::Disconnected => Why::Io(io::Error::from(io::ErrorKind::UnexpectedEof)),
        _ => Why::Stranger,
    })
}

/// A daemon that serves no store of Hermes' at all is another matter than one that serves another.
fn check_store(serves: Option<&Path>, wanted: &Path) -> Result<(), Why> {
    let Some(serves) = serves else { return Ok(()) };
    // A store that isn't there yet, or isn't ours to look at, is compared by name.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if real(serves) == real(wanted) {
        return Ok(());
    }
    Err(Why::OtherStore { serves: serves.to_owned(), wanted: wanted.to_owned() })
}

#[derive(Serialize)]
struct HelloRequest<'a> {
    client: &'a str,
    protocol: [u64; 1],
}

impl Call for HelloRequest<'_> {
    const OP: &'static str = "hello";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_root_and_accepted_daemons_are_trusted_and_no_others() {
        assert!(is_trusted(Some(7), 7, None));
        assert!(is_trusted(Some(0), 7, None));
        assert!(is_trusted(Some(9), 7, Some(9)));
        assert!(!is_trusted(Some(9), 7, None));
        assert!(!is_trusted(Some(9), 7, Some(8)));
        assert!(!is_trusted(None, 7, Some(9)));
    }

    #[test]
    fn only_another_store_is_refused() {
        assert!(check_store(None, Path::new("/a/auth.json")).is_ok());
        assert!(check_store(Some(Path::new("/a/auth.json")), Path::new("/a/auth.json")).is_ok());
        assert!(check_store(Some(Path::new("/b/auth.json")), Path::new("/a/auth.json")).is_err());
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let detour = manifest.join("src/../Cargo.toml");
        assert!(check_store(Some(&detour), &manifest.join("Cargo.toml")).is_ok());
    }
}
