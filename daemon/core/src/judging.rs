//! What reports, successes and Hermes' own notes do to restrictions.

use std::sync::Arc;

use crate::cause::{Cause, Kind, State};
use crate::command::{Import, Next, Report, Reported, Subject, Verdict};
use crate::guard::{Guarded, Opened};
use crate::history::Event;
use crate::leases::Asking;
use crate::machine::Core;
use crate::records::{
    AccountKey, Conclusion, CredentialKey, EndedBy, Identity, Lease, LeaseNo, Model, PoolKey, Reach, Scope, Seq, Why,
};
use crate::refusal::{Limit, Refusal};
use crate::restriction::{Phase, Restriction};
use crate::tables::Touched;
use crate::time::{Now, Until, Wall};

/// The most jitter, in 1/1,024 of the time left: just under 10 %.
const MOST_JITTER: u64 = 102;

/// The time left beyond which jitter grows no more: it is there to spread a herd, which 30 s do.
const JITTER_SPAN_MS: u64 = 5 * 60 * 1_000;

/// Whom a failure or a success is about, as it was when the lease was granted.
#[derive(Clone, Copy)]
pub(crate) struct About {
    pub(crate) pool: PoolKey,
    pub(crate) credential: CredentialKey,
    pub(crate) account: AccountKey,
    pub(crate) secret: Seq,
    pub(crate) granted: Seq,
}

impl About {
    pub(crate) fn lease(lease: &Lease) -> Self {
        Self {
            pool: lease.pool,
            credential: lease.credential,
            account: lease.account,
            secret: lease.secret,
            granted: lease.granted,
        }
    }
}

impl Core {
    pub(crate) fn report(&mut self, report: Report) -> Result<Reported, Refusal> {
        match report.subject {
            Subject::Lease(token) => {
                let no = *self.index.by_token.get(&token).ok_or(Refusal::UnknownLease)?;
                self.report_of_lease(no, report)
            }
            Subject::Credential(key, epoch) => {
                let (pool, conclusion) = self.report_of_credential(key, epoch, &report)?;
                let next = match report.next {
                    Some(Next::With { ask, token, owner }) => {
                        Some(self.acquire_now(Asking { pool, ask, token, owner, since: self.now().boot }))
                    }
                    // There is no lease whose conditions it could repeat.
                    Some(Next::Same { .. }) | None => None,
                };
                Ok(Reported { conclusion, ended_by: None, duplicate: false, next })
            }
        }
    }

    fn report_of_lease(&mut self, no: LeaseNo, report: Report) -> Result<Reported, Refusal> {
        let lease = self.records.leases.get(&no).ok_or(Refusal::UnknownLease)?;
        if let Some((_, said)) = lease.reports.iter().find(|(number, _)| *number == report.number) {
            let ended_by = lease.ended.map(|ending| ending.by);
            return Ok(Reported { conclusion: said.clone(), ended_by, duplicate: true, next: None });
        }
        if lease.reports.len() >= self.limits.reports_per_lease {
            return Err(Refusal::Limit(Limit::ReportsPerLease));
        }
        let about = About::lease(lease);
        let (same, was_bound) = (lease.ask.clone(), lease.owner.is_some());
        let before = lease.ended.map(|ending| ending.by);
        self.observe_failure(about, Some(no), &report);
        let conclusion = self.judge(about, report.model.as_ref(), &report.verdict);
        self.note_report(about, Some(no), &report, &conclusion);
        if let Some(lease) = self.records.leases.get_mut(&no) {
            lease.reports.push((report.number, conclusion.clone()));
            self.touch(Touched::Lease(no));
        }
        if !report.keep {
            self.end(no, EndedBy::Report);
        }
        let ended_by = before.or((!report.keep).then_some(EndedBy::Report));
        let next = report.next.map(|next| {
            let (ask, token, owner) = match next {
                Next::Same { token, connection } => (same, token, was_bound.then_some(connection)),
                Next::With { ask, token, owner } => (ask, token, owner),
            };
            self.acquire_now(Asking { pool: about.pool, ask, token, owner, since: self.now().boot })
        });
        Ok(Reported { conclusion, ended_by, duplicate: false, next })
    }

