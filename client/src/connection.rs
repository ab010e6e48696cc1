//! One connection, shared by everybody who has something to ask.
//!
//! Requests go through an unbounded channel to a task that writes them; the same task reads answers
//! and hands each to whoever asked. Requests carry ids, so that answers may come in any order. The
//! channel is unbounded so that a lease can be given back where nothing can wait: in a destructor.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use credpool_proto::codec::{Frame, LineDecoder};
use credpool_proto::limits::Limits;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::codec::Decoder;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::held::Keeper;
use crate::requests::{Call, with_id};

mod answer;

pub(crate) use answer::Answer;

/// The first id. Far from the small numbers that people write, since whoever uses `call_raw` chooses
/// ids freely.
const FIRST_ID: u64 = 1 << 52;

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1_024 * 1_024;

/// How many events are read ahead of whoever listens.
const EVENTS: usize = 64;

/// How long a daemon may take to say its last words once there is nobody left to hear them.
pub(crate) const FAREWELL: Duration = Duration::from_secs(5);

/// A handle to the connection. It closes when the last handle is gone, after everything that was
/// asked has been sent.
#[derive(Clone)]
pub(crate) struct Connection {
    outgoing: UnboundedSender<Outgoing>,
    shared: Arc<Shared>,
}

/// A line on its way out. Lines leave in the order of their numbers.
struct Outgoing {
    number: u64,
    line: Vec<u8>,
}

/// Where an answer goes, or the reason why there is none: [`Error::NotSent`] or
/// [`Error::Disconnected`].
type Reply = oneshot::Sender<Result<Answer, Error>>;

struct Shared {
    waiting: Mutex<Waiting>,
    /// The number of the first line of which nothing has been written.
    unsent: AtomicU64,
    /// Lets one raw request at a time be on its way.
    raw: Arc<Semaphore>,
    /// The longest request line that the daemon reads, in bytes.
    line_limit: AtomicUsize,
    /// Where events go, if anybody wants to hear of them.
    events: Mutex<Option<Sender<String>>>,
    /// Set when it is over.
    closed: CancellationToken,
}

/// Who waits for which answer.
struct Waiting {
    /// The number of the next line, which is its id, too, unless it is raw.
    next: u64,
    by_id: HashMap<u64, Waiter>,
    raw: Option<RawWaiter>,
    closed: bool,
}

pub(crate) enum Waiter {
    /// Nobody: the answer only has to be recognised.
    Nobody,
    /// Somebody who takes whatever comes.
    Answer(Reply),
    /// Somebody who takes a lease, which is given back if they are gone. The connection stays open
    /// for that as long as the answer is due.
    Lease(Reply, Keeper),
}

struct RawWaiter {
    number: u64,
    reply: Reply,
    _only: OwnedSemaphorePermit,
}

impl Connection {
    /// Serves `stream` by one of `tasks`, on the current tokio runtime.
    pub(crate) fn start<S>(stream: S, tasks: &TaskTracker) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (outgoing, lines) = unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting { next: FIRST_ID, by_id: HashMap::new(), raw: None, closed: false }),
            unsent: AtomicU64::new(FIRST_ID),
            raw: Arc::new(Semaphore::new(1)),
            line_limit: AtomicUsize::new(Limits::default().request_line_bytes),
            events: Mutex::new(None),
            closed: CancellationToken::new(),
        });
        tasks.spawn(serve(stream, lines, Arc::clone(&shared)));
        Self { outgoing, shared }
    }

    pub(crate) fn set_line_limit(&self, bytes: usize) {
        self.shared.line_limit.store(bytes, Ordering::Relaxed);
    }

    /// The events that come from now on, each as its line. While nobody takes them, nothing else is read either: so the
    /// daemon sees that they are not heard, and says how many it left out.
    pub(crate) fn events(&self) -> Receiver<String> {
        let (sender, receiver) = channel(EVENTS);
        *self.shared.events.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Whether nothing can be sent any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.outgoing.is_closed()
    }

    /// Waits until nothing can be sent any more. Safe to drop.
    pub(crate) async fn ended(&self) {
        self.outgoing.closed().await;
    }

    /// What is set when no answer will come any more, for those who wait for that without keeping the connection open.
    pub(crate) fn closed(&self) -> CancellationToken {
        self.shared.closed.clone()
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask<C: Call>(&self, call: &C) -> Result<Answer, Error> {
        let (reply, arrival) = oneshot::channel();
        self.send(call, Waiter::Answer(reply))?;
        arrival.await.map_err(|_| Error::Disconnected)?
    }

    /// The same for a request whose answer may hold a lease. If the returned future is dropped, or
    /// the answer is, `keeper` gives the lease back.
    pub(crate) async fn ask_for_lease<C: Call>(&self, call: &C, keeper: Keeper) -> Result<Answer, Error> {
        let (reply, arrival) = oneshot::channel();
        self.send(call, Waiter::Lease(reply, keeper))?;
        arrival.await.map_err(|_| Error::Disconnected)?
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
        let only = Arc::clone(&self.shared.raw).acquire_owned().await.map_err(|_| Error::NotSent)?;
        let (reply, arrival) = oneshot::channel();
        {
            let mut waiting = self.shared.waiting();
            let number = waiting.next;
            self.post(&mut waiting, format!("{line}\n").into_bytes())?;
            waiting.raw = Some(RawWaiter { number, reply, _only: only });
        }
        arrival.await.map_err(|_| Error::Disconnected)?
    }

    /// Hands a request to the connection, without waiting for anything.
    ///
    /// # Errors
    ///
    /// [`Error::NotSent`], [`Error::TooLong`], [`Error::Unwritable`]. `waiter` is dropped then.
    pub(crate) fn send<C: Call>(&self, call: &C, waiter: Waiter) -> Result<(), Error> {
        let mut waiting = self.shared.waiting();
        let id = waiting.next;
        let line = with_id(call, id).map_err(Error::Unwritable)?;
        let (bytes, limit) = (line.len() - 1, self.shared.line_limit.load(Ordering::Relaxed));
        if bytes > limit {
            return Err(Error::TooLong { bytes, limit });
        }
        self.post(&mut waiting, line)?;
        waiting.by_id.insert(id, waiter);
        Ok(())
    }

    /// Under the lock, so that lines go out in the order of their numbers, and nobody begins to wait
    /// after everybody has been told that it is over.
    fn post(&self, waiting: &mut Waiting, line: Vec<u8>) -> Result<(), Error> {
        if waiting.closed {
            return Err(Error::NotSent);
        }
        self.outgoing.send(Outgoing { number: waiting.next, line }).map_err(|_| Error::NotSent)?;
        waiting.next += 1;
        Ok(())
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
                None => waiting.raw.take().map_or(Waiter::Nobody, |raw| Waiter::Answer(raw.reply)),
            }
        };
        // Whoever gave up waiting drops the answer, and with it the lease.
        match waiter {
            Waiter::Nobody => {}
            Waiter::Answer(reply) => drop(reply.send(Ok(answer))),
            Waiter::Lease(reply, keeper) => {
                answer.hold_lease(keeper);
                drop(reply.send(Ok(answer)));
            }
        }
        Ok(())
    }

    fn listener(&self) -> Option<Sender<String>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_listened_to(&self) -> bool {
        self.listener().is_some()
    }

    /// Hands an event to whoever listens.
    async fn happened(&self, line: &[u8]) {
        if let Some(listener) = self.listener() {
            // Whoever does not listen any more is about to close the connection.
            let _ = listener.send(String::from_utf8_lossy(line).into_owned()).await;
        }
    }

    /// Tells everybody that there will be no answers any more, and whether their requests were sent.
    fn close(&self) {
        let (by_id, raw) = {
            let mut waiting = self.waiting();
            waiting.closed = true;
            (std::mem::take(&mut waiting.by_id), waiting.raw.take())
        };
        // Nothing more will happen: whoever listens is told so.
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let unsent = self.unsent.load(Ordering::Relaxed);
        let fate = |number| if number < unsent { Error::Disconnected } else { Error::NotSent };
        // Outside the lock: what is dropped here may want to send.
        for (id, waiter) in by_id {
            match waiter {
                Waiter::Nobody => {}
                Waiter::Answer(reply) | Waiter::Lease(reply, _) => drop(reply.send(Err(fate(id)))),
            }
        }
        if let Some(raw) = raw {
            drop(raw.reply.send(Err(fate(raw.number))));
        }
        self.closed.cancel();
    }
}

