//! One connection's side of a lease: what is sent, and what is read out of the replies.

use std::io;

/// The first request of a lease.
pub(crate) const ACQUIRE: &[u8] = b"{\"op\":\"acquire\",\"pool\":\"bench\",\"id\":1}\n";

const LEASE: &[u8] = b"\"lease\":\"";

/// The second request of a lease.
///
/// # Errors
/// The reply to the first one was a refusal.
pub(crate) fn release(request: &mut Vec<u8>, acquired: &[u8]) -> io::Result<()> {
    let start = find(acquired, LEASE).map(|at| at + LEASE.len());
    let lease = start.and_then(|start| acquired[start..].split(|byte| *byte == b'"').next());
    let lease = lease.ok_or_else(|| refused(acquired))?;
    request.clear();
    request.extend_from_slice(b"{\"op\":\"release\",\"lease\":\"");
    request.extend_from_slice(lease);
    request.extend_from_slice(b"\",\"id\":2}\n");
    Ok(())
}

/// Checks the last reply of a lease.
///
/// # Errors
/// It was a refusal.
pub(crate) fn check_released(reply: &[u8]) -> io::Result<()> {
    find(reply, b"\"ok\":true").map(|_| ()).ok_or_else(|| refused(reply))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn refused(reply: &[u8]) -> io::Error {
    io::Error::other(format!("not a lease: {}", String::from_utf8_lossy(reply)))
}
