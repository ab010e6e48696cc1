//! What reports do to bans.

use std::slice::Iter;
use std::sync::Arc;

use credpool_core::{
    Backoff, Cause, Conclusion, CredentialKey, EndedBy, Event, Kind, LeaseNo, Limit, Model, Next, PoolKey, Reach,
    Refusal, Report, Reported, Seq, Settled, Subject, Verdict, Why,
};

use super::granting::Wanted;
use super::guard::suspect;
use super::recovery::Life;
use super::{About, Ban, End, Lease, Naive, Said, ensure};

/// Whom a failure is about, as it was when its lease was granted.
pub(super) struct Witness {
    pub(super) pool: PoolKey,
    pub(super) credential: CredentialKey,
    pub(super) account: Arc<str>,
    secret_since: u64,
    pub(super) granted: u64,
}

impl Witness {
    pub(super) fn of(lease: &Lease) -> Self {
        Self {
            pool: lease.pool,
            credential: lease.credential,
            account: Arc::clone(&lease.account),
            secret_since: lease.secret_since,
            granted: lease.granted,
        }
    }
}

impl Naive {
    pub(super) fn report(
        &mut self,
        report: &Report,
        answer: &Result<Reported, Refusal>,
        settled: &mut Iter<'_, Settled>,
    ) -> Said {
        let token = match report.subject {
            Subject::Lease(token) => token,
            Subject::Credential(key, epoch) => return self.report_without_lease(key, epoch, report, answer),
        };
        let Some(lease) = self.leases.iter().find(|lease| lease.token == token).cloned() else {
            ensure!(*answer == Err(Refusal::UnknownLease), "the lease is unknown");
            return Ok(());
        };
        if let Some((_, said)) = lease.said.iter().find(|(number, _)| *number == report.number) {
            let ended_by = lease.ended.map(|(by, _)| by);
            let expected = Ok(Reported { conclusion: said.clone(), ended_by, duplicate: true, next: None });
            ensure!(*answer == expected, "said before: {expected:?}");
            return Ok(());
        }
        if lease.said.len() >= self.limits.reports_per_lease {
            ensure!(*answer == Err(Refusal::Limit(Limit::ReportsPerLease)), "enough is said of that lease");
            return Ok(());
        }
        let Ok(reported) = answer else { return Err("the report is news".into()) };
        let witness = Witness::of(&lease);
        self.observe_failure(&witness, Some(lease.no), report);
        self.judge(&witness, report.model.as_ref(), &report.verdict, &reported.conclusion)?;
        self.tell_report(&witness, Some(lease.no), report, &reported.conclusion);
        if !report.keep {
            self.end(token, EndedBy::Report);
        }
        if let Some(lease) = self.lease_mut(token) {
            lease.said.push((report.number, reported.conclusion.clone()));
            let ended_by = lease.ended.map(|(by, _)| by);
            ensure!(reported.ended_by == ended_by, "ended by {ended_by:?}");
        }
        ensure!(!reported.duplicate, "nobody said so before");
        let (next, (ask, token, owner)) = match (&report.next, &reported.next) {
            (Some(Next::Same { token, connection }), Some(next)) => {
                (next, (lease.ask, *token, lease.owner.map(|_| *connection)))
            }
            (Some(Next::With { ask, token, owner }), Some(next)) => (next, (ask.clone(), *token, *owner)),
            (None, None) => return Ok(()),
            _ => return Err("next is answered if it was asked for".into()),
        };
        let wanted = Wanted { pool: lease.pool, ask, token, owner, since: self.boot() };
        self.hand_on_in(lease.pool, Some((wanted, next)), settled)
    }

    fn report_without_lease(
        &mut self,
        key: CredentialKey,
        epoch: Seq,
        report: &Report,
        answer: &Result<Reported, Refusal>,
    ) -> Said {
        let Some(credential) = self.credential(key).cloned() else {
            ensure!(*answer == Err(Refusal::UnknownCredential), "the credential is unknown");
            return Ok(());
        };
        let Ok(reported) = answer else { return Err("the credential is known".into()) };
        ensure!(reported.ended_by.is_none() && !reported.duplicate, "there is no lease");
        let witness = Witness {
            pool: credential.pool,
            credential: key,
            account: credential.account,
            secret_since: credential.secret_since,
            granted: self.seq,
        };
        if epoch == Seq(credential.epoch) {
            self.observe_failure(&witness, None, report);
            self.judge(&witness, report.model.as_ref(), &report.verdict, &reported.conclusion)?;
        } else {
            let old_secret = epoch < Seq(credential.secret_since);
            let why = if old_secret { Why::StaleSecret } else { Why::ClearedSince };
            self.history_only(key, why, &reported.conclusion)?;
        }
        self.tell_report(&witness, None, report, &reported.conclusion);
        Ok(())
    }

