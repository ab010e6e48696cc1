//! Whose failure it is: when faults strike two credentials of a pool, or refusals that say nothing three of its accounts,
//! within the window, that is about the provider. The pool pauses, and what the burst did is undone.

use std::sync::Arc;

use credpool_core::{Cause, Conclusion, CredentialKey, Event, Model, PoolKey, Reach, Verdict, Why};

use super::judging::Witness;
use super::recovery::Life;
use super::{About, Ban, End, Naive, Said, ensure};

const FAULTS: [Cause; 4] = [Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network];
const REFUSALS: [Cause; 2] = [Cause::Forbidden, Cause::RateLimit];

/// Failures that are remembered of one pool.
const REMEMBERED: usize = 64;

/// A failure that may be part of a burst.
#[derive(Clone, Debug)]
pub(super) struct Spark {
    at: u64,
    pool: PoolKey,
    credential: CredentialKey,
    account: Arc<str>,
    model: Option<Model>,
    causes: &'static [Cause],
    /// The ban that it began, as it was then, and what was there before.
    opened: Option<(Ban, Option<Ban>)>,
}

/// What a failure may be part of: the causes that add up with its own.
pub(super) fn suspect(cause: Cause, verdict: &Verdict) -> Option<&'static [Cause]> {
    let says_nothing = verdict.after_ms.is_none() && verdict.at.is_none() && verdict.evidence.is_none();
    let is_bare = says_nothing && (verdict.status == Some(429) || verdict.status == Some(403));
    if FAULTS.contains(&cause) {
        Some(&FAULTS)
    } else if REFUSALS.contains(&cause) && is_bare && verdict.reach != Reach::Pool {
        Some(&REFUSALS)
    } else {
        None
    }
}

impl Naive {
    /// With the guard off, the provider's fault is held against whom it struck, for the model that was in use.
    pub(super) fn held_against(&self, pool: PoolKey, used: Option<&Model>, cause: Cause, verdict: &Verdict) -> Verdict {
        let mut verdict = verdict.clone();
        let guard = self.policy(pool).guard;
        if guard.window_ms == 0 && verdict.reach == Reach::Pool && FAULTS.contains(&cause) {
            verdict.reach = Reach::Credential;
            verdict.model = verdict.model.or_else(|| used.cloned());
        }
        verdict
    }

    /// Whether the provider was at fault; then what follows is done, and the conclusion is right.
    pub(super) fn blame_provider(
        &mut self,
        witness: &Witness,
        used: Option<&Model>,
        cause: Cause,
        verdict: &Verdict,
        conclusion: &Conclusion,
    ) -> Said<bool> {
        let guard = self.policy(witness.pool).guard;
        let Some(causes) = suspect(cause, verdict).filter(|_| guard.window_ms > 0) else { return Ok(false) };
        if let Some(pause) = self.pause_for(witness.pool, used, causes) {
            let known = self.bans[pause].life == Life::Closed || witness.granted < self.bans[pause].began;
            if !known {
                let before = self.bans[pause].clone();
                self.bans[pause] = self.pause(before.model, before.cause, before.strikes + 1, witness.pool, verdict);
            }
            let why = known.then_some(Why::AlreadyRestricted);
            return self.concludes(pause, witness.credential, why, conclusion).map(|()| true);
        }
        let boot = self.boot();
        let is_part = |spark: &Spark| {
            let like = spark.pool == witness.pool && spark.model.as_ref() == used && spark.causes == causes;
            like && boot - spark.at < guard.window_ms
        };
        let others = self.sparks.iter().filter(|spark| is_part(spark));
        let (struck, enough) = if causes == FAULTS {
            let mut struck: Vec<CredentialKey> = others.map(|spark| spark.credential).collect();
            struck.push(witness.credential);
            struck.sort_unstable();
            struck.dedup();
            (struck.len(), guard.faults)
        } else {
            let mut struck: Vec<Arc<str>> = others.map(|spark| Arc::clone(&spark.account)).collect();
            struck.push(Arc::clone(&witness.account));
            struck.sort_unstable();
            struck.dedup();
            (struck.len(), guard.refusals)
        };
        if struck >= enough as usize {
            let (burst, left) = self.sparks.drain(..).partition(is_part);
            self.sparks = left;
            let burst: Vec<Spark> = burst;
            let undone = burst.into_iter().rev().filter_map(|spark| spark.opened);
            let undone = undone.filter(|(opened, before)| self.undo(opened, before.as_ref())).count();
            let about = About::Pool(witness.pool);
            let known = self.bans.iter().position(|b| b.about == about && b.model.as_ref() == used && b.cause == cause);
            let strikes = match known.map(|at| &self.bans[at]) {
                Some(before) => before.strikes + u32::from(witness.granted >= before.began),
                None => 1,
            };
            let pause = self.pause(used.cloned(), cause, strikes, witness.pool, verdict);
            let at = known.unwrap_or(self.bans.len());
            match known {
                Some(at) => self.bans[at] = pause,
                None => self.bans.push(pause),
            }
            self.tell(witness.pool, None, about, used, Event::Paused { cause, undone });
            return self.concludes(at, witness.credential, None, conclusion).map(|()| true);
        }
        if verdict.reach == Reach::Pool {
            self.remember(witness, used, causes, None);
            ensure!(conclusion.reach == Reach::None, "nothing follows yet");
            return self.history_only(witness.credential, Why::NotTheCredentialsFault, conclusion).map(|()| true);
        }
        Ok(false)
    }

