//! Why a command was refused, and what stands between a caller and every candidate.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cause::Cause;
use crate::index::{Placement, View};
use crate::machine::Core;
use crate::records::{Ask, Credential, CredentialKey, PoolKey};
use crate::restriction::{Phase, Restriction};
use crate::time::{Now, Until};

/// Candidates that a refusal names.
const NAMED: usize = 32;

/// What a refusal suggests when a cap or a probe is in the way: it may come free, or answer, at any moment.
pub(crate) const SOON_MS: u64 = 1_000;

/// Why a command was refused. It changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such pool, or not for this profile.
    UnknownPool,
    /// There is no such credential in the pool.
    UnknownCredential,
    /// There is no such lease, or it is forgotten.
    UnknownLease,
    /// There is no such ticket, or it has ended.
    UnknownTicket,
    /// Another connection holds the lease.
    NotTheHolder,
    /// The lease was bound to another user's connection.
    NotTheUser,
    /// The lease is detached.
    Detached,
    /// Every candidate is restricted.
    Exhausted(Box<Unavailable>),
    /// Some candidates are healthy, but a hard cap is met: their own, or the pool's.
    Busy(Box<Unavailable>),
    /// It has waited as long as it would.
    Timeout(Box<Unavailable>),
    /// A bound was met.
    Limit(Limit),
}

/// A bound that was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Live leases, and waiters for one.
    Leases,
    /// Live leases of one connection.
    LeasesPerConnection,
    /// Waiters.
    Waiters,
    /// Waiters of one connection.
    WaitersPerConnection,
    /// Waiters of one user.
    WaitersPerUser,
    /// Different needs that waiters of one pool have.
    QueuesPerPool,
    /// Failures remembered of one lease.
    ReportsPerLease,
}

/// What stands between a caller and every candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unavailable {
    /// Candidates that pin, exclude and pool leave.
    pub total: usize,
    /// How many of them are restricted, by the gravest cause of each; those that only their pool keeps away by the pool's.
    pub by_cause: BTreeMap<Cause, usize>,
    /// How many of them are healthy, but at their hard cap.
    pub at_cap: usize,
    /// The pool's own cap, if that is met.
    pub pool_cap: Option<u32>,
    /// What restricts the pool as a whole.
    pub pool: Option<Obstacle>,
    /// Milliseconds until the first comes back, or a probe may go to one; `None` if only a person can help.
    pub retry_after_ms: Option<u64>,
    /// The candidates that come back first, at most 32.
    pub first: Vec<Absent>,
}

/// A candidate that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The credential.
    pub credential: CredentialKey,
    /// What of its own restricts it longest; `None` if it is at its hard cap, or only its pool keeps it away.
    pub obstacle: Option<Obstacle>,
}

/// One restriction, as somebody sees it who is kept away by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Its cause class.
    pub cause: Cause,
    /// The HTTP status behind it.
    pub status: Option<u16>,
    /// The rule that concluded it, or what an operator noted.
    pub reason: Arc<str>,
    /// When it opens.
    pub until: Until,
    /// Whether it may open at any moment, since leases are out to see whether it is over.
    pub probing: bool,
}

