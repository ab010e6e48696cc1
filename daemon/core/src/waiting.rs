//! Waiting: who comes for a slot that is not there yet, and who gets it when it is.
//!
//! Whoever waits stands in the queue of those that want the same. A slot that comes free is handed to one of the queues'
//! heads, the one that came first among those who can use it: nobody else is looked at, and nobody is woken in vain. So
//! after every command there is no waiter left that could be served; and an acquire that finds something to be had takes
//! nothing that anybody has waited for.
//!
//! A waiter counts as the lease that it will have, so that there is room for it in the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Grant, Reply};
use crate::index::Due;
use crate::leases::Asking;
use crate::machine::Core;
use crate::records::{Ask, CredentialKey, Model, Owner, Pool, PoolKey, Profile, TokenHash, WaiterNo};
use crate::refusal::{Limit, Refusal};
use crate::tables::Touched;
use crate::time::Boot;

/// Of so many leases in a row, one goes to a background waiter, if there is any that can use it.
const TURNS: u32 = 8;

/// How much a new gap between two hand-offs counts among those before it: one in so many.
const SMOOTHING: u64 = 8;

/// The number under which somebody stands in line who does not wait: after everybody else.
const LAST: WaiterNo = WaiterNo(u64::MAX);

/// Who goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Class {
    /// Somebody is watching.
    #[default]
    Interactive,
    /// Nobody is: it comes after those, but for one slot in eight.
    Background,
}

/// How long an acquire may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// So many milliseconds.
    pub ms: u64,
    /// The connection that awaits the answer; when it ends, so does the waiting.
    pub connection: Owner,
}

/// Somebody who waits for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Waiter {
    /// Its number.
    pub no: WaiterNo,
    /// The pool.
    pub pool: PoolKey,
    /// What is wanted of it.
    pub ask: Ask,
    /// The hash of the token that the lease will have.
    pub token: TokenHash,
    /// The connection that the lease will be bound to; `None` for a detached lease.
    pub owner: Option<Owner>,
    /// The connection that awaits the answer.
    pub connection: Owner,
    /// When it came.
    pub since: Boot,
    /// When it gives up.
    pub until: Boot,
}

/// The answer to somebody who has waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Whom it is for.
    pub waiter: WaiterNo,
    /// The lease, or why there is none.
    pub answer: Result<Grant, Refusal>,
}

/// How the waiters of a pool have fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// Leases in a row that were interactive while somebody waited in the background.
    pub passed_over: u32,
    /// When a slot was last handed to a waiter.
    pub handed_on: Boot,
    /// About how many milliseconds there are between two such slots, while somebody waits.
    pub gap_ms: Option<u64>,
}

/// What a waiter wants: those who want the same stand in one queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wants {
    /// First, so that queues stand in the order of their classes.
    class: Class,
    profile: Option<Profile>,
    model: Option<Model>,
    pin: Option<CredentialKey>,
    exclude: Vec<CredentialKey>,
    by_reference: bool,
}

impl Wants {
    pub(crate) fn of(ask: &Ask) -> Self {
        let mut exclude = ask.exclude.clone();
        exclude.sort_unstable();
        exclude.dedup();
        let Ask { class, by_reference, pin, .. } = *ask;
        Self { class, profile: ask.profile.clone(), model: ask.model.clone(), pin, exclude, by_reference }
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }
}

/// Who waits for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// In order of arrival.
    pub(crate) waiters: BTreeSet<WaiterNo>,
    /// By when they give up.
    pub(crate) deadlines: BTreeSet<(Boot, WaiterNo)>,
}

impl Core {
    /// Those who waited and were answered by the last command, or before it by the passing of time, in the order of
    /// their answers. `Disconnect` answers nobody: who would read it?
    #[must_use]
    pub fn settled(&self) -> &[Settled] {
        &self.settled
    }

    /// Lets somebody wait who was refused for now; the refusal if it would be in vain.
    pub(crate) fn enqueue(&mut self, asking: Asking, wait: Wait, refusal: Refusal) -> Reply {
        match self.join(asking, wait, refusal) {
            Ok(no) => Reply::Queued(no),
            Err(refusal) => Reply::Acquired(Err(refusal)),
        }
    }

