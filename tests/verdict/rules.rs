//! What vendors send, by vendor. The shapes are those of their documentation and of public threads; a rule's own
//! comment says which.

use crate::shape::Shape;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// From now until the month is over (UTC), in milliseconds.
const MONTHS_END_MS: u64 = 1_796_083_200_000 - crate::shape::NOW;

#[test]
fn openai() {
    let openai = || Shape::of("openai").status(429);
    let limited = "Rate limit reached for m in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 3000. Please try again in 5.289s.";
    openai()
        .error("tokens", "rate_limit_exceeded", limited)
        .is("openai.429.rate_limit_exceeded", "rate_limit", "account_model")
        .for_ms(5_289);
    let large = "Request too large for m in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000.";
    openai().error("tokens", "rate_limit_exceeded", large).is("openai.429.request_too_large", "request", "none");
    for code in ["insufficient_quota", "credit_balance_exhausted", "billing_not_active"] {
        openai()
            .error("insufficient_quota", code, "You exceeded your current quota, please check your plan.")
            .header("retry-after", "5")
            .is("openai.429.insufficient_quota", "billing", "account")
            .for_nobody_knows();
    }
    openai()
        .error("insufficient_quota", "organization_spend_limit_exceeded", "…")
        .is("openai.429.spend_limit", "quota", "account")
        .for_ms(MONTHS_END_MS);
    openai()
        .error("insufficient_quota", "project_spend_limit_exceeded", "…")
        .is("openai.429.project_spend_limit", "quota", "credential")
        .for_ms(MONTHS_END_MS);
    openai().error("rate_limit_error", "slow_down", "…").is("openai.429.slow_down", "rate_limit", "account_model");
    let full = Shape::of("openai").status(503);
    full.clone().error("service_unavailable_error", "slow_down", "…").is("openai.503.overloaded", "overloaded", "pool");
    full.error("service_unavailable_error", "server_is_overloaded", "…").is(
        "openai.503.overloaded",
        "overloaded",
        "pool",
    );
    let wrong =
        Shape::of("openai").status(401).error("invalid_request_error", "invalid_api_key", "Incorrect API key provided");
    wrong.is("code.auth", "auth", "credential");
    let gone = Shape::of("openai").status(401).error("invalid_request_error", "account_deactivated", "…");
    gone.is("openai.account_deactivated", "dead", "credential");
    let model = Shape::of("openai").status(404).error(
        "invalid_request_error",
        "model_not_found",
        "The model `m` does not exist",
    );
    model.is("openai.model_not_found", "model", "model");
    let long = Shape::of("openai").status(400).error("invalid_request_error", "context_length_exceeded", "…");
    long.is("openai.request", "request", "none");
    let country =
        Shape::of("openai").status(403).error("request_forbidden", "unsupported_country_region_territory", "…");
    country.is("openai.403.country", "edge", "pool");
    let server = Shape::of("openai").status(500).body(r#"{"error":{"message":"…","type":"server_error","code":null}}"#);
    server.is("type.server", "server", "pool");
}

#[test]
fn codexs_headers_hold_errors() {
    // {"error":{"code":"token_revoked"}}
    const REVOKED: &str = "eyJlcnJvciI6eyJjb2RlIjoidG9rZW5fcmV2b2tlZCJ9fQ==";
    let refused = || Shape::of("openai-codex").status(401).body(r#"{"detail":"Unauthorized"}"#);
    refused().is("code.auth", "auth", "credential");
    refused().header("x-error-json", REVOKED).is("code.terminal", "dead", "credential");
    refused().header("x-openai-ide-error-code", "token_invalidated").is("code.terminal", "dead", "credential");
    for nothing in ["", "e30=", "!", &REVOKED[..20], "/w=="] {
        refused().header("x-error-json", nothing).is("code.auth", "auth", "credential");
    }
    // {"user":{"code":"token_revoked"}}
    const ELSEWHERE: &str = "eyJ1c2VyIjp7ImNvZGUiOiJ0b2tlbl9yZXZva2VkIn19";
    refused().header("x-error-json", ELSEWHERE).is("code.auth", "auth", "credential");
}

#[test]
fn codex() {
    let codex = || Shape::of("openai-codex").status(429);
    let spent = r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_at":1795485472,"resets_in_seconds":13872}}"#;
    codex().body(spent).is("codex.429.usage_limit_reached", "quota", "account").for_ms(13_872_000);
    let family = codex().body(spent).header("x-codex-active-limit", "codex_bengalfox");
    family.is("codex.429.usage_limit_reached", "quota", "account_model");
    let plan = codex().body(spent).header("x-codex-active-limit", "premium");
    plan.is("codex.429.usage_limit_reached", "quota", "account");
    let reached = |which| codex().body(spent).header("x-codex-rate-limit-reached-type", which);
    reached("workspace_owner_credits_depleted").is("codex.credits_depleted", "billing", "account");
    let members = reached("workspace_member_usage_limit_reached");
    members.is("codex.429.usage_limit_reached", "quota", "account").for_ms(13_872_000);
    reached("something_new").is("codex.429.usage_limit_reached", "quota", "account");
    codex().body(r#"{"error":{"type":"usage_not_included"}}"#).is("codex.usage_not_included", "forbidden", "account");
    codex().body(r#"{"error":{"message":"Selected model is at capacity. Please try a different model."}}"#).is(
        "codex.model_at_capacity",
        "overloaded",
        "pool_model",
    );
    // Over a web socket: the headers are in the event.
    let event = r#"{"type":"error","error":{"type":"usage_limit_reached","message":"…"},"status_code":429,"headers":{"X-Codex-Primary-Used-Percent":"100","X-Codex-Primary-Reset-At":"1795471660","X-Codex-Secondary-Used-Percent":"80","X-Codex-Secondary-Reset-At":"1798239400"}}"#;
    Shape::of("openai-codex")
        .message(format!("Codex error: {event}"))
        .is("codex.429.usage_limit_reached", "quota", "account")
        .for_ms(60_000);
    let workspace = Shape::of("openai-codex").status(402).body(r#"{"detail":{"code":"deactivated_workspace"}}"#);
    workspace.is("codex.deactivated_workspace", "billing", "account");
    let reused = Shape::of("openai-codex").status(401).error("invalid_request_error", "refresh_token_reused", "…");
    reused.is("codex.401.refresh_token", "dead", "credential");
}

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
    week.is("anthropic.429.unified", "quota", "account").for_ms(1_795_900_000_000 - crate::shape::NOW);
    let both = rejected.header("anthropic-ratelimit-unified-7d_oi-status", "rejected");
    both.is("anthropic.429.unified", "quota", "account");
    let family = limited()
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-5h-status", "allowed")
        .header("anthropic-ratelimit-unified-7d_oi-status", "rejected")
        .header("anthropic-ratelimit-unified-7d_oi-reset", "1795900000");
    family.is("anthropic.429.unified_model", "quota", "account_model").for_ms(1_795_900_000_000 - crate::shape::NOW);
    let claimed = limited()
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-representative-claim", "five_hour")
        .header("anthropic-ratelimit-unified-reset", "1795471700");
    claimed.is("anthropic.429.unified", "quota", "account").for_ms(100_000);
    // A limit of pace, with all windows open.
    let pace = limited().header("anthropic-ratelimit-unified-status", "allowed").header("retry-after", "3");
    pace.is("anthropic.429.account", "rate_limit", "account").for_ms(3_000);
}

fn google_error(status: u16, name: &str, message: &str, details: &str) -> String {
    format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"{name}","details":[{details}]}}}}"#)
}

