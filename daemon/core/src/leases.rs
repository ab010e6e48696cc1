//! Granting leases and ending them.

use crate::choosing::Pick;
use crate::command::{Acquire, Claim, Claimed, Grant, Release, Released, Renew, Renewed, Reply};
use crate::index::Due;
use crate::judging::About;
use crate::machine::Core;
use crate::policy::Strategy;
use crate::queries::Choice;
use crate::records::{Ask, Credential, EndedBy, Ending, Lease, LeaseNo, Model, Owner, PoolKey, TokenHash};
use crate::refusal::{Limit, Refusal};
use crate::tables::Touched;
use crate::time::Boot;
use crate::waiting::Waiter;

/// Somebody who wants a lease.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) pool: PoolKey,
    pub(crate) ask: Ask,
    pub(crate) token: TokenHash,
    pub(crate) owner: Option<Owner>,
    /// When that began.
    pub(crate) since: Boot,
}

impl Asking {
    pub(crate) fn of(waiter: &Waiter) -> Self {
        let Waiter { pool, ref ask, token, owner, since, .. } = *waiter;
        Self { pool, ask: ask.clone(), token, owner, since }
    }
}

impl Core {
    pub(crate) fn acquire(&mut self, acquire: Acquire) -> Reply {
        let Acquire { pool, ask, token, owner, wait } = acquire;
        let asking = Asking { pool, ask, token, owner, since: self.now().boot };
        let Some(wait) = wait else { return Reply::Acquired(self.acquire_now(asking)) };
        match self.acquire_now(asking.clone()) {
            Err(refusal @ (Refusal::Busy(_) | Refusal::Exhausted(_))) => self.enqueue(asking, wait, refusal),
            answer => Reply::Acquired(answer),
        }
    }

    /// A lease at once, or none.
    pub(crate) fn acquire_now(&mut self, asking: Asking) -> Result<Grant, Refusal> {
        self.admit(asking.owner)?;
        let pool_key = asking.pool;
        let need = self.need(pool_key, &asking.ask).ok_or(Refusal::UnknownPool)?;
        self.ensure_view(pool_key, &need);
        if self.index.astir.contains(&pool_key) {
            // This very command has let something come free, and others have waited for it.
            let ask = asking.ask.clone();
            if let Some(grant) = self.hand_on(pool_key, Some(asking)) {
                return Ok(grant);
            }
            self.ensure_view(pool_key, &need);
            let view = self.view(pool_key, &need).ok_or(Refusal::UnknownPool)?;
            let mut rng = self.records.header.rng;
            return Err(self.choose(pool_key, &ask, view, &mut rng).err().unwrap_or(Refusal::UnknownCredential));
        }
        let view = self.view(pool_key, &need).ok_or(Refusal::UnknownPool)?;
        let mut rng = self.records.header.rng;
        let pick = self.choose(pool_key, &asking.ask, view, &mut rng)?;
        self.records.header.rng = rng;
        self.grant(pick, asking).ok_or(Refusal::UnknownCredential)
    }

    fn admit(&self, owner: Option<Owner>) -> Result<(), Refusal> {
        if self.index.live + self.records.waiters.len() >= self.limits.leases {
            return Err(Refusal::Limit(Limit::Leases));
        }
        owner.map_or(Ok(()), |owner| self.admit_to(owner))
    }

    fn admit_to(&self, owner: Owner) -> Result<(), Refusal> {
        let of_owner = self.index.live_of.get(&owner).copied().unwrap_or(0);
        if of_owner >= self.limits.leases_per_connection {
            return Err(Refusal::Limit(Limit::LeasesPerConnection));
        }
        Ok(())
    }

