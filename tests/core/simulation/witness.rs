//! Somebody who watches commands and replies, counts holders for himself, and says which promise was broken.
//!
//! He knows only what he was told: who was granted what until when, what was reported to be restricted until when, and
//! what operators did. He takes the core's word for nothing that he can count.

mod bursts;
mod grants;
mod line;
mod reports;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use credpool_core::{
    Acquire, Cap, Cause, Class, Command, Conclusion, Core, CredentialKey, Define, EndedBy, Identity, Limits, Model,
    Now, Owner, PoolKey, Profile, Refusal, Release, Renewed, Reply, Report, Scope, Settled, Subject, TokenHash, Until,
};

use bursts::Spark;
use line::Waiting;
use window::Window;

macro_rules! promise {
    ($kept:expr, $($broken:tt)*) => {
        if !$kept {
            return Err(format!($($broken)*));
        }
    };
}
use promise;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Credential(CredentialKey),
    Account(PoolKey, Arc<str>),
    Pool(PoolKey),
}

/// What is restricted, for which model, why.
type Restricted = (About, Option<Model>, Cause);

#[derive(Clone, Debug)]
struct Row {
    pool: PoolKey,
    account: Arc<str>,
    fingerprint: Option<Arc<str>>,
    /// The step that brought its secret.
    secret_since: u64,
    cap: Cap,
    gone: Option<u64>,
}

#[derive(Clone, Debug)]
struct Holder {
    credential: CredentialKey,
    pool: PoolKey,
    account: Arc<str>,
    secret_since: u64,
    granted: u64,
    expires: u64,
    owner: Option<Owner>,
    profile: Option<Profile>,
    model: Option<Model>,
    class: Class,
    said: BTreeMap<u64, Conclusion>,
    succeeded: bool,
    ended: Option<(EndedBy, u64)>,
}

#[derive(Debug)]
struct Cleared {
    about: About,
    model: Option<Model>,
    step: u64,
}

pub(super) struct Witness {
    limits: Limits,
    step: u64,
    now: Now,
    rows: BTreeMap<CredentialKey, Row>,
    listed: BTreeMap<Profile, Vec<CredentialKey>>,
    holders: BTreeMap<u128, Holder>,
    windows: BTreeMap<Restricted, Window>,
    disabled: BTreeMap<CredentialKey, Until>,
    cleared: Vec<Cleared>,
    /// Whether failures may be the provider's.
    guarded: bool,
    sparks: Vec<Spark>,
    caps_of_models: BTreeMap<Model, Cap>,
    total: Option<u32>,
    /// In order of arrival.
    waiters: Vec<Waiting>,
    /// Interactive leases in a row that somebody in the background could have used.
    passed_over: u32,
    /// Waiters seen to be served.
    pub(super) served: u64,
    /// Grants seen, so that a run that shows nothing is noticed.
    pub(super) grants: u64,
    /// Reports seen that restricted something.
    pub(super) restrictions: u64,
    /// Pauses of a pool.
    pub(super) pauses: u64,
}

