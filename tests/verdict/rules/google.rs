//! Gemini, Vertex and Code Assist.

use crate::shape::{NOW, Shape};

pub(super) fn google_error(status: u16, name: &str, message: &str, details: &str) -> String {
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
    let midnight = 1_795_507_200_000 - NOW;
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
fn a_quota_of_nothing_at_the_texts_end() {
    let none = google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: x, limit: 0", "");
    Shape::of("gemini").status(429).body(&*none).is("google.429.no_quota", "model", "account_model");
    let some = none.replace("limit: 0", "limit: 250");
    Shape::of("gemini").status(429).body(some).is("google.429.resource_exhausted", "rate_limit", "account_model");
}
