//! MiniMax. Sources: platform.minimax.io/docs, api-reference/errorcode, for `base_resp.status_code`, which comes with
//! HTTP 200; MiniMax-AI/cli, src/errors/api.ts, for those of the token plan.

use super::{Rule, Until};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule::code("minimax.1008.balance", &["1008"], Kind::Billing).until(Until::Person),
    Rule::code("minimax.usage_limit", &["2056", "1028", "1030"], Kind::Quota),
    Rule::code("minimax.rate_limit", &["1002", "1039", "1041", "2045"], Kind::RateLimit),
    Rule::code("minimax.auth", &["1004", "2049"], Kind::Auth),
    Rule::code("minimax.2061.model", &["2061"], Kind::Model),
    Rule::code("minimax.server", &["1000", "1001", "1013", "1024", "1033"], Kind::Server),
    Rule::code(
        "minimax.request",
        &["1026", "1027", "1042", "1043", "1044", "2013", "2037", "2039", "2042"],
        Kind::Request,
    ),
    Rule::words("minimax.1008.balance", &["insufficient balance"], Kind::Billing).until(Until::Person),
    Rule::words("minimax.usage_limit", &["usage limit exceeded"], Kind::Quota),
    Rule::words("minimax.2061.model", &["not support model"], Kind::Model),
];
