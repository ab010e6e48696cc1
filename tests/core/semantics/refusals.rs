//! What `exhausted` and `busy` tell, and that a refused request consumes nothing.

use credpool_core::{Ask, Cause, Choice, Grant, Ineligible, Owner, Refusal, Strategy, TokenHash, Verdict};

use super::world::{World, capped, fault, for_a_day, of_model, of_the_account, of_the_pool, row, rows, with_backoff};
use crate::support::{DAY, HOUR, MINUTE, SECOND, but_for_order};

fn bench(world: &mut World, id: &str, cause: Cause, ms: u64) {
    world.fails(id, Verdict { after_ms: Some(ms), ..fault(cause) });
}

#[test]
fn a_refused_request_consumes_nothing() {
    for strategy in [Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random] {
        let mut policy = capped(1, true);
        policy.strategy = strategy;
        let mut world = World::with(policy, rows(&["a", "b"]));
        world.lease_of("a");
        bench(&mut world, "b", Cause::Quota, DAY);
        let a = world.key("a");
        for ask in [
            Ask::default(),
            Ask { pin: Some(a), ..Ask::default() },
            Ask { exclude: vec![a], ..Ask::default() },
            Ask { model: Some("large".into()), ttl_ms: Some(1), by_reference: true, ..Ask::default() },
        ] {
            let before = but_for_order(world.records());
            world.pass(1);
            world.refused(ask);
            assert_eq!(but_for_order(world.records()), before, "{strategy:?}");
            assert!(world.core.touched().is_empty());
        }
    }
}

#[test]
fn a_refusal_counts_each_credential_under_its_gravest_cause() {
    let mut world = World::with(with_backoff(), rows(&["a", "b", "c", "d"]));
    let twice = [world.lease_of("b"), world.lease_of("b")];
    bench(&mut world, "a", Cause::RateLimit, MINUTE);
    world.report(twice[0], for_a_day(Cause::RateLimit));
    world.report(twice[1], Verdict { after_ms: Some(MINUTE), ..fault(Cause::Billing) });
    world.fails("c", of_the_account(for_a_day(Cause::Quota)));
    bench(&mut world, "d", Cause::RateLimit, HOUR);
    let unavailable = world.exhausted(Ask::default());
    assert_eq!(unavailable.total, 4);
    assert_eq!(unavailable.by_cause, [(Cause::Billing, 1), (Cause::Quota, 1), (Cause::RateLimit, 2)].into());
    assert_eq!((unavailable.at_cap, unavailable.pool), (0, None));
}

#[test]
fn a_refusal_names_those_first_that_come_back_first_and_why_they_are_away() {
    let mut world = World::with(with_backoff(), rows(&["a", "b", "c", "d"]));
    let twice = [world.lease_of("d"), world.lease_of("d")];
    bench(&mut world, "a", Cause::Quota, 3 * HOUR);
    world.fails("b", fault(Cause::Dead));
    bench(&mut world, "c", Cause::RateLimit, MINUTE);
    world.report(twice[0], Verdict { after_ms: Some(HOUR), ..fault(Cause::Server) });
    world.report(twice[1], Verdict { after_ms: Some(MINUTE), ..fault(Cause::Billing) });
    let unavailable = world.exhausted(Ask::default());
    let named: String = unavailable.first.iter().map(|absent| world.id(absent.credential)).collect();
    assert_eq!(named, "cdab");
    let causes: Vec<Cause> = unavailable.first.iter().filter_map(|a| Some(a.obstacle.as_ref()?.cause)).collect();
    let longest = [Cause::RateLimit, Cause::Server, Cause::Quota, Cause::Dead];
    assert_eq!(causes, longest, "the one that lasts longest is what keeps it away");
    let retry = unavailable.retry_after_ms.unwrap();
    assert!((MINUTE..=MINUTE + MINUTE / 10).contains(&retry), "{retry}");
    world.pass(retry - 1);
    world.exhausted(Ask::default());
    world.pass(1);
    assert_eq!(world.next(), "c");
}

