//! The rules for every vendor, and the only ones for endpoints that nobody knows.

use super::{ACCOUNT, ACCOUNT_MODEL, Rule, Seen, Until, spent_long};
use crate::kind::Kind;

fn is_limited(seen: &Seen<'_>) -> bool {
    seen.signals.status == Some(429)
}

/// Google has the words of bills and quotas for every limit.
fn is_googles(seen: &Seen<'_>) -> bool {
    seen.signals.has_code("resource_exhausted")
}

/// Whether the sentence is about a model, whose name is one word.
fn says_of_a_model(seen: &Seen<'_>) -> bool {
    let of_a_model = |own: &str| {
        let (_, after) = own.split_once("the model ")?;
        after.split_once(' ').map(|(_, verb)| verb.starts_with("does not exist"))
    };
    seen.signals.prose.iter().any(|prose| of_a_model(&prose.own) == Some(true))
}

/// Whether it is a page of something in between. A page that says what the status says anyway, and names no content
/// network, is the provider's own.
fn is_edge_page(seen: &Seen<'_>) -> bool {
    let signals = seen.signals;
    match signals.status {
        Some(429 | 500 | 502..=504) => signals.html && signals.names_an_edge,
        Some(400 | 402 | 404..=499) => false,
        _ => signals.html,
    }
}

