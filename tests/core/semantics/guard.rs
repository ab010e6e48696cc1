//! Failures that strike several credentials at once are the provider's.

use credpool_core::{
    Ask, Cause, Evidence, Guard, Next, Phase, Policy, Report, Reported, Restriction, State, Verdict, Why,
};

use super::world::{
    World, fault, first_report, for_a_day, of_account, of_model, of_the_account, of_the_pool, row, rows, with_backoff,
};
use crate::support::{DAY, MINUTE, SECOND};

fn policy() -> Policy {
    Policy { guard: Guard::default(), ..with_backoff() }
}

fn world() -> World {
    World::with(policy(), rows(&["a", "b", "c", "d"]))
}

/// A failure with a model in use.
fn with(world: &mut World, id: &str, model: Option<&str>, verdict: Verdict) -> Reported {
    let token = world.lease_of(id);
    world.send(Report { model: model.map(Into::into), ..first_report(token, verdict) }).unwrap()
}

/// A fault of the provider, as a 503 is.
fn outage() -> Verdict {
    of_the_pool(Verdict { status: Some(503), ..fault(Cause::Server) })
}

/// A 429 that says nothing.
fn bare() -> Verdict {
    of_the_account(fault(Cause::RateLimit))
}

#[test]
fn one_fault_of_the_provider_benches_nobody() {
    for cause in [Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network] {
        let mut world = world();
        for _ in 0..3 {
            let reported = world.fails("a", of_the_pool(Verdict { after_ms: Some(DAY), ..fault(cause) }));
            assert_eq!(reported.conclusion.why, Some(Why::NotTheCredentialsFault));
            assert_eq!(reported.conclusion.until, None);
        }
        assert!(world.records().restrictions.is_empty());
    }
}

#[test]
fn the_same_fault_from_two_keys_for_one_model_pauses_the_pool_for_that_model_and_benches_no_key() {
    let mut world = world();
    with(&mut world, "a", Some("large"), outage());
    let reported = with(&mut world, "b", Some("large"), outage());
    let conclusion = reported.conclusion;
    assert_eq!((conclusion.why, conclusion.model.as_deref(), conclusion.strikes), (None, Some("large"), 1));
    assert_eq!(conclusion.until.unwrap().remaining(world.now), Some(5 * SECOND));
    for id in ["a", "b", "c", "d"] {
        assert_eq!(world.state(id), State::Ready);
        assert!(world.available(id, None) && world.available(id, Some("small")));
        assert!(!world.available(id, Some("large")));
    }
    let large = world.exhausted(Ask { model: Some("large".into()), ..Ask::default() });
    assert_eq!(large.pool.map(|obstacle| obstacle.cause), Some(Cause::Server));
}

#[test]
fn faults_of_different_kinds_add_up_and_of_different_models_do_not() {
    let mut world = world();
    with(&mut world, "a", Some("large"), outage());
    let other = with(&mut world, "b", Some("small"), outage());
    assert_eq!(other.conclusion.why, Some(Why::NotTheCredentialsFault));
    let overloaded = of_the_pool(fault(Cause::Overloaded));
    assert_eq!(with(&mut world, "c", Some("large"), overloaded).conclusion.why, None);
    assert!(!world.available("d", Some("large")) && world.available("d", Some("small")));
}

#[test]
fn what_is_ten_seconds_apart_is_no_burst() {
    for (apart, paused) in [(10 * SECOND - 1, true), (10 * SECOND, false)] {
        let mut world = world();
        world.fails("a", outage());
        world.pass(apart);
        world.fails("b", outage());
        assert_eq!(!world.available("c", None), paused, "{apart} ms apart");
    }
}

#[test]
fn a_pause_undoes_what_its_burst_did_to_credentials() {
    let mut world = world();
    let of_key = Verdict { status: Some(503), ..fault(Cause::Server) };
    world.fails("a", of_key.clone());
    assert_eq!(world.state("a"), State::Cooling);
    world.fails("b", of_key);
    assert_eq!((world.state("a"), world.state("b")), (State::Ready, State::Ready));
    assert!(!world.available("c", None));
    world.pass(5 * SECOND);
    assert!(world.available("a", None));
}

#[test]
fn a_window_from_before_the_burst_stays() {
    let mut world = world();
    let of_key = Verdict { status: Some(503), after_ms: Some(MINUTE), ..fault(Cause::Server) };
    let again = world.lease_of("a");
    world.fails("a", of_key.clone());
    world.pass(9 * SECOND);
    world.report(again, Verdict { after_ms: None, ..of_key.clone() });
    world.pass(2 * SECOND);
    world.fails("b", of_key);
    assert!(!world.available("c", None), "two credentials within ten seconds");
    assert_eq!((world.state("a"), world.state("b")), (State::Cooling, State::Ready));
}

