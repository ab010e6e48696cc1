//! What follows when a response says that nothing is left.

use super::*;

#[test]
fn a_success_that_says_that_nothing_is_left_restricts_the_account_until_its_reset() {
    let rows = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), row("c")];
    let mut world = World::with(at_once(), rows);
    world.reads("a", None, vec![used_up("5h")]);
    assert_eq!((world.state("a"), world.state("b"), world.state("c")), (State::Cooling, State::Cooling, State::Ready));
    let restriction = world.records().restrictions.values().next().expect("one restriction");
    assert_eq!((&*restriction.reason, restriction.strikes), ("window.spent", 0));
    assert_eq!(restriction.until, Until::boot(START.boot.after(2 * HOUR)), "not a moment longer");
    assert_eq!(restriction.evidence.as_ref().map(|evidence| &*evidence.raw), Some("7200"));
    world.pass(2 * HOUR - 1);
    assert!(!world.available("a", None));
    world.pass(1);
    assert!(world.available("a", None));
}

#[test]
fn of_a_single_model_it_restricts_that_model() {
    let mut world = World::of(&["a"]);
    world.reads("a", Some("large"), vec![spent(Cause::RateLimit, of("large", window("tokens", 1_000)))]);
    assert!(!world.available("a", Some("large")));
    assert!(world.available("a", Some("small")) && world.available("a", None));
}

#[test]
fn what_has_begun_anew_does_not_restrict() {
    let mut world = World::of(&["a"]);
    let past = spent(Cause::Quota, Reading { after_ms: None, at: Some(world.now.wall), ..window("7d", 1_000) });
    world.reads("a", None, vec![past]);
    assert!(world.available("a", None));
    assert_eq!(names(&world, "a"), Vec::<String>::new());
}

/// One of which nothing is left until nobody knows when.
fn undated(cause: Cause, length_ms: Option<u64>) -> Reading {
    spent(cause, Reading { after_ms: None, length_ms, ..window("5h", 1_000) })
}

#[test]
fn until_nobody_knows_when_it_is_left_alone_as_after_a_first_failure_and_no_longer_than_it_is() {
    let policy = Policy::default();
    let (quota, rate) = (policy.cooldowns.quota.base_ms, policy.cooldowns.rate_limit.base_ms);
    for (cause, length_ms, expected) in [
        (Cause::Quota, Some(5 * HOUR), quota),
        (Cause::Quota, None, quota),
        (Cause::RateLimit, Some(MINUTE), rate),
        (Cause::RateLimit, None, rate),
        (Cause::RateLimit, Some(SECOND), SECOND),
    ] {
        let mut world = World::with(policy.clone(), rows(&["a", "b"]));
        world.reads("a", None, vec![undated(cause, length_ms)]);
        world.pass(expected - 1);
        assert!(!world.available("a", None), "{cause:?} {length_ms:?}");
        world.pass(1);
        assert!(world.available("a", None), "{cause:?} {length_ms:?}");
    }
}

#[test]
fn a_guess_is_probed_and_does_not_last_longer_for_being_made_again() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let slow = world.lease_of("a");
    world.reads("a", None, vec![undated(Cause::Quota, None)]);
    let until = |world: &World| world.records().restrictions.values().next().map(|r| (r.guessed, r.until));
    let before = until(&world);
    world.pass(SECOND);
    world.give_back(slow, vec![undated(Cause::Quota, None)]);
    assert_eq!(until(&world), before);
    assert_eq!(before.map(|(guessed, _)| guessed), Some(true));
    world.pass(HOUR);
    let (_, answer) = world.ask(Ask { pin: Some(world.key("a")), ..Ask::default() }, None);
    assert!(answer.is_ok_and(|grant| grant.probe));
}

#[test]
fn it_is_no_strike() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    world.reads("a", None, vec![used_up_for(MINUTE)]);
    world.pass(2 * MINUTE);
    let failed = world.fails("a", Verdict { reach: Reach::Account, ..fault(Cause::Quota) });
    assert_eq!(failed.conclusion.strikes, 1);
}

