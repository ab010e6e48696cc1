//! Every limit of the protocol and of the daemon behind it.
//!
//! A limit is inclusive: the value itself is still accepted, one more is not. What an operator may
//! change is a field of [`Limits`]; what is part of the protocol is a constant.

use serde::{Deserialize, Serialize};

/// Largest integer on the wire: 2^53 − 1, the last one that every JSON reader holds exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Longest request `id`, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// Longest name in a request (pool, credential, model, session, …) and longest note, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// Longest `status` cursor, in bytes: it may hold a pool's and a credential's name.
pub const MAX_CURSOR_BYTES: usize = 1_024;

/// Deepest nesting of objects and arrays in a request. The request itself is the first level.
pub const MAX_NESTING: usize = 64;

/// Most credentials that one `acquire` may exclude.
pub const MAX_EXCLUDE: usize = 32;

/// Most protocol versions that one `hello` may offer.
pub const MAX_PROTOCOLS: usize = 32;

/// Most credentials on one page of `status`, and how many a page holds unless the request says so.
pub const MAX_STATUS_PAGE: usize = 1_000;

/// Most entries that one `history` answers with, and how many it does unless the request says so.
pub const MAX_HISTORY_PAGE: usize = 1_000;

/// Highest `report` number: how many failures of one lease are told apart.
pub const MAX_REPORTS_PER_LEASE: u64 = 64;

/// Most candidates that a refusal of `acquire`, or an `explain`, describes one by one.
pub const MAX_DESCRIBED: usize = 32;

/// Most unknown request fields that one reply names.
pub const MAX_UNKNOWN_NAMED: usize = 16;

/// Most bytes of its input that any message, warning or piece of evidence may repeat.
pub const MAX_ECHO_BYTES: usize = 64;

/// The limits that an operator may change. `hello` answers with the ones in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Longest request line, in bytes, without its `\n` or `\r\n`.
    pub request_line_bytes: usize,
    /// How long a line may stay unfinished, from its first byte, in milliseconds.
    pub partial_line_ms: u64,
    /// Most bytes of replies that may wait for one connection to read them.
    pub unsent_output_bytes: usize,
    /// How long a connection may hold that many unread bytes before it is closed, in milliseconds.
    pub unread_output_ms: u64,
    /// Most open connections.
    pub connections: usize,
    /// Most open connections of one user.
    pub connections_per_uid: usize,
    /// Most leases out at once.
    pub leases: usize,
    /// Most leases bound to one connection.
    pub leases_per_connection: usize,
    /// Most requests that wait for a lease.
    pub waiters: usize,
    /// Most of them on one connection.
    pub waiters_per_connection: usize,
    /// Most of them of one user.
    pub waiters_per_uid: usize,
    /// Most different things that they want of one pool.
    pub queues_per_pool: usize,
    /// Most entries of the history of one credential and model.
    pub history: usize,
    /// Most entries of the history of one pool.
    pub history_per_pool: usize,
    /// Most connections that are told of events.
    pub subscribers: usize,
    /// Longest lease, in milliseconds.
    pub ttl_ms: u64,
    /// Longest wait of an `acquire`, in milliseconds.
    pub wait_ms: u64,
    /// Largest `auth.json`, in bytes.
    pub auth_file_bytes: usize,
    /// Most definitions in `auth.json`.
    pub auth_file_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
        Self {
            request_line_bytes: 256 * 1_024,
            partial_line_ms: 10_000,
            unsent_output_bytes: 1_024 * 1_024,
            unread_output_ms: 10_000,
            connections: 4_096,
            connections_per_uid: 1_024,
            leases: 65_536,
            leases_per_connection: 4_096,
            waiters: 16_384,
            waiters_per_connection: 256,
            waiters_per_uid: 4_096,
            queues_per_pool: 256,
            history: 64,
            history_per_pool: 4_096,
            subscribers: 64,
            ttl_ms: DAY_MS,
            wait_ms: DAY_MS,
            auth_file_bytes: 16 * 1_024 * 1_024,
            auth_file_rows: 100_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_limits_are_these() {
        assert_eq!(
            serde_json::to_string(&Limits::default()).unwrap(),
            "{\"request_line_bytes\":262144,\"partial_line_ms\":10000,\
             \"unsent_output_bytes\":1048576,\"unread_output_ms\":10000,\"connections\":4096,\
             \"connections_per_uid\":1024,\"leases\":65536,\"leases_per_connection\":4096,\
             \"waiters\":16384,\"waiters_per_connection\":256,\"waiters_per_uid\":4096,\"queues_per_pool\":256,\
             \"history\":64,\"history_per_pool\":4096,\"subscribers\":64,\"ttl_ms\":86400000,\"wait_ms\":86400000,\
             \"auth_file_bytes\":16777216,\"auth_file_rows\":100000}"
        );
    }
}
