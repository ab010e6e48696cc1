//! How what was restricted comes back: probes, and the ramp that follows them.
//!
//! A window whose deadline was guessed becomes half-open: one lease at a time is its probe. A success opens it, and as
//! long as the ramp lasts only so many leases are let through at a time, one more for each success, so 1, 2, 4… A window
//! whose deadline was the vendor's starts with the ramp. A window that is still closed lets a probe through now and then
//! if there is nothing else to be had.

use crate::cause::Cause;
use crate::history::Event;
use crate::machine::Core;
use crate::records::{Ask, CredentialKey, EndedBy, Identity, LeaseNo, Scope};
use crate::restriction::{Phase, Restriction};

/// Probes in a row that are given back without a word: clients that say nothing of successes may say nothing for ever,
/// and would have said something of failures.
const SILENT_PROBES: u8 = 3;

impl Core {
    /// A window's deadline has passed on both clocks.
    pub(crate) fn open(&mut self, identity: &Identity) {
        let Some(mut restriction) = self.records.restrictions.get(identity).cloned() else { return };
        let (now, recovery) = (self.now(), self.recovery(restriction.pool));
        if restriction.phase != Phase::Closed || !restriction.until.passed(now) {
            return self.put_restriction(restriction);
        }
        if identity.cause == Cause::Disabled {
            return self.drop_restriction(identity);
        }
        restriction.phase = if restriction.guessed {
            // A probe that went while the window was closed is waited for like any other.
            let answer_by = restriction.probed.map(|at| at.after(recovery.silence_ms)).filter(|at| *at > now.boot);
            let answer_by = answer_by.filter(|_| !restriction.trial.is_empty());
            if answer_by.is_none() {
                restriction.trial.clear();
            }
            Phase::HalfOpen { answer_by, silent: 0, forget_at: now.boot.after(self.limits.strikes_ms) }
        } else {
            let lasted = now.boot.since(restriction.began_at.boot);
            let ends = now.boot.after(lasted.min(recovery.ramp_ms).max(1));
            Phase::Ramping { width: 1, ends, proven: false }
        };
        self.put_restriction(restriction);
    }

    /// A probe has not answered: another may go.
    pub(crate) fn give_up_probe(&mut self, identity: &Identity) {
        self.without_probe(identity, 0);
    }

    /// A ramp has lasted long enough.
    pub(crate) fn end_ramp(&mut self, identity: &Identity) {
        let Some(mut restriction) = self.records.restrictions.get(identity).cloned() else { return };
        match restriction.phase {
            Phase::Ramping { proven: false, .. } => {
                restriction.trial.clear();
                restriction.phase = Phase::Over { forget_at: self.now().boot.after(self.limits.strikes_ms) };
                self.put_restriction(restriction);
            }
            _ => self.drop_restriction(identity),
        }
    }

    /// Makes a lease on `key` the probe, or part of the ramp, of what covers it; what, and whether it is a probe.
    pub(crate) fn put_on_trial(&mut self, no: LeaseNo, key: CredentialKey, ask: &Ask) -> (Vec<Identity>, bool) {
        let Some(credential) = self.records.credentials.get(&key) else { return (Vec::new(), false) };
        let covering = self.covering(credential, ask.model.as_ref());
        let all = covering.chain(self.covering_pool(credential.pool, ask.model.as_ref()));
        let all: Vec<Restriction> = all.filter(|restriction| !restriction.identity.cause.is_ours()).cloned().collect();
        let (now, recovery) = (self.now().boot, self.recovery(credential.pool));
        let probe = all.iter().any(Restriction::is_in_force);
        let mut trials = Vec::new();
        for mut restriction in all {
            if restriction.is_in_force() {
                restriction.trial.clear();
                restriction.probed = Some(now);
            }
            restriction.trial.push(no);
            if let Phase::HalfOpen { answer_by, .. } = &mut restriction.phase {
                *answer_by = Some(now.after(recovery.silence_ms.max(1)));
            }
            trials.push(restriction.identity.clone());
            self.put_restriction(restriction);
        }
        (trials, probe)
    }

