//! `report_error`: the facts go to the classifier, its verdict to the core, the core's conclusion to the caller.

use std::borrow::Cow;

use credpool_core as core;
use credpool_core::{Command, Conclusion, Model, Refusal, Reported, Subject};
use credpool_proto::error::WireError;
use credpool_proto::reply::{self, ReportReply};
use credpool_proto::request::{self, Next};
use credpool_verdict as verdict;
use credpool_verdict::{Context, Scalar};

use super::{Answer, Asked, Engine, Scope, Ticket, convert, model_of, seen};
use crate::catalogue::Rendered;
use crate::token::Token;

impl Engine {
    pub(super) fn report(
        &mut self,
        asked: &Asked<'_>,
        report: &request::ReportError<'_>,
    ) -> Result<(), WireError<'static>> {
        let about = self.about(asked, &report.subject)?;
        let model = model_of(report.facts.model.as_deref()).or_else(|| about.model.clone());
        let (verdict, readings) = self.classify(&report.facts, &about.scope, about.credential, model.as_ref());
        let Promise { next, token, scope, model: next_model, warnings } = self.next(asked, &report.next, &about)?;
        let command = Command::Report(core::Report {
            subject: about.subject,
            number: report.report,
            model,
            verdict,
            readings,
            keep: report.keep,
            next,
        });
        let mut ticket = asked.ticket(Answer::Report { scope, next: token, model: next_model });
        ticket.warnings = warnings;
        self.command(command, ticket);
        Ok(())
    }

    fn about(&self, asked: &Asked<'_>, subject: &request::Subject<'_>) -> Result<About, WireError<'static>> {
        match subject {
            request::Subject::Lease(lease) => {
                let token = Token::parse(lease).ok_or_else(seen::unknown_lease)?.hash();
                let lease = self.core.lease(token).ok_or_else(seen::unknown_lease)?;
                Ok(About {
                    subject: Subject::Lease(token),
                    scope: Scope { pool: lease.pool, profile: lease.ask.profile.clone() },
                    credential: lease.credential,
                    model: lease.ask.model.clone(),
                })
            }
            request::Subject::Credential { pool, profile, credential, epoch } => {
                self.must_be_admin(asked, "reporting without a lease")?;
                let scope = self.whole(pool, profile.as_deref())?;
                let credential = self.any_credential(&scope, credential)?;
                let epoch = self.catalogue.epoch(self.run.number, epoch);
                Ok(About { subject: Subject::Credential(credential, epoch), scope, credential, model: None })
            }
        }
    }

    /// Asks the classifier what a failure means, and what the response says is left. It sees nothing but the facts, the
    /// time and where the request went.
    fn classify(
        &self,
        facts: &request::Facts<'_>,
        scope: &Scope,
        credential: core::CredentialKey,
        model: Option<&Model>,
    ) -> (core::Verdict, Vec<core::Reading>) {
        let headers: Vec<(&str, &str)> = facts.headers.iter().collect();
        let context = self.context(scope, credential);
        let facts = verdict::Facts {
            status: facts.status,
            headers: &headers,
            body: facts.body.as_ref().map(|body| match body {
                request::Body::Text(text) => &**text,
                request::Body::Json(json) => json.get(),
            }),
            message: facts.message.as_deref(),
            code: facts.code.as_deref(),
            kind: facts.kind.map(credpool_proto::words::FailureKind::as_str),
            model: model.map(|model| &**model),
            reset_at: facts.reset_at.as_deref().map(Scalar::Text),
            resets_at: facts.resets_at.as_deref().map(Scalar::Text),
            retry_until: facts.retry_until.as_deref().map(Scalar::Text),
            retry_after: facts.retry_after.as_deref().map(Scalar::Text),
        };
        let (verdict, windows) = verdict::judge(&facts, &context);
        let readings = convert::readings(windows, model, facts.status);
        let verdict = core::Verdict {
            kind: convert::kind_from_verdict(verdict.kind),
            reach: convert::reach(&verdict),
            model: model.cloned().filter(|_| verdict.model),
            after_ms: verdict.hint.and_then(|hint| hint.after_ms),
            at: verdict.hint.and_then(|hint| hint.at_ms).map(core::Wall),
            status: facts.status,
            rule: convert::arc(verdict.rule),
            evidence: verdict.evidence.as_ref().map(convert::core_evidence),
        };
        (verdict, readings)
    }

    /// What the classifier may know around a response.
    pub(super) fn context(&self, scope: &Scope, credential: core::CredentialKey) -> Context<'_> {
        let pool = self.core.records().pools.get(&scope.pool);
        let row = self.catalogue.row(credential, scope.profile());
        Context {
            now_wall_ms: self.now.wall.0,
            pool: pool.map_or("", |pool| &pool.name),
            base_url: row.and_then(|row| row.base_url.as_deref()),
        }
    }

    /// What the report asks for next, and what it takes to write that down.
    fn next(&mut self, asked: &Asked<'_>, next: &Next<'_>, about: &About) -> Result<Promise, WireError<'static>> {
        let connection = asked.owner(&self.run);
        match next {
            Next::No => Ok(Promise::nothing(about)),
            Next::Same => {
                let token = self.draw_token()?;
                let next = core::Next::Same { token: token.hash(), connection };
                let nothing = Promise::nothing(about);
                Ok(Promise { next: Some(next), token: Some(token), model: about.model.clone(), ..nothing })
            }
            Next::With(options) => {
                // A report without a lease may have named one itself.
                let named = options.profile.as_deref().or_else(|| about.named_profile());
                let profile = Some(self.profile(named)?);
                let scope = Scope { pool: about.scope.pool, profile };
                let ask = self.ask(&scope, options)?;
                let waits = self.wait_ms(options)? > 0;
                let warnings =
                    if waits { vec!["`next` does not wait: acquire with wait_ms".into()] } else { Vec::new() };
                let token = self.draw_token()?;
                let (model, owner) = (ask.model.clone(), (!options.detach).then_some(connection));
                let next = core::Next::With { ask, token: token.hash(), owner };
                Ok(Promise { next: Some(next), token: Some(token), scope, model, warnings })
            }
        }
    }

    pub(super) fn reported(&mut self, ticket: &Ticket, result: Result<Reported, Refusal>) {
        let Answer::Report { scope, next, model } = &ticket.answer else { return };
        let reported = match result {
            Ok(reported) => reported,
            Err(refusal) => {
                let error = self.seen(scope).error(&refusal, Some(scope.pool), model.as_deref());
                return self.reply_error(ticket, &error);
            }
        };
        let (granted, next_error) = match (&reported.next, next) {
            (Some(Ok(grant)), Some(token)) => match self.granted(scope, grant, token) {
                Ok(granted) => (Some(granted), None),
                Err(error) => (None, Some(error)),
            },
            (Some(Err(refusal)), _) => {
                (None, Some(self.seen(scope).error(refusal, Some(scope.pool), model.as_deref())))
            }
            _ => (None, None),
        };
        let conclusion = &reported.conclusion;
        let reply: ReportReply<'_, Rendered> = ReportReply {
            applied: conclusion.why.is_none(),
            why: conclusion.why.map(convert::not_applied),
            lease_ended: reported.ended_by.is_some(),
            ended_by: reported
                .ended_by
                .filter(|by| *by != core::EndedBy::Report || reported.duplicate)
                .map(convert::ended_by),
            duplicate: reported.duplicate,
            verdict: self.verdict(conclusion),
            next: granted,
            next_error,
        };
        self.reply(ticket, &reply);
    }

    fn verdict<'a>(&self, conclusion: &'a Conclusion) -> reply::Verdict<'a> {
        reply::Verdict {
            kind: convert::verdict_kind(conclusion.kind),
            scope: convert::scope_of_reach(conclusion.reach, conclusion.model.is_some()),
            model: conclusion.model.as_deref().map(Cow::Borrowed),
            state: convert::state(conclusion.state),
            until_at_ms: conclusion.until.and_then(|until| convert::instant(until, self.now)),
            retry_after_ms: conclusion.until.and_then(|until| until.remaining(self.now)),
            strikes: conclusion.strikes,
            rule: Cow::Borrowed(&conclusion.rule),
            evidence: conclusion.evidence.as_ref().map(convert::evidence),
        }
    }
}

/// The lease that was asked for next.
struct Promise {
    next: Option<core::Next>,
    token: Option<Token>,
    scope: Scope,
    model: Option<Model>,
    warnings: Vec<Cow<'static, str>>,
}

impl Promise {
    fn nothing(about: &About) -> Self {
        Self { next: None, token: None, scope: about.scope.clone(), model: None, warnings: Vec::new() }
    }
}

struct About {
    subject: Subject,
    scope: Scope,
    credential: core::CredentialKey,
    model: Option<Model>,
}

impl About {
    /// The profile that the report speaks for, if it is not about a lease.
    fn named_profile(&self) -> Option<&str> {
        self.scope.profile().filter(|_| matches!(self.subject, Subject::Credential(..)))
    }
}
