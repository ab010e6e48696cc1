//! Profiles, which lease by lists of their own.

use credpool_core::{Ask, Candidate, Cause, Ineligible, Listing, Next, Refusal, Report, Strategy, TokenHash};

use super::world::{
    World, capped, connection, fault, first_report, for_a_day, of_the_account, row, rows, strategy, unresolved,
};

fn listing(profile: &str, members: &[usize], strategy: Strategy) -> Listing {
    Listing { profiles: vec![profile.into()], members: members.to_vec(), strategy }
}

/// Rows a, b, c and d, of which `coder` leases d, then b.
fn world() -> World {
    let mut world = World::of(&["a", "b", "c", "d"]);
    world.lists = vec![listing("coder", &[3, 1], Strategy::FillFirst)];
    world.define(rows(&["a", "b", "c", "d"]));
    world
}

fn of(profile: &str) -> Ask {
    Ask { profile: Some(profile.into()), ..Ask::default() }
}

#[test]
fn a_profile_leases_what_its_list_has_in_its_order() {
    let mut world = world();
    let leased: Vec<String> = (0..4).map(|_| world.lease(of("coder")).1).collect();
    assert_eq!(leased, ["d", "b", "d", "b"]);
    assert_eq!([world.next(), world.next(), world.next()], ["a", "c", "a"], "who names no profile leases from all");
    let listed: Vec<String> = world.core.core().listed(world.pool, Some("coder")).map(|key| world.id(key)).collect();
    assert_eq!(listed, ["d", "b"]);
    assert_eq!(world.core.core().listed(world.pool, Some("nobody")).count(), 0);
    assert_eq!(world.core.core().listed(world.pool, None).count(), 4);
}

#[test]
fn each_list_chooses_by_its_own_strategy() {
    let mut world = World::with(strategy(Strategy::FillFirst), rows(&["a", "b", "c"]));
    world.lists = vec![
        listing("turns", &[0, 1, 2], Strategy::RoundRobin),
        listing("least", &[0, 1, 2], Strategy::LeastUsed),
        listing("first", &[0, 1, 2], Strategy::FillFirst),
    ];
    world.define(rows(&["a", "b", "c"]));
    let mut used = |profile: &str| {
        let (token, answer) = world.ask(of(profile), None);
        world.release(token, false).expect("the lease is known");
        let grant = answer.expect("all are free");
        (world.id(grant.credential), grant.chosen_by)
    };
    let by = credpool_core::ChosenBy::Strategy;
    for id in ["a", "b", "c", "a"] {
        assert_eq!(used("turns"), (id.to_owned(), by(Strategy::RoundRobin)));
    }
    for id in ["b", "c"] {
        assert_eq!(used("least"), (id.to_owned(), by(Strategy::LeastUsed)), "grants count whoever asked");
    }
    for _ in 0..3 {
        assert_eq!(used("first"), ("a".to_owned(), by(Strategy::FillFirst)));
    }
    assert_eq!(used("turns").0, "b", "only turns take turns");
}

#[test]
fn a_credential_is_one_in_all_lists() {
    let mut world = world();
    world.policy = capped(1, true);
    world.define(rows(&["a", "b", "c", "d"]));
    let (token, id) = world.lease(of("coder"));
    assert_eq!(id, "d");
    let pinned = Ask { pin: Some(world.key("d")), ..Ask::default() };
    assert_eq!(world.busy(pinned.clone()).at_cap, 1);
    world.report(token, of_the_account(for_a_day(Cause::Quota)));
    assert_eq!(world.exhausted(pinned).by_cause.get(&Cause::Quota), Some(&1));
    assert_eq!(world.lease(of("coder")).1, "b");
}

#[test]
fn a_refusal_speaks_of_the_list_alone() {
    let mut world = world();
    world.fails("b", for_a_day(Cause::Quota));
    world.fails("d", for_a_day(Cause::Dead));
    world.fails("a", for_a_day(Cause::Billing));
    let unavailable = world.exhausted(of("coder"));
    assert_eq!((unavailable.total, unavailable.first.len()), (2, 2));
    assert_eq!(unavailable.by_cause.into_iter().collect::<Vec<_>>(), [(Cause::Dead, 1), (Cause::Quota, 1)]);
}

