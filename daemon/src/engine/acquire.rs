//! `acquire`, and the lease that a report asks for next.

use std::borrow::Cow;

use credpool_core::{Acquire, Ask, Command, CredentialKey, Grant, Lease, PoolKey, Refusal, Wait};
use credpool_proto::error::WireError;
use credpool_proto::limits::MAX_EXCLUDE;
use credpool_proto::reply;
use credpool_proto::request::AcquireOptions;

use super::{Answer, Asked, Engine, Scope, Ticket, convert, model_of};
use crate::catalogue::Rendered;
use crate::token::{self, Token};

impl Engine {
    pub(super) fn acquire(
        &mut self,
        asked: &Asked<'_>,
        pool: &str,
        options: &AcquireOptions<'_>,
    ) -> Result<(), WireError<'static>> {
        let scope = self.scope(pool, options.profile.as_deref())?;
        let ask = self.ask(&scope, options)?;
        let wait = self.wait(asked, options)?;
        let token = self.draw_token()?;
        let model = ask.model.clone();
        let owner = (!options.detach).then(|| asked.owner(&self.run));
        let command = Command::Acquire(Acquire { pool: scope.pool, ask, token: token.hash(), owner, wait });
        self.command(command, asked.ticket(Answer::Acquire { scope, token, model }));
        Ok(())
    }

    fn wait(&self, asked: &Asked<'_>, options: &AcquireOptions<'_>) -> Result<Option<Wait>, WireError<'static>> {
        let ms = self.wait_ms(options)?;
        Ok((ms > 0).then(|| Wait { ms, connection: asked.owner(&self.run) }))
    }

    /// How long a request would wait.
    pub(super) fn wait_ms(&self, options: &AcquireOptions<'_>) -> Result<u64, WireError<'static>> {
        let most = self.config.limits.wait_ms;
        if options.wait_ms > most {
            return Err(WireError::limit("wait_ms", most, "wait_ms is too long"));
        }
        Ok(options.wait_ms)
    }

    /// What the options ask of the core.
    pub(super) fn ask(&self, scope: &Scope, options: &AcquireOptions<'_>) -> Result<Ask, WireError<'static>> {
        if options.exclude.len() > MAX_EXCLUDE {
            return Err(WireError::limit("exclude", convert::number(MAX_EXCLUDE), "too many credentials are excluded"));
        }
        let pin = options.credential.as_deref().map(|name| self.credential(scope, name)).transpose()?;
        // One that is not defined any more is excluded well enough.
        let by_id = |id: &Cow<'_, str>| self.catalogue.by_id(scope.pool, scope.profile(), id);
        let exclude: Vec<CredentialKey> = options.exclude.iter().filter_map(by_id).collect();
        Ok(Ask {
            profile: scope.profile.clone(),
            model: model_of(options.model.as_deref()),
            pin,
            exclude,
            ttl_ms: self.ttl(options.ttl_ms)?,
            by_reference: !options.secret || self.gives_references(scope.pool),
            class: convert::class(options.class),
            session: options.session.as_deref().map(token::session),
        })
    }

    /// Whether the configuration keeps the secrets of a pool back.
    pub(super) fn gives_references(&self, pool: PoolKey) -> bool {
        self.core.records().pools.get(&pool).is_some_and(|pool| self.config.gives_references(&pool.name))
    }

    pub(super) fn acquired(&mut self, ticket: &Ticket, result: Result<Grant, Refusal>) {
        let Answer::Acquire { scope, token, model } = &ticket.answer else { return };
        match result {
            Ok(grant) => match self.granted(scope, &grant, token) {
                Ok(granted) => self.reply(ticket, &granted),
                Err(error) => self.reply_error(ticket, &error),
            },
            Err(refusal) => {
                let error = self.seen(scope).error(&refusal, Some(scope.pool), model.as_deref());
                self.reply_error(ticket, &error);
            }
        }
    }

    /// A grant in the protocol's words.
    pub(super) fn granted(
        &self,
        scope: &Scope,
        grant: &Grant,
        token: &Token,
    ) -> Result<reply::Grant<'static, Rendered>, WireError<'static>> {
        let of_lease = |lease: &Lease| !lease.ask.by_reference && !self.gives_references(scope.pool);
        let with_secret = self.core.lease(token.hash()).is_some_and(of_lease);
        let run = self.run.number;
        let credential = self.catalogue.render(grant.credential, scope.profile(), run, grant.epoch, with_secret);
        let pool = self.core.records().pools.get(&scope.pool).map(|pool| pool.name.to_string());
        let (Some(credential), Some(pool)) = (credential, pool) else {
            tracing::error!(lease = grant.no.0, "a credential was granted that has no definition");
            return Err(WireError::internal());
        };
        self.log_lease(grant.no, "leased", grant.credential);
        Ok(reply::Grant {
            lease: token.to_wire().into(),
            pool: pool.into(),
            credential,
            expires_at_ms: self.now.wall.after(grant.expires.since(self.now.boot)).0,
            probe: grant.probe,
            chosen_by: convert::chosen_by(grant.chosen_by).into(),
            queued_ms: grant.queued_ms,
            expired: grant.expired,
        })
    }
}
