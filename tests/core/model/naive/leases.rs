//! How leases end, and how long they live.

use credpool_core::{EndedBy, Refusal, Release, Released, Renew, Renewed, TokenHash};

use super::judging::Witness;
use super::{Lease, Naive};

impl Naive {
    pub(super) fn lease_mut(&mut self, token: TokenHash) -> Option<&mut Lease> {
        self.leases.iter_mut().find(|lease| lease.token == token)
    }

    pub(super) fn end(&mut self, token: TokenHash, by: EndedBy) {
        let boot = self.boot();
        if let Some(lease) = self.lease_mut(token).filter(|lease| lease.ended.is_none()) {
            lease.ended = Some((by, boot));
            let succeeded = lease.succeeded;
            self.off_trial(token, by, succeeded);
        }
    }

    pub(super) fn release(&mut self, release: &Release) -> Result<Released, Refusal> {
        let boot = self.boot();
        let lease = self.lease_mut(release.token).ok_or(Refusal::UnknownLease)?;
        let before = lease.ended;
        let (ended_by, at) = before.unwrap_or((EndedBy::Release, boot));
        // The first word of its holder about how it went.
        let given_back = before.is_some_and(|(by, _)| matches!(by, EndedBy::Release | EndedBy::Report));
        let succeeds = release.success && !given_back && !lease.succeeded;
        lease.succeeded |= succeeds;
        let held_ms = at - lease.granted_at;
        let lease = lease.clone();
        if succeeds {
            self.succeed(&lease);
        }
        if succeeds || before.is_none() {
            self.observe(&Witness::of(&lease), Some(lease.no), &release.readings, true);
        }
        self.end(release.token, EndedBy::Release);
        Ok(Released { held_ms, ended_by, duplicate: before.is_some() })
    }

    pub(super) fn renew(&mut self, renew: Renew) -> Result<Renewed, Refusal> {
        let boot = self.boot();
        let lease = self.leases.iter_mut().find(|lease| lease.token == renew.token).ok_or(Refusal::UnknownLease)?;
        if let Some((by, _)) = lease.ended {
            return Ok(Renewed::Ended(by));
        }
        match (renew.let_go_by, lease.owner) {
            (Some(by), Some(owner)) if by != owner => return Err(Refusal::NotTheHolder),
            (Some(_), _) => lease.owner = None,
            (None, _) => {}
        }
        let policy = self.pools.iter().find(|pool| pool.key == lease.pool).map(|pool| &pool.policy);
        let policy = policy.ok_or(Refusal::UnknownPool)?;
        let default_ttl = if lease.owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        lease.expires = boot + renew.ttl_ms.or(lease.ask.ttl_ms).unwrap_or(default_ttl).max(1);
        Ok(Renewed::Until(credpool_core::Boot(lease.expires)))
    }
}
