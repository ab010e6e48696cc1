//! Commands that can be generated and shrunk: an [`Op`] names leases, rows and epochs by what came before it, and a
//! [`Stage`] makes the command of it. Each comes some milliseconds after the one before. Everything is small, so that
//! things meet.

use std::sync::Arc;

use credpool_core::{
    Acquire, Ask, Backoff, Cap, Cause, Clear, Command, Cooldowns, CredentialKey, Define, Definition, Disable, Guard,
    Import, Kind, Limits, Listing, Model, Next, Now, Owner, Policy, PoolKey, Profile, Reach, Recovery, Release, Renew,
    Reply, Report, Reported, Seq, Strategy, Subject, TokenHash, Until, Verdict, Wall,
};
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any};
use proptest::{collection, prop_oneof, sample};

use crate::support::{DAY, HOUR, START, later, stepped};

/// Rows that a pool's file may have.
const ROWS: u8 = 6;

/// What a run starts with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    leases: usize,
    leases_per_connection: usize,
    reports_per_lease: usize,
    pools: [(Strategy, Cap); 2],
    rows: [u8; 2],
    lists: Vec<ListOp>,
}

impl Setup {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            leases: self.leases,
            leases_per_connection: self.leases_per_connection,
            reports_per_lease: self.reports_per_lease,
            models_per_scope: 64,
            history_per_model: 3,
            history_per_pool: 9,
            ended_leases: 1_000,
            ended_lease_ms: 2_000,
            strikes_ms: 3_000,
            retired_ms: 2_500,
        }
    }

    /// The same with `FillFirst` in the place of `strategy`.
    pub(crate) fn without(mut self, strategy: Strategy) -> Self {
        let of_pools = self.pools.iter_mut().map(|(chosen, _)| chosen);
        let of_lists = self.lists.iter_mut().map(|list| &mut list.strategy);
        for chosen in of_pools.chain(of_lists).filter(|chosen| **chosen == strategy) {
            *chosen = Strategy::FillFirst;
        }
        self
    }

    fn policy(&self, pool: usize) -> Policy {
        let (strategy, cap) = self.pools[pool];
        let backoff = Backoff { base_ms: 100, factor_permille: 2_000, cap_ms: 700 };
        let cooldowns = Cooldowns {
            rate_limit: backoff,
            quota: backoff,
            billing: backoff,
            auth: backoff,
            forbidden: backoff,
            model: backoff,
            overloaded: backoff,
            server: backoff,
            edge: backoff,
            sole_ms: 150,
        };
        let guard = Guard { window_ms: 0, ..Guard::default() };
        let recovery = Recovery { probe_interval_ms: 500, silence_ms: 300, ramp_ms: 400, ramp_width: 4 };
        Policy { strategy, cap, lease_ttl_ms: 800, detached_ttl_ms: 600, cooldowns, recovery, guard }
    }
}

/// A command to be.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Edit(usize, Edit),
    Acquire(usize, AskOp, Option<u8>),
    Report { lease: usize, number: u64, model: Option<u8>, verdict: VerdictOp, keep: bool, next: Option<Option<AskOp>> },
    ReportWithout { credential: usize, epoch: usize, model: Option<u8>, verdict: VerdictOp },
    Release(usize, bool),
    Renew(usize, Option<u64>),
    Disconnect(u8),
    Clear { pool: usize, credential: Option<usize>, model: Option<u8> },
    Disable(usize, Option<u64>),
    Enable(usize),
    Import { credential: usize, at: i64, cause: Cause, until: UntilOp },
    Tick,
    Step(i64),
}

impl Op {
    /// Whether it may lead to a draw: of a credential, or of a window's jitter.
    pub(crate) fn is_left_to_chance(&self) -> bool {
        match self {
            Self::Edit(_, Edit::Strategy(strategy)) => *strategy == Strategy::Random,
            Self::Edit(_, Edit::Lists(lists)) => lists.iter().any(|list| list.strategy == Strategy::Random),
            Self::Report { verdict, .. } | Self::ReportWithout { verdict, .. } => {
                matches!(verdict.kind, Kind::Fault(_))
            }
            _ => false,
        }
    }
}

