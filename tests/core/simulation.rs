//! Agents that lease, fail, crash and report late, an operator who interferes, virtual time, and a witness.
//!
//! `CREDPOOL_SIM_SEEDS` says how many seeds are played, `CREDPOOL_SIM_SEED` plays one alone.

mod agent;
mod dice;
mod lie;
mod operator;
mod run;
mod witness;

use lie::{Liar, Lie};
use run::{Run, Shown};

/// Seeds that a plain test run plays.
const SEEDS: u64 = 4;

#[expect(clippy::disallowed_methods, reason = "how much is simulated is said by whoever runs the tests")]
fn told(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

#[test]
fn the_promises_hold_while_agents_come_and_go() {
    let seeds = match told("CREDPOOL_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..told("CREDPOOL_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut all = Shown::default();
    for seed in seeds {
        let shown = Run::play(seed, Liar::honest(seed));
        let shown = shown.unwrap_or_else(|error| panic!("CREDPOOL_SIM_SEED={seed} plays it again: {error}"));
        all.commands += shown.commands;
        all.grants += shown.grants;
        all.restrictions += shown.restrictions;
        all.pauses += shown.pauses;
        all.served += shown.served;
    }
    let shown = all.grants > 0 && all.restrictions > 0 && all.pauses > 0 && all.served > 0;
    assert!(shown, "nothing was shown: {all:?}");
}

#[test]
fn the_witness_notices_every_lie() {
    for lie in Lie::ALL {
        let believed = (0..20).find_map(|seed| Run::play(seed, Liar::telling(lie, seed)).err());
        let Some(noticed) = believed else { panic!("nobody noticed: {lie:?}") };
        let promise = match lie {
            // Where somebody waits, what is shortened is granted at once.
            Lie::Shortened if noticed.starts_with("1: ") => "1: ",
            Lie::OverTheCap | Lie::UnderARestriction | Lie::SecondProbe | Lie::BeyondTheRamp | Lie::ProbeUntold => {
                "1: "
            }
            Lie::TwiceEnded | Lie::SlotLost | Lie::JudgedTwice => "2: ",
            Lie::Shortened => "3: ",
            Lie::JudgedAfterClear => "4: ",
            Lie::StruckTwice => "5: ",
            Lie::Overtaken | Lie::LeftWaiting => "6: ",
            Lie::OutOfTheList => "out of the list: ",
            Lie::PausedForOne => "guard: ",
        };
        assert!(noticed.starts_with(promise), "{lie:?} was taken for {noticed}");
    }
}