#[test]
fn instants_and_durations_are_put_in_one_order() {
    let mut world = World::with(with_backoff(), rows(&["a", "b", "c"]));
    let at = |ms| Some(world.now.wall.after(ms));
    let (first, second) = (at(HOUR), at(4 * HOUR));
    world.fails("a", Verdict { at: second, ..fault(Cause::Quota) });
    bench(&mut world, "b", Cause::RateLimit, 2 * HOUR);
    world.fails("c", Verdict { at: first, ..fault(Cause::Quota) });
    let order = |world: &mut World| -> String {
        let unavailable = world.exhausted(Ask::default());
        unavailable.first.iter().map(|absent| world.id(absent.credential)).collect()
    };
    assert_eq!(order(&mut world), "cba");
    world.step(-7_200_000);
    assert_eq!(order(&mut world), "bca");
    world.step(7_200_000 + 3_000_000);
    assert_eq!(order(&mut world), "cba");
}

#[test]
fn a_refusal_names_thirty_two_and_counts_all() {
    for count in [31, 32, 33, 40] {
        let ids: Vec<String> = (0..count).map(|id| format!("{id:02}")).collect();
        let mut world = World::with(with_backoff(), ids.iter().map(|id| row(id)).collect());
        for (place, id) in ids.iter().enumerate() {
            bench(&mut world, id, Cause::Quota, (100 - place as u64) * HOUR);
        }
        let unavailable = world.exhausted(Ask::default());
        assert_eq!((unavailable.total, unavailable.by_cause[&Cause::Quota]), (count, count));
        let named: Vec<String> = unavailable.first.iter().map(|absent| world.id(absent.credential)).collect();
        let expected: Vec<String> = ids.iter().rev().take(32).cloned().collect();
        assert_eq!(named, expected);
    }
}

#[test]
fn only_a_person_can_help_where_nothing_opens_by_itself() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    world.fails("a", fault(Cause::Dead));
    world.disable("b", None);
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms, None);
    world.disable("b", Some(HOUR));
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms, Some(HOUR));
}

#[test]
fn busy_means_healthy_but_at_a_hard_cap() {
    let mut world = World::with(capped(1, true), rows(&["a", "b", "c"]));
    world.lease_of("a");
    world.lease_of("b");
    bench(&mut world, "c", Cause::Quota, DAY);
    let unavailable = world.busy(Ask::default());
    assert_eq!((unavailable.total, unavailable.at_cap), (3, 2));
    assert_eq!(unavailable.by_cause, [(Cause::Quota, 1)].into());
    let named: String = unavailable.first.iter().map(|absent| world.id(absent.credential)).collect();
    assert_eq!(named, "abc");
    assert_eq!(unavailable.first[0].obstacle, None);
    assert!(unavailable.retry_after_ms.is_some_and(|ms| ms > 0 && ms <= SECOND));
    let only_c = Ask { exclude: vec![world.key("a"), world.key("b")], ..Ask::default() };
    assert_eq!(world.exhausted(only_c).at_cap, 0, "the request decides what is left to be busy");
}

#[test]
fn a_restricted_credential_at_its_cap_is_restricted() {
    let mut world = World::with(capped(2, true), rows(&["a"]));
    world.lease_of("a");
    let kept = world.lease_of("a");
    let report = credpool_core::Report { keep: true, ..super::world::first_report(kept, for_a_day(Cause::Quota)) };
    world.send(report).unwrap();
    let unavailable = world.exhausted(Ask::default());
    assert_eq!((unavailable.at_cap, unavailable.by_cause), (0, [(Cause::Quota, 1)].into()));
}

#[test]
fn a_refusal_is_about_the_model_that_was_asked_for() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases = [world.lease_of("a"), world.lease_of("a")];
    world.report(leases[0], of_model("large", Verdict { after_ms: Some(HOUR), ..fault(Cause::Quota) }));
    world.report(leases[1], Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    let retry = |world: &mut World, model: Option<&str>| {
        world.exhausted(Ask { model: model.map(Into::into), ..Ask::default() }).retry_after_ms.unwrap()
    };
    assert!(retry(&mut world, Some("large")) >= HOUR);
    assert!(retry(&mut world, Some("small")) < 2 * MINUTE && retry(&mut world, None) < 2 * MINUTE);
}

