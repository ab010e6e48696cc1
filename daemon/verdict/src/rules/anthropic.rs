//! Anthropic: API keys, and OAuth tokens of subscriptions with their unified windows.
//!
//! Sources: docs.claude.com, API errors and rate limits; CLIProxyAPI's claude_ratelimit.go and recorded responses for
//! what is unified. A key's limits are its organisation's, for a class of models each.

use super::{ACCOUNT, ACCOUNT_MODEL, CREDENTIAL, Rule, Seen, Until};
use crate::kind::Kind;

/// The unified windows that are spent; a key's buckets are none.
fn spent<'s>(seen: &'s Seen<'_>) -> impl Iterator<Item = bool> + 's {
    seen.windows
        .iter()
        .map(|draft| &draft.window)
        .filter(|window| window.spent && !window.refills)
        .map(|window| window.model)
}

/// Whether it is a key's limit, which is its organisation's for a class of models: by the headers, or by the words that
/// describe it. A limit that nobody describes may be a subscription's.
fn is_of_a_key(seen: &Seen<'_>) -> bool {
    let words = ["organization", "per-minute", "per minute", "acceleration limit", "number of request", "concurrent"];
    seen.windows.iter().any(|draft| draft.window.refills) || words.iter().any(|words| seen.signals.says(words))
}

fn is_limited(seen: &Seen<'_>) -> bool {
    seen.signals.status == Some(429) || seen.signals.status.is_none_or(|status| status < 400)
}

pub(super) const RULES: &[Rule] = &[
    // The tier's monthly cap, until 00:00 UTC on the first; it has no `retry-after` (API errors).
    Rule::code("anthropic.429.enforced_spend_limit", &["enforced_spend_limit_reached"], Kind::Quota)
        .until(Until::NextMonth),
    Rule::code("anthropic.529.overloaded_error", &["overloaded_error"], Kind::Overloaded),
    Rule::code("anthropic.402.billing_error", &["billing_error"], Kind::Billing),
    // Long context and fast mode ask for what the plan does not have, and others of this credential's requests get
    // through.
    Rule::words(
        "anthropic.429.long_context",
        &["required for long context", "long context beta is not yet available"],
        Kind::Request,
    ),
    // Only windows that are rejected count. Where these are all of a family of models, so is the limit.
    Rule::shape(
        "anthropic.429.unified_model",
        |seen| is_limited(seen) && spent(seen).next().is_some() && spent(seen).all(|of_model| of_model),
        Kind::Quota,
    )
    .reach(ACCOUNT_MODEL),
    Rule::shape("anthropic.429.unified", |seen| is_limited(seen) && spent(seen).next().is_some(), Kind::Quota),
    // With status 400.
    Rule::words("anthropic.400.credit_balance", &["credit balance is too low"], Kind::Billing).until(Until::Person),
    // A limit that somebody set; the message says when access resumes. A workspace's is not the organisation's.
    Rule::words("anthropic.400.workspace_spend_limit", &["specified workspace api usage limits"], Kind::Quota)
        .reach(CREDENTIAL),
    Rule::words("anthropic.400.spend_limit", &["specified api usage limits"], Kind::Quota),
    Rule::words(
        "anthropic.extra_usage",
        &["draw from your extra usage", "out of extra usage", "usage credits are required"],
        Kind::Billing,
    ),
    Rule::words(
        "anthropic.usage_limit",
        &["usage limit reached|", "hit your limit", "usage limit reached"],
        Kind::Quota,
    ),
    Rule::words(
        "anthropic.organization_disabled",
        &["organization has been disabled", "account has been disabled"],
        Kind::Forbidden,
    )
    .reach(ACCOUNT)
    .until(Until::Person),
    Rule::words(
        "anthropic.oauth_not_allowed",
        &["oauth authentication is currently not", "only authorized for use with claude code", "scope requirement"],
        Kind::Forbidden,
    ),
    // The words are no code: they do not mean for good.
    Rule::words(
        "anthropic.401.token",
        &[
            "oauth token has expired",
            "oauth token has been revoked",
            "invalid x-api-key",
            "invalid authentication credentials",
        ],
        Kind::Auth,
    ),
    Rule::words("anthropic.429.account", &["your account's rate limit"], Kind::RateLimit),
    Rule::words("anthropic.429.per_day", &["your daily rate limit"], Kind::Quota).reach(ACCOUNT_MODEL),
    Rule::family("anthropic.429.rate_limit_error", &["rate_limit_error"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL)
        .when(is_of_a_key),
    Rule::family("anthropic.429.rate_limit_error", &["rate_limit_error"], Kind::RateLimit),
    Rule::family("anthropic.401.authentication_error", &["authentication_error"], Kind::Auth),
    Rule::family("anthropic.403.permission_error", &["permission_error"], Kind::Forbidden),
    Rule::family("anthropic.404.model", &["not_found_error"], Kind::Model).saying(&["model:", "model "]),
    Rule::family(
        "anthropic.request",
        &["invalid_request_error", "request_too_large", "not_found_error"],
        Kind::Request,
    ),
    Rule::family("anthropic.5xx", &["api_error", "timeout_error"], Kind::Server),
    Rule::status("anthropic.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL).when(is_of_a_key),
];
