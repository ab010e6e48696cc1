//! Durations on the command line: `90s`, `10m`, `1h30m`.

use std::time::Duration;

/// Reads a sum of whole numbers with units: `ms`, `s`, `m`, `h`, `d`. A number without a unit is
/// refused: what it means would be a guess.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a duration with its unit, as in 90s, 10m or 1h30m".to_owned();
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        total = number.checked_mul(ms).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = tail;
    }
    if total == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        for (text, ms) in [("1ms", 1), ("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("2d1ms", 172_800_001)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        for text in ["", "10", "s", "-1s", "1.5h", "1 h", "0s", "1w", "18446744073709551615d", "1hm"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
