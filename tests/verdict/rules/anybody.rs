//! Endpoints that nobody knows, and what is the same everywhere.

use super::google::google_error;
use crate::shape::Shape;

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

#[test]
fn what_a_request_says_is_not_what_the_error_says() {
    let at_fault = [
        (
            "openai",
            r#"{"error":{"message":"Invalid schema for function 'x': 'top up your card' is not valid","type":"invalid_request_error","param":"tools[0]","code":"invalid_function_parameters"}}"#,
        ),
        (
            "openai",
            r#"{"error":{"message":"Invalid schema for function x, top up your card","type":"invalid_request_error","param":"tools[0]","code":null}}"#,
        ),
        (
            "custom:mine",
            r#"{"error":{"message":"Bad tool name 'payment required'","type":"invalid_request_error","code":null}}"#,
        ),
        (
            "custom:mine",
            r#"{"error":{"message":"Cannot parse \"insufficient funds\"","type":"invalid_request_error"}}"#,
        ),
        (
            "anthropic",
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"tools.0.custom.name: 'credit balance is too low' bad"}}"#,
        ),
        ("custom:mine", r#"{"error":{"message":"Wrong content how do I fix invalid api key","code":"invalid_value"}}"#),
        (
            "custom:mine",
            r#"{"error":{"message":"tool_call_id 'x' does not exist; the model must respond","type":"invalid_request_error"}}"#,
        ),
    ];
    for (pool, body) in at_fault {
        let verdict = Shape::of(pool).status(400).body(body).verdict();
        assert_eq!(verdict.kind.as_str(), "request", "{body}: {verdict:?}");
    }
    let blocked = r#"{"error":{"message":"Content blocked: 'daily limit of calories'"}}"#;
    Shape::of("custom:mine").status(403).body(blocked).is("http.403", "forbidden", "credential");
}

#[test]
fn what_an_error_says_of_itself_counts_with_a_400_too() {
    let low = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.";
    let body = format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{low}"}}}}"#);
    let anthropic = Shape::of("anthropic").status(400);
    anthropic.clone().body(&*body).is("anthropic.400.credit_balance", "billing", "account");
    let wrapped = format!("litellm.BadRequestError: AnthropicException - {body}").replace('"', "\\\"");
    let wrapped = format!(r#"{{"error":{{"message":"{wrapped}","type":null,"param":null,"code":"400"}}}}"#);
    Shape::of("custom:mine").status(400).body(wrapped).is("anthropic.400.credit_balance", "billing", "account");
    let other = |message: &str| Shape::of("custom:mine").status(400).error("invalid_request_error", "x", message);
    other("Insufficient balance").is("text.billing", "billing", "account");
    other("OpenAIException: Insufficient credits").is("text.billing", "billing", "account");
    other("Incorrect API key provided: 'x'").is("text.api_key", "auth", "credential");
    other("The model `x` does not exist or you do not have access to it.").is("text.model", "model", "model");
}

#[test]
fn a_refused_grant_is_void_for_good() {
    for pool in ["openai-codex", "anthropic", "gemini-cli", "custom:mine"] {
        let refused = Shape::of(pool).body(r#"{"error":"invalid_grant","error_description":"Token has been revoked"}"#);
        for refused in [refused.clone().status(400), refused.clone().status(401), refused] {
            refused.is("code.invalid_grant", "dead", "credential");
        }
    }
}

#[test]
fn a_models_quota_that_nobody_named_is_no_reason_to_leave_all_models_alone_until_it_is_over() {
    let opus = |model| {
        Shape::of("anthropic")
            .model(model)
            .status(429)
            .header("anthropic-ratelimit-unified-status", "rejected")
            .header("anthropic-ratelimit-unified-representative-claim", "seven_day_opus")
            .header("anthropic-ratelimit-unified-7d_opus-reset", "1795871600")
            .header("retry-after", "400000")
    };
    opus(Some("claude-opus-4-5")).is("anthropic.429.unified_model", "quota", "account_model").for_ms(400_000_000);
    opus(None).is("anthropic.429.unified_model", "quota", "account").for_nobody_knows();
    let free = |model| Shape::of("openrouter").model(model).status(429).message("limit exceeded: free-models-per-day");
    free(Some("m:free")).is("openrouter.429.free_per_day", "quota", "account_model").for_ms(6_800_000);
    free(None).is("openrouter.429.free_per_day", "quota", "account").for_nobody_knows();
    // A pace is a matter of moments, and what an account has used up is the same for all models.
    let pace = |model| Shape::of("openai").model(model).status(429);
    pace(None).error("tokens", "rate_limit_exceeded", "Please try again in 1.2s.").for_ms(1_200);
    let plan = Shape::of("openai-codex").model(None).status(429);
    plan.body(r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":3600}}"#).for_ms(3_600_000);
}

#[test]
fn a_spent_window_is_a_quota_from_an_hour_on() {
    let spent = |policy| {
        Shape::of("custom:mine").status(429).header("ratelimit", "\"w\";r=0;t=9").header("ratelimit-policy", policy)
    };
    spent("\"w\";w=3599").is("http.429", "rate_limit", "account");
    spent("\"w\";w=3600").is("window.spent", "quota", "account");
}
