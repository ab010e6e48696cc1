//! Commands that can be generated and shrunk: an [`Op`] names leases, rows and epochs by what came before it, and a
//! [`Stage`] makes the command of it. Each comes some milliseconds after the one before.

mod file;
pub(crate) mod generating;
mod readings;

use std::collections::BTreeMap;

use credpool_core::{
    Acquire, Ask, Backoff, Cap, Cause, Class, Clear, Command, Cooldowns, CredentialKey, Disable, Evidence, Guard,
    Import, Kind, Limits, Model, Next, Now, Owner, Policy, PoolKey, Profile, Reach, Recovery, Release, Renew, Reply,
    Report, Reported, Seq, Session, Strategy, Subject, TokenHash, Until, Verdict, Wait, Wall,
};

use crate::support::{START, later, stepped};
pub(crate) use file::Edit;
use file::{File, ListOp};
pub(crate) use generating::scripts;
pub(crate) use readings::ReadingOp;

/// Rows that a pool's file may have.
const ROWS: u8 = 6;

/// What a run starts with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    leases: usize,
    leases_per_connection: usize,
    reports_per_lease: usize,
    waiters: usize,
    waiters_per_connection: usize,
    waiters_per_user: usize,
    queues_per_pool: usize,
    bindings: usize,
    pools: [(Strategy, Cap); 2],
    rows: [u8; 2],
    lists: Vec<ListOp>,
    /// Whether failures may be the provider's.
    guarded: bool,
}

impl Setup {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            leases: self.leases,
            leases_per_connection: self.leases_per_connection,
            waiters: self.waiters,
            waiters_per_connection: self.waiters_per_connection,
            waiters_per_user: self.waiters_per_user,
            queues_per_pool: self.queues_per_pool,
            bindings: self.bindings,
            reports_per_lease: self.reports_per_lease,
            models_per_scope: 64,
            quotas_per_account: 64,
            quotas: 1_000,
            quota_ms: 1_500,
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
        let pause = Backoff { base_ms: 120, factor_permille: 2_000, cap_ms: 500 };
        let guard = Guard { window_ms: if self.guarded { 300 } else { 0 }, faults: 2, refusals: 3, pause };
        let recovery = Recovery { probe_interval_ms: 500, silence_ms: 300, ramp_ms: 400, ramp_width: 4 };
        Policy {
            strategy,
            cap,
            reserve_permille: 0,
            models: BTreeMap::new(),
            total: None,
            lease_ttl_ms: 800,
            detached_ttl_ms: 600,
            affinity_ttl_ms: 1_200,
            cooldowns,
            recovery,
            guard,
        }
    }
}

/// A command to be.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Edit(usize, Edit),
    Acquire(usize, AskOp, Option<u8>, Option<WaitOp>),
    Report {
        lease: usize,
        number: u64,
        model: Option<u8>,
        verdict: VerdictOp,
        readings: Vec<ReadingOp>,
        keep: bool,
        next: Option<Option<AskOp>>,
    },
    ReportWithout {
        credential: usize,
        epoch: usize,
        model: Option<u8>,
        verdict: VerdictOp,
    },
    Release(usize, bool, Vec<ReadingOp>),
    Renew {
        lease: usize,
        ttl_ms: Option<u64>,
        let_go_by: Option<u8>,
    },
    Disconnect(u8),
    Clear {
        pool: usize,
        credential: Option<usize>,
        model: Option<u8>,
    },
    Disable(usize, Option<u64>),
    Enable(usize),
    Import {
        credential: usize,
        at: i64,
        cause: Cause,
        until: UntilOp,
    },
    Tick,
    Step(i64),
}

impl Op {
    /// The same without waiting.
    pub(crate) fn at_once(self) -> Self {
        match self {
            Self::Acquire(pool, ask, owner, _) => Self::Acquire(pool, ask, owner, None),
            op => op,
        }
    }

    /// Whether it may lead to a draw: of a credential, or of a window's jitter.
    pub(crate) fn is_left_to_chance(&self) -> bool {
        match self {
            Self::Report { verdict, .. } | Self::ReportWithout { verdict, .. } => {
                matches!(verdict.kind, Kind::Fault(_))
            }
            _ => self.draws_a_credential(),
        }
    }

    /// Whether it says of something when it is by the wall clock.
    pub(crate) fn names_an_instant(&self) -> bool {
        match self {
            Self::Report { verdict, readings, .. } => {
                verdict.at.is_some() || readings.iter().any(ReadingOp::names_an_instant)
            }
            Self::ReportWithout { verdict, .. } => verdict.at.is_some(),
            Self::Release(_, _, readings) => readings.iter().any(ReadingOp::names_an_instant),
            Self::Edit(_, Edit::Expiry(_, from_now)) => from_now.is_some(),
            Self::Import { .. } => true,
            _ => false,
        }
    }

