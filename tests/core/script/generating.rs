//! Setups and scripts at random. Everything is small, so that things meet.

use credpool_core::{Cap, Cause, Class, Kind, Reach, Strategy};
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any};
use proptest::{collection, prop_oneof, sample};

use super::file::{Edit, ListOp};
use super::readings::readings;
use super::{AskOp, Op, ROWS, Setup, UntilOp, VerdictOp, WaitOp};
use crate::support::{DAY, HOUR};

/// A setup and a script of at most `length` operations.
pub(crate) fn scripts(length: usize) -> impl proptest::strategy::Strategy<Value = (Setup, Vec<(u64, Op)>)> {
    (setups(), collection::vec(operations(), 1..length))
}

/// An operation, and how long after the one before it comes.
pub(crate) fn operations() -> impl proptest::strategy::Strategy<Value = (u64, Op)> {
    (pauses(), ops())
}

/// What a script may start with.
pub(crate) fn setups() -> impl proptest::strategy::Strategy<Value = Setup> {
    let few_or_many = |few: usize| sample::select(vec![64, few]);
    let limits = (few_or_many(4), few_or_many(2), few_or_many(2));
    let of_waiters = (few_or_many(3), few_or_many(2), few_or_many(2), few_or_many(2), few_or_many(2));
    let pool = || (strategies(), caps());
    let guarded = sample::select(vec![true, true, false]);
    (any::<u64>(), limits, of_waiters, pool(), pool(), 1..=ROWS, 0..=2u8, lists(), guarded).prop_map(
        |(seed, limits, of_waiters, first, second, rows, others, lists, guarded)| {
            let (leases, leases_per_connection, reports_per_lease) = limits;
            let (waiters, waiters_per_connection, waiters_per_user, queues_per_pool, bindings) = of_waiters;
            let (pools, rows) = ([first, second], [rows, others]);
            Setup {
                seed,
                leases,
                leases_per_connection,
                reports_per_lease,
                waiters,
                waiters_per_connection,
                waiters_per_user,
                queues_per_pool,
                bindings,
                pools,
                rows,
                lists,
                guarded,
            }
        },
    )
}

/// Lists that meet: of few rows, some of all of them, and some of profiles that stand in others too.
fn lists() -> impl proptest::strategy::Strategy<Value = Vec<ListOp>> {
    let some = collection::vec(0..usize::from(ROWS) + 1, 0..5);
    let members = prop_oneof![3 => some, 1 => Just((0..usize::from(ROWS)).collect())];
    let list = (collection::vec(0..3u8, 0..3), members, strategies());
    collection::vec(list.prop_map(|(profiles, members, strategy)| ListOp { profiles, members, strategy }), 0..4)
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    sample::select(vec![
        Strategy::FillFirst,
        Strategy::RoundRobin,
        Strategy::LeastUsed,
        Strategy::Random,
        Strategy::Headroom,
        Strategy::ResetSoon,
    ])
}

fn caps() -> impl proptest::strategy::Strategy<Value = Cap> {
    (1..=2u32, any::<bool>()).prop_map(|(max_in_flight, hard)| Cap { max_in_flight, hard })
}

fn ops() -> impl proptest::strategy::Strategy<Value = Op> {
    let pool = || prop_oneof![4 => Just(0usize), 1 => Just(1usize)];
    let recent = || prop_oneof![6 => 0..4usize, 1 => 0..20usize];
    let credential = || 0..8usize;
    let owner = || option::of(0..3u8);
    let number = || prop_oneof![4 => Just(0u64), 1 => 1..4u64];
    let model = || option::weighted(0.5, 0..2u8);
    prop_oneof![
        2 => (pool(), edits()).prop_map(|(pool, edit)| Op::Edit(pool, edit)),
        10 => (pool(), asks(), owner(), option::weighted(0.6, waits()))
            .prop_map(|(pool, ask, owner, wait)| Op::Acquire(pool, ask, owner, wait)),
        7 => (recent(), number(), model(), verdicts(), readings(), prop::weighted(3), option::weighted(0.3, option::of(asks())))
            .prop_map(|(lease, number, model, verdict, readings, keep, next)| {
                Op::Report { lease, number, model, verdict, readings, keep, next }
            }),
        1 => (credential(), recent(), model(), verdicts())
            .prop_map(|(credential, epoch, model, verdict)| Op::ReportWithout { credential, epoch, model, verdict }),
        4 => (recent(), any::<bool>(), readings())
            .prop_map(|(lease, success, readings)| Op::Release(lease, success, readings)),
        1 => (recent(), option::of(0..1_500u64), option::of(0..3u8))
            .prop_map(|(lease, ttl_ms, let_go_by)| Op::Renew { lease, ttl_ms, let_go_by }),
        1 => (0..3u8).prop_map(Op::Disconnect),
        2 => (pool(), option::weighted(0.7, credential()), option::weighted(0.3, 0..3u8))
            .prop_map(|(pool, credential, model)| Op::Clear { pool, credential, model }),
        1 => (credential(), option::of(0..900u64)).prop_map(|(credential, for_ms)| Op::Disable(credential, for_ms)),
        1 => credential().prop_map(Op::Enable),
        1 => imports(),
        1 => Just(Op::Tick),
        1 => steps().prop_map(Op::Step),
    ]
}

/// True once in so many.
mod prop {
    use proptest::prelude::Strategy as _;

    pub(super) fn weighted(one_in: u32) -> impl proptest::strategy::Strategy<Value = bool> {
        (0..one_in).prop_map(|draw| draw + 1 == 3)
    }
}

