//! DeepSeek. Source: api-docs.deepseek.com, quick_start/error_codes and rate_limit: concurrency is an account's, per
//! model, whatever the key.

use super::{ACCOUNT_MODEL, Rule, Until};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule::words("deepseek.402.balance", &["insufficient balance"], Kind::Billing).until(Until::Person),
    Rule::words("deepseek.400.model", &["model not exist"], Kind::Model),
    Rule::words("deepseek.401.api_key", &["authentication fails"], Kind::Auth),
    Rule::status("deepseek.402", &[(402, 402)], Kind::Billing).until(Until::Person),
    Rule::status("deepseek.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::status("deepseek.503", &[(503, 503)], Kind::Overloaded),
];
