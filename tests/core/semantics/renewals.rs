//! Tickets: of many who find a secret run out, one renews it.

use credpool_core::{AskRenewal, Attempt, Command, EndRenewal, Owner, Refusal, Renewing, Reply, State, TokenHash};

use super::world::{World, connection, row, rows, with_backoff, with_secret};
use crate::support::later;

const TICKET_MS: u64 = 120_000;

impl World {
    fn renews(&mut self, id: &str, secret: &str, owner: Owner) -> (TokenHash, Result<Renewing, Refusal>) {
        let (credential, ticket) = (self.key(id), self.token());
        let stale = format!("sha256:{secret}").into();
        let asked = AskRenewal { credential, stale, ticket, owner };
        let Reply::Renewing(answer) = self.apply(Command::AskRenewal(asked)) else { panic!("renewing") };
        (ticket, answer)
    }

    fn gets_ticket(&mut self, id: &str, connection_no: u64) -> TokenHash {
        let (ticket, answer) = self.renews(id, id, connection(connection_no));
        assert_eq!(answer, Ok(Renewing::Ticket { ttl_ms: TICKET_MS }), "{id}");
        ticket
    }

    fn must_wait(&mut self, id: &str) -> (u64, Option<String>) {
        match self.renews(id, id, connection(99)).1 {
            Ok(Renewing::Busy { retry_after_ms, failed }) => (retry_after_ms, failed.map(|why| why.to_string())),
            other => panic!("{other:?}"),
        }
    }

    fn renewal_ends(&mut self, ticket: TokenHash, attempt: Attempt) -> Result<(), Refusal> {
        let Reply::RenewalEnded(answer) = self.apply(Command::EndRenewal(EndRenewal { ticket, attempt })) else {
            panic!("ended")
        };
        answer
    }

    fn renewal_fails(&mut self, ticket: TokenHash) {
        assert_eq!(self.renewal_ends(ticket, Attempt::Failed { message: "no route".into() }), Ok(()));
    }
}

#[test]
fn one_caller_gets_the_ticket_and_the_others_do_not() {
    let mut world = World::of(&["a"]);
    world.gets_ticket("a", 1);
    for _ in 0..3 {
        assert_eq!(world.must_wait("a"), (1_000, None));
    }
    assert_eq!(world.state("a"), State::Ready, "nobody is benched for it");
}

#[test]
fn whoever_has_an_old_secret_is_told_that_there_is_a_new_one() {
    let mut world = World::of(&["a"]);
    let ticket = world.gets_ticket("a", 1);
    world.define(vec![with_secret("a", "a2")]);
    let epoch = world.records().credentials[&world.key("a")].epoch;
    assert_eq!(world.renews("a", "a", connection(2)).1, Ok(Renewing::Renewed(epoch)));
    let (_, answer) = world.renews("a", "a2", connection(2));
    assert_eq!(answer, Ok(Renewing::Ticket { ttl_ms: TICKET_MS }), "the new one has a ticket of its own");
    assert_eq!(world.renewal_ends(ticket, Attempt::Renewed), Ok(()));
}

#[test]
fn credentials_with_the_same_secret_share_its_ticket() {
    let mut world = World::with(with_backoff(), vec![row("a"), with_secret("b", "a"), row("c")]);
    world.gets_ticket("a", 1);
    let (_, answer) = world.renews("b", "a", connection(2));
    assert_eq!(answer, Ok(Renewing::Busy { retry_after_ms: 1_000, failed: None }));
    world.gets_ticket("c", 2);
}

#[test]
fn a_ticket_ends_with_its_connection() {
    let mut world = World::of(&["a", "b"]);
    let ticket = world.gets_ticket("a", 1);
    world.gets_ticket("b", 2);
    world.apply(Command::Disconnect(connection(1)));
    assert_eq!(world.renewal_ends(ticket, Attempt::Renewed), Err(Refusal::UnknownTicket));
    world.gets_ticket("a", 3);
    assert_eq!(world.must_wait("b").0, 1_000, "another's stays");
}

