//! One pool, told in the fewest words.

use std::sync::Arc;

use credpool_core::{
    Acquire, Ask, Backoff, Cap, Cause, Claim, Claimed, Clear, Command, Cooldowns, CredentialKey, Define, Defined,
    Definition, Disable, Grant, Guard, Kind, Limits, Listing, Model, Now, Owner, Policy, PoolKey, Reach, Reading,
    Records, Recovery, Refusal, Release, Released, Renew, Renewed, Reply, Report, Reported, Settled, State, Strategy,
    Subject, TokenHash, Unavailable, Verdict, Wait, WaiterNo, Wall,
};

use crate::support::{DAY, START, Watched, later, stepped};

pub(super) struct World {
    pub(super) core: Watched,
    pub(super) now: Now,
    pub(super) pool: PoolKey,
    pub(super) policy: Policy,
    pub(super) lists: Vec<Listing>,
    asked: u128,
}

impl World {
    /// A pool of these rows, each its own account, that comes back without further ado.
    pub(super) fn of(ids: &[&str]) -> Self {
        Self::with(at_once(), rows(ids))
    }

    pub(super) fn with(policy: Policy, rows: Vec<Definition>) -> Self {
        Self::limited(Limits::default(), policy, rows)
    }

    pub(super) fn limited(limits: Limits, policy: Policy, rows: Vec<Definition>) -> Self {
        let core = Watched::new(7, limits);
        let mut world = Self { core, now: START, pool: PoolKey(0), policy, lists: Vec::new(), asked: 0 };
        world.pool = world.define(rows).pool;
        world
    }

    /// Another seed, and hardly a memory of ended leases: it is for many rounds.
    pub(super) fn seeded(seed: u64, policy: Policy, rows: Vec<Definition>) -> Self {
        let core = Watched::new(seed, Limits { ended_leases: 8, ..Limits::default() });
        let mut world = Self { core, now: START, pool: PoolKey(0), policy, lists: Vec::new(), asked: 0 };
        world.pool = world.define(rows).pool;
        world
    }

