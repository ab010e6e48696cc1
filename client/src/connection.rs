//! One connection, shared by everybody who has something to ask.
//!
//! Requests go through an unbounded channel to a task that writes them; the same task reads answers
//! and hands each to whoever asked. Requests carry ids, so that answers may come in any order. The
//! channel is unbounded so that a lease can be given back where nothing can wait: in a destructor.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use credpool_proto::codec::{Frame, LineDecoder};
use credpool_proto::limits::Limits;
use credpool_proto::words::Outcome;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::codec::Decoder;

use crate::error::Error;
use crate::requests::{Call, ReleaseRequest, with_id};

mod answer;

pub(crate) use answer::{Answer, Held};

/// The first id. Far from the small numbers that people write, since whoever uses `call_raw` chooses
/// ids freely.
const FIRST_ID: u64 = 1 << 52;

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1_024 * 1_024;

/// How long a daemon may take to say its last words once there is nobody left to hear them.
const FAREWELL: Duration = Duration::from_secs(5);

/// A handle to the connection. It closes when the last handle is gone, after everything that was
/// asked has been sent.
#[derive(Clone)]
pub(crate) struct Connection {
    outgoing: UnboundedSender<Vec<u8>>,
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// Lets one raw request at a time be on its way.
    raw: Arc<Semaphore>,
    /// The longest request line that the daemon reads, in bytes.
    line_limit: AtomicUsize,
}

/// Who waits for which answer.
struct Waiting {
    next_id: u64,
    by_id: HashMap<u64, Waiter>,
    raw: Option<RawWaiter>,
    closed: bool,
}

enum Waiter {
    /// Nobody: the answer only has to be recognised.
    Nobody,
    /// Somebody who takes whatever comes.
    Answer(oneshot::Sender<Answer>),
    /// Somebody who takes a lease, which is given back if they are gone. The connection stays open
    /// for that as long as the answer is due.
    Lease(oneshot::Sender<Answer>, Connection),
}

struct RawWaiter {
    answer: oneshot::Sender<Answer>,
    _only: OwnedSemaphorePermit,
}