#[test]
fn three_bare_refusals_are_the_providers() {
    for verdict in [bare(), Verdict { status: Some(403), ..fault(Cause::Forbidden) }] {
        let mut world = world();
        for id in ["a", "b"] {
            world.fails(id, verdict.clone());
            assert_eq!(world.state(id), State::Cooling);
        }
        let conclusion = world.fails("c", verdict).conclusion;
        assert_eq!((conclusion.reach, conclusion.why), (credpool_core::Reach::Pool, None));
        assert!(["a", "b", "c"].iter().all(|id| world.state(id) == State::Ready));
        assert!(!world.available("d", None));
    }
}

#[test]
fn a_refusal_that_says_something_is_the_credentials() {
    let evidence = Some(Evidence { source: "body:error.code".into(), raw: "rate_limit_exceeded".into() });
    let telling = [
        Verdict { after_ms: Some(MINUTE), ..bare() },
        Verdict { evidence, ..bare() },
        Verdict { status: Some(401), ..fault(Cause::Auth) },
        Verdict { status: None, ..bare() },
        of_the_account(fault(Cause::Quota)),
    ];
    for verdict in telling {
        let mut world = world();
        for id in ["a", "b", "c"] {
            world.fails(id, verdict.clone());
        }
        assert!(["a", "b", "c"].iter().all(|id| world.state(id) == State::Cooling), "{verdict:?}");
        assert!(world.available("d", None));
    }
}

#[test]
fn rows_of_one_account_are_refused_as_one() {
    let mut world = World::with(
        policy(),
        vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), of_account("c", "3", "acme"), row("d")],
    );
    let leases: Vec<_> = ["a", "b", "c"].map(|id| world.lease_of(id)).into();
    for token in leases {
        world.report(token, bare());
    }
    assert_eq!(world.state("a"), State::Cooling);
    assert!(world.available("d", None));
}

#[test]
fn undoing_brings_back_what_was_there() {
    let mut world = world();
    world.fails("a", bare());
    world.pass(11 * SECOND);
    let before = world.records().restrictions.values().next().unwrap().clone();
    assert!(matches!(before.phase, Phase::HalfOpen { .. }));
    assert_eq!(world.fails("a", bare()).conclusion.strikes, 2);
    world.fails("b", bare());
    world.fails("c", bare());
    let after = world.records().restrictions.values().find(|r| r.identity == before.identity).unwrap();
    assert_eq!((after.strikes, after.began, after.is_in_force()), (1, before.began, true));
    assert!(matches!(after.phase, Phase::HalfOpen { answer_by: None, .. }));
}

#[test]
fn what_somebody_else_has_had_a_say_in_is_not_undone() {
    let mut world = world();
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, bare());
    world.report(other, Verdict { after_ms: Some(DAY), ..bare() });
    world.fails("b", bare());
    world.fails("c", bare());
    assert_eq!((world.state("a"), world.state("b")), (State::Cooling, State::Ready));
}

#[test]
fn who_was_out_when_the_pool_paused_adds_nothing_and_who_was_let_through_makes_it_longer() {
    let mut world = world();
    let (early, late) = (world.lease_of("c"), world.lease_of("d"));
    world.fails("a", outage());
    world.fails("b", outage());
    let again = world.report(early, outage()).conclusion;
    assert_eq!((again.why, again.strikes), (Some(Why::AlreadyRestricted), 1));
    world.pass(5 * SECOND);
    let (probe, grant) = world.ask(Ask::default(), None);
    assert!(grant.unwrap().probe);
    assert_eq!(world.report(late, outage()).conclusion.why, Some(Why::AlreadyRestricted));
    let failed = world.report(probe, of_the_pool(fault(Cause::Overloaded))).conclusion;
    assert_eq!((failed.why, failed.strikes), (None, 2));
    assert_eq!(failed.until.unwrap().remaining(world.now), Some(10 * SECOND));
    assert_eq!(world.records().restrictions.len(), 1);
}

#[test]
fn a_lease_that_came_with_the_report_that_began_the_pause_is_from_after_it() {
    let mut world = world();
    with(&mut world, "a", Some("large"), outage());
    let (first, next) = (world.lease_of("b"), world.token());
    let ask = Ask { model: Some("small".into()), ..Ask::default() };
    let with_next = Some(Next::With { ask, token: next, owner: None });
    let large = |token| Report { model: Some("large".into()), ..first_report(token, outage()) };
    world.send(Report { next: with_next, ..large(first) }).unwrap();
    world.pass(5 * SECOND);
    let again = world.send(large(next)).unwrap().conclusion;
    assert_eq!((again.why, again.strikes), (None, 2));
}