    pub(super) fn apply(&mut self, command: Command) -> Reply {
        self.core.apply(self.now, command).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn records(&self) -> &Records {
        self.core.records()
    }

    // ---- definitions -------------------------------------------------------------------------------------------

    pub(super) fn define(&mut self, definitions: Vec<Definition>) -> Defined {
        self.define_pool("openrouter", definitions)
    }

    pub(super) fn define_pool(&mut self, pool: &str, definitions: Vec<Definition>) -> Defined {
        let (policy, lists) = (self.policy.clone(), self.lists.clone());
        let define = Define { pool: pool.into(), policy, definitions, lists };
        let Reply::Defined(defined) = self.apply(Command::Define(define)) else { panic!("defined") };
        defined
    }

    /// The credential of a row that is, or was, defined.
    pub(super) fn key(&self, id: &str) -> CredentialKey {
        let known = self.records().credentials.values().find(|c| c.pool == self.pool && *c.id == *id);
        known.unwrap_or_else(|| panic!("{id} is not known")).key
    }

    pub(super) fn id(&self, key: CredentialKey) -> String {
        self.records().credentials[&key].id.to_string()
    }

    // ---- leases ------------------------------------------------------------------------------------------------

    pub(super) fn token(&mut self) -> TokenHash {
        self.asked += 1;
        TokenHash(self.asked)
    }

    pub(super) fn ask(&mut self, ask: Ask, owner: Option<Owner>) -> (TokenHash, Result<Grant, Refusal>) {
        let token = self.token();
        let acquire = Acquire { pool: self.pool, ask, token, owner, wait: None };
        let Reply::Acquired(answer) = self.apply(Command::Acquire(acquire)) else { panic!("acquired") };
        (token, answer)
    }

    /// A detached lease, and whose it is.
    pub(super) fn lease(&mut self, ask: Ask) -> (TokenHash, String) {
        let (token, answer) = self.ask(ask, None);
        let grant = answer.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        (token, self.id(grant.credential))
    }

    /// A lease on a given row.
    pub(super) fn lease_of(&mut self, id: &str) -> TokenHash {
        let ask = Ask { pin: Some(self.key(id)), ..Ask::default() };
        self.lease(ask).0
    }

    pub(super) fn lease_for(&mut self, id: &str, model: &str) -> TokenHash {
        let ask = Ask { pin: Some(self.key(id)), model: Some(model.into()), ..Ask::default() };
        self.lease(ask).0
    }

    /// Whose lease a plain request gets; it is kept.
    pub(super) fn next(&mut self) -> String {
        self.lease(Ask::default()).1
    }

    /// The same, and it is given back.
    pub(super) fn used(&mut self) -> String {
        let (token, id) = self.lease(Ask::default());
        self.release(token, false).expect("the lease is known");
        id
    }

    /// Whoever asks so waits for it, on a connection of its own; its number.
    pub(super) fn waits(&mut self, ask: Ask, ms: u64) -> WaiterNo {
        let own = connection(1_000 + self.records().header.next_waiter.0);
        match self.ask_and_wait(ask, None, Wait { ms, connection: own }) {
            Ok(no) => no,
            Err(answer) => panic!("it does not wait: {answer:?}"),
        }
    }

    /// The same, or the answer that it gets at once.
    pub(super) fn ask_and_wait(
        &mut self,
        ask: Ask,
        owner: Option<Owner>,
        wait: Wait,
    ) -> Result<WaiterNo, Result<Grant, Refusal>> {
        let token = self.token();
        let acquire = Acquire { pool: self.pool, ask, token, owner, wait: Some(wait) };
        match self.apply(Command::Acquire(acquire)) {
            Reply::Queued(no) => Ok(no),
            Reply::Acquired(answer) => Err(answer),
            other => panic!("{other:?}"),
        }
    }

    /// Why whoever would wait is refused at once.
    pub(super) fn does_not_wait(&mut self, ask: Ask, ms: u64) -> Refusal {
        let wait = Wait { ms, connection: connection(9) };
        self.ask_and_wait(ask, None, wait).expect_err("it does not wait").expect_err("nobody can be had")
    }

    /// What the last command told those who waited: their numbers, each with whom it got or a word for why not.
    pub(super) fn settled(&self) -> Vec<String> {
        let told = |settled: &Settled| {
            let what = match &settled.answer {
                Ok(grant) => self.id(grant.credential),
                Err(refusal) => format!("{refusal:?}").to_lowercase().split('(').next().unwrap_or_default().to_owned(),
            };
            format!("{} {what}", settled.waiter.0)
        };
        self.core.core().settled().iter().map(told).collect()
    }

    /// The token of the lease that a waiter was granted.
    pub(super) fn token_of(&self, credential: &str) -> TokenHash {
        let key = self.key(credential);
        let live = self.records().leases.values().rev().find(|lease| lease.credential == key && lease.ended.is_none());
        live.unwrap_or_else(|| panic!("nobody holds {credential}")).token
    }

    pub(super) fn refused(&mut self, ask: Ask) -> Refusal {
        self.ask(ask, None).1.expect_err("nobody can be had")
    }

    /// The contents of a refusal because everybody is restricted.
    pub(super) fn exhausted(&mut self, ask: Ask) -> Unavailable {
        match self.refused(ask) {
            Refusal::Exhausted(unavailable) => *unavailable,
            other => panic!("{other:?}"),
        }
    }

    /// The contents of a refusal because the healthy ones are at their hard caps.
    pub(super) fn busy(&mut self, ask: Ask) -> Unavailable {
        match self.refused(ask) {
            Refusal::Busy(unavailable) => *unavailable,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn release(&mut self, token: TokenHash, success: bool) -> Result<Released, Refusal> {
        let Reply::Released(answer) = self.apply(Command::Release(Release { token, success, readings: Vec::new() }))
        else {
            panic!("released")
        };
        answer
    }

    /// A lease of a row, for a model or none, that is given back with what its response says is left.
    pub(super) fn reads(&mut self, id: &str, model: Option<&str>, readings: Vec<Reading>) {
        let (token, _) = self.lease(Ask { pin: Some(self.key(id)), model: model.map(Model::from), ..Ask::default() });
        self.give_back(token, readings);
    }

    pub(super) fn give_back(&mut self, token: TokenHash, readings: Vec<Reading>) {
        let release = Release { token, success: true, readings };
        let Reply::Released(answer) = self.apply(Command::Release(release)) else { panic!("released") };
        answer.expect("the lease is known");
    }

    pub(super) fn renew(&mut self, token: TokenHash, ttl_ms: Option<u64>) -> Result<Renewed, Refusal> {
        self.renew_by(Renew { token, ttl_ms, let_go_by: None })
    }

    /// Lets a lease outlive a connection.
    pub(super) fn let_go(&mut self, token: TokenHash, ttl_ms: Option<u64>, by: Owner) -> Result<Renewed, Refusal> {
        self.renew_by(Renew { token, ttl_ms, let_go_by: Some(by) })
    }

    fn renew_by(&mut self, renew: Renew) -> Result<Renewed, Refusal> {
        let Reply::Renewed(answer) = self.apply(Command::Renew(renew)) else { panic!("renewed") };
        answer
    }

    pub(super) fn disconnect(&mut self, owner: Owner) -> usize {
        let Reply::Disconnected(count) = self.apply(Command::Disconnect(owner)) else { panic!("disconnected") };
        count
    }

    // ---- failures ----------------------------------------------------------------------------------------------

    pub(super) fn send(&mut self, report: Report) -> Result<Reported, Refusal> {
        let Reply::Reported(answer) = self.apply(Command::Report(report)) else { panic!("reported") };
        answer
    }

    /// The first failure of a lease.
    pub(super) fn report(&mut self, token: TokenHash, verdict: Verdict) -> Reported {
        self.send(first_report(token, verdict)).expect("the lease is known")
    }

    /// A new lease of a row, which fails.
    pub(super) fn fails(&mut self, id: &str, verdict: Verdict) -> Reported {
        let token = self.lease_of(id);
        self.report(token, verdict)
    }

    // ---- operators ---------------------------------------------------------------------------------------------

    pub(super) fn clear(&mut self, id: Option<&str>, model: Option<&str>) -> usize {
        let credential = id.map(|id| self.key(id));
        let clear = Clear { pool: self.pool, credential, model: model.map(Model::from) };
        let Reply::Cleared(answer) = self.apply(Command::Clear(clear)) else { panic!("cleared") };
        answer.expect("the credential is known")
    }

    pub(super) fn disable(&mut self, id: &str, for_ms: Option<u64>) -> State {
        let disable = Disable { credential: self.key(id), for_ms, note: "maintenance".into() };
        let Reply::Switched(answer) = self.apply(Command::Disable(disable)) else { panic!("switched") };
        answer.expect("the credential is known")
    }

    pub(super) fn enable(&mut self, id: &str) -> State {
        let enable = Command::Enable(self.key(id));
        let Reply::Switched(answer) = self.apply(enable) else { panic!("switched") };
        answer.expect("the credential is known")
    }

    // ---- time --------------------------------------------------------------------------------------------------

    /// Both clocks go on.
    pub(super) fn pass(&mut self, ms: u64) {
        self.now = later(self.now, ms);
        self.apply(Command::Tick);
    }

    /// Only the wall clock is set.
    pub(super) fn step(&mut self, ms: i64) {
        self.now = stepped(self.now, ms);
        self.apply(Command::Tick);
    }

    /// The daemon is killed, and started again `down_ms` later.
    pub(super) fn restart(&mut self, down_ms: u64) {
        self.now = later(self.now, down_ms);
        self.core = self.core.restarted(*self.core.core().limits(), self.now);
    }

    pub(super) fn claim(&mut self, token: TokenHash, owner: Owner) -> Result<Claimed, Refusal> {
        let Reply::Claimed(answer) = self.apply(Command::Claim(Claim { token, owner })) else { panic!("claimed") };
        answer
    }

    // ---- looking -----------------------------------------------------------------------------------------------

    pub(super) fn state(&self, id: &str) -> State {
        self.core.core().state(self.key(id))
    }

    pub(super) fn in_flight(&self, id: &str) -> u32 {
        self.core.core().in_flight(self.key(id))
    }

    /// Whether a request that is pinned to it would be granted.
    pub(super) fn available(&self, id: &str, model: Option<&str>) -> bool {
        let ask = Ask { pin: Some(self.key(id)), model: model.map(Model::from), ..Ask::default() };
        self.core.core().explain(self.pool, &ask).is_ok_and(|explanation| explanation.choice.is_ok())
    }

    pub(super) fn has(&self, id: &str, cause: Cause) -> bool {
        self.core.core().restrictions_on(self.key(id)).any(|r| r.is_in_force() && r.identity.cause == cause)
    }
}

/// A row whose secret is its id and its own account.
pub(super) fn row(id: &str) -> Definition {
    with_secret(id, id)
}

/// A row with a secret that is its own account.
pub(super) fn with_secret(id: &str, secret: &str) -> Definition {
    let fingerprint: Arc<str> = format!("sha256:{secret}").into();
    Definition {
        id: id.into(),
        fingerprint: Some(Arc::clone(&fingerprint)),
        unresolved: "it is not here".into(),
        referable: true,
        account: fingerprint,
        cap: None,
        expires: None,
        grants: 0,
    }
}

/// A row of a named account.
pub(super) fn of_account(id: &str, secret: &str, account: &str) -> Definition {
    Definition { account: account.into(), ..with_secret(id, secret) }
}

/// A row whose secret runs out.
pub(super) fn until(id: &str, expires: Wall) -> Definition {
    Definition { expires: Some(expires), ..row(id) }
}

/// A row whose secret cannot be resolved here.
pub(super) fn unresolved(id: &str) -> Definition {
    Definition { fingerprint: None, ..row(id) }
}

pub(super) fn rows(ids: &[&str]) -> Vec<Definition> {
    ids.iter().map(|id| row(id)).collect()
}

pub(super) fn strategy(strategy: Strategy) -> Policy {
    Policy { strategy, ..at_once() }
}

pub(super) fn capped(max_in_flight: u32, hard: bool) -> Policy {
    Policy { cap: Cap { max_in_flight, hard }, ..at_once() }
}

/// 10 s, 20 s, 40 s, 60 s for whatever has no hint.
pub(super) const BACKOFF: Backoff = Backoff { base_ms: 10_000, factor_permille: 2_000, cap_ms: 60_000 };

pub(super) fn with_backoff() -> Policy {
    let cooldowns = Cooldowns {
        rate_limit: BACKOFF,
        quota: BACKOFF,
        billing: BACKOFF,
        auth: BACKOFF,
        forbidden: BACKOFF,
        model: BACKOFF,
        overloaded: BACKOFF,
        server: BACKOFF,
        edge: BACKOFF,
        sole_ms: u64::MAX,
    };
    Policy { cooldowns, ..at_once() }
}

/// No probe of what is not over, no ramp after a probe, and no failure is thought to be the provider's.
pub(super) fn at_once() -> Policy {
    let recovery = Recovery { probe_interval_ms: u64::MAX, ramp_width: 1, ..Recovery::default() };
    let guard = Guard { window_ms: 0, ..Guard::default() };
    Policy { recovery, guard, ..Policy::default() }
}

/// Whose connections they are.
pub(super) const USER: u32 = 1_000;

pub(super) fn connection(connection: u64) -> Owner {
    Owner { run: 1, connection, user: USER }
}

pub(super) fn first_report(token: TokenHash, verdict: Verdict) -> Report {
    Report {
        subject: Subject::Lease(token),
        number: 1,
        model: None,
        verdict,
        readings: Vec::new(),
        keep: false,
        next: None,
    }
}

/// A failure of one credential, without a hint.
pub(super) fn fault(cause: Cause) -> Verdict {
    Verdict {
        kind: Kind::Fault(cause),
        reach: Reach::Credential,
        model: None,
        after_ms: None,
        at: None,
        status: Some(429),
        rule: "test.rule".into(),
        evidence: None,
    }
}

/// The same for a whole day.
pub(super) fn for_a_day(cause: Cause) -> Verdict {
    Verdict { after_ms: Some(DAY), ..fault(cause) }
}

pub(super) fn of_the_account(verdict: Verdict) -> Verdict {
    Verdict { reach: Reach::Account, ..verdict }
}

pub(super) fn of_the_pool(verdict: Verdict) -> Verdict {
    Verdict { reach: Reach::Pool, ..verdict }
}

pub(super) fn of_model(model: &str, verdict: Verdict) -> Verdict {
    Verdict { model: Some(model.into()), ..verdict }
}
