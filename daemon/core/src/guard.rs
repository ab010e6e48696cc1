//! The provider guard: a failure that strikes several credentials at once is about the provider, and not about them.
//!
//! One 503 says nothing of a key, and three bare 429 for three accounts in ten seconds say something of whoever sent them.
//! Such failures are remembered for a moment. When enough credentials have met one, the pool pauses, for that model, and
//! whatever the burst has done to single credentials is undone: the only time that a restriction is shortened.

use std::borrow::Cow;

use crate::cause::Cause;
use crate::command::Verdict;
use crate::history::Event;
use crate::judging::About;
use crate::machine::Core;
use crate::records::{AccountKey, CredentialKey, Identity, Model, PoolKey, Reach, Scope, Seq, Why};
use crate::restriction::{Phase, Restriction};
use crate::tables::Touched;
use crate::time::{Boot, Until};

/// Failures of one pool that are remembered at a time.
pub(crate) const MOST_SPARKS: usize = 64;

/// What a failure that is perhaps the provider's looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Suspicion {
    /// It failed, was overloaded, or could not be reached.
    Fault,
    /// It refused with a 429 or 403, and said neither why nor for how long.
    Refusal,
}

impl Suspicion {
    fn of(cause: Cause, verdict: &Verdict) -> Option<Self> {
        let says_nothing = verdict.after_ms.is_none() && verdict.at.is_none() && verdict.evidence.is_none();
        match cause {
            Cause::Overloaded | Cause::Server | Cause::Edge | Cause::Network => Some(Self::Fault),
            Cause::RateLimit | Cause::Forbidden if says_nothing && matches!(verdict.status, Some(403 | 429)) => {
                Some(Self::Refusal)
            }
            _ => None,
        }
    }

    /// Whether a restriction of a pool for `cause` is what it leads to.
    fn leads_to(self, cause: Cause) -> bool {
        match self {
            Self::Fault => matches!(cause, Cause::Overloaded | Cause::Server | Cause::Edge | Cause::Network),
            Self::Refusal => matches!(cause, Cause::RateLimit | Cause::Forbidden),
        }
    }
}

/// A failure that may be part of a burst.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Spark {
    /// When.
    pub at: Boot,
    /// Whom it struck.
    pub credential: CredentialKey,
    /// Its account then.
    pub account: AccountKey,
    /// With which model.
    pub model: Option<Model>,
    /// What it looked like.
    pub suspicion: Suspicion,
    /// The window that it opened, if it did.
    pub opened: Option<Opened>,
}

/// A window that may be closed again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Opened {
    /// Which restriction it is of.
    pub identity: Identity,
    /// The command that began it.
    pub began: Seq,
    /// Its deadline then: if that is another by now, somebody else has had his say.
    pub until: Until,
    /// What was there before.
    pub before: Option<Box<Restriction>>,
}

/// What the guard makes of a failure.
pub(crate) enum Guarded {
    /// It is judged like any other; `Some` if it is to be remembered.
    Judge(Option<Suspicion>),
    /// It is the provider's; the restriction of the pool, or `None` if nothing follows yet.
    Provider(Option<Identity>, Option<Why>),
}

