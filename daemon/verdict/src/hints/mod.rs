//! Reset hints: when the provider says that it is over.
//!
//! Each reader yields what it found as [`Found`]. The latest of them wins, separately for durations and for absolute
//! instants, because the two run on different clocks: whoever restricts waits until both have passed.

mod fields;
mod moment;
mod retry_after;

use crate::evidence::Evidence;
use crate::facts::{Context, Facts};
use moment::Moment;

/// 35 days, in milliseconds: no hint reaches further. The longest window that a vendor is known to have is a month.
pub const MAX_HINT_MS: u64 = 35 * 24 * 60 * 60 * 1_000;

/// When the provider says that it is over. At least one of the two is there; it is over when both have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// From now, in milliseconds: 1 to [`MAX_HINT_MS`].
    pub after_ms: Option<u64>,
    /// At this Unix time, in milliseconds: later than now, at most [`MAX_HINT_MS`] from it.
    pub at_ms: Option<u64>,
}

/// One hint and where it stood.
struct Found {
    moment: Moment,
    source: &'static str,
    raw: String,
}

/// The hint in `facts`, with the evidence of the latest one.
pub(crate) fn read(facts: &Facts<'_>, context: &Context<'_>) -> Option<(Hint, Evidence)> {
    let now = context.now_wall_ms;
    let mut found = Vec::new();
    retry_after::read(facts, now, &mut found);
    fields::read(facts, now, &mut found);

    let latest = found.iter().max_by_key(|found| found.moment.at_ms(now))?;
    let mut hint = Hint::default();
    for found in &found {
        match found.moment {
            Moment::After(ms) => hint.after_ms = hint.after_ms.max(Some(ms)),
            Moment::At(ms) => hint.at_ms = hint.at_ms.max(Some(ms)),
        }
    }
    Some((hint, Evidence::new(latest.source, &latest.raw)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Scalar;

    const NOW: u64 = 1_795_471_600_000;

    fn hint(facts: &Facts<'_>) -> Option<(Hint, Evidence)> {
        read(facts, &Context { now_wall_ms: NOW, pool: "p", base_url: None })
    }

    #[test]
    fn the_latest_wins_on_each_clock() {
        let facts = Facts {
            headers: &[("retry-after", "30")],
            reset_at: Some(Scalar::Number(1_795_471_660.0)),
            resets_at: Some(Scalar::Text("2026-11-23T22:07:10Z")),
            retry_after: Some(Scalar::Text("40")),
            ..Facts::default()
        };
        let (hint, evidence) = hint(&facts).expect("a hint");
        assert_eq!(hint, Hint { after_ms: Some(40_000), at_ms: Some(NOW + 60_000) });
        assert_eq!((evidence.source, evidence.raw.as_str()), ("field:reset_at", "1795471660"));
    }

    fn scalar_text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            any::<f64>().prop_map(|number| number.to_string()),
            any::<i64>().prop_map(|number| number.to_string()),
            "[0-9]{1,3}",
            "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-5][0-9])",
            "(Mon|Sun), [0-3][0-9] (Jan|Nov) 20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT",
        ]
    }

    proptest! {
        #[test]
        fn never_past_and_never_implausible(
            now in prop_oneof![Just(NOW), any::<u64>()],
            header in scalar_text(),
            header_ms in scalar_text(),
            date in scalar_text(),
            text in scalar_text(),
            number in prop_oneof![any::<f64>(), 0.0..1e13],
        ) {
            let headers = [("retry-after", header.as_str()), ("retry-after-ms", &header_ms), ("date", &date)];
            let facts = Facts {
                headers: &headers,
                reset_at: Some(Scalar::Number(number)),
                resets_at: Some(Scalar::Text(&text)),
                retry_after: Some(Scalar::Number(number)),
                ..Facts::default()
            };
            let Some((hint, _)) = read(&facts, &Context { now_wall_ms: now, pool: "", base_url: None }) else {
                return Ok(());
            };
            prop_assert!(hint.after_ms.is_some() || hint.at_ms.is_some());
            if let Some(after) = hint.after_ms {
                prop_assert!((1..=MAX_HINT_MS).contains(&after));
            }
            if let Some(at) = hint.at_ms {
                prop_assert!(at > now && at - now <= MAX_HINT_MS);
            }
        }
    }
}
