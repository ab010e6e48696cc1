//! Our own errors, reported back to us. They say that there was nothing to lease, and nothing of the credential that
//! the report names.

use super::Rule;
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    // proto/PROTOCOL.md, error codes: those that a client may mistake for the provider's.
    Rule::code(
        "credpool.own_error",
        &["exhausted", "busy", "queue_full", "unknown_pool", "unknown_lease", "draining", "store_unavailable"],
        Kind::Unknown,
    ),
    Rule::words("credpool.own_error", &["candidates of pool", "the only candidate of pool"], Kind::Unknown),
];