    fn join(&mut self, asking: Asking, wait: Wait, refusal: Refusal) -> Result<WaiterNo, Refusal> {
        let Asking { pool: pool_key, ask, token, owner, since } = asking;
        let until = since.after(wait.ms);
        let need = self.need(pool_key, &ask).ok_or(Refusal::UnknownPool)?;
        let view = self.view(pool_key, &need).ok_or(Refusal::UnknownPool)?;
        if until == since || self.soonest_for(pool_key, &ask, view).is_none_or(|soonest| soonest > until) {
            return Err(refusal);
        }
        let mut rng = self.records.header.rng;
        let wake = self.next_up(pool_key, &ask, view, &mut rng).map(|(at, ..)| at);
        let wants = Wants::of(&ask);
        let queues = self.index.pools.get(&pool_key).map(|pool| &pool.queues);
        if self.records.waiters.len() >= self.limits.waiters {
            return Err(Refusal::Limit(Limit::Waiters));
        }
        let awaited = self.index.awaited.get(&wait.connection).map_or(0, BTreeSet::len);
        if awaited >= self.limits.waiters_per_connection {
            return Err(Refusal::Limit(Limit::WaitersPerConnection));
        }
        if self.index.waiting_users.get(&wait.connection.user).copied().unwrap_or(0) >= self.limits.waiters_per_user {
            return Err(Refusal::Limit(Limit::WaitersPerUser));
        }
        let is_new = |queues: &&BTreeMap<Wants, Queue>| !queues.contains_key(&wants);
        if queues.filter(is_new).is_some_and(|queues| queues.len() >= self.limits.queues_per_pool) {
            return Err(Refusal::Limit(Limit::QueuesPerPool));
        }
        let no = self.records.header.next_waiter;
        self.records.header.next_waiter = WaiterNo(no.0 + 1);
        let Wait { connection, .. } = wait;
        let waiter = Waiter { no, pool: pool_key, ask, token, owner, connection, since, until };
        self.index.add_waiter(&waiter);
        self.records.waiters.insert(no, waiter);
        self.touch(Touched::Waiter(no));
        let before = self.index.pools.get(&pool_key).and_then(|pool| pool.wake);
        self.set_wake(pool_key, before.into_iter().chain(wake).min());
        Ok(no)
    }

    /// Takes a waiter out of its queue.
    fn leave(&mut self, no: WaiterNo) -> Option<Waiter> {
        let waiter = self.records.waiters.remove(&no)?;
        if let Some(pool) = self.index.pools.get_mut(&waiter.pool) {
            let wants = Wants::of(&waiter.ask);
            if let Some(queue) = pool.queues.get_mut(&wants) {
                queue.waiters.remove(&no);
                queue.deadlines.remove(&(waiter.until, no));
                if queue.waiters.is_empty() {
                    pool.queues.remove(&wants);
                }
            }
        }
        self.index.due.remove(&(waiter.until, Due::Waiter(no)));
        if let Some(awaited) = self.index.awaited.get_mut(&waiter.connection) {
            awaited.remove(&no);
            if awaited.is_empty() {
                self.index.awaited.remove(&waiter.connection);
            }
        }
        if let Some(count) = self.index.waiting_users.get_mut(&waiter.connection.user) {
            *count -= 1;
            if *count == 0 {
                self.index.waiting_users.remove(&waiter.connection.user);
            }
        }
        if let Some(owner) = waiter.owner {
            self.uncount_owner(owner);
        }
        self.touch(Touched::Waiter(no));
        // The last of a queue may have been the one that a probe was due for.
        self.index.astir.insert(waiter.pool);
        Some(waiter)
    }

    fn settle(&mut self, no: WaiterNo, answer: Result<Grant, Refusal>) {
        if self.leave(no).is_some() {
            self.settled.push(Settled { waiter: no, answer });
        }
    }

    /// A connection awaits nothing any more.
    pub(crate) fn cancel(&mut self, connection: Owner) {
        for no in self.index.awaited.get(&connection).cloned().unwrap_or_default() {
            self.leave(no);
        }
    }

    /// A waiter has waited long enough, if it still waits.
    pub(crate) fn time_out(&mut self, no: WaiterNo) {
        let Some(waiter) = self.records.waiters.get(&no) else { return };
        let (pool, ask) = (waiter.pool, waiter.ask.clone());
        let refusal = match self.refusal_of(pool, &ask) {
            Refusal::Exhausted(unavailable) | Refusal::Busy(unavailable) => Refusal::Timeout(unavailable),
            other => other,
        };
        self.settle(no, Err(refusal));
    }

