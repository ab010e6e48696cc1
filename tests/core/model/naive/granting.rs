//! Who is granted.

use std::sync::Arc;

use credpool_core::{
    Acquire, Ask, Cause, ChosenBy, Class, CredentialKey, Grant, Limit, Owner, PoolKey, Profile, Refusal, Reply, Seq,
    Strategy, TokenHash,
};

use super::refusals::Refused;
use super::waiting::Waiting;
use super::{About, Ban, Credential, Lease, Naive, Said, ensure};

/// Somebody who wants a lease.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) pool: PoolKey,
    pub(super) ask: Ask,
    pub(super) token: TokenHash,
    pub(super) owner: Option<Owner>,
    pub(super) since: u64,
}

/// Who can be had.
pub(super) struct Outlook {
    pub(super) candidates: Vec<Credential>,
    pub(super) of_pool: Vec<Ban>,
    strategy: Strategy,
    /// In the order of the list.
    free: Vec<CredentialKey>,
    /// One that only a probe may go to, if there is nobody else.
    rare: Option<CredentialKey>,
}

impl Outlook {
    pub(super) fn is_good(&self) -> bool {
        !self.free.is_empty() || self.rare.is_some()
    }
}

impl Naive {
    pub(super) fn acquire(&mut self, acquire: &Acquire, reply: &Reply) -> Said {
        let Acquire { pool, ask, token, owner, wait } = acquire;
        let wanted = Wanted { pool: *pool, ask: ask.clone(), token: *token, owner: *owner, since: self.boot() };
        let refused = match (self.refused_at_once(&wanted), reply) {
            (Some(refusal), _) => {
                ensure!(*reply == Reply::Acquired(Err(refusal.clone())), "refused at once: {refusal:?}");
                return Ok(());
            }
            (None, Reply::Acquired(answer)) => answer.as_ref().err().cloned(),
            (None, _) => None,
        };
        let outlook = self.outlook(*pool, ask).map_err(|refusal| format!("{refusal:?}"))?;
        if outlook.is_good() {
            let Reply::Acquired(Ok(grant)) = reply else { return Err("somebody can be had".into()) };
            return self.granted(&wanted, grant);
        }
        let Some(wait) = wait.filter(|wait| wait.ms > 0) else {
            let refusal = refused.ok_or("nobody can be had")?;
            return Refused { wanted: &wanted, outlook: &outlook, naive: self }.check(&refusal);
        };
        let waiter = Waiting { no: None, until: self.boot() + wait.ms, connection: wait.connection, wanted };
        self.wait(waiter, &outlook, reply)
    }

    /// The next lease of a report, once all who wait have had their turn.
    pub(super) fn answer_next(&mut self, wanted: &Wanted, answer: &Result<Grant, Refusal>) -> Said {
        if let Some(refusal) = self.refused_at_once(wanted) {
            ensure!(*answer == Err(refusal.clone()), "refused at once: {refusal:?}");
            return Ok(());
        }
        let outlook = self.outlook(wanted.pool, &wanted.ask).map_err(|refusal| format!("{refusal:?}"))?;
        match answer {
            Ok(grant) if outlook.is_good() => self.granted(wanted, grant),
            Err(refusal) if !outlook.is_good() => Refused { wanted, outlook: &outlook, naive: self }.check(refusal),
            _ => Err(format!("somebody can be had: {}", outlook.is_good())),
        }
    }

    /// Why `wanted` is refused whoever can be had. Who waits counts like who has a lease.
    pub(super) fn refused_at_once(&self, wanted: &Wanted) -> Option<Refusal> {
        if self.live().count() + self.waiters.len() >= self.limits.leases {
            return Some(Refusal::Limit(Limit::Leases));
        }
        let of_owner = self.live().filter(|lease| lease.owner == wanted.owner).count()
            + self.waiters.iter().filter(|waiter| waiter.wanted.owner == wanted.owner).count();
        if wanted.owner.is_some() && of_owner >= self.limits.leases_per_connection {
            return Some(Refusal::Limit(Limit::LeasesPerConnection));
        }
        self.outlook(wanted.pool, &wanted.ask).err()
    }

