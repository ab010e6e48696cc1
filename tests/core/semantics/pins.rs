//! Pins and excludes.

use credpool_core::{Ask, Cause, CredentialKey, Definition, Refusal};

use super::world::{World, for_a_day, row, rows};

#[test]
fn a_pin_gets_that_credential_and_no_other() {
    let mut world = World::of(&["a", "b", "c"]);
    for id in ["c", "a", "b", "c"] {
        let ask = Ask { pin: Some(world.key(id)), ..Ask::default() };
        assert_eq!(world.lease(ask).1, id);
    }
}

#[test]
fn a_restricted_pin_is_refused_though_others_are_free() {
    let mut world = World::of(&["a", "b"]);
    world.fails("b", for_a_day(Cause::Quota));
    let unavailable = world.exhausted(Ask { pin: Some(world.key("b")), ..Ask::default() });
    assert_eq!((unavailable.total, unavailable.first.len()), (1, 1));
    assert_eq!(world.id(unavailable.first[0].credential), "b");
}

#[test]
fn a_pin_that_the_pool_does_not_have_is_unknown() {
    let mut world = World::of(&["a", "b"]);
    let elsewhere = world.define_pool("anthropic", rows(&["z"])).keys[0];
    let removed = world.key("b");
    world.define(rows(&["a"]));
    for pin in [elsewhere, removed, CredentialKey(u32::MAX)] {
        assert_eq!(world.refused(Ask { pin: Some(pin), ..Ask::default() }), Refusal::UnknownCredential);
    }
}

#[test]
fn excluded_credentials_are_never_granted() {
    let mut world = World::of(&["a", "b", "c"]);
    let exclude = vec![world.key("a"), world.key("c"), world.key("a"), CredentialKey(u32::MAX)];
    for _ in 0..4 {
        assert_eq!(world.lease(Ask { exclude: exclude.clone(), ..Ask::default() }).1, "b");
    }
}

#[test]
fn thirty_two_can_be_excluded() {
    let ids: Vec<String> = (0..33).map(|id| format!("{id:02}")).collect();
    let mut world = World::with(credpool_core::Policy::default(), ids.iter().map(|id| row(id)).collect());
    let exclude: Vec<CredentialKey> = ids[..32].iter().map(|id| world.key(id)).collect();
    assert_eq!(world.lease(Ask { exclude, ..Ask::default() }).1, "32");
}

#[test]
fn a_refusal_speaks_of_what_excludes_leave() {
    let mut world = World::of(&["a", "b", "c"]);
    world.fails("a", for_a_day(Cause::Quota));
    world.disable("b", None);
    world.disable("c", None);
    let exclude = vec![world.key("b"), world.key("b"), CredentialKey(u32::MAX)];
    let unavailable = world.exhausted(Ask { exclude, ..Ask::default() });
    assert_eq!(unavailable.total, 2);
    assert_eq!(unavailable.by_cause, [(Cause::Disabled, 1), (Cause::Quota, 1)].into());
    assert_eq!(unavailable.first.iter().map(|absent| world.id(absent.credential)).collect::<String>(), "ac");
}

#[test]
fn nothing_is_left_of_a_pin_that_is_excluded() {
    let mut world = World::of(&["a", "b"]);
    let pin = world.key("a");
    let unavailable = world.exhausted(Ask { pin: Some(pin), exclude: vec![pin], ..Ask::default() });
    assert_eq!((unavailable.total, unavailable.retry_after_ms), (0, None));
    assert!(unavailable.first.is_empty() && unavailable.by_cause.is_empty());
}

#[test]
fn a_pool_without_rows_has_nothing_to_give() {
    let mut world = World::with(credpool_core::Policy::default(), Vec::<Definition>::new());
    let unavailable = world.exhausted(Ask::default());
    assert_eq!((unavailable.total, unavailable.retry_after_ms), (0, None));
}
