//! Somebody who watches commands and replies, counts holders for himself, and says which promise was broken.
//!
//! He knows only what he was told: who was granted what until when, what was reported to be restricted until when, and
//! what operators did. He takes the core's word for nothing that he can count.

use std::collections::BTreeMap;
use std::sync::Arc;

use credpool_core::{
    Acquire, Ask, Cap, Cause, Command, Conclusion, Core, CredentialKey, Define, EndedBy, Grant, Identity, Limits,
    Model, Next, Now, Owner, PoolKey, Profile, Reach, Refusal, Release, Renewed, Reply, Report, Scope, Subject,
    TokenHash, Until, Verdict, Why,
};

use super::run::RECOVERY;

macro_rules! promise {
    ($kept:expr, $($broken:tt)*) => {
        if !$kept {
            return Err(format!($($broken)*));
        }
    };
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Credential(CredentialKey),
    Account(PoolKey, Arc<str>),
    Pool(PoolKey),
}

/// What is restricted, for which model, why.
type Restricted = (About, Option<Model>, Cause);

#[derive(Clone, Debug)]
struct Window {
    began: u64,
    began_at: u64,
    until: Until,
    strikes: u32,
    /// Whether nobody but the core has said until when.
    guessed: bool,
    /// When its deadline was seen to have passed.
    over: Option<u64>,
    /// The last probe, and when it went.
    probe: Option<(TokenHash, u64)>,
    /// Probes that were given back without a word.
    silent: u32,
}

impl Window {
    /// Whether a grant under it must be a probe. Of what the vendor said, what was forgotten and what silent probes may
    /// have opened, he does not say so.
    fn is_in_force(&self, now: u64, limits: Limits) -> bool {
        let forgotten = self.over.is_some_and(|over| now - over >= limits.strikes_ms);
        self.over.is_none() || (self.guessed && self.silent < 3 && !forgotten)
    }

