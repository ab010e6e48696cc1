//! Prints what clients and the daemon say to each other, as `socat -v` does for any two programs.
//!
//! ```sh
//! cargo run --example dump -- /tmp/credpool-try/dump.sock
//! ```
//!
//! listens there, passes on what it hears to the daemon that `CREDPOOL_SOCKET` or the usual places lead to, and
//! back, and prints each line: the connection's number, `>` for a request and `<` for an answer. Whatever is to
//! be watched is started with `CREDPOOL_SOCKET=/tmp/credpool-try/dump.sock`.
//!
//! Of a lease's id only the beginning is shown, and of a secret nothing, unless `--show-secrets` comes first.
//! What a provider answered, as it stands in reports, is shown as it is.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use bytes::BytesMut;
use credpool_client::proto::codec::{Frame, LineDecoder};
use credpool_client::{Client, ConnectOptions};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::Decoder;

/// Longer lines are passed on, but not printed.
const LONGEST_LINE: usize = 16 * 1_024 * 1_024;

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "dump: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let mut arguments: Vec<_> = env::args_os().skip(1).collect();
    let show_secrets = arguments.first().is_some_and(|first| first == "--show-secrets");
    if show_secrets {
        arguments.remove(0);
    }
    let [socket] = arguments.try_into().map_err(|_| "usage: dump [--show-secrets] SOCKET")?;
    let socket = PathBuf::from(socket);

    // The library finds the daemon, and makes sure that it may be trusted.
    let daemon = Client::connect(ConnectOptions::from_env()).await?.socket().to_owned();
    // Whoever connects acts as our user, so nobody else may.
    umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
    writeln!(io::stderr(), "watching {}: set CREDPOOL_SOCKET={}", daemon.display(), socket.display())?;
    let watched = tokio::select! {
        watched = watch(listener, daemon, show_secrets) => watched,
        interrupted = tokio::signal::ctrl_c() => interrupted,
    };
    fs::remove_file(&socket)?;
    Ok(watched?)
}

async fn watch(listener: UnixListener, daemon: PathBuf, show_secrets: bool) -> io::Result<()> {
    for number in 1_u64.. {
        let (client, _) = listener.accept().await?;
        if client.peer_cred()?.uid() != geteuid().as_raw() {
            continue;
        }
        let daemon = daemon.clone();
        tokio::spawn(async move {
            let end = pass_on(client, &daemon, number, show_secrets).await;
            let end = end.map_or_else(|error| error.to_string(), |()| "closed".to_owned());
            print(&format!("{number} - {end}"))
        });
    }
    Ok(())
}

/// Passes on what both sides say until both are done, or one is gone.
async fn pass_on(client: UnixStream, daemon: &Path, number: u64, show_secrets: bool) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_daemon, to_daemon) = UnixStream::connect(daemon).await?.into_split();
    let requests = one_way(from_client, to_daemon, format!("{number} > "), show_secrets);
    let answers = one_way(from_daemon, to_client, format!("{number} < "), show_secrets);
    tokio::try_join!(requests, answers).map(|((), ())| ())
}

async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    prefix: String,
    show_secrets: bool,
) -> io::Result<()> {
    let mut decoder = LineDecoder::new(LONGEST_LINE);
    let mut lines = BytesMut::new();
    let mut chunk = vec![0; 64 * 1_024];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            // The other side is told; what it still has to say comes through.
            return to.shutdown().await;
        }
        // Printed before it is passed on, so that no answer is printed before its request.
        lines.extend_from_slice(&chunk[..length]);
        while let Some(frame) = decoder.decode(&mut lines)? {
            let shown = match frame {
                Frame::Line(line) if show_secrets => String::from_utf8_lossy(&line).into_owned(),
                Frame::Line(line) => masked(&line),
                Frame::TooLong => "(a line that is too long)".to_owned(),
            };
            print(&format!("{prefix}{shown}"))?;
        }
        to.write_all(&chunk[..length]).await?;
    }
}

fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// The line without secrets. Everything else is left as it was written.
fn masked(line: &[u8]) -> String {
    let json =
        std::str::from_utf8(line).ok().filter(|line| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok());
    let Some(mut rest) = json else {
        return format!("({} bytes that are no JSON)", line.len());
    };
    let mut shown = String::with_capacity(rest.len());
    let mut last = "";
    while let Some(quote) = rest.find('"') {
        let (before, from_here) = rest.split_at(quote);
        let (text, after) = from_here.split_at(length_of_string(from_here));
        shown.push_str(before);
        // What stands behind a colon belongs to the name before it.
        let name = if before.trim() == ":" { serde_json::from_str(last).unwrap_or_default() } else { String::new() };
        match name.as_str() {
            "secret" => shown.push_str("\"…\""),
            "lease" => shown.extend(text.chars().take(5).chain(['…', '"'])),
            _ => shown.push_str(text),
        }
        (last, rest) = (text, after);
    }
    shown + rest
}

/// How many bytes the string takes at the beginning of some valid JSON, with its quotes.
fn length_of_string(json: &str) -> usize {
    let mut escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}
