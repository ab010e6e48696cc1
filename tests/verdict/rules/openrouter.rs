//! OpenRouter.

use crate::shape::{NOW, Shape};

#[test]
fn openrouter() {
    let error = |code: u16, message: &str, metadata: &str| {
        format!(r#"{{"error":{{"code":{code},"message":"{message}","metadata":{{{metadata}}}}}}}"#)
    };
    let openrouter = |status| Shape::of("openrouter").status(status);
    openrouter(402)
        .body(error(402, "…", r#""reason":"in_flight_budget_exhausted","limit_source":"openrouter_in_flight_budget""#))
        .header("retry-after", "4")
        .is("openrouter.402.in_flight_budget", "rate_limit", "account")
        .for_ms(4_000);
    openrouter(402)
        .body(error(402, "…", r#""reason":"weight_exceeds_budget","limit_source":"openrouter_credits""#))
        .is("openrouter.402.weight_exceeds_budget", "request", "none");
    openrouter(402).body(error(402, "…", r#""limit_source":"openrouter_credits""#)).is(
        "openrouter.402.credits",
        "billing",
        "account",
    );
    openrouter(403)
        .body(error(
            403,
            "Budget limit exceeded",
            r#""limit_source":"openrouter_key_limit","resets_at":"2026-11-24T00:00:00Z""#,
        ))
        .is("openrouter.key_budget", "quota", "credential")
        .for_ms(1_795_478_400_000 - NOW);
    openrouter(429)
        .body(error(
            429,
            "Provider returned error",
            r#""raw":"m is temporarily rate-limited upstream","provider_name":"Google""#,
        ))
        .is("openrouter.upstream.429", "overloaded", "pool_model");
    openrouter(200)
        .body(r#"data: {"id":"gen-1","provider":"openai","error":{"code":429,"message":"Rate limit exceeded"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#)
        .is("openrouter.upstream.429", "overloaded", "pool_model");
    openrouter(400).body(error(400, "Provider returned error", r#""provider_name":"Google""#)).is(
        "openrouter.upstream.request",
        "request",
        "none",
    );
    openrouter(502).body(error(502, "Provider returned error", "")).is(
        "openrouter.upstream.error",
        "server",
        "pool_model",
    );
    let daily = "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day";
    openrouter(429)
        .body(error(
            429,
            daily,
            r#""headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1795478400000"},"provider_name":null"#,
        ))
        .is("openrouter.429.free_per_day", "quota", "account_model")
        .for_ms(1_795_478_400_000 - NOW);
    openrouter(429).body(error(429, "Rate limit exceeded", r#""error_type":"rate_limit_exceeded""#)).is(
        "openrouter.429.rate_limit_exceeded",
        "rate_limit",
        "account",
    );
    openrouter(403)
        .body(error(
            403,
            "m requires moderation",
            r#""reasons":["violence"],"flagged_input":"x","provider_name":"OpenAI""#,
        ))
        .is("openrouter.403.moderation", "request", "none");
    openrouter(404).body(error(404, "No endpoints found for m.", "")).is("openrouter.404.model", "model", "model");
    openrouter(401).body(error(401, "User not found.", "")).is("http.401", "auth", "credential");
    openrouter(503).body(error(503, "…", r#""error_type":"provider_overloaded""#)).is(
        "openrouter.provider_overloaded",
        "overloaded",
        "pool_model",
    );
}
