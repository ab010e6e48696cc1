//! Secrets that run out.

use credpool_core::{Ask, Boot, Command, Deadline, Definition, Strategy, Wall};

use super::world::{World, capped, row, strategy, until, with_secret};
use crate::support::{HOUR, MINUTE, START};

fn soon() -> Wall {
    START.wall.after(MINUTE)
}

/// Whose lease a plain request gets, and whether its secret has run out; it is given back.
fn used(world: &mut World) -> (String, bool) {
    let (token, answer) = world.ask(Ask::default(), None);
    let grant = answer.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    world.release(token, false).expect("the lease is known");
    (world.id(grant.credential), grant.expired)
}

#[test]
fn it_goes_last_from_the_millisecond_on_in_which_it_runs_out() {
    for strategy in [Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random].map(strategy) {
        let mut world = World::with(strategy, vec![until("a", soon()), row("b")]);
        world.pass(MINUTE - 1);
        assert!((0..64).any(|_| used(&mut world).0 == "a"), "{:?}", world.policy.strategy);
        world.pass(1);
        assert!((0..64).all(|_| used(&mut world) == ("b".to_owned(), false)), "{:?}", world.policy.strategy);
    }
}

#[test]
fn it_is_granted_where_nothing_better_is_there_and_says_so() {
    let mut world = World::of(&[]);
    world.policy = capped(1, true);
    world.define(vec![until("a", START.wall), row("b")]);
    let (token, answer) = world.ask(Ask::default(), None);
    assert!(answer.is_ok_and(|grant| !grant.expired));
    assert_eq!(used(&mut world), ("a".to_owned(), true));
    world.release(token, false).expect("the lease is known");
    assert_eq!(used(&mut world), ("b".to_owned(), false));
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    assert!(world.ask(pinned, None).1.is_ok_and(|grant| grant.expired));
}

#[test]
fn sharing_one_that_works_comes_before_it() {
    let mut world = World::with(capped(1, false), vec![until("a", START.wall), row("b")]);
    assert_eq!([world.next(), world.next(), world.next()], ["b", "b", "b"]);
}

#[test]
fn the_core_asks_to_be_woken_for_it() {
    let world = World::with(strategy(Strategy::FillFirst), vec![until("a", soon()), until("b", soon().after(1))]);
    assert_eq!(world.core.core().next_deadline(), Deadline { boot: None::<Boot>, wall: Some(soon()) });
}

#[test]
fn a_definition_that_says_otherwise_renews_it() {
    let mut world = World::with(strategy(Strategy::FillFirst), vec![until("a", soon()), row("b")]);
    world.pass(HOUR);
    assert_eq!(used(&mut world), ("b".to_owned(), false));
    let refreshed = Definition { expires: Some(world.now.wall.after(HOUR)), ..with_secret("a", "refreshed") };
    let defined = world.define(vec![refreshed, row("b")]);
    assert_eq!(defined.changed, 1);
    assert_eq!(used(&mut world), ("a".to_owned(), false));
    world.pass(HOUR);
    assert_eq!(used(&mut world), ("b".to_owned(), false));
    world.define(vec![with_secret("a", "refreshed"), row("b")]);
    assert_eq!(used(&mut world), ("a".to_owned(), false), "nobody knows that it runs out");
}

#[test]
fn a_wall_clock_that_is_set_back_gives_the_time_back_that_it_took() {
    let mut world = World::with(strategy(Strategy::FillFirst), vec![until("a", soon()), row("b")]);
    let hour = i64::try_from(HOUR).expect("an hour is small");
    world.step(hour);
    world.apply(Command::Tick);
    assert_eq!(used(&mut world), ("b".to_owned(), false), "by the clock as it is now, it has run out");
    world.step(-hour);
    world.apply(Command::Tick);
    assert_eq!(used(&mut world), ("a".to_owned(), false));
    assert_eq!(world.core.core().next_deadline().wall, Some(soon()), "and it runs out again");
    world.pass(MINUTE);
    assert_eq!(used(&mut world), ("b".to_owned(), false));
}
