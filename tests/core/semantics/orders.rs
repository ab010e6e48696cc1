//! Reports that were on their way at the same time: in whatever order they arrive, they mean the same.

use std::collections::BTreeMap;

use credpool_core::{
    Cause, Guard, Identity, Kind, Policy, Reach, Restriction, Scope, State, TokenHash, Until, Verdict,
};
use proptest::prelude::{Just, ProptestConfig, Strategy, TestCaseError, prop_assert, prop_assert_eq, proptest};
use proptest::{collection, option, sample};

use super::world::{World, fault, of_account, row, rows, with_backoff};
use crate::support::{MINUTE, SECOND};

/// Two rows share an account, so that a failure of one is the other's.
const IDS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
struct Failure {
    id: &'static str,
    cause: Cause,
    reach: Reach,
    model: Option<&'static str>,
    hint: Option<Hint>,
}

/// What the vendor says: for how long, until when, or both. Milliseconds from now.
#[derive(Clone, Copy, Debug)]
struct Hint {
    after: Option<u64>,
    at: Option<u64>,
}

impl Failure {
    fn verdict(&self, world: &World) -> Verdict {
        let hint = self.hint.unwrap_or(Hint { after: None, at: None });
        Verdict {
            kind: Kind::Fault(self.cause),
            reach: self.reach,
            model: self.model.map(Into::into),
            after_ms: hint.after,
            at: hint.at.map(|ms| world.now.wall.after(ms)),
            ..fault(self.cause)
        }
    }

    fn identity(&self, world: &World) -> Identity {
        let credential = &world.records().credentials[&world.key(self.id)];
        let scope = match self.reach {
            Reach::Credential => Scope::Credential(credential.key),
            // Without the guard, the provider's fault is held against whom it struck.
            Reach::Pool if self.cause == Cause::Server => Scope::Credential(credential.key),
            Reach::Account => Scope::Account(credential.account),
            Reach::Pool | Reach::None => Scope::Pool(world.pool),
        };
        Identity { scope, model: self.model.map(Into::into), cause: self.cause }
    }
}

fn world(policy: Policy) -> World {
    World::with(policy, vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), row("c")])
}

/// A lease for each, all of them granted before the first fails.
fn leases(world: &mut World, failures: &[Failure]) -> Vec<TokenHash> {
    failures.iter().map(|failure| world.lease_of(failure.id)).collect()
}

fn restrictions(world: &World) -> BTreeMap<Identity, Restriction> {
    world.records().restrictions.clone()
}

// ---- generating ----------------------------------------------------------------------------------------------------

/// Each case is many worlds, or many leases: a quarter of the usual number will do.
fn few() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { failure_persistence: None, cases: usual.cases.div_ceil(4), ..usual }
}

fn hints() -> impl Strategy<Value = Hint> {
    let part = || option::of(10 * SECOND..2 * MINUTE);
    (part(), part(), 10 * SECOND..2 * MINUTE).prop_map(|(after, at, or_else)| match (after, at) {
        (None, None) => Hint { after: Some(or_else), at: None },
        _ => Hint { after, at },
    })
}

fn failures(hint: impl Strategy<Value = Option<Hint>>) -> impl Strategy<Value = Failure> {
    let causes = vec![Cause::RateLimit, Cause::Quota, Cause::Billing, Cause::Auth, Cause::Forbidden, Cause::Server];
    let reaches = vec![Reach::Credential, Reach::Account, Reach::Account, Reach::Pool];
    let models = vec![None, None, Some("large")];
    (sample::select(IDS.to_vec()), sample::select(causes), sample::select(reaches), sample::select(models), hint)
        .prop_map(|(id, cause, reach, model, hint)| Failure { id, cause, reach, model, hint })
}