    pub(super) fn outlook(&self, pool: PoolKey, ask: &Ask) -> Result<Outlook, Refusal> {
        let (listed, strategy) = self.listed(pool, ask.profile.as_ref()).ok_or(Refusal::UnknownPool)?;
        if ask.pin.is_some_and(|pin| listed.iter().all(|credential| credential.key != pin)) {
            return Err(Refusal::UnknownCredential);
        }
        let candidates: Vec<&Credential> = listed
            .iter()
            .copied()
            .filter(|credential| ask.pin.is_none_or(|pin| pin == credential.key))
            .filter(|credential| !ask.exclude.contains(&credential.key))
            .collect();
        let of_pool: Vec<Ban> = self
            .bans
            .iter()
            .filter(|ban| ban.blocks() && ban.about == About::Pool(pool))
            .filter(|ban| ban.model.is_none() || ban.model == ask.model)
            .cloned()
            .collect();
        let is_shut = self.total_met(pool).is_some()
            || of_pool.iter().any(|ban| self.may_be_probed_from(ban).is_none_or(|from| from > self.boot()));
        let restricted = |credential: &Credential| self.restricted(credential, ask);
        let full = |credential: &Credential| self.is_full(credential, ask.model.as_ref());
        let is_free = |c: &&&Credential| !is_shut && restricted(c).is_empty() && !full(c);
        let free: Vec<CredentialKey> = candidates.iter().filter(is_free).map(|c| c.key).collect();
        let rare = self.rarely_probed(&candidates, &restricted, &full).filter(|_| !is_shut && free.is_empty());
        let candidates = candidates.into_iter().cloned().collect();
        Ok(Outlook { candidates, of_pool, strategy, free, rare })
    }

    /// What keeps a credential from whoever asks so, its pool's bans aside.
    pub(super) fn restricted(&self, credential: &Credential, ask: &Ask) -> Vec<Ban> {
        let mut blocking = self.blocking(credential, ask.model.as_ref());
        let takes_reference = ask.by_reference && credential.referable;
        blocking.retain(|ban| !(takes_reference && ban.cause == Cause::NoSecret));
        blocking
    }

    /// Whether the grant is one of those that are right; then everything that follows from it.
    pub(super) fn granted(&mut self, wanted: &Wanted, grant: &Grant) -> Said {
        let Wanted { pool, ask, token, owner, since } = wanted;
        let outlook = self.outlook(*pool, ask).map_err(|refusal| format!("{refusal:?}"))?;
        let (best, chosen_by) = self.best(*pool, ask, &outlook);
        ensure!(best.contains(&grant.credential), "granted one of {best:?}");
        ensure!(grant.chosen_by == chosen_by, "chosen by {chosen_by:?}");
        let bound = self.bound_from_now(*pool, ask, grant.credential);
        let policy = self.policy(*pool);
        let default_ttl = if owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        let expires = self.boot() + ask.ttl_ms.unwrap_or(default_ttl).max(1);
        ensure!(grant.expires.0 == expires, "expires at {expires}");
        ensure!(grant.queued_ms == self.boot() - since, "waited since {since}");
        let tried = self.credential(grant.credential).cloned().ok_or("no such credential")?;
        let probe = self.try_out(*token, *pool, &tried, ask);
        ensure!(grant.probe == probe, "a probe: {probe}");
        let (seq, boot) = (self.seq, self.boot());
        let of_pool = |waiter: &&Waiting| waiter.wanted.pool == *pool && waiter.wanted.token != *token;
        let in_background = |waiter: &Waiting| waiter.wanted.ask.class == Class::Background;
        let background_waits = self.waiters.iter().filter(of_pool).any(in_background);
        let known = self.pools.iter_mut().find(|known| known.key == *pool).ok_or("no such pool")?;
        known.passed_over = match ask.class {
            Class::Interactive if background_waits => (known.passed_over + 1).min(7),
            _ => 0,
        };
        let credential = self.credentials.iter_mut().find(|c| c.key == grant.credential).ok_or("no such credential")?;
        ensure!(grant.epoch == Seq(credential.epoch), "the epoch is {}", credential.epoch);
        ensure!(grant.expired == credential.has_run_out, "the secret has run out: {}", credential.has_run_out);
        credential.grants += 1;
        if outlook.strategy == Strategy::RoundRobin {
            known.turns += 1;
            credential.turn = known.turns;
        }
        self.leases.push(Lease {
            no: grant.no,
            token: *token,
            pool: *pool,
            credential: credential.key,
            account: Arc::clone(&credential.account),
            secret_since: credential.secret_since,
            granted: seq,
            granted_at: boot,
            expires,
            owner: *owner,
            ask: ask.clone(),
            probe,
            said: Vec::new(),
            succeeded: false,
            ended: None,
        });
        self.bind(*pool, ask, bound);
        Ok(())
    }

