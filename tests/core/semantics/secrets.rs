//! New secrets, and secrets that are not there.

use credpool_core::{Ask, Cause, Definition, Reach, Seq, State, Verdict, Why};

use super::world::{
    World, fault, for_a_day, of_account, of_model, of_the_account, of_the_pool, row, rows, unresolved, with_backoff,
    with_secret,
};
use crate::support::{DAY, MINUTE};

#[test]
fn a_new_secret_ends_what_was_about_the_old_one() {
    for cause in [Cause::Auth, Cause::Dead] {
        let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
        world.fails("a", for_a_day(cause));
        assert_ne!(world.state("a"), State::Ready);
        world.define(vec![of_account("a", "2", "acme")]);
        assert_eq!(world.state("a"), State::Ready, "{cause:?}");
        assert!(world.records().restrictions.is_empty(), "its strikes with it");
    }
}

#[test]
fn limits_and_balances_outlive_a_new_secret_of_the_same_account() {
    for cause in [Cause::Quota, Cause::Billing, Cause::RateLimit] {
        for reach in [Reach::Credential, Reach::Account] {
            let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
            world.fails("a", Verdict { reach, ..for_a_day(cause) });
            world.define(vec![of_account("a", "2", "acme")]);
            assert!(world.has("a", cause) && !world.available("a", None), "{cause:?} {reach:?}");
        }
    }
}

#[test]
fn limits_and_balances_end_with_a_secret_of_another_account() {
    for cause in [Cause::Quota, Cause::Billing, Cause::RateLimit] {
        for reach in [Reach::Credential, Reach::Account] {
            let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
            world.fails("a", Verdict { reach, ..for_a_day(cause) });
            world.define(vec![of_account("a", "2", "other")]);
            assert!(world.available("a", None), "{cause:?} {reach:?}");
        }
    }
}

#[test]
fn a_key_that_is_its_own_account_starts_afresh() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1")]);
    world.fails("a", of_the_account(for_a_day(Cause::Billing)));
    world.define(vec![with_secret("a", "2")]);
    assert!(world.available("a", None));
    world.define(vec![with_secret("a", "1")]);
    assert_eq!(world.state("a"), State::Billing, "the account is still out of credit");
}

#[test]
fn a_new_secret_leaves_the_accounts_other_rows_alone() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    let leases = [world.lease_of("a"), world.lease_of("b"), world.lease_of("b")];
    world.report(leases[0], of_the_account(for_a_day(Cause::Quota)));
    world.report(leases[1], for_a_day(Cause::Auth));
    world.define(vec![of_account("a", "3", "other"), of_account("b", "2", "acme")]);
    assert!(world.available("a", None));
    assert!(world.has("b", Cause::Quota) && world.has("b", Cause::Auth));
}

#[test]
fn a_relabelled_account_is_no_new_secret() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
    world.fails("a", for_a_day(Cause::Auth));
    let defined = world.define(vec![of_account("a", "1", "other")]);
    assert_eq!(defined.changed, 1);
    assert!(world.has("a", Cause::Auth));
}

#[test]
fn reports_about_an_old_secret_say_nothing_of_the_new_one() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    world.define(vec![of_account("a", "2", "acme")]);
    for (lease, verdict) in leases.into_iter().zip([
        for_a_day(Cause::Dead),
        for_a_day(Cause::RateLimit),
        of_model("large", fault(Cause::RateLimit)),
    ]) {
        let reported = world.report(lease, verdict);
        assert_eq!(reported.conclusion.why, Some(Why::StaleSecret));
        assert!(reported.ended_by.is_some());
    }
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn reports_about_an_old_secrets_account_still_count() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
    let token = world.lease_of("a");
    world.define(vec![of_account("a", "2", "acme")]);
    assert_eq!(world.report(token, of_the_account(for_a_day(Cause::Quota))).conclusion.why, None);
    assert!(!world.available("a", None));
}

#[test]
fn reports_about_an_account_that_nobody_has_any_more_are_stale() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1")]);
    let token = world.lease_of("a");
    world.define(vec![with_secret("a", "2")]);
    let reported = world.report(token, of_the_account(for_a_day(Cause::Quota)));
    assert_eq!(reported.conclusion.why, Some(Why::StaleSecret));
    assert!(world.available("a", None));
}

#[test]
fn reports_with_an_old_secret_about_the_pool_count() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1")]);
    let token = world.lease_of("a");
    world.define(vec![with_secret("a", "2")]);
    assert_eq!(world.report(token, of_the_pool(fault(Cause::Forbidden))).conclusion.why, None);
}

#[test]
fn an_account_goes_where_its_secret_goes() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1"), with_secret("b", "2")]);
    let token = world.lease_of("a");
    world.define(vec![with_secret("a", "2"), with_secret("b", "1")]);
    assert_eq!(world.report(token, of_the_account(for_a_day(Cause::Quota))).conclusion.why, None);
    assert!(world.available("a", None) && !world.available("b", None));
}

