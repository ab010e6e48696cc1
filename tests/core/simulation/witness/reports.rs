//! What may follow from what holders say.

use std::sync::Arc;

use credpool_core::{Conclusion, Core, EndedBy, Kind, Reach, Reading, Release, Report, Subject, Until, Verdict, Why};

use super::window::Stage;
use super::{About, Holder, Window, Witness, promise};
use crate::simulation::run::BACKOFF;

impl Witness {
    pub(super) fn released(&mut self, release: &Release, ended_by: EndedBy, duplicate: bool) -> Result<(), String> {
        let boot = self.now.boot.0;
        let holder = self.holders.get_mut(&release.token.0).ok_or("2: a lease that nobody was granted is released")?;
        promise!(duplicate == holder.ended.is_some(), "2: duplicate: {duplicate}, but it was {holder:?}");
        let late = matches!(holder.ended, Some((EndedBy::Ttl | EndedBy::Connection, _)));
        let is_news = !duplicate || (release.success && late);
        let before = holder.ended;
        let (by, at) = before.unwrap_or((EndedBy::Release, boot));
        promise!(by == ended_by, "2: ended by {ended_by:?}, but it was {holder:?}");
        holder.ended = Some((by, at));
        // Whoever gave it back has had his say.
        let given_back = before.is_some_and(|(by, _)| matches!(by, EndedBy::Release | EndedBy::Report));
        let succeeds = release.success && !given_back && !holder.succeeded;
        holder.succeeded |= succeeds;
        if !release.success && !duplicate {
            for window in self.windows.values_mut() {
                window.hears_nothing_of(release.token, boot);
            }
        }
        if succeeds {
            // A success lifts what covers its lease and began before it.
            let holder = holder.clone();
            let secret_since = self.rows.get(&holder.credential).map(|row| row.secret_since);
            self.windows.retain(|(about, model, _), window| {
                let covers = match about {
                    About::Credential(key) => *key == holder.credential && secret_since == Some(holder.secret_since),
                    About::Account(pool, account) => *pool == holder.pool && *account == holder.account,
                    About::Pool(pool) => *pool == holder.pool,
                };
                let for_its_model = model.is_none() || *model == holder.model;
                !(covers && for_its_model && window.began <= holder.granted) || window.succeeds(boot)
            });
        }
        if let Some(holder) = self.holders.get(&release.token.0).cloned().filter(|_| is_news) {
            for reading in &release.readings {
                self.foreseen(&holder, reading);
            }
        }
        Ok(())
    }

    /// A response that says that nothing is left: what it is about is restricted, and that is no strike.
    fn foreseen(&mut self, holder: &Holder, reading: &Reading) {
        let about = About::Account(holder.pool, Arc::clone(&holder.account));
        let known = self.rows.values().any(|row| row.pool == holder.pool && row.account == holder.account);
        let cleared = self.cleared.iter().any(|cleared| {
            let covers = cleared.about == about || cleared.about == About::Pool(holder.pool);
            covers && cleared.step > holder.granted && (cleared.model.is_none() || cleared.model == reading.model)
        });
        let (Some(verdict), true, false) = (&reading.verdict, known, cleared) else { return };
        let Kind::Fault(cause) = verdict.kind else { return };
        let after = verdict.after_ms.map(|ms| Until::boot(self.now.boot.after(ms)));
        let said = after.into_iter().chain(verdict.at.map(Until::wall)).reduce(Until::max);
        let guessed = said.is_none();
        let guess = BACKOFF.base_ms.min(reading.length_ms.unwrap_or(u64::MAX)).max(1);
        let until = said.unwrap_or(Until::boot(self.now.boot.after(guess)));
        if until.passed(self.now) {
            return;
        }
        let restricted = (about, reading.model.clone(), cause);
        let window = match self.windows.get(&restricted) {
            Some(before) if before.is_closed() && guessed => before.clone(),
            Some(before) if before.is_closed() => {
                let until = before.until.max(until);
                Window { until, guessed: before.guessed && until == before.until, ..before.clone() }
            }
            before => Window {
                began: self.step,
                began_at: self.now.boot.0,
                until,
                strikes: before.map_or(0, |before| before.strikes),
                guessed,
                stage: Stage::Closed,
                probe: None,
            },
        };
        self.windows.insert(restricted, window);
    }

