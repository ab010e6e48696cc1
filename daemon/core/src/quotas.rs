//! The table of quota windows, what follows from it for selection, and what it foresees.
//!
//! Of concurrent responses the one that is heard last counts, whatever it says: a window that refills may well have more
//! left than the response before said, calls that are out make every number a little old, and the next response mends
//! what this one got wrong.

use crate::cause::{Cause, Kind};
use crate::history::Event;
use crate::index::Due;
use crate::judging::About;
use crate::machine::Core;
use crate::policy::Strategy;
use crate::quota::{ALL, Quota, QuotaKey, Reading};
use crate::records::{AccountKey, Credential, CredentialKey, Identity, LeaseNo, ListKey, Model, PoolKey, Scope};
use crate::restriction::{Phase, Restriction};
use crate::tables::Touched;
use crate::time::{Boot, Until};

/// What the windows of its account make of a credential, for one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How much of its tightest window is used, in thousandths. Of what is not known, nothing is.
    pub used_permille: u32,
    /// When the first of its windows that have something left lapses.
    pub lapses: Option<Boot>,
    /// Whether so much is used that the rest is the pool's reserve: it goes after those that have more.
    pub is_reserve: bool,
}

impl Standing {
    /// What a strategy goes by: the lower goes first.
    pub(crate) fn key(self, strategy: Strategy) -> u64 {
        match strategy {
            Strategy::Headroom => u64::from(self.used_permille),
            Strategy::ResetSoon if self.used_permille >= ALL => u64::MAX,
            // What is not known does not lapse: mostly, nobody has begun it.
            Strategy::ResetSoon => self.lapses.map_or(u64::MAX - 1, |at| at.0.min(u64::MAX - 2)),
            Strategy::FillFirst | Strategy::RoundRobin | Strategy::LeastUsed | Strategy::Random => 0,
        }
    }
}

impl Core {
    /// Takes note of what a response says is left. Where it says that nothing is, and `restricts`, it is as if the
    /// refusal that would come next had been reported.
    pub(crate) fn observe(&mut self, about: About, lease: Option<LeaseNo>, readings: &[Reading], restricts: bool) {
        let scope = Scope::Account(about.account);
        if readings.is_empty() || self.is_stale(about, scope) {
            return;
        }
        for reading in readings {
            if self.is_cleared(about, scope, reading.model.as_ref()) {
                continue;
            }
            match reading.quota(about.account, about.pool, self.now(), &self.limits) {
                Some(quota) => self.put_quota(quota),
                None => self.drop_quota(&QuotaKey {
                    account: about.account,
                    model: reading.model.clone(),
                    name: reading.name.clone(),
                }),
            }
            if restricts {
                self.foresee(about, lease, reading);
            }
        }
        self.weigh_account(about.account);
    }

    /// Restricts what a response says nothing is left of, until something is. It is no strike, since nothing failed; and
    /// there is no jitter, since a probe or, after the vendor's deadlines, a ramp lets the first through alone.
    fn foresee(&mut self, about: About, lease: Option<LeaseNo>, reading: &Reading) {
        let Some(verdict) = reading.verdict.as_ref() else { return };
        let Kind::Fault(cause) = verdict.kind else { return };
        let guessed = verdict.after_ms.is_none() && verdict.at.is_none();
        let until = if guessed { self.guess_of_spent(about, cause, reading) } else { self.hint(verdict) };
        let Some(until) = until else { return };
        let scope = Scope::Account(about.account);
        let identity = Identity { scope, model: reading.model.clone(), cause };
        let before = self.records.restrictions.get(&identity).cloned();
        let said = |window: Restriction| Restriction {
            guessed,
            status: verdict.status,
            reason: verdict.rule.clone(),
            evidence: verdict.evidence.clone(),
            ..window
        };
        let window = match before {
            Some(window) if window.phase == Phase::Closed => {
                let until = window.until.max(until);
                if guessed || until == window.until {
                    return;
                }
                said(Restriction { until, ..window })
            }
            remembered => {
                if remembered.is_none() {
                    self.make_room(&identity);
                }
                let strikes = remembered.map_or(0, |window| window.strikes);
                said(Restriction { strikes, ..self.window(identity, about.pool, until) })
            }
        };
        let until = window.until;
        self.put_restriction(window);
        let event =
            Event::Spent { lease, cause, until, rule: verdict.rule.clone(), evidence: verdict.evidence.clone() };
        self.note(about.pool, Some(about.credential), scope, reading.model.clone(), event);
    }

    /// Until when a window is left alone that does not say when it begins anew: as after a first failure, and no longer
    /// than the window is.
    fn guess_of_spent(&self, about: About, cause: Cause, reading: &Reading) -> Option<Until> {
        let ms = self.guess_ms(about.pool, cause, 1)?.min(reading.length_ms.unwrap_or(u64::MAX)).max(1);
        Some(Until::boot(self.now().boot.after(ms)))
    }

    // ---- the table ---------------------------------------------------------------------------------------------

    /// Writes `quota` in the place of what an earlier response said of the same window.
    fn put_quota(&mut self, quota: Quota) {
        let key = quota.key.clone();
        if !self.records.quotas.contains_key(&key) {
            self.make_room_for_quota(key.account);
            self.meter(&quota, true);
        }
        if let Some(before) = self.records.quotas.remove(&key) {
            self.index.quotas_by_age.remove(&(before.seen.boot, before.key.clone()));
            self.unschedule_quota(&before);
        }
        self.index.quotas_by_age.insert((quota.seen.boot, key.clone()));
        self.index.schedule_quota(&quota, self.records.header.now);
        self.records.quotas.insert(key.clone(), quota);
        self.touch(Touched::Quota(key));
    }