#[test]
fn a_pin_out_of_the_list_is_unknown() {
    let mut world = world();
    let pinned = |world: &World, id: &str| Ask { pin: Some(world.key(id)), ..of("coder") };
    assert_eq!(world.refused(pinned(&world, "a")), Refusal::UnknownCredential);
    assert_eq!(world.lease(pinned(&world, "b")).1, "b");
}

#[test]
fn who_has_no_list_has_no_pool() {
    let mut world = world();
    assert_eq!(world.refused(of("nobody")), Refusal::UnknownPool);
    assert_eq!(world.core.core().explain(world.pool, &of("nobody")), Err(Refusal::UnknownPool));
    world.lists = vec![listing("coder", &[], Strategy::FillFirst)];
    world.define(rows(&["a"]));
    assert_eq!(world.exhausted(of("coder")).total, 0, "an empty list is one");
}

#[test]
fn the_lease_that_follows_is_of_the_same_list() {
    let mut world = world();
    let (token, _) = world.lease(of("coder"));
    let next = |token| Some(Next::Same { token, connection: connection(1) });
    let report = first_report(token, for_a_day(Cause::Quota));
    let reported = world.send(Report { next: next(TokenHash(1_000)), ..report }).expect("the lease is known");
    let grant = reported.next.expect("asked for").expect("b is free");
    assert_eq!(world.id(grant.credential), "b");

    world.lists = Vec::new();
    world.define(rows(&["a", "b", "c", "d"]));
    let report = first_report(TokenHash(1_000), fault(Cause::Server));
    let reported = world.send(Report { next: next(TokenHash(1_001)), ..report }).expect("the lease is known");
    assert_eq!(reported.next, Some(Err(Refusal::UnknownPool)), "its list is gone, and nobody else's takes its place");
}

#[test]
fn a_dry_run_goes_through_the_list() {
    let mut world = world();
    world.fails("d", for_a_day(Cause::Quota));
    let explained = world.core.core().explain(world.pool, &of("coder")).expect("it has a list");
    assert_eq!(explained.choice.map(|choice| choice.credential), Ok(world.key("b")));
    let [d, b] = &explained.candidates[..] else { panic!("{:?}", explained.candidates) };
    assert!(matches!(&d.ineligible[..], [Ineligible::Restricted(_)]));
    assert_eq!(*b, Candidate { credential: world.key("b"), ineligible: Vec::new() });
}

#[test]
fn lists_follow_the_definitions() {
    let mut world = world();
    world.lists = vec![
        Listing {
            profiles: vec!["coder".into(), "writer".into()],
            members: vec![1, 0, 1, 9],
            strategy: Strategy::FillFirst,
        },
        listing("writer", &[0], Strategy::FillFirst),
    ];
    world.define(rows(&["a", "e"]));
    for profile in ["coder", "writer"] {
        let listed: Vec<String> =
            world.core.core().listed(world.pool, Some(profile)).map(|key| world.id(key)).collect();
        assert_eq!(listed, ["e", "a"], "{profile} leases by the first list that names it, without what is nobody's");
    }
    assert_eq!(world.core.core().lists(world.pool).count(), 1);
    let untouched = world.core.touched();
    assert!(untouched.iter().any(|name| name.starts_with("ListKey")));
    world.define(rows(&["a", "e"]));
    assert_eq!(world.core.touched(), [""; 0], "the same again is no change");
}

#[test]
fn needs_are_told_apart_by_list() {
    let mut world = World::of(&[]);
    world.lists = vec![listing("coder", &[1, 0], Strategy::FillFirst)];
    world.define(vec![row("a"), unresolved("b")]);
    let by_reference = |ask: Ask| Ask { by_reference: true, ..ask };
    assert_eq!(world.lease(of("coder")).1, "a");
    assert_eq!(world.lease(by_reference(of("coder"))).1, "b");
    let limited = of_the_account(for_a_day(Cause::RateLimit));
    world.fails("a", credpool_core::Verdict { model: Some("large".into()), ..limited });
    let large = |ask: Ask| Ask { model: Some("large".into()), ..ask };
    assert_eq!(world.exhausted(large(of("coder"))).total, 2);
    assert_eq!(world.lease(large(by_reference(of("coder")))).1, "b");
    assert_eq!(world.lease(of("coder")).1, "a");
}
