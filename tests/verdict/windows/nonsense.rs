//! What is no window, and what vendors do not know of theirs.

use super::*;

#[test]
fn what_is_no_allowance_is_no_window() {
    let shape = Shape::of("copilot")
        .status(200)
        .header("x-quota-snapshot-chat", "ent=-1&ov=0.0&ovPerm=false&rem=100.0&rst=2026-11-23T23%3A06%3A40Z&totRem=-1")
        .header("x-quota-snapshot-premium_models", "ent=300&ovPerm=false")
        .header("x-usage-ratelimit-session", "rem=nan")
        .header("x-usage-ratelimit-weekly", "nonsense");
    assert_eq!(shape.windows(), []);
    // An allowance of nothing is none, as for a plan that has no such thing.
    let none = Shape::of("copilot").status(200).header("x-quota-snapshot-chat", "ent=0&ovPerm=false&rem=0.0");
    assert!(none.windows().iter().all(|window| !window.spent));
}

#[test]
fn of_a_window_that_the_vendor_does_not_know_nothing_is_told() {
    let with = |remaining: &'static str, limit: &'static str| {
        let shape = Shape::of("azure").status(200).header("x-ratelimit-remaining-tokens", remaining);
        shape.header("x-ratelimit-limit-tokens", limit).windows()
    };
    assert_eq!((with("5", "-1"), with("-1", "5")), (Vec::new(), Vec::new()));
    let limit = with("many", "5");
    assert_eq!((limit[0].limit, limit[0].remaining), (Some(5), None), "what is no number at all is passed over");
}

#[test]
fn what_is_no_number_is_no_window() {
    let shape = Shape::of("azure")
        .status(200)
        .header("x-ratelimit-limit-tokens", "-1")
        .header("x-ratelimit-remaining-tokens", "-1")
        .header("x-ratelimit-reset-tokens", "0")
        .header("x-ratelimit-remaining-requests", "many")
        .header("x-ratelimit-exceeded", "global-chat")
        .header("x-codex-primary-used-percent", "-3")
        .header("anthropic-ratelimit-unified-5h-utilization", "inf");
    assert_eq!(shape.windows(), []);
}
