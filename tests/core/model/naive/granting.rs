//! Who is granted.

use std::sync::Arc;

use credpool_core::{Ask, Cause, ChosenBy, Grant, Limit, Owner, PoolKey, Profile, Refusal, Seq, Strategy, TokenHash};

use super::refusals::Refused;
use super::{About, Ban, Credential, Lease, Naive, Said, ensure};

impl Naive {
    pub(super) fn acquire(
        &mut self,
        pool: PoolKey,
        ask: &Ask,
        token: TokenHash,
        owner: Option<Owner>,
        answer: &Result<Grant, Refusal>,
    ) -> Said {
        if self.live().count() >= self.limits.leases {
            ensure!(*answer == Err(Refusal::Limit(Limit::Leases)), "the limit of leases is met");
            return Ok(());
        }
        if owner.is_some()
            && self.live().filter(|lease| lease.owner == owner).count() >= self.limits.leases_per_connection
        {
            let limit = Refusal::Limit(Limit::LeasesPerConnection);
            ensure!(*answer == Err(limit), "the connection's limit of leases is met");
            return Ok(());
        }
        let Some((listed, strategy)) = self.listed(pool, ask.profile.as_ref()) else {
            ensure!(*answer == Err(Refusal::UnknownPool), "the profile has no list here");
            return Ok(());
        };
        let place = |credential: &Credential| listed.iter().position(|listed| listed.key == credential.key);
        if ask.pin.is_some_and(|pin| listed.iter().all(|credential| credential.key != pin)) {
            ensure!(*answer == Err(Refusal::UnknownCredential), "the pin is not defined here");
            return Ok(());
        }
        let candidates: Vec<&Credential> = listed
            .iter()
            .copied()
            .filter(|credential| ask.pin.is_none_or(|pin| pin == credential.key))
            .filter(|credential| !ask.exclude.contains(&credential.key))
            .collect();
        let Some(policy) = self.pool(pool).map(|pool| &pool.policy) else {
            return Err("no such pool".into());
        };
        let of_pool: Vec<Ban> = self
            .bans
            .iter()
            .filter(|ban| ban.blocks() && ban.about == About::Pool(pool))
            .filter(|ban| ban.model.is_none() || ban.model == ask.model)
            .cloned()
            .collect();
        let restricted = |credential: &Credential| {
            let mut blocking = self.blocking(credential, ask.model.as_ref());
            let takes_reference = ask.by_reference && credential.referable;
            blocking.retain(|ban| !(takes_reference && ban.cause == Cause::NoSecret));
            blocking
        };
        let cap = |credential: &Credential| credential.cap.unwrap_or(policy.cap);
        let busy = |credential: &Credential| self.in_flight(credential.key) >= cap(credential).max_in_flight as usize;
        let full = |credential: &Credential| cap(credential).hard && busy(credential);
        let is_shut = of_pool.iter().any(|ban| self.may_be_probed_from(ban).is_none_or(|from| from > self.boot()));
        let free: Vec<&Credential> = candidates
            .iter()
            .copied()
            .filter(|credential| !is_shut && restricted(credential).is_empty() && !full(credential))
            .collect();
        let rare = self.rarely_probed(&candidates, &restricted, &full).filter(|_| !is_shut && free.is_empty());
        if free.is_empty() && rare.is_none() {
            let Err(refusal) = answer else { return Err(format!("{candidates:?} cannot be had")) };
            let view = Refused { candidates: &candidates, of_pool: &of_pool, naive: self };
            return view.check(refusal, &restricted);
        }
        let Ok(grant) = answer else { return Err(format!("{free:?} or {rare:?} can be had")) };
        let free: Vec<&Credential> = match rare {
            Some(rare) => candidates.iter().copied().filter(|credential| credential.key == rare).collect(),
            None => free,
        };
        // Those whose secret has run out only if there are no others.
        let fresh: Vec<&Credential> = free.iter().copied().filter(|credential| !credential.has_run_out).collect();
        let free = if fresh.is_empty() { free } else { fresh };
        // Those with more than the reserve left, if there are any.
        let model = ask.model.as_ref();
        let ample: Vec<&Credential> = free.iter().copied().filter(|c| !self.is_reserve(c, model)).collect();
        let free = if ample.is_empty() { free } else { ample };
        // Below their caps first; if there are none, those that carry least.
        let mut best: Vec<&Credential> = free.iter().copied().filter(|credential| !busy(credential)).collect();
        if best.is_empty() {
            let least = free.iter().map(|credential| self.in_flight(credential.key)).min();
            best = free.into_iter().filter(|c| Some(self.in_flight(c.key)) == least).collect();
        }
        best.sort_by_key(|credential| match strategy {
            Strategy::FillFirst | Strategy::Random => (0, place(credential)),
            Strategy::RoundRobin => (credential.turn, place(credential)),
            Strategy::LeastUsed => (credential.grants, place(credential)),
            Strategy::Headroom | Strategy::ResetSoon => (self.by_quota(strategy, credential, model), place(credential)),
        });
        if strategy != Strategy::Random {
            best.truncate(1);
        }
        ensure!(best.iter().any(|credential| credential.key == grant.credential), "granted one of {best:?}");
        let chosen_by = if ask.pin.is_some() { ChosenBy::Pin } else { ChosenBy::Strategy(strategy) };
        ensure!(grant.chosen_by == chosen_by, "chosen by {chosen_by:?}");
        let default_ttl = if owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        let expires = self.boot() + ask.ttl_ms.unwrap_or(default_ttl).max(1);
        ensure!(grant.expires.0 == expires, "expires at {expires}");
        let round_robin = strategy == Strategy::RoundRobin;
        let tried = self.credential(grant.credential).cloned().ok_or("no such credential")?;
        let probe = self.try_out(token, pool, &tried, ask);
        ensure!(grant.probe == probe, "a probe: {probe}");
        let (seq, boot) = (self.seq, self.boot());
        let pool = self.pools.iter_mut().find(|known| known.key == pool).ok_or("no such pool")?;
        let credential = self.credentials.iter_mut().find(|c| c.key == grant.credential).ok_or("no such credential")?;
        ensure!(grant.epoch == Seq(credential.epoch), "the epoch is {}", credential.epoch);
        ensure!(grant.expired == credential.has_run_out, "the secret has run out: {}", credential.has_run_out);
        credential.grants += 1;
        if round_robin {
            pool.turns += 1;
            credential.turn = pool.turns;
        }
        self.leases.push(Lease {
            no: grant.no,
            token,
            pool: pool.key,
            credential: credential.key,
            account: Arc::clone(&credential.account),
            secret_since: credential.secret_since,
            granted: seq,
            granted_at: boot,
            expires,
            owner,
            ask: ask.clone(),
            probe,
            said: Vec::new(),
            succeeded: false,
            ended: None,
        });
        Ok(())
    }

    /// What a profile may lease of a pool, in order, and how one is chosen; `None` if it has no list there.
    fn listed(&self, pool: PoolKey, profile: Option<&Profile>) -> Option<(Vec<&Credential>, Strategy)> {
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
