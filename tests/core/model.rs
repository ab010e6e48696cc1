//! The core against a naive model of it, reply by reply, over generated scripts.

mod naive;

use credpool_core::{Choice, Command, Grant, Refusal, Reply};
#[cfg(test)]
use proptest::prelude::{ProptestConfig, TestCaseError, proptest};

#[cfg(test)]
use crate::script::scripts;
use crate::script::{Op, Setup, Stage};
use crate::support::Watched;
use naive::Naive;

/// Runs a script through both; the first thing on which they differ.
pub(crate) fn run(setup: &Setup, script: &[(u64, Op)]) -> Result<(), String> {
    let mut core = Watched::new(setup.seed, setup.limits());
    let mut naive = Naive::new(setup.limits());
    let mut stage = Stage::new(setup);
    for command in stage.prologue() {
        step(&mut core, &mut naive, &mut stage, &command).map_err(|error| format!("before the script: {error}"))?;
    }
    for (number, (pause, op)) in script.iter().enumerate() {
        let command = stage.command(*pause, op);
        step(&mut core, &mut naive, &mut stage, &command).map_err(|error| format!("operation {number}: {error}"))?;
    }
    Ok(())
}

fn choice_of(grant: &Grant) -> Choice {
    let Grant { credential, chosen_by, probe, .. } = *grant;
    Choice { credential, chosen_by, probe }
}

fn step(core: &mut Watched, naive: &mut Naive, stage: &mut Stage, command: &Command) -> Result<(), String> {
    // A dry run sees what the command will see, unless something has become due in between.
    let foreseen = match command {
        Command::Acquire(acquire) if core.records().header.now == stage.now => {
            Some(core.core().explain(acquire.pool, &acquire.ask))
        }
        _ => None,
    };
    let reply = core.apply(stage.now, command.clone())?;
    let told =
        |error: String| format!("{error}\n at {:?}\n {command:?}\n {reply:?}\n {:?}", stage.now, core.core().settled());
    naive.step(stage.now, command, &reply, core.core().settled()).map_err(told)?;
    naive.agrees_with(core.core()).map_err(told)?;
    if let (Some(foreseen), Reply::Acquired(answer)) = (foreseen, &reply) {
        let foreseen = foreseen.and_then(|explanation| explanation.choice);
        let same = match (&foreseen, answer) {
            (_, Err(Refusal::Limit(_))) => true,
            (Ok(choice), Ok(grant)) => *choice == choice_of(grant),
            (Err(foreseen), Err(refusal)) => foreseen == refusal,
            _ => false,
        };
        if !same {
            return Err(told(format!("the dry run said {foreseen:?}")));
        }
    }
    stage.observe(command, &reply);
    Ok(())
}

#[cfg(test)]
proptest! {
    // A failure prints its shrunk script; what is worth keeping becomes an example among the semantics.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_core_answers_like_the_naive_model((setup, script) in scripts(80)) {
        run(&setup, &script).map_err(TestCaseError::fail)?;
    }
}