#[test]
fn where_the_whole_pool_waits_its_credentials_come_back_with_it() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let token = world.lease_of("a");
    bench(&mut world, "b", Cause::Quota, DAY);
    world.report(token, of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::Forbidden) }));
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    for (ask, total) in [(Ask::default(), 2), (pinned, 1)] {
        let unavailable = world.exhausted(ask);
        assert_eq!((unavailable.total, unavailable.at_cap), (total, 0));
        assert!(unavailable.retry_after_ms.is_some_and(|ms| ms <= MINUTE + MINUTE / 10), "{unavailable:?}");
        assert_eq!(unavailable.by_cause.get(&Cause::Forbidden), Some(&1), "{unavailable:?}");
        let first = &unavailable.first[0];
        assert_eq!((world.id(first.credential).as_str(), &first.obstacle), ("a", &None), "only the pool keeps it away");
        let pool = unavailable.pool.expect("the pool is in the way");
        assert_eq!(pool.cause, Cause::Forbidden);
    }
    let pinned = Ask { pin: Some(world.key("b")), ..Ask::default() };
    assert!(world.exhausted(pinned).retry_after_ms.is_some_and(|ms| ms >= DAY));
}

#[test]
fn a_free_pin_comes_back_with_its_pool_to_the_millisecond() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", of_the_pool(Verdict { after_ms: Some(200), ..fault(Cause::Forbidden) }));
    let unavailable = world.exhausted(Ask { pin: Some(world.key("a")), ..Ask::default() });
    let retry = unavailable.retry_after_ms.unwrap();
    assert!((200..=220).contains(&retry), "{unavailable:?}");
    assert_eq!(unavailable.by_cause, [(Cause::Forbidden, 1)].into());
    assert_eq!(unavailable.first[0].obstacle, None, "nothing of its own keeps it away");
}

#[test]
fn whom_only_the_pool_keeps_away_is_counted_and_named_for_the_pools_cause() {
    for strategy in [Strategy::FillFirst, Strategy::Random] {
        let ids: Vec<String> = (0..40).map(|id| format!("{id:02}")).collect();
        let policy = credpool_core::Policy { strategy, ..with_backoff() };
        let mut world = World::with(policy, ids.iter().map(|id| row(id)).collect());
        bench(&mut world, "01", Cause::Quota, DAY);
        world.fails("00", of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::Forbidden) }));
        let ask = Ask { exclude: vec![world.key("02")], ..Ask::default() };
        let unavailable = world.exhausted(ask);
        assert_eq!(unavailable.by_cause, [(Cause::Quota, 1), (Cause::Forbidden, 38)].into());
        assert_eq!((unavailable.total, unavailable.first.len()), (39, 32));
        let own = unavailable.first.iter().find(|absent| absent.obstacle.is_some());
        assert_eq!(own, None, "those come back first that come back with the pool");
        assert!(unavailable.first.iter().all(|absent| world.id(absent.credential) != "02"));
    }
}

#[test]
fn where_the_pool_and_all_in_it_wait_the_later_counts() {
    let ids: Vec<String> = (0..40).map(|id| format!("{id:02}")).collect();
    let mut world = World::with(with_backoff(), ids.iter().map(|id| row(id)).collect());
    let token = world.lease_of("00");
    for id in &ids {
        bench(&mut world, id, Cause::Quota, HOUR);
    }
    world.report(token, of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::Forbidden) }));
    assert!(world.exhausted(Ask::default()).retry_after_ms.is_some_and(|ms| ms >= HOUR));
}

#[test]
fn a_pool_that_opens_helps_nobody_where_only_a_person_can() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases = [world.lease_of("a"), world.lease_of("a")];
    world.report(leases[0], fault(Cause::Dead));
    world.report(leases[1], of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::Forbidden) }));
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms, None);
    let nobody = Ask { exclude: vec![world.key("a")], ..Ask::default() };
    assert_eq!(world.exhausted(nobody).retry_after_ms, None);
}

