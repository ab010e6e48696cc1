//! Events in the protocol's words.

use std::borrow::Cow;

use credpool_core::{self as core, CredentialKey, LeaseNo, PoolKey, Profile, Restriction, WaiterNo};
use credpool_proto::event::{Ended, Event, GaveUp, Leased, Restricted, Waiting};
use credpool_proto::limits::MAX_INTEGER;
use credpool_proto::words::EndedBy;

use super::events::Happened;
use super::{ConnectionNo, Engine, convert};

/// How many credentials of an account one event names.
const NAMED: usize = 32;

impl Engine {
    /// What happened, in the words of a profile; `None` if it is forgotten already.
    pub(super) fn event<'a>(&'a self, happened: &'a Happened, profile: &Profile) -> Option<Event<'a>> {
        Some(match happened {
            Happened::Restricted(restriction) => Event::Restricted(self.restricted(restriction, profile)),
            Happened::Cleared(restriction) => Event::Cleared(self.restricted(restriction, profile)),
            Happened::Leased { lease, waiter, by } => Event::Leased(self.leased(*lease, *waiter, *by, profile)?),
            Happened::Ended(lease) => self.ended(*lease, profile)?,
            Happened::Waiting(waiter, by) => Event::Waiting(self.waits(*waiter, *by)?),
            Happened::GaveUp { waiter, pool, told } => Event::GaveUp(GaveUp {
                pool: self.pool_name(*pool),
                waiter: waiter.0,
                code: told.as_ref().map(|refusal| self.seen_by_all().error(refusal, Some(*pool), None).code),
            }),
        })
    }

    fn restricted<'a>(&'a self, restriction: &'a Restriction, profile: &Profile) -> Restricted<'a> {
        let covered = self.core.covered(restriction.identity.scope).take(NAMED);
        Restricted {
            pool: self.pool_name(restriction.pool),
            credentials: covered.map(|key| self.id_of(key, profile).into()).collect(),
            restriction: convert::restriction(restriction, self.now),
        }
    }

    fn leased(&self, no: LeaseNo, waiter: Option<WaiterNo>, by: ConnectionNo, profile: &Profile) -> Option<Leased<'_>> {
        let lease = self.core.records().leases.get(&no)?;
        let left_ms = lease.expires.since(self.now.boot);
        Some(Leased {
            pool: self.pool_name(lease.pool),
            credential: self.id_of(lease.credential, profile).into(),
            label: self.label(lease.credential, profile),
            lease: no.0,
            model: lease.ask.model.as_deref().map(Cow::Borrowed),
            class: convert::class_word(lease.ask.class),
            chosen_by: convert::chosen_by(lease.chosen_by).into(),
            probe: lease.probe,
            detached: lease.owner.is_none(),
            waiter: waiter.map(|waiter| waiter.0),
            expires_at_ms: self.now.wall.after(left_ms).0.min(MAX_INTEGER),
            holder: self.connected(by),
        })
    }

    fn ended(&self, no: LeaseNo, profile: &Profile) -> Option<Event<'_>> {
        let lease = self.core.records().leases.get(&no)?;
        let ending = lease.ended?;
        let ended = Ended {
            pool: self.pool_name(lease.pool),
            credential: self.id_of(lease.credential, profile).into(),
            label: self.label(lease.credential, profile),
            lease: no.0,
            held_ms: ending.at.since(lease.granted_at.boot),
            ended_by: convert::ended_by(ending.by),
        };
        Some(match ended.ended_by {
            EndedBy::Release | EndedBy::Report => Event::Released(ended),
            _ => Event::Reclaimed(ended),
        })
    }

    fn waits(&self, no: WaiterNo, by: ConnectionNo) -> Option<Waiting<'_>> {
        let waiter: &core::Waiter = self.core.records().waiters.get(&no)?;
        Some(Waiting {
            pool: self.pool_name(waiter.pool),
            waiter: no.0,
            model: waiter.ask.model.as_deref().map(Cow::Borrowed),
            class: convert::class_word(waiter.ask.class),
            holder: self.connected(by),
        })
    }

    fn pool_name(&self, pool: PoolKey) -> Cow<'_, str> {
        self.core.records().pools.get(&pool).map_or("", |pool| &pool.name).into()
    }

    fn label(&self, key: CredentialKey, profile: &Profile) -> Cow<'_, str> {
        let row = self.catalogue.row(key, Some(profile)).or_else(|| self.catalogue.row(key, None));
        row.map_or("", |row| &row.label).into()
    }
}