    /// A lease that was on trial has ended, and nothing is known of how it went that is not known already.
    pub(crate) fn end_trials(&mut self, no: LeaseNo, trials: &[Identity], by: EndedBy, succeeded: bool) {
        for identity in trials {
            let Some(restriction) = self.records.restrictions.get(identity) else { continue };
            if !restriction.trial.contains(&no) {
                continue;
            }
            match restriction.phase {
                Phase::HalfOpen { .. } => {
                    let silently = by == EndedBy::Release && !succeeded;
                    self.without_probe(identity, u8::from(silently));
                }
                _ => {
                    let mut restriction = restriction.clone();
                    restriction.trial.retain(|on_trial| *on_trial != no);
                    self.put_restriction(restriction);
                }
            }
        }
    }

    /// Leaves a half-open window without a probe, `silent` of which said nothing.
    fn without_probe(&mut self, identity: &Identity, more_silent: u8) {
        let Some(mut restriction) = self.records.restrictions.get(identity).cloned() else { return };
        let Phase::HalfOpen { silent, .. } = restriction.phase else { return };
        let silent = silent.saturating_add(more_silent);
        let (boot, recovery) = (self.now().boot, self.recovery(restriction.pool));
        restriction.trial.clear();
        restriction.phase = if silent >= SILENT_PROBES {
            Phase::Ramping { width: 2, ends: boot.after(recovery.ramp_ms.max(1)), proven: false }
        } else {
            Phase::HalfOpen { answer_by: None, silent, forget_at: boot.after(self.limits.strikes_ms) }
        };
        self.put_restriction(restriction);
    }

    /// What a success disproves: what covers its scope and model, and began before its lease was granted.
    pub(crate) fn succeed(&mut self, no: LeaseNo) {
        let Some(lease) = self.records.leases.get(&no) else { return };
        let (key, pool, probe) = (lease.credential, lease.pool, lease.probe);
        let current =
            self.records.credentials.get(&key).is_some_and(|credential| credential.secret_since == lease.secret);
        let scopes = [Scope::Credential(key), Scope::Account(lease.account), Scope::Pool(lease.pool)];
        let scopes = if current { &scopes[..] } else { &scopes[1..] };
        let used = lease.ask.model.clone();
        let model = used.as_ref();
        let disproved: Vec<Restriction> = scopes
            .iter()
            .flat_map(|scope| self.records.restrictions_within(*scope))
            .filter(|restriction| {
                let identity = &restriction.identity;
                let covers = identity.model.is_none() || identity.model.as_ref() == model;
                covers && !identity.cause.is_ours() && restriction.began <= lease.granted
            })
            .cloned()
            .collect();
        let news = disproved.iter().filter(|r| !matches!(r.phase, Phase::Ramping { proven: true, .. }));
        let (lifted, widest) = (news.clone().count(), news.map(|r| r.identity.scope).max());
        for restriction in disproved {
            self.widen(restriction);
        }
        if let Some(widest) = widest {
            self.note(pool, Some(key), widest, used, Event::Recovered { lease: no, lifted, probe });
        }
        self.hear_of(key);
    }

    /// Lets more through, after a success.
    fn widen(&mut self, mut restriction: Restriction) {
        let (boot, recovery) = (self.now().boot, self.recovery(restriction.pool));
        let (width, ends) = match restriction.phase {
            // The probe was the first.
            Phase::Closed | Phase::HalfOpen { .. } => (2, boot.after(recovery.ramp_ms.max(1))),
            Phase::Ramping { width, ends, .. } => (width.saturating_add(1), ends),
            Phase::Over { .. } => return self.drop_restriction(&restriction.identity),
        };
        if width > recovery.ramp_width {
            return self.drop_restriction(&restriction.identity);
        }
        restriction.phase = Phase::Ramping { width, ends, proven: true };
        self.put_restriction(restriction);
    }
}