#[test]
fn the_next_outage_pauses_for_longer() {
    let mut world = world();
    world.fails("a", outage());
    world.fails("b", outage());
    world.pass(5 * SECOND);
    for _ in 0..3 {
        let (probe, _) = world.lease(Ask::default());
        world.release(probe, false).unwrap();
    }
    // Nobody has said that it is over, and its ramp has ended.
    world.pass(MINUTE);
    world.fails("a", outage());
    let again = world.fails("b", outage()).conclusion;
    assert_eq!((again.why, again.strikes), (None, 2));
    assert_eq!(again.until.unwrap().remaining(world.now), Some(10 * SECOND));
}

#[test]
fn strikes_that_were_remembered_are_so_when_a_burst_is_undone() {
    let mut world = world();
    let of_key = |after_ms| Verdict { status: Some(503), after_ms, ..fault(Cause::Server) };
    world.fails("a", of_key(Some(SECOND)));
    for _ in 0..2 {
        world.pass(10 * SECOND);
    }
    assert!(world.records().restrictions.values().all(Restriction::is_over));
    assert_eq!(world.fails("a", of_key(None)).conclusion.strikes, 2);
    world.fails("b", of_key(None));
    let remembered = world.records().restrictions.values().find(|r| r.is_over()).unwrap();
    assert_eq!(remembered.strikes, 1);
}

#[test]
fn a_pause_is_short_whatever_the_provider_says() {
    let mut world = world();
    for id in ["a", "b"] {
        world.fails(id, of_the_pool(Verdict { after_ms: Some(DAY), ..fault(Cause::Overloaded) }));
    }
    world.pass(2 * MINUTE - 1);
    assert!(!world.available("c", None));
    world.pass(1);
    assert!(world.available("c", None));
}

#[test]
fn an_operators_clear_ends_a_pause_and_a_burst() {
    let mut world = world();
    world.fails("a", outage());
    world.clear(None, None);
    world.fails("b", outage());
    assert!(world.available("c", None), "what was before the clear counts no more");
    world.fails("c", outage());
    assert_eq!(world.clear(None, None), 1);
    assert!(world.available("d", None));
}

#[test]
fn a_clear_of_one_credential_leaves_what_others_have_met() {
    for (cleared, is_burst) in [("a", false), ("b", true)] {
        let mut world = world();
        world.fails("a", outage());
        world.clear(Some(cleared), None);
        world.fails("c", outage());
        assert_eq!(!world.available("d", None), is_burst, "{cleared} was cleared");
    }
}

#[test]
fn the_guard_can_be_switched_off_and_set_otherwise() {
    let mut world = World::with(with_backoff(), rows(&["a", "b", "c", "d"]));
    for id in ["a", "b", "c"] {
        world.fails(id, bare());
    }
    assert!(["a", "b", "c"].iter().all(|id| world.state(id) == State::Cooling));
    let mut world =
        World::with(Policy { guard: Guard { faults: 3, ..Guard::default() }, ..policy() }, rows(&["a", "b", "c", "d"]));
    world.fails("a", outage());
    world.fails("b", outage());
    assert!(world.available("d", None));
    world.fails("c", outage());
    assert!(!world.available("d", None));
}

#[test]
fn with_the_guard_off_the_providers_fault_cools_whom_it_struck_and_never_the_pool() {
    for cause in [Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network] {
        let mut world = World::with(with_backoff(), rows(&["a", "b", "c"]));
        for id in ["a", "b"] {
            let conclusion = with(&mut world, id, Some("large"), of_the_pool(fault(cause))).conclusion;
            assert_eq!((conclusion.reach, conclusion.why), (credpool_core::Reach::Credential, None));
            assert_eq!(conclusion.model.as_deref(), Some("large"));
            assert!(!world.available(id, Some("large")) && world.available(id, Some("small")));
        }
        assert!(world.available("c", Some("large")));
        world.fails("c", of_the_pool(fault(cause)));
        assert_eq!(world.state("c"), State::Cooling, "of no model it is all of the credential");
    }
}

#[test]
fn a_pool_that_is_restricted_for_other_reasons_is_so_at_once() {
    let mut world = world();
    let other = world.lease_of("b");
    world.fails("a", of_the_pool(for_a_day(Cause::Forbidden)));
    assert!(!world.available("b", None));
    world.report(other, of_model("large", of_the_pool(for_a_day(Cause::Quota))));
    assert_eq!(world.records().restrictions.len(), 2);
}

#[test]
fn failures_that_are_remembered_are_bounded() {
    let names: Vec<String> = (0..80).map(|number| format!("row {number}")).collect();
    let ids: Vec<&str> = names.iter().map(String::as_str).collect();
    let guard = Guard { faults: 100, ..Guard::default() };
    let mut world = World::with(Policy { guard, ..policy() }, rows(&ids));
    for id in &ids {
        world.fails(id, outage());
    }
    assert_eq!(world.records().pools[&world.pool].sparks.len(), 64);
}
