//! What he knows of a restriction.

use credpool_core::{Cause, Limits, TokenHash, Until};

use crate::simulation::run::RECOVERY;

#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) began: u64,
    pub(super) began_at: u64,
    pub(super) until: Until,
    pub(super) strikes: u32,
    /// Whether nobody but the core has said until when.
    pub(super) guessed: bool,
    /// When its deadline was seen to have passed.
    pub(super) over: Option<u64>,
    /// The last probe, and when it went.
    pub(super) probe: Option<(TokenHash, u64)>,
    /// Probes that were given back without a word.
    pub(super) silent: u32,
}

impl Window {
    /// Whether a grant under it must be a probe. Of what the vendor said, what was forgotten and what silent probes may
    /// have opened, he does not say so.
    pub(super) fn is_in_force(&self, now: u64, limits: Limits) -> bool {
        let forgotten = self.over.is_some_and(|over| now - over >= limits.strikes_ms);
        self.over.is_none() || (self.guessed && self.silent < 3 && !forgotten)
    }

    /// Whether anybody may be let through: the probe of a guess that has passed, one at a time while it has time to
    /// answer, or now and then one of a window that has not.
    pub(super) fn lets_through(
        &self,
        cause: Cause,
        now: u64,
        limits: Limits,
        is_out: impl Fn(TokenHash) -> bool,
    ) -> bool {
        if self.over.is_none() {
            let last = self.probe.map_or(self.began_at, |(_, at)| at);
            return cause != Cause::Dead && now - last >= RECOVERY.probe_interval_ms;
        }
        let waits = self.probe.is_some_and(|(token, at)| is_out(token) && now - at < RECOVERY.silence_ms);
        !waits || !self.is_in_force(now, limits)
    }
}
