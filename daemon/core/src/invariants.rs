//! What must hold after every command, and what is checked after every operation in every kind of test.

use std::collections::{BTreeMap, BTreeSet};

use crate::cause::{Cause, State};
use crate::guard::MOST_SPARKS;
use crate::history::HistoryIndex;
use crate::index::Due;
use crate::machine::Core;
use crate::records::{CredentialKey, LeaseNo, Scope};
use crate::restriction::{Phase, Restriction};
use crate::time::Until;

impl Core {
    /// Checks that the state is sound and that everything derived from it is what would be derived anew.
    ///
    /// It scans everything: it is for tests.
    ///
    /// # Errors
    /// The first thing that does not hold, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.check_leases()?;
        self.check_restrictions()?;
        self.check_credentials()?;
        self.check_lists()?;
        self.check_views()?;
        self.check_history()?;
        self.check_deadlines()
    }

    fn check_leases(&self) -> Result<(), String> {
        let live: Vec<_> = self.records.leases.values().filter(|lease| lease.ended.is_none()).collect();
        equal("live leases", &self.index.live, &live.len())?;
        let mut in_flight: BTreeMap<CredentialKey, u32> = BTreeMap::new();
        let mut of_pool = BTreeMap::new();
        for lease in &live {
            *in_flight.entry(lease.credential).or_default() += 1;
            *of_pool.entry(lease.pool).or_insert(0) += 1;
        }
        equal("leases by credential", &self.index.in_flight, &in_flight)?;
        for (key, pool) in &self.index.pools {
            equal("leases of a pool", &pool.leases, of_pool.get(key).unwrap_or(&0))?;
        }
        let by_owner: BTreeSet<_> = live.iter().filter_map(|lease| Some((lease.owner?, lease.no))).collect();
        equal("leases by connection", &self.index.by_owner, &by_owner)?;
        let mut live_of = BTreeMap::new();
        for (owner, _) in &by_owner {
            *live_of.entry(*owner).or_insert(0) += 1;
        }
        equal("how many leases a connection has", &self.index.live_of, &live_of)?;
        let ended: BTreeSet<_> =
            self.records.leases.values().filter_map(|lease| Some((lease.ended?.at, lease.no))).collect();
        equal("ended leases", &self.index.ended, &ended)?;
        let by_token: BTreeMap<_, LeaseNo> =
            self.records.leases.values().map(|lease| (lease.token, lease.no)).collect();
        equal("leases by token", &self.index.by_token, &by_token)?;
        let mut of_account = BTreeMap::new();
        for lease in self.records.leases.values() {
            *of_account.entry(lease.account).or_insert(0) += 1;
        }
        equal("leases of an account", &self.index.account_leases, &of_account)?;
        within("leases", live.len(), self.limits.leases)?;
        within("remembered leases", ended.len(), self.limits.ended_leases)?;
        for count in live_of.values() {
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
            holds(restriction.strikes > 0, || format!("no strike: {restriction:?}"))?;
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

    fn check_credentials(&self) -> Result<(), String> {
        let mut members: BTreeMap<_, BTreeSet<CredentialKey>> = BTreeMap::new();
        let mut states = BTreeMap::new();
        for (key, credential) in &self.records.credentials {
            let defined = credential.retired.is_none();
            let secretless = self.restrictions_on(*key).any(|r| r.identity.cause == Cause::NoSecret);
            equal("no_secret", &secretless, &(defined && credential.fingerprint.is_none()))?;
            members.entry(credential.account).or_default().insert(*key);
            holds(self.records.accounts.contains_key(&credential.account), || format!("no account: {credential:?}"))?;
            if !defined {
                continue;
            }
            let covering = self.covering(credential, None).filter_map(Restriction::state);
            states.insert(*key, covering.min().unwrap_or(State::Ready));
        }
        equal("states", &self.index.state, &states)?;
        let indexed: BTreeMap<_, _> =
            self.index.account_members.iter().filter(|(_, m)| !m.is_empty()).map(|(k, m)| (*k, m.clone())).collect();
        equal("accounts' credentials", &indexed, &members)?;
        for (key, account) in &self.records.accounts {
            let restricted = self.records.restrictions_within(Scope::Account(*key)).next().is_some();
            let spent = !members.contains_key(key) && !self.index.account_leases.contains_key(key) && !restricted;
            holds(!spent, || format!("nobody needs it: {account:?}"))?;
        }
        for (key, pool) in &self.index.pools {
            let of_pool = || self.records.credentials.values().filter(|credential| credential.pool == *key);
            let defined: BTreeSet<_> = of_pool().filter(|c| c.retired.is_none()).map(|c| (c.order, c.key)).collect();
            equal("members", &pool.members, &defined)?;
            let by_id: BTreeMap<_, _> = of_pool().map(|c| (std::sync::Arc::clone(&c.id), c.key)).collect();
            equal("ids", &pool.by_id, &by_id)?;
            let accounts = self.records.accounts.values().filter(|account| account.pool == *key);
            let by_name: BTreeMap<_, _> = accounts.map(|a| (std::sync::Arc::clone(&a.name), a.key)).collect();
            equal("accounts by name", &pool.accounts, &by_name)?;
            let mut by_state = BTreeMap::new();
            for state in defined.iter().filter_map(|(_, key)| states.get(key)) {
                *by_state.entry(*state).or_insert(0) += 1;
            }
            equal("counts by state", &pool.states, &by_state)?;
            let lasting = || self.records.restrictions.values().filter(|r| !r.is_over() && r.pool == *key);
            let mut models = BTreeMap::new();
            for model in lasting().filter_map(|r| r.identity.model.clone()) {
                *models.entry(model).or_insert(0) += 1;
            }
            equal("restricted models", &pool.restricted_models, &models)?;
            let without_secret = lasting().filter(|r| r.identity.cause == Cause::NoSecret).count();
            equal("credentials without a secret", &pool.without_secret, &without_secret)?;
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

    fn check_history(&self) -> Result<(), String> {
        let mut histories: BTreeMap<_, HistoryIndex> = BTreeMap::new();
        for (no, entry) in &self.records.history {
            equal("number", no, &entry.no)?;
            let known = entry.credential.is_none_or(|key| self.records.credentials.contains_key(&key));
            holds(known, || format!("about nobody: {entry:?}"))?;
            histories.entry(entry.pool).or_default().insert(entry);
        }
        for (key, pool) in &self.index.pools {
            equal("history", &pool.history, &histories.remove(key).unwrap_or_default())?;
            let (longest, all) = pool.history.sizes();
            within("history of a credential and model", longest, self.limits.history_per_model)?;
            within("history of a pool", all, self.limits.history_per_pool)?;
        }
        Ok(())
    }

    fn check_deadlines(&self) -> Result<(), String> {
        let now = self.now();
        let next = self.next_deadline();
        holds(next.boot.is_none_or(|at| at > now.boot), || format!("{next:?} is not later than {now:?}"))?;
        holds(next.wall.is_none_or(|at| at > now.wall), || format!("{next:?} is not later than {now:?}"))?;
        let mut due = BTreeSet::new();
        let mut due_by_wall = BTreeSet::new();
        for lease in self.records.leases.values().filter(|lease| lease.ended.is_none()) {
            due.insert((lease.expires, Due::Lease(lease.no)));
        }
        for (identity, restriction) in &self.records.restrictions {
            match (restriction.phase, restriction.until) {
                (Phase::Closed, Until::Passed { boot, wall }) if boot <= now.boot => {
                    due_by_wall.insert((wall, identity.clone()));
                }
                _ => due.extend(restriction.due()),
            }
        }
        for credential in self.records.credentials.values() {
            let Some(retired) = credential.retired else { continue };
            let at = retired.after(self.limits.retired_ms);
            if at > now.boot {
                due.insert((at, Due::Retired(credential.key)));
            } else {
                let held = self.in_flight(credential.key) > 0;
                holds(held, || format!("nobody needs it: {credential:?}"))?;
            }
        }
        equal("what is due", &self.index.due, &due)?;
        equal("what is due by the wall clock", &self.index.due_by_wall, &due_by_wall)?;
        let credentials = self.records.credentials.values();
        let running_out: BTreeSet<_> =
            credentials.filter(|c| !c.expired).filter_map(|c| Some((c.expires?, c.key))).collect();
        equal("secrets that run out", &self.index.running_out, &running_out)
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
