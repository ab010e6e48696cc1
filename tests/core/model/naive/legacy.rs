//! What Hermes' own notes do to bans.

use std::sync::Arc;

use credpool_core::{Cause, Event, Import};

use super::recovery::Life;
use super::{About, Ban, Credential, End, Naive};

impl Naive {
    pub(super) fn import(&mut self, import: &Import) -> bool {
        let Some(credential) = self.credential(import.credential).cloned() else { return false };
        if matches!(import.cause, Cause::Disabled | Cause::NoSecret) {
            return false;
        }
        let of_account = matches!(import.cause, Cause::RateLimit | Cause::Quota | Cause::Billing);
        let shares = |c: &&Credential| c.pool == credential.pool && c.account == credential.account;
        let known = match of_account {
            true => self.credentials.iter().filter(shares).map(|c| c.known).max().unwrap_or(0),
            false => credential.known,
        };
        if import.at.0 <= known || import.at.0 <= credential.imported {
            return false;
        }
        if let Some(credential) = self.credential_mut(import.credential) {
            credential.imported = import.at.0;
        }
        let about = match of_account {
            true => About::Account(credential.pool, credential.account),
            false => About::Credential(credential.key),
        };
        let Import { cause, until, status, .. } = *import;
        let event = Event::Imported { cause, until, status, rule: Arc::clone(&import.rule) };
        self.tell(credential.pool, Some(credential.key), about.clone(), None, event);
        let end = End::of(import.until);
        if self.left(end) == Some(0) {
            return true;
        }
        let known =
            self.bans.iter().position(|ban| ban.about == about && ban.model.is_none() && ban.cause == import.cause);
        let begun = self.ban(about, credential.pool, None, import.cause, end);
        let Some(at) = known else {
            self.bans.push(begun);
            return true;
        };
        let ban = &mut self.bans[at];
        if ban.life != Life::Closed {
            *ban = Ban { strikes: ban.strikes, ..begun };
            return true;
        }
        let longer = match (ban.end, end) {
            (End::At { boot, wall }, End::At { boot: b, wall: w }) => End::At { boot: boot.max(b), wall: wall.max(w) },
            _ => End::Never,
        };
        ban.guessed |= longer != ban.end;
        ban.end = longer;
        true
    }
}
