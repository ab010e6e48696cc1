//! The bare echo: as little as a server can do and still answer.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

/// The argument that makes this program the echo.
pub(crate) const MODE: &str = "echo";

/// Answers every first line with one text and every second line with another, on each connection, for ever.
pub(crate) fn serve(socket: &str, acquired: &str, released: &str) -> io::Result<()> {
    let replies: Arc<[String; 2]> = Arc::new([format!("{acquired}\n"), format!("{released}\n")]);
    for stream in UnixListener::bind(socket)?.incoming() {
        let (stream, replies) = (stream?, Arc::clone(&replies));
        std::thread::spawn(move || answer(stream, &replies));
    }
    Ok(())
}

fn answer(mut stream: UnixStream, replies: &[String; 2]) -> io::Result<()> {
    let mut buffer = [0; 4096];
    for reply in replies.iter().cycle() {
        // The client waits for each reply, so each read is one line.
        if stream.read(&mut buffer)? == 0 {
            break;
        }
        stream.write_all(reply.as_bytes())?;
    }
    Ok(())
}
