//! The pool as one would write it on a sheet of paper: lists, looked through from end to end, in the words of the
//! design. It shares types with the core and no code. Where chance decides (a random pick, jitter, a new key), it
//! checks that the answer is one of those allowed, and goes on from there.

mod recovery;

use std::collections::BTreeMap;
use std::sync::Arc;

use credpool_core::{
    Absent, Acquire, Ask, Backoff, Cap, Cause, ChosenBy, Clear, Command, Conclusion, Core, CredentialKey, Define,
    Defined, Disable, EndedBy, Event, Grant, Import, Kind, LeaseNo, Limit, Limits, Model, Next, Now, Owner, Policy,
    PoolKey, Profile, Reach, Refusal, Release, Released, Renew, Renewed, Reply, Report, Reported, Scope, Seq, State,
    Strategy, Subject, TokenHash, Until, Verdict, Why,
};

use recovery::Life;

type Said<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err(format!($($message)*));
        }
    };
}

/// From the gravest to the lightest.
const GRAVITY: [Cause; 13] = [
    Cause::Disabled,
    Cause::NoSecret,
    Cause::Dead,
    Cause::Billing,
    Cause::Auth,
    Cause::Forbidden,
    Cause::Quota,
    Cause::RateLimit,
    Cause::Model,
    Cause::Overloaded,
    Cause::Server,
    Cause::Edge,
    Cause::Network,
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    Credential(CredentialKey),
    Account(PoolKey, Arc<str>),
    Pool(PoolKey),
}

/// Two clocks' parts, 0 for none; or never by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    At { boot: u64, wall: u64 },
    Never,
}

#[derive(Clone, Debug)]
struct Ban {
    about: About,
    pool: PoolKey,
    model: Option<Model>,
    cause: Cause,
    began: u64,
    began_at: u64,
    end: End,
    /// Whether nobody but us has said when it ends.
    guessed: bool,
    probed: Option<u64>,
    strikes: u32,
    life: Life,
    /// The leases that are on trial.
    out: Vec<TokenHash>,
}

#[derive(Clone, Debug)]
struct Mark {
    about: About,
    model: Option<Model>,
    seq: u64,
}

#[derive(Clone, Debug)]
struct Pool {
    key: PoolKey,
    name: Arc<str>,
    policy: Policy,
    lists: Vec<List>,
    turns: u64,
}

/// What profiles may lease, and how one is chosen.
#[derive(Clone, Debug)]
struct List {
    profiles: Vec<Profile>,
    members: Vec<CredentialKey>,
    strategy: Strategy,
}

#[derive(Clone, Debug)]
struct Credential {
    key: CredentialKey,
    pool: PoolKey,
    id: Arc<str>,
    order: usize,
    /// The newest secret that was known.
    secret: Option<Arc<str>>,
    resolved: bool,
    referable: bool,
    account: Arc<str>,
    cap: Option<Cap>,
    runs_out: Option<u64>,
    has_run_out: bool,
    gone: Option<u64>,
    secret_since: u64,
    epoch: u64,
    grants: u64,
    turn: u64,
    imported: u64,
    known: u64,
}

#[derive(Clone, Debug)]
struct Lease {
    no: LeaseNo,
    token: TokenHash,
    pool: PoolKey,
    credential: CredentialKey,
    account: Arc<str>,
    secret_since: u64,
    granted: u64,
    granted_at: u64,
    expires: u64,
    owner: Option<Owner>,
    ask: Ask,
    probe: bool,
    said: Vec<(u64, Conclusion)>,
    succeeded: bool,
    ended: Option<(EndedBy, u64)>,
}

/// What somebody may want to read later.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    at: Now,
    pool: PoolKey,
    credential: Option<CredentialKey>,
    about: About,
    model: Option<Model>,
    event: Event,
}

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    limits: Limits,
    now: Now,
    seq: u64,
    pools: Vec<Pool>,
    credentials: Vec<Credential>,
    keys: Vec<CredentialKey>,
    leases: Vec<Lease>,
    bans: Vec<Ban>,
    marks: Vec<Mark>,
    told: Vec<Told>,
}

/// Whom a failure or a success is about, as it was when its lease was granted.
struct Witness {
    pool: PoolKey,
    credential: CredentialKey,
    account: Arc<str>,
    secret_since: u64,
    granted: u64,
}

impl Naive {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            now: Now::default(),
            seq: 0,
            pools: Vec::new(),
            credentials: Vec::new(),
            keys: Vec::new(),
            leases: Vec::new(),
            bans: Vec::new(),
            marks: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Whether `reply` is right; then everything that follows from it.
    pub(crate) fn step(&mut self, now: Now, command: &Command, reply: &Reply) -> Said {
        self.time_passes(now);
        match (command, reply) {
            (Command::Define(define), Reply::Defined(defined)) => self.define(define, defined)?,
            (Command::Import(import), Reply::Imported(news)) => {
                let expected = self.import(import);
                ensure!(*news == expected, "imported: {expected}");
            }
            (Command::Acquire(Acquire { pool, ask, token, owner }), Reply::Acquired(answer)) => {
                self.acquire(*pool, ask, *token, *owner, answer)?;
            }
            (Command::Report(report), Reply::Reported(answer)) => self.report(report, answer)?,
            (Command::Release(release), Reply::Released(answer)) => {
                let expected = self.release(*release);
                ensure!(*answer == expected, "released: {expected:?}");
            }
            (Command::Renew(renew), Reply::Renewed(answer)) => {
                let expected = self.renew(*renew);
                ensure!(*answer == expected, "renewed: {expected:?}");
            }
            (Command::Disconnect(owner), Reply::Disconnected(count)) => {
                let bound: Vec<TokenHash> =
                    self.live().filter(|lease| lease.owner == Some(*owner)).map(|lease| lease.token).collect();
                ensure!(*count == bound.len(), "disconnected: {}", bound.len());
                for token in bound {
                    self.end(token, EndedBy::Connection);
                }
            }
            (Command::Clear(clear), Reply::Cleared(answer)) => {
                let expected = self.clear(clear);
                ensure!(*answer == expected, "cleared: {expected:?}");
            }
            (Command::Disable(disable), Reply::Switched(answer)) => {
                let expected = self.disable(disable);
                ensure!(*answer == expected, "disabled: {expected:?}");
            }
            (Command::Enable(key), Reply::Switched(answer)) => {
                let expected = self.enable(*key);
                ensure!(*answer == expected, "enabled: {expected:?}");
            }
            (Command::Tick, Reply::Ticked) => {}
            _ => return Err("the reply belongs to another command".into()),
        }
        self.forget_rows();
        Ok(())
    }

