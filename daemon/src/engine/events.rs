//! `subscribe`: what each command left different is told to those who asked for it.
//!
//! Events are read off the core's changes, as the journal's records are, so no command can forget to tell. Where nobody has
//! subscribed, nothing is kept and nothing rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use credpool_core::{
    Core, CredentialKey, Identity, LeaseNo, PoolKey, Profile, Refusal, Restriction, Settled, Touched, WaiterNo,
};
use credpool_proto::error::WireError;
use credpool_proto::event::{Event, EventLine, Subscribed};

use super::{Answer, Asked, ConnectionNo, Engine};

/// Those who are told, and what they have been told.
#[derive(Default)]
pub(super) struct Events {
    /// The number of the last event.
    seq: u64,
    subscribers: BTreeMap<ConnectionNo, Subscriber>,
    known: Known,
    /// What keeps the disk from keeping what it should, as was told last.
    trouble: Option<Arc<str>>,
    /// What commands have touched since the last telling, and whom they answered that had waited.
    touched: Vec<Touched>,
    settled: Vec<Settled>,
}

/// What somebody wants to be told.
#[derive(Clone)]
struct Subscriber {
    /// Only what happens in this pool.
    pool: Option<PoolKey>,
    /// In whose words.
    profile: Profile,
}

/// What has been told so far: a record says how it is, and an event how it became so.
#[derive(Default)]
struct Known {
    live: BTreeSet<LeaseNo>,
    waiting: BTreeMap<WaiterNo, Waits>,
    restrictions: BTreeMap<Identity, Restriction>,
}

#[derive(Clone, Copy)]
struct Waits {
    pool: PoolKey,
    connection: ConnectionNo,
}

/// What happened, whoever is told.
pub(super) enum Happened {
    Restricted(Restriction),
    Cleared(Restriction),
    Leased { lease: LeaseNo, waiter: Option<WaiterNo>, by: ConnectionNo },
    Ended(LeaseNo),
    Waiting(WaiterNo, ConnectionNo),
    GaveUp { waiter: WaiterNo, pool: PoolKey, told: Option<Refusal> },
}

impl Events {
    /// Takes note of what the last command changed.
    pub(super) fn note(&mut self, core: &Core) {
        if !self.subscribers.is_empty() {
            self.touched.extend_from_slice(core.touched());
            self.settled.extend_from_slice(core.settled());
        }
    }

    pub(super) fn forget(&mut self, connection: ConnectionNo) {
        if self.subscribers.remove(&connection).is_some() && self.subscribers.is_empty() {
            *self = Self { seq: self.seq, ..Self::default() };
        }
    }

    /// What has happened since the last time; `by` has asked for it, unless it waited.
    fn happened(&mut self, core: &Core, by: ConnectionNo) -> Vec<Happened> {
        let settled = std::mem::take(&mut self.settled);
        let mut seen = BTreeSet::new();
        let mut happened = Vec::new();
        for touched in std::mem::take(&mut self.touched) {
            if !seen.insert(touched.clone()) {
                continue;
            }
            happened.extend(match touched {
                Touched::Lease(no) => self.known.lease(core, no, &settled, by),
                Touched::Waiter(no) => self.known.waiter(core, no, &settled),
                Touched::Restriction(identity) => self.known.restriction(core, &identity),
                // What is told of definitions is told by whoever reads them.
                Touched::Pool(_)
                | Touched::Credential(_)
                | Touched::Account(_)
                | Touched::List(_)
                | Touched::Binding(_)
                | Touched::Watermark(_)
                | Touched::Quota(_)
                | Touched::Renewal(_)
                | Touched::Entry(_) => None,
            });
        }
        // Each of them was told what it asked for, with its lease if there is one.
        for Settled { waiter, .. } in &settled {
            self.known.waiting.remove(waiter);
        }
        happened
    }
}

impl Known {
    /// What there is when somebody begins to be told.
    fn of(core: &Core) -> Self {
        let records = core.records();
        let leases = records.leases.values().filter(|lease| lease.ended.is_none());
        let waiters = records.waiters.values();
        let restrictions = records.restrictions.values().filter(|restriction| !restriction.is_over());
        Self {
            live: leases.map(|lease| lease.no).collect(),
            waiting: waiters.map(|w| (w.no, Waits { pool: w.pool, connection: w.connection.connection })).collect(),
            restrictions: restrictions.map(|r| (r.identity.clone(), r.clone())).collect(),
        }
    }

    fn lease(&mut self, core: &Core, no: LeaseNo, settled: &[Settled], by: ConnectionNo) -> Option<Happened> {
        let is_live = core.records().leases.get(&no).is_some_and(|lease| lease.ended.is_none());
        if is_live && self.live.insert(no) {
            let waiter = settled.iter().find(|s| s.answer.as_ref().is_ok_and(|grant| grant.no == no)).map(|s| s.waiter);
            let waited = waiter.and_then(|waiter| self.waiting.get(&waiter));
            Some(Happened::Leased { lease: no, waiter, by: waited.map_or(by, |waits| waits.connection) })
        } else if !is_live && self.live.remove(&no) {
            Some(Happened::Ended(no))
        } else {
            None
        }
    }

    fn waiter(&mut self, core: &Core, no: WaiterNo, settled: &[Settled]) -> Option<Happened> {
        if let Some(waiter) = core.records().waiters.get(&no) {
            let waits = Waits { pool: waiter.pool, connection: waiter.connection.connection };
            return self.waiting.insert(no, waits).is_none().then_some(Happened::Waiting(no, waits.connection));
        }
        match settled.iter().find(|settled| settled.waiter == no).map(|settled| &settled.answer) {
            // That it is served is told of its lease, which comes after and needs to know who waited.
            Some(Ok(_)) => None,
            Some(Err(refusal)) => {
                let pool = self.waiting.remove(&no)?.pool;
                Some(Happened::GaveUp { waiter: no, pool, told: Some(refusal.clone()) })
            }
            None => Some(Happened::GaveUp { waiter: no, pool: self.waiting.remove(&no)?.pool, told: None }),
        }
    }