    fn report_of_credential(
        &mut self,
        key: CredentialKey,
        epoch: Seq,
        report: &Report,
    ) -> Result<(PoolKey, Conclusion), Refusal> {
        let credential = self.records.credentials.get(&key).ok_or(Refusal::UnknownCredential)?;
        // Without a lease nobody knows when the request began; that it fails now, in this epoch, is what counts.
        let about = About {
            pool: credential.pool,
            credential: key,
            account: credential.account,
            secret: credential.secret_since,
            granted: self.records.header.seq,
        };
        let conclusion = if epoch == credential.epoch {
            self.observe_failure(about, None, report);
            self.judge(about, report.model.as_ref(), &report.verdict)
        } else {
            let why = if epoch < credential.secret_since { Why::StaleSecret } else { Why::ClearedSince };
            self.history_only(key, &report.verdict, why)
        };
        self.note_report(about, None, report, &conclusion);
        Ok((about.pool, conclusion))
    }

    /// What a failed response says is left. A verdict about the account has heeded what is spent.
    fn observe_failure(&mut self, about: About, lease: Option<LeaseNo>, report: &Report) {
        let verdict = &report.verdict;
        let restricts = !(matches!(verdict.kind, Kind::Fault(_)) && verdict.reach == Reach::Account);
        self.observe(about, lease, &report.readings, restricts);
    }

    fn note_report(&mut self, about: About, lease: Option<LeaseNo>, report: &Report, conclusion: &Conclusion) {
        let scope = scope_of(conclusion.reach, &about).unwrap_or(Scope::Credential(about.credential));
        let model = report.model.clone().or_else(|| conclusion.model.clone());
        let probe = lease.and_then(|no| self.records.leases.get(&no)).is_some_and(|lease| lease.probe);
        let event = Event::Reported { lease, probe, status: report.verdict.status, conclusion: conclusion.clone() };
        self.note(about.pool, Some(about.credential), scope, model, event);
    }

    /// Applies a verdict to the restriction that it is about.
    fn judge(&mut self, about: About, used: Option<&Model>, verdict: &Verdict) -> Conclusion {
        let key = about.credential;
        let fault = match verdict.kind {
            Kind::Fault(cause) if !cause.is_ours() => Some((cause, self.unguarded(about.pool, used, cause, verdict))),
            _ => None,
        };
        let fault = fault.and_then(|(cause, verdict)| Some((cause, scope_of(verdict.reach, &about)?, verdict)));
        let Some((cause, scope, verdict)) = fault else {
            return self.history_only(key, verdict, Why::NotTheCredentialsFault);
        };
        let verdict = &*verdict;
        if self.is_stale(about, scope) {
            return self.history_only(key, verdict, Why::StaleSecret);
        }
        if self.is_cleared(about, scope, verdict.model.as_ref()) {
            return self.history_only(key, verdict, Why::ClearedSince);
        }
        let identity = Identity { scope, model: verdict.model.clone(), cause };
        match self.whose_fault(about, used, cause, verdict) {
            Guarded::Provider(Some(pause), why) => {
                self.hear_of(key);
                let whose = Conclusion { reach: Reach::Pool, why, ..self.conclusion(key, verdict) };
                self.concluded(whose, &pause)
            }
            Guarded::Provider(None, why) => Conclusion { reach: Reach::None, why, ..self.conclusion(key, verdict) },
            Guarded::Judge(suspicion) => {
                let before = self.records.restrictions.get(&identity).cloned();
                let news = self.apply_verdict(about, &identity, before.clone(), verdict);
                if let Some(suspicion) = suspicion {
                    let opened = self.opened(&identity, before);
                    self.remember(about, used, suspicion, opened);
                }
                self.hear_of(key);
                let why = (!news).then_some(Why::AlreadyRestricted);
                self.concluded(Conclusion { why, ..self.conclusion(key, verdict) }, &identity)
            }
        }
    }

    /// Begins a window of a restriction, or lets it last longer; whether that is news.
    fn apply_verdict(
        &mut self,
        about: About,
        identity: &Identity,
        before: Option<Restriction>,
        verdict: &Verdict,
    ) -> bool {
        let hint = self.hint(verdict);
        match before {
            Some(window) if window.phase == Phase::Closed => self.extend(window, hint, verdict),
            remembered => {
                if remembered.is_none() {
                    self.make_room(identity);
                }
                let strikes = match &remembered {
                    // What a report is answered with comes after the window that the report began.
                    Some(window) if about.granted >= window.began => window.strikes.saturating_add(1),
                    Some(window) => window.strikes,
                    None => 1,
                };
                self.begin(identity.clone(), about.pool, strikes, hint, verdict);
                true
            }
        }
    }