/// What somebody does to a pool's file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Nothing,
    Add {
        id: u8,
        secret: Option<u8>,
    },
    Remove(usize),
    Rotate(usize, Option<u8>),
    Account(usize, Option<u8>),
    SwapSecrets(usize, usize),
    ToTheEnd(usize),
    Cap(usize, Option<Cap>),
    /// When its secret runs out, told from now.
    Expiry(usize, Option<i64>),
    PoolCap(Cap),
    Strategy(Strategy),
    Lists(Vec<ListOp>),
}

/// A `Listing` whose profiles are numbered.
#[derive(Clone, Debug)]
pub(crate) struct ListOp {
    profiles: Vec<u8>,
    members: Vec<usize>,
    strategy: Strategy,
}

/// An `Ask` whose credentials are named by number.
#[derive(Clone, Debug)]
pub(crate) struct AskOp {
    pub(crate) profile: Option<u8>,
    pub(crate) model: Option<u8>,
    pub(crate) pin: Option<usize>,
    pub(crate) exclude: Vec<usize>,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) by_reference: bool,
}

/// A `Verdict` whose instant is told from now.
#[derive(Clone, Debug)]
pub(crate) struct VerdictOp {
    pub(crate) kind: Kind,
    pub(crate) reach: Reach,
    pub(crate) model: Option<u8>,
    pub(crate) after_ms: Option<u64>,
    pub(crate) at: Option<i64>,
}

/// An `Until` told from now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UntilOp {
    Boot(u64),
    Wall(i64),
    Lifted,
}

#[derive(Clone, Debug)]
struct Row {
    id: u8,
    secret: Option<u8>,
    account: Option<u8>,
    cap: Option<Cap>,
    expires: Option<Wall>,
}

#[derive(Clone, Debug)]
struct File {
    policy: Policy,
    rows: Vec<Row>,
    lists: Vec<ListOp>,
}

/// Where a script has come to.
pub(crate) struct Stage {
    pub(crate) now: Now,
    files: [File; 2],
    pools: Vec<PoolKey>,
    credentials: Vec<CredentialKey>,
    epochs: Vec<Seq>,
    tokens: Vec<TokenHash>,
    asked: u128,
}

impl Stage {
    pub(crate) fn new(setup: &Setup) -> Self {
        let file = |at: usize| {
            let rows =
                (0..setup.rows[at]).map(|id| Row { id, secret: Some(id), account: None, cap: None, expires: None });
            let lists = if at == 0 { setup.lists.clone() } else { Vec::new() };
            File { policy: setup.policy(at), rows: rows.collect(), lists }
        };
        Self {
            now: START,
            files: [file(0), file(1)],
            pools: Vec::new(),
            credentials: Vec::new(),
            epochs: vec![Seq(0)],
            tokens: Vec::new(),
            asked: 0,
        }
    }

    /// The commands that come before every script.
    pub(crate) fn prologue(&self) -> [Command; 2] {
        [self.define(0), self.define(1)]
    }