#[test]
fn gemini() {
    let gemini = |status| Shape::of("gemini").status(status);
    let failure = |id: &str, value: &str| {
        format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaMetric":"generativelanguage.googleapis.com/x","quotaId":"{id}","quotaValue":"{value}"}}]}}"#
        )
    };
    let retry = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.074824224s"}"#;
    let exceeded = |details: &str| google_error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", details);
    let minute = failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "10");
    let day = failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250");
    gemini(429)
        .body(exceeded(&format!("{minute},{retry}")))
        .is("google.429.resource_exhausted", "rate_limit", "account_model")
        .for_ms(34_075);
    gemini(429)
        .body(exceeded(&minute))
        .is("google.429.resource_exhausted", "rate_limit", "account_model")
        .for_ms(60_000);
    // Midnight Pacific standard time.
    let midnight = 1_795_507_200_000 - crate::shape::NOW;
    gemini(429).body(exceeded(&day)).is("google.429.quota_per_day", "quota", "account_model").for_ms(midnight);
    let project = failure("GenerateRequestsPerDayPerProject", "250");
    gemini(429).body(exceeded(&project)).is("google.429.quota_per_day", "quota", "account");
    let none = failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0");
    gemini(429).body(exceeded(&none)).is("google.429.no_quota", "model", "account_model").for_nobody_knows();
    gemini(429).body(format!("[{}]", exceeded(&minute))).is(
        "google.429.resource_exhausted",
        "rate_limit",
        "account_model",
    );
    let invalid = google_error(400, "INVALID_ARGUMENT", "API key not valid.", r#"{"reason":"API_KEY_INVALID"}"#);
    gemini(400).body(invalid).is("google.400.api_key_invalid", "auth", "credential");
    let full = google_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.", "");
    gemini(503).body(full).is("google.503.overloaded", "overloaded", "pool_model");
    let internal = google_error(500, "INTERNAL", "An internal error has occurred.", "");
    gemini(500).body(internal).is("google.5xx", "server", "pool");
    let denied = google_error(403, "PERMISSION_DENIED", "…", "");
    gemini(403).body(denied).is("google.403.permission_denied", "forbidden", "credential");
    let place = google_error(400, "FAILED_PRECONDITION", "User location is not supported for the API use.", "");
    gemini(400).body(place).is("google.400.location", "edge", "pool");
}