#[test]
fn strikes_that_are_remembered_stay_as_they_are() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let token = world.lease_of("a");
    world.fails("a", Verdict { reach: Reach::Account, ..fault(Cause::Quota) });
    world.pass(MINUTE);
    world.give_back(token, vec![used_up_for(MINUTE)]);
    let strikes = |world: &World| world.records().restrictions.values().next().map(|r| r.strikes);
    assert_eq!(strikes(&world), Some(1));
    assert!(!world.available("a", None));
}

#[test]
fn it_makes_a_window_longer_and_never_shorter() {
    let mut world = World::of(&["a"]);
    let leases = [world.lease_of("a"), world.lease_of("a")];
    world.fails("a", Verdict { reach: Reach::Account, after_ms: Some(HOUR), ..fault(Cause::Quota) });
    let until = |world: &World| world.records().restrictions.values().next().and_then(|r| r.until.remaining(world.now));
    let before = until(&world);
    world.give_back(leases[0], vec![used_up_for(MINUTE)]);
    assert_eq!(until(&world), before);
    world.give_back(leases[1], vec![used_up("5h")]);
    assert_eq!(until(&world), Some(2 * HOUR));
}

#[test]
fn a_success_that_began_before_it_does_not_lift_it_and_one_that_began_after_does() {
    let mut world = World::with(Policy { recovery: credpool_core::Recovery::default(), ..at_once() }, rows(&["a"]));
    let slow = world.lease_of("a");
    world.reads("a", None, vec![used_up("5h")]);
    world.give_back(slow, vec![window("5h", 100)]);
    assert!(!world.available("a", None));
    world.pass(20 * MINUTE);
    let (probe, answer) = world.ask(Ask::default(), None);
    assert!(answer.is_ok_and(|grant| grant.probe));
    world.give_back(probe, Vec::new());
    assert!(world.available("a", None));
}

#[test]
fn a_failure_restricts_what_it_says_is_spent_unless_it_is_the_accounts_own_verdict() {
    let of_pool = Verdict { reach: Reach::Pool, ..fault(Cause::Server) };
    let others = [
        Verdict { kind: Kind::Request, ..fault(Cause::Server) },
        Verdict { after_ms: Some(SECOND), ..of_pool },
        Verdict { after_ms: Some(SECOND), status: Some(401), ..fault(Cause::Auth) },
    ];
    let guarded = Policy { guard: credpool_core::Guard::default(), ..at_once() };
    for (policy, other) in
        [at_once(), guarded].iter().flat_map(|policy| others.iter().map(move |other| (policy, other)))
    {
        let mut world = World::with(policy.clone(), rows(&["a"]));
        let token = world.lease_of("a");
        let readings = vec![used_up("5h")];
        let reported = world.send(Report { readings, ..first_report(token, other.clone()) }).unwrap();
        assert_eq!(reported.conclusion.state, State::Cooling);
        world.pass(HOUR);
        assert!(!world.available("a", None), "{other:?}");
        world.pass(HOUR);
        assert!(world.available("a", None), "{other:?}");
    }
    let mut world = World::of(&["b"]);
    let readings = vec![used_up("5h")];
    let token = world.lease_of("b");
    let limited = Verdict { after_ms: Some(SECOND), reach: Reach::Account, ..fault(Cause::RateLimit) };
    world.send(Report { readings, ..first_report(token, limited) }).unwrap();
    world.pass(MINUTE);
    assert!(world.available("b", None), "the verdict has heeded it");
}

#[test]
fn whoever_leased_before_an_operator_cleared_foresees_nothing() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    world.clear(Some("a"), None);
    world.give_back(token, vec![used_up("5h")]);
    assert!(world.available("a", None));
}

#[test]
fn it_is_remembered_with_what_says_so() {
    let mut world = World::of(&["a"]);
    world.reads("a", None, vec![used_up("5h")]);
    let entry = world.records().history.values().last().expect("one entry");
    let Event::Spent { lease, cause, until, rule, evidence } = &entry.event else { panic!("{entry:?}") };
    assert_eq!((*cause, &**rule, lease.is_some()), (Cause::Quota, "window.spent", true));
    assert_eq!(*until, Until::boot(START.boot.after(2 * HOUR)));
    assert_eq!(evidence.as_ref().map(|evidence| &*evidence.source), Some("header:reset"));
}
