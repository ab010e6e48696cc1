//! What a client reports, and what is known around it.

/// The facts of one failure, as the client reports them. Everything is optional; nothing has been checked.
/// It has no `Debug`, as bodies and messages may repeat a secret.
#[derive(Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The response's headers: lower-case name and value, one pair for each value.
    pub headers: &'a [(&'a str, &'a str)],
    /// The response's body, as text: JSON, whole or cut short, a string that holds JSON, events of a stream, words,
    /// HTML.
    pub body: Option<&'a str>,
    /// The client's words for it. SDKs repeat the body there.
    pub message: Option<&'a str>,
    /// A structured error code, if the client has already dug it out.
    pub code: Option<&'a str>,
    /// The caller's own knowledge: `network`, `timeout`, `cancelled`, or the name of any [`Kind`](crate::Kind).
    /// Anything else is ignored.
    pub kind: Option<&'a str>,
    /// The model that was asked for.
    pub model: Option<&'a str>,
    /// When the limit resets, as hermes-agent names it: epoch seconds, epoch milliseconds (above 10^12), a date and
    /// time, (below 10^9) seconds from now, or a duration with units.
    pub reset_at: Option<Scalar<'a>>,
    /// The same by another name.
    pub resets_at: Option<Scalar<'a>>,
    /// The same by another name.
    pub retry_until: Option<Scalar<'a>>,
    /// Seconds from now.
    pub retry_after: Option<Scalar<'a>>,
}

/// A JSON number or string, as a client found it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A number; not necessarily a finite one.
    Number(f64),
    /// A string.
    Text(&'a str),
}

/// What is known around a failure.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Now, in milliseconds of Unix time.
    pub now_wall_ms: u64,
    /// The pool's name. It tells the provider where the base URL does not.
    pub pool: &'a str,
    /// The credential's base URL, if it has one.
    pub base_url: Option<&'a str>,
}
