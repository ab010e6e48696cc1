//! OpenAI, Codex and Azure.

use super::MONTHS_END_MS;
use crate::shape::Shape;

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
fn a_model_that_the_plan_does_not_have() {
    let message = "The 'gpt-5.3-codex' model is not supported when using Codex with a ChatGPT account.";
    let bodies = [
        format!(r#"{{"detail":"{message}"}}"#),
        format!(r#"{{"type":"error","status":400,"error":{{"type":"invalid_request_error","message":"{message}"}}}}"#),
    ];
    for body in bodies {
        let codex = Shape::of("openai-codex").status(400).body(body);
        codex.is("codex.400.model_not_supported", "model", "model");
    }
}
