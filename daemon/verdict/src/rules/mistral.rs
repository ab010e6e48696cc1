//! Mistral. Nobody published its list of errors; the bodies are from public issue threads (continuedev/continue#6185,
//! cline/cline#9085, litellm#25078, whose author works there). Limits are the workspace's (help.mistral.ai).

use super::{POOL_MODEL, Rule};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    // "It means the backend was at capacity, not that the user reached their rate limit" (litellm#25078), whether the
    // status is 429 or 503.
    Rule::code("mistral.capacity", &["3505", "service_tier_capacity_exceeded"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::words("mistral.capacity", &["tier capacity exceeded"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::code("mistral.429.rate_limited", &["1300", "rate_limited"], Kind::RateLimit),
    Rule::code("mistral.model", &["1500", "invalid_model"], Kind::Model),
    Rule::words("mistral.429.rate_limited", &["rate limit exceeded"], Kind::RateLimit),
    Rule::words("mistral.model", &["invalid model"], Kind::Model).with_status(&[(400, 404)]),
];
