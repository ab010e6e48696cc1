//! The journal against a disk that fails, tears and reorders at every single step.

mod disk;
mod files;

use std::io;

use credpool_core::{
    Acquire, Ask, Boot, Cause, Clear, Command, Core, Define, Definition, Delta, Kind, Limits, Now, Policy, PoolKey,
    Reach, Records, Release, Reply, Report, Subject, TokenHash, Verdict, Wall,
};

use super::format::Timeline;
use super::keeper::Keeper;
use super::load::{Found, load};
use super::names::Names;
use disk::{Fault, Scripted};

const NAME: &str = "state.json";
const START: Now = Now { boot: Boot(1_795_000_000_000), wall: Wall(1_795_000_000_000) };

/// What was decided, a batch after the other, and what the records were after each; the first is before all.
struct Told {
    batches: Vec<Delta>,
    states: Vec<Records>,
}

fn told() -> Told {
    let mut core = Core::new(7, Limits::default());
    let mut told = Told { batches: Vec::new(), states: Vec::new() };
    let mut now = START;
    let mut apply = |command| {
        now = Now { boot: now.boot.after(1_000), wall: now.wall.after(1_000) };
        let reply = core.apply(now, command);
        told.batches.push(core.records().delta(core.touched().iter().cloned()));
        told.states.push(core.records().clone());
        reply
    };
    let Reply::Defined(defined) = apply(Command::Define(definitions())) else { unreachable!() };
    let pool: PoolKey = defined.pool;
    for token in 1..=5 {
        let ask = Ask { model: Some("gpt-5.5".into()), ..Ask::default() };
        apply(Command::Acquire(Acquire { pool, ask, token: TokenHash(token), owner: None, wait: None }));
    }
    apply(Command::Report(failure(1)));
    apply(Command::Clear(Clear { pool, credential: None, model: None }));
    apply(Command::Report(failure(2)));
    apply(Command::Report(failure(3)));
    apply(Command::Release(Release { token: TokenHash(4), success: true, readings: Vec::new() }));
    // The definitions are there before anything is kept.
    told.batches.remove(0);
    told
}

fn definitions() -> Define {
    let definition = |id: &str| Definition {
        id: id.into(),
        fingerprint: Some(format!("sha256:{id}").into()),
        unresolved: "".into(),
        referable: false,
        account: id.into(),
        cap: None,
        expires: None,
        grants: 0,
    };
    let definitions = ["a", "b", "c"].map(definition).to_vec();
    Define { pool: "openrouter".into(), policy: Policy::default(), definitions, lists: Vec::new() }
}

fn failure(token: u128) -> Report {
    let verdict = Verdict {
        kind: Kind::Fault(Cause::Quota),
        reach: Reach::Credential,
        model: None,
        after_ms: Some(3_600_000),
        at: None,
        status: Some(429),
        rule: "test.rule".into(),
        evidence: None,
    };
    let subject = Subject::Lease(TokenHash(token));
    Report { subject, number: 1, model: None, verdict, readings: Vec::new(), keep: false, next: None }
}

fn keeper(disk: &Scripted, records: &Records, found: &Found) -> Keeper<Scripted> {
    Keeper::new(disk.clone(), Names::of(NAME), Timeline::default(), records.clone(), found)
}

/// How far a run has come: which states it has handed over, which of them it was told are safe, and in which it ended.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    handed_over: usize,
    /// `None`: not even the first.
    safe: Option<usize>,
}

/// A daemon's run on `disk`: it starts, decides everything that is told, and begins a new generation half-way. What
/// fails is tried again after the next batch.
fn run(disk: &Scripted, told: &Told, answers_early: bool) -> (Keeper<Scripted>, Reached) {
    let mut keeper = keeper(disk, &told.states[0], &Found::default());
    let mut reached = Reached::default();
    let mut note = |keeper: &Keeper<Scripted>, result: io::Result<()>, state: usize| {
        if (result.is_ok() && keeper.is_durable()) || (answers_early && state > 0) {
            reached.safe = Some(state);
        }
        reached.handed_over = state;
    };
    let renewed = keeper.renew();
    note(&keeper, renewed, 0);
    for (state, batch) in (1..).zip(&told.batches) {
        if disk.has_crashed() {
            break;
        }
        let mut result = keeper.append(batch.clone());
        if state == 4 && result.is_ok() {
            result = keeper.fold();
        }
        note(&keeper, result, state);
        if !keeper.is_durable() {
            let renewed = keeper.renew();
            note(&keeper, renewed, state);
        } else if keeper.is_at_work() && state != 5 {
            // One batch comes while the snapshot is being written.
            let stepped = keeper.step();
            note(&keeper, stepped, state);
        }
    }
    (keeper, reached)
}

