//! Reports: judged once, whatever became of their lease; and how far a verdict reaches.

use credpool_core::{
    Ask, Cause, CredentialKey, EndedBy, Kind, Next, Reach, Refusal, Report, Reported, Seq, State, Subject, TokenHash,
    Verdict, Why,
};

use super::world::{
    World, capped, connection, fault, first_report, for_a_day, of_account, of_model, of_the_account, of_the_pool, rows,
    with_backoff,
};
use crate::support::{HOUR, MINUTE, but_for_order};

#[test]
fn the_first_report_is_judged_even_if_the_lease_has_ended() {
    let endings: [fn(&mut World, TokenHash); 3] = [
        |world, token| assert!(!world.release(token, false).unwrap().duplicate),
        |world, _| world.pass(MINUTE),
        |world, _| assert_eq!(world.disconnect(connection(1)), 1),
    ];
    for end in endings {
        let mut world = World::of(&["a"]);
        let (token, grant) = world.ask(Ask { ttl_ms: Some(MINUTE), ..Ask::default() }, Some(connection(1)));
        grant.unwrap();
        end(&mut world, token);
        let reported = world.report(token, for_a_day(Cause::Quota));
        assert_eq!((reported.conclusion.why, reported.duplicate), (None, false));
        assert!(!world.available("a", None));
    }
}

#[test]
fn a_report_ends_its_lease_unless_it_is_kept() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let token = world.lease_of("a");
    let kept = Report { keep: true, ..first_report(token, of_model("small", fault(Cause::Model))) };
    assert_eq!(world.send(kept).unwrap().ended_by, None);
    assert_eq!(world.in_flight("a"), 1);
    let last = Report { number: 2, ..first_report(token, of_model("large", fault(Cause::Model))) };
    assert_eq!(world.send(last).unwrap().ended_by, Some(EndedBy::Report));
    assert_eq!(world.in_flight("a"), 0);
}

#[test]
fn a_report_said_again_answers_as_before_and_changes_nothing() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let token = world.lease_of("a");
    let next = Next::Same { token: world.token(), connection: connection(1) };
    let report = Report { next: Some(next), ..first_report(token, fault(Cause::RateLimit)) };
    let first = world.send(report.clone()).unwrap();
    assert!(first.next.is_some() && !first.duplicate);
    for verdict in [fault(Cause::RateLimit), for_a_day(Cause::Billing)] {
        world.pass(MINUTE);
        let before = but_for_order(world.records());
        let again = world.send(Report { verdict, ..report.clone() }).unwrap();
        assert_eq!(again, Reported { duplicate: true, next: None, ..first.clone() });
        assert_eq!(but_for_order(world.records()), before);
    }
}

#[test]
fn each_number_is_a_failure_of_its_own() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let token = world.lease_of("a");
    for (number, cause) in [(7, Cause::RateLimit), (1, Cause::Server), (2, Cause::Billing)] {
        let reported = world.send(Report { number, keep: true, ..first_report(token, fault(cause)) }).unwrap();
        assert!(!reported.duplicate && world.has("a", cause));
    }
    let again = Report { number: 1, keep: true, ..first_report(token, fault(Cause::Quota)) };
    assert!(world.send(again).unwrap().duplicate);
    assert!(!world.has("a", Cause::Quota));
}

#[test]
fn a_report_about_no_lease_is_recorded_against_nothing() {
    let mut world = World::of(&["a"]);
    let before = but_for_order(world.records());
    let report = first_report(TokenHash(404), for_a_day(Cause::Dead));
    assert_eq!(world.send(report), Err(Refusal::UnknownLease));
    assert_eq!(but_for_order(world.records()), before);
}

#[test]
fn next_gives_another_lease_in_the_same_step() {
    let mut world = World::with(capped(1, true), rows(&["a", "b"]));
    let token = world.lease_of("a");
    let ask = Ask { ttl_ms: Some(9), ..Ask::default() };
    let next = Next::With { ask, token: world.token(), owner: Some(connection(3)) };
    let reported = world.send(Report { next: Some(next), ..first_report(token, fault(Cause::RateLimit)) }).unwrap();
    let grant = reported.next.unwrap().unwrap();
    assert_eq!((world.id(grant.credential), grant.expires), ("b".into(), world.now.boot.after(9)));
    assert_eq!(world.disconnect(connection(3)), 1);
}

