//! Reports of failures, of any vendor.

#![no_main]

use credpool_fuzz::{Report, judge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| Report::parse(text).with(|facts, context| judge(facts, context, text.len())));