/// Whether what is found on `disk` is one of the states that it may be.
fn check(disk: &Scripted, told: &Told, reached: Reached) -> Result<(), String> {
    let found = load(&mut disk.clone(), &Names::of(NAME));
    let Some((records, _)) = found.state else {
        return match reached.safe {
            None => Ok(()),
            Some(safe) => Err(format!("state {safe} is gone: {:?}", found.problems)),
        };
    };
    let first = reached.safe.unwrap_or_default();
    let may_be = first..=reached.handed_over;
    match told.states.iter().position(|state| *state == records) {
        Some(state) if may_be.contains(&state) => Ok(()),
        Some(state) => Err(format!("state {state} was found, which is none of {may_be:?}: {:?}", found.problems)),
        None => Err(format!("a state was found that never was: {:?}", found.problems)),
    }
}

fn check_all(disk: &Scripted, told: &Told, reached: Reached) -> Result<usize, String> {
    let disks = disk.after_a_crash();
    disks.iter().try_for_each(|found| check(found, told, reached))?;
    Ok(disks.len())
}

#[test]
fn at_whichever_step_the_machine_stops_what_was_said_to_be_safe_is_there_and_nothing_else() {
    let told = told();
    let whole = Scripted::default();
    run(&whole, &told, false);
    let mut disks = 0;
    for step in 1..=whole.steps() + 1 {
        let disk = Scripted::with(&[(step, Fault::Crash)]);
        let (_, reached) = run(&disk, &told, false);
        disks += check_all(&disk, &told, reached).unwrap_or_else(|error| panic!("step {step}, {reached:?}: {error}"));
    }
    assert!(whole.steps() > 40 && disks > 200, "{} steps and {disks} disks are hardly a test", whole.steps());
}

#[test]
fn whichever_step_fails_the_next_thing_written_is_a_new_generation_that_holds_everything() {
    let told = told();
    let whole = Scripted::default();
    let generations = run(&whole, &told, false).0.generation();
    for step in 1..=whole.steps() {
        for fault in [Fault::Fail, Fault::Tear] {
            let disk = Scripted::with(&[(step, fault)]);
            let (keeper, reached) = run(&disk, &told, false);
            let place = format!("step {step}, {fault:?}, {reached:?}");
            assert!(keeper.is_durable(), "{place}");
            assert_eq!(reached.safe, Some(told.batches.len()), "{place}");
            assert!(keeper.generation() >= generations, "{place}");
            check_all(&disk, &told, reached).unwrap_or_else(|error| panic!("{place}: {error}"));
            let names = disk.names_now();
            assert!(names.len() <= 3, "{place}: {names:?}");
        }
    }
}

#[test]
fn a_machine_that_stops_after_a_failure_loses_nothing_either() {
    let told = told();
    let whole = Scripted::default();
    run(&whole, &told, false);
    for failing in 1..=whole.steps() {
        for stopping in failing + 1..failing + 16 {
            let disk = Scripted::with(&[(failing, Fault::Tear), (stopping, Fault::Crash)]);
            let (_, reached) = run(&disk, &told, false);
            check_all(&disk, &told, reached)
                .unwrap_or_else(|error| panic!("steps {failing} and {stopping}, {reached:?}: {error}"));
        }
    }
}

#[test]
fn an_answer_before_its_write_is_noticed() {
    let told = told();
    let whole = Scripted::default();
    run(&whole, &told, false);
    let noticed = (1..=whole.steps()).any(|step| {
        let disk = Scripted::with(&[(step, Fault::Crash)]);
        let (_, reached) = run(&disk, &told, true);
        check_all(&disk, &told, reached).is_err()
    });
    assert!(noticed);
}

#[test]
fn a_disk_that_only_says_that_it_syncs_is_noticed() {
    let told = told();
    let disk = Scripted::that_lies();
    let (_, reached) = run(&disk, &told, false);
    assert!(check_all(&disk, &told, reached).is_err());
}

#[test]
fn a_run_goes_on_where_the_one_before_it_stopped() {
    let told = told();
    let disk = Scripted::default();
    run(&disk, &told, false);
    for _ in 0..3 {
        let found = load(&mut disk.clone(), &Names::of(NAME));
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        let (records, _) = found.state.as_ref().expect("a state");
        assert_eq!(records, told.states.last().unwrap());
        let mut keeper = keeper(&disk, records, &found);
        keeper.renew().unwrap();
        assert!(keeper.generation() > found.generation);
        assert_eq!(disk.names_now().len(), 2);
    }
}