#[test]
fn next_may_repeat_the_terms_of_its_lease() {
    let mut world = World::of(&["a", "b", "c"]);
    let exclude = vec![world.key("b")];
    let ask = Ask { exclude, ttl_ms: Some(77), model: Some("small".into()), ..Ask::default() };
    for owner in [None, Some(connection(1))] {
        let (token, _) = world.ask(ask.clone(), owner);
        let next = Next::Same { token: world.token(), connection: connection(2) };
        let report = first_report(token, of_model("small", fault(Cause::Model)));
        let reported = world.send(Report { next: Some(next.clone()), ..report }).unwrap();
        assert_eq!(world.id(reported.next.unwrap().unwrap().credential), "c");
        let Next::Same { token, .. } = next else { unreachable!() };
        let lease = world.core.core().lease(token).unwrap();
        assert_eq!((&lease.ask, lease.owner), (&ask, owner.map(|_| connection(2))));
        world.clear(None, None);
    }
}

#[test]
fn a_next_that_cannot_be_had_is_refused_and_the_report_stands() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    let next = Next::Same { token: world.token(), connection: connection(1) };
    let reported = world.send(Report { next: Some(next), ..first_report(token, for_a_day(Cause::Quota)) }).unwrap();
    assert!(matches!(reported.next, Some(Err(Refusal::Exhausted(_)))), "{reported:?}");
    assert_eq!((reported.ended_by, reported.conclusion.why), (Some(EndedBy::Report), None));
    assert!(!world.available("a", None));
}

#[test]
fn a_restriction_of_a_model_leaves_other_models_alone() {
    let mut world = World::of(&["a", "b"]);
    let token = world.lease_for("a", "large");
    let reported = world.report(token, of_model("large", for_a_day(Cause::RateLimit)));
    assert_eq!((reported.conclusion.model.as_deref(), reported.conclusion.state), (Some("large"), State::Ready));
    assert!(!world.available("a", Some("large")));
    assert!(world.available("a", Some("small")) && world.available("a", None));
    let large = Ask { model: Some("large".into()), ..Ask::default() };
    assert_eq!(world.lease(large).1, "b");
    assert_eq!(world.next(), "a");
    let small = Ask { model: Some("small".into()), ..Ask::default() };
    world.clear(None, None);
    assert_eq!(world.lease(small).1, "a");
}

#[test]
fn two_rows_of_one_account_are_benched_together() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), of_account("c", "3", "other")];
    let mut world = World::with(with_backoff(), shared);
    let reported = world.fails("a", of_the_account(for_a_day(Cause::Quota)));
    assert_eq!(reported.conclusion.reach, Reach::Account);
    assert!(!world.available("a", None) && !world.available("b", None));
    assert_eq!(world.next(), "c");
    world.clear(Some("b"), None);
    assert!(world.available("a", None) && world.available("b", None));
    world.fails("b", for_a_day(Cause::Auth));
    assert!(world.available("a", None), "a secret is one row's alone");
}

#[test]
fn one_secret_in_two_rows_is_one_account() {
    let twins = vec![super::world::with_secret("a", "same"), super::world::with_secret("b", "same")];
    let mut world = World::with(with_backoff(), twins);
    world.fails("b", of_the_account(fault(Cause::RateLimit)));
    assert!(!world.available("a", None));
}

#[test]
fn one_accounts_name_in_two_pools_is_two_accounts() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
    world.fails("a", of_the_account(for_a_day(Cause::Quota)));
    world.pool = world.define_pool("anthropic", vec![of_account("z", "1", "acme")]).pool;
    assert!(world.available("z", None));
}

#[test]
fn a_restriction_of_an_accounts_model_covers_that_model_of_all_its_rows() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    world.fails("a", of_model("large", of_the_account(for_a_day(Cause::Quota))));
    assert!(!world.available("b", Some("large")) && world.available("b", Some("small")));
}

#[test]
fn a_restriction_of_the_pool_covers_all_of_it_and_no_other_pool() {
    let mut world = World::of(&["a", "b"]);
    world.fails("a", of_the_pool(for_a_day(Cause::Forbidden)));
    assert!(!world.available("a", None) && !world.available("b", None));
    let unavailable = world.exhausted(Ask::default());
    assert_eq!(unavailable.pool.map(|obstacle| obstacle.cause), Some(Cause::Forbidden));
    assert_eq!((world.state("a"), world.state("b")), (State::Ready, State::Ready));
    world.define(rows(&["a", "b", "c"]));
    assert!(!world.available("c", None), "whoever joins is in the pool");
    world.pool = world.define_pool("anthropic", rows(&["z"])).pool;
    assert!(world.available("z", None));
}