#[test]
fn a_ticket_ends_after_two_minutes() {
    let mut world = World::of(&["a"]);
    let ticket = world.gets_ticket("a", 1);
    world.pass(TICKET_MS - 1);
    assert_eq!(world.must_wait("a"), (1, None), "nobody asks again later than it could help");
    world.pass(1);
    assert_eq!(world.renewal_ends(ticket, Attempt::Renewed), Err(Refusal::UnknownTicket));
    world.gets_ticket("a", 2);
}

#[test]
fn a_renewed_secret_has_ten_seconds_to_show_itself() {
    let mut world = World::of(&["a"]);
    let ticket = world.gets_ticket("a", 1);
    assert_eq!(world.renewal_ends(ticket, Attempt::Renewed), Ok(()));
    assert_eq!(world.renewal_ends(ticket, Attempt::Renewed), Err(Refusal::UnknownTicket));
    world.pass(9_999);
    assert_eq!(world.must_wait("a"), (1, None));
    world.pass(1);
    world.gets_ticket("a", 2);
}

#[test]
fn failures_back_off_and_say_why_and_bench_nobody() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    for backoff in [10_000, 20_000, 40_000, 60_000, 60_000] {
        let ticket = world.gets_ticket("a", 1);
        world.renewal_fails(ticket);
        assert_eq!(world.must_wait("a"), (backoff, Some("no route".into())));
        assert_eq!(world.state("a"), State::Ready);
        assert!(world.records().restrictions.is_empty());
        world.pass(backoff);
    }
}

#[test]
fn failures_are_forgotten_after_success_or_quiet() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let ticket = world.gets_ticket("a", 1);
    world.renewal_fails(ticket);
    world.pass(10_000);
    // A holder that dies is no failure, and no success.
    world.gets_ticket("a", 1);
    world.apply(Command::Disconnect(connection(1)));
    world.pass(59_999);
    let ticket = world.gets_ticket("a", 1);
    world.renewal_fails(ticket);
    assert_eq!(world.must_wait("a").0, 20_000);
    world.pass(20_000 + 60_000);
    assert!(world.records().renewals.is_empty(), "it is quiet");
    let ticket = world.gets_ticket("a", 1);
    world.renewal_fails(ticket);
    assert_eq!(world.must_wait("a").0, 10_000);
    world.pass(10_000);
    let ticket = world.gets_ticket("a", 1);
    assert_eq!(world.renewal_ends(ticket, Attempt::Renewed), Ok(()));
    world.pass(10_000);
    let ticket = world.gets_ticket("a", 1);
    world.renewal_fails(ticket);
    assert_eq!(world.must_wait("a").0, 10_000, "it had gone well");
}

#[test]
fn a_dead_login_needs_a_person_whoever_has_its_secret() {
    let mut world = World::with(with_backoff(), vec![row("a"), with_secret("b", "a"), row("c")]);
    let ticket = world.gets_ticket("a", 1);
    assert_eq!(world.renewal_ends(ticket, Attempt::Dead), Ok(()));
    let states = ["a", "b", "c"].map(|id| world.state(id));
    assert_eq!(states, [State::NeedsLogin, State::NeedsLogin, State::Ready]);
    let (_, answer) = world.renews("b", "a", connection(2));
    assert!(matches!(&answer, Err(Refusal::Exhausted(why)) if why.retry_after_ms.is_none()), "{answer:?}");
    world.define(vec![with_secret("a", "a2"), with_secret("b", "a2"), row("c")]);
    assert_eq!(world.state("a"), State::Ready, "a new secret revives it");
}

#[test]
fn who_is_not_defined_has_nothing_to_renew() {
    let mut world = World::of(&["a", "b"]);
    world.define(rows(&["b"]));
    assert_eq!(world.renews("a", "a", connection(1)).1, Err(Refusal::UnknownCredential));
}

#[test]
fn nobody_holds_a_ticket_over_a_restart() {
    let mut world = World::of(&["a"]);
    world.gets_ticket("a", 1);
    let (records, limits) = (world.records().clone(), *world.core.core().limits());
    let restored = credpool_core::Core::restore(records, limits, later(world.now, 1));
    assert!(restored.records().renewals.is_empty());
    assert_eq!(restored.check_invariants(), Ok(()));
}
