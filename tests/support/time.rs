//! The wall clock, as the wire has it.

use std::time::SystemTime;

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    u64::try_from(since.as_millis()).expect("the clock is before the year 500 million")
}
