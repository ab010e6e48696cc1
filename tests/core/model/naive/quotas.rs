//! What is left of what accounts may use, in the same words.

use std::sync::Arc;

use credpool_core::{
    Boot, Core, Event, Kind, LeaseNo, Model, Now, PoolKey, Quota, Reach, Reading, Report, Strategy, Until,
};

use super::judging::Witness;
use super::recovery::Life;
use super::{About, Ban, Credential, End, Naive, Said};

/// One window of an account, as the last response had it.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pool: PoolKey,
    account: Arc<str>,
    model: Option<Model>,
    name: Arc<str>,
    said: Reading,
    resets: Option<End>,
    believed: End,
}

impl Window {
    fn used(&self) -> u32 {
        let used = self.said.used_permille.unwrap_or(0);
        if self.said.spent { used.max(1_000) } else { used }
    }
}

impl Naive {
    /// What time, and the end of accounts, do to windows.
    pub(super) fn windows_pass(&mut self) {
        let mut windows = std::mem::take(&mut self.windows);
        windows.retain(|window| self.left(window.believed) != Some(0) && self.is_known(window));
        self.windows = windows;
    }

    /// Whether anybody or anything still speaks of a window's account.
    fn is_known(&self, window: &Window) -> bool {
        let (pool, account) = (window.pool, &window.account);
        self.credentials.iter().any(|c| c.pool == pool && c.account == *account)
            || self.leases.iter().any(|lease| lease.pool == pool && lease.account == *account)
            || self.bans.iter().any(|ban| ban.about == About::Account(pool, Arc::clone(account)))
    }

    /// A failure says what is left; a verdict about the account has heeded it.
    pub(super) fn observe_failure(&mut self, witness: &Witness, lease: Option<LeaseNo>, report: &Report) {
        let of_account = report.verdict.reach == Reach::Account;
        let bans = !(of_account && matches!(report.verdict.kind, Kind::Fault(_)));
        self.observe(witness, lease, &report.readings, bans);
    }

    pub(super) fn observe(&mut self, witness: &Witness, lease: Option<LeaseNo>, readings: &[Reading], bans: bool) {
        let shares = |c: &Credential| c.pool == witness.pool && c.account == witness.account;
        if !self.credentials.iter().any(shares) {
            return;
        }
        let about = About::Account(witness.pool, Arc::clone(&witness.account));
        for said in readings {
            let cleared = self.marks.iter().any(|mark| {
                let covers = mark.about == about || mark.about == About::Pool(witness.pool);
                covers && (mark.model.is_none() || mark.model == said.model) && mark.seq > witness.granted
            });
            if cleared {
                continue;
            }
            self.windows.retain(|known| {
                let of_it = known.pool == witness.pool && known.account == witness.account;
                !(of_it && known.model == said.model && known.name == said.name)
            });
            let resets = self.end_of(said.after_ms, said.at.map(|at| at.0));
            let usual = if said.refills { 60_000 } else { self.limits.quota_ms };
            let believed = said.length_ms.unwrap_or(usual).clamp(1, self.limits.quota_ms);
            let believed = resets.unwrap_or(End::At { boot: self.boot() + believed, wall: 0 });
            if self.left(believed) != Some(0) {
                self.windows.push(Window {
                    pool: witness.pool,
                    account: Arc::clone(&witness.account),
                    model: said.model.clone(),
                    name: Arc::clone(&said.name),
                    said: said.clone(),
                    resets,
                    believed,
                });
            }
            if bans {
                self.foresee(witness, lease, &about, said);
            }
        }
    }

    fn end_of(&self, after_ms: Option<u64>, at: Option<u64>) -> Option<End> {
        let boot = after_ms.map_or(0, |ms| self.boot() + ms);
        (after_ms.is_some() || at.is_some()).then_some(End::At { boot, wall: at.unwrap_or(0) })
    }

    /// Nothing is left: that bans, and nothing has failed.
    fn foresee(&mut self, witness: &Witness, lease: Option<LeaseNo>, about: &About, said: &Reading) {
        let Some(verdict) = &said.verdict else { return };
        let Kind::Fault(cause) = verdict.kind else { return };
        let word = self.end_of(verdict.after_ms, verdict.at.map(|at| at.0));
        let guessed = word.is_none();
        let guess = || {
            let first = self.backoff(witness.pool, cause).ok().flatten();
            let first = first.map_or(0, |backoff| self.guess_in(witness.pool, cause, backoff, 1));
            End::At { boot: self.boot() + said.length_ms.map_or(first, |length| length.min(first)).max(1), wall: 0 }
        };
        let word = word.unwrap_or_else(guess);
        let End::At { boot, wall } = word else { return };
        if self.left(word) == Some(0) {
            return;
        }
        let known =
            self.bans.iter().position(|ban| ban.about == *about && ban.model == said.model && ban.cause == cause);
        let end = match known.map(|at| self.bans[at].clone()) {
            Some(ban) if ban.life == Life::Closed => {
                let End::At { boot: b, wall: w } = ban.end else { return };
                let end = End::At { boot: b.max(boot), wall: w.max(wall) };
                // A guess says nothing new of what is closed.
                if guessed || end == ban.end {
                    return;
                }
                self.bans.retain(|other| other.about != *about || other.model != said.model || other.cause != cause);
                self.bans.push(Ban { end, guessed: false, ..ban });
                end
            }
            remembered => {
                let end = End::At { boot, wall };
                let begun = self.ban(about.clone(), witness.pool, said.model.clone(), cause, end);
                self.bans.retain(|other| other.about != *about || other.model != said.model || other.cause != cause);
                self.bans.push(Ban { guessed, strikes: remembered.map_or(0, |ban| ban.strikes), ..begun });
                end
            }
        };
        let End::At { boot, wall } = end else { return };
        let until = Until::Passed { boot: Boot(boot), wall: credpool_core::Wall(wall) };
        let (rule, evidence) = (Arc::clone(&verdict.rule), verdict.evidence.clone());
        let event = Event::Spent { lease, cause, until, rule, evidence };
        self.tell(witness.pool, Some(witness.credential), about.clone(), said.model.as_ref(), event);
    }

