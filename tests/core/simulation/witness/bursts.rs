//! Failures that may be the provider's, and what a pool's pause may undo.

use std::sync::Arc;

use credpool_core::{
    Cause, Conclusion, Core, CredentialKey, Event, Identity, Kind, Model, PoolKey, Reach, Report, Scope, Verdict, Why,
};

use super::window::Stage;
use super::{About, Holder, Restricted, Window, Witness, promise};
use crate::simulation::run::GUARD;

const FAULTS: [Cause; 4] = [Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network];
const REFUSALS: [Cause; 2] = [Cause::RateLimit, Cause::Forbidden];

/// A failure of late.
#[derive(Clone, Debug)]
pub(super) struct Spark {
    at: u64,
    pool: PoolKey,
    credential: CredentialKey,
    account: Arc<str>,
    used: Option<Model>,
    like: &'static [Cause],
    /// The window that it began, and what was there before.
    opened: Option<(Restricted, Window, Option<Window>)>,
}

/// The causes that a failure may add up with.
fn like(cause: Cause, verdict: &Verdict) -> Option<&'static [Cause]> {
    let says_nothing = verdict.after_ms.is_none() && verdict.at.is_none() && verdict.evidence.is_none();
    let refused = says_nothing && matches!(verdict.status, Some(403 | 429)) && verdict.reach != Reach::Pool;
    match cause {
        _ if FAULTS.contains(&cause) => Some(&FAULTS),
        _ if REFUSALS.contains(&cause) && refused => Some(&REFUSALS),
        _ => None,
    }
}

impl Witness {
    /// Whether a failure cannot but be the provider's.
    pub(super) fn is_direct(&self, cause: Cause, report: &Report) -> bool {
        self.guarded && report.verdict.reach == Reach::Pool && FAULTS.contains(&cause)
    }

    /// A report as it is judged: with the guard off, the provider's fault is held against whom it struck.
    pub(super) fn as_judged(&self, report: &Report) -> Report {
        let mut report = report.clone();
        let is_fault = matches!(report.verdict.kind, Kind::Fault(cause) if FAULTS.contains(&cause));
        if is_fault && !self.guarded && report.verdict.reach == Reach::Pool {
            report.verdict.reach = Reach::Credential;
            report.verdict.model = report.verdict.model.or_else(|| report.model.clone());
        }
        report
    }

    /// Remembers a failure that may be part of a burst, and the window that it began.
    pub(super) fn may_be_the_providers(
        &mut self,
        report: &Report,
        cause: Cause,
        holder: &Holder,
        opened: Option<(Restricted, Window, Option<Window>)>,
    ) {
        let Some(like) = like(cause, &report.verdict).filter(|_| self.guarded) else { return };
        self.sparks.push(Spark {
            at: self.now.boot.0,
            pool: holder.pool,
            credential: holder.credential,
            account: Arc::clone(&holder.account),
            used: report.model.clone(),
            like,
            opened,
        });
    }

    /// What is so old that no pause follows from it.
    pub(super) fn forget_bursts(&mut self) {
        let boot = self.now.boot.0;
        self.sparks.retain(|spark| boot - spark.at < GUARD.window_ms);
    }

    /// An operator has cleared: what was before leads to nothing.
    pub(super) fn burst_is_cleared(&mut self, credential: Option<CredentialKey>) {
        self.sparks.retain(|spark| credential.is_some_and(|key| key != spark.credential));
    }