    pub(crate) fn refusal_of(&mut self, pool: PoolKey, ask: &Ask) -> Refusal {
        let Some(need) = self.need(pool, ask) else { return Refusal::UnknownPool };
        self.ensure_view(pool, &need);
        let Some(view) = self.view(pool, &need) else { return Refusal::UnknownPool };
        self.refuse(pool, ask, view)
    }

    // ---- handing on --------------------------------------------------------------------------------------------

    /// Notes that something has changed in a pool that somebody may wait for.
    pub(crate) fn stir(&mut self, pool: PoolKey) {
        if self.index.pools.get(&pool).is_some_and(|pool| !pool.queues.is_empty()) {
            self.index.astir.insert(pool);
        }
    }

    /// A probe may go that somebody waits for.
    pub(crate) fn wake(&mut self, pool: PoolKey) {
        if let Some(pool) = self.index.pools.get_mut(&pool) {
            pool.wake = None;
        }
        self.stir(pool);
    }

    fn set_wake(&mut self, pool_key: PoolKey, wake: Option<Boot>) {
        let Some(pool) = self.index.pools.get_mut(&pool_key) else { return };
        let before = std::mem::replace(&mut pool.wake, wake);
        if before != wake {
            before.map(|at| self.index.due.remove(&(at, Due::Wake(pool_key))));
            self.index.due.extend(wake.map(|at| (at, Due::Wake(pool_key))));
        }
    }

    /// Hands on whatever has come free.
    pub(crate) fn hand_on_all(&mut self) {
        while let Some(pool) = self.index.astir.first().copied() {
            self.hand_on(pool, None);
        }
    }

    /// Hands what a pool has free to those who wait for it, each slot to one, and gives up those who wait in vain. `late`
    /// takes part as if it had just joined its queue, but does not stay in it: its lease, if there is one for it.
    pub(crate) fn hand_on(&mut self, pool_key: PoolKey, mut late: Option<Asking>) -> Option<Grant> {
        let mut granted = None;
        // The heads of the queues that may be served yet. Whom a slot is of no use now, none is after further grants.
        let mut heads = self.heads(pool_key);
        heads.extend(late.as_ref().map(|late| ((late.ask.class, LAST), Wants::of(&late.ask))));
        while let Some((no, wants)) = self.next_head(pool_key, &mut heads) {
            let asking = if no == LAST { late.clone() } else { self.records.waiters.get(&no).map(Asking::of) };
            let Some(asking) = asking else { continue };
            let (class, since) = (asking.ask.class, asking.since);
            let Some(grant) = self.grant_now(asking) else { continue };
            if no == LAST {
                late = None;
                granted = Some(grant);
                continue;
            }
            self.took_its_time(pool_key, since);
            self.settle(no, Ok(grant));
            let queue = self.index.pools.get(&pool_key).and_then(|pool| pool.queues.get(&wants));
            let next = queue.and_then(|queue| queue.waiters.first()).copied();
            heads.extend(next.map(|next| ((class, next), wants)));
        }
        self.look_ahead(pool_key);
        self.index.astir.remove(&pool_key);
        granted
    }

    fn queues(&self, pool: PoolKey) -> impl Iterator<Item = (&Wants, &Queue)> {
        self.index.pools.get(&pool).into_iter().flat_map(|pool| &pool.queues)
    }

    fn heads(&self, pool: PoolKey) -> BTreeMap<(Class, WaiterNo), Wants> {
        let first = |(wants, queue): (&Wants, &Queue)| Some(((wants.class, *queue.waiters.first()?), wants.clone()));
        self.queues(pool).filter_map(first).collect()
    }

    /// Takes out the head whose turn it is.
    fn next_head(&self, pool: PoolKey, heads: &mut BTreeMap<(Class, WaiterNo), Wants>) -> Option<(WaiterNo, Wants)> {
        let passed_over = self.records.pools.get(&pool).map_or(0, |pool| pool.line.passed_over);
        let background = heads.range((Class::Background, WaiterNo(0))..).next().map(|(key, _)| *key);
        let first = background.filter(|_| passed_over + 1 >= TURNS).or(heads.keys().next().copied())?;
        heads.remove(&first).map(|wants| (first.1, wants))
    }

