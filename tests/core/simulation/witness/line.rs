//! Who waits, and who may be served before whom.

use std::slice::Iter;

use credpool_core::{Acquire, Ask, Class, CredentialKey, Owner, PoolKey, Refusal, Settled, TokenHash, WaiterNo};

use super::{Witness, promise};

/// Interactive leases in a row that somebody in the background has to bear; and one more, since of the next lease of a
/// report he does not know whether it came before or after those who waited.
const MOST_PASSED_OVER: u32 = 7 + 1;

#[derive(Clone, Debug)]
pub(super) struct Waiting {
    no: WaiterNo,
    pool: PoolKey,
    ask: Ask,
    token: TokenHash,
    owner: Option<Owner>,
    pub(super) connection: Owner,
    until: u64,
}

impl Witness {
    pub(super) fn queued(&mut self, acquire: &Acquire, no: WaiterNo) -> Result<(), String> {
        let Acquire { pool, ask, token, owner, wait } = acquire;
        let wait = wait.ok_or("6: it waits, and was not told to")?;
        promise!(self.waiters.iter().all(|waiter| waiter.no < no), "6: {no:?} is not the next in line");
        let (connection, until) = (wait.connection, self.now.boot.0 + wait.ms);
        let (pool, ask, token, owner) = (*pool, ask.clone(), *token, *owner);
        self.waiters.push(Waiting { no, pool, ask, token, owner, connection, until });
        promise!(self.waiters.len() <= self.limits.waiters, "too many waiters");
        let of_connection = self.waiters.iter().filter(|waiter| waiter.connection == connection).count();
        promise!(of_connection <= self.limits.waiters_per_connection, "too many waiters of {connection:?}");
        Ok(())
    }

    /// Some of those who wait are answered.
    pub(super) fn settled(&mut self, settled: &mut Iter<'_, Settled>) -> Result<(), String> {
        for Settled { waiter: no, answer } in settled {
            let at = self.waiters.iter().position(|waiter| waiter.no == *no);
            let at = at.ok_or_else(|| format!("6: {no:?} is answered and does not wait"))?;
            match answer {
                Ok(grant) => {
                    let Waiting { pool, ask, token, owner, .. } = self.waiters.remove(at);
                    self.served += 1;
                    self.granted(pool, &ask, token, owner, grant)?;
                    self.overtakes_nobody(&ask, grant.credential, Some(*no))?;
                }
                Err(refusal) => {
                    let waiter = self.waiters.remove(at);
                    let in_time = !matches!(refusal, Refusal::Timeout(_)) || waiter.until <= self.now.boot.0;
                    promise!(in_time, "6: {waiter:?} is told {refusal:?}");
                }
            }
        }
        Ok(())
    }

    /// Whether nobody who came before, in the same class, could have used what is granted. Who wants another model is
    /// left out: it may be restricted.
    pub(super) fn overtakes_nobody(&self, ask: &Ask, key: CredentialKey, no: Option<WaiterNo>) -> Result<(), String> {
        let before = |waiter: &&Waiting| no.is_none_or(|no| waiter.no < no) && waiter.ask.class == ask.class;
        let overtaken = self.waiters.iter().filter(before).find(|waiter| self.could_use(waiter, ask, key));
        promise!(overtaken.is_none(), "6: {no:?} is granted {key:?} before {overtaken:?}");
        Ok(())
    }

    fn could_use(&self, waiter: &Waiting, ask: &Ask, key: CredentialKey) -> bool {
        let Ask { profile, model, pin, exclude, by_reference, .. } = &waiter.ask;
        let listed = profile.as_ref().is_none_or(|p| self.listed.get(p).is_some_and(|listed| listed.contains(&key)));
        let fits = pin.is_none_or(|pin| pin == key) && !exclude.contains(&key) && listed;
        fits && *model == ask.model && *by_reference == ask.by_reference
    }

    /// Whether those in the background are not passed over for ever.
    pub(super) fn take_turn(&mut self, ask: &Ask, key: CredentialKey) -> Result<(), String> {
        let waits = self.waiters.iter().filter(|waiter| waiter.ask.class == Class::Background);
        let passed_over = waits.filter(|waiter| self.could_use(waiter, ask, key)).count() > 0;
        match ask.class {
            Class::Background => self.passed_over = 0,
            Class::Interactive => self.passed_over += u32::from(passed_over),
        }
        promise!(self.passed_over <= MOST_PASSED_OVER, "6: background starves");
        Ok(())
    }

    pub(super) fn nobody_waits_too_long(&self) -> Result<(), String> {
        let late = self.waiters.iter().find(|waiter| waiter.until <= self.now.boot.0);
        promise!(late.is_none(), "6: it has waited long enough: {late:?}");
        Ok(())
    }
}
