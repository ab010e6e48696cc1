//! One run: virtual time, agents and an operator around a core, and the witness who sees every command and reply.

use std::collections::BTreeMap;

use credpool_core::{
    Backoff, Cap, Command, Cooldowns, CredentialKey, Guard, Limits, Now, Policy, PoolKey, Recovery, Reply, Strategy,
    TokenHash, WaiterNo, Wall,
};

use super::agent::Agent;
use super::dice::Dice;
use super::lie::Liar;
use super::operator::Operator;
use super::witness::Witness;
use crate::support::{MINUTE, START, later, stepped};

/// How long agents are at work.
const LASTS: u64 = 4 * MINUTE;

pub(super) struct Run {
    core: Liar,
    now: Now,
    witness: Witness,
    tokens: u128,
    pools: Vec<PoolKey>,
    keys: Vec<CredentialKey>,
    /// Whether those who waited were served.
    answers: BTreeMap<WaiterNo, bool>,
    log: Vec<(Now, Command, Reply)>,
}

/// What a run has shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) commands: usize,
    pub(super) grants: u64,
    pub(super) restrictions: u64,
    pub(super) pauses: u64,
    pub(super) served: u64,
}

#[derive(Clone, Copy)]
enum Who {
    Agent(usize),
    Operator,
}

pub(super) const LIMITS: Limits = Limits {
    leases: 60,
    leases_per_connection: 3,
    waiters: 25,
    waiters_per_connection: 2,
    waiters_per_user: 20,
    queues_per_pool: 12,
    bindings: 6,
    reports_per_lease: 8,
    models_per_scope: 64,
    quotas_per_account: 4,
    quotas: 12,
    quota_ms: 20_000,
    history_per_model: 20,
    history_per_pool: 300,
    ended_leases: 150,
    ended_lease_ms: 60_000,
    strikes_ms: 90_000,
    retired_ms: 45_000,
};

pub(super) const RECOVERY: Recovery =
    Recovery { probe_interval_ms: 12_000, silence_ms: 5_000, ramp_ms: 4_000, ramp_width: 8 };

pub(super) const STRATEGIES: [Strategy; 6] = [
    Strategy::FillFirst,
    Strategy::RoundRobin,
    Strategy::LeastUsed,
    Strategy::Random,
    Strategy::Headroom,
    Strategy::ResetSoon,
];

pub(super) const GUARD: Guard = Guard {
    window_ms: 3_000,
    faults: 2,
    refusals: 3,
    pause: Backoff { base_ms: 1_000, factor_permille: 2_000, cap_ms: 8_000 },
};

/// Of whatever cause. Its first step is shorter than what a sole credential is left alone for.
pub(super) const BACKOFF: Backoff = Backoff { base_ms: 1_500, factor_permille: 2_000, cap_ms: 20_000 };

fn policy(dice: &mut Dice) -> Policy {
    let backoff = BACKOFF;
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
        sole_ms: 3_000,
    };
    let of_large = Cap { max_in_flight: if dice.chance(50) { 1 } else { 2 }, hard: dice.chance(75) };
    Policy {
        strategy: dice.one_of(&STRATEGIES).unwrap_or_default(),
        cap: Cap { max_in_flight: if dice.chance(50) { 1 } else { 4 }, hard: dice.chance(75) },
        reserve_permille: if dice.chance(30) { 200 } else { 0 },
        models: if dice.chance(50) { BTreeMap::from([("large".into(), of_large)]) } else { BTreeMap::new() },
        total: dice.chance(30).then_some(9),
        lease_ttl_ms: 40_000,
        detached_ttl_ms: 15_000,
        affinity_ttl_ms: 20_000,
        cooldowns,
        recovery: RECOVERY,
        guard: if dice.chance(75) { GUARD } else { Guard { window_ms: 0, ..GUARD } },
    }
}

impl Run {
    /// Plays out everything that follows from `seed`.
    pub(super) fn play(seed: u64, core: Liar) -> Result<Shown, String> {
        let mut dice = Dice::new(seed);
        let (witness, tokens) = (Witness::new(LIMITS), 0);
        let mut run = Self {
            core,
            now: START,
            witness,
            tokens,
            pools: Vec::new(),
            keys: Vec::new(),
            answers: BTreeMap::new(),
            log: Vec::new(),
        };
        let mut operator = Operator::new(policy(&mut dice), dice.between(3, 8));
        run.apply(operator.define())?;
        let mut agents: Vec<Agent> = (1..=dice.between(20, 50)).map(Agent::new).collect();
        // A machine that sleeps now and then hears of nothing meanwhile.
        let sleepy = dice.chance(20);

        let mut due = BTreeMap::new();
        let mut number = 0u64;
        let mut plan = |due: &mut BTreeMap<(u64, u64), Who>, at: u64, who: Who| {
            number += 1;
            due.insert((at, number), who);
        };
        for agent in 0..agents.len() {
            plan(&mut due, run.now.boot.0 + dice.between(0, 2_000), Who::Agent(agent));
        }
        plan(&mut due, run.now.boot.0 + 5_000, Who::Operator);
        let end = run.now.boot.0 + LASTS;
        while let Some(((at, _), who)) = due.pop_first().filter(|((at, _), _)| *at < end) {
            if !sleepy || !dice.chance(10) {
                run.fire_until(at)?;
            }
            run.advance_to(at);
            let delay = match who {
                Who::Agent(agent) => agents[agent].act(&mut run, &mut dice)?,
                Who::Operator => operator.act(&mut run, &mut dice)?,
            };
            plan(&mut due, run.now.boot.0 + delay, who);
        }
        run.drain(&mut agents)?;
        run.core.replay(&run.log)?;
        let Self { log, witness, .. } = run;
        let Witness { grants, restrictions, pauses, served, .. } = witness;
        Ok(Shown { commands: log.len(), grants, restrictions, pauses, served })
    }

