//! The independent oracle: homes that hermes-agent itself wrote, and what it and the daemon would lease from them, row by
//! row.
//!
//! Each version of hermes-agent is asked about homes of its own making, the first steps of which an older version may have
//! done. The examples come first, then random lives, drawn from a seed that a failure prints.

mod compare;
mod coverage;
mod driver;
mod examples;
mod intended;
mod ours;
mod script;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use crate::support::{DaemonBuilder, Tool, need};
use coverage::Seen;
use driver::Driver;
use intended::INTENDED;
use script::{Op, PROFILES, Script, Step};

/// How many random lives each version is asked about, and the seed that they are drawn from.
const CASES: (&str, u32) = ("CREDPOOL_ORACLE_CASES", 16);
const SEED: (&str, u64) = ("CREDPOOL_ORACLE_SEED", 5187);

/// The most steps of a life.
const LENGTH: usize = 24;

/// How long a failing life is made shorter. Each attempt takes about a second.
const SHRINKING: Duration = Duration::from_secs(90);

/// A version of hermes-agent, and the oldest, which may have been there before it.
struct Oracle {
    oldest: Driver,
    driver: Driver,
    seen: Seen,
}

impl Oracle {
    /// Plays a life, and asks both. What they differ in without being meant to.
    fn play(&mut self, script: &Script) -> Result<(), String> {
        let mut builder = DaemonBuilder::empty();
        for (name, value) in &script.environment {
            builder = builder.variable(name, value);
        }
        std::fs::create_dir_all(builder.home().hermes().join("profiles").join(PROFILES[1])).expect("a folder");
        for (number, step) in script.steps.iter().enumerate() {
            let driver = if number < script.old_steps { &mut self.oldest } else { &mut self.driver };
            if driver.does(builder.home(), script, number, step) {
                self.seen.done(&step.op);
            }
        }
        for profile in PROFILES.into_iter().filter(|_| script.settled) {
            self.driver.does(builder.home(), script, script.steps.len(), &Step { profile, op: Op::LoadAll });
        }
        let theirs = self.driver.pools(builder.home(), script);
        let daemon = builder.start();
        let ours = ours::pools(&mut daemon.wire(), &theirs);
        let mut unmeant = Vec::new();
        for (their_pool, our_pool) in theirs.iter().zip(&ours) {
            self.seen.pool(their_pool, our_pool);
            for difference in compare::differences(&theirs, their_pool, our_pool) {
                match INTENDED.iter().find(|intended| intended.covers(self.driver.version(), &difference)) {
                    Some(intended) => self.seen.intended(intended.name),
                    None => unmeant.push(difference.to_string()),
                }
            }
        }
        if unmeant.is_empty() { Ok(()) } else { Err(unmeant.join("\n")) }
    }
}

fn variable<T: std::str::FromStr>((name, default): (&str, T)) -> T {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
}

/// Asks one version.
fn ask(tool: Tool) {
    let (Some(oldest), Some(python)) = (need(Tool::Hermes0_17), need(tool)) else { return };
    let start = |python: &PathBuf| Driver::start(python);
    let oracle = RefCell::new(Oracle { oldest: start(&oldest), driver: start(&python), seen: Seen::default() });
    for (name, script) in examples::examples() {
        let played = oracle.borrow_mut().play(&script);
        played.unwrap_or_else(|differences| panic!("{name}:\n{differences}"));
    }
    let (cases, seed) = (variable(CASES), variable(SEED));
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: u32::try_from(SHRINKING.as_millis()).expect("not that long"),
        ..Config::default()
    });
    let played =
        runner.run(&script::scripts(LENGTH), |script| oracle.borrow_mut().play(&script).map_err(TestCaseError::fail));
    if let Err(error) = played {
        panic!("with {}={seed}: {error}", SEED.0);
    }
    let Oracle { driver, seen, .. } = oracle.into_inner();
    seen.check(driver.version());
}

#[test]
fn what_hermes_0_17_would_lease_is_leased() {
    ask(Tool::Hermes0_17);
}

#[test]
fn what_hermes_0_18_would_lease_is_leased() {
    ask(Tool::Hermes0_18);
}

#[test]
fn what_hermes_0_19_would_lease_is_leased() {
    ask(Tool::Hermes0_19);
}
