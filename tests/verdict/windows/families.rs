//! Windows of families of models, beside those of all.

use super::*;

/// A response to a request for gpt-5.5, beside which the window of Spark is spent for days.
fn beside_spark(status: u16) -> Shape {
    Shape::of("openai-codex")
        .model(Some("gpt-5.5"))
        .status(status)
        .header("x-codex-active-limit", "codex")
        .header("x-codex-bengalfox-limit-name", "GPT-5.3-Codex-Spark")
        .header("x-codex-bengalfox-primary-used-percent", "100")
        .header("x-codex-bengalfox-primary-reset-after-seconds", "400000")
}

#[test]
fn a_spent_family_of_codex_restricts_no_other_model() {
    let spark = QuotaWindow {
        family: Some("gpt-5.3-codex-spark".to_owned()),
        used_permille: Some(1_000),
        resets: after(400_000_000),
        ..window("codex-bengalfox.primary")
    };
    let shape = beside_spark(200);
    assert_eq!(shape.windows(), std::slice::from_ref(&spark));
    assert_eq!(shape.clone().model(None).windows(), std::slice::from_ref(&spark), "nor all of them, if none is named");
    let own = shape.clone().model(Some("gpt-5.3-codex-spark")).windows();
    let wait = wait(Kind::Quota, after(400_000_000), "header:x-codex-bengalfox-primary-reset-after-seconds", "400000");
    assert_eq!(own, [QuotaWindow { model: true, family: None, spent: true, wait, ..spark.clone() }]);
    // What the backend applied is this request's, whatever it is called; yet it is no account's.
    let applied = shape.header("x-codex-active-limit", "codex_bengalfox");
    assert!(applied.windows()[0].spent);
    assert!(!applied.model(None).windows()[0].spent);
}

#[test]
fn a_spent_family_of_codex_puts_off_no_other_limit() {
    let plan = beside_spark(429)
        .header("x-codex-primary-used-percent", "100")
        .header("x-codex-primary-reset-after-seconds", "3600")
        .body(r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":3600}}"#);
    plan.is("codex.429.usage_limit_reached", "quota", "account").for_ms(3_600_000);
    let pace = beside_spark(429).error("tokens", "rate_limit_exceeded", "Please try again in 1.2s.");
    pace.is("openai.429.rate_limit_exceeded", "rate_limit", "account_model").for_ms(1_200);
}

#[test]
fn a_spent_family_of_anthropic_puts_off_no_other_limit() {
    for family in ["7d_opus", "7d_oi"] {
        let header = |part: &str| &*Box::leak(format!("anthropic-ratelimit-unified-{family}-{part}").into_boxed_str());
        let shape = |status: u16, model: &'static str| {
            Shape::of("anthropic")
                .model(Some(model))
                .status(status)
                .header(header("status"), "rejected")
                .header(header("utilization"), "1.0")
                .header(header("reset"), "1795871600")
        };
        let refused = shape(429, "claude-sonnet-4-5")
            .header("anthropic-ratelimit-unified-status", "rejected")
            .header("anthropic-ratelimit-unified-representative-claim", "five_hour")
            .header("anthropic-ratelimit-unified-5h-reset", "1795475200")
            .header("retry-after", "3600");
        refused.is("anthropic.429.unified", "quota", "account").for_ms(3_600_000);
        let served = shape(200, "claude-sonnet-4-5").windows();
        assert_eq!((served[0].spent, served[0].model, served[0].family.as_deref()), (false, false, Some(&family[3..])));
        // Without a claim, the only window that is rejected is the one that refused.
        let alone = shape(429, "claude-sonnet-4-5").header("anthropic-ratelimit-unified-status", "rejected");
        alone.is("anthropic.429.unified_model", "quota", "account_model").for_ms(400_000_000);
        assert_eq!(shape(200, "claude-opus-4-5").windows()[0].spent, family == "7d_opus");
    }
}