impl Witness {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            step: 0,
            now: Now::default(),
            rows: BTreeMap::new(),
            listed: BTreeMap::new(),
            holders: BTreeMap::new(),
            windows: BTreeMap::new(),
            disabled: BTreeMap::new(),
            cleared: Vec::new(),
            guarded: false,
            sparks: Vec::new(),
            caps_of_models: BTreeMap::new(),
            total: None,
            waiters: Vec::new(),
            passed_over: 0,
            served: 0,
            grants: 0,
            restrictions: 0,
            pauses: 0,
        }
    }

    /// Which promise `reply`, or the state after it, breaks.
    ///
    /// Nothing has become due by then that was not seen before.
    pub(super) fn see(
        &mut self,
        now: Now,
        command: &Command,
        reply: &Reply,
        settled: &[Settled],
        core: &Core,
    ) -> Result<(), String> {
        let mut settled = settled.iter();
        self.step += 1;
        self.time_passes(now);
        match (command, reply) {
            (Command::Define(define), Reply::Defined(defined)) => self.rows_are(define, defined.pool, &defined.keys),
            (Command::Acquire(acquire), Reply::Acquired(Ok(grant))) => {
                let Acquire { pool, ask, token, owner, .. } = acquire;
                self.granted(*pool, ask, *token, *owner, grant)?;
                self.overtakes_nobody(ask, grant.credential, None)?;
            }
            (Command::Acquire(acquire), Reply::Queued(no)) => self.queued(acquire, *no)?,
            (Command::Report(report), Reply::Reported(Ok(reported))) => {
                self.reported(report, &reported.conclusion, reported.ended_by, reported.duplicate, core)?;
                self.settled(&mut settled)?;
                if let (Some(next), Some(Ok(grant))) = (&report.next, &reported.next) {
                    self.granted_next(report, next, grant)?;
                }
            }
            (Command::Report(Report { subject: Subject::Lease(token), .. }), Reply::Reported(Err(refusal)))
            | (Command::Release(Release { token, .. }), Reply::Released(Err(refusal))) => {
                promise!(
                    *refusal != Refusal::UnknownLease || self.may_be_forgotten(*token),
                    "2: {token:?} is forgotten"
                );
            }
            (Command::Release(release), Reply::Released(Ok(released))) => {
                self.released(release, released.ended_by, released.duplicate)?;
            }
            (Command::Renew(renew), Reply::Renewed(Ok(renewed))) => {
                let holder = self.holders.get_mut(&renew.token.0).ok_or("2: a lease that nobody was granted")?;
                match renewed {
                    Renewed::Until(expires) => {
                        promise!(holder.ended.is_none(), "2: an ended lease is renewed: {holder:?}");
                        promise!(
                            holder.owner.is_none() || renew.let_go_by.is_none_or(|by| Some(by) == holder.owner),
                            "2: a lease is let go by another than its holder: {holder:?}"
                        );
                        if renew.let_go_by.is_some() {
                            holder.owner = None;
                        }
                        holder.expires = expires.0;
                    }
                    Renewed::Ended(by) => {
                        let ended_by = holder.ended.map(|(by, _)| by);
                        promise!(ended_by == Some(*by), "2: ended by {by:?}, but it was {holder:?}");
                    }
                }
            }
            (Command::Disconnect(owner), Reply::Disconnected(count)) => {
                self.waiters.retain(|waiter| waiter.connection != *owner);
                let bound = self.holders.values_mut().filter(|h| h.ended.is_none() && h.owner == Some(*owner));
                let ended = bound.map(|holder| holder.ended = Some((EndedBy::Connection, now.boot.0))).count();
                promise!(*count == ended, "2: the connection had {ended} leases, not {count}");
            }
            (Command::Clear(clear), Reply::Cleared(Ok(_))) => {
                let account = clear.credential.and_then(|key| Some(Arc::clone(&self.rows.get(&key)?.account)));
                let scopes = match (clear.credential, account) {
                    (Some(key), Some(account)) => vec![About::Credential(key), About::Account(clear.pool, account)],
                    _ => vec![About::Pool(clear.pool)],
                };
                self.burst_is_cleared(clear.credential);
                let (step, rows) = (self.step, &self.rows);
                self.windows.retain(|(about, model, _), _| {
                    let covered = scopes.iter().any(|scope| contains(scope, about, rows));
                    !(covered && (clear.model.is_none() || *model == clear.model))
                });
                let model = &clear.model;
                self.cleared.extend(scopes.into_iter().map(|about| Cleared { about, model: model.clone(), step }));
            }
            (Command::Disable(disable), Reply::Switched(Ok(_))) => {
                let until = disable.for_ms.map_or(Until::Lifted, |ms| Until::boot(self.now.boot.after(ms)));
                self.disabled.insert(disable.credential, until);
            }
            (Command::Enable(key), Reply::Switched(Ok(_))) => {
                self.disabled.remove(key);
            }
            _ => {}
        }
        self.settled(&mut settled)?;
        self.nobody_waits_too_long()?;
        self.compare(core)
    }

    /// At the very end: nobody holds anything.
    pub(super) fn all_is_given_back(&self, core: &Core) -> Result<(), String> {
        promise!(self.holders.values().all(|holder| holder.ended.is_some()), "somebody still holds a lease");
        promise!(self.waiters.is_empty(), "somebody still waits");
        for key in self.rows.keys() {
            promise!(core.in_flight(*key) == 0, "2: a slot of {key:?} did not come back");
        }
        Ok(())
    }

    // ---- what he remembers -------------------------------------------------------------------------------------

    fn time_passes(&mut self, now: Now) {
        self.now = now;
        for holder in self.holders.values_mut().filter(|h| h.ended.is_none() && h.expires <= now.boot.0) {
            holder.ended = Some((EndedBy::Ttl, now.boot.0));
        }
        let limits = self.limits;
        self.windows.retain(|_, window| window.passes(now.boot.0, window.until.passed(now), limits));
        self.forget_bursts();
        self.disabled.retain(|_, until| until.remaining(now) != Some(0));
        // What nobody can report on any more, and rows that may be forgotten by now.
        let boot = now.boot.0;
        self.holders.retain(|_, h| h.ended.is_none_or(|(_, at)| at + 2 * limits.ended_lease_ms > boot));
        let holders = &self.holders;
        let held = |key: &CredentialKey| holders.values().any(|h| h.ended.is_none() && h.credential == *key);
        let spent = |key: &CredentialKey, row: &Row| {
            row.gone.is_some_and(|gone| gone + limits.retired_ms <= boot) && !held(key)
        };
        let forgotten: Vec<CredentialKey> =
            self.rows.iter().filter(|(key, row)| spent(key, row)).map(|(key, _)| *key).collect();
        for key in forgotten {
            self.rows.remove(&key);
            self.disabled.remove(&key);
            self.windows.retain(|(about, ..), _| *about != About::Credential(key));
        }
    }

    fn rows_are(&mut self, define: &Define, pool: PoolKey, keys: &[CredentialKey]) {
        for (definition, key) in define.definitions.iter().zip(keys) {
            let (step, before) = (self.step, self.rows.get(key).cloned());
            let known = before.as_ref().and_then(|row| row.fingerprint.clone());
            let new_secret = definition.fingerprint.is_some() && definition.fingerprint != known;
            let new_account = before.as_ref().is_some_and(|row| row.account != definition.account);
            let row = Row {
                pool,
                account: Arc::clone(&definition.account),
                fingerprint: definition.fingerprint.clone().or(known),
                secret_since: before.filter(|_| !new_secret).map_or(step, |row| row.secret_since),
                cap: definition.cap.unwrap_or(define.policy.cap),
                gone: None,
            };
            self.rows.insert(*key, row);
            if new_secret {
                self.windows.retain(|(about, _, cause), _| {
                    let ends = matches!(cause, Cause::Auth | Cause::Dead) || new_account;
                    *about != About::Credential(*key) || !ends
                });
            }
        }
        self.guarded = define.policy.guard.window_ms > 0;
        self.caps_of_models.clone_from(&define.policy.models);
        self.total = define.policy.total;
        self.listed.clear();
        for list in &define.lists {
            let members: Vec<CredentialKey> = list.members.iter().filter_map(|at| keys.get(*at).copied()).collect();
            self.listed.extend(list.profiles.iter().map(|profile| (Profile::clone(profile), members.clone())));
        }
        let boot = self.now.boot.0;
        for (_, row) in self.rows.iter_mut().filter(|(key, row)| row.pool == pool && !keys.contains(key)) {
            row.gone = row.gone.or(Some(boot));
        }
    }

    fn holding(&self, key: CredentialKey) -> usize {
        self.holders.values().filter(|holder| holder.ended.is_none() && holder.credential == key).count()
    }

    fn may_be_forgotten(&self, token: TokenHash) -> bool {
        let Some(holder) = self.holders.get(&token.0) else { return true };
        let Some((_, at)) = holder.ended else { return false };
        let since = self.holders.values().filter(|h| h.ended.is_some_and(|(_, ended)| ended >= at)).count();
        at + self.limits.ended_lease_ms <= self.now.boot.0 || since > self.limits.ended_leases
    }

    /// Whether the core's own tables say what he has seen.
    fn compare(&self, core: &Core) -> Result<(), String> {
        for key in self.rows.keys() {
            let (ours, theirs) = (self.holding(*key), core.in_flight(*key) as usize);
            promise!(ours == theirs, "2: {ours} hold {key:?}, and the core counts {theirs}");
        }
        let records = core.records();
        for ((about, model, cause), window) in self.windows.iter().filter(|(_, window)| window.is_closed()) {
            let scope = match about {
                About::Credential(key) => Some(Scope::Credential(*key)),
                About::Account(pool, name) => {
                    let account = records.accounts.values().find(|a| a.pool == *pool && a.name == *name);
                    account.map(|account| Scope::Account(account.key))
                }
                About::Pool(pool) => Some(Scope::Pool(*pool)),
            };
            let identity = scope.map(|scope| Identity { scope, model: model.clone(), cause: *cause });
            let there = identity.and_then(|identity| records.restrictions.get(&identity));
            let kept = there.is_some_and(|there| there.is_in_force() && there.until.max(window.until) == there.until);
            promise!(kept, "3: {about:?} {model:?} {cause:?} {window:?} became {there:?}");
        }
        Ok(())
    }
}

/// Whether what happens to `whole` happens to `part`.
fn contains(whole: &About, part: &About, rows: &BTreeMap<CredentialKey, Row>) -> bool {
    let pool = match part {
        About::Credential(key) => rows.get(key).map(|row| row.pool),
        About::Account(pool, _) | About::Pool(pool) => Some(*pool),
    };
    whole == part || matches!((whole, pool), (About::Pool(whole), Some(pool)) if *whole == pool)
}