    /// The window that this command has begun, if it has, and what was there before.
    fn opened(&self, identity: &Identity, before: Option<Restriction>) -> Option<Opened> {
        let window = self.records.restrictions.get(identity)?;
        let began = window.began;
        (began == self.records.header.seq).then(|| Opened {
            identity: identity.clone(),
            began,
            until: window.until,
            before: before.map(Box::new),
        })
    }

    /// A conclusion that ended in the restriction of `identity`.
    fn concluded(&self, conclusion: Conclusion, identity: &Identity) -> Conclusion {
        let Some(restriction) = self.records.restrictions.get(identity) else { return conclusion };
        Conclusion {
            model: identity.model.clone(),
            until: Some(restriction.until),
            strikes: restriction.strikes,
            ..conclusion
        }
    }

    /// Whether the secret, or the account, that a verdict is about is gone.
    pub(crate) fn is_stale(&self, about: About, scope: Scope) -> bool {
        match scope {
            Scope::Credential(key) => {
                self.records.credentials.get(&key).is_none_or(|credential| credential.secret_since != about.secret)
            }
            Scope::Account(account) => {
                self.index.account_members.get(&account).is_none_or(std::collections::BTreeSet::is_empty)
            }
            Scope::Pool(_) => false,
        }
    }

    /// Whether an operator cleared what a verdict is about after the lease was granted: that very scope, or the pool
    /// and all in it. (Who clears one credential clears its account, but none of the account's other credentials.)
    pub(crate) fn is_cleared(&self, about: About, scope: Scope, model: Option<&Model>) -> bool {
        let since = |scope: Scope, model: Option<&Model>| {
            let watermark = self.records.watermarks.get(&(scope, model.cloned()));
            watermark.is_some_and(|watermark| watermark.seq > about.granted)
        };
        let covering = [scope, Scope::Pool(about.pool)];
        covering.iter().any(|scope| since(*scope, None) || (model.is_some() && since(*scope, model)))
    }

    /// When the vendor says that it is over; `None` if it did not say, or that is no time at all.
    pub(crate) fn hint(&self, verdict: &Verdict) -> Option<Until> {
        let now = self.now();
        let after = verdict.after_ms.map(|ms| Until::boot(now.boot.after(ms)));
        let hint = match (after, verdict.at.map(Until::wall)) {
            (Some(after), Some(at)) => after.max(at),
            (after, at) => after.or(at)?,
        };
        Some(hint).filter(|hint| !hint.passed(now))
    }

    /// Lets a window of a restriction last as long as `hint` says; whether that is news.
    fn extend(&mut self, mut window: Restriction, hint: Option<Until>, verdict: &Verdict) -> bool {
        let Some(hint) = hint else { return false };
        let until = window.until.max(later(hint, window.jitter, self.now()));
        if until == window.until {
            return false;
        }
        window.until = until;
        window.guessed = false;
        window.status = verdict.status;
        window.reason = Arc::clone(&verdict.rule);
        window.evidence.clone_from(&verdict.evidence);
        self.put_restriction(window);
        true
    }

    /// Begins a window of a restriction.
    fn begin(&mut self, identity: Identity, pool: PoolKey, strikes: u32, hint: Option<Until>, verdict: &Verdict) {
        let now = self.now();
        let jitter = u16::try_from(self.records.header.rng.below(MOST_JITTER + 1)).unwrap_or(0);
        let guess = self.guess_ms(pool, identity.cause, strikes).map(|ms| Until::boot(now.boot.after(ms)));
        let until = match guess {
            Some(guess) => later(hint.unwrap_or(guess), jitter, now),
            None => Until::Lifted,
        };
        self.put_restriction(Restriction {
            guessed: hint.is_none(),
            strikes,
            jitter,
            status: verdict.status,
            reason: Arc::clone(&verdict.rule),
            evidence: verdict.evidence.clone(),
            ..self.window(identity, pool, until)
        });
    }

    /// How long to wait where nobody says, in milliseconds, at least 1; `None` for what only a person lifts.
    pub(crate) fn guess_ms(&self, pool: PoolKey, cause: Cause, strikes: u32) -> Option<u64> {
        let policy = self.records.pools.get(&pool).map(|pool| pool.policy.cooldowns).unwrap_or_default();
        // Whoever has one credential gains nothing by leaving it alone for long.
        let sole = cause.passes() && self.members(pool).nth(1).is_none();
        let most = if sole { policy.sole_ms } else { u64::MAX };
        policy.of(cause).map(|backoff| backoff.window_ms(strikes).min(most).max(1))
    }

