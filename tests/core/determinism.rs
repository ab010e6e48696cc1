//! The same seed, commands and times give the same replies and the same records, byte for byte, and the changes tell
//! every one of them.

use credpool_core::{Claim, Claimed, Command, Core, Now, Records, Reply, Reported, Seq, Settled, Strategy};
use proptest::prelude::{ProptestConfig, TestCaseError, proptest};
use proptest::sample::Index;

use crate::script::{Op, Setup, Stage, scripts};
use crate::support::DAY;

fn bytes(records: &Records) -> String {
    serde_json::to_string(records).expect("records can be written")
}

/// A run without checks: every reply, the records at its end, and what the changes were folded into.
struct Run {
    replies: Vec<Reply>,
    settled: Vec<Settled>,
    records: Records,
    folded: Records,
}

fn run(setup: &Setup, seed: u64, script: &[(u64, Op)]) -> Run {
    let mut core = Core::new(seed, setup.limits());
    let mut stage = Stage::new(setup);
    let (mut replies, mut settled) = (Vec::new(), Vec::new());
    let mut folded = Records::new(seed);
    let commands = stage.prologue().map(Some).into_iter().chain(script.iter().map(|_| None));
    for (at, command) in commands.enumerate() {
        let command = command.unwrap_or_else(|| stage.command(script[at - 2].0, &script[at - 2].1));
        let reply = core.apply(stage.now, command.clone());
        core.changes().for_each(|change| folded.fold(change));
        stage.observe(&command, &reply);
        replies.push(reply);
        settled.extend_from_slice(core.settled());
    }
    Run { replies, settled, records: core.records().clone(), folded }
}

/// A core that goes on from what `core` would leave on a disk, once each lease was claimed by whose it was; and `core`,
/// which has seen as many commands.
fn restored(mut core: Core, now: Now) -> (Core, Core) {
    let records: Records = serde_json::from_str(&bytes(core.records())).expect("records can be read");
    let mut restored = Core::restore(records, *core.limits(), now);
    restored.check_invariants().expect("what was restored is sound");
    core.apply(now, Command::Tick);
    let live = core.records().leases.values().filter(|lease| lease.ended.is_none());
    let bound = live.filter_map(|lease| Some(Claim { token: lease.token, owner: lease.owner? }));
    for claim in bound.collect::<Vec<_>>() {
        let claimed = restored.apply(now, Command::Claim(claim));
        assert!(matches!(claimed, Reply::Claimed(Ok(Claimed::Bound(_)))), "{claimed:?}");
        core.apply(now, Command::Tick);
    }
    (core, restored)
}

/// A reply without what is not kept.
fn but_for_evidence(mut reply: Reply) -> Reply {
    if let Reply::Reported(Ok(reported)) = &mut reply {
        reported.conclusion.evidence = None;
    }
    reply
}

/// The first reply in which two runs differ.
fn same<T: PartialEq + std::fmt::Debug>(one: &[T], other: &[T]) -> Result<(), TestCaseError> {
    match one.iter().zip(other).position(|(one, other)| one != other) {
        None if one.len() == other.len() => Ok(()),
        None => Err(TestCaseError::fail("one run has more replies")),
        Some(at) => Err(TestCaseError::fail(format!("reply {at}:\n{:?}\n{:?}", one[at], other[at]))),
    }
}

fn same_bytes(one: &Records, other: &Records) -> Result<(), TestCaseError> {
    let (one, other) = (bytes(one), bytes(other));
    if one == other { Ok(()) } else { Err(TestCaseError::fail(format!("records:\n{one}\n{other}"))) }
}