    /// An operator has cleared: nothing is known any more.
    pub(super) fn forget_windows(&mut self, pool: PoolKey, account: Option<&Arc<str>>, model: Option<&Model>) {
        self.windows.retain(|window| {
            let covered = window.pool == pool && account.is_none_or(|account| window.account == *account);
            !(covered && (model.is_none() || window.model.as_ref() == model))
        });
    }

    // ---- who is next -------------------------------------------------------------------------------------------

    fn windows_of<'a>(&'a self, credential: &Credential, model: Option<&Model>) -> Vec<&'a Window> {
        let counts = |window: &&Window| window.model.is_none() || window.model.as_ref() == model;
        let of_it = |window: &&Window| window.pool == credential.pool && window.account == credential.account;
        self.windows.iter().filter(of_it).filter(counts).collect()
    }

    fn used(&self, credential: &Credential, model: Option<&Model>) -> u32 {
        self.windows_of(credential, model).into_iter().map(Window::used).max().unwrap_or(0)
    }

    /// Whether only the reserve is left.
    pub(super) fn is_reserve(&self, credential: &Credential, model: Option<&Model>) -> bool {
        let reserve = self.policy(credential.pool).reserve_permille;
        reserve > 0 && self.used(credential, model) + reserve >= 1_000
    }

    /// Lower goes first.
    pub(super) fn by_quota(&self, strategy: Strategy, credential: &Credential, model: Option<&Model>) -> u64 {
        let used = self.used(credential, model);
        if strategy == Strategy::Headroom {
            return u64::from(used);
        }
        if used >= 1_000 {
            return u64::MAX;
        }
        let lapses = |window: &Window| window.resets.filter(|_| !window.said.refills && window.used() < 1_000);
        let lapse = self.windows_of(credential, model).into_iter().filter_map(lapses);
        lapse.map(|end| self.as_boot(end)).min().unwrap_or(u64::MAX - 1)
    }

    /// Where an end falls on the boot clock, if the wall clock goes on as it has since it was last set.
    fn as_boot(&self, end: End) -> u64 {
        match end {
            End::At { boot, wall } => boot.max(self.set.boot.0 + wall.saturating_sub(self.set.wall.0)),
            End::Never => u64::MAX,
        }
    }

    /// Notices that the wall clock was set.
    pub(super) fn watch_clocks(&mut self, now: Now) {
        let expected = self.set.wall.0 + (now.boot.0 - self.set.boot.0);
        if expected.abs_diff(now.wall.0) >= 1_000 {
            self.set = now;
        }
    }

    // ---- comparing ---------------------------------------------------------------------------------------------

    pub(super) fn agrees_on_windows(&self, core: &Core) -> Said {
        let records = core.records();
        let mut ours: Vec<String> = self
            .windows
            .iter()
            .map(|w| {
                let Window { pool, account, model, name, said, resets, .. } = w;
                let numbers = (said.limit, said.remaining, said.used_permille, said.refills, said.spent);
                format!("{pool:?} {account} {model:?} {name} {numbers:?} {resets:?}")
            })
            .collect();
        ours.sort();
        let told = |quota: &Quota| {
            let account = records.accounts.get(&quota.key.account).map_or("nobody", |account| &account.name);
            let resets = quota.resets.map(|until| match until {
                Until::Passed { boot, wall } => End::At { boot: boot.0, wall: wall.0 },
                Until::Lifted => End::Never,
            });
            let numbers = (quota.limit, quota.remaining, quota.used_permille, quota.refills, quota.spent);
            let (model, name) = (&quota.key.model, &quota.key.name);
            format!("{:?} {account} {model:?} {name} {numbers:?} {resets:?}", quota.pool)
        };
        let mut theirs: Vec<String> = records.quotas.values().map(told).collect();
        theirs.sort();
        if ours == theirs { Ok(()) } else { Err(format!("windows: {theirs:#?}, should be {ours:#?}")) }
    }
}