    /// Those who may be chosen, and by what.
    fn best(&self, pool: PoolKey, ask: &Ask, outlook: &Outlook) -> (Vec<CredentialKey>, ChosenBy) {
        let by_strategy = if ask.pin.is_some() { ChosenBy::Pin } else { ChosenBy::Strategy(outlook.strategy) };
        if let Some(rare) = outlook.rare {
            return (vec![rare], by_strategy);
        }
        let is_free = |credential: &&Credential| outlook.free.contains(&credential.key);
        let free: Vec<&Credential> = outlook.candidates.iter().filter(is_free).collect();
        // Those whose secret has run out only if there are no others.
        let fresh: Vec<&Credential> = free.iter().copied().filter(|credential| !credential.has_run_out).collect();
        let free = if fresh.is_empty() { free } else { fresh };
        // Those with more than the reserve left, if there are any.
        let model = ask.model.as_ref();
        let ample: Vec<&Credential> = free.iter().copied().filter(|c| !self.is_reserve(c, model)).collect();
        let free = if ample.is_empty() { free } else { ample };
        // Below their caps first; if there are none, those that carry least.
        let busy = |credential: &&&Credential| !self.met(credential, ask.model.as_ref()).is_empty();
        let mut best: Vec<&Credential> = free.iter().filter(|credential| !busy(credential)).copied().collect();
        if best.is_empty() {
            let least = free.iter().map(|credential| self.in_flight(credential.key)).min();
            best = free.into_iter().filter(|c| Some(self.in_flight(c.key)) == least).collect();
        }
        if let Some(before) = self.bond(pool, ask).map(|bond| bond.credential)
            && best.iter().any(|credential| credential.key == before)
        {
            return (vec![before], ChosenBy::Session);
        }
        // They stand in the order of the list, and a sort leaves equals as they are.
        best.sort_by_key(|credential| match outlook.strategy {
            Strategy::FillFirst | Strategy::Random => 0,
            Strategy::RoundRobin => credential.turn,
            Strategy::LeastUsed => credential.grants,
            Strategy::Headroom | Strategy::ResetSoon => self.by_quota(outlook.strategy, credential, model),
        });
        if outlook.strategy != Strategy::Random {
            best.truncate(1);
        }
        (best.iter().map(|credential| credential.key).collect(), by_strategy)
    }

    /// What a profile may lease of a pool, in order, and how one is chosen; `None` if it has no list there.
    pub(super) fn listed(&self, pool: PoolKey, profile: Option<&Profile>) -> Option<(Vec<&Credential>, Strategy)> {
        let of_pool = self.pool(pool)?;
        let Some(profile) = profile else {
            let mut all: Vec<&Credential> =
                self.credentials.iter().filter(|c| c.pool == pool && c.gone.is_none()).collect();
            all.sort_by_key(|credential| credential.order);
            return Some((all, of_pool.policy.strategy));
        };
        let list = of_pool.lists.iter().find(|list| list.profiles.contains(profile))?;
        let mut listed: Vec<&Credential> = Vec::new();
        for key in &list.members {
            listed.extend(self.credential(*key).filter(|_| listed.iter().all(|before| before.key != *key)));
        }
        Some((listed, list.strategy))
    }
}