    /// What `op` asks for, `pause` milliseconds later.
    pub(crate) fn command(&mut self, pause: u64, op: &Op) -> Command {
        self.now = later(self.now, pause);
        match op {
            Op::Edit(pool, edit) => {
                self.edit(pool % 2, edit);
                self.define(pool % 2)
            }
            Op::Acquire(pool, ask, owner) => {
                let pool = self.pools[pool % 2];
                let ask = self.ask(ask);
                Command::Acquire(Acquire { pool, ask, token: self.token(), owner: owner.map(owner_of) })
            }
            Op::Report { lease, number, model, verdict, keep, next } => {
                let next = next.as_ref().map(|ask| match ask {
                    Some(ask) => Next::With { ask: self.ask(ask), token: self.token(), owner: Some(owner_of(0)) },
                    None => Next::Same { token: self.token(), connection: owner_of(1) },
                });
                let subject = Subject::Lease(self.lease(*lease));
                let verdict = self.verdict(verdict);
                let model = model.map(model_of);
                Command::Report(Report { subject, number: *number, model, verdict, keep: *keep, next })
            }
            Op::ReportWithout { credential, epoch, model, verdict } => {
                let epoch = self.epochs[self.epochs.len() - 1 - epoch % self.epochs.len()];
                let subject = Subject::Credential(self.credential(*credential), epoch);
                let verdict = self.verdict(verdict);
                let model = model.map(model_of);
                Command::Report(Report { subject, number: 0, model, verdict, keep: false, next: None })
            }
            Op::Release(lease, success) => Command::Release(Release { token: self.lease(*lease), success: *success }),
            Op::Renew(lease, ttl_ms) => Command::Renew(Renew { token: self.lease(*lease), ttl_ms: *ttl_ms }),
            Op::Disconnect(owner) => Command::Disconnect(owner_of(*owner)),
            Op::Clear { pool, credential, model } => Command::Clear(Clear {
                pool: self.pools[pool % 2],
                credential: credential.map(|credential| self.credential(credential)),
                model: model.map(model_of),
            }),
            Op::Disable(credential, for_ms) => Command::Disable(Disable {
                credential: self.credential(*credential),
                for_ms: *for_ms,
                note: "maintenance".into(),
            }),
            Op::Enable(credential) => Command::Enable(self.credential(*credential)),
            Op::Import { credential, at, cause, until } => Command::Import(Import {
                credential: self.credential(*credential),
                at: Wall(self.now.wall.0.saturating_add_signed(*at)),
                cause: *cause,
                until: match until {
                    UntilOp::Boot(ms) => Until::boot(self.now.boot.after(*ms)),
                    UntilOp::Wall(ms) => Until::wall(Wall(self.now.wall.0.saturating_add_signed(*ms))),
                    UntilOp::Lifted => Until::Lifted,
                },
                status: Some(429),
                rule: "legacy".into(),
            }),
            Op::Tick => Command::Tick,
            Op::Step(ms) => {
                self.now = stepped(self.now, *ms);
                Command::Tick
            }
        }
    }

    /// Learns from a reply what later operations may name.
    pub(crate) fn observe(&mut self, command: &Command, reply: &Reply) {
        let mut granted = |token: TokenHash, grant: &credpool_core::Grant| {
            self.tokens.push(token);
            self.epochs.push(grant.epoch);
        };
        match (command, reply) {
            (Command::Define(_), Reply::Defined(defined)) => {
                if !self.pools.contains(&defined.pool) {
                    self.pools.push(defined.pool);
                }
                for key in &defined.keys {
                    if !self.credentials.contains(key) {
                        self.credentials.push(*key);
                    }
                }
            }
            (Command::Acquire(acquire), Reply::Acquired(Ok(grant))) => granted(acquire.token, grant),
            (
                Command::Report(Report { next: Some(next), .. }),
                Reply::Reported(Ok(Reported { next: Some(Ok(grant)), .. })),
            ) => {
                let (Next::Same { token, .. } | Next::With { token, .. }) = next;
                granted(*token, grant);
            }
            _ => {}
        }
    }

    fn edit(&mut self, pool: usize, edit: &Edit) {
        let File { policy, rows, lists } = &mut self.files[pool];
        let count = rows.len().max(1);
        match edit {
            Edit::Add { id, secret } if rows.iter().all(|row| row.id != *id) => {
                rows.push(Row { id: *id, secret: *secret, account: None, cap: None, expires: None });
            }
            Edit::Remove(row) if !rows.is_empty() => {
                rows.remove(row % count);
            }
            Edit::SwapSecrets(one, other) if !rows.is_empty() => {
                let (one, other) = (one % count, other % count);
                let secret = rows[one].secret;
                rows[one].secret = rows[other].secret;
                rows[other].secret = secret;
            }
            Edit::ToTheEnd(row) if !rows.is_empty() => {
                let row = rows.remove(row % count);
                rows.push(row);
            }
            Edit::Rotate(row, secret) if !rows.is_empty() => rows[row % count].secret = *secret,
            Edit::Account(row, account) if !rows.is_empty() => rows[row % count].account = *account,
            Edit::Cap(row, cap) if !rows.is_empty() => rows[row % count].cap = *cap,
            Edit::Expiry(row, from_now) if !rows.is_empty() => {
                let wall = self.now.wall.0;
                rows[row % count].expires = from_now.map(|ms| Wall(wall.saturating_add_signed(ms)));
            }
            Edit::PoolCap(cap) => policy.cap = *cap,
            Edit::Strategy(strategy) => policy.strategy = *strategy,
            Edit::Lists(others) => lists.clone_from(others),
            _ => {}
        }
    }

