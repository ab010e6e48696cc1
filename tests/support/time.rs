//! The wall clock, as the wire has it.

use std::time::SystemTime;

use serde_json::Value;

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    u64::try_from(since.as_millis()).expect("the clock is before the year 500 million")
}

/// Panics unless two replies name the same instant. A deadline that is a duration is told in wall time by way of two
/// clocks, each of which is cut to milliseconds: one may be lost between two replies.
#[track_caller]
pub(crate) fn same_instant(one: &Value, other: &Value) {
    match (one.as_u64(), other.as_u64()) {
        (Some(one), Some(other)) if one.abs_diff(other) <= 1 => {}
        _ => panic!("{one} and {other} are not the same instant"),
    }
}

/// Panics unless `until` is `ms` after a moment between `before` and now, or up to a tenth of that later: the daemon
/// spreads those who come back, but never lets them come early.
#[track_caller]
pub(crate) fn is_due(until: &Value, before: u64, ms: u64) {
    let until = until.as_u64().unwrap_or_else(|| panic!("not an instant: {until}"));
    let latest = now_ms() + ms + ms / 10 + 1;
    assert!((before + ms..=latest).contains(&until), "{} ms, not {ms}", until - before.min(until));
}
