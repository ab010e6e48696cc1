//! What operators do: clear, disable, enable. The last word is theirs.

use std::sync::Arc;

use crate::cause::{Cause, State};
use crate::command::{Clear, Disable};
use crate::history::Event;
use crate::machine::Core;
use crate::records::{CredentialKey, Identity, Model, Scope, Watermark};
use crate::refusal::Refusal;
use crate::restriction::Restriction;
use crate::tables::Touched;
use crate::time::Until;

impl Core {
    pub(crate) fn clear(&mut self, clear: &Clear) -> Result<usize, Refusal> {
        if !self.records.pools.contains_key(&clear.pool) {
            return Err(Refusal::UnknownPool);
        }
        let (keys, watermarked): (Vec<CredentialKey>, Vec<Scope>) = match clear.credential {
            Some(key) => {
                let credential = self.records.credentials.get(&key).filter(|credential| credential.pool == clear.pool);
                let credential = credential.ok_or(Refusal::UnknownCredential)?;
                (vec![key], vec![Scope::Credential(key), Scope::Account(credential.account)])
            }
            None => {
                let keys = self.index.pools.get(&clear.pool).into_iter().flat_map(|pool| pool.by_id.values().copied());
                (keys.collect(), vec![Scope::Pool(clear.pool)])
            }
        };
        self.forget_sparks(clear.pool, clear.credential);
        let lifted = self.lift(clear, &keys);
        let widest = watermarked.last().copied().unwrap_or(Scope::Pool(clear.pool));
        self.note(clear.pool, clear.credential, widest, clear.model.clone(), Event::Cleared { lifted });
        for key in keys {
            self.renew_epoch(key);
        }
        for scope in watermarked {
            self.put_watermark(scope, clear.model.as_ref());
        }
        Ok(lifted)
    }

    /// Removes the restrictions that `clear` covers, their strikes, and what responses said was left; how many were in
    /// force.
    fn lift(&mut self, clear: &Clear, keys: &[CredentialKey]) -> usize {
        let mut scopes: Vec<Scope> = keys.iter().map(|key| Scope::Credential(*key)).collect();
        match clear.credential {
            Some(_) => scopes.extend(
                keys.iter().filter_map(|key| self.records.credentials.get(key)).map(|c| Scope::Account(c.account)),
            ),
            None => {
                let accounts = self.index.pools.get(&clear.pool).into_iter().flat_map(|pool| pool.accounts.values());
                scopes.extend(accounts.map(|account| Scope::Account(*account)));
                scopes.push(Scope::Pool(clear.pool));
            }
        }
        let covered: Vec<(Identity, bool)> = scopes
            .iter()
            .flat_map(|scope| self.records.restrictions_within(*scope))
            .filter(|restriction| {
                let identity = &restriction.identity;
                !identity.cause.is_ours() && (clear.model.is_none() || identity.model == clear.model)
            })
            .map(|restriction| (restriction.identity.clone(), restriction.is_in_force()))
            .collect();
        for (identity, _) in &covered {
            self.drop_restriction(identity);
        }
        for scope in scopes {
            if let Scope::Account(account) = scope {
                self.drop_quotas(account, clear.model.as_ref());
            }
        }
        covered.iter().filter(|(_, in_force)| *in_force).count()
    }

    fn renew_epoch(&mut self, key: CredentialKey) {
        let seq = self.records.header.seq;
        if let Some(credential) = self.records.credentials.get_mut(&key) {
            credential.epoch = seq;
            self.touch(Touched::Credential(key));
            self.hear_of(key);
        }
    }

    fn put_watermark(&mut self, scope: Scope, model: Option<&Model>) {
        // A watermark older than every lease that can still be reported on says nothing any more.
        let oldest = self.records.leases.values().next().map_or(self.records.header.seq, |lease| lease.granted);
        let spent: Vec<_> =
            self.records.watermarks.iter().filter(|(_, w)| w.seq <= oldest).map(|(key, _)| key.clone()).collect();
        for key in spent {
            self.records.watermarks.remove(&key);
            self.touch(Touched::Watermark(key));
        }
        let key = (scope, model.cloned());
        let watermark = Watermark { scope, model: model.cloned(), seq: self.records.header.seq };
        self.records.watermarks.insert(key.clone(), watermark);
        self.touch(Touched::Watermark(key));
    }

    pub(crate) fn disable(&mut self, disable: Disable) -> Result<State, Refusal> {
        let key = disable.credential;
        let credential = self.records.credentials.get(&key).ok_or(Refusal::UnknownCredential)?;
        let (now, pool) = (self.now(), credential.pool);
        let until = disable.for_ms.map_or(Until::Lifted, |ms| Until::boot(now.boot.after(ms.max(1))));
        let event = Event::Disabled { until, note: Arc::clone(&disable.note) };
        self.note(pool, Some(key), Scope::Credential(key), None, event);
        self.put_restriction(Restriction { reason: disable.note, ..self.window(disabled(key), pool, until) });
        Ok(self.state(key))
    }

    pub(crate) fn enable(&mut self, key: CredentialKey) -> Result<State, Refusal> {
        let pool = self.records.credentials.get(&key).ok_or(Refusal::UnknownCredential)?.pool;
        if self.records.restrictions.contains_key(&disabled(key)) {
            self.drop_restriction(&disabled(key));
            self.note(pool, Some(key), Scope::Credential(key), None, Event::Enabled);
        }
        Ok(self.state(key))
    }
}

fn disabled(key: CredentialKey) -> Identity {
    Identity { scope: Scope::Credential(key), model: None, cause: Cause::Disabled }
}