    // ---- time --------------------------------------------------------------------------------------------------

    fn boot(&self) -> u64 {
        self.now.boot.0
    }

    fn left(&self, end: End) -> Option<u64> {
        match end {
            End::At { boot, wall } => {
                Some(boot.saturating_sub(self.now.boot.0).max(wall.saturating_sub(self.now.wall.0)))
            }
            End::Never => None,
        }
    }

    fn time_passes(&mut self, now: Now) {
        self.seq += 1;
        self.now = Now { boot: self.now.boot.max(now.boot), wall: now.wall };
        let boot = self.boot();
        let expired = self.live().filter(|lease| lease.expires <= boot).map(|lease| lease.token);
        for token in expired.collect::<Vec<_>>() {
            self.end(token, EndedBy::Ttl);
        }
        self.bans_pass();
        for credential in &mut self.credentials {
            credential.has_run_out |= credential.runs_out.is_some_and(|at| at <= self.now.wall.0);
        }
        let ended_lease_ms = self.limits.ended_lease_ms;
        self.leases.retain(|lease| lease.ended.is_none_or(|(_, at)| at + ended_lease_ms > boot));
        self.forget_rows();
    }

    /// Rows that are long gone are forgotten, once no lease is out on them.
    fn forget_rows(&mut self) {
        let boot = self.boot();
        let forgotten: Vec<CredentialKey> = self
            .credentials
            .iter()
            .filter(|credential| credential.gone.is_some_and(|gone| gone + self.limits.retired_ms <= boot))
            .map(|credential| credential.key)
            .filter(|key| self.in_flight(*key) == 0)
            .collect();
        self.credentials.retain(|credential| !forgotten.contains(&credential.key));
        self.bans.retain(|ban| !forgotten.iter().any(|key| ban.about == About::Credential(*key)));
        self.told.retain(|told| told.credential.is_none_or(|key| !forgotten.contains(&key)));
    }

    /// Writes down what happened; of one credential and model, and of one pool, only so much.
    fn tell(
        &mut self,
        pool: PoolKey,
        credential: Option<CredentialKey>,
        about: About,
        model: Option<&Model>,
        event: Event,
    ) {
        if credential.is_some_and(|key| self.credential(key).is_none()) {
            return;
        }
        let told = Told { at: self.now, pool, credential, about, model: model.cloned(), event };
        let of_pool = |other: &Told| other.pool == pool;
        let of_ring = |other: &Told| of_pool(other) && other.credential == credential && other.model == told.model;
        let full = |like: &dyn Fn(&Told) -> bool, most: usize| {
            let same = || self.told.iter().filter(|other| like(other)).count();
            if same() < most { None } else { self.told.iter().position(like) }
        };
        let oldest = full(&of_ring, self.limits.history_per_model);
        if let Some(oldest) = oldest.or_else(|| full(&of_pool, self.limits.history_per_pool)) {
            self.told.remove(oldest);
        }
        self.told.push(told);
    }

    // ---- looking things up -------------------------------------------------------------------------------------