    pub(crate) fn grant(&mut self, pick: Pick, asking: Asking) -> Option<Grant> {
        let Pick { choice, strategy, binds } = pick;
        let Asking { ask, token, owner, since, .. } = asking;
        let now = self.now();
        let Choice { credential: key, chosen_by, .. } = choice;
        let queued_ms = now.boot.since(since);
        let credential = self.records.credentials.get_mut(&key)?;
        let pool = self.records.pools.get_mut(&credential.pool)?;
        let no = self.records.header.next_lease;
        self.records.header.next_lease = LeaseNo(no.0 + 1);
        credential.grants = credential.grants.saturating_add(1);
        let takes_turn = strategy == Strategy::RoundRobin;
        if takes_turn {
            credential.turn = pool.next_turn;
            pool.next_turn = pool.next_turn.saturating_add(1);
        }
        let default_ttl = if owner.is_some() { pool.policy.lease_ttl_ms } else { pool.policy.detached_ttl_ms };
        let mut lease = Lease {
            no,
            token,
            pool: pool.key,
            credential: key,
            account: credential.account,
            secret: credential.secret_since,
            granted: self.records.header.seq,
            granted_at: now,
            expires: now.boot.after(ask.ttl_ms.unwrap_or(default_ttl).max(1)),
            owner,
            claim_by: None,
            chosen_by,
            ask,
            trials: Vec::new(),
            probe: false,
            reports: Vec::new(),
            succeeded: false,
            ended: None,
        };
        let Credential { epoch, expired, .. } = *credential;
        if takes_turn {
            self.touch(Touched::Pool(lease.pool));
        }
        self.touch(Touched::Credential(key));
        self.touch(Touched::Lease(no));
        self.index.index_live(&lease);
        self.index.by_token.insert(token, no);
        *self.index.account_leases.entry(lease.account).or_default() += 1;
        (lease.trials, lease.probe) = self.put_on_trial(no, key, &lease.ask);
        let Lease { expires, probe, .. } = lease;
        let grant = Grant { no, credential: key, epoch, expires, chosen_by, probe, expired, queued_ms };
        self.bind(lease.pool, &lease.ask, binds);
        self.take_turn(lease.pool, lease.ask.class);
        self.records.leases.insert(no, lease);
        self.rerank(key);
        Some(grant)
    }

