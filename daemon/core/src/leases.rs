//! Granting leases and ending them.

use std::sync::Arc;

use crate::cause::Cause;
use crate::command::{
    Absent, Claim, Claimed, Grant, Limit, Obstacle, Refusal, Release, Released, Renew, Renewed, Unavailable,
};
use crate::index::{Due, Placement, View};
use crate::judging::About;
use crate::machine::Core;
use crate::policy::Strategy;
use crate::queries::Choice;
use crate::records::{
    Ask, ChosenBy, Credential, CredentialKey, EndedBy, Ending, Lease, LeaseNo, Owner, PoolKey, TokenHash,
};
use crate::restriction::{Phase, Restriction};
use crate::rng::Rng;
use crate::tables::Touched;
use crate::time::{Boot, Now};

/// Candidates that a refusal names.
const NAMED: usize = 32;

/// What a refusal suggests when a hard cap or a probe is in the way: it may come free, or answer, at any moment.
const SOON_MS: u64 = 1_000;

impl Core {
    pub(crate) fn acquire(
        &mut self,
        pool_key: PoolKey,
        ask: Ask,
        token: TokenHash,
        owner: Option<Owner>,
    ) -> Result<Grant, Refusal> {
        self.admit(owner)?;
        let need = self.need(pool_key, &ask).ok_or(Refusal::UnknownPool)?;
        self.ensure_view(pool_key, &need);
        let view = self.view(pool_key, &need).ok_or(Refusal::UnknownPool)?;
        let strategy = view.strategy();
        let mut rng = self.records.header.rng;
        let choice = self.choose(pool_key, &ask, view, &mut rng)?;
        self.records.header.rng = rng;
        self.grant(choice, strategy, ask, token, owner).ok_or(Refusal::UnknownCredential)
    }

