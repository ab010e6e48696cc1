//! One failure in all the forms in which it reaches us.

use crate::shape::Shape;

const BODY: &str = r#"{"error":{"message":"Rate limit reached for m. Please try again in 7m12s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;

const RULE: &str = "openai.429.rate_limit_exceeded";

/// As a JSON string's content.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[test]
fn a_body_comes_in_many_forms() {
    let python = BODY.replace('"', "'").replace("null", "None");
    let bodies = [
        BODY.to_owned(),
        format!("\u{feff}\n  {BODY}\n"),
        quoted(BODY),
        quoted(&quoted(BODY)),
        format!("[{BODY}]"),
        format!("{{\"error\":{{\"message\":{},\"code\":429,\"status\":\"Too Many Requests\"}}}}", quoted(BODY)),
        format!("event: error\ndata: {BODY}\n\n"),
        format!("data: {{\"type\":\"response.created\"}}\n\ndata: {BODY}\n\ndata: [DONE]\n\n"),
        format!("data: {{\"type\":\"response.failed\",\"response\":{{\"status\":\"failed\",{}}}\n\n", &BODY[1..]),
        BODY[..BODY.len() - 2].to_owned(),
        python,
    ];
    for body in bodies {
        for status in [429, 200] {
            let shape = Shape::of("openai").status(status).body(body.clone());
            shape.is(RULE, "rate_limit", "account_model").for_ms(432_000);
        }
    }
}

#[test]
fn often_there_is_only_a_message() {
    let python = BODY.replace('"', "'").replace("null", "None");
    let escaped = BODY.replace('"', "\\\"");
    for message in [
        format!("Error code: 429 - {python}"),
        format!("429 {BODY}"),
        format!("litellm.RateLimitError: RateLimitError: OpenAIException - {BODY}. Received Model Group=m"),
        format!("upstream said {escaped}"),
        format!("HTTP 429: b'{BODY}'"),
    ] {
        let shape = Shape::of("openai").message(message);
        shape.is(RULE, "rate_limit", "account_model").for_ms(432_000);
    }
}

#[test]
fn the_status_is_in_the_message_if_nowhere_else() {
    for message in
        ["Error code: 503", "503 Service Unavailable", "status code: 503", "HTTP/1.1 503 x", "API Error (503)"]
    {
        Shape::of("custom:mine").message(message).is("http.5xx", "server", "pool");
    }
    for message in ["it took 503 ms", "port 5030", "model 503b", "status pending"] {
        Shape::of("custom:mine").message(message).is("none", "unknown", "none");
    }
}

#[test]
fn what_was_cut_off_is_not_guessed() {
    // Of "7m12s" there is "7m" left.
    let cut = &BODY[..BODY.find("12s").expect("it is there")];
    let shape = Shape::of("openai").status(429).body(cut);
    shape.is(RULE, "rate_limit", "account_model").for_nobody_knows();
    // What had come before the cut counts.
    let body = r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":13872,"resets_at":17954"#;
    Shape::of("openai-codex")
        .status(429)
        .body(body)
        .is("codex.429.usage_limit_reached", "quota", "account")
        .for_ms(13_872_000);
}

#[test]
fn a_page_is_from_somewhere_in_between() {
    let page = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head></html>";
    for status in [200, 401, 403, 520] {
        for body in [page, "  <html>", "<HTML><head>"] {
            Shape::of("openai").status(status).body(body).is("edge.page", "edge", "pool");
        }
    }
    for status in [429, 502, 503] {
        Shape::of("openai").status(status).body(page).is("edge.page", "edge", "pool");
    }
    // A gateway's page says what its status says, unless it is a content network's.
    Shape::of("openai").status(502).body("<html>nginx</html>").is("http.5xx", "server", "pool");
    Shape::of("openai").status(502).body("<html>cloudflare</html>").is("edge.page", "edge", "pool");
    Shape::of("openai").status(403).body("error code: 1020").is("edge.cloudflare", "edge", "pool");
    Shape::of("openai").status(404).body(page).is("http.404", "request", "none");
    Shape::of("openai").status(413).body(page).is("http.413", "request", "none");
    let challenge = Shape::of("openai").status(403).header("cf-mitigated", "challenge");
    challenge.is("edge.challenge", "edge", "pool");
    // Every answer of these vendors went through Cloudflare: that alone says nothing.
    Shape::of("openai").status(403).header("cf-ray", "8f0").is("http.403", "forbidden", "credential");
}

#[test]
fn content_is_not_taken_for_an_error() {
    let bodies = [
        r#"{"choices":[{"message":{"content":"insufficient_quota: {\"error\":{\"code\":\"insufficient_quota\"}}"}}]}"#,
        r#"{"choices":[{"message":{"tool_calls":[{"function":{"arguments":{"error":{"code":"insufficient_quota"}}}}]}}]}"#,
        r#"{"input":[{"error":{"code":"token_revoked"}}],"output":[{"code":"insufficient_quota"}]}"#,
    ];
    for body in bodies {
        Shape::of("openai").status(200).body(body).is("none", "unknown", "none");
        Shape::of("openai").status(429).body(body).is("http.429", "rate_limit", "account");
    }
}

#[test]
fn our_own_errors_come_back() {
    let ours = r#"{"id":3,"ok":false,"error":{"code":"exhausted","message":"all 2 candidates of pool openai are restricted; the first comes back in 30 s","retry_after_ms":30000,"pool":"openai","by_cause":{"rate_limit":2}}}"#;
    for status in [None, Some(429), Some(503)] {
        let shape = Shape::of("openai").body(ours);
        let shape = status.map_or(shape.clone(), |status| shape.status(status));
        shape.is("credpool.own_error", "unknown", "none").for_nobody_knows();
    }
    let message = "the only candidate of pool openai is at their cap or restricted; try again in 3 s";
    Shape::of("openai").status(429).message(message).is("credpool.own_error", "unknown", "none");
    let router = "No deployments available for selected model, Try again in 60 seconds. Passed model=m.";
    Shape::of("litellm").status(429).message(router).is("litellm.no_deployments", "overloaded", "pool_model");
}

#[test]
fn sdks_speak_of_networks_without_a_status() {
    for message in ["Connection error.", "Request timed out.", "fetch failed", "connect ECONNREFUSED 127.0.0.1:1"] {
        Shape::of("openai").message(message).is("text.network", "network", "pool");
    }
    Shape::of("openai").message("Request was aborted.").is("text.cancelled", "cancelled", "none");
    Shape::of("openai").message("something went wrong").is("none", "unknown", "none");
}