impl Connection {
    /// Serves `stream` on the current tokio runtime.
    pub(crate) fn start<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (outgoing, lines) = unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting { next_id: FIRST_ID, by_id: HashMap::new(), raw: None, closed: false }),
            raw: Arc::new(Semaphore::new(1)),
            line_limit: AtomicUsize::new(Limits::default().request_line_bytes),
        });
        tokio::spawn(serve(stream, lines, Arc::clone(&shared)));
        Self { outgoing, shared }
    }

    pub(crate) fn line_limit(&self) -> usize {
        self.shared.line_limit.load(Ordering::Relaxed)
    }

    pub(crate) fn set_line_limit(&self, bytes: usize) {
        self.shared.line_limit.store(bytes, Ordering::Relaxed);
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask<C: Call + ?Sized>(&self, call: &C) -> Result<Answer, Error> {
        let (answer, arrival) = oneshot::channel();
        self.send(call, Waiter::Answer(answer))?;
        arrival.await.map_err(|_| Error::Disconnected)
    }

    /// The same for a request whose answer may hold a lease. If the returned future is dropped, or
    /// the answer is, the lease is given back.
    pub(crate) async fn ask_for_lease<C: Call + ?Sized>(&self, call: &C) -> Result<Answer, Error> {
        let (answer, arrival) = oneshot::channel();
        self.send(call, Waiter::Lease(answer, self.clone()))?;
        arrival.await.map_err(|_| Error::Disconnected)
    }

    /// Gives a lease back without waiting for anything. Nothing happens on a connection that has
    /// ended: there is nothing to give back then, unless the lease is detached.
    pub(crate) fn give_back(&self, lease: &str) {
        let _ = self.send(&ReleaseRequest::new(lease, Outcome::Unknown), Waiter::Nobody);
    }

    /// Sends a line as it is and waits for its answer.
    ///
    /// It may have any id, or none, or be no request at all; so its answer is the one that belongs to
    /// nobody else, and the next raw line waits until it is there.
    pub(crate) async fn ask_raw(&self, line: &str) -> Result<Answer, Error> {
        let line = line.trim();
        if line.is_empty() || line.contains('\n') {
            return Err(Error::NotALine);
        }
        let only = Arc::clone(&self.shared.raw).acquire_owned().await.map_err(|_| Error::Disconnected)?;
        let (answer, arrival) = oneshot::channel();
        {
            let mut waiting = self.shared.waiting();
            if waiting.closed {
                return Err(Error::Disconnected);
            }
            waiting.raw = Some(RawWaiter { answer, _only: only });
        }
        self.outgoing.send(format!("{line}\n").into_bytes()).map_err(|_| Error::Disconnected)?;
        arrival.await.map_err(|_| Error::Disconnected)
    }

    fn send<C: Call + ?Sized>(&self, call: &C, waiter: Waiter) -> Result<(), Error> {
        let mut waiting = self.shared.waiting();
        if waiting.closed {
            return Err(Error::Disconnected);
        }
        let id = waiting.next_id;
        let line = with_id(call, id).map_err(Error::Unwritable)?;
        let (bytes, limit) = (line.len() - 1, self.line_limit());
        if bytes > limit {
            return Err(Error::TooLong { bytes, limit });
        }
        waiting.next_id += 1;
        waiting.by_id.insert(id, waiter);
        // Still under the lock, so that lines go out in the order of their ids.
        self.outgoing.send(line).map_err(|_| Error::Disconnected)
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done under the lock leaves the table half-changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to whoever waits for it.
    fn arrived(&self, line: BytesMut) -> io::Result<()> {
        let mut answer = Answer::new(line);
        let id = answer.id()?;
        let waiter = {
            let mut waiting = self.waiting();
            match id.and_then(|id| waiting.by_id.remove(&id)) {
                Some(waiter) => waiter,
                None => waiting.raw.take().map_or(Waiter::Nobody, |raw| Waiter::Answer(raw.answer)),
            }
        };
        // Whoever gave up waiting drops the answer, and with it the lease.
        match waiter {
            Waiter::Nobody => {}
            Waiter::Answer(waiter) => drop(waiter.send(answer)),
            Waiter::Lease(waiter, connection) => {
                answer.hold_lease(connection);
                drop(waiter.send(answer));
            }
        }
        Ok(())
    }

    /// Tells everybody that there will be no answers any more.
    fn close(&self) {
        let (by_id, raw) = {
            let mut waiting = self.waiting();
            waiting.closed = true;
            (std::mem::take(&mut waiting.by_id), waiting.raw.take())
        };
        // Outside the lock: what is dropped here may want to send.
        drop((by_id, raw));
    }
}

async fn serve<S>(stream: S, lines: UnboundedReceiver<Vec<u8>>, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite,
{
    let (reader, writer) = tokio::io::split(stream);
    {
        let read = read(reader, &shared);
        tokio::pin!(read);
        tokio::select! {
            _ = &mut read => {}
            // Everybody has let go. What the daemon still owes is read, so that it does not find the
            // connection broken before it has taken in what was sent last.
            _ = write(writer, lines) => drop(tokio::time::timeout(FAREWELL, read).await),
        }
    }
    shared.close();
}

/// Reads answers until the daemon ends the connection, or says something that isn't one.
async fn read<S: AsyncRead>(mut reader: ReadHalf<S>, shared: &Shared) -> io::Result<()> {
    let mut decoder = LineDecoder::new(MAX_ANSWER_BYTES);
    let mut buffer = BytesMut::with_capacity(4 * 1_024);
    while reader.read_buf(&mut buffer).await? > 0 {
        while let Some(frame) = decoder.decode(&mut buffer)? {
            match frame {
                Frame::Line(line) => shared.arrived(line)?,
                Frame::TooLong => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
    Ok(())
}

/// Writes requests until nobody is left who could make one, then half-closes.
async fn write<S: AsyncWrite>(mut writer: WriteHalf<S>, mut lines: UnboundedReceiver<Vec<u8>>) -> io::Result<()> {
    const AT_ONCE: usize = 64;
    let mut batch = Vec::with_capacity(AT_ONCE);
    while lines.recv_many(&mut batch, AT_ONCE).await > 0 {
        writer.write_all(&batch.concat()).await?;
        batch.clear();
    }
    writer.shutdown().await
}
