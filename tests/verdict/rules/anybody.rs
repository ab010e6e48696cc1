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
