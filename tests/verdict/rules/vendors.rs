//! Vendors with less to say.

use super::{DAY_MS, MONTHS_END_MS};
use crate::shape::{NOW, Shape};

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
    copilot(429).body(weekly).is("copilot.429.weekly", "quota", "account").for_ms(1_795_485_600_000 - NOW);
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