    fn credential(&self, key: CredentialKey) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.key == key)
    }

    fn credential_mut(&mut self, key: CredentialKey) -> Option<&mut Credential> {
        self.credentials.iter_mut().find(|credential| credential.key == key)
    }

    fn pool(&self, key: PoolKey) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.key == key)
    }

    fn live(&self) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(|lease| lease.ended.is_none())
    }

    fn in_flight(&self, key: CredentialKey) -> usize {
        self.live().filter(|lease| lease.credential == key).count()
    }

    fn policy(&self, key: PoolKey) -> Policy {
        self.pool(key).map(|pool| pool.policy.clone()).unwrap_or_default()
    }

    /// What holds a credential back for `model`, its pool's bans aside.
    fn blocking(&self, credential: &Credential, model: Option<&Model>) -> Vec<Ban> {
        let own = About::Credential(credential.key);
        let account = About::Account(credential.pool, Arc::clone(&credential.account));
        let mut blocking: Vec<Ban> = self
            .bans
            .iter()
            .filter(|ban| ban.blocks() && (ban.about == own || ban.about == account))
            .filter(|ban| ban.model.is_none() || ban.model.as_ref() == model)
            .cloned()
            .collect();
        if !credential.resolved {
            blocking.push(self.ban(own, credential.pool, None, Cause::NoSecret, End::Never));
        }
        blocking
    }

    /// A ban that begins now.
    fn ban(&self, about: About, pool: PoolKey, model: Option<Model>, cause: Cause, end: End) -> Ban {
        Ban {
            about,
            pool,
            model,
            cause,
            began: self.seq,
            began_at: self.boot(),
            end,
            guessed: true,
            probed: None,
            strikes: 1,
            life: Life::Closed,
            out: Vec::new(),
        }
    }

    fn state(&self, key: CredentialKey) -> State {
        let Some(credential) = self.credential(key).filter(|credential| credential.gone.is_none()) else {
            return State::Ready;
        };
        let no_secret = (!credential.resolved).then_some(State::NoSecret);
        let states = self.blocking(credential, None).into_iter().filter(|ban| ban.cause != Cause::NoSecret);
        let states: Vec<State> = states.filter_map(|ban| ban.state()).chain(no_secret).collect();
        let order =
            [State::Disabled, State::NoSecret, State::NeedsLogin, State::Billing, State::Cooling, State::Probing];
        order.into_iter().find(|state| states.contains(state)).unwrap_or(State::Ready)
    }

    // ---- definitions -------------------------------------------------------------------------------------------

    fn define(&mut self, define: &Define, defined: &Defined) -> Said {
        match self.pools.iter_mut().find(|pool| pool.name == define.pool) {
            Some(pool) => {
                ensure!(pool.key == defined.pool, "the pool has another key");
                pool.policy = define.policy.clone();
            }
            None => {
                ensure!(self.pool(defined.pool).is_none(), "the key is another pool's");
                self.pools.push(Pool {
                    key: defined.pool,
                    name: Arc::clone(&define.pool),
                    policy: define.policy.clone(),
                    lists: Vec::new(),
                    turns: 0,
                });
            }
        }
        ensure!(defined.keys.len() == define.definitions.len(), "not a key for each row");
        let key_of = |place: &usize| defined.keys.get(*place).copied();
        let lists = define.lists.iter().map(|list| List {
            profiles: list.profiles.clone(),
            members: list.members.iter().filter_map(key_of).collect(),
            strategy: list.strategy,
        });
        let lists = lists.collect();
        if let Some(pool) = self.pools.iter_mut().find(|pool| pool.key == defined.pool) {
            pool.lists = lists;
        }
        let (mut added, mut changed) = (0, 0);
        for (order, (row, key)) in define.definitions.iter().zip(&defined.keys).enumerate() {
            let known = self.credentials.iter().position(|c| c.pool == defined.pool && c.id == row.id);
            let Some(known) = known else {
                ensure!(!self.keys.contains(key), "the key is used again");
                self.keys.push(*key);
                self.credentials.push(Credential {
                    key: *key,
                    pool: defined.pool,
                    id: Arc::clone(&row.id),
                    order,
                    secret: row.fingerprint.clone(),
                    resolved: row.fingerprint.is_some(),
                    referable: row.referable,
                    account: Arc::clone(&row.account),
                    cap: row.cap,
                    runs_out: row.expires.map(|at| at.0),
                    has_run_out: row.expires.is_some_and(|at| at <= self.now.wall),
                    gone: None,
                    secret_since: self.seq,
                    epoch: self.seq,
                    grants: row.grants,
                    turn: 0,
                    imported: 0,
                    known: 0,
                });
                added += 1;
                continue;
            };
            let credential = &mut self.credentials[known];
            ensure!(credential.key == *key, "the row has another key");
            let new_secret = row.fingerprint.is_some() && row.fingerprint != credential.secret;
            let new_account = row.account != credential.account;
            let resolved = row.fingerprint.is_some();
            let new_expiry = row.expires.map(|at| at.0) != credential.runs_out;
            if credential.gone.is_some() {
                added += 1;
            } else if new_secret
                || new_account
                || resolved != credential.resolved
                || row.cap != credential.cap
                || new_expiry
                || row.referable != credential.referable
                || order != credential.order
            {
                changed += 1;
            }
            credential.order = order;
            credential.account = Arc::clone(&row.account);
            credential.cap = row.cap;
            if new_expiry {
                credential.runs_out = row.expires.map(|at| at.0);
                credential.has_run_out = row.expires.is_some_and(|at| at <= self.now.wall);
            }
            credential.gone = None;
            credential.resolved = resolved;
            credential.referable = row.referable;
            if new_secret {
                credential.secret.clone_from(&row.fingerprint);
                credential.secret_since = self.seq;
                credential.epoch = self.seq;
                let about_the_secret = |cause| matches!(cause, Cause::Auth | Cause::Dead);
                let own = About::Credential(*key);
                self.bans.retain(|ban| {
                    let ends = about_the_secret(ban.cause) || (new_account && ban.cause != Cause::Disabled);
                    ban.about != own || !ends
                });
            }
        }
        let mut removed = 0;
        for credential in &mut self.credentials {
            if credential.pool == defined.pool && credential.gone.is_none() && !defined.keys.contains(&credential.key) {
                credential.gone = Some(self.now.boot.0);
                removed += 1;
            }
        }
        let counts = (added, removed, changed);
        ensure!((defined.added, defined.removed, defined.changed) == counts, "added, removed, changed: {counts:?}");
        Ok(())
    }

    // ---- granting ----------------------------------------------------------------------------------------------

    fn acquire(
        &mut self,
        pool: PoolKey,
        ask: &Ask,
        token: TokenHash,
        owner: Option<Owner>,
        answer: &Result<Grant, Refusal>,
    ) -> Said {
        if self.live().count() >= self.limits.leases {
            ensure!(*answer == Err(Refusal::Limit(Limit::Leases)), "the limit of leases is met");
            return Ok(());
        }
        if owner.is_some()
            && self.live().filter(|lease| lease.owner == owner).count() >= self.limits.leases_per_connection
        {
            let limit = Refusal::Limit(Limit::LeasesPerConnection);
            ensure!(*answer == Err(limit), "the connection's limit of leases is met");
            return Ok(());
        }
        let Some((listed, strategy)) = self.listed(pool, ask.profile.as_ref()) else {
            ensure!(*answer == Err(Refusal::UnknownPool), "the profile has no list here");
            return Ok(());
        };
        let place = |credential: &Credential| listed.iter().position(|listed| listed.key == credential.key);
        if ask.pin.is_some_and(|pin| listed.iter().all(|credential| credential.key != pin)) {
            ensure!(*answer == Err(Refusal::UnknownCredential), "the pin is not defined here");
            return Ok(());
        }
        let candidates: Vec<&Credential> = listed
            .iter()
            .copied()
            .filter(|credential| ask.pin.is_none_or(|pin| pin == credential.key))
            .filter(|credential| !ask.exclude.contains(&credential.key))
            .collect();
        let Some(policy) = self.pool(pool).map(|pool| &pool.policy) else {
            return Err("no such pool".into());
        };
        let of_pool: Vec<Ban> = self
            .bans
            .iter()
            .filter(|ban| ban.blocks() && ban.about == About::Pool(pool))
            .filter(|ban| ban.model.is_none() || ban.model == ask.model)
            .cloned()
            .collect();
        let restricted = |credential: &Credential| {
            let mut blocking = self.blocking(credential, ask.model.as_ref());
            let takes_reference = ask.by_reference && credential.referable;
            blocking.retain(|ban| !(takes_reference && ban.cause == Cause::NoSecret));
            blocking
        };
        let cap = |credential: &Credential| credential.cap.unwrap_or(policy.cap);
        let busy = |credential: &Credential| self.in_flight(credential.key) >= cap(credential).max_in_flight as usize;
        let full = |credential: &Credential| cap(credential).hard && busy(credential);
        let is_shut = of_pool.iter().any(|ban| self.may_be_probed_from(ban).is_none_or(|from| from > self.boot()));
        let free: Vec<&Credential> = candidates
            .iter()
            .copied()
            .filter(|credential| !is_shut && restricted(credential).is_empty() && !full(credential))
            .collect();
        let rare = self.rarely_probed(&candidates, &restricted, &full).filter(|_| !is_shut && free.is_empty());
        if free.is_empty() && rare.is_none() {
            let Err(refusal) = answer else { return Err(format!("{candidates:?} cannot be had")) };
            let view = Refused { candidates: &candidates, of_pool: &of_pool, naive: self };
            return view.check(refusal, &restricted);
        }
        let Ok(grant) = answer else { return Err(format!("{free:?} or {rare:?} can be had")) };
        let free: Vec<&Credential> = match rare {
            Some(rare) => candidates.iter().copied().filter(|credential| credential.key == rare).collect(),
            None => free,
        };
        // Those whose secret has run out only if there are no others.
        let fresh: Vec<&Credential> = free.iter().copied().filter(|credential| !credential.has_run_out).collect();
        let free = if fresh.is_empty() { free } else { fresh };
        // Below their caps first; if there are none, those that carry least.
        let mut best: Vec<&Credential> = free.iter().copied().filter(|credential| !busy(credential)).collect();
        if best.is_empty() {
            let least = free.iter().map(|credential| self.in_flight(credential.key)).min();
            best = free.into_iter().filter(|c| Some(self.in_flight(c.key)) == least).collect();
        }
        best.sort_by_key(|credential| match strategy {
            Strategy::FillFirst | Strategy::Random => (0, place(credential)),
            Strategy::RoundRobin => (credential.turn, place(credential)),
            Strategy::LeastUsed => (credential.grants, place(credential)),
        });
        if strategy != Strategy::Random {
            best.truncate(1);
        }
        ensure!(best.iter().any(|credential| credential.key == grant.credential), "granted one of {best:?}");
        let chosen_by = if ask.pin.is_some() { ChosenBy::Pin } else { ChosenBy::Strategy(strategy) };
        ensure!(grant.chosen_by == chosen_by, "chosen by {chosen_by:?}");
        let default_ttl = if owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        let expires = self.boot() + ask.ttl_ms.unwrap_or(default_ttl).max(1);
        ensure!(grant.expires.0 == expires, "expires at {expires}");
        let round_robin = strategy == Strategy::RoundRobin;
        let tried = self.credential(grant.credential).cloned().ok_or("no such credential")?;
        let probe = self.try_out(token, pool, &tried, ask);
        ensure!(grant.probe == probe, "a probe: {probe}");
        let (seq, boot) = (self.seq, self.boot());
        let pool = self.pools.iter_mut().find(|known| known.key == pool).ok_or("no such pool")?;
        let credential = self.credentials.iter_mut().find(|c| c.key == grant.credential).ok_or("no such credential")?;
        ensure!(grant.epoch == Seq(credential.epoch), "the epoch is {}", credential.epoch);
        ensure!(grant.expired == credential.has_run_out, "the secret has run out: {}", credential.has_run_out);
        credential.grants += 1;
        if round_robin {
            pool.turns += 1;
            credential.turn = pool.turns;
        }
        self.leases.push(Lease {
            no: grant.no,
            token,
            pool: pool.key,
            credential: credential.key,
            account: Arc::clone(&credential.account),
            secret_since: credential.secret_since,
            granted: seq,
            granted_at: boot,
            expires,
            owner,
            ask: ask.clone(),
            probe,
            said: Vec::new(),
            succeeded: false,
            ended: None,
        });
        Ok(())
    }

    /// What a profile may lease of a pool, in order, and how one is chosen; `None` if it has no list there.
    fn listed(&self, pool: PoolKey, profile: Option<&Profile>) -> Option<(Vec<&Credential>, Strategy)> {
        let of_pool = self.pool(pool)?;
        let Some(profile) = profile else {
            let mut all: Vec<&Credential> =
                self.credentials.iter().filter(|c| c.pool == pool && c.gone.is_none()).collect();
            all.sort_by_key(|credential| credential.order);
            return Some((all, of_pool.policy.strategy));
        };
        let list = of_pool.lists.iter().find(|list| list.profiles.contains(profile))?;
        let mut listed: Vec<&Credential> = Vec::new();
        for key in &list.members {
            listed.extend(self.credential(*key).filter(|_| listed.iter().all(|before| before.key != *key)));
        }
        Some((listed, list.strategy))
    }

    // ---- leases ------------------------------------------------------------------------------------------------

    fn lease_mut(&mut self, token: TokenHash) -> Option<&mut Lease> {
        self.leases.iter_mut().find(|lease| lease.token == token)
    }

    fn end(&mut self, token: TokenHash, by: EndedBy) {
        let boot = self.boot();
        if let Some(lease) = self.lease_mut(token).filter(|lease| lease.ended.is_none()) {
            lease.ended = Some((by, boot));
            let succeeded = lease.succeeded;
            self.off_trial(token, by, succeeded);
        }
    }

    fn release(&mut self, release: Release) -> Result<Released, Refusal> {
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
        self.end(release.token, EndedBy::Release);
        Ok(Released { held_ms, ended_by, duplicate: before.is_some() })
    }

    fn renew(&mut self, renew: Renew) -> Result<Renewed, Refusal> {
        let boot = self.boot();
        let lease = self.leases.iter_mut().find(|lease| lease.token == renew.token).ok_or(Refusal::UnknownLease)?;
        if let Some((by, _)) = lease.ended {
            return Ok(Renewed::Ended(by));
        }
        let policy = self.pools.iter().find(|pool| pool.key == lease.pool).map(|pool| &pool.policy);
        let policy = policy.ok_or(Refusal::UnknownPool)?;
        let default_ttl = if lease.owner.is_some() { policy.lease_ttl_ms } else { policy.detached_ttl_ms };
        lease.expires = boot + renew.ttl_ms.or(lease.ask.ttl_ms).unwrap_or(default_ttl).max(1);
        Ok(Renewed::Until(credpool_core::Boot(lease.expires)))
    }

    // ---- judging -----------------------------------------------------------------------------------------------

    fn report(&mut self, report: &Report, answer: &Result<Reported, Refusal>) -> Said {
        let token = match report.subject {
            Subject::Lease(token) => token,
            Subject::Credential(key, epoch) => return self.report_without_lease(key, epoch, report, answer),
        };
        let Some(lease) = self.leases.iter().find(|lease| lease.token == token).cloned() else {
            ensure!(*answer == Err(Refusal::UnknownLease), "the lease is unknown");
            return Ok(());
        };
        if let Some((_, said)) = lease.said.iter().find(|(number, _)| *number == report.number) {
            let ended_by = lease.ended.map(|(by, _)| by);
            let expected = Ok(Reported { conclusion: said.clone(), ended_by, duplicate: true, next: None });
            ensure!(*answer == expected, "said before: {expected:?}");
            return Ok(());
        }
        if lease.said.len() >= self.limits.reports_per_lease {
            ensure!(*answer == Err(Refusal::Limit(Limit::ReportsPerLease)), "enough is said of that lease");
            return Ok(());
        }
        let Ok(reported) = answer else { return Err("the report is news".into()) };
        let witness = Witness {
            pool: lease.pool,
            credential: lease.credential,
            account: Arc::clone(&lease.account),
            secret_since: lease.secret_since,
            granted: lease.granted,
        };
        self.judge(&witness, &report.verdict, &reported.conclusion)?;
        self.tell_report(&witness, Some(lease.no), report, &reported.conclusion);
        if !report.keep {
            self.end(token, EndedBy::Report);
        }
        if let Some(lease) = self.lease_mut(token) {
            lease.said.push((report.number, reported.conclusion.clone()));
            let ended_by = lease.ended.map(|(by, _)| by);
            ensure!(reported.ended_by == ended_by, "ended by {ended_by:?}");
        }
        ensure!(!reported.duplicate, "nobody said so before");
        match (&report.next, &reported.next) {
            (Some(Next::Same { token, connection }), Some(next)) => {
                let owner = lease.owner.map(|_| *connection);
                self.acquire(lease.pool, &lease.ask, *token, owner, next)
            }
            (Some(Next::With { ask, token, owner }), Some(next)) => self.acquire(lease.pool, ask, *token, *owner, next),
            (None, None) => Ok(()),
            _ => Err("next is answered if it was asked for".into()),
        }
    }

    fn report_without_lease(
        &mut self,
        key: CredentialKey,
        epoch: Seq,
        report: &Report,
        answer: &Result<Reported, Refusal>,
    ) -> Said {
        let Some(credential) = self.credential(key).cloned() else {
            ensure!(*answer == Err(Refusal::UnknownCredential), "the credential is unknown");
            return Ok(());
        };
        let Ok(reported) = answer else { return Err("the credential is known".into()) };
        ensure!(reported.ended_by.is_none() && !reported.duplicate, "there is no lease");
        let witness = Witness {
            pool: credential.pool,
            credential: key,
            account: credential.account,
            secret_since: credential.secret_since,
            granted: self.seq,
        };
        if epoch == Seq(credential.epoch) {
            self.judge(&witness, &report.verdict, &reported.conclusion)?;
        } else {
            let old_secret = epoch < Seq(credential.secret_since);
            let why = if old_secret { Why::StaleSecret } else { Why::ClearedSince };
            self.history_only(key, why, &reported.conclusion)?;
        }
        self.tell_report(&witness, None, report, &reported.conclusion);
        Ok(())
    }

    fn tell_report(&mut self, witness: &Witness, lease: Option<LeaseNo>, report: &Report, conclusion: &Conclusion) {
        let about = match conclusion.reach {
            Reach::Credential | Reach::None => About::Credential(witness.credential),
            Reach::Account => About::Account(witness.pool, Arc::clone(&witness.account)),
            Reach::Pool => About::Pool(witness.pool),
        };
        let model = report.model.as_ref().or(conclusion.model.as_ref());
        let probe = lease.is_some_and(|no| self.leases.iter().any(|lease| lease.no == no && lease.probe));
        let event = Event::Reported { lease, probe, status: report.verdict.status, conclusion: conclusion.clone() };
        self.tell(witness.pool, Some(witness.credential), about, model, event);
    }

    fn history_only(&self, key: CredentialKey, why: Why, conclusion: &Conclusion) -> Said {
        ensure!(conclusion.why == Some(why), "history only: {why:?}");
        ensure!(conclusion.state == self.state(key), "the state is {:?}", self.state(key));
        ensure!(conclusion.until.is_none() && conclusion.strikes == 0, "no restriction is spoken of");
        Ok(())
    }

    fn judge(&mut self, witness: &Witness, verdict: &Verdict, conclusion: &Conclusion) -> Said {
        let key = witness.credential;
        let said = (verdict.kind, verdict.reach, &verdict.model, &verdict.rule);
        let heard = (conclusion.kind, conclusion.reach, &conclusion.model, &conclusion.rule);
        ensure!(said == heard, "the verdict is {said:?}");
        let cause = match verdict.kind {
            Kind::Fault(cause) if cause != Cause::Disabled && cause != Cause::NoSecret => cause,
            _ => return self.history_only(key, Why::NotTheCredentialsFault, conclusion),
        };
        let about = match verdict.reach {
            Reach::Credential => About::Credential(key),
            Reach::Account => About::Account(witness.pool, Arc::clone(&witness.account)),
            Reach::Pool => About::Pool(witness.pool),
            Reach::None => return self.history_only(key, Why::NotTheCredentialsFault, conclusion),
        };
        let still_there = match &about {
            About::Credential(key) => self.credential(*key).is_some_and(|c| c.secret_since == witness.secret_since),
            About::Account(pool, account) => self.credentials.iter().any(|c| c.pool == *pool && c.account == *account),
            About::Pool(_) => true,
        };
        if !still_there {
            return self.history_only(key, Why::StaleSecret, conclusion);
        }
        let cleared = self.marks.iter().any(|mark| {
            let covers = mark.about == about || mark.about == About::Pool(witness.pool);
            covers && (mark.model.is_none() || mark.model == verdict.model) && mark.seq > witness.granted
        });
        if cleared {
            return self.history_only(key, Why::ClearedSince, conclusion);
        }

        let before =
            self.bans.iter().position(|ban| ban.about == about && ban.model == verdict.model && ban.cause == cause);
        let hint = self.hint(verdict);
        let got = match conclusion.until {
            Some(Until::Passed { boot, wall }) => End::At { boot: boot.0, wall: wall.0 },
            Some(Until::Lifted) => End::Never,
            None => return Err("a restriction is spoken of".into()),
        };
        let closed = before.map(|at| &self.bans[at]).filter(|ban| ban.life == Life::Closed).cloned();
        let (ban, news) = if let Some(window) = closed {
            match hint {
                Some(hint) => self.check_end(Some(window.end), hint, got)?,
                None => ensure!(got == window.end, "without a hint, the window stays as it is"),
            }
            let news = got != window.end;
            (Ban { end: got, guessed: window.guessed && !news, ..window }, news)
        } else {
            let strikes = match before.map(|at| &self.bans[at]) {
                Some(ban) if witness.granted > ban.began => ban.strikes + 1,
                Some(ban) => ban.strikes,
                None => 1,
            };
            let backoff = self.backoff(witness.pool, cause)?;
            match (backoff, hint) {
                (None, _) => ensure!(got == End::Never, "only a person can help"),
                (Some(_), Some(hint)) => self.check_end(None, hint, got)?,
                (Some(backoff), None) => {
                    let mut ms = backoff.base_ms;
                    for _ in 1..strikes {
                        ms = (ms * u64::from(backoff.factor_permille) / 1_000).min(backoff.cap_ms);
                    }
                    let others = self.credentials.iter().filter(|c| c.pool == witness.pool && c.gone.is_none()).count();
                    let passes = [Cause::RateLimit, Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network];
                    if others < 2 && passes.contains(&cause) {
                        ms = ms.min(self.policy(witness.pool).cooldowns.sole_ms);
                    }
                    self.check_end(None, End::At { boot: self.boot() + ms, wall: 0 }, got)?;
                }
            }
            let begun = self.ban(about, witness.pool, verdict.model.clone(), cause, got);
            (Ban { strikes, guessed: hint.is_none(), ..begun }, true)
        };
        let strikes = ban.strikes;
        match before {
            Some(at) => self.bans[at] = ban,
            None => self.bans.push(ban),
        }
        self.hear_of(key);
        ensure!(conclusion.strikes == strikes, "{strikes} strikes");
        let why = if news { None } else { Some(Why::AlreadyRestricted) };
        ensure!(conclusion.why == why, "why: {why:?}");
        ensure!(conclusion.state == self.state(key), "the state is {:?}", self.state(key));
        Ok(())
    }

    fn hint(&self, verdict: &Verdict) -> Option<End> {
        let boot = verdict.after_ms.map(|ms| self.boot() + ms);
        let wall = verdict.at.map(|at| at.0);
        let hint = End::At { boot: boot.unwrap_or(0), wall: wall.unwrap_or(0) };
        (self.left(hint) != Some(0)).then_some(hint)
    }

    fn backoff(&self, pool: PoolKey, cause: Cause) -> Said<Option<Backoff>> {
        let cooldowns = self.pool(pool).ok_or("no such pool")?.policy.cooldowns;
        Ok(match cause {
            Cause::RateLimit => Some(cooldowns.rate_limit),
            Cause::Quota => Some(cooldowns.quota),
            Cause::Billing => Some(cooldowns.billing),
            Cause::Auth => Some(cooldowns.auth),
            Cause::Forbidden => Some(cooldowns.forbidden),
            Cause::Model => Some(cooldowns.model),
            Cause::Overloaded => Some(cooldowns.overloaded),
            Cause::Server => Some(cooldowns.server),
            Cause::Edge | Cause::Network => Some(cooldowns.edge),
            Cause::Dead | Cause::Disabled | Cause::NoSecret => None,
        })
    }

    /// Each clock's part: not before what was, not before the new word, and at most a tenth of its time left after it.
    fn check_end(&self, before: Option<End>, word: End, got: End) -> Said {
        let part = |before: u64, word: u64, now: u64, got: u64| {
            let least = before.max(word);
            let most = before.max(word + word.saturating_sub(now) / 10);
            // What lies in the past asks for nothing.
            (got <= now && least <= now) || (least..=most).contains(&got)
        };
        let before = before.unwrap_or(End::At { boot: 0, wall: 0 });
        match (before, word, got) {
            (End::Never, _, End::Never) | (_, End::Never, End::Never) => Ok(()),
            (End::At { boot, wall }, End::At { boot: b, wall: w }, End::At { boot: got_boot, wall: got_wall }) => {
                let right = part(boot, b, self.now.boot.0, got_boot) && part(wall, w, self.now.wall.0, got_wall);
                ensure!(right, "until: before {before:?}, said {word:?}, at {:?}", self.now);
                Ok(())
            }
            _ => Err(format!("until: before {before:?}, said {word:?}")),
        }
    }

    fn hear_of(&mut self, key: CredentialKey) {
        let wall = self.now.wall.0;
        if let Some(credential) = self.credential_mut(key) {
            credential.known = credential.known.max(wall);
        }
    }

    fn import(&mut self, import: &Import) -> bool {
        let Some(credential) = self.credential(import.credential).cloned() else { return false };
        if matches!(import.cause, Cause::Disabled | Cause::NoSecret) {
            return false;
        }
        let of_account = matches!(import.cause, Cause::RateLimit | Cause::Quota | Cause::Billing);
        let shares = |c: &&Credential| c.pool == credential.pool && c.account == credential.account;
        let known = match of_account {
            true => self.credentials.iter().filter(shares).map(|c| c.known).max().unwrap_or(0),
            false => credential.known,
        };
        if import.at.0 <= known || import.at.0 <= credential.imported {
            return false;
        }
        if let Some(credential) = self.credential_mut(import.credential) {
            credential.imported = import.at.0;
        }
        let about = match of_account {
            true => About::Account(credential.pool, credential.account),
            false => About::Credential(credential.key),
        };
        let Import { cause, until, status, .. } = *import;
        let event = Event::Imported { cause, until, status, rule: Arc::clone(&import.rule) };
        self.tell(credential.pool, Some(credential.key), about.clone(), None, event);
        let end = match import.until {
            Until::Passed { boot, wall } => End::At { boot: boot.0, wall: wall.0 },
            Until::Lifted => End::Never,
        };
        if self.left(end) == Some(0) {
            return true;
        }
        let known =
            self.bans.iter().position(|ban| ban.about == about && ban.model.is_none() && ban.cause == import.cause);
        let begun = self.ban(about, credential.pool, None, import.cause, end);
        let Some(at) = known else {
            self.bans.push(begun);
            return true;
        };
        let ban = &mut self.bans[at];
        if ban.life != Life::Closed {
            *ban = Ban { strikes: ban.strikes, ..begun };
            return true;
        }
        let longer = match (ban.end, end) {
            (End::At { boot, wall }, End::At { boot: b, wall: w }) => End::At { boot: boot.max(b), wall: wall.max(w) },
            _ => End::Never,
        };
        ban.guessed |= longer != ban.end;
        ban.end = longer;
        true
    }

    // ---- operators ---------------------------------------------------------------------------------------------

    fn clear(&mut self, clear: &Clear) -> Result<usize, Refusal> {
        if self.pool(clear.pool).is_none() {
            return Err(Refusal::UnknownPool);
        }
        let cleared: Vec<About> = match clear.credential {
            Some(key) => {
                let credential = self.credential(key).filter(|credential| credential.pool == clear.pool);
                let credential = credential.ok_or(Refusal::UnknownCredential)?;
                vec![About::Credential(key), About::Account(clear.pool, Arc::clone(&credential.account))]
            }
            None => vec![About::Pool(clear.pool)],
        };
        let pool_of = |key| self.credential(key).map(|credential| credential.pool);
        let covered = |ban: &Ban| {
            let in_scope = match (&ban.about, clear.credential) {
                (about, Some(_)) => cleared.contains(about),
                (About::Credential(key), None) => pool_of(*key) == Some(clear.pool),
                (About::Account(pool, _) | About::Pool(pool), None) => *pool == clear.pool,
            };
            in_scope && ban.cause != Cause::Disabled && (clear.model.is_none() || ban.model == clear.model)
        };
        let (lifted, left): (Vec<Ban>, Vec<Ban>) = self.bans.iter().cloned().partition(covered);
        self.bans = left;
        let (seq, wall) = (self.seq, self.now.wall.0);
        for credential in &mut self.credentials {
            if credential.pool == clear.pool && clear.credential.is_none_or(|key| key == credential.key) {
                credential.epoch = seq;
                credential.known = credential.known.max(wall);
            }
        }
        let lifted = lifted.iter().filter(|ban| ban.in_force()).count();
        if let Some(widest) = cleared.last().cloned() {
            self.tell(clear.pool, clear.credential, widest, clear.model.as_ref(), Event::Cleared { lifted });
        }
        self.marks.extend(cleared.into_iter().map(|about| Mark { about, model: clear.model.clone(), seq }));
        Ok(lifted)
    }

    fn disable(&mut self, disable: &Disable) -> Result<State, Refusal> {
        let pool = self.credential(disable.credential).ok_or(Refusal::UnknownCredential)?.pool;
        self.bans.retain(|ban| ban.about != About::Credential(disable.credential) || ban.cause != Cause::Disabled);
        let end = match disable.for_ms {
            Some(ms) => End::At { boot: self.boot() + ms.max(1), wall: 0 },
            None => End::Never,
        };
        let until = disable.for_ms.map_or(Until::Lifted, |ms| Until::boot(self.now.boot.after(ms.max(1))));
        let event = Event::Disabled { until, note: Arc::clone(&disable.note) };
        self.tell(pool, Some(disable.credential), About::Credential(disable.credential), None, event);
        let about = About::Credential(disable.credential);
        self.bans.push(self.ban(about, pool, None, Cause::Disabled, end));
        Ok(self.state(disable.credential))
    }

    fn enable(&mut self, key: CredentialKey) -> Result<State, Refusal> {
        let pool = self.credential(key).ok_or(Refusal::UnknownCredential)?.pool;
        let before = self.bans.len();
        self.bans.retain(|ban| ban.about != About::Credential(key) || ban.cause != Cause::Disabled);
        if self.bans.len() < before {
            self.tell(pool, Some(key), About::Credential(key), None, Event::Enabled);
        }
        Ok(self.state(key))
    }

    // ---- comparing ---------------------------------------------------------------------------------------------

    /// Whether the core's tables say the same as these lists.
    pub(crate) fn agrees_with(&self, core: &Core) -> Said {
        let records = core.records();
        let mut ours: Vec<_> = self
            .credentials
            .iter()
            .map(|c| (c.key, c.gone.is_some(), c.order, c.grants, self.in_flight(c.key), self.state(c.key)))
            .collect();
        ours.sort_by_key(|row| row.0);
        let theirs: Vec<_> = records
            .credentials
            .values()
            .map(|c| {
                let (gone, order) = (c.retired.is_some(), c.order as usize);
                (c.key, gone, order, c.grants, core.in_flight(c.key) as usize, core.state(c.key))
            })
            .collect();
        ensure!(ours == theirs, "credentials: {theirs:?}, should be {ours:?}");

        let about = |scope: Scope| match scope {
            Scope::Credential(key) => Some(About::Credential(key)),
            Scope::Account(key) => {
                records.accounts.get(&key).map(|account| About::Account(account.pool, Arc::clone(&account.name)))
            }
            Scope::Pool(key) => Some(About::Pool(key)),
        };
        let end = |until: Until| match until {
            Until::Passed { boot, wall } => End::At { boot: boot.0, wall: wall.0 },
            Until::Lifted => End::Never,
        };
        let mut ours: Vec<String> = self
            .bans
            .iter()
            .map(|b| {
                let whose = format!("{:?} {:?} {:?}", b.about, b.model, b.cause);
                let (out, opens) = (b.out.len(), b.opens());
                format!("{whose} {opens:?} {} {} {} {out}", b.strikes, b.lasts(), b.blocks())
            })
            .collect();
        let unresolved = self.credentials.iter().filter(|c| !c.resolved && c.gone.is_none());
        ours.extend(unresolved.map(|c| {
            let about = About::Credential(c.key);
            format!("{about:?} {:?} {:?} {:?} 1 true true 0", None::<Model>, Cause::NoSecret, End::Never)
        }));
        ours.sort();
        let mut theirs: Vec<String> = records
            .restrictions
            .values()
            .map(|r| {
                let about = about(r.identity.scope).map_or("nobody".into(), |about| format!("{about:?}"));
                let (model, cause) = (&r.identity.model, r.identity.cause);
                let (opens, out) = (end(r.opens()), r.trial.len());
                let (lasts, blocks) = (!r.is_over(), r.holds_back());
                format!("{about} {model:?} {cause:?} {opens:?} {} {lasts} {blocks} {out}", r.strikes)
            })
            .collect();
        theirs.sort();
        ensure!(ours == theirs, "restrictions: {theirs:#?}, should be {ours:#?}");

        ensure!(self.told.len() == records.history.len(), "{} things were told", self.told.len());
        for (ours, entry) in self.told.iter().zip(records.history.values()) {
            let theirs = Told {
                at: entry.at,
                pool: entry.pool,
                credential: entry.credential,
                // An account may be forgotten by now.
                about: about(entry.scope).unwrap_or_else(|| ours.about.clone()),
                model: entry.model.clone(),
                event: entry.event.clone(),
            };
            ensure!(*ours == theirs, "told: {theirs:?}, should be {ours:?}");
        }

        let ours: BTreeMap<u128, _> =
            self.leases.iter().map(|l| (l.token.0, (l.credential, l.expires, l.ended.map(|(by, _)| by)))).collect();
        let theirs: BTreeMap<u128, _> = records
            .leases
            .values()
            .map(|l| (l.token.0, (l.credential, l.expires.0, l.ended.map(|ending| ending.by))))
            .collect();
        ensure!(ours == theirs, "leases: {theirs:?}, should be {ours:?}");
        Ok(())
    }
}