impl Core {
    /// What keeps `ask` from everybody, by the view of its need; there must be something.
    pub(crate) fn refuse(&self, pool_key: PoolKey, ask: &Ask, view: &View) -> Refusal {
        let of_pool = self.longest(self.covering_pool(pool_key, ask.model.as_ref()).filter(|r| r.holds_back()));
        let pool_cap = self.total_that_is_met(pool_key);
        let mut unavailable = Unavailable { pool_cap, pool: of_pool.map(obstacle), ..Unavailable::default() };
        let named: Vec<CredentialKey> = if let Some(pin) = ask.pin {
            let left = Some(pin).filter(|pin| !ask.exclude.contains(pin));
            unavailable.total = usize::from(left.is_some());
            match left.and_then(|pin| view.placement(pin)) {
                Some(Placement::Restricted { cause, .. }) => {
                    unavailable.by_cause.insert(cause, 1);
                    vec![pin]
                }
                Some(Placement::Full) => {
                    unavailable.at_cap = 1;
                    vec![pin]
                }
                Some(Placement::Free(_)) if of_pool.is_some() => vec![pin],
                Some(Placement::Free(_)) | None => Vec::new(),
            }
        } else {
            unavailable.total = view.len();
            unavailable.at_cap = view.full().len();
            unavailable.by_cause = view.by_cause().clone();
            let mut excluded = ask.exclude.clone();
            excluded.sort_unstable();
            excluded.dedup();
            for placement in excluded.iter().filter_map(|key| view.placement(*key)) {
                unavailable.total -= 1;
                match placement {
                    Placement::Full => unavailable.at_cap -= 1,
                    Placement::Restricted { cause, .. } => {
                        unavailable.by_cause.entry(cause).and_modify(|count| *count -= 1);
                    }
                    Placement::Free(_) => {}
                }
            }
            unavailable.by_cause.retain(|_, count| *count > 0);
            let waiting = of_pool.into_iter().flat_map(|_| view.ranking().keys());
            let candidates = waiting.chain(view.full().iter().copied()).chain(view.returning());
            candidates.filter(|key| !ask.exclude.contains(key)).take(NAMED).collect()
        };
        let now = self.now();
        unavailable.first = named.into_iter().map(|key| self.absent(key, ask)).collect();
        let first_back = unavailable.first.iter().map(|absent| match &absent.obstacle {
            Some(obstacle) => obstacle.retry_after_ms(now),
            None => Some(SOON_MS),
        });
        let back = first_back.flatten().min();
        let kept_away = unavailable.at_cap + unavailable.by_cause.values().sum::<usize>();
        // Candidates that wait for nothing but the pool.
        let ready = unavailable.total > kept_away;
        unavailable.retry_after_ms = match &unavailable.pool {
            // The whole pool waits, and then perhaps each of its credentials for itself.
            Some(pool) if ready => pool.retry_after_ms(now),
            Some(pool) => pool.retry_after_ms(now).zip(back).map(|(pool, own)| pool.max(own)),
            None if ready => Some(SOON_MS),
            None => back,
        };
        let next_probe = self.next_up(pool_key, ask, view, &mut self.records.header.rng.clone()).map(|(at, ..)| at);
        let next_probe = next_probe.filter(|at| *at > now.boot).map(|at| at.since(now.boot));
        unavailable.retry_after_ms = unavailable.retry_after_ms.into_iter().chain(next_probe).min();
        if let Some(pool) = unavailable.pool.as_ref().filter(|_| ready) {
            *unavailable.by_cause.entry(pool.cause).or_default() += unavailable.total - kept_away;
        }
        // A slot that comes free in a pool that waits as a whole helps nobody.
        if (unavailable.at_cap > 0 || ready) && of_pool.is_none() {
            Refusal::Busy(Box::new(unavailable))
        } else {
            Refusal::Exhausted(Box::new(unavailable))
        }
    }

    fn absent(&self, key: CredentialKey, ask: &Ask) -> Absent {
        let obstacle = self.records.credentials.get(&key).and_then(|credential| {
            let in_the_way = self.obstacles(credential, ask).filter(|restriction| restriction.holds_back());
            self.longest(in_the_way).map(obstacle)
        });
        Absent { credential: key, obstacle }
    }

    /// The restrictions that a credential is under for `ask`, its pool's aside.
    pub(crate) fn obstacles<'a>(
        &'a self,
        credential: &Credential,
        ask: &'a Ask,
    ) -> impl Iterator<Item = &'a Restriction> + use<'a> {
        let takes_reference = ask.by_reference && credential.referable;
        let passes = move |cause| takes_reference && cause == Cause::NoSecret;
        self.covering(credential, ask.model.as_ref()).filter(move |restriction| !passes(restriction.identity.cause))
    }
}

fn obstacle(restriction: &Restriction) -> Obstacle {
    Obstacle {
        cause: restriction.identity.cause,
        status: restriction.status,
        reason: Arc::clone(&restriction.reason),
        until: restriction.opens(),
        probing: restriction.phase != Phase::Closed,
    }
}

impl Obstacle {
    /// Milliseconds after which it is worth asking again; `None` if only a person can help.
    fn retry_after_ms(&self, now: Now) -> Option<u64> {
        let left = self.until.remaining(now)?;
        Some(if self.probing { left.min(SOON_MS) } else { left })
    }
}