    fn restriction(&mut self, core: &Core, identity: &Identity) -> Option<Happened> {
        let now = core.records().restrictions.get(identity).filter(|restriction| !restriction.is_over());
        let Some(now) = now else { return self.restrictions.remove(identity).map(Happened::Cleared) };
        let before = self.restrictions.insert(identity.clone(), now.clone());
        before.is_none_or(|before| is_another(&before, now)).then(|| Happened::Restricted(now.clone()))
    }
}

/// Whether there is something new to tell: that a probe is out, or that one more may go, is not.
fn is_another(before: &Restriction, now: &Restriction) -> bool {
    let told = |r: &Restriction| (std::mem::discriminant(&r.phase), r.until, r.strikes, r.status, r.reason.clone());
    told(before) != told(now)
}

impl Engine {
    pub(super) fn subscribe(
        &mut self,
        asked: &Asked<'_>,
        pool: Option<&str>,
        profile: Option<&str>,
    ) -> Result<(), WireError<'static>> {
        let profile = self.speaker(profile)?;
        let pool = pool.map(|pool| self.pool(pool)).transpose()?;
        self.tick();
        let is_new = !self.events.subscribers.contains_key(&asked.connection);
        let most = self.config.limits.subscribers;
        if is_new && self.events.subscribers.len() >= most {
            let message = "too many connections are told of events";
            return Err(WireError::limit("subscribers", super::convert::number(most), message));
        }
        if self.events.subscribers.is_empty() {
            self.events.known = Known::of(&self.core);
        }
        if let Some(connection) = self.connections.get(&asked.connection).filter(|_| is_new) {
            // It is never done: whoever sends no more may listen on.
            connection.outbox.borrow_mut().owe();
        }
        self.events.subscribers.insert(asked.connection, Subscriber { pool, profile });
        self.reply(&asked.ticket(Answer::Nobody), &Subscribed { seq: self.events.seq });
        Ok(())
    }

    /// Tells what has changed; `by` has asked for it.
    pub(super) fn tell_changes(&mut self, by: ConnectionNo) {
        if self.events.touched.is_empty() {
            return;
        }
        for happened in self.events.happened(&self.core, by) {
            for (number, subscriber) in self.next_event(self.pool_of(&happened)) {
                if let Some(event) = self.event(&happened, &subscriber.profile) {
                    self.send(number, event);
                }
            }
        }
    }

    /// Tells everybody, whatever they want to know.
    pub(super) fn tell_all(&mut self, event: &Event<'_>) {
        for (number, _) in self.next_event(None) {
            self.send(number, event.clone());
        }
    }

    /// Tells if the disk has begun to fail, or does so in another way; its recovery shows in `durable`.
    pub(super) fn tell_trouble(&mut self) {
        let Some(pen) = self.journal.pen() else { return };
        let (place, trouble) = (pen.path().display().to_string(), pen.trouble());
        if let Some(problem) = trouble.clone().filter(|_| trouble != self.events.trouble) {
            self.tell_all(&Event::Warning { place: place.into(), problem: (&*problem).into() });
        }
        self.events.trouble = trouble;
    }

    /// Gives an event of this pool, or of all, its number: those who are told of it.
    fn next_event(&mut self, pool: Option<PoolKey>) -> Vec<(ConnectionNo, Subscriber)> {
        if self.events.subscribers.is_empty() {
            return Vec::new();
        }
        self.events.seq += 1;
        let wants = |subscriber: &Subscriber| pool.is_none() || subscriber.pool.is_none() || subscriber.pool == pool;
        let subscribers = self.events.subscribers.iter().filter(|(_, subscriber)| wants(subscriber));
        let subscribers: Vec<_> = subscribers.map(|(number, subscriber)| (*number, subscriber.clone())).collect();
        if self.journal.awaited().is_some() {
            // Nobody is told of what the disk may yet forget.
            self.awaiting.extend(subscribers.iter().map(|(number, _)| *number));
        }
        subscribers
    }

    fn send(&self, number: ConnectionNo, event: Event<'_>) {
        let Some(connection) = self.connections.get(&number) else { return };
        let mut line = Vec::new();
        EventLine { event, seq: self.events.seq, at_ms: self.now.wall.0 }.write(&mut line);
        let mut outbox = connection.outbox.borrow_mut();
        // Far less than what ends a connection whose replies stay unread.
        outbox.event(&line, self.config.limits.unsent_output_bytes / 2, self.journal.awaited());
    }

    fn pool_of(&self, happened: &Happened) -> Option<PoolKey> {
        let records = self.core.records();
        match happened {
            Happened::Restricted(restriction) | Happened::Cleared(restriction) => Some(restriction.pool),
            Happened::Leased { lease, .. } | Happened::Ended(lease) => {
                records.leases.get(lease).map(|lease| lease.pool)
            }
            Happened::Waiting(waiter, _) => records.waiters.get(waiter).map(|waiter| waiter.pool),
            Happened::GaveUp { pool, .. } => Some(*pool),
        }
    }

    /// What a credential is called by a profile; by its own home, if it is not defined any more.
    pub(super) fn id_of(&self, key: CredentialKey, profile: &Profile) -> String {
        let id = self.catalogue.called(key, profile).map(std::borrow::Cow::into_owned);
        let gone = || self.core.records().credentials.get(&key).map(|credential| credential.id.to_string());
        id.or_else(gone).unwrap_or_default()
    }
}
