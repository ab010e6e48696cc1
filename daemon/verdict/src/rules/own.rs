//! Our own errors, and those of other pools in the way, reported back to us. They say that there was nothing to lease, and
//! nothing of the credential that the report names.

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
    // litellm's router, when all its deployments cool down (litellm/types/router.py, RouterRateLimitError).
    Rule::words("litellm.no_deployments", &["no deployments available for selected model"], Kind::Unknown),
];
