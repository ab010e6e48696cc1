//! OpenRouter. Sources: OpenRouterTeam/docs, api_reference/limits.mdx and errors-and-debugging.mdx. "Making additional
//! accounts or API keys will not affect your rate limits", but limits differ between models.

use super::{ACCOUNT_MODEL, CREDENTIAL, POOL_MODEL, Rule, Seen, Until};
use crate::kind::Kind;

/// Whether a provider behind OpenRouter failed, and not OpenRouter: it names the provider or its code, or had already
/// begun to stream.
fn is_upstream(seen: &Seen<'_>) -> bool {
    let from = |place: &str| seen.signals.codes.iter().any(|code| code.source.ends_with(place));
    let cut_short =
        || seen.signals.codes.iter().any(|code| code.source == "body:finish_reason" && code.value == "error");
    from("provider_name") || from("provider_code") || cut_short() || seen.signals.says("provider returned error")
}

fn with_status(seen: &Seen<'_>, first: u16, last: u16) -> bool {
    seen.signals.status.is_some_and(|status| (first..=last).contains(&status))
}

pub(super) const RULES: &[Rule] = &[
    // Free models have limits of their own, which paid ones do not share. Days are UTC's.
    Rule::sentence("openrouter.429.free_per_day", &["free-models-per-day"], Kind::Quota)
        .reach(ACCOUNT_MODEL)
        .until(Until::HintOrNextDay),
    Rule::sentence("openrouter.429.free_per_minute", &["free-models-per-min"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL)
        .until(Until::HintOrWithin(60_000)),
    // One request costs more than all that may be in flight: others get through.
    Rule::code("openrouter.402.weight_exceeds_budget", &["weight_exceeds_budget"], Kind::Request),
    // "This is transient"; it has a Retry-After.
    Rule::code(
        "openrouter.402.in_flight_budget",
        &["openrouter_in_flight_budget", "in_flight_budget_exhausted"],
        Kind::RateLimit,
    ),
    // The key's own cap; other keys of the account go on. Some begin anew, and `resets_at` says when; some never do.
    Rule::code("openrouter.key_budget", &["openrouter_key_limit", "openrouter_guardrail_budget"], Kind::Quota)
        .reach(CREDENTIAL)
        .when(|seen| !seen.signals.resets.is_empty()),
    Rule::code("openrouter.key_limit", &["openrouter_key_limit", "openrouter_guardrail_budget"], Kind::Billing)
        .reach(CREDENTIAL),
    Rule::code("openrouter.workspace_budget", &["openrouter_workspace_budget"], Kind::Quota),
    Rule::code("openrouter.402.credits", &["openrouter_credits"], Kind::Billing).until(Until::Person),
    // A 403 about what was asked.
    Rule::shape(
        "openrouter.403.moderation",
        |seen| seen.signals.prose.iter().any(|prose| prose.source.ends_with("flagged_input")),
        Kind::Request,
    ),
    Rule::shape("openrouter.upstream.request", |seen| is_upstream(seen) && with_status(seen, 400, 400), Kind::Request),
    Rule::shape("openrouter.upstream.request", |seen| is_upstream(seen) && with_status(seen, 413, 422), Kind::Request),
    // Whose limit it was that OpenRouter ran into, its keys cannot help: no key of ours gets past it.
    Rule::shape("openrouter.upstream.429", |seen| is_upstream(seen) && with_status(seen, 429, 429), Kind::Overloaded)
        .reach(POOL_MODEL),
    Rule::shape("openrouter.upstream.error", |seen| is_upstream(seen) && with_status(seen, 401, 599), Kind::Server)
        .reach(POOL_MODEL),
    Rule::code("openrouter.provider_overloaded", &["provider_overloaded"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::code("openrouter.provider_unavailable", &["provider_unavailable"], Kind::Server).reach(POOL_MODEL),
    Rule::code("openrouter.429.rate_limit_exceeded", &["rate_limit_exceeded"], Kind::RateLimit),
    Rule::words(
        "openrouter.key_budget",
        &[
            "key limit exceeded (daily",
            "key limit exceeded (weekly",
            "key limit exceeded (monthly",
            "key with a higher daily limit",
            "key with a higher weekly limit",
            "key with a higher monthly limit",
        ],
        Kind::Quota,
    )
    .reach(CREDENTIAL),
    Rule::words("openrouter.key_limit", &["key limit exceeded", "create a key with a higher"], Kind::Billing)
        .reach(CREDENTIAL),
    Rule::words(
        "openrouter.402.credits",
        &["insufficient credits", "requires more credits", "never purchased credits", "negative credit balance"],
        Kind::Billing,
    )
    .until(Until::Person),
    Rule::words("openrouter.403.moderation", &["request blocked", "requires moderation", "was flagged"], Kind::Request)
        .with_status(&[(403, 403)]),
    Rule::words(
        "openrouter.404.model",
        &["no endpoints found", "no allowed providers", "is not a valid model"],
        Kind::Model,
    ),
    Rule::family("openrouter.402.payment_required", &["payment_required"], Kind::Billing).until(Until::Person),
    Rule::family("openrouter.401.authentication", &["authentication"], Kind::Auth),
    Rule::family("openrouter.403.permission_denied", &["permission_denied"], Kind::Forbidden),
    Rule::family(
        "openrouter.request",
        &[
            "context_length_exceeded",
            "max_tokens_exceeded",
            "token_limit_exceeded",
            "string_too_long",
            "invalid_request",
            "invalid_prompt",
            "payload_too_large",
            "unprocessable",
            "precondition_failed",
        ],
        Kind::Request,
    ),
    Rule::family("openrouter.5xx", &["server"], Kind::Server),
    // "No available model provider that meets your routing requirements", or the model's is down.
    Rule::status("openrouter.5xx", &[(502, 503)], Kind::Server).reach(POOL_MODEL),
];
