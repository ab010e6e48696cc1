//! Durations for people.

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// As in `43s`, `12m 5s`, `6d 2h`: the two largest units, the last one rounded up, since who comes
/// back too early comes in vain.
pub(crate) fn for_people(ms: u64) -> String {
    // Each step rounds to its own unit first, so that 59.9 s is a minute and not 60 seconds.
    let seconds = ms.div_ceil(SECOND);
    if seconds < 60 {
        return format!("{seconds}s");
    }
    if seconds < HOUR / SECOND {
        return two(seconds, "m", "s", 60);
    }
    let minutes = ms.div_ceil(MINUTE);
    if minutes < DAY / MINUTE {
        return two(minutes, "h", "m", 60);
    }
    two(ms.div_ceil(HOUR), "d", "h", 24)
}

fn two(small: u64, large_unit: &str, small_unit: &str, per_large: u64) -> String {
    let (large, small) = (small / per_large, small % per_large);
    if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit} {small}{small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_rounded_up() {
        for (ms, text) in [
            (0, "0s"),
            (1, "1s"),
            (43_000, "43s"),
            (59_000, "59s"),
            (59_001, "1m"),
            (60_001, "1m 1s"),
            (725_000, "12m 5s"),
            (HOUR - 1, "1h"),
            (HOUR + 1, "1h 1m"),
            (DAY - 1, "1d"),
            (6 * DAY + 2 * HOUR, "6d 2h"),
            (6 * DAY + 2 * HOUR + 1, "6d 3h"),
            (400 * DAY, "400d"),
        ] {
            assert_eq!(for_people(ms), text, "{ms}");
        }
        assert!(for_people(u64::MAX).ends_with('h'));
    }
}
