//! Cerebras. Sources: inference-docs.cerebras.ai, support/rate-limits and error; bodies from public issue threads
//! (nminaya/grammar-nazi-bot#958). Limits are an organisation's, per model. Bodies are flat.

use super::{ACCOUNT_MODEL, POOL_MODEL, Rule, Until, is_daily, spent_long};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule::code("cerebras.429.queue", &["queue_exceeded"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::code("cerebras.429.daily_quota", &["request_quota_exceeded", "token_quota_exceeded"], Kind::Quota)
        .reach(ACCOUNT_MODEL)
        .when(|seen| is_daily(seen) || spent_long(seen, true)),
    Rule::code("cerebras.429.quota_exceeded", &["request_quota_exceeded", "token_quota_exceeded"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL),
    Rule::code("cerebras.401.api_key", &["wrong_api_key"], Kind::Auth),
    Rule::code("cerebras.402.payment", &["payment_required", "payment_required_error"], Kind::Billing)
        .until(Until::Person),
    Rule::words("cerebras.429.queue", &["experiencing high traffic"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::family("cerebras.429.too_many_requests", &["too_many_requests_error", "too_many_requests"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL),
    Rule::status("cerebras.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
];