/// A refusal, and what it should speak of.
struct Refused<'a> {
    candidates: &'a [&'a Credential],
    of_pool: &'a [Ban],
    naive: &'a Naive,
}

impl Refused<'_> {
    fn check(&self, refusal: &Refusal, restricted: &dyn Fn(&Credential) -> Vec<Ban>) -> Said {
        let naive = self.naive;
        let longest = |blocking: &[Ban]| {
            let left = |ban: &Ban| (naive.left(ban.opens()).unwrap_or(u64::MAX), ban.cause);
            blocking.iter().max_by_key(|ban| left(ban)).map(|ban| (left(ban).0, ban.life != Life::Closed))
        };
        // A probe may answer at any moment.
        let retry =
            |longest: Option<(u64, bool)>| longest.map(|(left, probing)| if probing { left.min(1_000) } else { left });
        let healthy = |credential: &&&Credential| restricted(credential).is_empty();
        let capped = |credential: &&&Credential| {
            let pool = naive.pool(credential.pool);
            let cap = credential.cap.or(pool.map(|pool| pool.policy.cap)).unwrap_or_default();
            cap.hard && naive.in_flight(credential.key) >= cap.max_in_flight as usize
        };
        let at_cap = self.candidates.iter().filter(healthy).filter(capped).count();
        let free = self.candidates.iter().filter(healthy).count() - at_cap;
        let (busy, unavailable) = match refusal {
            Refusal::Busy(unavailable) => (true, unavailable),
            Refusal::Exhausted(unavailable) => (false, unavailable),
            _ => return Err("busy or exhausted".into()),
        };
        ensure!(busy == (at_cap > 0 && self.of_pool.is_empty()), "busy: {}", !busy);
        ensure!(unavailable.total == self.candidates.len(), "total: {}", self.candidates.len());
        ensure!(unavailable.at_cap == at_cap, "at their caps: {at_cap}");
        let mut by_cause = BTreeMap::new();
        for credential in self.candidates {
            let causes = restricted(credential);
            if let Some(gravest) = GRAVITY.iter().find(|grave| causes.iter().any(|ban| ban.cause == **grave)) {
                *by_cause.entry(*gravest).or_insert(0) += 1;
            }
        }
        ensure!(unavailable.by_cause == by_cause, "by cause: {by_cause:?}");

        let mut named: Vec<CredentialKey> = unavailable.first.iter().map(|absent| absent.credential).collect();
        named.sort_unstable();
        let mut kept_away: Vec<CredentialKey> =
            self.candidates.iter().filter(|c| !healthy(c) || capped(c)).map(|c| c.key).collect();
        kept_away.sort_unstable();
        ensure!(named == kept_away, "named: {kept_away:?}");
        for Absent { credential, obstacle } in &unavailable.first {
            let Some(row) = self.candidates.iter().find(|c| c.key == *credential) else { continue };
            let expected = longest(&restricted(row));
            let said = obstacle.as_ref().map(|o| (o.until.remaining(naive.now).unwrap_or(u64::MAX), o.probing));
            ensure!(said == expected, "{credential:?} is kept away for {expected:?}, not {said:?}");
        }

        let pool_for = longest(self.of_pool);
        let said = unavailable.pool.as_ref();
        let said = said.map(|o| (o.until.remaining(naive.now).unwrap_or(u64::MAX), o.probing));
        ensure!(said == pool_for, "the pool is restricted for {pool_for:?}, not {said:?}");
        let soonest = self.candidates.iter().filter_map(|c| retry(longest(&restricted(c)))).min();
        let pool_for = retry(pool_for);
        let said = unavailable.retry_after_ms.unwrap_or(u64::MAX);
        if self.candidates.is_empty() {
            ensure!(unavailable.retry_after_ms.is_none(), "nobody comes back");
        } else if free > 0 {
            ensure!(Some(said) == pool_for, "they come back with the pool, in {pool_for:?}");
        } else if at_cap > 0 {
            // Nobody knows when a slot comes free.
            let (least, most) = (pool_for.unwrap_or(1), pool_for.unwrap_or(1).max(1_000));
            ensure!((least..=most).contains(&said), "retry in {least} to {most}");
        } else {
            let expected = soonest.unwrap_or(u64::MAX).max(pool_for.unwrap_or(0));
            ensure!(said == expected, "retry in {expected}");
        }
        Ok(())
    }
}