impl Core {
    /// What a verdict comes to where the guard is off: nobody waits for a second failure then, so the provider's fault
    /// cools whom it struck, for the model that was in use, and never the pool.
    pub(crate) fn unguarded<'a>(
        &self,
        pool: PoolKey,
        used: Option<&Model>,
        cause: Cause,
        verdict: &'a Verdict,
    ) -> Cow<'a, Verdict> {
        let is_off = self.records.pools.get(&pool).is_some_and(|pool| pool.policy.guard.window_ms == 0);
        let is_direct = verdict.reach == Reach::Pool && Suspicion::of(cause, verdict) == Some(Suspicion::Fault);
        if !(is_off && is_direct) {
            return Cow::Borrowed(verdict);
        }
        let model = verdict.model.as_ref().or(used).cloned();
        Cow::Owned(Verdict { reach: Reach::Credential, model, ..verdict.clone() })
    }

    /// Asks whose failure it is.
    pub(crate) fn whose_fault(
        &mut self,
        about: About,
        used: Option<&Model>,
        cause: Cause,
        verdict: &Verdict,
    ) -> Guarded {
        let guard = self.records.pools.get(&about.pool).map(|pool| pool.policy.guard).unwrap_or_default();
        let is_direct = verdict.reach == Reach::Pool;
        let suspicion = Suspicion::of(cause, verdict).filter(|_| guard.window_ms > 0);
        let Some(suspicion) = suspicion.filter(|suspicion| *suspicion == Suspicion::Fault || !is_direct) else {
            return Guarded::Judge(None);
        };
        if let Some(paused) = self.paused(about, used, suspicion) {
            return self.go_on(about, paused, verdict);
        }
        let since = |spark: &&Spark| spark.at.after(guard.window_ms) > self.now().boot;
        let pool = self.records.pools.get(&about.pool);
        let sparks = pool.into_iter().flat_map(|pool| &pool.sparks).filter(since);
        let burst = sparks.filter(|spark| spark.suspicion == suspicion && spark.model.as_ref() == used);
        let (mut struck, enough) = match suspicion {
            Suspicion::Fault => (burst.map(|spark| spark.credential.0).collect::<Vec<_>>(), guard.faults),
            // Rows of one account are refused together, whoever is to blame.
            Suspicion::Refusal => (burst.map(|spark| spark.account.0).collect(), guard.refusals),
        };
        struck.push(if suspicion == Suspicion::Fault { about.credential.0 } else { about.account.0 });
        struck.sort_unstable();
        struck.dedup();
        if struck.len() >= enough as usize {
            return self.pause(about, used, suspicion, cause, verdict);
        }
        if is_direct {
            self.remember(about, used, suspicion, None);
            return Guarded::Provider(None, Some(Why::NotTheCredentialsFault));
        }
        Guarded::Judge(Some(suspicion))
    }

    /// Remembers a failure that was judged, and what it did.
    pub(crate) fn remember(
        &mut self,
        about: About,
        used: Option<&Model>,
        suspicion: Suspicion,
        opened: Option<Opened>,
    ) {
        let at = self.now().boot;
        let spark =
            Spark { at, credential: about.credential, account: about.account, model: used.cloned(), suspicion, opened };
        let Some(pool) = self.records.pools.get_mut(&about.pool) else { return };
        let window_ms = pool.policy.guard.window_ms;
        pool.sparks.retain(|spark| spark.at.after(window_ms) > at);
        if pool.sparks.len() >= MOST_SPARKS {
            pool.sparks.remove(0);
        }
        pool.sparks.push(spark);
        self.touch(Touched::Pool(about.pool));
    }

    /// Forgets what could close windows that an operator has had to do with.
    pub(crate) fn forget_sparks(&mut self, pool: PoolKey, credential: Option<CredentialKey>) {
        let Some(record) = self.records.pools.get_mut(&pool) else { return };
        let before = record.sparks.len();
        record.sparks.retain(|spark| credential.is_some_and(|key| key != spark.credential));
        if record.sparks.len() != before {
            self.touch(Touched::Pool(pool));
        }
    }

    /// The restriction of the pool that such a failure is part of by now.
    fn paused(&self, about: About, used: Option<&Model>, suspicion: Suspicion) -> Option<Identity> {
        let pauses = self.covering_pool(about.pool, used).filter(|r| suspicion.leads_to(r.identity.cause));
        pauses.map(|restriction| restriction.identity.clone()).next()
    }

    /// A pause meets another failure: one of somebody who was let through makes it longer.
    fn go_on(&mut self, about: About, identity: Identity, verdict: &Verdict) -> Guarded {
        let Some(pause) = self.records.restrictions.get(&identity).cloned() else { return Guarded::Judge(None) };
        if pause.phase == Phase::Closed || about.granted < pause.began {
            return Guarded::Provider(Some(identity), Some(Why::AlreadyRestricted));
        }
        self.begin_pause(about, identity.clone(), pause.strikes.saturating_add(1), verdict);
        Guarded::Provider(Some(identity), None)
    }

    fn pause(
        &mut self,
        about: About,
        used: Option<&Model>,
        suspicion: Suspicion,
        cause: Cause,
        verdict: &Verdict,
    ) -> Guarded {
        let now = self.now().boot;
        let Some(pool) = self.records.pools.get_mut(&about.pool) else { return Guarded::Judge(None) };
        let window_ms = pool.policy.guard.window_ms;
        let is_part = |spark: &Spark| {
            spark.suspicion == suspicion && spark.model.as_ref() == used && spark.at.after(window_ms) > now
        };
        let (burst, left) = std::mem::take(&mut pool.sparks).into_iter().partition(is_part);
        pool.sparks = left;
        self.touch(Touched::Pool(about.pool));
        let burst: Vec<Spark> = burst;
        let undone = burst.into_iter().rev().filter_map(|spark| spark.opened).filter(|o| self.undo(o)).count();
        let identity = Identity { scope: Scope::Pool(about.pool), model: used.cloned(), cause };
        let before = self.records.restrictions.get(&identity);
        let strikes = match before {
            Some(before) if about.granted >= before.began => before.strikes.saturating_add(1),
            Some(before) => before.strikes,
            None => 1,
        };
        if before.is_none() {
            self.make_room(&identity);
        }
        self.begin_pause(about, identity.clone(), strikes, verdict);
        let event = Event::Paused { cause, undone };
        self.note(about.pool, None, Scope::Pool(about.pool), used.cloned(), event);
        Guarded::Provider(Some(identity), None)
    }

    /// Begins a pause: a short one, whatever the vendor said.
    fn begin_pause(&mut self, about: About, identity: Identity, strikes: u32, verdict: &Verdict) {
        let pause = self.records.pools.get(&about.pool).map(|pool| pool.policy.guard).unwrap_or_default().pause;
        let said = self.hint(verdict).and_then(|hint| hint.remaining(self.now())).unwrap_or(0);
        let ms = pause.window_ms(strikes).max(said.min(pause.cap_ms)).max(1);
        let until = Until::boot(self.now().boot.after(ms));
        self.put_restriction(Restriction {
            strikes,
            status: verdict.status,
            reason: verdict.rule.clone(),
            evidence: verdict.evidence.clone(),
            ..self.window(identity, about.pool, until)
        });
    }

    /// Restores what was there before a window, if nobody has had to do with that since.
    fn undo(&mut self, opened: &Opened) -> bool {
        let Some(window) = self.records.restrictions.get(&opened.identity) else { return false };
        if window.began != opened.began || window.until != opened.until || window.phase != Phase::Closed {
            return false;
        }
        let forget_at = self.now().boot.after(self.limits.strikes_ms);
        match opened.before.as_deref().cloned() {
            // Whoever was on trial has met the provider's fault, and another probe may go.
            Some(before) if !before.is_over() => self.put_restriction(Restriction {
                phase: Phase::HalfOpen { answer_by: None, silent: 0, forget_at },
                trial: Vec::new(),
                ..before
            }),
            Some(before) => self.put_restriction(Restriction { phase: Phase::Over { forget_at }, ..before }),
            None => self.drop_restriction(&opened.identity),
        }
        true
    }
}