    /// Makes room for one more single model in a scope: strikes are forgotten first, then the window that opens first.
    pub(crate) fn make_room(&mut self, identity: &Identity) {
        if identity.model.is_none() {
            return;
        }
        let within = || self.records.restrictions_within(identity.scope).filter(|r| r.identity.model.is_some());
        if within().count() < self.limits.models_per_scope {
            return;
        }
        let order = |r: &&Restriction| (!r.is_over(), self.on_boot_clock(r.until), r.began);
        if let Some(first) = within().min_by_key(order).map(|r| r.identity.clone()) {
            self.drop_restriction(&first);
        }
    }

    pub(crate) fn import(&mut self, import: &Import) -> bool {
        let key = import.credential;
        let Some(credential) = self.records.credentials.get(&key) else { return false };
        let (pool, account) = (credential.pool, credential.account);
        let (scope, known) = match import.cause {
            Cause::RateLimit | Cause::Quota | Cause::Billing => (Scope::Account(account), self.last_known(account)),
            _ => (Scope::Credential(key), credential.known),
        };
        if import.at <= credential.imported.max(known) || import.cause.is_ours() {
            return false;
        }
        if let Some(credential) = self.records.credentials.get_mut(&key) {
            credential.imported = import.at;
        }
        self.touch(Touched::Credential(key));
        let Import { cause, until, status, .. } = *import;
        let event = Event::Imported { cause, until, status, rule: Arc::clone(&import.rule) };
        self.note(pool, Some(key), scope, None, event);
        if import.until.passed(self.now()) {
            return true;
        }
        let identity = Identity { scope, model: None, cause: import.cause };
        let restriction = match self.records.restrictions.get(&identity).cloned() {
            Some(window) if window.phase == Phase::Closed => {
                let until = window.until.max(import.until);
                Restriction { until, guessed: window.guessed || until != window.until, ..window }
            }
            remembered => Restriction {
                strikes: remembered.map_or(1, |window| window.strikes),
                status: import.status,
                reason: Arc::clone(&import.rule),
                ..self.window(identity, pool, import.until)
            },
        };
        self.put_restriction(restriction);
        true
    }

    /// When a report, a success or an operator last said something about a credential of an account.
    fn last_known(&self, account: AccountKey) -> Wall {
        let members = self.index.account_members.get(&account).into_iter().flatten();
        let known = members.filter_map(|key| self.records.credentials.get(key)).map(|credential| credential.known);
        known.max().unwrap_or_default()
    }

    fn history_only(&self, key: CredentialKey, verdict: &Verdict, why: Why) -> Conclusion {
        Conclusion { why: Some(why), ..self.conclusion(key, verdict) }
    }

    fn conclusion(&self, key: CredentialKey, verdict: &Verdict) -> Conclusion {
        Conclusion {
            kind: verdict.kind,
            reach: verdict.reach,
            model: verdict.model.clone(),
            why: None,
            state: self.state(key),
            until: None,
            strikes: 0,
            rule: Arc::clone(&verdict.rule),
            evidence: verdict.evidence.clone(),
        }
    }

    /// The state of a credential for requests that name no model; `Ready` for one that is not defined.
    #[must_use]
    pub fn state(&self, key: CredentialKey) -> State {
        self.index.state.get(&key).copied().unwrap_or(State::Ready)
    }
}

fn scope_of(reach: Reach, about: &About) -> Option<Scope> {
    Some(match reach {
        Reach::Credential => Scope::Credential(about.credential),
        Reach::Account => Scope::Account(about.account),
        Reach::Pool => Scope::Pool(about.pool),
        Reach::None => return None,
    })
}

/// `until`, put off by the window's share of jitter. It never comes sooner, and never lies in the past.
fn later(until: Until, jitter: u16, now: Now) -> Until {
    let put_off = |left: u64| left.min(JITTER_SPAN_MS) * u64::from(jitter) / 1_024;
    match until {
        Until::Passed { boot, wall } => Until::Passed {
            boot: boot.after(put_off(boot.since(now.boot))),
            wall: wall.after(put_off(wall.since(now.wall))),
        },
        Until::Lifted => Until::Lifted,
    }
}