#[test]
fn googles_python_sdk_prints_protobufs() {
    let message = "429 You exceeded your current quota. [violations {\n  quota_metric: \"generativelanguage.googleapis.com/x\"\n  quota_id: \"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\"\n  quota_value: 10\n}\n, links {\n  url: \"https://x\"\n}\n, retry_delay {\n  seconds: 54\n}\n]";
    Shape::of("gemini").message(message).is("google.429.quota_exceeded", "rate_limit", "account_model").for_ms(54_000);
}

#[test]
fn code_assist() {
    let assist = |status| Shape::of("google-gemini-cli").status(status);
    let info = |reason: &str, metadata: &str| {
        format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}","domain":"cloudcode-pa.googleapis.com","metadata":{{{metadata}}}}}"#
        )
    };
    let spent = info("QUOTA_EXHAUSTED", r#""quotaResetDelay":"156h14m36.752463453s","model":"m""#);
    assist(429)
        .body(google_error(429, "RESOURCE_EXHAUSTED", "You have exhausted your capacity on this model.", &spent))
        .is("google.429.quota_exhausted", "quota", "account_model")
        .for_ms(562_476_753);
    let limited = info("RATE_LIMIT_EXCEEDED", r#""quota_limit":"RequestsPerMinutePerProject""#);
    assist(429)
        .body(google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", &limited))
        .is("google.429.rate_limit_exceeded", "rate_limit", "account_model")
        .for_ms(60_000);
    let full = info("MODEL_CAPACITY_EXHAUSTED", "");
    assist(429)
        .body(google_error(429, "RESOURCE_EXHAUSTED", "No capacity available for model m on the server", &full))
        .is("google.429.model_capacity", "overloaded", "pool_model");
    let credits = info("INSUFFICIENT_G1_CREDITS_BALANCE", "");
    assist(429)
        .body(google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", &credits))
        .is("google.429.credits", "billing", "account");
    let person = info("VALIDATION_REQUIRED", "");
    assist(403).body(google_error(403, "PERMISSION_DENIED", "Verify your account to continue.", &person)).is(
        "google.403.validation_required",
        "forbidden",
        "account",
    );
}

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
        .for_ms(1_795_478_400_000 - crate::shape::NOW);
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
        .for_ms(1_795_478_400_000 - crate::shape::NOW);
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

#[test]
fn groq() {
    let limited = "Rate limit reached for model `m` in organization `org_x` service tier `on_demand` on requests per day (RPD): Limit 1000. Please try again in 1m26.4s.";
    Shape::of("groq")
        .status(429)
        .error("requests", "rate_limit_exceeded", limited)
        .header("retry-after", "87")
        .is("groq.429.per_day", "quota", "account_model")
        .for_ms(87_000);
    let large = "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000";
    Shape::of("groq").status(413).error("tokens", "rate_limit_exceeded", large).is(
        "groq.413.request_too_large",
        "request",
        "none",
    );
    Shape::of("groq")
        .status(400)
        .error("invalid_request_error", "blocked_api_access", "…")
        .is("groq.400.spend_limit", "quota", "account")
        .for_ms(MONTHS_END_MS);
    let restricted = Shape::of("groq").status(400).error("invalid_request_error", "organization_restricted", "…");
    restricted.is("groq.organization_restricted", "forbidden", "account");
    Shape::of("groq").status(498).is("groq.498", "overloaded", "pool_model");
}

#[test]
fn mistral() {
    let error = |message: &str, kind: &str, code: &str| {
        format!(
            r#"{{"object":"error","message":"{message}","type":"{kind}","param":null,"code":{code},"raw_status_code":429}}"#
        )
    };
    let mistral = || Shape::of("mistral").status(429);
    mistral().body(error("Rate limit exceeded", "rate_limited", "\"1300\"")).is(
        "mistral.429.rate_limited",
        "rate_limit",
        "account",
    );
    mistral().body(r#"{"message":"Requests rate limit exceeded"}"#).is(
        "mistral.429.rate_limited",
        "rate_limit",
        "account",
    );
    let full = error("Service tier capacity exceeded for this model.", "invalid_request_error", "null");
    mistral().body(full).is("mistral.capacity", "overloaded", "pool_model");
    Shape::of("mistral").status(401).body(r#"{"detail":"Unauthorized"}"#).is("code.auth", "auth", "credential");
}

#[test]
fn xai() {
    let error = |code: &str, message: &str| format!(r#"{{"code":"{code}","error":"{message}"}}"#);
    let xai = |status| Shape::of("xai").status(status);
    xai(429).body(error("Some resource has been exhausted", "Too many requests for team x and model m")).is(
        "xai.429.resource_exhausted",
        "rate_limit",
        "account_model",
    );
    xai(429)
        .body(error("subscription:free-usage-exhausted", "You have used up your free usage"))
        .is("xai.429.free_usage", "quota", "account")
        .for_ms(DAY_MS);
    xai(403)
        .body(error("personal-team-blocked:spending-limit", "You have run out of credits or need a Grok subscription."))
        .is("xai.403.spending_limit", "billing", "account");
    xai(429)
        .body(error("x", "Your team x has either used all available credits or reached its monthly spending limit."))
        .is("xai.credits", "billing", "account");
    xai(403).body(error("unauthenticated:bad-credentials", "…")).is("xai.bad_credentials", "auth", "credential");
    xai(400).body(error("Client specified an invalid argument", "Incorrect API key provided: xa***aa.")).is(
        "xai.400.api_key",
        "auth",
        "credential",
    );
}

#[test]
fn azure() {
    let error = |code: &str, message: &str| format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
    let azure = |status| Shape::of("azure-openai").status(status);
    let limited = "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 37 seconds.";
    azure(429).body(error("429", limited)).is("azure.429.rate_limit", "rate_limit", "account_model").for_ms(37_000);
    // The SDK reads milliseconds first, and so do we.
    azure(429)
        .header("retry-after", "2")
        .header("retry-after-ms", "1234")
        .is("azure.429", "rate_limit", "account_model")
        .for_ms(1_234);
    // The Responses API's `-1` says nothing.
    azure(429)
        .header("x-ratelimit-limit-tokens", "-1")
        .header("x-ratelimit-remaining-tokens", "-1")
        .header("x-ratelimit-reset-tokens", "0")
        .is("azure.429", "rate_limit", "account_model")
        .for_nobody_knows();
    azure(429).body(error("429", "System is experiencing high demand")).is(
        "azure.429.high_demand",
        "overloaded",
        "pool",
    );
    azure(404).body(error("DeploymentNotFound", "…")).is("azure.model", "model", "model");
    azure(400).body(error("content_filter", "…")).is("azure.content_filter", "request", "none");
    azure(401).body(error("401", "Access denied due to invalid subscription key or wrong API endpoint.")).is(
        "azure.401.key",
        "auth",
        "credential",
    );
}

#[test]
fn cerebras() {
    let error = |message: &str, code: &str| {
        format!(r#"{{"message":"{message}","type":"too_many_requests_error","param":"quota","code":"{code}"}}"#)
    };
    let cerebras = || Shape::of("cerebras").status(429);
    cerebras()
        .body(error("Requests per minute limit exceeded - too many requests sent.", "request_quota_exceeded"))
        .header("x-ratelimit-remaining-tokens-minute", "0")
        .header("x-ratelimit-reset-tokens-minute", "11.38")
        .header("x-ratelimit-remaining-requests-day", "100")
        .header("x-ratelimit-reset-requests-day", "33011.38")
        .is("cerebras.429.quota_exceeded", "rate_limit", "account_model")
        .for_ms(11_380);
    cerebras().body(error("We're experiencing high traffic right now!", "queue_exceeded")).is(
        "cerebras.429.queue",
        "overloaded",
        "pool_model",
    );
}

#[test]
fn bedrock() {
    let bedrock = |status, exception| Shape::of("bedrock").status(status).header("x-amzn-errortype", exception);
    bedrock(429, "ThrottlingException:http://internal.amazon.com/")
        .body(r#"{"message":"Too many requests, please wait before trying again."}"#)
        .is("bedrock.429.throttling", "rate_limit", "account_model");
    bedrock(429, "ThrottlingException")
        .body(r#"{"message":"Too many tokens per day, please wait before trying again."}"#)
        .is("bedrock.429.daily_quota", "quota", "account_model");
    bedrock(400, "ServiceQuotaExceededException").is("bedrock.400.service_quota", "quota", "account");
    bedrock(403, "ExpiredTokenException").is("bedrock.403.credentials", "auth", "credential");
    bedrock(403, "AccessDeniedException")
        .body(r#"{"message":"You don't have access to the model with the specified model ID."}"#)
        .is("bedrock.403.model_access", "model", "model");
    bedrock(403, "AccessDeniedException").body(r#"{"message":"not authorized"}"#).is(
        "bedrock.403.access_denied",
        "forbidden",
        "credential",
    );
    let event = Shape::of("bedrock").status(200).body(r#"{"throttlingException":{"message":"Too many requests"}}"#);
    event.is("bedrock.429.throttling", "rate_limit", "account_model");
    let python = "An error occurred (ThrottlingException) when calling the ConverseStream operation: Too many tokens per day, please wait before trying again.";
    Shape::of("bedrock").message(python).is("bedrock.429.daily_quota", "quota", "account_model");
}

#[test]
fn copilot() {
    let copilot = |status| Shape::of("copilot").status(status);
    let coded = |code: &str| format!(r#"{{"error":{{"message":"…","code":"{code}"}}}}"#);
    copilot(429).body(coded("user_global_rate_limited:pro")).is("copilot.429.rate_limited", "rate_limit", "account");
    copilot(429).body(coded("user_model_rate_limited")).is("copilot.429.model", "rate_limit", "account_model");
    copilot(429).body(coded("user_weekly_rate_limited")).is("copilot.429.weekly", "quota", "account");
    copilot(429).body(coded("model_overloaded")).is("copilot.upstream", "overloaded", "pool_model");
    copilot(402)
        .body(coded("quota_exceeded"))
        .is("copilot.402.quota_exceeded", "quota", "account")
        .for_ms(MONTHS_END_MS);
    let prose = "Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make within a specific time period. Please try again in 51 hours. Please review our Terms of Service";
    copilot(429).body(prose).is("copilot.429.rate_limited", "rate_limit", "account").for_ms(51 * 3_600_000);
    let weekly = "You've reached your weekly rate limit. Please wait for your limit to reset on November 24, 2026 at 2:00 AM or switch to auto model";
    copilot(429)
        .body(weekly)
        .is("copilot.429.weekly", "quota", "account")
        .for_ms(1_795_485_600_000 - crate::shape::NOW);
    copilot(429).header("x-ratelimit-exceeded", "global-chat:global-cogs-7-day-key").is(
        "copilot.429.long_window",
        "quota",
        "account",
    );
}

#[test]
fn zai() {
    let error = |code: &str, message: &str| format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
    let zai = || Shape::of("zai").status(429);
    zai()
        .body(error("1308", "Usage limit reached for 5 hour. Your limit will reset at 2026-11-24 07:06:40"))
        .is("zai.usage_limit", "quota", "account")
        .for_ms(3_600_000);
    zai().body(error("1302", "…")).is("zai.rate_limit", "rate_limit", "account_model");
    zai().body(error("1113", "Insufficient balance or no resource package.")).is(
        "zai.1113.arrears",
        "billing",
        "account",
    );
    zai().body(error("1312", "…")).is("zai.overloaded", "overloaded", "pool_model");
    Shape::of("zai").status(401).body(error("1001", "…")).is("zai.auth", "auth", "credential");
    Shape::of("zai").status(400).body(error("1211", "…")).is("zai.model", "model", "model");
}

#[test]
fn minimax() {
    let answer = |code: u16, message: &str| {
        Shape::of("minimax")
            .status(200)
            .body(format!(r#"{{"base_resp":{{"status_code":{code},"status_msg":"{message}"}}}}"#))
    };
    answer(1008, "insufficient balance").is("minimax.1008.balance", "billing", "account");
    answer(1002, "rate limit").is("minimax.rate_limit", "rate_limit", "account");
    answer(2056, "usage limit exceeded").is("minimax.usage_limit", "quota", "account");
    answer(1004, "login fail").is("minimax.auth", "auth", "credential");
    answer(2013, "invalid params").is("minimax.request", "request", "none");
    answer(0, "success").is("none", "unknown", "none");
}

#[test]
fn deepseek() {
    let deepseek = |status| Shape::of("deepseek").status(status);
    deepseek(402).error("unknown_error", "invalid_request_error", "Insufficient Balance").is(
        "deepseek.402.balance",
        "billing",
        "account",
    );
    deepseek(429).is("deepseek.429", "rate_limit", "account_model");
    deepseek(503).is("deepseek.503", "overloaded", "pool");
}

#[test]
fn anybody_else() {
    let other = |status| Shape::of("custom:mine").status(status);
    other(402).error("billing", "insufficient_credits", "…").is("code.billing", "billing", "account");
    other(400).body(r#"{"error":"Insufficient credits"}"#).is("text.billing", "billing", "account");
    other(401).error("x", "token_revoked", "…").is("code.terminal", "dead", "credential");
    other(403).error("x", "token_revoked", "…").is("http.403", "forbidden", "credential");
    other(429)
        .error("x", "rate_limit_exceeded", "Try again in 2s")
        .is("code.rate_limit", "rate_limit", "account")
        .for_ms(2_000);
    other(429).error("engine_overloaded_error", "x", "…").is("moonshot.overloaded", "overloaded", "pool");
    other(429).body("Too Many Requests").is("http.429", "rate_limit", "account");
    other(429).body("").is("http.429", "rate_limit", "account");
    // Whose shape it is tells the vendor where no name does.
    let gemini = google_error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota. Please retry in 34s.", "");
    other(429).body(gemini).is("google.429.resource_exhausted", "rate_limit", "account_model").for_ms(34_000);
}
