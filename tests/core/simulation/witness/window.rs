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
    pub(super) stage: Stage,
    /// The last probe, and when it went.
    pub(super) probe: Option<(TokenHash, u64)>,
}

/// How far a restriction has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its deadline has not passed.
    Closed,
    /// A guess has passed: one probe at a time. So many were given back without a word.
    HalfOpen { since: u64, silent: u32 },
    /// It is over, and so many may be out at a time: the first by the vendor's word, then one more with each success.
    Ramp { width: usize, ends: u64, proven: bool, out: Vec<TokenHash> },
    /// It is over: what silent probes have opened, what was forgotten and what nobody has proven. How many may go then,
    /// he does not say.
    Over,
}

impl Window {
    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Whether a grant under it must be a probe.
    pub(super) fn is_in_force(&self) -> bool {
        matches!(self.stage, Stage::Closed | Stage::HalfOpen { .. })
    }

    /// Whether anybody may be let through: the probe of a guess that has passed, one at a time while it has time to
    /// answer; now and then one of a window that has not passed; and of the ramp no more than it is wide.
    pub(super) fn lets_through(&self, cause: Cause, now: u64, is_out: impl Fn(TokenHash) -> bool) -> bool {
        match &self.stage {
            Stage::Closed => {
                let last = self.probe.map_or(self.began_at, |(_, at)| at);
                cause != Cause::Dead && now - last >= RECOVERY.probe_interval_ms
            }
            Stage::HalfOpen { .. } => {
                !self.probe.is_some_and(|(token, at)| is_out(token) && now - at < RECOVERY.silence_ms)
            }
            Stage::Ramp { width, out, .. } => out.iter().filter(|token| is_out(**token)).count() < *width,
            Stage::Over => true,
        }
    }

    /// Somebody was let through.
    pub(super) fn tries(&mut self, token: TokenHash, now: u64) {
        if let Stage::Ramp { out, .. } = &mut self.stage {
            out.push(token);
        } else {
            self.probe = Some((token, now));
        }
    }

    /// Time has passed; whether there is anything left of it.
    pub(super) fn passes(&mut self, now: u64, has_passed: bool, limits: Limits) -> bool {
        match self.stage {
            Stage::Closed if has_passed && self.guessed => self.stage = Stage::HalfOpen { since: now, silent: 0 },
            Stage::Closed if has_passed => {
                let ends = now + (now - self.began_at).clamp(1, RECOVERY.ramp_ms);
                let out = self.probe.map(|(token, _)| token).into_iter().collect();
                self.stage = Stage::Ramp { width: 1, ends, proven: false, out };
            }
            Stage::HalfOpen { since, .. } if now - since >= limits.strikes_ms => self.stage = Stage::Over,
            Stage::Ramp { ends, proven, .. } if ends <= now => {
                self.stage = Stage::Over;
                return !proven;
            }
            _ => {}
        }
        true
    }

    /// A lease was given back without a word of how it went.
    pub(super) fn hears_nothing_of(&mut self, token: TokenHash, now: u64) {
        if let Stage::HalfOpen { silent, .. } = &mut self.stage
            && self.probe.is_some_and(|(probe, at)| probe == token && now - at < RECOVERY.silence_ms)
        {
            *silent += 1;
            if *silent == 3 {
                self.stage = Stage::Over;
            }
        }
    }

    /// A success has shown that it is over; whether there is anything left of it.
    pub(super) fn succeeds(&mut self, now: u64) -> bool {
        let (width, ends, out) = match &self.stage {
            Stage::Closed => (2, now + RECOVERY.ramp_ms, self.probe.map(|(token, _)| token).into_iter().collect()),
            Stage::HalfOpen { .. } => {
                let waited_for = self.probe.filter(|(_, at)| now - at < RECOVERY.silence_ms);
                (2, now + RECOVERY.ramp_ms, waited_for.map(|(token, _)| token).into_iter().collect())
            }
            Stage::Ramp { width, ends, out, .. } => (width + 1, *ends, out.clone()),
            Stage::Over => return true,
        };
        self.stage = Stage::Ramp { width, ends, proven: true, out };
        width <= RECOVERY.ramp_width as usize
    }
}
