//! An operator's `clear` wins.

use credpool_core::{Ask, Cause, Clear, Command, CredentialKey, PoolKey, Refusal, Reply, State, Verdict, Why};

use super::world::{
    World, fault, for_a_day, of_account, of_model, of_the_account, of_the_pool, row, rows, unresolved, with_backoff,
};
use crate::support::MINUTE;

#[test]
fn clear_lifts_what_restricts_a_credential_its_account_included() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    let leases: Vec<_> = (0..4).map(|_| world.lease_of("a")).collect();
    world.report(leases[0], for_a_day(Cause::Auth));
    world.report(leases[1], of_model("large", for_a_day(Cause::RateLimit)));
    world.report(leases[2], of_the_account(for_a_day(Cause::Quota)));
    world.report(leases[3], of_the_pool(for_a_day(Cause::Forbidden)));
    assert!(!world.available("b", None), "its account and its pool are restricted");
    assert_eq!(world.clear(Some("a"), None), 3);
    assert!(!world.available("a", None), "the pool still waits");
    assert_eq!(world.clear(None, None), 1);
    assert!(world.available("a", None) && world.available("b", None));
}

#[test]
fn clear_of_one_credential_leaves_the_others_as_they_are() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    world.fails("b", for_a_day(Cause::Auth));
    world.fails("a", for_a_day(Cause::Auth));
    assert_eq!(world.clear(Some("a"), None), 1);
    assert!(world.available("a", None) && !world.available("b", None));
}

#[test]
fn clear_of_a_pool_lifts_everything_in_it_and_nothing_elsewhere() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let openrouter = world.pool;
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    world.fails("b", for_a_day(Cause::Dead));
    world.report(leases[0], of_the_account(for_a_day(Cause::Quota)));
    world.report(leases[1], of_model("large", for_a_day(Cause::RateLimit)));
    world.report(leases[2], of_model("large", of_the_pool(for_a_day(Cause::Forbidden))));
    world.pool = world.define_pool("anthropic", rows(&["z"])).pool;
    world.fails("z", for_a_day(Cause::Quota));
    world.pool = openrouter;
    assert_eq!(world.clear(None, None), 4);
    assert!(world.available("a", Some("large")) && world.available("b", Some("large")));
    world.pool = PoolKey(u32::MAX);
    let elsewhere = world.records().credentials.values().find(|c| *c.id == *"z").unwrap().key;
    assert_eq!(world.core.core().state(elsewhere), State::Cooling);
}

#[test]
fn clear_of_a_model_lifts_that_models_restrictions_alone() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    world.report(leases[0], of_model("large", for_a_day(Cause::RateLimit)));
    world.report(leases[1], of_model("small", for_a_day(Cause::RateLimit)));
    world.report(leases[2], Verdict { after_ms: Some(MINUTE), ..fault(Cause::Server) });
    assert_eq!(world.clear(Some("a"), Some("large")), 1);
    world.pass(2 * MINUTE);
    assert!(world.available("a", Some("large")) && !world.available("a", Some("small")));
}

#[test]
fn clear_forgets_strikes_and_counts_only_what_was_in_force() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    world.pass(2 * MINUTE);
    world.pass(2 * MINUTE);
    assert_eq!(world.clear(Some("a"), None), 0);
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 1);
}

#[test]
fn reports_from_leases_granted_before_a_clear_are_history_only() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let before = world.lease_of("a");
    world.clear(Some("a"), None);
    let after = world.lease_of("a");
    let reported = world.report(before, for_a_day(Cause::Quota));
    assert_eq!(reported.conclusion.why, Some(Why::ClearedSince));
    assert!(reported.ended_by.is_some(), "the lease ends all the same");
    assert!(world.available("a", None));
    assert_eq!(world.report(after, for_a_day(Cause::Quota)).conclusion.why, None);
    assert!(!world.available("a", None));
}

#[test]
fn the_order_of_commands_decides_not_the_clock() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let before = world.lease_of("a");
    world.clear(Some("a"), None);
    let after = world.lease_of("a");
    world.step(-86_400_000);
    assert_eq!(world.report(before, for_a_day(Cause::Quota)).conclusion.why, Some(Why::ClearedSince));
    assert_eq!(world.report(after, for_a_day(Cause::Quota)).conclusion.why, None);
}

