//! No command goes through a pool: what it costs hardly depends on the pool's size.
//!
//! Time says little on a busy machine, so instructions are counted: this program runs itself under valgrind, which needs
//! to be there, with a small pool and a large one, and with some rounds of commands more and less.

use std::process::Command as Process;

use credpool_core::{
    Acquire, Ask, Cause, Clear, Command, Core, CredentialKey, Define, Definition, Disable, Kind, Limits, Listing, Next,
    Owner, Policy, PoolKey, Reach, Reading, Release, Renew, Reply, Report, Strategy, Subject, TokenHash, Verdict,
};

use crate::support::{START, later};

const SMALL: u64 = 64;
const LARGE: u64 = 256 * SMALL;

/// Searches in deeper trees cost a little more; looking at each credential in one of the commands, much more than this.
const ALLOWED: f64 = 1.3;

struct Work {
    core: Core,
    pool: PoolKey,
    keys: Vec<CredentialKey>,
    at: u64,
    tokens: u128,
}

impl Work {
    fn new(strategy: Strategy, size: u64) -> Self {
        let policy = Policy { strategy, ..Policy::default() };
        let definition = |id: u64| Definition {
            id: format!("row {id}").into(),
            fingerprint: Some(format!("sha256:{id}").into()),
            unresolved: "".into(),
            referable: true,
            account: format!("account {}", id / 2).into(),
            cap: None,
            expires: None,
            grants: 0,
        };
        let mut core = Core::new(1, Limits { ended_leases: 64, ..Limits::default() });
        let places = 0..usize::try_from(size).expect("it fits");
        let list = Listing { profiles: vec!["listed".into()], members: places.rev().step_by(2).collect(), strategy };
        let definitions = (0..size).map(definition).collect();
        let define = Define { pool: "pool".into(), policy, definitions, lists: vec![list] };
        let Reply::Defined(defined) = core.apply(START, Command::Define(define)) else { panic!("defined") };
        Self { core, pool: defined.pool, keys: defined.keys, at: 0, tokens: 0 }
    }

    fn apply(&mut self, command: Command) -> Reply {
        self.at += 10;
        let reply = self.core.apply(later(START, self.at), command);
        assert!(self.core.next_deadline().boot.is_some());
        assert!(self.core.changes().count() < 64, "so many changes are a scan");
        reply
    }

    fn acquire(&mut self, ask: Ask) -> TokenHash {
        self.tokens += 1;
        let token = TokenHash(self.tokens);
        let owner = Some(Owner { run: 1, connection: 1, user: 0 });
        let reply = self.apply(Command::Acquire(Acquire { pool: self.pool, ask, token, owner, wait: None }));
        assert!(matches!(reply, Reply::Acquired(Ok(_))), "{reply:?}");
        token
    }

    /// What a response says is left: of a few windows, other numbers each time.
    fn readings(round: usize) -> Vec<Reading> {
        let reading = |name: &str, model: Option<&str>| Reading {
            name: name.into(),
            model: model.map(Into::into),
            limit: Some(1_000),
            remaining: Some(500),
            used_permille: u32::try_from(round * 37 % 900).ok(),
            length_ms: None,
            after_ms: Some(2_000),
            at: None,
            refills: false,
            spent: false,
            verdict: None,
        };
        vec![reading("5h", None), reading("tokens", Some("large"))]
    }