    fn unindex_live(&mut self, lease: &Lease) {
        self.index.due.remove(&(lease.ends(), Due::Lease(lease.no)));
        if let Some(count) = self.index.in_flight.get_mut(&lease.credential) {
            *count -= 1;
            if *count == 0 {
                self.index.in_flight.remove(&lease.credential);
            }
        }
        if let Some(model) = &lease.ask.model {
            let key = (lease.credential, Model::clone(model));
            if let Some(count) = self.index.in_flight_for.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.index.in_flight_for.remove(&key);
                }
            }
        }
        self.index.live -= 1;
        if let Some(owner) = lease.owner {
            self.index.by_owner.remove(&(owner, lease.no));
            self.uncount_owner(owner);
        }
        if let Some(pool) = self.index.pools.get_mut(&lease.pool) {
            pool.leases.remove(&lease.no);
        }
        self.stir(lease.pool);
    }

    /// A connection has a lease less, or waits for one less.
    pub(crate) fn uncount_owner(&mut self, owner: Owner) {
        if let Some(count) = self.index.live_of.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.index.live_of.remove(&owner);
            }
        }
    }

    /// Ends a live lease; one that has ended is left as it is.
    pub(crate) fn end(&mut self, no: LeaseNo, by: EndedBy) {
        let now = self.now();
        let Some(lease) = self.records.leases.get_mut(&no) else { return };
        if lease.ended.is_some() {
            return;
        }
        lease.ended = Some(Ending { by, at: now.boot });
        let lease = lease.clone();
        self.unindex_live(&lease);
        self.touch(Touched::Lease(no));
        self.index.ended.insert((now.boot, no));
        self.end_trials(no, &lease.trials, by, lease.succeeded);
        self.rerank(lease.credential);
        self.forget_if_spent(lease.credential);
        while self.index.ended.len() > self.limits.ended_leases {
            let Some((_, oldest)) = self.index.ended.first().copied() else { break };
            self.forget_lease(oldest);
        }
    }

    pub(crate) fn forget_lease(&mut self, no: LeaseNo) {
        let Some(lease) = self.records.leases.remove(&no) else { return };
        if let Some(ending) = lease.ended {
            self.index.ended.remove(&(ending.at, no));
        }
        self.index.by_token.remove(&lease.token);
        self.touch(Touched::Lease(no));
        if let Some(count) = self.index.account_leases.get_mut(&lease.account) {
            *count -= 1;
            if *count == 0 {
                self.index.account_leases.remove(&lease.account);
                self.forget_account_if_spent(lease.account);
            }
        }
    }

    pub(crate) fn release(&mut self, release: &Release) -> Result<Released, Refusal> {
        let no = *self.index.by_token.get(&release.token).ok_or(Refusal::UnknownLease)?;
        let lease = self.records.leases.get_mut(&no).ok_or(Refusal::UnknownLease)?;
        let (before, granted_at) = (lease.ended, lease.granted_at.boot);
        // Judging is apart from ending, but what its holder says when giving it back is said once.
        let given_back = before.is_some_and(|ending| matches!(ending.by, EndedBy::Release | EndedBy::Report));
        let succeeds = release.success && !given_back && !lease.succeeded;
        let about = About::lease(lease);
        if succeeds {
            lease.succeeded = true;
            self.touch(Touched::Lease(no));
            self.succeed(no);
        }
        if succeeds || before.is_none() {
            self.observe(about, Some(no), &release.readings, true);
        }
        let ending = before.unwrap_or(Ending { by: EndedBy::Release, at: self.now().boot });
        self.end(no, EndedBy::Release);
        Ok(Released { held_ms: ending.at.since(granted_at), ended_by: ending.by, duplicate: before.is_some() })
    }

    pub(crate) fn renew(&mut self, renew: Renew) -> Result<Renewed, Refusal> {
        let no = *self.index.by_token.get(&renew.token).ok_or(Refusal::UnknownLease)?;
        let now = self.now();
        let lease = self.records.leases.get_mut(&no).ok_or(Refusal::UnknownLease)?;
        if let Some(ending) = lease.ended {
            return Ok(Renewed::Ended(ending.by));
        }
        let let_go = renew.let_go_by.and(lease.owner);
        if let_go.is_some() && let_go != renew.let_go_by {
            return Err(Refusal::NotTheHolder);
        }
        let policy = self.records.pools.get(&lease.pool).map(|pool| &pool.policy).ok_or(Refusal::UnknownPool)?;
        if let_go.is_some() {
            lease.owner = None;
        }
        let default_ttl = if lease.owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        let ttl = renew.ttl_ms.or(lease.ask.ttl_ms).unwrap_or(default_ttl).max(1);
        self.index.due.remove(&(lease.ends(), Due::Lease(no)));
        lease.expires = now.boot.after(ttl);
        let ends = lease.ends();
        self.index.due.insert((ends, Due::Lease(no)));
        if let Some(owner) = let_go {
            self.index.by_owner.remove(&(owner, no));
            self.uncount_owner(owner);
        }
        self.touch(Touched::Lease(no));
        Ok(Renewed::Until(ends))
    }

    /// Binds a lease, whose connection went with an earlier run, to one of this run and of the same user. Said again, it
    /// changes nothing.
    pub(crate) fn claim(&mut self, claim: Claim) -> Result<Claimed, Refusal> {
        let no = *self.index.by_token.get(&claim.token).ok_or(Refusal::UnknownLease)?;
        let lease = self.records.leases.get(&no).ok_or(Refusal::UnknownLease)?;
        if lease.owner.is_some_and(|owner| owner.user != claim.owner.user) {
            return Err(Refusal::NotTheUser);
        }
        if let Some(ending) = lease.ended {
            return Ok(Claimed::Ended(ending.by));
        }
        let owner = lease.owner.ok_or(Refusal::Detached)?;
        if lease.claim_by.is_some() {
            let before = lease.clone();
            if owner != claim.owner {
                self.admit_to(claim.owner)?;
            }
            let lease = Lease { owner: Some(claim.owner), claim_by: None, ..before.clone() };
            self.unindex_live(&before);
            self.index.index_live(&lease);
            self.records.leases.insert(no, lease);
            self.touch(Touched::Lease(no));
        } else if owner != claim.owner {
            return Err(Refusal::NotTheHolder);
        }
        let lease = self.records.leases.get(&no).ok_or(Refusal::UnknownLease)?;
        let credential = self.records.credentials.get(&lease.credential).ok_or(Refusal::UnknownLease)?;
        Ok(Claimed::Bound(Grant {
            no,
            credential: credential.key,
            epoch: credential.epoch,
            expires: lease.expires,
            chosen_by: lease.chosen_by,
            probe: lease.probe,
            expired: credential.expired,
            queued_ms: 0,
        }))
    }

    pub(crate) fn disconnect(&mut self, owner: Owner) -> usize {
        self.cancel(owner);
        self.drop_tickets(owner);
        let first = (owner, LeaseNo(0));
        let last = (owner, LeaseNo(u64::MAX));
        let leases: Vec<LeaseNo> = self.index.by_owner.range(first..=last).map(|(_, no)| *no).collect();
        for no in &leases {
            self.end(*no, EndedBy::Connection);
        }
        leases.len()
    }

    /// A lease, live or remembered.
    #[must_use]
    pub fn lease(&self, token: TokenHash) -> Option<&Lease> {
        self.records.leases.get(self.index.by_token.get(&token)?)
    }
}