    /// Applies a command, after a tick if something is due: so the witness knows what came of time, and what of the
    /// command.
    pub(super) fn apply(&mut self, command: Command) -> Result<Reply, String> {
        let next = self.core.core().next_deadline();
        let is_due = next.boot.is_some_and(|at| at <= self.now.boot) || next.wall.is_some_and(|at| at <= self.now.wall);
        if is_due {
            self.apply_one(Command::Tick)?;
        }
        self.apply_one(command)
    }

    fn apply_one(&mut self, command: Command) -> Result<Reply, String> {
        let told = |error: String| format!("{error}\n at {:?}, {command:?}", self.now);
        let reply = self.core.apply(self.now, &command).map_err(told)?;
        let settled = self.core.settled();
        self.answers.extend(settled.iter().map(|settled| (settled.waiter, settled.answer.is_ok())));
        let seen = self.witness.see(self.now, &command, &reply, &settled, self.core.core());
        seen.map_err(|error| format!("{error}\n at {:?}, {command:?}\n {reply:?}", self.now))?;
        if let Reply::Defined(defined) = &reply {
            self.pools = vec![defined.pool];
            let news: Vec<CredentialKey> =
                defined.keys.iter().filter(|key| !self.keys.contains(key)).copied().collect();
            self.keys.extend(news);
        }
        self.log.push((self.now, command, reply.clone()));
        Ok(reply)
    }

    /// Whether one who waited was served, if it was answered.
    pub(super) fn answer(&mut self, no: WaiterNo) -> Option<bool> {
        self.answers.remove(&no)
    }

    pub(super) fn now(&self) -> Now {
        self.now
    }

    pub(super) fn token(&mut self) -> TokenHash {
        self.tokens += 1;
        TokenHash(self.tokens)
    }

    /// Every credential that there ever was.
    pub(super) fn keys(&self) -> Vec<CredentialKey> {
        self.keys.clone()
    }

    /// The instant that is so many milliseconds from now.
    pub(super) fn instant(&self, ms: u64) -> Wall {
        self.now.wall.after(ms)
    }

    /// Mostly the pool; now and then one that is not there.
    pub(super) fn pool(&self, dice: &mut Dice) -> PoolKey {
        if dice.chance(1) { PoolKey(u32::MAX) } else { self.pools.first().copied().unwrap_or_default() }
    }

    pub(super) fn step(&mut self, ms: i64) {
        // Into 1970 and back again.
        let from = if self.now.wall < START.wall { Now { wall: START.wall, ..self.now } } else { self.now };
        self.now = stepped(from, ms);
    }

    fn advance_to(&mut self, boot: u64) {
        self.now = later(self.now, boot.saturating_sub(self.now.boot.0));
    }

    /// Ticks at every deadline before `boot`, as a daemon does.
    fn fire_until(&mut self, boot: u64) -> Result<(), String> {
        loop {
            let next = self.core.core().next_deadline();
            let by_wall = next.wall.map(|at| self.now.boot.after(at.since(self.now.wall)).0);
            let at = next.boot.map(|at| at.0).into_iter().chain(by_wall).min();
            let Some(at) = at.filter(|at| *at <= boot) else { return Ok(()) };
            self.advance_to(at);
            self.apply(Command::Tick)?;
        }
    }

    /// Everybody goes, every lease ends, and every slot comes back.
    fn drain(&mut self, agents: &mut [Agent]) -> Result<(), String> {
        for agent in agents {
            agent.leave(self)?;
        }
        let last = self.now.boot.0 + 2 * LASTS;
        self.fire_until(last)?;
        self.advance_to(last);
        self.apply(Command::Tick)?;
        self.witness.all_is_given_back(self.core.core())?;
        let records = self.core.core().records();
        if records.leases.is_empty() {
            Ok(())
        } else {
            Err(format!("ended leases are remembered for ever: {:?}", records.leases))
        }
    }
}