    /// Everything that happens in a day: no definitions, no step of the clock, no clear of a whole pool.
    fn round(&mut self, round: usize) {
        let some = self.keys[(round * 37) % self.keys.len()];
        let other = self.keys[(round * 53 + 1) % self.keys.len()];
        let kept = self.acquire(Ask::default());
        let listed = self.acquire(Ask { profile: Some("listed".into()), ..Ask::default() });
        let failing = self.acquire(Ask { model: Some("large".into()), exclude: vec![other], ..Ask::default() });
        self.apply(Command::Renew(Renew { token: kept, ttl_ms: Some(60_000), let_go_by: None }));
        self.tokens += 1;
        let (token, connection) = (TokenHash(self.tokens), Owner { run: 1, connection: 2, user: 0 });
        let verdict = |model: Option<&str>| Verdict {
            kind: Kind::Fault(Cause::RateLimit),
            reach: Reach::Account,
            model: model.map(Into::into),
            after_ms: Some(5_000),
            at: Some(START.wall.after(self.at + 9_000)),
            status: Some(429),
            rule: "rule".into(),
            evidence: None,
        };
        let verdicts = [verdict(Some("large")), verdict(None)];
        let next = Some(Next::Same { token, connection });
        for (verdict, next) in verdicts.into_iter().zip([next, None]) {
            let subject = Subject::Lease(failing);
            let number = u64::from(next.is_none());
            self.apply(Command::Report(Report {
                subject,
                number,
                model: Some("large".into()),
                verdict,
                readings: Vec::new(),
                keep: false,
                next,
            }));
        }
        let readings = Self::readings(round);
        self.apply(Command::Release(Release { token: kept, success: true, readings }));
        self.apply(Command::Release(Release { token: listed, success: false, readings: Vec::new() }));
        self.apply(Command::Disconnect(connection));
        self.apply(Command::Disable(Disable { credential: some, for_ms: Some(3_000), note: "note".into() }));
        self.apply(Command::Enable(some));
        self.apply(Command::Clear(Clear { pool: self.pool, credential: Some(some), model: None }));
        let pinned = self.acquire(Ask { pin: Some(some), ..Ask::default() });
        self.apply(Command::Release(Release { token: pinned, success: false, readings: Vec::new() }));
        let excluded = Ask { pin: Some(some), exclude: vec![some], ..Ask::default() };
        assert!(self.core.explain(self.pool, &excluded).is_ok());
        self.apply(Command::Tick);
    }
}

const STRATEGIES: [(&str, Strategy); 6] = [
    ("fill_first", Strategy::FillFirst),
    ("round_robin", Strategy::RoundRobin),
    ("least_used", Strategy::LeastUsed),
    ("random", Strategy::Random),
    ("headroom", Strategy::Headroom),
    ("reset_soon", Strategy::ResetSoon),
];

#[expect(clippy::disallowed_methods, reason = "the program tells itself what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Not a test: what valgrind counts.
#[test]
#[ignore = "it is what the other one runs"]
fn work() {
    let Some(told) = told("CREDPOOL_SCALE") else { return };
    let (named, numbers) = told.split_once(' ').expect("a strategy and two numbers");
    let strategy = STRATEGIES.iter().find(|(name, _)| *name == named).expect("a strategy").1;
    let numbers: Vec<u64> = numbers.split(' ').map(|word| word.parse().expect("a number")).collect();
    let mut work = Work::new(strategy, numbers[0]);
    // The first round of a kind builds what later ones use.
    for round in 0..4 + numbers[1] {
        work.round(usize::try_from(round).expect("few rounds"));
    }
}

/// Instructions that a pool of `size` and so many rounds take.
fn instructions(strategy: &str, size: u64, rounds: u64) -> f64 {
    let this = std::env::current_exe().expect("this program has a path");
    let output = Process::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["--exact", "scale::work", "--ignored", "--test-threads=1"])
        .env("CREDPOOL_SCALE", format!("{strategy} {size} {rounds}"))
        .output()
        .expect("valgrind is there");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).expect("valgrind counts").1;
    collected.trim().parse().expect("a number")
}

#[test]
#[ignore = "it needs valgrind, and a minute"]
fn what_a_command_costs_hardly_depends_on_the_size_of_the_pool() {
    for (strategy, _) in STRATEGIES {
        let round = |size| (instructions(strategy, size, 24) - instructions(strategy, size, 0)) / 24.0;
        let (small, large) = (round(SMALL), round(LARGE));
        assert!(large < ALLOWED * small, "{strategy}: {small:.0} instructions with {SMALL}, {large:.0} with {LARGE}");
    }
}

#[test]
#[ignore = "it needs valgrind, and a minute"]
fn what_definitions_cost_grows_with_their_number_and_hardly_faster() {
    let define = |size| instructions("fill_first", size, 0) - instructions("fill_first", SMALL / 8, 0);
    let (small, large) = (define(SMALL), define(LARGE));
    let growth = large / small * (SMALL as f64 / LARGE as f64);
    assert!(growth < 2.0, "{growth:.1} times as much for each: {small:.0} for {SMALL}, {large:.0} for {LARGE}");
}
