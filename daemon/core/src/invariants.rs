//! What must hold after every command, and what is checked after every operation in every kind of test.

use std::collections::BTreeSet;

use crate::cause::Cause;
use crate::guard::MOST_SPARKS;
use crate::index::{Due, Index};
use crate::machine::Core;
use crate::records::{CredentialKey, PoolKey, Scope};
use crate::refusal::Refusal;
use crate::renewals::Stage;
use crate::restriction::{Phase, Restriction};
use crate::time::Boot;
use crate::waiting::Queue;

impl Core {
    /// Checks that the state is sound and that everything derived from it is what would be derived anew.
    ///
    /// It scans everything: it is for tests.
    ///
    /// # Errors
    /// The first thing that does not hold, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        let anew = Index::derive(&self.records, &self.limits);
        self.check_leases(&anew)?;
        self.check_restrictions()?;
        self.check_quotas(&anew)?;
        self.check_credentials(&anew)?;
        self.check_lists()?;
        self.check_views()?;
        self.check_history(&anew)?;
        self.check_waiters(&anew)?;
        self.check_bindings(&anew)?;
        self.check_renewals(&anew)?;
        self.check_deadlines(&anew)
    }

    fn check_leases(&self, anew: &Index) -> Result<(), String> {
        equal("live leases", &self.index.live, &anew.live)?;
        equal("leases by credential", &self.index.in_flight, &anew.in_flight)?;
        equal("leases by credential and model", &self.index.in_flight_for, &anew.in_flight_for)?;
        equal("leases by connection", &self.index.by_owner, &anew.by_owner)?;
        equal("how many leases a connection has", &self.index.live_of, &anew.live_of)?;
        equal("ended leases", &self.index.ended, &anew.ended)?;
        equal("leases by token", &self.index.by_token, &anew.by_token)?;
        equal("leases of an account", &self.index.account_leases, &anew.account_leases)?;
        within("leases", anew.live + self.records.waiters.len(), self.limits.leases)?;
        within("remembered leases", anew.ended.len(), self.limits.ended_leases)?;
        for count in anew.live_of.values() {
            within("leases of a connection", *count, self.limits.leases_per_connection)?;
        }
        let overlong = self.records.leases.values().find(|lease| lease.reports.len() > self.limits.reports_per_lease);
        holds(overlong.is_none(), || format!("a lease remembers too many reports: {overlong:?}"))
    }

    fn check_restrictions(&self) -> Result<(), String> {
        let now = self.now();
        for (identity, restriction) in &self.records.restrictions {
            equal("identity", identity, &restriction.identity)?;
            // A wall clock that is set back does not close what has opened.
            let lasts = restriction.phase != Phase::Closed || !restriction.until.passed(now);
            holds(lasts, || format!("phase and deadline disagree: {restriction:?} at {now:?}"))?;
            self.check_trial(restriction)?;
            let foreseen = matches!(identity.cause, Cause::Quota | Cause::RateLimit);
            holds(restriction.strikes > 0 || foreseen, || format!("no strike: {restriction:?}"))?;
            let known = match identity.scope {
                Scope::Credential(key) => self.records.credentials.contains_key(&key),
                Scope::Account(key) => self.records.accounts.contains_key(&key),
                Scope::Pool(key) => self.records.pools.contains_key(&key),
            };
            holds(known, || format!("about nobody: {restriction:?}"))?;
        }
        for pool in self.records.pools.values() {
            within("sparks", pool.sparks.len(), MOST_SPARKS)?;
        }
        for key in self.records.restrictions.keys() {
            let of_models = self.records.restrictions_within(key.scope).filter(|r| r.identity.model.is_some()).count();
            within("restricted models of a scope", of_models, self.limits.models_per_scope)?;
        }
        Ok(())
    }

    fn check_quotas(&self, anew: &Index) -> Result<(), String> {
        for (key, quota) in &self.records.quotas {
            equal("name", key, &quota.key)?;
            let account = self.records.accounts.get(&key.account);
            holds(account.is_some_and(|account| account.pool == quota.pool), || format!("nobody's: {quota:?}"))?;
            holds(!quota.fresh.passed(self.now()), || format!("believed too long: {quota:?}"))?;
            within("quota windows of an account", self.quotas(key.account).count(), self.limits.quotas_per_account)?;
        }
        within("quota windows", self.records.quotas.len(), self.limits.quotas)?;
        equal("quota windows by age", &self.index.quotas_by_age, &anew.quotas_by_age)
    }

    fn check_trial(&self, restriction: &Restriction) -> Result<(), String> {
        let most = match restriction.phase {
            Phase::Closed => 1,
            Phase::HalfOpen { answer_by, .. } => {
                equal("a probe is waited for", &answer_by.is_some(), &!restriction.trial.is_empty())?;
                1
            }
            Phase::Ramping { width, .. } => width,
            Phase::Over { .. } => 0,
        };
        within("leases on trial", restriction.trial.len(), most as usize)?;
        for no in &restriction.trial {
            let lease = self.records.leases.get(no).filter(|lease| lease.ended.is_none());
            let knows = lease.is_some_and(|lease| lease.trials.contains(&restriction.identity));
            holds(knows, || format!("{no:?} is not on trial: {restriction:?}"))?;
        }
        Ok(())
    }

    fn check_credentials(&self, anew: &Index) -> Result<(), String> {
        for (key, credential) in &self.records.credentials {
            let secretless = self.restrictions_on(*key).any(|r| r.identity.cause == Cause::NoSecret);
            let unresolved = credential.retired.is_none() && credential.fingerprint.is_none();
            equal("no_secret", &secretless, &unresolved)?;
            holds(self.records.accounts.contains_key(&credential.account), || format!("no account: {credential:?}"))?;
        }
        equal("states", &self.index.state, &anew.state)?;
        let peopled = self.index.account_members.iter().filter(|(_, members)| !members.is_empty());
        let peopled = peopled.map(|(key, members)| (*key, members.clone())).collect();
        equal("accounts' credentials", &peopled, &anew.account_members)?;
        for (key, account) in &self.records.accounts {
            let restricted = self.records.restrictions_within(Scope::Account(*key)).next().is_some();
            let spent =
                !anew.account_members.contains_key(key) && !anew.account_leases.contains_key(key) && !restricted;
            holds(!spent, || format!("nobody needs it: {account:?}"))?;
        }
        equal("pools by name", &self.index.pool_by_name, &anew.pool_by_name)?;
        equal("pools", &self.index.pools.len(), &anew.pools.len())?;
        for (pool, anew) in self.index.pools.values().zip(anew.pools.values()) {
            equal("members", &pool.members, &anew.members)?;
            equal("ids", &pool.by_id, &anew.by_id)?;
            equal("accounts by name", &pool.accounts, &anew.accounts)?;
            equal("counts by state", &pool.states, &anew.states)?;
            equal("leases of a pool", &pool.leases, &anew.leases)?;
            equal("restricted models", &pool.restricted_models, &anew.restricted_models)?;
            equal("metered models", &pool.metered_models, &anew.metered_models)?;
            equal("credentials without a secret", &pool.without_secret, &anew.without_secret)?;
        }
        Ok(())
    }

    fn check_lists(&self) -> Result<(), String> {
        for (key, list) in &self.records.lists {
            equal("key", key, &list.key)?;
            let distinct: BTreeSet<_> = list.members.iter().collect();
            equal("distinct members", &distinct.len(), &list.members.len())?;
            let of_pool = |key: &&CredentialKey| {
                self.records.credentials.get(key).is_some_and(|c| c.pool == list.pool && c.retired.is_none())
            };
            equal("defined members", &distinct.iter().filter(|key| of_pool(key)).count(), &distinct.len())?;
            holds(!list.profiles.is_empty(), || format!("nobody leases by it: {list:?}"))?;
        }
        for (key, pool) in &self.index.pools {
            equal("lists", &pool.lists, &self.derive_lists(*key))?;
            let profiles: Vec<_> = self.lists(*key).flat_map(|list| &list.profiles).collect();
            equal("distinct profiles", &profiles.iter().collect::<BTreeSet<_>>().len(), &profiles.len())?;
        }
        Ok(())
    }

    fn check_views(&self) -> Result<(), String> {
        for (key, pool) in &self.index.pools {
            for (need, view) in &pool.views {
                let anew = self.build_view(*key, need);
                holds(view.agrees_with(&anew), || format!("view of {need:?}: {view:?}, anew: {anew:?}"))?;
            }
        }
        Ok(())
    }

    fn check_history(&self, anew: &Index) -> Result<(), String> {
        for (no, entry) in &self.records.history {
            equal("number", no, &entry.no)?;
            let known = entry.credential.is_none_or(|key| self.records.credentials.contains_key(&key));
            holds(known, || format!("about nobody: {entry:?}"))?;
        }
        for (pool, anew) in self.index.pools.values().zip(anew.pools.values()) {
            equal("history", &pool.history, &anew.history)?;
            let (longest, all) = pool.history.sizes();
            within("history of a credential and model", longest, self.limits.history_per_model)?;
            within("history of a pool", all, self.limits.history_per_pool)?;
        }
        Ok(())
    }

    /// No waiter is left who could be served, and none who waits in vain.
    fn check_waiters(&self, anew: &Index) -> Result<(), String> {
        let now = self.now();
        holds(self.index.astir.is_empty(), || format!("not handed on: {:?}", self.index.astir))?;
        within("waiters", self.records.waiters.len(), self.limits.waiters)?;
        for (no, waiter) in &self.records.waiters {
            equal("number", no, &waiter.no)?;
            holds(waiter.until > now.boot, || format!("has waited long enough: {waiter:?}"))?;
        }
        equal("whose answers are awaited", &self.index.awaited, &anew.awaited)?;
        equal("how many of a user wait", &self.index.waiting_users, &anew.waiting_users)?;
        for of_user in anew.waiting_users.values() {
            within("waiters of a user", *of_user, self.limits.waiters_per_user)?;
        }
        for awaited in anew.awaited.values() {
            within("waiters of a connection", awaited.len(), self.limits.waiters_per_connection)?;
        }
        for (key, pool) in &self.index.pools {
            equal("queues", &Some(&pool.queues), &anew.pools.get(key).map(|pool| &pool.queues))?;
            within("queues of a pool", pool.queues.len(), self.limits.queues_per_pool)?;
            let mut wake = None;
            for queue in pool.queues.values() {
                wake = wake.into_iter().chain(self.check_queue(*key, queue)?).min();
            }
            equal("when a probe may go", &pool.wake, &wake)?;
        }
        Ok(())
    }

    /// Checks those who want the same, of whom it is enough to look at one; when a probe may go for them.
    fn check_queue(&self, pool: PoolKey, queue: &Queue) -> Result<Option<Boot>, String> {
        let head = queue.waiters.first().and_then(|no| self.records.waiters.get(no)).ok_or("a queue of nobody")?;
        let need = self.need(pool, &head.ask).ok_or("they wait where there is no pool")?;
        let view = self.build_view(pool, &need);
        let mut rng = self.records.header.rng;
        let choice = self.choose(pool, &head.ask, &view, &mut rng).map(|pick| pick.choice);
        let helpless = matches!(choice, Err(Refusal::Busy(_) | Refusal::Exhausted(_)));
        holds(helpless, || format!("waits although there is {choice:?}: {head:?}"))?;
        let (soonest, first) = (self.soonest_for(pool, &head.ask, &view), queue.deadlines.first());
        let in_vain = soonest.is_none_or(|soonest| first.is_some_and(|(until, _)| *until < soonest));
        holds(!in_vain, || format!("in vain, {soonest:?}: {queue:?}"))?;
        Ok(self.next_up(pool, &head.ask, &view, &mut rng).map(|(at, ..)| at))
    }

    fn check_bindings(&self, anew: &Index) -> Result<(), String> {
        for (tie, binding) in &self.records.bindings {
            equal("what is bound", tie, &binding.tie)?;
            holds(binding.until > self.now().boot, || format!("it is forgotten by now: {binding:?}"))?;
        }
        equal("when sessions are forgotten", &self.index.unbound, &anew.unbound)?;
        within("sessions", self.records.bindings.len(), self.limits.bindings)
    }

    fn check_renewals(&self, anew: &Index) -> Result<(), String> {
        let now = self.now();
        for (stale, renewal) in &self.records.renewals {
            equal("fingerprint", stale, &renewal.stale)?;
            holds(renewal.until > now.boot, || format!("has lasted long enough: {renewal:?}"))?;
            let remembers = renewal.failures > 0 || matches!(renewal.stage, Stage::Held { .. } | Stage::Done);
            holds(remembers, || format!("nobody needs it: {renewal:?}"))?;
        }
        equal("tickets", &self.index.tickets, &anew.tickets)?;
        equal("who renews", &self.index.renewing, &anew.renewing)?;
        Ok(())
    }

    fn check_deadlines(&self, anew: &Index) -> Result<(), String> {
        let now = self.now();
        let next = self.next_deadline();
        holds(next.boot.is_none_or(|at| at > now.boot), || format!("{next:?} is not later than {now:?}"))?;
        holds(next.wall.is_none_or(|at| at > now.wall), || format!("{next:?} is not later than {now:?}"))?;
        for credential in self.records.credentials.values() {
            let long_ago = credential.retired.is_some_and(|at| at.after(self.limits.retired_ms) <= now.boot);
            let held = self.in_flight(credential.key) > 0;
            holds(!long_ago || held, || format!("nobody needs it: {credential:?}"))?;
        }
        let mut due = anew.due.clone();
        due.extend(self.index.pools.iter().filter_map(|(key, pool)| Some((pool.wake?, Due::Wake(*key)))));
        equal("what is due", &self.index.due, &due)?;
        equal("what is due by the wall clock", &self.index.due_by_wall, &anew.due_by_wall)?;
        equal("quota windows that fade by the wall clock", &self.index.quotas_by_wall, &anew.quotas_by_wall)?;
        equal("secrets that run out", &self.index.running_out, &anew.running_out)
    }
}

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, derived: &T, anew: &T) -> Result<(), String> {
    holds(derived == anew, || format!("{what}: {derived:?}, anew: {anew:?}"))
}

fn within(what: &str, count: usize, limit: usize) -> Result<(), String> {
    holds(count <= limit, || format!("{what}: {count}, over the limit of {limit}"))
}
