//! `release`, `renew` and `claim`.

use std::borrow::Cow;

use credpool_core as core;
use credpool_core::{Command, Refusal};
use credpool_proto::error::WireError;
use credpool_proto::reply::{Released, Renewed};
use credpool_proto::request;
use credpool_proto::words::{ErrorCode, Outcome};

use credpool_verdict::{Facts, quota_windows};

use super::{Answer, Asked, Engine, Scope, Ticket, convert, seen};
use crate::token::Token;

impl Engine {
    pub(super) fn release(
        &mut self,
        asked: &Asked<'_>,
        release: &request::Release<'_>,
    ) -> Result<(), WireError<'static>> {
        let token = Token::parse(&release.lease).ok_or_else(seen::unknown_lease)?.hash();
        let success = match release.status {
            Some(status) => (200..300).contains(&status),
            None => release.outcome == Outcome::Ok,
        };
        let readings = self.readings(token, release);
        self.command(Command::Release(core::Release { token, success, readings }), asked.ticket(Answer::Release));
        Ok(())
    }

    /// What the response says is left.
    fn readings(&self, token: core::TokenHash, release: &request::Release<'_>) -> Vec<core::Reading> {
        if release.headers.is_empty() {
            return Vec::new();
        }
        let Some(lease) = self.core.lease(token) else { return Vec::new() };
        let headers: Vec<(&str, &str)> = release.headers.iter().collect();
        let scope = Scope { pool: lease.pool, profile: lease.ask.profile.clone() };
        let model = lease.ask.model.as_ref();
        let facts = Facts { status: release.status, headers: &headers, model: model.map(|m| &**m), ..Facts::default() };
        let windows = quota_windows(&facts, &self.context(&scope, lease.credential));
        convert::readings(windows, model, release.status)
    }

    pub(super) fn released(&mut self, ticket: &Ticket, result: Result<core::Released, Refusal>) {
        match result {
            Ok(released) => self.reply(
                ticket,
                &Released {
                    held_ms: released.held_ms,
                    duplicate: released.duplicate,
                    ended_by: released.duplicate.then(|| convert::ended_by(released.ended_by)),
                },
            ),
            Err(refusal) => self.reply_error(ticket, &self.seen_by_all().error(&refusal, None, None)),
        }
    }

    pub(super) fn renew(
        &mut self,
        asked: &Asked<'_>,
        lease: &str,
        ttl_ms: Option<u64>,
        detach: bool,
    ) -> Result<(), WireError<'static>> {
        let token = Token::parse(lease).ok_or_else(seen::unknown_lease)?.hash();
        let ttl_ms = self.ttl(ttl_ms)?;
        let let_go_by = detach.then(|| asked.owner(&self.run));
        self.command(Command::Renew(core::Renew { token, ttl_ms, let_go_by }), asked.ticket(Answer::Renew(token)));
        Ok(())
    }

    pub(super) fn renewed(&mut self, ticket: &Ticket, result: Result<core::Renewed, Refusal>) {
        let Answer::Renew(token) = ticket.answer else { return };
        match result {
            Ok(core::Renewed::Until(expires)) => {
                let expires_at_ms = self.now.wall.after(expires.since(self.now.boot)).0;
                let lease = self.core.lease(token);
                let row = lease.and_then(|lease| self.catalogue.row(lease.credential, lease.ask.profile.as_deref()));
                let fingerprint = row.and_then(|row| row.fingerprint.as_deref()).map(Cow::Borrowed);
                self.reply(ticket, &Renewed { expires_at_ms, fingerprint });
            }
            Ok(core::Renewed::Ended(by)) => self.reply_error(ticket, &ended(by)),
            Err(refusal) => self.reply_error(ticket, &self.seen_by_all().error(&refusal, None, None)),
        }
    }

    pub(super) fn claim(&mut self, asked: &Asked<'_>, lease: &str) -> Result<(), WireError<'static>> {
        let token = Token::parse(lease).ok_or_else(seen::unknown_lease)?;
        let lease = self.core.lease(token.hash()).ok_or_else(seen::unknown_lease)?;
        let scope = Scope { pool: lease.pool, profile: lease.ask.profile.clone() };
        // What is not defined any more cannot be told again. (One that has ended is told to have.)
        if lease.ended.is_none() && self.catalogue.row(lease.credential, scope.profile()).is_none() {
            return Err(self.seen(&scope).error(&Refusal::UnknownCredential, None, None));
        }
        let owner = asked.owner(&self.run);
        let command = Command::Claim(core::Claim { token: token.hash(), owner });
        self.command(command, asked.ticket(Answer::Claim { scope, token }));
        Ok(())
    }

    pub(super) fn claimed(&mut self, ticket: &Ticket, result: Result<core::Claimed, Refusal>) {
        let Answer::Claim { scope, token } = &ticket.answer else { return };
        match result {
            Ok(core::Claimed::Bound(grant)) => match self.granted(scope, &grant, token) {
                Ok(granted) => self.reply(ticket, &granted),
                Err(error) => self.reply_error(ticket, &error),
            },
            Ok(core::Claimed::Ended(by)) => self.reply_error(ticket, &ended(by)),
            Err(refusal) => self.reply_error(ticket, &self.seen(scope).error(&refusal, None, None)),
        }
    }
}

fn ended(by: core::EndedBy) -> WireError<'static> {
    let message = format!("the lease has ended already, by {}: acquire another", convert::ended_by(by));
    WireError::new(ErrorCode::UnknownLease, message)
}
