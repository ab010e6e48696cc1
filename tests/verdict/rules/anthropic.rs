//! Anthropic, by key and by subscription.

use super::MONTHS_END_MS;
use crate::shape::{NOW, Shape};

#[test]
fn anthropic() {
    let error = |kind: &str, message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#)
    };
    let anthropic = |status| Shape::of("anthropic").status(status);
    anthropic(429)
        .body(error("rate_limit_error", "This request would exceed your organization's rate limit"))
        .header("retry-after", "12")
        .header("anthropic-ratelimit-requests-remaining", "0")
        .header("anthropic-ratelimit-requests-reset", "2026-11-23T22:30:00Z")
        .is("anthropic.429.rate_limit_error", "rate_limit", "account_model")
        .for_ms(12_000);
    let capped = r#"{"type":"error","error":{"type":"rate_limit_error","message":"…","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    anthropic(429).body(capped).is("anthropic.429.enforced_spend_limit", "quota", "account").for_ms(MONTHS_END_MS);
    anthropic(400)
        .body(error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."))
        .is("anthropic.400.credit_balance", "billing", "account");
    anthropic(400)
        .body(error(
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
        ))
        .is("anthropic.400.spend_limit", "quota", "account")
        .for_ms(MONTHS_END_MS);
    anthropic(529).body(error("overloaded_error", "Overloaded")).is(
        "anthropic.529.overloaded_error",
        "overloaded",
        "pool",
    );
    anthropic(200).body(format!("event: error\ndata: {}\n\n", error("overloaded_error", "Overloaded"))).is(
        "anthropic.529.overloaded_error",
        "overloaded",
        "pool",
    );
    anthropic(401).body(error("authentication_error", "invalid x-api-key")).is(
        "anthropic.401.token",
        "auth",
        "credential",
    );
    anthropic(403).body(error("permission_error", "…")).is("anthropic.403.permission_error", "forbidden", "credential");
    anthropic(404).body(error("not_found_error", "model: m")).is("anthropic.404.model", "model", "model");
    anthropic(413).body(error("request_too_large", "…")).is("anthropic.request", "request", "none");
    anthropic(402).body(error("billing_error", "…")).is("anthropic.402.billing_error", "billing", "account");
    anthropic(500).body(error("api_error", "…")).is("anthropic.5xx", "server", "pool");
    anthropic(429).body(error("rate_limit_error", "Usage credits are required for long context requests.")).is(
        "anthropic.429.long_context",
        "request",
        "none",
    );
}

#[test]
fn anthropics_subscriptions() {
    let error = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account's rate limit. Please try again later."}}"#;
    let limited = || Shape::of("anthropic").status(429).body(error);
    let rejected = limited()
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-5h-status", "rejected")
        .header("anthropic-ratelimit-unified-5h-reset", "1795471660")
        .header("anthropic-ratelimit-unified-7d-status", "allowed_warning")
        .header("anthropic-ratelimit-unified-7d-reset", "1795900000");
    rejected.is("anthropic.429.unified", "quota", "account").for_ms(60_000);
    // Of the windows that are spent the latest counts, whichever is named the representative one.
    let week = rejected
        .clone()
        .header("anthropic-ratelimit-unified-7d-status", "rejected")
        .header("anthropic-ratelimit-unified-representative-claim", "five_hour");
    week.is("anthropic.429.unified", "quota", "account").for_ms(1_795_900_000_000 - NOW);
    let both = rejected.header("anthropic-ratelimit-unified-7d_oi-status", "rejected");
    both.is("anthropic.429.unified", "quota", "account");
    let family = limited()
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-5h-status", "allowed")
        .header("anthropic-ratelimit-unified-7d_oi-status", "rejected")
        .header("anthropic-ratelimit-unified-7d_oi-reset", "1795900000");
    family.is("anthropic.429.unified_model", "quota", "account_model").for_ms(1_795_900_000_000 - NOW);
    let claimed = limited()
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-representative-claim", "five_hour")
        .header("anthropic-ratelimit-unified-reset", "1795471700");
    claimed.is("anthropic.429.unified", "quota", "account").for_ms(100_000);
    // A limit of pace, with all windows open.
    let pace = limited().header("anthropic-ratelimit-unified-status", "allowed").header("retry-after", "3");
    pace.is("anthropic.429.account", "rate_limit", "account").for_ms(3_000);
}
