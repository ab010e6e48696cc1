//! The fields of a report that hermes-agent knows: `reset_at`, `resets_at`, `retry_until`, `retry_after`.

use super::Found;
use super::moment::{Clock, Moment};
use crate::facts::{Facts, Scalar};

/// hermes-agent 0.19.0 takes the first of these that is there; we take the latest, as everywhere. It also takes a
/// small number for an instant in 1970, and so for no hint; it is a duration.
pub(super) fn read(facts: &Facts<'_>, clock: Clock, found: &mut Vec<Found>) {
    let fields = [
        ("field:reset_at", facts.reset_at),
        ("field:resets_at", facts.resets_at),
        ("field:retry_until", facts.retry_until),
        ("field:retry_after", facts.retry_after),
    ];
    for (source, scalar) in fields {
        let Some(scalar) = scalar else { continue };
        if let Some(moment) = Moment::from_scalar(scalar, clock) {
            found.push(Found::stated(moment, source, &raw(scalar)));
        }
    }
}

fn raw(scalar: Scalar<'_>) -> String {
    match scalar {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn each_field_is_read() {
        let facts = Facts {
            reset_at: Some(Scalar::Number(1.0)),
            resets_at: Some(Scalar::Text("2")),
            retry_until: Some(Scalar::Number(3.0)),
            retry_after: Some(Scalar::Text("4")),
            ..Facts::default()
        };
        let mut found = Vec::new();
        read(&facts, Clock { zone: Offset::UTC, now_ms: 0, ahead_ms: 0 }, &mut found);
        let sources: Vec<_> = found.iter().map(|found| (&*found.source, found.moment)).collect();
        assert_eq!(
            sources,
            [
                ("field:reset_at", Moment::After(1_000)),
                ("field:resets_at", Moment::After(2_000)),
                ("field:retry_until", Moment::After(3_000)),
                ("field:retry_after", Moment::After(4_000)),
            ]
        );
    }
}