    pub(super) fn reported(
        &mut self,
        report: &Report,
        conclusion: &Conclusion,
        ended_by: Option<EndedBy>,
        duplicate: bool,
        core: &Core,
    ) -> Result<(), String> {
        let Subject::Lease(token) = report.subject else { return Ok(()) };
        let (step, boot) = (self.step, self.now.boot.0);
        let holder = self.holders.get_mut(&token.0).ok_or("2: a lease that nobody was granted is reported")?;
        let said = holder.said.get(&report.number);
        promise!(duplicate == said.is_some(), "2: duplicate: {duplicate}, but it was {holder:?}");
        if let Some(said) = said {
            promise!(said == conclusion, "2: said again, and answered otherwise: {conclusion:?}");
            return Ok(());
        }
        if !report.keep {
            holder.ended = holder.ended.or(Some((EndedBy::Report, boot)));
        }
        let by = holder.ended.map(|(by, _)| by);
        promise!(by == ended_by, "2: ended by {ended_by:?}, but it was {by:?}");
        holder.said.insert(report.number, conclusion.clone());
        let holder = holder.clone();

        let Kind::Fault(cause) = conclusion.kind else {
            promise!(conclusion.why == Some(Why::NotTheCredentialsFault), "a harmless failure is judged");
            return Ok(());
        };
        let report = &self.as_judged(report);
        let about = match report.verdict.reach {
            Reach::Credential => About::Credential(holder.credential),
            Reach::Account => About::Account(holder.pool, Arc::clone(&holder.account)),
            Reach::Pool => About::Pool(holder.pool),
            Reach::None => return Ok(()),
        };
        if conclusion.reach == Reach::None && conclusion.why == Some(Why::NotTheCredentialsFault) {
            self.may_be_the_providers(report, cause, &holder, None);
        }
        let Some(until) = conclusion.until else { return Ok(()) };
        // It was judged: then it must not be one that is history only.
        let model = &report.verdict.model;
        let cleared = self.cleared.iter().find(|cleared| {
            let covers = cleared.about == about || cleared.about == About::Pool(holder.pool);
            covers && cleared.step > holder.granted && (cleared.model.is_none() || cleared.model == *model)
        });
        promise!(cleared.is_none(), "4: a report from before {cleared:?} is judged");
        if let (About::Credential(key), Some(row)) = (&about, self.rows.get(&holder.credential)) {
            promise!(row.secret_since == holder.secret_since, "4: an old secret's failure is held against {key:?}");
        }
        self.restrictions += 1;
        if conclusion.reach != report.verdict.reach || self.is_direct(cause, report) {
            return self.provider_is_blamed(report, cause, &holder, conclusion, core);
        }
        let restricted = (about, model.clone(), cause);
        let Verdict { after_ms, at, .. } = report.verdict;
        let hinted = after_ms.is_some_and(|ms| ms > 0) || at.is_some_and(|at| at > self.now.wall);
        let (strikes, guessed) = (conclusion.strikes, !hinted);
        let mut window =
            Window { began: step, began_at: boot, until, strikes, guessed, stage: Stage::Closed, probe: None };
        let before = self.windows.get(&restricted).cloned();
        match &before {
            Some(before) if before.is_closed() => {
                // Fewer, if what he remembers of an earlier window was forgotten before this one was foreseen.
                promise!(strikes <= before.strikes, "5: {strikes} strikes within {before:?}");
                promise!(until.max(before.until) == until, "3: {until:?} is sooner than {before:?}");
                let guessed = before.guessed && until == before.until;
                window = Window { until, guessed, strikes, ..before.clone() };
            }
            Some(before) => {
                let most = before.strikes + u32::from(holder.granted >= before.began);
                promise!(strikes <= most, "5: {strikes} strikes after {before:?}, granted at {}", holder.granted);
            }
            None => {}
        }
        let opened = (window.began == step).then(|| (restricted.clone(), window.clone(), before));
        self.may_be_the_providers(report, cause, &holder, opened);
        self.windows.insert(restricted, window);
        Ok(())
    }
}