    fn tell_report(&mut self, witness: &Witness, lease: Option<LeaseNo>, report: &Report, conclusion: &Conclusion) {
        let about = match conclusion.reach {
            Reach::Credential | Reach::None => About::Credential(witness.credential),
            Reach::Account => About::Account(witness.pool, Arc::clone(&witness.account)),
            Reach::Pool => About::Pool(witness.pool),
        };
        let model = report.model.as_ref().or(conclusion.model.as_ref());
        let probe = lease.is_some_and(|no| self.leases.iter().any(|lease| lease.no == no && lease.probe));
        let event = Event::Reported { lease, probe, status: report.verdict.status, conclusion: conclusion.clone() };
        self.tell(witness.pool, Some(witness.credential), about, model, event);
    }

    pub(super) fn history_only(&self, key: CredentialKey, why: Why, conclusion: &Conclusion) -> Said {
        ensure!(conclusion.why == Some(why), "history only: {why:?}");
        ensure!(conclusion.state == self.state(key), "the state is {:?}", self.state(key));
        ensure!(conclusion.until.is_none() && conclusion.strikes == 0, "no restriction is spoken of");
        Ok(())
    }

    fn judge(&mut self, witness: &Witness, used: Option<&Model>, verdict: &Verdict, conclusion: &Conclusion) -> Said {
        let key = witness.credential;
        let (said, heard) = ((verdict.kind, &verdict.rule), (conclusion.kind, &conclusion.rule));
        ensure!(said == heard, "the verdict is {said:?}");
        let cause = match verdict.kind {
            Kind::Fault(cause) if cause != Cause::Disabled && cause != Cause::NoSecret => cause,
            _ => return self.history_only(key, Why::NotTheCredentialsFault, conclusion),
        };
        let verdict = &self.held_against(witness.pool, used, cause, verdict);
        let about = match verdict.reach {
            Reach::Credential => About::Credential(key),
            Reach::Account => About::Account(witness.pool, Arc::clone(&witness.account)),
            Reach::Pool => About::Pool(witness.pool),
            Reach::None => return self.history_only(key, Why::NotTheCredentialsFault, conclusion),
        };
        let still_there = match &about {
            About::Credential(key) => self.credential(*key).is_some_and(|c| c.secret_since == witness.secret_since),
            About::Account(pool, account) => self.credentials.iter().any(|c| c.pool == *pool && c.account == *account),
            About::Pool(_) => true,
        };
        if !still_there {
            return self.history_only(key, Why::StaleSecret, conclusion);
        }
        let cleared = self.marks.iter().any(|mark| {
            let covers = mark.about == about || mark.about == About::Pool(witness.pool);
            covers && (mark.model.is_none() || mark.model == verdict.model) && mark.seq > witness.granted
        });
        if cleared {
            return self.history_only(key, Why::ClearedSince, conclusion);
        }
        if self.blame_provider(witness, used, cause, verdict, conclusion)? {
            return Ok(());
        }
        let (said, heard) = ((verdict.reach, &verdict.model), (conclusion.reach, &conclusion.model));
        ensure!(said == heard, "it is about {said:?}");
        let before =
            self.bans.iter().position(|ban| ban.about == about && ban.model == verdict.model && ban.cause == cause);
        let was_there = before.map(|at| self.bans[at].clone());
        let (ban, news) = self.judged(witness, about, cause, was_there.as_ref(), verdict, conclusion)?;
        let opened = (ban.began == self.seq).then(|| (ban.clone(), was_there));
        let strikes = ban.strikes;
        match before {
            Some(at) => self.bans[at] = ban,
            None => self.bans.push(ban),
        }
        let guarded = self.policy(witness.pool).guard.window_ms > 0;
        if let Some(causes) = suspect(cause, verdict).filter(|_| guarded) {
            self.remember(witness, used, causes, opened);
        }
        self.hear_of(key);
        ensure!(conclusion.strikes == strikes, "{strikes} strikes");
        let why = if news { None } else { Some(Why::AlreadyRestricted) };
        ensure!(conclusion.why == why, "why: {why:?}");
        ensure!(conclusion.state == self.state(key), "the state is {:?}", self.state(key));
        Ok(())
    }

