//! One connection: bytes to lines, replies to bytes, and the few reasons to close.
//!
//! The loop here knows no operation. It reads only while everything that it owes is sent, so a client that does not read
//! its replies costs itself only; and it never stops reading because somebody else is slow.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use credpool_proto::codec::{Frame, LineDecoder};
use credpool_proto::event::Lagged;
use credpool_proto::limits::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::codec::Decoder;

/// Bytes that one read takes at most.
const READ_BYTES: usize = 64 * 1024;

/// An input buffer larger than this is given back when it is empty: most connections idle most of the time.
const KEEP_BYTES: usize = 4 * 1024;

/// Bytes that were sent and are let go though others are not: a connection on which something always waits for the disk
/// would keep everything.
const SENT_BYTES: usize = 64 * 1024;

/// What an answer says that the disk does not keep, before the brace that ends it.
const NOT_DURABLE: &[u8] = b",\"durable\":false";

/// Replies on their way to one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    /// The replies that wait for the disk, in order; what follows one waits with it.
    held: VecDeque<Held>,
    /// Replies that are still to come: of requests that wait.
    owed: usize,
    /// Events that were not told since the client reads too slowly.
    missed: u64,
    /// Set when the daemon drains: what is owed is sent, then the connection ends.
    closing: bool,
    waker: Option<Waker>,
}

/// A reply that waits until a batch of changes is on the disk.
#[derive(Clone, Copy, Debug)]
struct Held {
    from: usize,
    to: usize,
    batch: u64,
}

impl Outbox {
    /// Where the next reply is appended. Whoever writes from outside the connection's own turn calls [`wake`](Self::wake).
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Bytes that are not sent yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Bytes that are not sent and may be.
    #[must_use]
    pub fn sendable(&self) -> usize {
        self.held.front().map_or(self.bytes.len(), |held| held.from) - self.sent
    }

    /// Holds back the reply that was written last, which is `bytes` long, until [`let_go`](Self::let_go) of `batch`. What is
    /// written after it waits too: replies keep their order.
    pub fn hold(&mut self, bytes: usize, batch: u64) {
        let to = self.bytes.len();
        self.held.push_back(Held { from: to - bytes, to, batch });
    }

    /// Lets go what waited for the batches up to `batch`; whether anything is still held. Replies that are let go though
    /// the disk does not keep what they say, say so.
    pub fn let_go(&mut self, batch: u64, durable: bool) -> bool {
        let mut grown = 0;
        while let Some(held) = self.held.pop_front_if(|held| held.batch <= batch) {
            if !durable {
                let brace = held.to + grown - "}\n".len();
                self.bytes.splice(brace..brace, NOT_DURABLE.iter().copied());
                grown += NOT_DURABLE.len();
            }
        }
        for held in &mut self.held {
            held.from += grown;
            held.to += grown;
        }
        self.wake();
        !self.held.is_empty()
    }

    /// Appends the line of an event, to be held back for `batch` if there is one. If more than `most` bytes are unsent then,
    /// it is missed, as is every other until all is sent: then the client is told how many there were.
    pub fn event(&mut self, line: &[u8], most: usize, batch: Option<u64>) {
        if self.missed > 0 || self.unsent() + line.len() > most {
            self.missed += 1;
        } else {
            self.bytes.extend_from_slice(line);
            if let Some(batch) = batch {
                self.hold(line.len(), batch);
            }
        }
        self.tell_missed();
        self.wake();
    }

    /// Once there is nothing else to send.
    fn tell_missed(&mut self) {
        if self.missed > 0 && self.unsent() == 0 {
            Lagged { missed: std::mem::take(&mut self.missed) }.write(&mut self.bytes);
        }
    }

    /// Keeps the connection open for a reply that is still to come, even if the client will send no more.
    pub fn owe(&mut self) {
        self.owed += 1;
    }