    /// Forgets a window, and places whom it weighed on anew.
    pub(crate) fn drop_quota(&mut self, key: &QuotaKey) {
        let Some(before) = self.records.quotas.remove(key) else { return };
        self.index.quotas_by_age.remove(&(before.seen.boot, key.clone()));
        self.unschedule_quota(&before);
        self.meter(&before, false);
        self.touch(Touched::Quota(key.clone()));
        self.weigh_account(key.account);
    }

    /// Forgets the windows of an account: those of one model, or all.
    pub(crate) fn drop_quotas(&mut self, account: AccountKey, model: Option<&Model>) {
        let of_model = |quota: &&Quota| model.is_none() || quota.key.model.as_ref() == model;
        let keys: Vec<QuotaKey> = self.quotas(account).filter(of_model).map(|quota| quota.key.clone()).collect();
        for key in keys {
            self.drop_quota(&key);
        }
    }

    /// A window is believed no longer, unless the wall clock says otherwise.
    pub(crate) fn fade(&mut self, key: &QuotaKey) {
        let Some(quota) = self.records.quotas.get(key).cloned() else { return };
        if quota.fresh.passed(self.now()) {
            self.drop_quota(key);
        } else {
            self.index.schedule_quota(&quota, self.records.header.now);
        }
    }

    /// What was heard longest ago makes room.
    fn make_room_for_quota(&mut self, account: AccountKey) {
        if self.quotas(account).count() >= self.limits.quotas_per_account {
            let oldest = self.quotas(account).min_by_key(|quota| (quota.seen.boot, &quota.key));
            if let Some(key) = oldest.map(|quota| quota.key.clone()) {
                self.drop_quota(&key);
            }
        }
        while self.records.quotas.len() >= self.limits.quotas {
            let Some((_, key)) = self.index.quotas_by_age.first().cloned() else { break };
            self.drop_quota(&key);
        }
    }

    /// Counts, or no longer counts, a window of a single model.
    fn meter(&mut self, quota: &Quota, counts: bool) {
        let Some(model) = &quota.key.model else { return };
        let Some(pool) = self.index.pools.get_mut(&quota.pool) else { return };
        let count = pool.metered_models.entry(model.clone()).or_default();
        *count = if counts { *count + 1 } else { *count - 1 };
        if *count == 0 {
            pool.metered_models.remove(model);
            self.forget_views_of(quota.pool, model);
        }
    }

    fn unschedule_quota(&mut self, quota: &Quota) {
        if let Until::Passed { boot, wall } = quota.fresh {
            self.index.quotas_by_wall.remove(&(wall, quota.key.clone()));
            self.index.due.remove(&(boot, Due::Fades(quota.key.clone())));
        }
    }

    // ---- what follows ------------------------------------------------------------------------------------------

    /// The fresh windows of an account, of whatever model.
    pub fn quotas(&self, account: AccountKey) -> impl Iterator<Item = &Quota> {
        let first = QuotaKey { account, model: None, name: "".into() };
        self.records.quotas.range(first..).map(|(_, quota)| quota).take_while(move |q| q.key.account == account)
    }

    /// The fresh windows that count what is used with `model`: those of all models, and its own.
    pub fn quotas_for(&self, account: AccountKey, model: Option<&Model>) -> impl Iterator<Item = &Quota> {
        let of = move |model: Option<&Model>| {
            let model = model.cloned();
            let first = QuotaKey { account, model: model.clone(), name: "".into() };
            let rest = self.records.quotas.range(first..).map(|(_, quota)| quota);
            rest.take_while(move |quota| quota.key.account == account && quota.key.model == model)
        };
        of(None).chain(model.map(|model| of(Some(model))).into_iter().flatten())
    }

    /// What the windows of its account make of a credential, for requests with `model`.
    #[must_use]
    pub fn standing(&self, credential: &Credential, model: Option<&Model>) -> Standing {
        let mut standing = Standing::default();
        for quota in self.quotas_for(credential.account, model) {
            standing.used_permille = standing.used_permille.max(quota.used().unwrap_or(0));
            let lapses = quota.lapses().map(|until| self.on_boot_clock(until));
            standing.lapses = standing.lapses.into_iter().chain(lapses).min();
        }
        let reserve = self.records.pools.get(&credential.pool).map_or(0, |pool| pool.policy.reserve_permille);
        standing.is_reserve = reserve > 0 && standing.used_permille >= ALL.saturating_sub(reserve);
        standing
    }

    /// Whether quota windows decide who is next in a list; `None` is the whole pool.
    pub(crate) fn weighs_quota(&self, pool: PoolKey, list: Option<ListKey>) -> bool {
        let reserve = self.records.pools.get(&pool).is_some_and(|pool| pool.policy.reserve_permille > 0);
        reserve || self.strategy(pool, list).weighs_quota()
    }

    /// The same in any list of a pool.
    pub(crate) fn weighs_quota_at_all(&self, pool: PoolKey) -> bool {
        let in_a_list = self.index.pools.get(&pool).is_some_and(|pool| pool.lists.weigh_quota());
        in_a_list || self.weighs_quota(pool, None)
    }

    /// Places the credentials of an account anew where its windows weigh.
    fn weigh_account(&mut self, account: AccountKey) {
        let pool = self.records.accounts.get(&account).map(|account| account.pool);
        if !pool.is_some_and(|pool| self.weighs_quota_at_all(pool)) {
            return;
        }
        let members: Vec<CredentialKey> =
            self.index.account_members.get(&account).into_iter().flatten().copied().collect();
        for key in members {
            self.rerank(key);
        }
    }
}
