//! GitHub Copilot. Sources: microsoft/vscode-copilot-chat, chatMLFetcher.ts, for the codes, of which whatever comes
//! after a colon is a detail; docs.github.com, Copilot rate limits and requests, for what they mean; public issue
//! threads (github/copilot-cli#2336, #2828, openai/codex#17738) for the sentences, which are all there is of the long
//! limits.

use super::{ACCOUNT, ACCOUNT_MODEL, POOL_MODEL, Rule, Seen, Until};
use crate::kind::Kind;

/// Whether the header that names the limit has this word: `global-chat:global-cogs-7-day-key`.
fn exceeded(seen: &Seen<'_>, word: &str) -> bool {
    seen.signals.header("x-ratelimit-exceeded").any(|limit| limit.to_ascii_lowercase().contains(word))
}

pub(super) const RULES: &[Rule] = &[
    // Allowances begin anew on the first of the month at 00:00 UTC (docs.github.com, requests in Copilot).
    Rule::code(
        "copilot.402.quota_exceeded",
        &["quota_exceeded", "free_quota_exceeded", "session_quota_exceeded"],
        Kind::Quota,
    )
    .until(Until::HintOrNextMonth),
    Rule::code(
        "copilot.402.billing",
        &["billing_not_configured", "overage_limit_reached", "additional_spend_limit_reached"],
        Kind::Billing,
    ),
    Rule::code("copilot.429.weekly", &["user_weekly_rate_limited"], Kind::Quota),
    Rule::code("copilot.429.model", &["user_model_rate_limited"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::code("copilot.upstream", &["model_overloaded", "upstream_provider_rate_limit"], Kind::Overloaded)
        .reach(POOL_MODEL),
    Rule::code(
        "copilot.429.rate_limited",
        &["user_global_rate_limited", "rate_limited", "integration_rate_limited", "agent_mode_limit_exceeded"],
        Kind::RateLimit,
    ),
    Rule::code("copilot.model", &["model_not_supported", "model_not_available_for_integrator"], Kind::Model),
    Rule::shape("copilot.429.long_window", |seen| exceeded(seen, "-day") || exceeded(seen, "week"), Kind::Quota),
    Rule::shape("copilot.429.model", |seen| exceeded(seen, "model"), Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::shape("copilot.429.rate_limited", |seen| exceeded(seen, ""), Kind::RateLimit),
    Rule::words("copilot.429.weekly", &["weekly rate limit"], Kind::Quota),
    Rule::words(
        "copilot.402.quota_exceeded",
        &[
            "monthly limit",
            "monthly quota",
            "no quota",
            "remaining quota",
            "premium request allowance",
            "quota exceeded",
        ],
        Kind::Quota,
    )
    .until(Until::HintOrNextMonth),
    Rule::words("copilot.429.model", &["rate limit for this model"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::words("copilot.429.rate_limited", &["rate limit", "rate-limited"], Kind::RateLimit).reach(ACCOUNT),
    Rule::words("copilot.model", &["requested model is not supported"], Kind::Model),
    Rule::status("copilot.402", &[(402, 402)], Kind::Quota).until(Until::HintOrNextMonth),
];