    /// A reply that was to come has been written.
    pub fn settle(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    /// Lets the connection send what was written.
    pub fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Lets the connection end once everything is sent.
    pub fn close(&mut self) {
        self.closing = true;
        self.wake();
    }

    fn took(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.bytes.len() {
            // Replies hold secrets: they do not stay in memory that waits for the next ones.
            self.bytes.fill(0);
            self.bytes.clear();
            self.sent = 0;
            self.bytes.shrink_to(KEEP_BYTES);
            self.tell_missed();
        } else if self.sent >= SENT_BYTES {
            self.bytes[..self.sent].fill(0);
            self.bytes.drain(..self.sent);
            for held in &mut self.held {
                held.from -= self.sent;
                held.to -= self.sent;
            }
            self.sent = 0;
        }
    }
}

/// What answers requests.
pub trait Service {
    /// Called once before each batch of lines.
    fn begin(&self);
    /// Answers one line, by appending to the outbox of this connection or of others.
    fn line(&self, line: &[u8]);
    /// Answers a line that was longer than the limit.
    fn too_long(&self);
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client was done, and has been told everything.
    Done,
    /// The client is gone.
    Gone,
    /// A line stayed unfinished for too long.
    PartialLine,
    /// Replies stayed unread for too long.
    Unread,
    /// The daemon is going.
    Drained,
}

/// Serves a connection until it ends. Dropping the future closes the connection; nothing that a client was told is lost.
///
/// `hang_up` tells of a client that is gone altogether, and is asked only where reading does not tell: of one that sends
/// no more, but is owed an answer.
pub async fn serve<S>(
    stream: S,
    hang_up: impl Future<Output = ()>,
    service: &impl Service,
    outbox: &Rc<RefCell<Outbox>>,
    limits: &Limits,
) -> End
where
    S: AsyncRead + AsyncWrite,
{
    let mut stream = pin!(stream);
    let mut hang_up = pin!(hang_up);
    let mut input =
        Input { buffer: BytesMut::new(), decoder: LineDecoder::new(limits.request_line_bytes), ended: false };
    let mut partial = Deadline::default();
    let mut unread = Deadline::default();
    loop {
        // In its own turn it needs no waking.
        outbox.borrow_mut().waker = None;
        let answered = input.answer(service, outbox, limits.unsent_output_bytes);
        let unsent = outbox.borrow().unsent();
        if unsent == 0 && outbox.borrow().closing {
            return End::Drained;
        }
        let owed = outbox.borrow().owed;
        if input.ended && unsent == 0 && answered.all && owed == 0 {
            return End::Done;
        }
        partial.keep(answered.partial && !input.ended, answered.lines > 0, limits.partial_line_ms);
        unread.keep(outbox.borrow().sendable() >= limits.unsent_output_bytes, false, limits.unread_output_ms);
        let step = poll_fn(|cx| {
            if partial.poll(cx).is_ready() {
                return Poll::Ready(Ok(Step::End(End::PartialLine)));
            }
            if unread.poll(cx).is_ready() {
                return Poll::Ready(Ok(Step::End(End::Unread)));
            }
            let mut outbox = outbox.borrow_mut();
            if outbox.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                outbox.waker = Some(cx.waker().clone());
            }
            if outbox.sendable() > 0 {
                return poll_send(stream.as_mut(), &mut outbox, cx);
            }
            let owes = outbox.unsent() > 0;
            if outbox.closing && !owes {
                return Poll::Ready(Ok(Step::Moved));
            }
            drop(outbox);
            if !input.ended {
                // While replies wait for the disk it goes on, as far as there is room for more of them.
                return if answered.all { input.poll_read(stream.as_mut(), cx) } else { Poll::Pending };
            }
            hang_up.as_mut().poll(cx).map(|()| Ok(Step::End(End::Gone)))
        });
        match step.await {
            Ok(Step::Moved) => {}
            Ok(Step::End(end)) => return end,
            Err(_) => return End::Gone,
        }
    }
}

enum Step {
    Moved,
    End(End),
}

fn poll_send<S: AsyncWrite>(stream: Pin<&mut S>, outbox: &mut Outbox, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
    let end = outbox.sent + outbox.sendable();
    match stream.poll_write(cx, &outbox.bytes[outbox.sent..end]) {
        Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        Poll::Ready(Ok(count)) => {
            outbox.took(count);
            Poll::Ready(Ok(Step::Moved))
        }
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}

struct Input {
    buffer: BytesMut,
    decoder: LineDecoder,
    /// The client will send no more.
    ended: bool,
}

struct Answered {
    /// Lines that were finished.
    lines: usize,
    /// Whether every finished line was answered.
    all: bool,
    /// Whether an unfinished line is left.
    partial: bool,
}

impl Input {
    /// Answers finished lines, as long as less than `most` bytes of replies are unsent.
    fn answer(&mut self, service: &impl Service, outbox: &RefCell<Outbox>, most: usize) -> Answered {
        let mut lines = 0;
        service.begin();
        while outbox.borrow().unsent() < most {
            match self.decoder.decode(&mut self.buffer) {
                Ok(Some(Frame::Line(line))) => service.line(&line),
                Ok(Some(Frame::TooLong)) => service.too_long(),
                Ok(None) | Err(_) => {
                    if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BYTES {
                        self.buffer = BytesMut::new();
                    }
                    return Answered { lines, all: true, partial: self.decoder.has_partial() };
                }
            }
            lines += 1;
        }
        Answered { lines, all: false, partial: false }
    }

    fn poll_read<S: AsyncRead>(&mut self, stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        thread_local! {
            /// One for all connections of the loop: an idle connection holds no read buffer.
            static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut read = ReadBuf::new(scratch);
            match stream.poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) => {
                    self.ended = read.filled().is_empty();
                    self.buffer.extend_from_slice(read.filled());
                    Poll::Ready(Ok(Step::Moved))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    }
}

/// A deadline that is armed while a condition holds.
#[derive(Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Arms it when `holds` begins to hold, or begins anew; disarms it otherwise.
    fn keep(&mut self, holds: bool, anew: bool, ms: u64) {
        if !holds {
            self.0 = None;
        } else if anew || self.0.is_none() {
            self.0 = Some(Box::pin(sleep_until(Instant::now() + Duration::from_millis(ms))));
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests;
