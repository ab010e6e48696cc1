//! What is remembered of verdicts and of what operators did, and for how long.

use credpool_core::{Cause, Command, Entry, Event, Evidence, Import, Limits, Report, Until, Verdict, Wall, Why};

use super::world::{
    World, fault, first_report, for_a_day, of_account, of_model, of_the_account, of_the_pool, rows, with_backoff,
};
use crate::support::{DAY, MINUTE};

/// What is remembered of the pool, the latest first.
fn entries(world: &World) -> Vec<Entry> {
    world.core.core().history(world.pool).cloned().collect()
}

/// A few words for each entry, the oldest first.
fn told(world: &World) -> Vec<String> {
    let word = |entry: &Entry| match &entry.event {
        Event::Reported { conclusion, .. } => format!("reported {:?} {:?}", conclusion.kind, conclusion.why),
        Event::Imported { cause, .. } => format!("imported {cause:?}"),
        Event::Spent { cause, .. } => format!("spent {cause:?}"),
        Event::Recovered { lifted, .. } => format!("recovered {lifted}"),
        Event::Paused { undone, .. } => format!("paused {undone}"),
        Event::Cleared { lifted } => format!("cleared {lifted}"),
        Event::Disabled { note, .. } => format!("disabled {note}"),
        Event::Enabled => "enabled".into(),
    };
    entries(world).iter().rev().map(word).collect()
}

#[test]
fn a_verdict_is_remembered_with_what_it_rests_on() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let token = world.lease_for("a", "large");
    let no = world.core.core().lease(token).unwrap().no;
    let evidence = Some(Evidence { source: "header:retry-after".into(), raw: "60".into() });
    let verdict = Verdict { after_ms: Some(MINUTE), evidence, ..of_the_account(fault(Cause::RateLimit)) };
    let reported = world.send(Report { model: Some("large".into()), ..first_report(token, verdict) }).unwrap();
    let entry = entries(&world).remove(0);
    assert_eq!((entry.at, entry.credential), (world.now, Some(world.key("a"))));
    assert_eq!(entry.model.as_deref(), Some("large"));
    let event =
        Event::Reported { lease: Some(no), probe: false, status: Some(429), conclusion: reported.conclusion.clone() };
    assert_eq!(entry.event, event);
    assert_eq!(reported.conclusion.evidence.unwrap().raw, "60".into());
    let restriction = world.records().restrictions.values().next().unwrap();
    assert_eq!(restriction.evidence.as_ref().map(|evidence| &*evidence.source), Some("header:retry-after"));
}

#[test]
fn what_changed_nothing_is_remembered_too_and_what_is_said_twice_is_not() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, for_a_day(Cause::Quota));
    world.report(other, fault(Cause::Quota));
    world.report(one, for_a_day(Cause::Quota));
    let known = format!("reported Fault(Quota) {:?}", Some(Why::AlreadyRestricted));
    assert_eq!(told(&world), ["reported Fault(Quota) None", &known]);
}

#[test]
fn the_story_of_a_credential_is_told_in_order() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let import = Import {
        credential: world.key("a"),
        at: Wall(world.now.wall.0 - 1),
        cause: Cause::Auth,
        until: Until::Lifted,
        status: Some(401),
        rule: "legacy".into(),
    };
    world.apply(Command::Import(import.clone()));
    world.apply(Command::Import(import));
    world.clear(Some("a"), None);
    world.fails("a", fault(Cause::RateLimit));
    world.pass(MINUTE);
    let token = world.lease_of("a");
    world.release(token, true).unwrap();
    let token = world.lease_of("a");
    world.release(token, true).unwrap();
    world.disable("a", None);
    world.enable("a");
    world.enable("a");
    world.clear(None, None);
    let story = [
        "imported Auth",
        "cleared 1",
        "reported Fault(RateLimit) None",
        "recovered 1",
        "disabled maintenance",
        "enabled",
        "cleared 0",
    ];
    assert_eq!(told(&world), story);
}

#[test]
fn an_entry_concerns_all_whom_it_reached() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), of_account("c", "3", "other")];
    let mut world = World::with(with_backoff(), shared);
    let concerned = |world: &World| -> String {
        let entry = entries(world).remove(0);
        ["a", "b", "c"].into_iter().filter(|id| world.core.core().concerns(&entry, world.key(id))).collect()
    };
    world.fails("a", fault(Cause::Auth));
    assert_eq!(concerned(&world), "a");
    world.fails("b", of_the_account(fault(Cause::Quota)));
    assert_eq!(concerned(&world), "ab");
    world.fails("c", of_the_pool(fault(Cause::Forbidden)));
    assert_eq!(concerned(&world), "abc");
    world.clear(Some("b"), None);
    assert_eq!(concerned(&world), "ab");
    world.clear(None, None);
    assert_eq!(concerned(&world), "abc");
}

#[test]
fn one_credential_and_model_keep_so_many_entries_and_no_more() {
    let limits = Limits { history_per_model: 3, ..Limits::default() };
    let mut world = World::limited(limits, with_backoff(), rows(&["a"]));
    let mut fails = |model: &str| {
        let token = world.lease_of("a");
        world.report(token, of_model(model, fault(Cause::Model)));
        world.clear(None, None);
        let of_model = entries(&world).into_iter().filter(|entry| entry.model.as_deref() == Some(model));
        of_model.map(|entry| entry.no.0).collect::<Vec<_>>()
    };
    assert_eq!([fails("large").len(), fails("large").len(), fails("large").len()], [1, 2, 3]);
    let three = fails("small").len() + fails("large").len();
    assert_eq!(three, 4, "the other model keeps its own");
    assert_eq!(fails("large").last(), Some(&5), "the oldest went");
}

#[test]
fn a_pool_keeps_so_many_entries_and_no_more() {
    let limits = Limits { history_per_pool: 3, ..Limits::default() };
    let mut world = World::limited(limits, with_backoff(), rows(&["a", "b", "c"]));
    for (id, kept) in [("a", 1), ("b", 2), ("c", 3), ("a", 3)] {
        world.fails(id, fault(Cause::Auth));
        world.clear(Some(id), None);
        assert_eq!(entries(&world).len(), (2 * kept).min(3));
    }
    let pool = world.pool;
    world.pool = world.define_pool("anthropic", rows(&["z"])).pool;
    world.fails("z", fault(Cause::Auth));
    assert_eq!(entries(&world).len(), 1);
    assert_eq!(world.core.core().history(pool).count(), 3, "another pool's is its own");
}

#[test]
fn bounds_of_nothing_are_bounds_of_one() {
    let limits = Limits { history_per_pool: 0, history_per_model: 0, ..Limits::default() };
    let mut world = World::limited(limits, with_backoff(), rows(&["a"]));
    world.fails("a", fault(Cause::Auth));
    world.clear(None, None);
    assert_eq!(told(&world), ["cleared 1"]);
}

#[test]
fn what_is_remembered_goes_with_its_credential() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    world.fails("a", of_model("large", for_a_day(Cause::Model)));
    world.fails("a", for_a_day(Cause::Auth));
    world.fails("b", for_a_day(Cause::Auth));
    world.define(rows(&["b"]));
    assert_eq!(entries(&world).len(), 3);
    world.pass(DAY);
    assert_eq!(entries(&world).len(), 1);
}