    fn define(&self, pool: usize) -> Command {
        let File { policy, rows, lists } = &self.files[pool];
        let definitions = rows.iter().map(|row| {
            let fingerprint = row.secret.map(|secret| Arc::<str>::from(format!("sha256:{secret}")));
            let account = match (row.account, &fingerprint) {
                (Some(account), _) => format!("account {account}").into(),
                (None, Some(fingerprint)) => Arc::clone(fingerprint),
                (None, None) => format!("account of row {}", row.id).into(),
            };
            let id = format!("row {}", row.id).into();
            let unresolved = "it is not here".into();
            let referable = row.id % 3 != 0;
            Definition {
                id,
                fingerprint,
                unresolved,
                referable,
                account,
                cap: row.cap,
                expires: row.expires,
                grants: 0,
            }
        });
        let lists = lists.iter().map(|list| Listing {
            profiles: list.profiles.iter().copied().map(profile_of).collect(),
            members: list.members.clone(),
            strategy: list.strategy,
        });
        let (name, policy) = (format!("pool {pool}").into(), policy.clone());
        Command::Define(Define { pool: name, policy, definitions: definitions.collect(), lists: lists.collect() })
    }

    fn ask(&self, ask: &AskOp) -> Ask {
        Ask {
            profile: ask.profile.map(profile_of),
            model: ask.model.map(model_of),
            pin: ask.pin.map(|pin| self.credential(pin)),
            exclude: ask.exclude.iter().map(|key| self.credential(*key)).collect(),
            ttl_ms: ask.ttl_ms,
            by_reference: ask.by_reference,
        }
    }

    fn verdict(&self, verdict: &VerdictOp) -> Verdict {
        Verdict {
            kind: verdict.kind,
            reach: verdict.reach,
            model: verdict.model.map(model_of),
            after_ms: verdict.after_ms,
            at: verdict.at.map(|at| Wall(self.now.wall.0.saturating_add_signed(at))),
            status: Some(429),
            rule: "rule".into(),
            evidence: None,
        }
    }

    /// Leases are counted back from the last.
    fn lease(&self, lease: usize) -> TokenHash {
        let nobody = TokenHash(u128::MAX);
        if self.tokens.is_empty() { nobody } else { self.tokens[self.tokens.len() - 1 - lease % self.tokens.len()] }
    }

    fn credential(&self, credential: usize) -> CredentialKey {
        let nobody = CredentialKey(u32::MAX);
        if self.credentials.is_empty() { nobody } else { self.credentials[credential % self.credentials.len()] }
    }

    fn token(&mut self) -> TokenHash {
        self.asked += 1;
        TokenHash(self.asked)
    }
}

fn owner_of(connection: u8) -> Owner {
    Owner { run: 1, connection: u64::from(connection) }
}

fn profile_of(profile: u8) -> Profile {
    format!("profile {profile}").into()
}

fn model_of(model: u8) -> Model {
    format!("model {model}").into()
}

// ---- generating ------------------------------------------------------------------------------------------------

/// A setup and a script of at most `length` operations.
pub(crate) fn scripts(length: usize) -> impl proptest::strategy::Strategy<Value = (Setup, Vec<(u64, Op)>)> {
    (setups(), collection::vec((pauses(), ops()), 1..length))
}

