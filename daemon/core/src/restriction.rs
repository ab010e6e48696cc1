//! A restriction, from its beginning until nothing is remembered of it.

use std::sync::Arc;

use crate::cause::{Cause, State};
use crate::index::Due;
use crate::policy::Recovery;
use crate::records::{Evidence, Identity, LeaseNo, PoolKey, Seq};
use crate::time::{Boot, Now, Until};

/// "Not usable, for this scope, until then, because of that"; and what is left of that once it has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Restriction {
    /// Its identity.
    pub identity: Identity,
    /// The pool that it is in.
    pub pool: PoolKey,
    /// How far its present window has come.
    pub phase: Phase,
    /// The command that began its present window.
    pub began: Seq,
    /// When that was.
    pub began_at: Now,
    /// When the window's deadline is, or was.
    pub until: Until,
    /// Whether that deadline is a guess of ours and not the vendor's word.
    pub guessed: bool,
    /// When a probe was last let through this window.
    pub probed: Option<Boot>,
    /// Strikes so far. 0 if nothing has failed yet: a response said that nothing is left.
    pub strikes: u32,
    /// How much later than its hint each deadline of this window is, in 1/1,024 of the time left (0 to 102).
    pub jitter: u16,
    /// Live leases that are out to see whether it is over: in `Ramping` at most its width, else at most one.
    pub trial: Vec<LeaseNo>,
    /// The HTTP status behind it.
    pub status: Option<u16>,
    /// The rule that concluded it, or what an operator noted.
    pub reason: Arc<str>,
    /// What the rule went by.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub evidence: Option<Evidence>,
}

/// How far a window has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Phase {
    /// It restricts until its deadline.
    Closed,
    /// Its deadline, a guess, has passed: one lease at a time is let through to see whether it is over.
    HalfOpen {
        /// While a probe is out: when another may go, though the first has not answered.
        answer_by: Option<Boot>,
        /// How many probes in a row were given back without a word of how they went.
        silent: u8,
        /// Until when it waits for a probe, if none is out.
        forget_at: Boot,
    },
    /// It is over as far as anybody knows; but only so many leases are let through at a time, more with each success.
    Ramping {
        /// How many.
        width: u32,
        /// When any number may.
        ends: Boot,
        /// Whether a success has shown that it is over.
        proven: bool,
    },
    /// It is over; its strikes are remembered.
    Over {
        /// Until when.
        forget_at: Boot,
    },
}

impl Restriction {
    /// Whether nothing but its strikes is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. })
    }

    /// Whether it restricts, but for probes.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::HalfOpen { .. })
    }

    /// Whether it keeps everybody away at present, but for a rare probe of a long window.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        match self.phase {
            Phase::Closed => true,
            Phase::HalfOpen { answer_by, .. } => answer_by.is_some(),
            Phase::Ramping { width, .. } => self.trial.len() as u64 >= u64::from(width),
            Phase::Over { .. } => false,
        }
    }

    /// When it lets somebody through at the latest, unless it is told something new.
    #[must_use]
    pub fn opens(&self) -> Until {
        match self.phase {
            Phase::HalfOpen { answer_by: Some(at), .. } | Phase::Ramping { ends: at, .. } => Until::boot(at),
            Phase::Closed | Phase::HalfOpen { .. } | Phase::Over { .. } => self.until,
        }
    }

    /// When a probe of this window, which is not over, may go, if there is nothing else to be had; `None` if it has to
    /// wait for whoever is out already, or for a person.
    pub(crate) fn next_probe(&self, recovery: Recovery) -> Option<Boot> {
        let heals = !self.identity.cause.is_ours() && self.identity.cause != Cause::Dead;
        if self.phase != Phase::Closed || !heals {
            return None;
        }
        let next = self.probed.unwrap_or(self.began_at.boot).after(recovery.probe_interval_ms);
        let answered = self.probed.filter(|_| !self.trial.is_empty()).map(|at| at.after(recovery.silence_ms));
        Some(answered.map_or(next, |at| at.max(next)))
    }

    /// What becomes of it by itself, and when on the boot clock.
    pub(crate) fn due(&self) -> Option<(Boot, Due)> {
        let identity = self.identity.clone();
        Some(match self.phase {
            Phase::Closed => match self.until {
                Until::Passed { boot, .. } => (boot, Due::Opens(identity)),
                Until::Lifted => return None,
            },
            Phase::HalfOpen { answer_by: Some(at), .. } => (at, Due::Silence(identity)),
            Phase::Ramping { ends, .. } => (ends, Due::Ramp(identity)),
            Phase::HalfOpen { forget_at, .. } | Phase::Over { forget_at } => (forget_at, Due::Strikes(identity)),
        })
    }

    /// The state that it puts a credential in, if any.
    pub(crate) fn state(&self) -> Option<State> {
        match self.phase {
            Phase::Closed => Some(self.identity.cause.state()),
            Phase::HalfOpen { .. } | Phase::Ramping { .. } if self.holds_back() => Some(State::Probing),
            _ => None,
        }
    }

    /// Whether somebody is out whose success lets others through, at any moment.
    pub(crate) fn is_tried(&self) -> bool {
        self.phase != Phase::Closed || !self.trial.is_empty()
    }

    /// Everything that decides where credentials under it are placed.
    pub(crate) fn standing(&self, recovery: Recovery) -> Option<(State, Until, Option<Boot>, bool)> {
        self.state().map(|state| (state, self.opens(), self.next_probe(recovery), self.is_tried()))
    }
}