    /// A failure was concluded to be the provider's.
    pub(super) fn provider_is_blamed(
        &mut self,
        report: &Report,
        cause: Cause,
        holder: &Holder,
        conclusion: &Conclusion,
        core: &Core,
    ) -> Result<(), String> {
        let Some(like) = like(cause, &report.verdict).filter(|_| self.guarded) else {
            return Err(format!("guard: {cause:?} is no failure of a provider: {report:?}"));
        };
        // Which restriction of the pool is meant: the conclusion names all of it but its cause.
        let records = core.records();
        let meant = like.iter().find(|cause| {
            let model = conclusion.model.clone();
            let identity = Identity { scope: Scope::Pool(holder.pool), model, cause: **cause };
            records.restrictions.get(&identity).is_some_and(|pause| Some(pause.until) == conclusion.until)
        });
        let Some(meant) = meant else { return Err(format!("guard: there is no such pause: {conclusion:?}")) };
        let paused = (About::Pool(holder.pool), conclusion.model.clone(), *meant);
        let before = self.windows.get(&paused).cloned();
        if conclusion.why == Some(Why::AlreadyRestricted) {
            let known = before.as_ref().filter(|pause| Some(pause.until) == conclusion.until);
            let Some(known) = known else {
                return Err(format!("guard: {before:?} is spoken of as {conclusion:?}"));
            };
            promise!(known.strikes == conclusion.strikes, "5: {} strikes within {known:?}", conclusion.strikes);
            return Ok(());
        }
        let strikes = conclusion.strikes;
        match &before {
            Some(before) => {
                let most = before.strikes + u32::from(holder.granted >= before.began);
                promise!(!before.is_closed(), "5: {before:?} pauses once more");
                promise!(strikes <= most, "5: {strikes} strikes after {before:?}, granted at {}", holder.granted);
            }
            None => promise!(strikes == 1, "5: {strikes} strikes at once"),
        }
        let begins = |entry: &credpool_core::Entry| {
            let of_now = entry.at == self.now && entry.pool == holder.pool && entry.model == report.model;
            of_now && matches!(entry.event, Event::Paused { .. })
        };
        // The failure itself is told after the pause that it led to.
        if records.history.values().rev().take(2).any(begins) {
            self.burst_ends(report, like, holder)?;
        } else {
            let goes_on = before.as_ref().is_some_and(|pause| holder.granted >= pause.began);
            promise!(goes_on, "guard: {before:?} goes on for a lease of {}", holder.granted);
        }
        let until = conclusion.until.ok_or("guard: a pause without an end")?;
        let (began, began_at) = (self.step, self.now.boot.0);
        let pause = Window { began, began_at, until, strikes, guessed: true, stage: Stage::Closed, probe: None };
        self.windows.insert(paused, pause);
        self.pauses += 1;
        Ok(())
    }

    /// A burst has made the pool pause: it was one, and what it did to single credentials is undone.
    fn burst_ends(&mut self, report: &Report, like: &[Cause], holder: &Holder) -> Result<(), String> {
        let is_part = |spark: &Spark| spark.pool == holder.pool && spark.used == report.model && spark.like == like;
        let (burst, left): (Vec<Spark>, Vec<Spark>) = self.sparks.drain(..).partition(is_part);
        self.sparks = left;
        let mut credentials: Vec<CredentialKey> = burst.iter().map(|spark| spark.credential).collect();
        credentials.push(holder.credential);
        credentials.sort_unstable();
        credentials.dedup();
        let mut accounts: Vec<&Arc<str>> = burst.iter().map(|spark| &spark.account).collect();
        accounts.push(&holder.account);
        accounts.sort_unstable();
        accounts.dedup();
        let enough = match like == FAULTS {
            true => credentials.len() >= GUARD.faults as usize,
            false => accounts.len() >= GUARD.refusals as usize,
        };
        promise!(enough, "guard: the pool pauses for {credentials:?} of {accounts:?}");
        for (restricted, opened, before) in burst.into_iter().rev().filter_map(|spark| spark.opened) {
            let untouched = self.windows.get(&restricted).is_some_and(|window| {
                window.is_closed() && window.began == opened.began && window.until == opened.until
            });
            if !untouched {
                continue;
            }
            match before {
                None => {
                    self.windows.remove(&restricted);
                }
                Some(before) if before.stage == Stage::Over => {
                    self.windows.insert(restricted, before);
                }
                Some(before) => {
                    let stage = Stage::HalfOpen { since: self.now.boot.0, silent: 0 };
                    self.windows.insert(restricted, Window { stage, probe: None, ..before });
                }
            }
        }
        Ok(())
    }
}
