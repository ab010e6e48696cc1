//! What vendors answer.

use serde_json::{Value, json};

use crate::support::{Http, HttpAnswer, HttpRequest, Row};

/// A key whose provider is `server`, as the SDK of OpenAI wants its address.
pub(super) fn key(label: &str, server: &Http) -> Row {
    Row::key(label).set("base_url", json!(format!("{}/v1", server.url())))
}

/// The secret that a request came with.
pub(super) fn secret_of(request: &HttpRequest) -> &str {
    let bearer = request.header("authorization").strip_prefix("Bearer ");
    bearer.unwrap_or_else(|| request.header("x-api-key"))
}

/// The model that a request asks for.
pub(super) fn model_of(request: &HttpRequest) -> String {
    let body: Value = serde_json::from_slice(&request.body).expect("SDKs send JSON");
    body["model"].as_str().expect("a model").to_owned()
}

/// A success, as OpenAI answers.
pub(super) fn completion() -> HttpAnswer {
    let message = json!({"role": "assistant", "content": "Hello"});
    HttpAnswer::json(
        200,
        &json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
               "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}),
    )
}

/// OpenAI's tokens per minute of a model.
pub(super) fn tokens_per_minute(model: &str) -> HttpAnswer {
    let message = format!(
        "Rate limit reached for {model} in organization org-x on tokens per min (TPM): Limit 30000, Used 30000, \
         Requested 500. Please try again in 40s."
    );
    let error = json!({"message": message, "type": "tokens", "param": null, "code": "rate_limit_exceeded"});
    HttpAnswer::json(429, &json!({"error": error}))
}

/// The used-up window of a ChatGPT plan.
pub(super) fn usage_limit_reached(resets_in_s: u64) -> HttpAnswer {
    let error = json!({"type": "usage_limit_reached", "message": "The usage limit has been reached",
                       "plan_type": "plus", "resets_in_seconds": resets_in_s});
    HttpAnswer::json(429, &json!({"error": error}))
}

/// OpenAI's failure of its own.
pub(super) fn server_error() -> HttpAnswer {
    let message = "The server had an error while processing your request. Sorry about that!";
    HttpAnswer::json(500, &json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}}))
}

/// OpenAI's answer to a key that it does not know.
pub(super) fn no_such_key() -> HttpAnswer {
    let error = json!({"message": "Incorrect API key provided.", "type": "invalid_request_error", "param": null,
                       "code": "invalid_api_key"});
    HttpAnswer::json(401, &json!({"error": error}))
}

/// A 429 that says nothing but when to come back.
pub(super) fn retry_after(seconds: u64) -> HttpAnswer {
    HttpAnswer::json(429, &json!({"error": {"message": "Too many requests"}})).header("retry-after", &seconds)
}
