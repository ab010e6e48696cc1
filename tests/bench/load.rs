//! The load: a process that takes and gives back leases as fast as it can, for a while.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::client::{ACQUIRE, check_released, release};
use crate::server;

/// The argument that makes this program the load.
pub(crate) const MODE: &str = "load";

const WARM_UP: Duration = Duration::from_millis(100);
const MEASURED: Duration = Duration::from_millis(500);

/// A connection, and where in its lease it is.
struct Connection {
    stream: UnixStream,
    request: Vec<u8>,
    reply: Vec<u8>,
    began: Instant,
    holds: bool,
}

impl Connection {
    fn open(socket: &str) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        let mut connection =
            Self { stream, request: Vec::new(), reply: Vec::new(), began: Instant::now(), holds: false };
        connection.acquire()?;
        Ok(connection)
    }

    fn acquire(&mut self) -> io::Result<()> {
        self.began = Instant::now();
        self.stream.write_all(ACQUIRE)
    }

    /// Reads what there is and goes on. Returns how long the lease took if that ended it.
    fn step(&mut self) -> io::Result<Option<Duration>> {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.reply.extend_from_slice(&buffer[..read]);
        if self.reply.last() != Some(&b'\n') {
            return Ok(None);
        }
        let took = if self.holds {
            check_released(&self.reply)?;
            let took = self.began.elapsed();
            self.acquire()?;
            Some(took)
        } else {
            release(&mut self.request, &self.reply)?;
            self.stream.write_all(&self.request)?;
            None
        };
        self.reply.clear();
        self.holds = !self.holds;
        Ok(took)
    }
}

/// Prints how many leases per second there were, and how many nanoseconds the median took.
pub(crate) fn run(socket: &str, connections: &str) -> io::Result<()> {
    server::pin_to_one_core(0)?;
    let count: usize = connections.parse().map_err(io::Error::other)?;
    let mut connections = (0..count).map(|_| Connection::open(socket)).collect::<io::Result<Vec<_>>>()?;
    let began = Instant::now() + WARM_UP;
    let mut took = Vec::new();
    let mut ready = vec![true; count];
    while began.elapsed() < MEASURED {
        for (connection, _) in connections.iter_mut().zip(&ready).filter(|(_, ready)| **ready) {
            let lease = connection.step()?;
            // `elapsed` is zero until the warm-up is over.
            took.extend(lease.filter(|_| !began.elapsed().is_zero()));
        }
        if count > 1 {
            wait(&connections, &mut ready)?;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    let median = took.get(took.len() / 2).ok_or_else(|| io::Error::other("no lease in all that time"))?;
    writeln!(io::stdout(), "{} {}", took.len() as f64 / seconds, median.as_nanos())
}

/// Waits until something can be read, and notes where.
fn wait(connections: &[Connection], ready: &mut [bool]) -> io::Result<()> {
    let mut polled: Vec<_> =
        connections.iter().map(|connection| PollFd::new(connection.stream.as_fd(), PollFlags::POLLIN)).collect();
    poll(&mut polled, PollTimeout::NONE)?;
    for (ready, polled) in ready.iter_mut().zip(&polled) {
        *ready = polled.any() == Some(true);
    }
    Ok(())
}
