//! The credpool wire protocol: what daemon and clients say to each other, and nothing else.
//!
//! One JSON object per line over a local stream socket. `PROTOCOL.md` beside this crate is the
//! normative description; this crate is its only implementation in Rust:
//!
//! - [`codec`] cuts a byte stream into lines, within a bound on memory;
//! - [`request`] turns a line into a typed request, or into the refusal to send back;
//! - [`reply`], [`status`], [`history`] and [`error`] are what answers are made of;
//! - [`envelope`] writes an answer as one line, [`event`] what a subscriber is told;
//! - [`words`] holds the protocol's closed vocabularies, [`limits`] its numbers;
//! - [`paths`] knows where a socket may be.
//!
//! The crate opens no file and no socket, reads no clock and no environment, and knows nothing of
//! how a pool decides.

pub mod codec;
pub mod envelope;
pub mod error;
pub mod event;
pub mod history;
pub mod limits;
pub mod paths;
pub mod reply;
pub mod request;
pub mod status;
pub mod words;

/// The version of the protocol that this crate speaks, as `hello` negotiates it.
pub const PROTOCOL_VERSION: u64 = 1;