fn waits() -> impl proptest::strategy::Strategy<Value = WaitOp> {
    let ms = prop_oneof![1 => Just(0u64), 6 => 1..1_500u64, 1 => Just(DAY)];
    (ms, 0..3u8).prop_map(|(ms, connection)| WaitOp { ms, connection })
}

fn pauses() -> impl proptest::strategy::Strategy<Value = u64> {
    prop_oneof![24 => Just(0u64), 4 => 0..120u64, 4 => 50..1_000u64, 1 => 1_000..3_500u64]
}

fn steps() -> impl proptest::strategy::Strategy<Value = i64> {
    let hour = i64::try_from(HOUR).expect("an hour is small");
    let day = i64::try_from(DAY).expect("a day is small");
    prop_oneof![
        3 => -900..900i64,
        3 => -5_000..5_000i64,
        1 => sample::select(vec![-hour, hour, -day, day, i64::MIN]),
    ]
}

fn edits() -> BoxedStrategy<Edit> {
    let row = || 0..usize::from(ROWS);
    let secret = || option::weighted(0.8, 0..4u8);
    prop_oneof![
        Just(Edit::Nothing),
        (0..ROWS, secret()).prop_map(|(id, secret)| Edit::Add { id, secret }),
        row().prop_map(Edit::Remove),
        (row(), secret()).prop_map(|(row, secret)| Edit::Rotate(row, secret)),
        (row(), option::of(0..2u8)).prop_map(|(row, account)| Edit::Account(row, account)),
        (row(), row()).prop_map(|(one, other)| Edit::SwapSecrets(one, other)),
        row().prop_map(Edit::ToTheEnd),
        (row(), 0..ROWS).prop_map(|(row, id)| Edit::Rename(row, id)),
        (row(), option::of(caps())).prop_map(|(row, cap)| Edit::Cap(row, cap)),
        (row(), option::weighted(0.8, -500..2_500i64)).prop_map(|(row, from_now)| Edit::Expiry(row, from_now)),
        caps().prop_map(Edit::PoolCap),
        (0..2u8, option::weighted(0.8, caps())).prop_map(|(model, cap)| Edit::ModelCap(model, cap)),
        option::weighted(0.6, 1..5u32).prop_map(Edit::Total),
        strategies().prop_map(Edit::Strategy),
        sample::select(vec![0, 100, 400]).prop_map(Edit::Reserve),
        lists().prop_map(Edit::Lists),
    ]
    .boxed()
}

fn asks() -> BoxedStrategy<AskOp> {
    let pin = option::weighted(0.15, 0..8usize);
    let exclude = prop_oneof![4 => Just(Vec::new()), 1 => collection::vec(0..8usize, 1..4)];
    let (profile, model) = (option::weighted(0.3, 0..3u8), option::weighted(0.5, 0..3u8));
    let class = prop_oneof![2 => Just(Class::Interactive), 1 => Just(Class::Background)];
    let session = option::weighted(0.4, 0..3u8);
    (profile, model, pin, exclude, option::weighted(0.2, 0..1_500u64), prop::weighted(4), class, session)
        .prop_map(|(profile, model, pin, exclude, ttl_ms, by_reference, class, session)| AskOp {
            profile,
            model,
            pin,
            exclude,
            ttl_ms,
            by_reference,
            class,
            session,
        })
        .boxed()
}

fn verdicts() -> BoxedStrategy<VerdictOp> {
    let ordinary = sample::select(vec![
        Cause::RateLimit,
        Cause::RateLimit,
        Cause::RateLimit,
        Cause::Quota,
        Cause::Billing,
        Cause::Auth,
        Cause::Dead,
        Cause::Forbidden,
        Cause::Model,
        Cause::Overloaded,
        Cause::Server,
        Cause::Edge,
        Cause::Network,
    ]);
    let kind = prop_oneof![
        16 => ordinary.prop_map(Kind::Fault),
        1 => sample::select(vec![Kind::Request, Kind::Cancelled, Kind::Unknown]),
        1 => sample::select(vec![Kind::Fault(Cause::Disabled), Kind::Fault(Cause::NoSecret)]),
    ];
    let reach = prop_oneof![
        5 => Just(Reach::Credential),
        5 => Just(Reach::Account),
        2 => Just(Reach::Pool),
        1 => Just(Reach::None),
    ];
    let after = option::weighted(0.4, prop_oneof![1 => Just(0u64), 6 => 1..1_500u64]);
    let at = option::weighted(0.3, -500..2_500i64);
    let status = sample::select(vec![Some(429), Some(429), Some(403), Some(503), None]);
    (kind, reach, option::weighted(0.4, 0..3u8), after, at, status, prop::weighted(3))
        .prop_map(|(kind, reach, model, after_ms, at, status, evident)| VerdictOp {
            kind,
            reach,
            model,
            after_ms,
            at,
            status,
            evident,
        })
        .boxed()
}

fn imports() -> BoxedStrategy<Op> {
    let cause =
        sample::select(vec![Cause::RateLimit, Cause::Quota, Cause::Billing, Cause::Auth, Cause::Dead, Cause::Disabled]);
    let until = prop_oneof![
        (0..1_000u64).prop_map(UntilOp::Boot),
        (-500..2_000i64).prop_map(UntilOp::Wall),
        Just(UntilOp::Lifted)
    ];
    (0..8usize, -2_000..100i64, cause, until)
        .prop_map(|(credential, at, cause, until)| Op::Import { credential, at, cause, until })
        .boxed()
}