    /// Whether anybody may be let through: the probe of a guess that has passed, one at a time while it has time to
    /// answer, or now and then one of a window that has not.
    fn lets_through(&self, cause: Cause, now: u64, limits: Limits, is_out: impl Fn(TokenHash) -> bool) -> bool {
        if self.over.is_none() {
            let last = self.probe.map_or(self.began_at, |(_, at)| at);
            return cause != Cause::Dead && now - last >= RECOVERY.probe_interval_ms;
        }
        let waits = self.probe.is_some_and(|(token, at)| is_out(token) && now - at < RECOVERY.silence_ms);
        !waits || !self.is_in_force(now, limits)
    }
}

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
    said: BTreeMap<u64, Conclusion>,
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
    /// Grants seen, so that a run that shows nothing is noticed.
    pub(super) grants: u64,
    /// Reports seen that restricted something.
    pub(super) restrictions: u64,
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
            grants: 0,
            restrictions: 0,
        }
    }

    /// Which promise `reply`, or the state after it, breaks.
    pub(super) fn see(&mut self, now: Now, command: &Command, reply: &Reply, core: &Core) -> Result<(), String> {
        self.step += 1;
        self.time_passes(now);
        match (command, reply) {
            (Command::Define(define), Reply::Defined(defined)) => self.rows_are(define, defined.pool, &defined.keys),
            (Command::Acquire(acquire), Reply::Acquired(Ok(grant))) => {
                let Acquire { pool, ask, token, owner } = acquire;
                self.granted(*pool, ask, *token, *owner, grant)?;
            }
            (Command::Report(report), Reply::Reported(Ok(reported))) => {
                self.reported(report, &reported.conclusion, reported.ended_by, reported.duplicate)?;
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
                self.released(*release, released.ended_by, released.duplicate)?;
            }
            (Command::Renew(renew), Reply::Renewed(Ok(renewed))) => {
                let holder = self.holders.get_mut(&renew.token.0).ok_or("2: a lease that nobody was granted")?;
                match renewed {
                    Renewed::Until(expires) => {
                        promise!(holder.ended.is_none(), "2: an ended lease is renewed: {holder:?}");
                        holder.expires = expires.0;
                    }
                    Renewed::Ended(by) => {
                        let ended_by = holder.ended.map(|(by, _)| by);
                        promise!(ended_by == Some(*by), "2: ended by {by:?}, but it was {holder:?}");
                    }
                }
            }
            (Command::Disconnect(owner), Reply::Disconnected(count)) => {
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
        self.compare(core)
    }

    /// At the very end: nobody holds anything.
    pub(super) fn all_is_given_back(&self, core: &Core) -> Result<(), String> {
        promise!(self.holders.values().all(|holder| holder.ended.is_some()), "somebody still holds a lease");
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
        for window in self.windows.values_mut() {
            if window.until.remaining(now) == Some(0) {
                window.over = window.over.or(Some(now.boot.0));
            }
        }
        self.disabled.retain(|_, until| until.remaining(now) != Some(0));
        // What nobody can report on any more, and rows that may be forgotten by now.
        let limits = self.limits;
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

    // ---- what he checks ----------------------------------------------------------------------------------------

    fn granted(
        &mut self,
        pool: PoolKey,
        ask: &Ask,
        token: TokenHash,
        owner: Option<Owner>,
        grant: &Grant,
    ) -> Result<(), String> {
        self.grants += 1;
        let key = grant.credential;
        let row = self.rows.get(&key).ok_or_else(|| format!("{key:?} is granted and was never defined"))?;
        promise!(row.gone.is_none() && row.pool == pool, "{key:?} is granted and not defined: {row:?}");
        promise!(ask.pin.is_none_or(|pin| pin == key), "{key:?} is not the pinned one");
        promise!(!ask.exclude.contains(&key), "{key:?} is excluded");
        let listed = |profile: &Profile| self.listed.get(profile).is_some_and(|listed| listed.contains(&key));
        promise!(ask.profile.as_ref().is_none_or(listed), "out of the list: {key:?} for {:?}", ask.profile);
        let holding = self.holding(key);
        let cap = row.cap;
        promise!(!cap.hard || holding < cap.max_in_flight as usize, "1: {holding} hold {key:?} already, of {cap:?}");
        let (account, boot) = (About::Account(pool, Arc::clone(&row.account)), self.now.boot.0);
        let (holders, rows) = (&self.holders, &self.rows);
        let is_out = |token: TokenHash| holders.get(&token.0).is_some_and(|holder| holder.ended.is_none());
        for ((about, model, cause), window) in &mut self.windows {
            let covers = contains(about, &About::Credential(key), rows) || *about == account;
            if !covers || !(model.is_none() || *model == ask.model) {
                continue;
            }
            let may = window.lets_through(*cause, boot, self.limits, is_out);
            promise!(may, "1: {key:?} is granted under {about:?} {cause:?} {window:?}");
            if window.is_in_force(boot, self.limits) {
                promise!(grant.probe, "1: {key:?} is granted under {about:?} {cause:?} {window:?}, and not as a probe");
                window.probe = Some((token, boot));
            }
        }
        promise!(!self.disabled.contains_key(&key), "1: {key:?} is granted and disabled");
        let live = self.holders.values().filter(|holder| holder.ended.is_none());
        let of_owner = live.clone().filter(|holder| owner.is_some() && holder.owner == owner).count();
        promise!(live.count() < self.limits.leases, "too many leases");
        promise!(of_owner < self.limits.leases_per_connection, "too many leases of {owner:?}");
        promise!(grant.expires > self.now.boot, "a lease that is over at once");
        let holder = Holder {
            credential: key,
            pool,
            account: Arc::clone(&row.account),
            secret_since: row.secret_since,
            granted: self.step,
            expires: grant.expires.0,
            owner,
            profile: ask.profile.clone(),
            model: ask.model.clone(),
            said: BTreeMap::new(),
            ended: None,
        };
        let before = self.holders.insert(token.0, holder);
        promise!(before.is_none(), "two leases have one token");
        Ok(())
    }

    fn granted_next(&mut self, report: &Report, next: &Next, grant: &Grant) -> Result<(), String> {
        let Subject::Lease(token) = report.subject else { return Err("next without a lease".into()) };
        let holder = self.holders.get(&token.0).cloned().ok_or("next of a lease that nobody was granted")?;
        match next {
            Next::Same { token, connection } => {
                let ask = Ask { profile: holder.profile, model: holder.model, ..Ask::default() };
                let owner = holder.owner.map(|_| *connection);
                self.granted(holder.pool, &ask, *token, owner, grant)
            }
            Next::With { ask, token, owner } => self.granted(holder.pool, ask, *token, *owner, grant),
        }
    }

    fn released(&mut self, release: Release, ended_by: EndedBy, duplicate: bool) -> Result<(), String> {
        let boot = self.now.boot.0;
        let holder = self.holders.get_mut(&release.token.0).ok_or("2: a lease that nobody was granted is released")?;
        promise!(duplicate == holder.ended.is_some(), "2: duplicate: {duplicate}, but it was {holder:?}");
        let (by, at) = holder.ended.unwrap_or((EndedBy::Release, boot));
        promise!(by == ended_by, "2: ended by {ended_by:?}, but it was {holder:?}");
        holder.ended = Some((by, at));
        if !release.success && !duplicate {
            for window in self.windows.values_mut().filter(|window| window.over.is_some()) {
                let probed = window.probe.filter(|(token, _)| *token == release.token);
                window.silent += u32::from(probed.is_some());
            }
        }
        if release.success {
            // A success may lift what covers its lease and began before it; whether it does is the core's affair.
            let holder = holder.clone();
            self.windows.retain(|(about, model, _), window| {
                let covers = match about {
                    About::Credential(key) => *key == holder.credential,
                    About::Account(pool, account) => *pool == holder.pool && *account == holder.account,
                    About::Pool(pool) => *pool == holder.pool,
                };
                let for_its_model = model.is_none() || *model == holder.model;
                !(covers && for_its_model && window.began < holder.granted)
            });
        }
        Ok(())
    }

    fn reported(
        &mut self,
        report: &Report,
        conclusion: &Conclusion,
        ended_by: Option<EndedBy>,
        duplicate: bool,
    ) -> Result<(), String> {
        let Subject::Lease(token) = report.subject else { return Ok(()) };
        let (step, boot) = (self.step, self.now.boot.0);
        let holder = self.holders.get_mut(&token.0).ok_or("2: a lease that nobody was granted is reported")?;
        let said = holder.said.get(&report.number);
        promise!(duplicate == said.is_some(), "2: duplicate: {duplicate}, but it was {holder:?}");
        if let Some(said) = said {
            promise!(said == conclusion, "2: said again, and answered otherwise: {conclusion:?}");
            return Ok(());
        }
        if !report.keep {
            holder.ended = holder.ended.or(Some((EndedBy::Report, boot)));
        }
        let by = holder.ended.map(|(by, _)| by);
        promise!(by == ended_by, "2: ended by {ended_by:?}, but it was {by:?}");
        holder.said.insert(report.number, conclusion.clone());
        let holder = holder.clone();

        let credpool_core::Kind::Fault(cause) = conclusion.kind else {
            promise!(conclusion.why == Some(Why::NotTheCredentialsFault), "a harmless failure is judged");
            return Ok(());
        };
        let about = match conclusion.reach {
            Reach::Credential => About::Credential(holder.credential),
            Reach::Account => About::Account(holder.pool, Arc::clone(&holder.account)),
            Reach::Pool => About::Pool(holder.pool),
            Reach::None => return Ok(()),
        };
        let Some(until) = conclusion.until else { return Ok(()) };
        // It was judged: then it must not be one that is history only.
        let cleared = self.cleared.iter().find(|cleared| {
            let covers = cleared.about == about || cleared.about == About::Pool(holder.pool);
            covers && cleared.step > holder.granted && (cleared.model.is_none() || cleared.model == conclusion.model)
        });
        promise!(cleared.is_none(), "4: a report from before {cleared:?} is judged");
        if let (About::Credential(key), Some(row)) = (&about, self.rows.get(&holder.credential)) {
            promise!(row.secret_since == holder.secret_since, "4: an old secret's failure is held against {key:?}");
        }
        self.restrictions += 1;
        let restricted = (about, conclusion.model.clone(), cause);
        let Verdict { after_ms, at, .. } = report.verdict;
        let hinted = after_ms.is_some_and(|ms| ms > 0) || at.is_some_and(|at| at > self.now.wall);
        let mut window = Window {
            began: step,
            began_at: boot,
            until,
            strikes: conclusion.strikes,
            guessed: !hinted,
            over: None,
            probe: None,
            silent: 0,
        };
        if let Some(before) = self.windows.get(&restricted) {
            let strikes = conclusion.strikes;
            if before.over.is_some() {
                let early = holder.granted < before.began;
                let most = before.strikes + u32::from(!early);
                promise!(strikes <= most, "5: {strikes} strikes after {before:?}, granted at {}", holder.granted);
            } else {
                promise!(strikes == before.strikes, "5: {strikes} strikes within {before:?}");
                promise!(until.max(before.until) == until, "3: {until:?} is sooner than {before:?}");
                let guessed = before.guessed && until == before.until;
                window = Window { until, guessed, ..before.clone() };
            }
        }
        self.windows.insert(restricted, window);
        Ok(())
    }

    /// Whether the core's own tables say what he has seen.
    fn compare(&self, core: &Core) -> Result<(), String> {
        for key in self.rows.keys() {
            let (ours, theirs) = (self.holding(*key), core.in_flight(*key) as usize);
            promise!(ours == theirs, "2: {ours} hold {key:?}, and the core counts {theirs}");
        }
        let records = core.records();
        for ((about, model, cause), window) in self.windows.iter().filter(|(_, window)| window.over.is_none()) {
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
