//! Requests as lines.

use std::time::Duration;

use serde::Serialize;

/// A request: an operation's name, and the operation's fields.
pub trait Call: Serialize + Clone {
    /// The operation's name.
    const OP: &'static str;

    /// Whether saying it twice is no more than saying it once, so that it may be said again when nobody
    /// knows whether it was heard.
    fn may_be_repeated(&self) -> bool {
        false
    }

    /// How long the daemon may take before it answers because the request says so.
    fn waits_for(&self) -> Duration {
        Duration::ZERO
    }

    /// Makes the request one about this profile, where it can be about one and does not say which.
    fn default_profile(&mut self, profile: &str) {
        let _ = profile;
    }

    /// The request as a line, without an id and without a newline; what
    /// [`Client::call_raw`](crate::Client::call_raw) takes.
    ///
    /// # Errors
    ///
    /// Of serde_json's, where something in the request cannot be JSON.
    fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Line { op: Self::OP, id: None, fields: self })
    }
}

/// The same with an id and a newline.
pub(crate) fn with_id<C: Call>(call: &C, id: u64) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(&Line { op: C::OP, id: Some(id), fields: call })?;
    line.push(b'\n');
    Ok(line)
}

#[derive(Serialize)]
struct Line<'a, C: ?Sized> {
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(flatten)]
    fields: &'a C,
}