    /// Grants what can be had right now.
    fn grant_now(&mut self, asking: Asking) -> Option<Grant> {
        let need = self.need(asking.pool, &asking.ask)?;
        self.ensure_view(asking.pool, &need);
        let mut rng = self.records.header.rng;
        let pick = self.pick(asking.pool, &asking.ask, self.view(asking.pool, &need)?, &mut rng)?;
        self.records.header.rng = rng;
        self.grant(pick, asking)
    }

    /// Counts a lease among those that its pool grants to one class and the other.
    pub(crate) fn take_turn(&mut self, pool_key: PoolKey, class: Class) {
        // Queues stand in the order of their classes.
        let last = self.index.pools.get(&pool_key).and_then(|pool| pool.queues.last_key_value());
        let waits = class == Class::Interactive && last.is_some_and(|(wants, _)| wants.class == Class::Background);
        let Some(pool) = self.records.pools.get_mut(&pool_key) else { return };
        let passed_over = if waits { (pool.line.passed_over + 1).min(TURNS - 1) } else { 0 };
        if pool.line.passed_over != passed_over {
            pool.line.passed_over = passed_over;
            self.touch(Touched::Pool(pool_key));
        }
    }

    /// Learns from one who waited since `since` and is served now how long the next will have to wait.
    fn took_its_time(&mut self, pool_key: PoolKey, since: Boot) {
        let now = self.now().boot;
        let Some(Pool { line, .. }) = self.records.pools.get_mut(&pool_key) else { return };
        let gap = now.since(since.max(line.handed_on));
        line.gap_ms = Some(line.gap_ms.map_or(gap, |mean| (mean * (SMOOTHING - 1) + gap) / SMOOTHING));
        line.handed_on = now;
        self.touch(Touched::Pool(pool_key));
    }

    /// Gives up those who wait in vain, and sees when a probe is due for one of the others.
    fn look_ahead(&mut self, pool_key: PoolKey) {
        let mut wake = None;
        for ((_, head), wants) in self.heads(pool_key) {
            let Some(ask) = self.records.waiters.get(&head).map(|waiter| waiter.ask.clone()) else { continue };
            let (soonest, probe, refusal) = match self.prospect(pool_key, &ask) {
                Ok((soonest, probe)) => (soonest, probe, None),
                Err(refusal) => (None, None, Some(refusal)),
            };
            let leaving = self.gives_up_before(pool_key, &wants, soonest);
            if !leaving.is_empty() {
                let refusal = refusal.unwrap_or_else(|| self.refusal_of(pool_key, &ask));
                for no in leaving {
                    self.settle(no, Err(refusal.clone()));
                }
            }
            if self.index.pools.get(&pool_key).is_some_and(|pool| pool.queues.contains_key(&wants)) {
                wake = wake.into_iter().chain(probe).min();
            }
        }
        self.set_wake(pool_key, wake);
    }

    /// When somebody may be had at the soonest, and when a probe may go.
    fn prospect(&mut self, pool: PoolKey, ask: &Ask) -> Result<(Option<Boot>, Option<Boot>), Refusal> {
        let need = self.need(pool, ask).ok_or(Refusal::UnknownPool)?;
        self.ensure_view(pool, &need);
        let view = self.view(pool, &need).ok_or(Refusal::UnknownPool)?;
        if ask.pin.is_some_and(|pin| view.placement(pin).is_none()) {
            return Err(Refusal::UnknownCredential);
        }
        let mut rng = self.records.header.rng;
        let probe = self.next_up(pool, ask, view, &mut rng).map(|(at, ..)| at);
        Ok((self.soonest_for(pool, ask, view), probe))
    }

    /// Those of a queue who give up before `soonest`; all of them if that is never.
    fn gives_up_before(&self, pool: PoolKey, wants: &Wants, soonest: Option<Boot>) -> Vec<WaiterNo> {
        let Some(queue) = self.index.pools.get(&pool).and_then(|pool| pool.queues.get(wants)) else {
            return Vec::new();
        };
        match soonest {
            Some(soonest) => queue.deadlines.range(..(soonest, WaiterNo(0))).map(|(_, no)| *no).collect(),
            None => queue.waiters.iter().copied().collect(),
        }
    }
}
