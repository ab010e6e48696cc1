//! Cuts a byte stream into lines.
//!
//! The decoder differs from the usual ones in what a hostile or broken peer can make it do: a line
//! that is too long is an item of the stream, not its end; an unterminated last line is nothing at
//! all; and however small the pieces a line arrives in, each byte is looked at once.

use std::io;

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

/// What the stream holds, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A line that is not blank, without its `\n` or `\r\n`.
    Line(BytesMut),
    /// A line over the limit. It was, or is still being, skipped.
    TooLong,
}

/// Decodes newline-terminated lines of bounded length.
///
/// - A line may have `limit` bytes, not counting its `\n` or `\r\n`. Of a longer one there is one
///   [`Frame::TooLong`], as soon as it is known to be longer; its rest is dropped as it comes in,
///   and the next line is read as usual. The buffer never needs to hold more than `limit + 2`
///   bytes for a line.
/// - Blank lines (nothing but spaces, tabs and carriage returns) are skipped.
/// - Bytes after the last newline are not a line, at the end of the stream neither.
///
/// The decoder remembers how far it has searched the buffer that it was given, so it must be given
/// the same buffer each time, with bytes only added at its end in between.
#[derive(Debug)]
pub struct LineDecoder {
    limit: usize,
    /// How many bytes at the front of the buffer are known to hold no newline.
    searched: usize,
    /// Whether these bytes belong to a line that has been given up.
    skipping: bool,
    #[cfg(test)]
    bytes_searched: usize,
}

impl LineDecoder {
    /// A decoder for lines of at most `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            searched: 0,
            skipping: false,
            #[cfg(test)]
            bytes_searched: 0,
        }
    }

    /// Whether a line has begun and not ended. Meaningful after `decode` has returned `None`.
    ///
    /// A line that is being skipped counts: a peer that never ends it is as stuck as any other.
    #[must_use]
    pub const fn has_partial(&self) -> bool {
        self.skipping || self.searched > 0
    }

    /// The position of the first newline, looking only at bytes that have not been looked at.
    fn find_newline(&mut self, src: &BytesMut) -> Option<usize> {
        let fresh = src.get(self.searched..).unwrap_or_default();
        let found = memchr::memchr(b'\n', fresh);
        #[cfg(test)]
        {
            self.bytes_searched += found.map_or(fresh.len(), |at| at + 1);
        }
        found.map(|at| self.searched + at)
    }
}

impl Decoder for LineDecoder {
    type Item = Frame;
    type Error = io::Error;

    /// The next line. Never fails.
    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Frame>> {
        loop {
            let Some(newline) = self.find_newline(src) else {
                self.searched = src.len();
                if self.skipping {
                    src.clear();
                    self.searched = 0;
                } else if src.len() > self.limit + 1 {
                    // One byte over the limit may still turn out to be the `\r` of `\r\n`; two can't.
                    src.clear();
                    self.searched = 0;
                    self.skipping = true;
                    return Ok(Some(Frame::TooLong));
                }
                return Ok(None);
            };
            self.searched = 0;
            if self.skipping {
                self.skipping = false;
                src.advance(newline + 1);
                continue;
            }
            let mut line = src.split_to(newline);
            src.advance(1);
            if line.last() == Some(&b'\r') {
                line.truncate(newline - 1);
            }
            if line.len() > self.limit {
                return Ok(Some(Frame::TooLong));
            }
            if !is_blank(&line) {
                return Ok(Some(Frame::Line(line)));
            }
        }
    }

    /// The next complete line, then `None`: what is left over is dropped.
    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Frame>> {
        let frame = self.decode(src)?;
        if frame.is_none() {
            src.clear();
            self.searched = 0;
            self.skipping = false;
        }
        Ok(frame)
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests;
