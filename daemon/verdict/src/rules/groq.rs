//! Groq. Sources: console.groq.com/docs, errors, rate-limits, spend-limits and flex-processing. Limits are an
//! organisation's, per model.

use super::{ACCOUNT, ACCOUNT_MODEL, DAILY, POOL_MODEL, Rule, Until, is_daily};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule::code("groq.413.request_too_large", &["rate_limit_exceeded", "request_too_large"], Kind::Request)
        .with_status(&[(413, 413)]),
    Rule::code("groq.request_too_large", &["rate_limit_exceeded"], Kind::Request).saying(&["request too large for"]),
    // A 400: "limits reset at the beginning of each billing cycle (1st of the month)".
    Rule::code("groq.400.spend_limit", &["blocked_api_access"], Kind::Quota).until(Until::NextMonth),
    Rule::code("groq.organization_restricted", &["organization_restricted"], Kind::Forbidden)
        .reach(ACCOUNT)
        .until(Until::Person),
    Rule::code("groq.498.flex_capacity", &["capacity_exceeded", "over_capacity"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::code(
        "groq.model",
        &[
            "model_not_found",
            "model_decommissioned",
            "model_terms_required",
            "model_not_active",
            "model_permission_blocked_org",
        ],
        Kind::Model,
    ),
    Rule::code("groq.429.per_day", &["rate_limit_exceeded"], Kind::Quota).reach(ACCOUNT_MODEL).saying(DAILY),
    Rule::code("groq.429.rate_limit_exceeded", &["rate_limit_exceeded"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::words("groq.429.per_day", &["rate limit reached for model"], Kind::Quota).reach(ACCOUNT_MODEL).when(is_daily),
    Rule::words("groq.429.rate_limit_exceeded", &["rate limit reached for model"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL),
    Rule::family("groq.429.rate_limit_exceeded", &["tokens", "requests"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::status("groq.498", &[(498, 498)], Kind::Overloaded).reach(POOL_MODEL),
    Rule::status("groq.499", &[(499, 499)], Kind::Cancelled),
    Rule::status("groq.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
];
