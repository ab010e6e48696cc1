//! Z.ai (Zhipu, BigModel). Source: docs.z.ai, api-reference/api-code, the business codes in the body.

use super::{ACCOUNT, ACCOUNT_MODEL, POOL_MODEL, Rule, Until};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule::code("zai.1113.arrears", &["1113"], Kind::Billing).until(Until::Person),
    Rule::code("zai.1309.plan_expired", &["1309"], Kind::Billing).until(Until::Person),
    // The sentence says when they reset.
    Rule::code("zai.usage_limit", &["1308", "1310"], Kind::Quota),
    Rule::code("zai.1304.daily_limit", &["1304"], Kind::Quota).reach(ACCOUNT_MODEL),
    Rule::code("zai.rate_limit", &["1302", "1303"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    // Fair use: how often requests come is limited until somebody asks for it to be lifted.
    Rule::code("zai.1313.fair_use", &["1313"], Kind::Forbidden).reach(ACCOUNT).until(Until::Person),
    Rule::code("zai.overloaded", &["1305", "1312"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::code("zai.auth", &["1000", "1001", "1002", "1003", "1004"], Kind::Auth),
    Rule::code("zai.account", &["1110", "1111", "1112", "1121"], Kind::Forbidden).reach(ACCOUNT).until(Until::Person),
    Rule::code("zai.model", &["1211", "1221", "1222", "1311"], Kind::Model),
    Rule::code("zai.1220.forbidden", &["1220"], Kind::Forbidden),
    Rule::code("zai.server", &["500", "1120", "1200", "1230", "1234"], Kind::Server),
    Rule::code("zai.request", &["1210", "1212", "1213", "1214", "1215", "1231", "1261", "1300", "1301"], Kind::Request),
    Rule::words("zai.1113.arrears", &["insufficient balance", "余额不足", "已欠费"], Kind::Billing)
        .until(Until::Person),
    Rule::words("zai.usage_limit", &["usage limit reached for", "的使用上限"], Kind::Quota),
    Rule::words("zai.rate_limit", &["速率限制", "并发数过高"], Kind::RateLimit).reach(ACCOUNT_MODEL),
];