/// The replies to all but `Tick`, and to those who waited, without the numbers of commands.
fn but_for_ticks(run: Run) -> (Vec<Reply>, Vec<Settled>) {
    let Run { mut replies, mut settled, .. } = run;
    replies.retain(|reply| *reply != Reply::Ticked);
    for reply in &mut replies {
        if let Reply::Acquired(Ok(grant)) | Reply::Reported(Ok(Reported { next: Some(Ok(grant)), .. })) = reply {
            grant.epoch = Seq(0);
        }
    }
    for grant in settled.iter_mut().filter_map(|settled| settled.answer.as_mut().ok()) {
        grant.epoch = Seq(0);
    }
    (replies, settled)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_cores_that_are_fed_the_same_end_equal_and_their_changes_tell_all((setup, script) in scripts(60)) {
        let (one, other) = (run(&setup, setup.seed, &script), run(&setup, setup.seed, &script));
        same(&one.replies, &other.replies)?;
        same(&one.settled, &other.settled)?;
        same_bytes(&one.records, &other.records)?;
        same_bytes(&one.records, &other.folded)?;
    }

    #[test]
    fn a_restored_core_goes_on_as_if_nothing_had_been((setup, script) in scripts(60), cut: Index) {
        let setup = setup.without(Strategy::Random);
        // Seen from 1970, every instant is further away than a restored restriction may last.
        let is_far = |op: &Op| matches!(op, Op::Step(ms) if ms.unsigned_abs() > DAY);
        let script: Vec<(u64, Op)> =
            script.into_iter().filter(|(_, op)| !op.draws_a_credential() && !is_far(op)).collect();
        let mut core = Core::new(setup.seed, setup.limits());
        let mut stage = Stage::new(&setup);
        for command in stage.prologue() {
            let reply = core.apply(stage.now, command.clone());
            stage.observe(&command, &reply);
        }
        let (before, after) = script.split_at(cut.index(script.len() + 1));
        for (pause, op) in before {
            // Whoever waits does so no longer than its connection lasts, and that not longer than the run.
            let command = stage.command(*pause, &op.clone().at_once());
            let reply = core.apply(stage.now, command.clone());
            stage.observe(&command, &reply);
        }
        let (mut core, mut restored) = restored(core, stage.now);
        for (pause, op) in after {
            let command = stage.command(*pause, op);
            let reply = core.apply(stage.now, command.clone());
            stage.observe(&command, &reply);
            same(&[but_for_evidence(reply)], &[but_for_evidence(restored.apply(stage.now, command))])?;
        }
        same_bytes(core.records(), restored.records())?;
    }

    #[test]
    fn where_nothing_is_left_to_chance_the_seed_changes_nothing((setup, script) in scripts(60)) {
        let setup = setup.without(Strategy::Random);
        let script: Vec<(u64, Op)> = script.into_iter().filter(|(_, op)| !op.is_left_to_chance()).collect();
        let (one, other) = (run(&setup, 1, &script), run(&setup, 2, &script));
        same(&one.replies, &other.replies)?;
        same(&one.settled, &other.settled)?;
    }

    #[test]
    fn where_nobody_names_an_instant_the_wall_clock_changes_nothing((setup, script) in scripts(60)) {
        let stepped: Vec<(u64, Op)> = script.into_iter().filter(|(_, op)| !op.names_an_instant()).collect();
        let steady = stepped.iter().map(|(pause, op)| match op {
            Op::Step(_) => (*pause, Op::Tick),
            _ => (*pause, op.clone()),
        });
        let steady: Vec<(u64, Op)> = steady.collect();
        let (one, other) = (run(&setup, setup.seed, &stepped), run(&setup, setup.seed, &steady));
        same(&one.replies, &other.replies)?;
        same(&one.settled, &other.settled)?;
    }

    #[test]
    fn reading_the_clocks_more_often_changes_no_reply((setup, script) in scripts(60)) {
        let often = script.iter().flat_map(|(pause, op)| match op {
            // What passes before the wall clock is set back must not be seen by one of the two alone.
            Op::Step(_) => [(*pause, op.clone()), (0, Op::Tick)],
            _ => [(*pause, Op::Tick), (0, op.clone())],
        });
        let often: Vec<(u64, Op)> = often.collect();
        let (one, other) = (run(&setup, setup.seed, &script), run(&setup, setup.seed, &often));
        let ((one, one_settled), (other, other_settled)) = (but_for_ticks(one), but_for_ticks(other));
        same(&one, &other)?;
        same(&one_settled, &other_settled)?;
    }
}
