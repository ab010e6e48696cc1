//! xAI. Sources: docs.x.ai, rate-limits (a team's, per model) and debugging; CLIProxyAPI, xai_executor_response.go;
//! public issue threads (continuedev/continue#10373, agenc-core#2483). Bodies are flat: `code` and `error`.

use super::{ACCOUNT_MODEL, Rule, Until};
use crate::kind::Kind;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

pub(super) const RULES: &[Rule] = &[
    // A rolling day, of one model if the sentence names it.
    Rule::code("xai.429.free_usage", &["subscription:free-usage-exhausted"], Kind::Quota)
        .reach(ACCOUNT_MODEL)
        .saying(&["free usage for model"])
        .until(Until::HintOrWithin(DAY_MS)),
    Rule::code("xai.429.free_usage", &["subscription:free-usage-exhausted"], Kind::Quota)
        .until(Until::HintOrWithin(DAY_MS)),
    Rule::code(
        "xai.403.spending_limit",
        &["personal-team-blocked:spending-limit", "team-blocked:spending-limit", "personal-team-blocked"],
        Kind::Billing,
    )
    .until(Until::Person),
    Rule::code(
        "xai.bad_credentials",
        &["unauthenticated:bad-credentials", "bad-credentials", "unauthenticated"],
        Kind::Auth,
    ),
    Rule::words(
        "xai.credits",
        &["used all available credits", "reached its monthly spending limit", "run out of credits", "have any credits"],
        Kind::Billing,
    )
    .until(Until::Person),
    // With a 400.
    Rule::words("xai.400.api_key", &["incorrect api key", "invalid api key"], Kind::Auth),
    Rule::words(
        "xai.api_key_blocked",
        &["api key is blocked", "api key is currently blocked", "api key is disabled"],
        Kind::Forbidden,
    ),
    Rule::words("xai.403.content", &["violates usage guidelines", "content violates"], Kind::Request),
    Rule::words("xai.404.model", &["does not exist or your team"], Kind::Model),
    Rule::family(
        "xai.429.resource_exhausted",
        &["some resource has been exhausted", "resource-exhausted"],
        Kind::RateLimit,
    )
    .reach(ACCOUNT_MODEL),
    Rule::status("xai.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
];
