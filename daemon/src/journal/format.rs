//! The bytes of the journal's files: JSON that a person can read, each document with a checksum as its last field.
//!
//! A snapshot is one document, with a row of a table on each line. A log is a document on each line: what it is, and then
//! one for each batch of changes, numbered from 1. Whoever changes what the fields mean raises [`VERSION`], and goes on
//! reading what was written before.

use std::borrow::Cow;
use std::io;

use credpool_core::{Delta, Records};
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

/// The version that is written.
pub(super) const VERSION: u64 = 1;

const SNAPSHOT: &str = "credpool snapshot";
const LOG: &str = "credpool log";

/// Before the checksum's eight digits, and after them.
const SEAL: (&str, &str) = (",\"crc32\":\"", "\"}");

/// Which clock the records' boot times are of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timeline {
    /// The kernel's name for the boot that its boot clock runs since; empty if it has none.
    pub(crate) boot_id: String,
    /// How far the records' clock is ahead of that, in milliseconds.
    pub(crate) ahead_ms: u64,
}

/// Why a file, or the rest of one, is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsound {
    #[error("is not what was written: its checksum differs")]
    Checksum,
    #[error("is of version {0} of the format, which a newer daemon has written")]
    Version(u64),
    #[error("is not understood: {0}")]
    Content(String),
}

/// What a document says of itself; the rest is another's business.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

/// A snapshot.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Snapshot<R> {
    format: Cow<'static, str>,
    version: u64,
    /// Which of its successors it is; the log that continues it has the same number.
    pub(super) generation: u64,
    /// What the records' boot times are told by.
    pub(super) timeline: Timeline,
    /// Everything.
    pub(super) records: R,
}

#[derive(Serialize, Deserialize)]
struct LogHead<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
    generation: u64,
}

/// A batch of changes. The field names stand in `batch`, too.
#[derive(Deserialize)]
struct Batch {
    n: u64,
    delta: Delta,
}

/// The bytes of a snapshot.
///
/// # Errors
/// The records cannot be serialised, which they always can.
pub(super) fn snapshot(generation: u64, timeline: &Timeline, records: &Records) -> io::Result<Vec<u8>> {
    let document =
        Snapshot { format: SNAPSHOT.into(), version: VERSION, generation, timeline: timeline.clone(), records };
    let mut bytes = Vec::new();
    document.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Rows::default()))?;
    Ok(seal(bytes))
}

/// Reads a snapshot.
pub(super) fn read_snapshot(bytes: &[u8]) -> Result<Snapshot<Records>, Unsound> {
    let document = unseal(bytes.strip_suffix(b"\n").unwrap_or(bytes))?;
    expect(&document, SNAPSHOT)?;
    serde_json::from_slice(&document).map_err(|error| Unsound::Content(error.to_string()))
}

/// The first line of a log.
pub(super) fn log_head(generation: u64) -> io::Result<Vec<u8>> {
    let head = LogHead { format: LOG.into(), version: VERSION, generation };
    Ok(seal(serde_json::to_vec(&head)?))
}

/// A batch for a log, but for its number.
pub(super) fn delta(delta: &Delta) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(delta)?)
}

/// A line of a log: its batch number `n`.
pub(super) fn batch(n: u64, delta: &[u8]) -> Vec<u8> {
    let mut line = format!("{{\"n\":{n},\"delta\":").into_bytes();
    line.extend_from_slice(delta);
    line.push(b'}');
    seal(line)
}

/// Brings `records` to where the log of `generation` leaves them, as far as it is sound: to the end of the last batch
/// before whatever is not.
pub(super) fn replay(bytes: &[u8], generation: u64, records: &mut Records) -> Result<(), Unsound> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    // A file that was created and never written says nothing, and nothing wrong.
    let Some(head) = lines.next() else { return Ok(()) };
    let head = unseal_line(head)?;
    expect(&head, LOG)?;
    let head: LogHead<'_> = serde_json::from_slice(&head).map_err(|error| Unsound::Content(error.to_string()))?;
    if head.generation != generation {
        return Err(Unsound::Content(format!("it continues snapshot {}, and not {generation}", head.generation)));
    }
    for (n, line) in (1..).zip(lines) {
        let batch: Batch = serde_json::from_slice(&unseal_line(line)?)
            .map_err(|error| Unsound::Content(format!("batch {n}: {error}")))?;
        if batch.n != n {
            return Err(Unsound::Content(format!("batch {} stands where {n} should", batch.n)));
        }
        records.fold_all(batch.delta);
    }
    Ok(())
}

/// Ends a document, `{…}`, with its checksum and a line feed.
fn seal(mut document: Vec<u8>) -> Vec<u8> {
    document.pop();
    let checksum = crc32fast::hash(&document);
    document.extend_from_slice(format!("{}{checksum:08x}{}\n", SEAL.0, SEAL.1).as_bytes());
    document
}

fn unseal_line(line: &[u8]) -> Result<Vec<u8>, Unsound> {
    unseal(line.strip_suffix(b"\n").ok_or(Unsound::Checksum)?)
}

/// A document without its checksum, if that is right.
fn unseal(sealed: &[u8]) -> Result<Vec<u8>, Unsound> {
    let unsealed = || {
        let (document, checksum) = sealed.strip_suffix(SEAL.1.as_bytes())?.split_last_chunk::<8>()?;
        let document = document.strip_suffix(SEAL.0.as_bytes())?;
        let right = format!("{:08x}", crc32fast::hash(document)).as_bytes() == checksum;
        right.then_some(document)
    };
    let mut document = unsealed().ok_or(Unsound::Checksum)?.to_vec();
    document.push(b'}');
    Ok(document)
}

fn expect(document: &[u8], format: &str) -> Result<(), Unsound> {
    let kind: Kind<'_> = serde_json::from_slice(document).map_err(|error| Unsound::Content(error.to_string()))?;
    if kind.format != format {
        return Err(Unsound::Content(format!("it says that it is a {:?}", kind.format)));
    }
    if kind.version > VERSION {
        return Err(Unsound::Version(kind.version));
    }
    Ok(())
}

/// Puts the fields of a snapshot, the names of its tables and each of their rows on lines of their own.
#[derive(Default)]
struct Rows {
    depth: usize,
}

impl Formatter for Rows {
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b"," })?;
        writer.write_all(if self.depth <= 2 { b"\n" } else { b"" })
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b"," })?;
        writer.write_all(if self.depth == 3 { b"\n" } else { b"" })
    }
}