fn setups() -> impl proptest::strategy::Strategy<Value = Setup> {
    let few_or_many = |few: usize| sample::select(vec![64, few]);
    let limits = (few_or_many(4), few_or_many(2), few_or_many(2));
    let pool = || (strategies(), caps());
    (any::<u64>(), limits, pool(), pool(), 1..=ROWS, 0..=2u8, lists()).prop_map(
        |(seed, (leases, leases_per_connection, reports_per_lease), first, second, rows, others, lists)| Setup {
            seed,
            leases,
            leases_per_connection,
            reports_per_lease,
            pools: [first, second],
            rows: [rows, others],
            lists,
        },
    )
}

/// Lists that meet: of few rows, some of all of them, and some of profiles that stand in others too.
fn lists() -> impl proptest::strategy::Strategy<Value = Vec<ListOp>> {
    let some = collection::vec(0..usize::from(ROWS) + 1, 0..5);
    let members = prop_oneof![3 => some, 1 => Just((0..usize::from(ROWS)).collect())];
    let list = (collection::vec(0..3u8, 0..3), members, strategies());
    collection::vec(list.prop_map(|(profiles, members, strategy)| ListOp { profiles, members, strategy }), 0..4)
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    sample::select(vec![Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random])
}

fn caps() -> impl proptest::strategy::Strategy<Value = Cap> {
    (1..=2u32, any::<bool>()).prop_map(|(max_in_flight, hard)| Cap { max_in_flight, hard })
}

fn ops() -> impl proptest::strategy::Strategy<Value = Op> {
    let pool = || prop_oneof![4 => Just(0usize), 1 => Just(1usize)];
    let recent = || prop_oneof![6 => 0..4usize, 1 => 0..20usize];
    let credential = || 0..8usize;
    let owner = || option::of(0..3u8);
    let number = || prop_oneof![4 => Just(0u64), 1 => 1..4u64];
    let model = || option::weighted(0.5, 0..2u8);
    prop_oneof![
        2 => (pool(), edits()).prop_map(|(pool, edit)| Op::Edit(pool, edit)),
        8 => (pool(), asks(), owner()).prop_map(|(pool, ask, owner)| Op::Acquire(pool, ask, owner)),
        7 => (recent(), number(), model(), verdicts(), prop::weighted(3), option::weighted(0.3, option::of(asks())))
            .prop_map(|(lease, number, model, verdict, keep, next)| {
                Op::Report { lease, number, model, verdict, keep, next }
            }),
        1 => (credential(), recent(), model(), verdicts())
            .prop_map(|(credential, epoch, model, verdict)| Op::ReportWithout { credential, epoch, model, verdict }),
        4 => (recent(), any::<bool>()).prop_map(|(lease, success)| Op::Release(lease, success)),
        1 => (recent(), option::of(0..1_500u64)).prop_map(|(lease, ttl_ms)| Op::Renew(lease, ttl_ms)),
        1 => (0..3u8).prop_map(Op::Disconnect),
        2 => (pool(), option::weighted(0.7, credential()), option::weighted(0.3, 0..3u8))
            .prop_map(|(pool, credential, model)| Op::Clear { pool, credential, model }),
        1 => (credential(), option::of(0..900u64)).prop_map(|(credential, for_ms)| Op::Disable(credential, for_ms)),
        1 => credential().prop_map(Op::Enable),
        1 => imports(),
        1 => Just(Op::Tick),
        1 => steps().prop_map(Op::Step),
    ]
}

/// True once in so many.
mod prop {
    use proptest::prelude::Strategy as _;

    pub(super) fn weighted(one_in: u32) -> impl proptest::strategy::Strategy<Value = bool> {
        (0..one_in).prop_map(|draw| draw + 1 == 3)
    }
}

fn pauses() -> impl proptest::strategy::Strategy<Value = u64> {
    prop_oneof![24 => Just(0u64), 4 => 0..120u64, 4 => 50..1_000u64, 1 => 1_000..3_500u64]
}

