//! A report costs memory and time in proportion to its size, whatever it is made of.

use credpool_verdict::{Context, Facts, classify, quota_windows};

use crate::shape::NOW;

/// A quarter of what a request line may be; twice as much would cost twice as much.
const SIZE: usize = 64 * 1_024;

/// Strings are opened three times, each time with what is inside in hand; keys and values are copied where they have
/// escapes.
const TIMES: u64 = 8;

/// What is kept of a report, and a rule's working space.
const BESIDES: u64 = 128 * 1_024;

/// Patterns that, repeated, might make a parser remember or repeat much.
const PATTERNS: &[&str] = &[
    "{",
    "[",
    "\"",
    "'",
    "\\",
    "{\"a\":",
    "{\"error\":",
    "{\"error\":{\"code\":[",
    "[{\"code\":429},",
    "1,",
    "{\\\"",
    "\\\"",
    "\\\\\"",
    "{\"message\":\"{",
    "{\"error\":{\"message\":\"\\\"{",
    "{'a':{'b':",
    "data: {\"type\":\"x\"}\n\n",
    "{\"code\":\"\\u0041\"},",
    "retry_delay {",
    "try again in ",
    "try again in 1s ",
    "resets at 2026-11-23 ",
    "1h",
    "é",
    " {",
    "}",
    "<html>",
];

#[test]
fn memory_is_a_small_multiple_of_the_input() {
    for pattern in PATTERNS {
        for start in ["", "{", "{\"error\":{\"message\":\"", "\"", "{\"code\":["] {
            let text = format!("{start}{}", pattern.repeat(SIZE / pattern.len()));
            let facts = Facts {
                status: Some(429),
                body: Some(&text),
                message: Some(&text),
                model: Some("m"),
                ..Facts::default()
            };
            let context = Context { now_wall_ms: NOW, pool: "custom:mine", base_url: None };
            let size = 2 * text.len() as u64;
            let used = allocation_counter::measure(|| {
                let verdict = classify(&facts, &context);
                let windows = quota_windows(&facts, &context);
                drop((verdict, windows));
            });
            let most = TIMES * size + BESIDES;
            assert!(used.bytes_max <= most, "{} bytes for {size} of {start:?} and {pattern:?}", used.bytes_max);
        }
    }
}
