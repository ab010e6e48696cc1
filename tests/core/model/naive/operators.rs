//! Clear, disable, enable.

use std::sync::Arc;

use credpool_core::{Cause, Clear, CredentialKey, Disable, Event, Refusal, State, Until};

use super::{About, Ban, End, Mark, Naive};

impl Naive {
    pub(super) fn clear(&mut self, clear: &Clear) -> Result<usize, Refusal> {
        if self.pool(clear.pool).is_none() {
            return Err(Refusal::UnknownPool);
        }
        let cleared: Vec<About> = match clear.credential {
            Some(key) => {
                let credential = self.credential(key).filter(|credential| credential.pool == clear.pool);
                let credential = credential.ok_or(Refusal::UnknownCredential)?;
                vec![About::Credential(key), About::Account(clear.pool, Arc::clone(&credential.account))]
            }
            None => vec![About::Pool(clear.pool)],
        };
        let pool_of = |key| self.credential(key).map(|credential| credential.pool);
        let covered = |ban: &Ban| {
            let in_scope = match (&ban.about, clear.credential) {
                (about, Some(_)) => cleared.contains(about),
                (About::Credential(key), None) => pool_of(*key) == Some(clear.pool),
                (About::Account(pool, _) | About::Pool(pool), None) => *pool == clear.pool,
            };
            in_scope && ban.cause != Cause::Disabled && (clear.model.is_none() || ban.model == clear.model)
        };
        let (lifted, left): (Vec<Ban>, Vec<Ban>) = self.bans.iter().cloned().partition(covered);
        self.bans = left;
        self.forget_burst(clear.pool, clear.credential);
        let (seq, wall) = (self.seq, self.now.wall.0);
        for credential in &mut self.credentials {
            if credential.pool == clear.pool && clear.credential.is_none_or(|key| key == credential.key) {
                credential.epoch = seq;
                credential.known = credential.known.max(wall);
            }
        }
        let lifted = lifted.iter().filter(|ban| ban.in_force()).count();
        if let Some(widest) = cleared.last().cloned() {
            self.tell(clear.pool, clear.credential, widest, clear.model.as_ref(), Event::Cleared { lifted });
        }
        let account = cleared.iter().find_map(|about| match about {
            About::Account(_, account) => Some(Arc::clone(account)),
            _ => None,
        });
        self.forget_windows(clear.pool, account.as_ref(), clear.model.as_ref());
        self.marks.extend(cleared.into_iter().map(|about| Mark { about, model: clear.model.clone(), seq }));
        Ok(lifted)
    }

    pub(super) fn disable(&mut self, disable: &Disable) -> Result<State, Refusal> {
        let pool = self.credential(disable.credential).ok_or(Refusal::UnknownCredential)?.pool;
        self.bans.retain(|ban| ban.about != About::Credential(disable.credential) || ban.cause != Cause::Disabled);
        let end = match disable.for_ms {
            Some(ms) => End::At { boot: self.boot() + ms.max(1), wall: 0 },
            None => End::Never,
        };
        let until = disable.for_ms.map_or(Until::Lifted, |ms| Until::boot(self.now.boot.after(ms.max(1))));
        let event = Event::Disabled { until, note: Arc::clone(&disable.note) };
        self.tell(pool, Some(disable.credential), About::Credential(disable.credential), None, event);
        let about = About::Credential(disable.credential);
        self.bans.push(self.ban(about, pool, None, Cause::Disabled, end));
        Ok(self.state(disable.credential))
    }

    pub(super) fn enable(&mut self, key: CredentialKey) -> Result<State, Refusal> {
        let pool = self.credential(key).ok_or(Refusal::UnknownCredential)?.pool;
        let before = self.bans.len();
        self.bans.retain(|ban| ban.about != About::Credential(key) || ban.cause != Cause::Disabled);
        if self.bans.len() < before {
            self.tell(pool, Some(key), About::Credential(key), None, Event::Enabled);
        }
        Ok(self.state(key))
    }
}