#[test]
fn a_waiting_pool_is_exhausted_though_a_credential_is_at_its_cap() {
    let mut world = World::with(capped(1, true), rows(&["a", "b"]));
    world.lease_of("a");
    world.fails("b", of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::Forbidden) }));
    let unavailable = world.exhausted(Ask::default());
    assert_eq!((unavailable.total, unavailable.at_cap), (2, 1));
    assert!(unavailable.retry_after_ms.is_some_and(|ms| ms >= MINUTE));
}

#[test]
fn of_a_pools_two_restrictions_the_later_is_told() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases = [world.lease_of("a"), world.lease_of("a")];
    world.report(leases[0], of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) }));
    let later = Verdict { after_ms: Some(HOUR), ..fault(Cause::Forbidden) };
    world.report(leases[1], of_model("large", of_the_pool(later)));
    let cause = |world: &mut World, model: &str| {
        let ask = Ask { model: Some(model.into()), ..Ask::default() };
        world.exhausted(ask).pool.map(|obstacle| obstacle.cause)
    };
    assert_eq!(cause(&mut world, "large"), Some(Cause::Forbidden));
    assert_eq!(cause(&mut world, "small"), Some(Cause::RateLimit));
}

#[test]
fn an_unknown_pool_says_so() {
    let mut world = World::of(&["a"]);
    world.pool = credpool_core::PoolKey(u32::MAX);
    assert_eq!(world.refused(Ask::default()), Refusal::UnknownPool);
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    for strategy in [Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random] {
        let mut policy = capped(1, true);
        policy.strategy = strategy;
        let mut world = World::with(policy, rows(&["a", "b", "c"]));
        bench(&mut world, "b", Cause::Quota, DAY);
        for _ in 0..4 {
            let before = world.records().clone();
            let foreseen = world.core.core().explain(world.pool, &Ask::default()).unwrap().choice;
            assert_eq!(*world.records(), before);
            let answer = world.ask(Ask::default(), None).1;
            assert_eq!(
                foreseen,
                answer.map(|Grant { credential, chosen_by, probe, .. }| Choice { credential, chosen_by, probe })
            );
        }
    }
}

#[test]
fn a_dry_run_goes_through_the_candidates_and_tells_what_keeps_each_away() {
    let mut world = World::with(capped(1, true), rows(&["a", "b", "c", "d"]));
    world.lease_of("a");
    bench(&mut world, "b", Cause::Quota, DAY);
    let ask = Ask { exclude: vec![world.key("c")], ..Ask::default() };
    let explanation = world.core.core().explain(world.pool, &ask).unwrap();
    assert_eq!(explanation.choice.map(|choice| choice.credential), Ok(world.key("d")));
    let told: Vec<_> = explanation.candidates.iter().map(|c| (world.id(c.credential), &c.ineligible[..])).collect();
    let [(a, [Ineligible::AtCap]), (b, [Ineligible::Restricted(_)]), (c, [Ineligible::Excluded]), (d, [])] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!([a, b, c, d], ["a", "b", "c", "d"]);
}

#[test]
fn a_dry_run_goes_through_thirty_two() {
    let ids: Vec<String> = (0..40).map(|id| format!("{id:02}")).collect();
    let world = World::with(with_backoff(), ids.iter().map(|id| row(id)).collect());
    let explanation = world.core.core().explain(world.pool, &Ask::default()).unwrap();
    let told: Vec<String> = explanation.candidates.iter().map(|c| world.id(c.credential)).collect();
    assert_eq!(told, ids[..32]);
}

#[test]
fn a_lease_is_of_the_connection_and_token_that_asked() {
    let mut world = World::of(&["a"]);
    let owner = Some(Owner { run: 3, connection: 4, user: 5 });
    let (token, grant) = world.ask(Ask::default(), owner);
    let lease = world.core.core().lease(token).unwrap();
    assert_eq!((lease.owner, lease.no), (owner, grant.unwrap().no));
    assert!(world.core.core().lease(TokenHash(404)).is_none());
}