pub(super) const RULES: &[Rule] = &[
    // hermes-agent 0.19.0 calls a login dead for these reasons, and only together with a 401; a 403 that says
    // `token_revoked` is not terminal there (agent/credential_pool.py). RFC 6749, section 5.2, has `invalid_grant` with
    // a 400, and nothing else sends it.
    Rule::code(
        "code.terminal",
        &["token_invalidated", "token_revoked", "invalid_token", "unauthorized_client", "refresh_token_reused"],
        Kind::Dead,
    )
    .with_status(&[(401, 401)]),
    Rule::code("code.invalid_grant", &["invalid_grant"], Kind::Dead)
        .when(|seen| seen.signals.status.is_none_or(|status| matches!(status, 400..=401))),
    // hermes-agent 0.19.0, agent/error_classifier.py. OpenAI sends `insufficient_quota` with a 429, others send these
    // with 400, 402, 403 or 404: the code is what counts.
    Rule::code(
        "code.billing",
        &[
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_not_active",
            "billing_hard_limit_reached",
            "payment_required",
            "insufficient_credits",
            "insufficient_balance",
            "insufficient_funds",
            "no_usable_credits",
            "balance_depleted",
            "billing_error",
        ],
        Kind::Billing,
    )
    .until(Until::Person),
    // Whatever the code: the headers say that a window of hours or days is spent, and that is more than a matter of
    // pace.
    Rule::shape("window.spent", |seen| is_limited(seen) && spent_long(seen, false), Kind::Quota),
    Rule::shape("window.spent", |seen| is_limited(seen) && spent_long(seen, true), Kind::Quota).reach(ACCOUNT_MODEL),
    // ChatGPT's backend and gateways to it: the plan's window is spent (openai/codex, codex-api).
    Rule::code(
        "code.usage_limit_reached",
        &["usage_limit_reached", "gousagelimiterror", "quota_exceeded", "quota_exhausted"],
        Kind::Quota,
    ),
    Rule::code("code.overloaded", &["server_is_overloaded", "engine_overloaded", "model_overloaded"], Kind::Overloaded),
    Rule::code(
        "code.model",
        &["model_not_found", "model_not_available", "model_not_supported", "modelnotfound", "model_decommissioned"],
        Kind::Model,
    ),
    Rule::code("code.rate_limit", &["rate_limit_exceeded", "rate_limited", "too_many_requests"], Kind::RateLimit),
    Rule::code(
        "code.auth",
        &["invalid_api_key", "incorrect_api_key", "token_expired", "authentication_error", "unauthorized"],
        Kind::Auth,
    ),
    Rule::code(
        "code.request",
        &["context_length_exceeded", "content_filter", "content_policy_violation", "invalid_prompt"],
        Kind::Request,
    ),
    // The SDKs of OpenAI and Anthropic for Python and Node, which have no status to report then.
    Rule::words(
        "text.network",
        &[
            "connection error",
            "request timed out",
            "connection reset",
            "connection refused",
            "connection aborted",
            "connecttimeout",
            "readtimeout",
            "econnreset",
            "econnrefused",
            "etimedout",
            "enotfound",
            "socket hang up",
            "fetch failed",
            "name or service not known",
            "temporary failure in name resolution",
        ],
        Kind::Network,
    )
    .when(|seen| seen.signals.status.is_none()),
    Rule::words("text.cancelled", &["request was aborted", "operation was aborted", "cancellederror"], Kind::Cancelled)
        .when(|seen| seen.signals.status.is_none()),
    // hermes-agent 0.19.0, agent/error_classifier.py: words about money in a 400, 402, 403, 404 or 429.
    Rule::words(
        "text.billing",
        &[
            "insufficient balance",
            "insufficient credit",
            "insufficient_quota",
            "insufficient funds",
            "credit balance is too low",
            "credits have been exhausted",
            "out of credits",
            "top up your",
            "exceeded your current quota",
            "payment required",
            "key limit exceeded",
        ],
        Kind::Billing,
    )
    .with_status(&[(400, 404), (429, 429)])
    .when(|seen| !is_googles(seen)),
    // hermes-agent 0.19.0: an overload phrase in a 429 or a 5xx is not the key's fault.
    Rule::words(
        "text.overloaded",
        &["overloaded", "at capacity", "high demand", "server is busy", "no capacity"],
        Kind::Overloaded,
    )
    .with_status(&[(429, 429), (500, 599)]),
    // vLLM, OpenAI and those who copy its sentence: "The model `m` does not exist or you do not have access to it."
    Rule::words("text.model", &["does not exist"], Kind::Model).with_status(&[(400, 404)]).when(says_of_a_model),
    Rule::words(
        "text.usage_limit",
        &["usage limit", "quota exceeded", "daily limit", "weekly limit", "monthly limit"],
        Kind::Quota,
    )
    .with_status(&[(402, 403), (429, 429)])
    .when(|seen| !is_googles(seen)),
    Rule::words("text.request_too_large", &["request too large"], Kind::Request).with_status(&[(413, 413), (429, 429)]),
    Rule::words("text.rate_limit", &["rate limit", "ratelimit", "too many requests"], Kind::RateLimit)
        .when(|seen| seen.signals.status.is_none()),
    // A gateway that calls a wrong key a bad request.
    Rule::words("text.api_key", &["incorrect api key", "invalid api key", "api key not valid"], Kind::Auth)
        .with_status(&[(400, 403)]),
    Rule::words("text.model", &["model not found", "model does not exist", "no such model"], Kind::Model)
        .with_status(&[(400, 404)]),
    // Families that OpenAI and Anthropic share with all who speak like them.
    Rule::family("type.rate_limit", &["rate_limit_error", "resource_exhausted", "requests", "tokens"], Kind::RateLimit)
        .with_status(&[(200, 299), (429, 429)]),
    Rule::family("type.overloaded", &["overloaded_error"], Kind::Overloaded),
    Rule::family(
        "type.permission",
        &["permission_error", "permission_denied_error", "permission_denied"],
        Kind::Forbidden,
    ),
    // What fails within a stream has no status any more in an SDK's exception (openai-python, _streaming.py).
    Rule::family("type.server", &["server_error", "api_error", "internal_server_error"], Kind::Server)
        .when(|seen| seen.signals.status.is_none_or(|status| matches!(status, 200..=299 | 500..=599))),
    Rule::family("type.request", &["invalid_request_error"], Kind::Request).with_status(&[(200, 299), (400, 400)]),
    // A page instead of an answer, or a challenge, comes from a proxy, a firewall or a content network in between
    // (CLIProxyAPI, codex-pool's error_class.go). Whose key it was makes no difference.
    Rule::shape(
        "edge.challenge",
        |seen| seen.signals.header("cf-mitigated").any(|value| value.eq_ignore_ascii_case("challenge")),
        Kind::Edge,
    ),
    Rule::shape("edge.page", is_edge_page, Kind::Edge),
    // Cloudflare's refusals without a page: 1015 limits an address, 1020 bars one (Cloudflare docs, 1xxx errors).
    Rule::words("edge.cloudflare", &["error code: 10"], Kind::Edge).with_status(&[(403, 403), (429, 429), (500, 599)]),
    // RFC 9110, section 15.5, and RFC 6585 for 429.
    Rule::status("http.401", &[(401, 401)], Kind::Auth),
    Rule::status("http.402", &[(402, 402)], Kind::Billing),
    Rule::status("http.403", &[(403, 403)], Kind::Forbidden),
    // A path or a model that does not exist. Which of the two, only a vendor's rule can tell.
    Rule::status("http.404", &[(404, 404)], Kind::Request),
    Rule::status("http.408", &[(408, 408)], Kind::Network),
    Rule::status("http.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT),
    Rule::status("http.400", &[(400, 400)], Kind::Request),
    Rule::status("http.405", &[(405, 405)], Kind::Request),
    Rule::status("http.413", &[(413, 415)], Kind::Request),
    Rule::status("http.422", &[(422, 422)], Kind::Request),
    Rule::status("http.5xx", &[(500, 500), (502, 504)], Kind::Server),
    // Cloudflare's own: the origin is down, refuses, times out, or its certificate is bad; 530 comes with a 1xxx error
    // (Cloudflare docs, "Cloudflare 5xx errors").
    Rule::status("http.52x", &[(520, 527), (530, 530)], Kind::Edge),
    // Anthropic's `overloaded_error` (docs.claude.com, API errors).
    Rule::status("http.529", &[(529, 529)], Kind::Overloaded),
];