/// Failures, and an order in which they arrive.
fn orders(
    failure: impl Strategy<Value = Failure>,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = (Vec<Failure>, Vec<usize>)> {
    collection::vec(failure, count).prop_flat_map(|failures| {
        let order: Vec<usize> = (0..failures.len()).collect();
        (Just(failures), Just(order).prop_shuffle())
    })
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let with_last = |shorter: Vec<usize>| {
        (0..count).map(move |place| {
            let mut order = shorter.clone();
            order.insert(place, last);
            order
        })
    };
    permutations(last).into_iter().flat_map(with_last).collect()
}

// ---- deadlines -----------------------------------------------------------------------------------------------------

/// Whether a deadline is the latest of `hints`, each clock for itself, put off by a tenth at most.
fn is_latest(until: Until, world: &World, hints: &[Hint]) -> bool {
    let Until::Passed { boot, wall } = until else { return false };
    let part = |left: u64, said: Option<u64>| {
        let said = said.unwrap_or(0);
        (said..=said + said / 10).contains(&left)
    };
    let after = part(boot.since(world.now.boot), hints.iter().filter_map(|hint| hint.after).max());
    after && part(wall.since(world.now.wall), hints.iter().filter_map(|hint| hint.at).max())
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn deadlines_of_one_identity_merge_by_max_in_every_order(
        kind in failures(Just(None)),
        hints in collection::vec(hints(), 2..=4),
    ) {
        let failures: Vec<Failure> = hints.iter().map(|hint| Failure { hint: Some(*hint), ..kind.clone() }).collect();
        let mut ends = Vec::new();
        for order in permutations(hints.len()) {
            let mut world = world(with_backoff());
            let tokens = leases(&mut world, &failures);
            for at in &order {
                let verdict = failures[*at].verdict(&world);
                world.report(tokens[*at], verdict);
            }
            let restriction = &world.records().restrictions[&kind.identity(&world)];
            prop_assert!(is_latest(restriction.until, &world, &hints), "{order:?}: {restriction:?}");
            ends.push(restriction.until);
        }
        // One window has one jitter, whoever opened it.
        ends.dedup();
        prop_assert_eq!(ends.len(), 1);
    }

    #[test]
    fn deadlines_of_several_identities_are_each_the_latest_of_its_own(
        (failures, order) in orders(failures(hints().prop_map(Some)), 2..8),
    ) {
        let mut world = world(with_backoff());
        let tokens = leases(&mut world, &failures);
        for at in order {
            let verdict = failures[at].verdict(&world);
            world.report(tokens[at], verdict);
        }
        for (identity, restriction) in restrictions(&world) {
            let own = failures.iter().filter(|failure| failure.identity(&world) == identity);
            let own: Vec<Hint> = own.filter_map(|failure| failure.hint).collect();
            prop_assert!(is_latest(restriction.until, &world, &own), "{restriction:?}, said {own:?}");
        }
    }
}

// ---- strikes -------------------------------------------------------------------------------------------------------

/// Everybody's strikes: one more than there were, however many reports came in, and when.
fn check_strikes(world: &World, earlier: &[Failure], failures: &[Failure]) -> Result<(), TestCaseError> {
    for failure in failures {
        let identity = failure.identity(world);
        let before = earlier.iter().filter(|failure| failure.identity(world) == identity).count();
        let strikes = world.records().restrictions.get(&identity).map(|restriction| restriction.strikes as usize);
        prop_assert_eq!(strikes, Some(before + 1), "{:?}", identity);
    }
    Ok(())
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn leases_from_before_strike_once_in_whatever_order_and_however_late_they_report(
        earlier in collection::vec(failures(Just(Some(Hint { after: Some(SECOND), at: None }))), 0..3),
        (failures, order) in orders(failures(option::of(hints())), 2..8),
        pauses in collection::vec(0..40 * SECOND, 8),
    ) {
        let mut world = world(with_backoff());
        for failure in &earlier {
            let verdict = failure.verdict(&world);
            world.fails(failure.id, verdict);
            // The window passes, and its ramp.
            world.pass(2 * SECOND);
            world.pass(2 * SECOND);
        }
        let tokens = leases(&mut world, &failures);
        for (at, pause) in order.into_iter().zip(pauses) {
            world.pass(pause);
            let verdict = failures[at].verdict(&world);
            world.report(tokens[at], verdict);
        }
        check_strikes(&world, &earlier, &failures)?;
    }

    #[test]
    fn a_hundred_reports_within_a_window_are_one_strike(
        kinds in collection::vec(failures(option::of(hints())), 1..5),
        order in Just((0..100).collect::<Vec<usize>>()).prop_shuffle(),
        pauses in collection::vec(0..90u64, 100),
    ) {
        let mut world = world(with_backoff());
        let failures: Vec<Failure> = kinds.iter().cycle().take(100).cloned().collect();
        let tokens = leases(&mut world, &failures);
        // All within the ten seconds of a guess.
        for (at, pause) in order.into_iter().zip(pauses) {
            world.pass(pause);
            let verdict = failures[at].verdict(&world);
            world.report(tokens[at], verdict);
        }
        check_strikes(&world, &[], &kinds)?;
        let distinct = restrictions(&world).len();
        prop_assert!(distinct <= kinds.len(), "{} restrictions for {} kinds", distinct, kinds.len());
    }

    #[test]
    fn an_outage_pauses_the_pool_and_benches_nobody_in_whatever_order_it_is_noticed(
        struck in collection::vec((sample::select(IDS.to_vec()), 0..4usize, 0..3usize), 2..8),
        order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let causes = [Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network];
        let reaches = [Reach::Credential, Reach::Account, Reach::Pool];
        let failures: Vec<Failure> = struck
            .iter()
            .map(|(id, cause, reach)| Failure {
                id,
                cause: causes[*cause],
                reach: reaches[*reach],
                model: None,
                hint: None,
            })
            .collect();
        let mut world = World::with(Policy { guard: Guard::default(), ..with_backoff() }, rows(&IDS));
        let tokens = leases(&mut world, &failures);
        for at in order.into_iter().filter(|at| *at < failures.len()) {
            let verdict = failures[at].verdict(&world);
            world.report(tokens[at], verdict);
        }
        let is_outage = failures.iter().any(|failure| failure.id != failures[0].id);
        let of_pool = |restriction: &&Restriction| matches!(restriction.identity.scope, Scope::Pool(_));
        let all = restrictions(&world);
        prop_assert_eq!(all.values().filter(of_pool).map(|pause| pause.strikes).sum::<u32>(), u32::from(is_outage));
        if is_outage {
            prop_assert_eq!(all.len(), 1, "{:?}", all);
            prop_assert!(IDS.iter().all(|id| world.state(id) == State::Ready));
        }
    }
}
