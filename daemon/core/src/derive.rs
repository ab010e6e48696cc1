//! The index, built from the records alone: what a restored core starts with, and what `check_invariants` holds against
//! the one that commands have kept.

use std::sync::Arc;

use crate::cause::{Cause, State};
use crate::index::{Due, Index, PoolIndex};
use crate::policy::Limits;
use crate::quota::Quota;
use crate::records::{Credential, Lease, Scope};
use crate::renewals::{Renewal, Stage};
use crate::restriction::{Phase, Restriction};
use crate::tables::Records;
use crate::time::{Now, Until};
use crate::waiting::{Waiter, Wants};

impl Index {
    /// Everything that follows from `records`, but for lists and views, which a core builds for itself.
    pub(crate) fn derive(records: &Records, limits: &Limits) -> Self {
        let mut index = Self::default();
        for pool in records.pools.values() {
            index.pools.insert(pool.key, PoolIndex::new(pool.policy.strategy));
            index.pool_by_name.insert(Arc::clone(&pool.name), pool.key);
        }
        for account in records.accounts.values() {
            if let Some(pool) = index.pools.get_mut(&account.pool) {
                pool.accounts.insert(Arc::clone(&account.name), account.key);
            }
        }
        for lease in records.leases.values() {
            index.add_lease(lease);
        }
        for waiter in records.waiters.values() {
            index.add_waiter(waiter);
        }
        for renewal in records.renewals.values() {
            index.add_renewal(renewal);
        }
        index.unbound.extend(records.bindings.values().map(|binding| (binding.until, binding.tie.clone())));
        for restriction in records.restrictions.values() {
            index.add_restriction(restriction, records);
        }
        for quota in records.quotas.values() {
            index.add_quota(quota, records);
        }
        for credential in records.credentials.values() {
            index.add_credential(credential, records, limits);
        }
        for entry in records.history.values() {
            if let Some(pool) = index.pools.get_mut(&entry.pool) {
                pool.history.insert(entry);
            }
        }
        index
    }

    fn add_credential(&mut self, credential: &Credential, records: &Records, limits: &Limits) {
        let key = credential.key;
        self.account_members.entry(credential.account).or_default().insert(key);
        self.running_out.extend(credential.expires.filter(|_| !credential.expired).map(|at| (at, key)));
        let Some(pool) = self.pools.get_mut(&credential.pool) else { return };
        pool.by_id.insert(Arc::clone(&credential.id), key);
        match credential.retired {
            None => {
                pool.members.insert((credential.order, key));
                let state = state(credential, records);
                *pool.states.entry(state).or_default() += 1;
                self.state.insert(key, state);
            }
            Some(retired) => {
                // One that is only kept for its leases goes with the last of them.
                let forgotten = retired.after(limits.retired_ms);
                self.due.extend((forgotten > records.header.now.boot).then_some((forgotten, Due::Retired(key))));
            }
        }
    }

    fn add_lease(&mut self, lease: &Lease) {
        self.by_token.insert(lease.token, lease.no);
        *self.account_leases.entry(lease.account).or_default() += 1;
        if let Some(ending) = lease.ended {
            self.ended.insert((ending.at, lease.no));
        } else {
            self.index_live(lease);
        }
    }

    /// Takes note of a lease that is live.
    pub(crate) fn index_live(&mut self, lease: &Lease) {
        self.due.insert((lease.ends(), Due::Lease(lease.no)));
        *self.in_flight.entry(lease.credential).or_default() += 1;
        if let Some(model) = &lease.ask.model {
            *self.in_flight_for.entry((lease.credential, Arc::clone(model))).or_default() += 1;
        }
        self.live += 1;
        if let Some(owner) = lease.owner {
            self.by_owner.insert((owner, lease.no));
            *self.live_of.entry(owner).or_default() += 1;
        }
        if let Some(pool) = self.pools.get_mut(&lease.pool) {
            pool.leases.insert(lease.no);
        }
    }

    fn add_quota(&mut self, quota: &Quota, records: &Records) {
        self.quotas_by_age.insert((quota.seen.boot, quota.key.clone()));
        self.schedule_quota(quota, records.header.now);
        let Some(pool) = self.pools.get_mut(&quota.pool) else { return };
        if let Some(model) = &quota.key.model {
            *pool.metered_models.entry(Arc::clone(model)).or_default() += 1;
        }
    }

    /// Notes until when a quota window is believed.
    pub(crate) fn schedule_quota(&mut self, quota: &Quota, now: Now) {
        match quota.fresh {
            Until::Passed { boot, wall } if boot <= now.boot => {
                self.quotas_by_wall.insert((wall, quota.key.clone()));
            }
            Until::Passed { boot, .. } => {
                self.due.insert((boot, Due::Fades(quota.key.clone())));
            }
            Until::Lifted => {}
        }
    }

    /// Takes note of somebody who waits.
    pub(crate) fn add_waiter(&mut self, waiter: &Waiter) {
        self.due.insert((waiter.until, Due::Waiter(waiter.no)));
        self.awaited.entry(waiter.connection).or_default().insert(waiter.no);
        *self.waiting_users.entry(waiter.connection.user).or_default() += 1;
        if let Some(owner) = waiter.owner {
            *self.live_of.entry(owner).or_default() += 1;
        }
        if let Some(pool) = self.pools.get_mut(&waiter.pool) {
            let queue = pool.queues.entry(Wants::of(&waiter.ask)).or_default();
            queue.waiters.insert(waiter.no);
            queue.deadlines.insert((waiter.until, waiter.no));
        }
    }

    /// Takes note of a renewal.
    pub(crate) fn add_renewal(&mut self, renewal: &Renewal) {
        self.due.insert((renewal.until, Due::Renewal(Arc::clone(&renewal.stale))));
        if let Stage::Held { ticket, owner } = renewal.stage {
            self.tickets.insert(ticket, Arc::clone(&renewal.stale));
            self.renewing.insert((owner, Arc::clone(&renewal.stale)));
        }
    }

    /// Forgets what was noted of a renewal.
    pub(crate) fn remove_renewal(&mut self, renewal: &Renewal) {
        self.due.remove(&(renewal.until, Due::Renewal(Arc::clone(&renewal.stale))));
        if let Stage::Held { ticket, owner } = renewal.stage {
            self.tickets.remove(&ticket);
            self.renewing.remove(&(owner, Arc::clone(&renewal.stale)));
        }
    }

    fn add_restriction(&mut self, restriction: &Restriction, records: &Records) {
        match (restriction.phase, restriction.until) {
            (Phase::Closed, Until::Passed { boot, wall }) if boot <= records.header.now.boot => {
                self.due_by_wall.insert((wall, restriction.identity.clone()));
            }
            _ => self.due.extend(restriction.due()),
        }
        let Some(pool) = self.pools.get_mut(&restriction.pool).filter(|_| !restriction.is_over()) else { return };
        if let Some(model) = &restriction.identity.model {
            *pool.restricted_models.entry(Arc::clone(model)).or_default() += 1;
        }
        pool.without_secret += usize::from(restriction.identity.cause == Cause::NoSecret);
    }
}

/// The state of a credential for requests that name no model.
fn state(credential: &Credential, records: &Records) -> State {
    let scopes = [Scope::Credential(credential.key), Scope::Account(credential.account)];
    let covering = scopes.into_iter().flat_map(|scope| records.restrictions_of(scope, None));
    covering.filter(|r| !r.is_over()).filter_map(Restriction::state).min().unwrap_or(State::Ready)
}
