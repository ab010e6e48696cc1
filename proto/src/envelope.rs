//! Writes an answer as one line.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::WireError;
use crate::request::Id;

/// What surrounds every answer.
///
/// The line is rendered straight to the end of a connection's output buffer:
/// `{"id":…,"ok":true,…}` with the fields of the answer, or `{"id":…,"ok":false,"error":{…}}`, and
/// then `warnings`, `degraded` and `durable` where there is something to say. A type that is
/// written as an answer must not have fields of these names.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The request's id; `null` on the wire if it had none, or none that could be read.
    pub id: Option<&'a Id<'a>>,
    /// Names of request fields that were ignored.
    pub unknown: &'a [Cow<'a, str>],
    /// Other warnings, a sentence each.
    pub warnings: &'a [Cow<'a, str>],
    /// Whether the shared store is away.
    pub degraded: bool,
    /// Whether the disk keeps what it should.
    pub durable: bool,
}

impl Default for Envelope<'_> {
    fn default() -> Self {
        Self { id: None, unknown: &[], warnings: &[], degraded: false, durable: true }
    }
}

impl<'a> Envelope<'a> {
    /// The envelope of an answer to the request `id`, with nothing special to say.
    #[must_use]
    pub fn to(id: Option<&'a Id<'a>>) -> Self {
        Self { id, ..Self::default() }
    }

    /// Appends an answer and its newline to `out`.
    ///
    /// `body` must serialise as an object. If it can't be serialised, an `internal` error is
    /// appended in its place: a request is never left without an answer.
    pub fn ok<T: Serialize + ?Sized>(&self, out: &mut Vec<u8>, body: &T) {
        let start = out.len();
        self.open(out, true);
        let body_at = out.len();
        let written = serde_json::to_writer(&mut *out, body).is_ok();
        if !written || out.get(body_at) != Some(&b'{') {
            out.truncate(start);
            self.error(out, &WireError::internal());
            return;
        }
        if out.len() == body_at + "{}".len() {
            out.truncate(body_at);
        } else {
            // The body's own braces give way: its fields continue the envelope's.
            out[body_at] = b',';
            out.pop();
        }
        self.close(out);
    }

    /// Appends a refusal and its newline to `out`.
    pub fn error(&self, out: &mut Vec<u8>, error: &WireError<'_>) {
        self.open(out, false);
        out.extend_from_slice(b",\"error\":");
        put(out, error);
        self.close(out);
    }

    fn open(&self, out: &mut Vec<u8>, ok: bool) {
        out.extend_from_slice(b"{\"id\":");
        put(out, &self.id);
        out.extend_from_slice(if ok { b",\"ok\":true" } else { b",\"ok\":false" });
    }

    fn close(&self, out: &mut Vec<u8>) {
        if !self.unknown.is_empty() || !self.warnings.is_empty() {
            out.extend_from_slice(b",\"warnings\":[");
            let ignored = self.unknown.iter().map(|name| format!("unknown field `{name}` was ignored").into());
            let mut first = true;
            for warning in ignored.chain(self.warnings.iter().cloned()) {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                put::<Cow<'_, str>>(out, &warning);
            }
            out.push(b']');
        }
        if self.degraded {
            out.extend_from_slice(b",\"degraded\":true");
        }
        if !self.durable {
            out.extend_from_slice(b",\"durable\":false");
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Appends a value that cannot fail to serialise: our own types, whose map keys are all strings.
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests;
