//! `refresh` and `refresh_done`: who of many renews a secret that has run out.

use std::collections::BTreeMap;

use credpool_core::{AskRenewal, Attempt, Command, CredentialKey, EndRenewal, Refusal, Renewing};
use credpool_proto::error::{Details, Unavailable, WireError};
use credpool_proto::reply::{Refresh, RefreshDone};
use credpool_proto::words::{ErrorCode, RefreshOutcome};
use credpool_verdict::scrub;

use super::{Answer, Asked, Engine, Scope, Ticket, convert, seen};
use crate::token::Token;

impl Engine {
    pub(super) fn refresh(
        &mut self,
        asked: &Asked<'_>,
        pool: &str,
        profile: Option<&str>,
        credential: &str,
        stale: &str,
    ) -> Result<(), WireError<'static>> {
        let scope = self.scope(pool, profile)?;
        let credential = self.credential(&scope, credential)?;
        let ticket = self.draw_token()?;
        let owner = asked.owner(&self.run);
        let ask = AskRenewal { credential, stale: convert::arc(stale), ticket: ticket.hash(), owner };
        self.command(Command::AskRenewal(ask), asked.ticket(Answer::Refresh { scope, credential, ticket }));
        Ok(())
    }

    pub(super) fn renewing(&mut self, asked: &Ticket, result: Result<Renewing, Refusal>) {
        let Answer::Refresh { scope, credential, ticket } = &asked.answer else { return };
        match result {
            Ok(Renewing::Ticket { ttl_ms }) => {
                let chosen: Refresh<'_, ()> = Refresh::Refresh { ticket: ticket.to_wire().into(), ttl_ms };
                self.reply(asked, &chosen);
            }
            Ok(Renewing::Renewed(epoch)) => {
                let with_secret = !self.gives_references(scope.pool);
                let run = self.run.number;
                match self.catalogue.render(*credential, scope.profile(), run, epoch, with_secret) {
                    Some(credential) => self.reply(asked, &Refresh::Use { credential }),
                    None => {
                        let error = self.seen(scope).error(&Refusal::UnknownCredential, Some(scope.pool), None);
                        self.reply_error(asked, &error);
                    }
                }
            }
            Ok(Renewing::Busy { retry_after_ms, failed }) => {
                let error = self.not_now(scope, *credential, retry_after_ms, failed.as_deref());
                self.reply_error(asked, &error);
            }
            Err(refusal) => {
                let error = self.seen(scope).error(&refusal, Some(scope.pool), None);
                self.reply_error(asked, &error);
            }
        }
    }

    /// Somebody else renews it, or nobody may yet.
    fn not_now(&self, scope: &Scope, key: CredentialKey, ms: u64, failed: Option<&str>) -> WireError<'static> {
        let message = match failed {
            None => "somebody else renews this secret: ask again soon".to_owned(),
            Some("") => format!("the last attempt to renew this secret failed: ask again in {ms} ms"),
            Some(why) => format!("the last attempt to renew this secret failed ({why}): ask again in {ms} ms"),
        };
        let pool = self.core.records().pools.get(&scope.pool).map_or("", |pool| &*pool.name);
        let unavailable = Unavailable {
            retry_after_ms: Some(ms),
            retry_at_ms: Some(self.now.wall.after(ms).0),
            pool: pool.to_owned().into(),
            model: None,
            total: 1,
            by_cause: BTreeMap::new(),
            credentials: vec![self.seen(scope).brief(key)],
        };
        let details = Details::Unavailable(Box::new(unavailable));
        WireError { code: ErrorCode::Busy, message: message.into(), details }
    }

    pub(super) fn refresh_done(
        &mut self,
        asked: &Asked<'_>,
        ticket: &str,
        outcome: RefreshOutcome,
        message: Option<&str>,
    ) -> Result<(), WireError<'static>> {
        let ticket = Token::parse(ticket).ok_or_else(seen::unknown_ticket)?.hash();
        let attempt = match outcome {
            RefreshOutcome::Ok => Attempt::Renewed,
            RefreshOutcome::Failed => Attempt::Failed { message: convert::arc(&scrub(message.unwrap_or_default())) },
            RefreshOutcome::Dead => Attempt::Dead,
        };
        self.command(Command::EndRenewal(EndRenewal { ticket, attempt }), asked.ticket(Answer::RefreshDone));
        Ok(())
    }

    pub(super) fn renewal_ended(&mut self, asked: &Ticket, result: Result<(), Refusal>) {
        match result {
            Ok(()) => {
                // The new secret should be there: sooner than the folder's watcher notices.
                self.reload.notify_one();
                self.reply(asked, &RefreshDone {});
            }
            Err(refusal) => self.reply_error(asked, &self.seen_by_all().error(&refusal, None, None)),
        }
    }
}