fn steps() -> impl proptest::strategy::Strategy<Value = i64> {
    let hour = i64::try_from(HOUR).expect("an hour is small");
    let day = i64::try_from(DAY).expect("a day is small");
    prop_oneof![
        3 => -900..900i64,
        3 => -5_000..5_000i64,
        1 => sample::select(vec![-hour, hour, -day, day, i64::MIN]),
    ]
}

fn edits() -> BoxedStrategy<Edit> {
    let row = || 0..usize::from(ROWS);
    let secret = || option::weighted(0.8, 0..4u8);
    prop_oneof![
        Just(Edit::Nothing),
        (0..ROWS, secret()).prop_map(|(id, secret)| Edit::Add { id, secret }),
        row().prop_map(Edit::Remove),
        (row(), secret()).prop_map(|(row, secret)| Edit::Rotate(row, secret)),
        (row(), option::of(0..2u8)).prop_map(|(row, account)| Edit::Account(row, account)),
        (row(), row()).prop_map(|(one, other)| Edit::SwapSecrets(one, other)),
        row().prop_map(Edit::ToTheEnd),
        (row(), option::of(caps())).prop_map(|(row, cap)| Edit::Cap(row, cap)),
        (row(), option::weighted(0.8, -500..2_500i64)).prop_map(|(row, from_now)| Edit::Expiry(row, from_now)),
        caps().prop_map(Edit::PoolCap),
        strategies().prop_map(Edit::Strategy),
        lists().prop_map(Edit::Lists),
    ]
    .boxed()
}

fn asks() -> BoxedStrategy<AskOp> {
    let pin = option::weighted(0.15, 0..8usize);
    let exclude = prop_oneof![4 => Just(Vec::new()), 1 => collection::vec(0..8usize, 1..4)];
    let (profile, model) = (option::weighted(0.3, 0..3u8), option::weighted(0.5, 0..3u8));
    (profile, model, pin, exclude, option::weighted(0.2, 0..1_500u64), prop::weighted(4))
        .prop_map(|(profile, model, pin, exclude, ttl_ms, by_reference)| AskOp {
            profile,
            model,
            pin,
            exclude,
            ttl_ms,
            by_reference,
        })
        .boxed()
}

fn verdicts() -> BoxedStrategy<VerdictOp> {
    let ordinary = sample::select(vec![
        Cause::RateLimit,
        Cause::RateLimit,
        Cause::RateLimit,
        Cause::Quota,
        Cause::Billing,
        Cause::Auth,
        Cause::Dead,
        Cause::Forbidden,
        Cause::Model,
        Cause::Overloaded,
        Cause::Server,
        Cause::Edge,
        Cause::Network,
    ]);
    let kind = prop_oneof![
        16 => ordinary.prop_map(Kind::Fault),
        1 => sample::select(vec![Kind::Request, Kind::Cancelled, Kind::Unknown]),
        1 => sample::select(vec![Kind::Fault(Cause::Disabled), Kind::Fault(Cause::NoSecret)]),
    ];
    let reach = prop_oneof![
        5 => Just(Reach::Credential),
        5 => Just(Reach::Account),
        2 => Just(Reach::Pool),
        1 => Just(Reach::None),
    ];
    let after = option::weighted(0.4, prop_oneof![1 => Just(0u64), 6 => 1..1_500u64]);
    let at = option::weighted(0.3, -500..2_500i64);
    (kind, reach, option::weighted(0.4, 0..3u8), after, at)
        .prop_map(|(kind, reach, model, after_ms, at)| VerdictOp { kind, reach, model, after_ms, at })
        .boxed()
}

fn imports() -> BoxedStrategy<Op> {
    let cause =
        sample::select(vec![Cause::RateLimit, Cause::Quota, Cause::Billing, Cause::Auth, Cause::Dead, Cause::Disabled]);
    let until = prop_oneof![
        (0..1_000u64).prop_map(UntilOp::Boot),
        (-500..2_000i64).prop_map(UntilOp::Wall),
        Just(UntilOp::Lifted)
    ];
    (0..8usize, -2_000..100i64, cause, until)
        .prop_map(|(credential, at, cause, until)| Op::Import { credential, at, cause, until })
        .boxed()
}
