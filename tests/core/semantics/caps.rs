//! Soft and hard caps.

use credpool_core::{Ask, Cap, Cause, Definition, Strategy};

use super::world::{World, capped, connection, for_a_day, row, rows};

#[test]
fn under_a_soft_cap_leases_spread_before_they_share() {
    let mut world = World::with(capped(1, false), rows(&["a", "b", "c"]));
    let leases: String = (0..3).map(|_| world.next()).collect();
    assert_eq!(leases, "abc");
    let shared: String = (0..4).map(|_| world.next()).collect();
    assert_eq!(shared, "abca", "the least busy is shared, one more each");
}

#[test]
fn a_soft_cap_of_more_is_filled_before_the_next() {
    let mut world = World::with(capped(2, false), rows(&["a", "b"]));
    let leases: String = (0..6).map(|_| world.next()).collect();
    assert_eq!(leases, "aabbab");
}

#[test]
fn sharing_goes_to_the_least_busy_whatever_the_strategy() {
    for strategy in [Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random] {
        let mut policy = capped(1, false);
        policy.strategy = strategy;
        let mut world = World::with(policy, rows(&["a", "b", "c"]));
        for _ in 0..3 {
            world.next();
        }
        world.lease_of("a");
        world.lease_of("a");
        world.lease_of("b");
        assert_eq!(world.next(), "c", "{strategy:?}");
    }
}

#[test]
fn a_soft_cap_refuses_nobody() {
    let mut world = World::with(capped(1, false), rows(&["a"]));
    for _ in 0..50 {
        assert_eq!(world.next(), "a");
    }
    assert_eq!(world.in_flight("a"), 50);
}

#[test]
fn a_hard_cap_is_never_exceeded() {
    let mut world = World::with(capped(2, true), rows(&["a", "b"]));
    let leases: Vec<_> = (0..4).map(|_| world.lease(Ask::default())).collect();
    assert_eq!(leases.iter().map(|(_, id)| id.as_str()).collect::<String>(), "aabb");
    world.busy(Ask::default());
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    world.busy(pinned.clone());
    world.release(leases[2].0, false).unwrap();
    world.busy(pinned);
    assert_eq!(world.next(), "b");
    world.busy(Ask::default());
    assert_eq!((world.in_flight("a"), world.in_flight("b")), (2, 2));
}

#[test]
fn a_row_may_have_a_cap_of_its_own() {
    let of = |id, max_in_flight, hard| Definition { cap: Some(Cap { max_in_flight, hard }), ..row(id) };
    let mut world = World::with(capped(1, false), vec![of("a", 2, true), of("b", 1, true), row("c")]);
    let leases: String = (0..6).map(|_| world.next()).collect();
    assert_eq!(leases, "aabccc");
}

#[test]
fn a_lowered_cap_lets_leases_run_out_and_grants_nothing_meanwhile() {
    let mut world = World::with(capped(3, true), rows(&["a"]));
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    world.policy.cap = Cap { max_in_flight: 1, hard: true };
    world.define(rows(&["a"]));
    assert_eq!(world.in_flight("a"), 3, "whoever holds a lease keeps it");
    for lease in &leases[..2] {
        world.busy(Ask::default());
        world.release(*lease, false).unwrap();
    }
    world.busy(Ask::default());
    world.release(leases[2], false).unwrap();
    assert_eq!(world.next(), "a");
    world.busy(Ask::default());
}

#[test]
fn a_raised_cap_counts_at_once() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    world.next();
    world.busy(Ask::default());
    world.policy.cap = Cap { max_in_flight: 2, hard: true };
    world.define(rows(&["a"]));
    assert_eq!(world.next(), "a");
    world.busy(Ask::default());
    world.define(vec![Definition { cap: Some(Cap { max_in_flight: 3, hard: true }), ..row("a") }]);
    assert_eq!(world.next(), "a");
    world.busy(Ask::default());
}

#[test]
fn a_slot_comes_back_however_its_lease_ends() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let released = world.lease_of("a");
    world.release(released, false).unwrap();
    let reported = world.lease_of("a");
    world.report(reported, super::world::fault(Cause::Model));
    world.clear(None, None);
    let ask = Ask { ttl_ms: Some(5), ..Ask::default() };
    world.lease(ask);
    world.pass(5);
    world.ask(Ask::default(), Some(connection(1))).1.unwrap();
    world.busy(Ask::default());
    assert_eq!(world.disconnect(connection(1)), 1);
    assert_eq!(world.next(), "a");
}

#[test]
fn a_credential_keeps_its_leases_while_it_is_benched() {
    let mut world = World::with(capped(2, true), rows(&["a"]));
    let held = world.lease_of("a");
    world.fails("a", for_a_day(Cause::Quota));
    assert_eq!(world.in_flight("a"), 1);
    world.clear(Some("a"), None);
    world.next();
    world.busy(Ask::default());
    world.release(held, false).unwrap();
    world.next();
    world.busy(Ask::default());
}