    fn admit(&self, owner: Option<Owner>) -> Result<(), Refusal> {
        if self.index.live >= self.limits.leases {
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

    /// Whom `ask` would be granted, and why, by the view of its need; changes nothing but `rng`.
    pub(crate) fn choose(&self, pool_key: PoolKey, ask: &Ask, view: &View, rng: &mut Rng) -> Result<Choice, Refusal> {
        if let Some(pin) = ask.pin
            && view.placement(pin).is_none()
        {
            return Err(Refusal::UnknownCredential);
        }
        let now = self.now().boot;
        let recovery = self.recovery(pool_key);
        let due = |probe: Option<Boot>| probe.is_some_and(|at| at <= now);
        let in_the_way = || self.covering_pool(pool_key, ask.model.as_ref()).filter(|r| r.holds_back());
        if in_the_way().all(|restriction| due(restriction.next_probe(recovery))) {
            let choice = match ask.pin.filter(|pin| !ask.exclude.contains(pin)) {
                Some(pin) => match view.placement(pin) {
                    Some(Placement::Free(_)) => Some(pin),
                    Some(Placement::Restricted { probe, .. }) if due(probe) => Some(pin),
                    _ => None,
                },
                None if ask.pin.is_some() => None,
                None => view
                    .ranking()
                    .pick(&ask.exclude, rng)
                    .or_else(|| view.probeable(now).find(|key| !ask.exclude.contains(key))),
            };
            if let Some(credential) = choice {
                let chosen_by = if ask.pin.is_some() { ChosenBy::Pin } else { ChosenBy::Strategy(view.strategy()) };
                let own = self.records.credentials.get(&credential).into_iter();
                let own = own.flat_map(|credential| self.obstacles(credential, ask));
                let covering = own.chain(self.covering_pool(pool_key, ask.model.as_ref()));
                let probe = covering.into_iter().any(Restriction::is_in_force);
                return Ok(Choice { credential, chosen_by, probe });
            }
        }
        Err(self.refuse(ask, view, self.longest(in_the_way())))
    }

    fn refuse(&self, ask: &Ask, view: &View, of_pool: Option<&Restriction>) -> Refusal {
        let mut unavailable = Unavailable { pool: of_pool.map(obstacle), ..Unavailable::default() };
        let named: Vec<CredentialKey> = if let Some(pin) = ask.pin {
            let left = Some(pin).filter(|pin| !ask.exclude.contains(pin));
            unavailable.total = usize::from(left.is_some());
            match left.and_then(|pin| view.placement(pin)) {
                Some(Placement::Restricted { cause, .. }) => {
                    unavailable.by_cause.insert(cause, 1);
                    vec![pin]
                }
                Some(Placement::Full) => {
                    unavailable.at_cap = 1;
                    vec![pin]
                }
                Some(Placement::Free(_)) | None => Vec::new(),
            }
        } else {
            unavailable.total = view.len();
            unavailable.at_cap = view.full().len();
            unavailable.by_cause = view.by_cause().clone();
            let mut excluded = ask.exclude.clone();
            excluded.sort_unstable();
            excluded.dedup();
            for placement in excluded.iter().filter_map(|key| view.placement(*key)) {
                unavailable.total -= 1;
                match placement {
                    Placement::Full => unavailable.at_cap -= 1,
                    Placement::Restricted { cause, .. } => {
                        unavailable.by_cause.entry(cause).and_modify(|count| *count -= 1);
                    }
                    Placement::Free(_) => {}
                }
            }
            unavailable.by_cause.retain(|_, count| *count > 0);
            let candidates = view.full().iter().copied().chain(view.returning());
            candidates.filter(|key| !ask.exclude.contains(key)).take(NAMED).collect()
        };
        let now = self.now();
        unavailable.first = named.into_iter().map(|key| self.absent(key, ask)).collect();
        let first_back = unavailable.first.iter().map(|absent| match &absent.obstacle {
            Some(obstacle) => obstacle.retry_after_ms(now),
            None => Some(SOON_MS),
        });
        let back = first_back.flatten().min();
        let kept_away = unavailable.at_cap + unavailable.by_cause.values().sum::<usize>();
        unavailable.retry_after_ms = match &unavailable.pool {
            // The whole pool waits, and then perhaps each of its credentials for itself.
            Some(pool) if unavailable.total > kept_away => pool.retry_after_ms(now),
            Some(pool) => pool.retry_after_ms(now).zip(back).map(|(pool, own)| pool.max(own)),
            None => back,
        };
        // A slot that comes free in a pool that waits as a whole helps nobody.
        if unavailable.at_cap > 0 && of_pool.is_none() {
            Refusal::Busy(Box::new(unavailable))
        } else {
            Refusal::Exhausted(Box::new(unavailable))
        }
    }

    fn absent(&self, key: CredentialKey, ask: &Ask) -> Absent {
        let obstacle = self.records.credentials.get(&key).and_then(|credential| {
            let in_the_way = self.obstacles(credential, ask).filter(|restriction| restriction.holds_back());
            self.longest(in_the_way).map(obstacle)
        });
        Absent { credential: key, obstacle }
    }

    /// The restrictions that a credential is under for `ask`, its pool's aside.
    pub(crate) fn obstacles<'a>(
        &'a self,
        credential: &Credential,
        ask: &'a Ask,
    ) -> impl Iterator<Item = &'a Restriction> + use<'a> {
        let takes_reference = ask.by_reference && credential.referable;
        let passes = move |cause| takes_reference && cause == Cause::NoSecret;
        self.covering(credential, ask.model.as_ref()).filter(move |restriction| !passes(restriction.identity.cause))
    }

    fn grant(
        &mut self,
        choice: Choice,
        strategy: Strategy,
        ask: Ask,
        token: TokenHash,
        owner: Option<Owner>,
    ) -> Option<Grant> {
        let now = self.now();
        let Choice { credential: key, chosen_by, .. } = choice;
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
        let grant =
            Grant { no, credential: key, epoch, expires: lease.expires, chosen_by, probe: lease.probe, expired };
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
        self.index.live -= 1;
        if let Some(owner) = lease.owner {
            self.index.by_owner.remove(&(owner, lease.no));
            if let Some(count) = self.index.live_of.get_mut(&owner) {
                *count -= 1;
                if *count == 0 {
                    self.index.live_of.remove(&owner);
                }
            }
        }
        if let Some(pool) = self.index.pools.get_mut(&lease.pool) {
            pool.leases -= 1;
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
        let policy = self.records.pools.get(&lease.pool).map(|pool| &pool.policy).ok_or(Refusal::UnknownPool)?;
        let default_ttl = if lease.owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        let ttl = renew.ttl_ms.or(lease.ask.ttl_ms).unwrap_or(default_ttl).max(1);
        self.index.due.remove(&(lease.ends(), Due::Lease(no)));
        lease.expires = now.boot.after(ttl);
        let ends = lease.ends();
        self.index.due.insert((ends, Due::Lease(no)));
        self.touch(Touched::Lease(no));
        Ok(Renewed::Until(ends))
    }

    /// Binds a lease, whose connection went with an earlier run, to one of this run. Said again, it changes nothing.
    pub(crate) fn claim(&mut self, claim: Claim) -> Result<Claimed, Refusal> {
        let no = *self.index.by_token.get(&claim.token).ok_or(Refusal::UnknownLease)?;
        let lease = self.records.leases.get(&no).ok_or(Refusal::UnknownLease)?;
        if let Some(ending) = lease.ended {
            return Ok(Claimed::Ended(ending.by));
        }
        if lease.claim_by.is_some() {
            let before = lease.clone();
            if before.owner != Some(claim.owner) {
                self.admit_to(claim.owner)?;
            }
            let lease = Lease { owner: Some(claim.owner), claim_by: None, ..before.clone() };
            self.unindex_live(&before);
            self.index.index_live(&lease);
            self.records.leases.insert(no, lease);
            self.touch(Touched::Lease(no));
        } else if lease.owner != Some(claim.owner) {
            return Err(Refusal::UnknownLease);
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
        }))
    }

    pub(crate) fn disconnect(&mut self, owner: Owner) -> usize {
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

pub(crate) fn obstacle(restriction: &Restriction) -> Obstacle {
    Obstacle {
        cause: restriction.identity.cause,
        status: restriction.status,
        reason: Arc::clone(&restriction.reason),
        until: restriction.opens(),
        probing: restriction.phase != Phase::Closed,
    }
}

impl Obstacle {
    /// Milliseconds after which it is worth asking again; `None` if only a person can help.
    fn retry_after_ms(&self, now: Now) -> Option<u64> {
        let left = self.until.remaining(now)?;
        Some(if self.probing { left.min(SOON_MS) } else { left })
    }
}
