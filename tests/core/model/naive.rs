//! The pool as one would write it on a sheet of paper: lists, looked through from end to end, in the words of the
//! design. It shares types with the core and no code. Where chance decides (a random pick, jitter, a new key), it
//! checks that the answer is one of those allowed, and goes on from there.

mod comparing;
mod definitions;
mod granting;
mod guard;
mod judging;
mod leases;
mod legacy;
mod operators;
mod quotas;
mod recovery;
mod refusals;
mod sessions;
mod waiting;

use std::sync::Arc;

use credpool_core::{
    Ask, Cap, Cause, Command, Conclusion, CredentialKey, EndedBy, Event, LeaseNo, Limits, Model, Now, Owner, Policy,
    PoolKey, Profile, Reply, Settled, State, Strategy, TokenHash, Until,
};

use guard::Spark;
use recovery::Life;
use sessions::Bond;
use waiting::Waiting;

type Said<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err(format!($($message)*));
        }
    };
}
use ensure;

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

impl End {
    fn of(until: Until) -> Self {
        match until {
            Until::Passed { boot, wall } => Self::At { boot: boot.0, wall: wall.0 },
            Until::Lifted => Self::Never,
        }
    }
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
    /// Leases in a row that were interactive while somebody waited in the background.
    passed_over: u32,
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
    sparks: Vec<Spark>,
    told: Vec<Told>,
    windows: Vec<quotas::Window>,
    /// Both clocks when the wall clock was last set.
    set: Now,
    /// In order of arrival.
    waiters: Vec<Waiting>,
    bonds: Vec<Bond>,
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
            sparks: Vec::new(),
            told: Vec::new(),
            windows: Vec::new(),
            set: Now::default(),
            waiters: Vec::new(),
            bonds: Vec::new(),
        }
    }

    /// Whether `reply` is right, and what those were told who waited; then everything that follows from it.
    pub(crate) fn step(&mut self, now: Now, command: &Command, reply: &Reply, settled: &[Settled]) -> Said {
        let mut settled = settled.iter();
        self.time_passes(now);
        let all = settled.len();
        self.hand_on(&mut settled)?;
        self.time_out(&mut settled)?;
        // What was granted as time passed was granted before whatever the command does.
        self.seq += u64::from(settled.len() < all);
        match (command, reply) {
            (Command::Define(define), Reply::Defined(defined)) => self.define(define, defined)?,
            (Command::Import(import), Reply::Imported(news)) => {
                let expected = self.import(import);
                ensure!(*news == expected, "imported: {expected}");
            }
            (Command::Acquire(acquire), Reply::Acquired(_) | Reply::Queued(_)) => self.acquire(acquire, reply)?,
            (Command::Report(report), Reply::Reported(answer)) => self.report(report, answer, &mut settled)?,
            (Command::Release(release), Reply::Released(answer)) => {
                let expected = self.release(release);
                ensure!(*answer == expected, "released: {expected:?}");
            }
            (Command::Renew(renew), Reply::Renewed(answer)) => {
                let expected = self.renew(*renew);
                ensure!(*answer == expected, "renewed: {expected:?}");
            }
            (Command::Disconnect(owner), Reply::Disconnected(count)) => {
                self.waiters.retain(|waiter| waiter.connection != *owner);
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
        self.windows_pass();
        self.hand_on(&mut settled)?;
        match settled.next() {
            None => Ok(()),
            Some(more) => Err(format!("answered and does not wait, or not by now: {more:?}")),
        }
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
        self.watch_clocks(self.now);
        let boot = self.boot();
        let expired = self.live().filter(|lease| lease.expires <= boot).map(|lease| lease.token);
        for token in expired.collect::<Vec<_>>() {
            self.end(token, EndedBy::Ttl);
        }
        self.bans_pass();
        for credential in &mut self.credentials {
            credential.has_run_out = credential.runs_out.is_some_and(|at| at <= self.now.wall.0);
        }
        self.bonds.retain(|bond| bond.until > boot);
        let ended_lease_ms = self.limits.ended_lease_ms;
        self.leases.retain(|lease| lease.ended.is_none_or(|(_, at)| at + ended_lease_ms > boot));
        self.forget_rows();
        self.windows_pass();
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

    /// The caps that a credential is at, for `model`: its own, and that of the model.
    fn met(&self, credential: &Credential, model: Option<&Model>) -> Vec<Cap> {
        let policy = self.policy(credential.pool);
        let own = (credential.cap.unwrap_or(policy.cap), self.in_flight(credential.key));
        let of_model = model.and_then(|model| {
            let for_it = |lease: &&Lease| lease.credential == credential.key && lease.ask.model.as_ref() == Some(model);
            Some((*policy.models.get(model)?, self.live().filter(for_it).count()))
        });
        let caps = [Some(own), of_model].into_iter().flatten();
        caps.filter(|(cap, out)| *out >= cap.max_in_flight as usize).map(|(cap, _)| cap).collect()
    }

    fn is_full(&self, credential: &Credential, model: Option<&Model>) -> bool {
        self.met(credential, model).iter().any(|cap| cap.hard)
    }

    /// The cap of a whole pool, if that is met.
    fn total_met(&self, pool: PoolKey) -> Option<u32> {
        let out = self.live().filter(|lease| lease.pool == pool).count();
        self.policy(pool).total.filter(|total| out >= *total as usize)
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
}