async fn serve<S>(stream: S, lines: UnboundedReceiver<Outgoing>, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite,
{
    let (reader, writer) = tokio::io::split(stream);
    {
        let read = read(reader, &shared);
        tokio::pin!(read);
        tokio::select! {
            _ = &mut read => {}
            // Everybody has let go, or the daemon takes no more. What it still owes is read, so that it
            // does not find the connection broken before it has taken in what was sent last.
            _ = write(writer, lines, &shared) => drop(tokio::time::timeout(FAREWELL, read).await),
        }
    }
    shared.close();
}

/// Whether a line is an event. Answers have an id, be it `null`; events have none.
fn is_event(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Outline {
        #[serde(default, deserialize_with = "present")]
        id: bool,
        event: Option<IgnoredAny>,
    }
    fn present<'de, D: Deserializer<'de>>(id: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(id).map(|_| true)
    }
    serde_json::from_slice(line).is_ok_and(|outline: Outline| outline.event.is_some() && !outline.id)
}

/// Reads answers until the daemon ends the connection, or says something that isn't one.
async fn read<S: AsyncRead>(mut reader: ReadHalf<S>, shared: &Shared) -> io::Result<()> {
    let mut decoder = LineDecoder::new(MAX_ANSWER_BYTES);
    let mut buffer = BytesMut::with_capacity(4 * 1_024);
    while reader.read_buf(&mut buffer).await? > 0 {
        while let Some(frame) = decoder.decode(&mut buffer)? {
            match frame {
                Frame::Line(line) if shared.is_listened_to() && is_event(&line) => shared.happened(&line).await,
                Frame::Line(line) => shared.arrived(line)?,
                Frame::TooLong => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
    Ok(())
}

/// Writes requests until nobody is left who could make one, then half-closes.
async fn write<S: AsyncWrite>(
    mut writer: WriteHalf<S>,
    mut lines: UnboundedReceiver<Outgoing>,
    shared: &Shared,
) -> io::Result<()> {
    const AT_ONCE: usize = 64;
    let mut batch = Vec::with_capacity(AT_ONCE);
    while lines.recv_many(&mut batch, AT_ONCE).await > 0 {
        let mut bytes = Vec::new();
        let mut starts = Vec::with_capacity(batch.len());
        for Outgoing { number, line } in batch.drain(..) {
            starts.push((bytes.len(), number));
            bytes.extend_from_slice(&line);
        }
        let mut written = 0;
        while written < bytes.len() {
            let more = writer.write(&bytes[written..]).await?;
            if more == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            written += more;
            // No await stands between the write and this: whatever ends the connection finds it noted.
            if let Some((_, number)) = starts.iter().rfind(|(start, _)| *start < written) {
                shared.unsent.store(number + 1, Ordering::Relaxed);
            }
        }
    }
    writer.shutdown().await
}
