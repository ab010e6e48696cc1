//! `clear`, `disable`, `enable` and `reload`.

use credpool_core::{Clear, Command, CredentialKey, Refusal, State};
use credpool_proto::error::WireError;
use credpool_proto::reply::{Cleared, Switched};

use super::{Answer, Asked, Engine, Ticket, convert, model_of};

impl Engine {
    pub(super) fn clear(
        &mut self,
        asked: &Asked<'_>,
        pool: &str,
        profile: Option<&str>,
        credential: Option<&str>,
        model: Option<&str>,
    ) -> Result<(), WireError<'static>> {
        self.must_be_admin(asked, "clear")?;
        let scope = self.whole(pool, profile)?;
        let credential = credential.map(|name| self.any_credential(&scope, name)).transpose()?;
        let clear = Clear { pool: scope.pool, credential, model: model_of(model) };
        self.command(Command::Clear(clear), asked.ticket(Answer::Clear));
        Ok(())
    }

    pub(super) fn cleared(&mut self, ticket: &Ticket, result: Result<usize, Refusal>) {
        match result {
            Ok(count) => self.reply(ticket, &Cleared { cleared: convert::number(count) }),
            Err(refusal) => self.reply_error(ticket, &self.seen_by_all().error(&refusal, None, None)),
        }
    }

    /// `disable` and `enable`, which differ in the command that they become.
    pub(super) fn switch(
        &mut self,
        asked: &Asked<'_>,
        pool: &str,
        profile: Option<&str>,
        credential: &str,
        command: impl FnOnce(CredentialKey) -> Command,
    ) -> Result<(), WireError<'static>> {
        self.must_be_admin(asked, "disable and enable")?;
        let scope = self.whole(pool, profile)?;
        let key = self.any_credential(&scope, credential)?;
        self.command(command(key), asked.ticket(Answer::Switch(scope, key)));
        Ok(())
    }

    pub(super) fn switched(&mut self, ticket: &Ticket, result: Result<State, Refusal>) {
        let Answer::Switch(scope, key) = &ticket.answer else { return };
        match result {
            Ok(_) => {
                let credential = self.seen(scope).brief(*key);
                let profiles = self.profiles_with(*key).map(|profile| profile.to_string().into()).collect();
                self.reply(ticket, &Switched { credential, profiles });
            }
            Err(refusal) => self.reply_error(ticket, &self.seen(scope).error(&refusal, None, None)),
        }
    }

    /// Asks for the definitions to be read again; the answer comes when that is done.
    pub(super) fn ask_reload(&mut self, asked: &Asked<'_>) -> Result<(), WireError<'static>> {
        self.must_be_admin(asked, "reload")?;
        self.reloading.push(asked.ticket(Answer::Reload));
        self.reload.notify_one();
        Ok(())
    }
}
