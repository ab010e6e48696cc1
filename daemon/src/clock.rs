//! The one place that reads clocks for the core.

use credpool_core::{Boot, Now, Wall};
use nix::time::{ClockId, clock_gettime};

/// Reads both clocks: `CLOCK_BOOTTIME`, which no step of the wall clock touches and which goes on through a suspend,
/// and `CLOCK_REALTIME`.
#[must_use]
pub fn now() -> Now {
    Now { boot: Boot(milliseconds(ClockId::CLOCK_BOOTTIME)), wall: Wall(milliseconds(ClockId::CLOCK_REALTIME)) }
}

/// A clock that Linux has always had cannot fail to be read; one set before 1970 reads as 1970.
fn milliseconds(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanoseconds = u64::try_from(time.tv_nsec()).unwrap_or(0);
        seconds.saturating_mul(1_000).saturating_add(nanoseconds / 1_000_000)
    })
}