#[test]
fn a_clear_of_a_model_says_nothing_of_other_models() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    world.clear(Some("a"), Some("large"));
    let why = |world: &mut World, token, verdict| world.report(token, verdict).conclusion.why;
    assert_eq!(why(&mut world, leases[0], of_model("large", fault(Cause::RateLimit))), Some(Why::ClearedSince));
    assert_eq!(why(&mut world, leases[1], of_model("small", fault(Cause::RateLimit))), None);
    assert_eq!(why(&mut world, leases[2], fault(Cause::Server)), None, "all models are more than one");
}

#[test]
fn a_clear_of_all_covers_each_model() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let token = world.lease_of("a");
    world.clear(Some("a"), None);
    let reported = world.report(token, of_model("large", fault(Cause::RateLimit)));
    assert_eq!(reported.conclusion.why, Some(Why::ClearedSince));
}

#[test]
fn a_clear_of_the_pool_covers_whatever_is_in_it() {
    for reach in [fault, |cause| of_the_account(fault(cause)), |cause| of_the_pool(fault(cause))] {
        let mut world = World::with(with_backoff(), rows(&["a"]));
        let token = world.lease_of("a");
        world.clear(None, None);
        assert_eq!(world.report(token, reach(Cause::RateLimit)).conclusion.why, Some(Why::ClearedSince));
        assert!(world.available("a", None));
    }
}

#[test]
fn a_clear_of_a_credential_says_nothing_of_its_pool() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let token = world.lease_of("a");
    world.clear(Some("a"), None);
    assert_eq!(world.report(token, of_the_pool(for_a_day(Cause::Forbidden))).conclusion.why, None);
    assert!(!world.available("b", None));
}

#[test]
fn a_clear_of_a_credential_covers_its_account_but_not_its_accounts_other_credentials() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    let (one, other) = (world.lease_of("b"), world.lease_of("b"));
    world.clear(Some("a"), None);
    let reported = world.report(one, of_the_account(for_a_day(Cause::Quota)));
    assert_eq!(reported.conclusion.why, Some(Why::ClearedSince));
    let reported = world.report(other, for_a_day(Cause::Auth));
    assert_eq!(reported.conclusion.why, None);
    assert!(!world.available("b", None) && world.available("a", None));
}

#[test]
fn a_clear_holds_however_often_others_are_cleared_later() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let token = world.lease_of("a");
    world.clear(Some("a"), None);
    for _ in 0..3 {
        let other = world.lease_of("b");
        world.clear(Some("b"), Some("large"));
        world.release(other, true).unwrap();
    }
    assert_eq!(world.report(token, for_a_day(Cause::Quota)).conclusion.why, Some(Why::ClearedSince));
}

#[test]
fn a_clear_changes_the_epoch() {
    let mut world = World::of(&["a"]);
    let epoch = |world: &mut World| world.ask(Ask::default(), None).1.unwrap().epoch;
    let first = epoch(&mut world);
    assert_eq!(epoch(&mut world), first);
    world.clear(Some("a"), None);
    let second = epoch(&mut world);
    world.clear(None, None);
    assert!(first < second && second < epoch(&mut world));
}

#[test]
fn clear_neither_enables_nor_finds_a_secret() {
    let mut world = World::with(with_backoff(), vec![row("a"), unresolved("b")]);
    world.disable("a", None);
    assert_eq!((world.clear(Some("a"), None), world.clear(Some("b"), None), world.clear(None, None)), (0, 0, 0));
    assert_eq!((world.state("a"), world.state("b")), (State::Disabled, State::NoSecret));
}

#[test]
fn what_is_not_there_cannot_be_cleared() {
    let mut world = World::of(&["a"]);
    let elsewhere = world.define_pool("anthropic", rows(&["z"])).keys[0];
    let pool = world.pool;
    for (pool, credential, refusal) in [
        (PoolKey(u32::MAX), None, Refusal::UnknownPool),
        (pool, Some(CredentialKey(u32::MAX)), Refusal::UnknownCredential),
        (pool, Some(elsewhere), Refusal::UnknownCredential),
    ] {
        let clear = Command::Clear(Clear { pool, credential, model: None });
        assert_eq!(world.apply(clear), Reply::Cleared(Err(refusal)));
    }
    assert!(world.records().watermarks.is_empty());
}

#[test]
fn watermarks_do_not_pile_up() {
    let mut world = World::of(&["a"]);
    for round in 0..100 {
        let token = world.lease_of("a");
        world.clear(Some("a"), Some(&format!("model {round}")));
        world.release(token, false).unwrap();
        world.pass(11 * MINUTE);
    }
    assert!(world.records().watermarks.len() <= 4, "{:?}", world.records().watermarks);
}