#[test]
fn a_secret_that_comes_back_finds_its_account() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1")]);
    let token = world.lease_of("a");
    world.define(vec![with_secret("a", "2")]);
    world.define(vec![with_secret("a", "1")]);
    assert_eq!(world.report(token, of_the_account(for_a_day(Cause::Quota))).conclusion.why, None);
    assert!(!world.available("a", None));
}

#[test]
fn a_credential_without_a_secret_is_handed_out_by_reference_only() {
    let mut world = World::with(with_backoff(), vec![unresolved("a"), row("b")]);
    assert_eq!(world.state("a"), State::NoSecret);
    assert_eq!(world.used(), "b");
    world.disable("b", None);
    let unavailable = world.exhausted(Ask::default());
    assert_eq!(unavailable.by_cause, [(Cause::Disabled, 1), (Cause::NoSecret, 1)].into());
    assert_eq!(unavailable.retry_after_ms, None);
    let (token, id) = world.lease(Ask { by_reference: true, ..Ask::default() });
    assert_eq!(id, "a");
    world.report(token, Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    let unavailable = world.exhausted(Ask { by_reference: true, ..Ask::default() });
    assert_eq!(unavailable.by_cause, [(Cause::Disabled, 1), (Cause::RateLimit, 1)].into());
    assert!(unavailable.retry_after_ms.is_some_and(|ms| ms >= MINUTE));
}

#[test]
fn whoever_takes_references_is_served_like_everybody_where_all_have_secrets() {
    let mut world = World::of(&["a", "b"]);
    let by_reference = Ask { by_reference: true, ..Ask::default() };
    assert_eq!(world.lease(by_reference.clone()).1, "a");
    assert_eq!(world.lease(by_reference).1, "b");
}

#[test]
fn a_secret_that_is_found_makes_its_row_ready() {
    let mut world = World::with(with_backoff(), vec![unresolved("a")]);
    let before = world.lease(Ask { by_reference: true, ..Ask::default() }).0;
    assert_eq!(world.define(rows(&["a"])).changed, 1);
    assert_eq!(world.state("a"), State::Ready);
    assert_eq!(world.report(before, fault(Cause::Auth)).conclusion.why, Some(Why::StaleSecret));
}

#[test]
fn a_secret_that_cannot_be_resolved_for_a_while_is_no_new_secret() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    let epoch = |world: &World| -> Seq { world.records().credentials[&world.key("a")].epoch };
    let before = epoch(&world);
    world.report(one, for_a_day(Cause::Dead));
    world.define(vec![unresolved("a")]);
    assert_eq!(world.state("a"), State::NoSecret);
    world.define(rows(&["a"]));
    assert_eq!(world.state("a"), State::NeedsLogin, "the provider called this very secret void");
    assert_eq!(epoch(&world), before);
    assert_eq!(world.report(other, for_a_day(Cause::Auth)).conclusion.why, None);
    world.define(vec![unresolved("a")]);
    world.define(vec![with_secret("a", "another")]);
    assert_eq!(world.state("a"), State::Ready);
}

#[test]
fn a_reference_that_leads_nowhere_is_not_handed_out() {
    let nowhere = Definition { referable: false, ..unresolved("a") };
    let mut world = World::with(with_backoff(), vec![nowhere, unresolved("b")]);
    let ask = Ask { by_reference: true, ..Ask::default() };
    assert_eq!([world.lease(ask.clone()).1, world.lease(ask.clone()).1], ["b", "b"]);
    let pinned = Ask { pin: Some(world.key("a")), ..ask };
    assert_eq!(world.exhausted(pinned.clone()).by_cause.get(&Cause::NoSecret), Some(&1));
    world.define(vec![unresolved("a")]);
    assert_eq!(world.lease(pinned).1, "a");
}

#[test]
fn why_there_is_no_secret_is_told_and_may_change() {
    let without = |why: &str| Definition { unresolved: why.into(), ..unresolved("a") };
    let mut world = World::with(with_backoff(), vec![without("KEY is not set")]);
    let reason = |world: &mut World| {
        let first = world.exhausted(Ask::default()).first.remove(0);
        first.obstacle.expect("an obstacle").reason
    };
    assert_eq!(&*reason(&mut world), "KEY is not set");
    let defined = world.define(vec![without("KEY is empty")]);
    assert_eq!(defined.changed, 0, "the credential is what it was");
    assert_eq!(&*reason(&mut world), "KEY is empty");
    world.define(vec![without("KEY is empty")]);
    assert!(world.core.touched().is_empty(), "{:?}", world.core.touched());
}

#[test]
fn each_new_secret_has_a_new_epoch() {
    let mut world = World::of(&["a"]);
    let mut epochs = vec![world.ask(Ask::default(), None).1.unwrap().epoch];
    for secret in ["2", "1", "2"] {
        world.define(vec![with_secret("a", secret)]);
        epochs.push(world.ask(Ask::default(), None).1.unwrap().epoch);
    }
    assert!(epochs.is_sorted_by(|one, next| one < next), "{epochs:?}");
    world.pass(DAY);
    world.define(vec![with_secret("a", "2")]);
    assert_eq!(Some(&world.ask(Ask::default(), None).1.unwrap().epoch), epochs.last());
}