#[test]
fn a_cap_outlives_the_removal_of_its_row() {
    let mut world = World::with(capped(1, true), rows(&["a", "b"]));
    let held = world.lease_of("a");
    world.define(rows(&["b"]));
    assert_eq!(world.next(), "b");
    world.busy(Ask::default());
    world.define(rows(&["a", "b"]));
    world.busy(Ask::default());
    world.release(held, false).unwrap();
    assert_eq!(world.next(), "a");
}

#[test]
fn a_cap_outlives_a_new_secret() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let held = world.lease_of("a");
    world.define(vec![super::world::with_secret("a", "rotated")]);
    world.busy(Ask::default());
    world.release(held, false).unwrap();
    assert_eq!(world.next(), "a");
}

#[test]
fn a_cap_outlives_a_removal_longer_than_rows_are_remembered() {
    let mut world = World::with(capped(1, true), rows(&["a", "b"]));
    let held = world.lease_of("a");
    world.define(rows(&["b"]));
    for _ in 0..60 {
        world.renew(held, Some(crate::support::HOUR)).unwrap();
        world.pass(crate::support::HOUR / 2);
    }
    world.define(rows(&["a", "b"]));
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    world.busy(pinned);
    world.release(held, false).unwrap();
    world.lease_of("a");
}

#[test]
fn a_model_may_have_a_cap_of_its_own_on_each_credential() {
    let model = |name: &str| Ask { model: Some(name.into()), ..Ask::default() };
    let mut policy = capped(3, true);
    policy.models.insert("large".into(), Cap { max_in_flight: 1, hard: true });
    let mut world = World::with(policy, rows(&["a", "b"]));
    let (first, on) = world.lease(model("large"));
    assert_eq!(on, "a");
    assert_eq!(world.lease(model("large")).1, "b");
    let unavailable = world.busy(model("large"));
    assert_eq!((unavailable.at_cap, unavailable.pool_cap), (2, None));
    assert_eq!([world.lease(model("small")).1, world.next()], ["a", "a"], "others are not bound by it");
    let full = Ask { pin: Some(world.key("a")), ..model("small") };
    world.busy(full);
    world.release(first, false).unwrap();
    assert_eq!(world.lease(model("large")).1, "a");
    world.busy(model("large"));
}

#[test]
fn a_models_soft_cap_spreads_and_refuses_nobody() {
    let large = || Ask { model: Some("large".into()), ..Ask::default() };
    let mut policy = capped(9, false);
    policy.models.insert("large".into(), Cap { max_in_flight: 1, hard: false });
    let mut world = World::with(policy, rows(&["a", "b", "c"]));
    let leases: String = (0..7).map(|_| world.lease(large()).1).collect();
    assert_eq!(leases, "abcabca");
    assert_eq!(world.next(), "a", "others fill up as before");
}

#[test]
fn a_pool_carries_no_more_than_its_total() {
    let policy = credpool_core::Policy { total: Some(3), ..capped(2, false) };
    let mut world = World::with(policy, rows(&["a", "b"]));
    let held: Vec<_> = (0..3).map(|_| world.lease(Ask::default()).0).collect();
    let unavailable = world.busy(Ask::default());
    assert_eq!((unavailable.pool_cap, unavailable.at_cap, unavailable.total), (Some(3), 0, 2));
    assert_eq!(unavailable.retry_after_ms, Some(1_000), "a slot may come back at any moment");
    world.release(held[0], false).unwrap();
    world.next();
    world.busy(Ask::default());
}

#[test]
fn caps_that_are_lowered_let_leases_run_out() {
    let model = |name: &str| Ask { model: Some(name.into()), ..Ask::default() };
    let mut world = World::with(capped(9, true), rows(&["a"]));
    let held: Vec<_> = (0..3).map(|_| world.lease(model("large")).0).collect();
    world.policy.total = Some(2);
    world.define(rows(&["a"]));
    world.busy(Ask::default());
    world.release(held[0], false).unwrap();
    world.busy(Ask::default());
    world.policy.total = None;
    world.policy.models.insert("large".into(), Cap { max_in_flight: 1, hard: true });
    world.define(rows(&["a"]));
    world.busy(model("large"));
    world.next();
    world.release(held[1], false).unwrap();
    world.busy(model("large"));
    world.release(held[2], false).unwrap();
    world.lease(model("large"));
}

#[test]
fn a_restricted_pool_is_exhausted_whatever_its_total() {
    let policy = credpool_core::Policy { total: Some(1), ..capped(1, true) };
    let mut world = World::with(policy, rows(&["a", "b"]));
    let held = world.lease_of("a");
    world.busy(Ask::default());
    world.report(held, super::world::of_the_pool(for_a_day(Cause::Quota)));
    world.exhausted(Ask::default());
}