    /// What a ban is after a failure that is held against whom it struck, and whether that is news.
    fn judged(
        &self,
        witness: &Witness,
        about: About,
        cause: Cause,
        before: Option<&Ban>,
        verdict: &Verdict,
        conclusion: &Conclusion,
    ) -> Said<(Ban, bool)> {
        let hint = self.hint(verdict);
        let got = conclusion.until.map(End::of).ok_or("a restriction is spoken of")?;
        if let Some(window) = before.filter(|ban| ban.life == Life::Closed) {
            match hint {
                Some(hint) => self.check_end(Some(window.end), hint, got)?,
                None => ensure!(got == window.end, "without a hint, the window stays as it is"),
            }
            let news = got != window.end;
            return Ok((Ban { end: got, guessed: window.guessed && !news, ..window.clone() }, news));
        }
        let strikes = match before {
            Some(ban) if witness.granted >= ban.began => ban.strikes + 1,
            Some(ban) => ban.strikes,
            None => 1,
        };
        let backoff = self.backoff(witness.pool, cause)?;
        match (backoff, hint) {
            (None, _) => ensure!(got == End::Never, "only a person can help"),
            (Some(_), Some(hint)) => self.check_end(None, hint, got)?,
            (Some(backoff), None) => {
                let ms = self.guess_in(witness.pool, cause, backoff, strikes);
                self.check_end(None, End::At { boot: self.boot() + ms, wall: 0 }, got)?;
            }
        }
        let begun = self.ban(about, witness.pool, verdict.model.clone(), cause, got);
        Ok((Ban { strikes, guessed: hint.is_none(), ..begun }, true))
    }

    pub(super) fn hint(&self, verdict: &Verdict) -> Option<End> {
        let boot = verdict.after_ms.map(|ms| self.boot() + ms);
        let wall = verdict.at.map(|at| at.0);
        let hint = End::At { boot: boot.unwrap_or(0), wall: wall.unwrap_or(0) };
        (self.left(hint) != Some(0)).then_some(hint)
    }

    /// How long a guessed window lasts.
    pub(super) fn guess(&self, backoff: Backoff, strikes: u32) -> u64 {
        let mut ms = backoff.base_ms;
        for _ in 1..strikes {
            ms = (ms * u64::from(backoff.factor_permille) / 1_000).min(backoff.cap_ms);
        }
        ms
    }

    /// How long one lasts in a pool that may have a single credential.
    pub(super) fn guess_in(&self, pool: PoolKey, cause: Cause, backoff: Backoff, strikes: u32) -> u64 {
        let ms = self.guess(backoff, strikes);
        let members = self.credentials.iter().filter(|c| c.pool == pool && c.gone.is_none()).count();
        let passes = [Cause::RateLimit, Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network];
        if members < 2 && passes.contains(&cause) { ms.min(self.policy(pool).cooldowns.sole_ms) } else { ms }
    }

    pub(super) fn backoff(&self, pool: PoolKey, cause: Cause) -> Said<Option<Backoff>> {
        let cooldowns = self.pool(pool).ok_or("no such pool")?.policy.cooldowns;
        Ok(match cause {
            Cause::RateLimit => Some(cooldowns.rate_limit),
            Cause::Quota => Some(cooldowns.quota),
            Cause::Billing => Some(cooldowns.billing),
            Cause::Auth => Some(cooldowns.auth),
            Cause::Forbidden => Some(cooldowns.forbidden),
            Cause::Model => Some(cooldowns.model),
            Cause::Overloaded => Some(cooldowns.overloaded),
            Cause::Server => Some(cooldowns.server),
            Cause::Edge | Cause::Network => Some(cooldowns.edge),
            Cause::Dead | Cause::Disabled | Cause::NoSecret => None,
        })
    }

    /// Each clock's part: not before what was, not before the new word, and at most a tenth of its time left after it.
    fn check_end(&self, before: Option<End>, word: End, got: End) -> Said {
        let part = |before: u64, word: u64, now: u64, got: u64| {
            let least = before.max(word);
            let most = before.max(word + word.saturating_sub(now) / 10);
            // What lies in the past asks for nothing.
            (got <= now && least <= now) || (least..=most).contains(&got)
        };
        let before = before.unwrap_or(End::At { boot: 0, wall: 0 });
        match (before, word, got) {
            (End::Never, _, End::Never) | (_, End::Never, End::Never) => Ok(()),
            (End::At { boot, wall }, End::At { boot: b, wall: w }, End::At { boot: got_boot, wall: got_wall }) => {
                let right = part(boot, b, self.now.boot.0, got_boot) && part(wall, w, self.now.wall.0, got_wall);
                ensure!(right, "until: before {before:?}, said {word:?}, at {:?}", self.now);
                Ok(())
            }
            _ => Err(format!("until: before {before:?}, said {word:?}")),
        }
    }

    pub(super) fn hear_of(&mut self, key: CredentialKey) {
        let wall = self.now.wall.0;
        if let Some(credential) = self.credential_mut(key) {
            credential.known = credential.known.max(wall);
        }
    }
}
