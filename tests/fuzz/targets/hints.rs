//! A pool and a header, `pool name: value`, whose value is then a body and a message: what a vendor's readers make of it.

#![no_main]

use credpool_fuzz::judge;
use credpool_verdict::{Context, Facts};
use libfuzzer_sys::fuzz_target;

const NOW_MS: u64 = 1_795_471_600_000;

fuzz_target!(|text: &str| {
    let (pool, text) = text.split_once(' ').unwrap_or_default();
    let (name, value) = text.split_once(": ").unwrap_or(("retry-after", text));
    let name = name.to_ascii_lowercase();
    let header = [(name.as_str(), value)];
    let limited = Facts { status: Some(429), model: Some("m"), ..Facts::default() };
    let context = Context { now_wall_ms: NOW_MS, pool, base_url: None };
    judge(&Facts { headers: &header, ..limited }, &context, text.len());
    judge(&Facts { body: Some(value), ..limited }, &context, text.len());
    judge(&Facts { message: Some(value), ..limited }, &context, text.len());
});