#[test]
fn a_restriction_of_a_pools_model_covers_that_model_alone() {
    let mut world = World::of(&["a", "b"]);
    world.fails("a", of_model("large", of_the_pool(for_a_day(Cause::Forbidden))));
    assert!(!world.available("b", Some("large")));
    assert!(world.available("b", Some("small")) && world.available("b", None));
}

#[test]
fn a_verdict_that_reaches_nothing_restricts_nothing() {
    let mut world = World::of(&["a"]);
    let reported = world.fails("a", Verdict { reach: Reach::None, ..for_a_day(Cause::Server) });
    assert_eq!(reported.conclusion.why, Some(Why::NotTheCredentialsFault));
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn no_report_disables_a_credential_or_takes_its_secret_away() {
    for cause in [Cause::Disabled, Cause::NoSecret] {
        for reach in [Reach::Credential, Reach::Account, Reach::Pool] {
            let mut world = World::of(&["a"]);
            let reported = world.fails("a", Verdict { reach, kind: Kind::Fault(cause), ..fault(cause) });
            assert_eq!(reported.conclusion.why, Some(Why::NotTheCredentialsFault));
            assert!(world.available("a", None));
        }
    }
}

fn without_lease(credential: CredentialKey, epoch: Seq, verdict: Verdict) -> Report {
    let subject = Subject::Credential(credential, epoch);
    Report { subject, number: 1, model: None, verdict, readings: Vec::new(), keep: false, next: None }
}

#[test]
fn who_holds_no_lease_may_report_on_a_credential_in_its_present_epoch() {
    let mut world = World::of(&["a"]);
    let epoch = world.ask(Ask::default(), None).1.unwrap().epoch;
    let report = without_lease(world.key("a"), epoch, for_a_day(Cause::Quota));
    let reported = world.send(report).unwrap();
    assert_eq!((reported.conclusion.why, reported.ended_by, reported.duplicate), (None, None, false));
    assert!(!world.available("a", None));
    assert_eq!(world.in_flight("a"), 1);
    let unknown = without_lease(CredentialKey(u32::MAX), epoch, fault(Cause::Quota));
    assert_eq!(world.send(unknown), Err(Refusal::UnknownCredential));
}

#[test]
fn who_holds_no_lease_may_ask_for_one_with_the_report() {
    let mut world = World::of(&["a", "b"]);
    let epoch = world.ask(Ask::default(), None).1.unwrap().epoch;
    let next = Some(Next::With { ask: Ask::default(), token: TokenHash(77), owner: None });
    let report = Report { next, ..without_lease(world.key("a"), epoch, for_a_day(Cause::Quota)) };
    let granted = world.send(report).unwrap().next.unwrap().unwrap();
    assert_eq!(granted.credential, world.key("b"));
}

#[test]
fn a_report_of_an_old_epoch_is_history_only() {
    let mut world = World::of(&["a"]);
    let first = world.ask(Ask::default(), None).1.unwrap().epoch;
    world.clear(Some("a"), None);
    let second = world.ask(Ask::default(), None).1.unwrap().epoch;
    assert!(first < second);
    let report = without_lease(world.key("a"), first, for_a_day(Cause::Quota));
    assert_eq!(world.send(report).unwrap().conclusion.why, Some(Why::ClearedSince));
    world.define(vec![super::world::with_secret("a", "rotated")]);
    let report = without_lease(world.key("a"), second, for_a_day(Cause::Auth));
    assert_eq!(world.send(report).unwrap().conclusion.why, Some(Why::StaleSecret));
    assert!(world.available("a", None));
}

#[test]
fn a_late_report_is_judged_though_a_newer_lease_has_succeeded() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (slow, quick) = (world.lease_of("a"), world.lease_of("a"));
    world.release(quick, true).unwrap();
    world.pass(MINUTE);
    let reported = world.report(slow, Verdict { after_ms: Some(HOUR), ..fault(Cause::RateLimit) });
    assert_eq!((reported.conclusion.why, reported.conclusion.strikes), (None, 1));
    assert!(!world.available("a", None));
}