    /// Whether it may lead to credentials that are drawn by lot.
    pub(crate) fn draws_a_credential(&self) -> bool {
        match self {
            Self::Edit(_, Edit::Strategy(strategy)) => *strategy == Strategy::Random,
            Self::Edit(_, Edit::Lists(lists)) => lists.iter().any(|list| list.strategy == Strategy::Random),
            _ => false,
        }
    }
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
    pub(crate) class: Class,
    pub(crate) session: Option<u8>,
}

/// A `Wait` whose connection is numbered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitOp {
    pub(crate) ms: u64,
    pub(crate) connection: u8,
}

/// A `Verdict` whose instant is told from now.
#[derive(Clone, Debug)]
pub(crate) struct VerdictOp {
    pub(crate) kind: Kind,
    pub(crate) reach: Reach,
    pub(crate) model: Option<u8>,
    pub(crate) after_ms: Option<u64>,
    pub(crate) at: Option<i64>,
    pub(crate) status: Option<u16>,
    /// Whether it stood somewhere.
    pub(crate) evident: bool,
}

/// An `Until` told from now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UntilOp {
    Boot(u64),
    Wall(i64),
    Lifted,
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
            let lists = if at == 0 { setup.lists.clone() } else { Vec::new() };
            File::new(setup.policy(at), setup.rows[at], lists)
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
        [self.files[0].define(0), self.files[1].define(1)]
    }

    /// What `op` asks for, `pause` milliseconds later.
    pub(crate) fn command(&mut self, pause: u64, op: &Op) -> Command {
        self.now = later(self.now, pause);
        match op {
            Op::Edit(pool, edit) => {
                let file = &mut self.files[pool % 2];
                file.edit(edit, self.now);
                file.define(pool % 2)
            }
            Op::Acquire(pool, ask, owner, wait) => {
                let pool = self.pools[pool % 2];
                let ask = self.ask(ask);
                let wait = wait.map(|wait| Wait { ms: wait.ms, connection: owner_of(wait.connection) });
                Command::Acquire(Acquire { pool, ask, token: self.token(), owner: owner.map(owner_of), wait })
            }
            Op::Report { lease, number, model, verdict, readings, keep, next } => {
                let next = next.as_ref().map(|ask| match ask {
                    Some(ask) => Next::With { ask: self.ask(ask), token: self.token(), owner: Some(owner_of(0)) },
                    None => Next::Same { token: self.token(), connection: owner_of(1) },
                });
                let subject = Subject::Lease(self.lease(*lease));
                let (verdict, readings) = (self.verdict(verdict), self.readings(readings));
                let model = model.map(model_of);
                Command::Report(Report { subject, number: *number, model, verdict, readings, keep: *keep, next })
            }
            Op::ReportWithout { credential, epoch, model, verdict } => {
                let epoch = self.epochs[self.epochs.len() - 1 - epoch % self.epochs.len()];
                let subject = Subject::Credential(self.credential(*credential), epoch);
                let verdict = self.verdict(verdict);
                let model = model.map(model_of);
                Command::Report(Report {
                    subject,
                    number: 0,
                    model,
                    verdict,
                    readings: Vec::new(),
                    keep: false,
                    next: None,
                })
            }
            Op::Release(lease, success, readings) => {
                let (token, readings) = (self.lease(*lease), self.readings(readings));
                Command::Release(Release { token, success: *success, readings })
            }
            Op::Renew { lease, ttl_ms, let_go_by } => {
                Command::Renew(Renew { token: self.lease(*lease), ttl_ms: *ttl_ms, let_go_by: let_go_by.map(owner_of) })
            }
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
            // It may be spoken of before it is granted.
            (Command::Acquire(acquire), Reply::Queued(_)) => self.tokens.push(acquire.token),
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

    fn ask(&self, ask: &AskOp) -> Ask {
        Ask {
            profile: ask.profile.map(profile_of),
            model: ask.model.map(model_of),
            pin: ask.pin.map(|pin| self.credential(pin)),
            exclude: ask.exclude.iter().map(|key| self.credential(*key)).collect(),
            ttl_ms: ask.ttl_ms,
            by_reference: ask.by_reference,
            class: ask.class,
            session: ask.session.map(|session| Session(u128::from(session))),
        }
    }

    fn verdict(&self, verdict: &VerdictOp) -> Verdict {
        Verdict {
            kind: verdict.kind,
            reach: verdict.reach,
            model: verdict.model.map(model_of),
            after_ms: verdict.after_ms,
            at: verdict.at.map(|at| Wall(self.now.wall.0.saturating_add_signed(at))),
            status: verdict.status,
            rule: "rule".into(),
            evidence: verdict.evident.then(|| Evidence { source: "body:error.code".into(), raw: "code".into() }),
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
    Owner { run: 1, connection: u64::from(connection), user: u32::from(connection / 2) }
}

fn profile_of(profile: u8) -> Profile {
    format!("profile {profile}").into()
}

fn model_of(model: u8) -> Model {
    format!("model {model}").into()
}