    /// A failure was held against whom it struck: it may turn out to be part of a burst.
    pub(super) fn remember(
        &mut self,
        witness: &Witness,
        used: Option<&Model>,
        causes: &'static [Cause],
        opened: Option<(Ban, Option<Ban>)>,
    ) {
        let (boot, window_ms) = (self.boot(), self.policy(witness.pool).guard.window_ms);
        let of_pool = |spark: &Spark| spark.pool == witness.pool;
        self.sparks.retain(|spark| !of_pool(spark) || boot - spark.at < window_ms);
        if self.sparks.iter().filter(|spark| of_pool(spark)).count() == REMEMBERED {
            let oldest = self.sparks.iter().position(of_pool);
            oldest.map(|oldest| self.sparks.remove(oldest));
        }
        self.sparks.push(Spark {
            at: self.boot(),
            pool: witness.pool,
            credential: witness.credential,
            account: Arc::clone(&witness.account),
            model: used.cloned(),
            causes,
            opened,
        });
    }

    /// An operator has cleared a credential, or all of a pool: no pause follows from what was before.
    pub(super) fn forget_burst(&mut self, pool: PoolKey, credential: Option<CredentialKey>) {
        self.sparks.retain(|spark| spark.pool != pool || credential.is_some_and(|key| key != spark.credential));
    }

    /// The pause of a pool that a failure with this model in use is part of.
    fn pause_for(&self, pool: PoolKey, used: Option<&Model>, causes: &[Cause]) -> Option<usize> {
        let covers = |ban: &Ban| ban.model.is_none() || ban.model.as_ref() == used;
        let part =
            |ban: &Ban| ban.about == About::Pool(pool) && ban.lasts() && covers(ban) && causes.contains(&ban.cause);
        let pauses = self.bans.iter().enumerate().filter(|(_, ban)| part(ban));
        // The widest.
        pauses.min_by_key(|(_, ban)| (ban.model.is_some(), ban.cause)).map(|(at, _)| at)
    }

    /// A pause that begins now: a short one, and without jitter, for one waits for the pool and not a herd for a key.
    fn pause(&self, model: Option<Model>, cause: Cause, strikes: u32, pool: PoolKey, verdict: &Verdict) -> Ban {
        let backoff = self.policy(pool).guard.pause;
        let said = self.hint(verdict).and_then(|hint| self.left(hint)).unwrap_or(0).min(backoff.cap_ms);
        let ms = self.guess(backoff, strikes).max(said).max(1);
        let end = End::At { boot: self.boot() + ms, wall: 0 };
        Ban { strikes, ..self.ban(About::Pool(pool), pool, model, cause, end) }
    }

    /// Closes a window of the burst again, unless somebody else has had a say in it since.
    fn undo(&mut self, opened: &Ban, before: Option<&Ban>) -> bool {
        let same = |ban: &Ban| ban.about == opened.about && ban.model == opened.model && ban.cause == opened.cause;
        let Some(at) = self.bans.iter().position(same) else { return false };
        let ban = &self.bans[at];
        if ban.life != Life::Closed || ban.began != opened.began || ban.end != opened.end {
            return false;
        }
        let forget_at = self.boot() + self.limits.strikes_ms;
        match before {
            // What was not over yet waits for a probe: whoever was on trial has met the provider's fault.
            Some(before) if before.lasts() => {
                let life = Life::HalfOpen { answer_by: None, silent: 0, forget_at };
                self.bans[at] = Ban { life, out: Vec::new(), ..before.clone() };
            }
            Some(before) => self.bans[at] = Ban { life: Life::Over { forget_at }, ..before.clone() },
            None => {
                self.bans.remove(at);
            }
        }
        true
    }

    /// The conclusion speaks of the pause.
    fn concludes(&mut self, pause: usize, key: CredentialKey, why: Option<Why>, conclusion: &Conclusion) -> Said {
        self.hear_of(key);
        let pause = &self.bans[pause];
        ensure!(conclusion.reach == Reach::Pool && conclusion.model == pause.model, "it is the pool's: {pause:?}");
        ensure!(conclusion.why == why, "why: {why:?}");
        ensure!(conclusion.strikes == pause.strikes, "{} strikes", pause.strikes);
        ensure!(conclusion.until.map(End::of) == Some(pause.end), "until {:?}", pause.end);
        ensure!(conclusion.state == self.state(key), "the state is {:?}", self.state(key));
        Ok(())
    }
}
