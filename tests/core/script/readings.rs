//! What responses say is left.

use credpool_core::{Cause, Kind, Reach, Reading, Verdict, Wall};
use proptest::option;
use proptest::prelude::{Just, Strategy as _};
use proptest::{collection, prop_oneof, sample};

use super::{Stage, model_of};

/// A `Reading` whose instants are told from now.
#[derive(Clone, Debug)]
pub(crate) struct ReadingOp {
    name: u8,
    model: Option<u8>,
    used_permille: Option<u32>,
    length_ms: Option<u64>,
    after_ms: Option<u64>,
    at: Option<i64>,
    refills: bool,
    spent: Option<Cause>,
}

impl ReadingOp {
    pub(super) fn names_an_instant(&self) -> bool {
        self.at.is_some()
    }
}

impl Stage {
    pub(super) fn readings(&self, readings: &[ReadingOp]) -> Vec<Reading> {
        let reading = |op: &ReadingOp| {
            let at = op.at.map(|at| Wall(self.now.wall.0.saturating_add_signed(at)));
            let verdict = op.spent.map(|cause| Verdict {
                kind: Kind::Fault(cause),
                reach: Reach::Account,
                model: op.model.map(model_of),
                after_ms: op.after_ms,
                at,
                status: None,
                rule: "spent".into(),
                evidence: None,
            });
            Reading {
                name: format!("window {}", op.name).into(),
                model: op.model.map(model_of),
                limit: None,
                remaining: None,
                used_permille: op.used_permille,
                length_ms: op.length_ms,
                after_ms: op.after_ms,
                at,
                refills: op.refills,
                spent: op.spent.is_some(),
                verdict,
            }
        };
        readings.iter().map(reading).collect()
    }
}

pub(super) fn readings() -> impl proptest::strategy::Strategy<Value = Vec<ReadingOp>> {
    let used = option::weighted(0.8, prop_oneof![4 => 0..1_000u32, 1 => 1_000..1_100u32]);
    let after = option::weighted(0.5, prop_oneof![1 => Just(0u64), 6 => 1..2_500u64]);
    let at = option::weighted(0.3, -500..2_500i64);
    let spent = option::weighted(0.2, sample::select(vec![Cause::Quota, Cause::RateLimit]));
    let (model, length) = (option::weighted(0.4, 0..2u8), option::weighted(0.3, 0..4_000u64));
    let reading = (0..2u8, model, used, length, after, at, sample::select(vec![false, false, true]), spent).prop_map(
        |(name, model, used_permille, length_ms, after_ms, at, refills, spent)| ReadingOp {
            name,
            model,
            used_permille,
            length_ms,
            after_ms,
            at,
            refills,
            spent,
        },
    );
    prop_oneof![1 => Just(Vec::new()), 1 => collection::vec(reading, 0..3)]
}
