//! Who holds leases, and who waits for one: what `status` tells of it if it is asked to.

use std::borrow::Cow;

use credpool_core as core;
use credpool_core::{LeaseNo, Owner, WaiterNo};
use credpool_proto::limits::MAX_INTEGER;
use credpool_proto::status::{Holder, LeaseOut, LeasesOut, PoolStatus};

use super::{ConnectionNo, Engine, Scope, convert};

impl Engine {
    /// Adds to a pool's status who has a lease, from number `after` on, at most `limit` of them, and who waits.
    pub(super) fn tell_leases<'a>(&'a self, status: &mut PoolStatus<'a>, scope: &Scope, after: LeaseNo, limit: usize) {
        let mut leases = self.core.leases_after(scope.pool, after);
        let page: Vec<_> = leases.by_ref().take(limit).map(|lease| self.lease_out(scope, lease)).collect();
        let next = page.last().map(|lease| lease.number).filter(|_| leases.next().is_some());
        status.leases_out = Some(LeasesOut { page, next });
        for place in &mut status.line {
            if let Some(waiter) = self.core.records().waiters.get(&WaiterNo(place.number)) {
                place.model = waiter.ask.model.as_deref().map(Cow::Borrowed);
                place.holder = self.holder(waiter.connection);
            }
        }
    }

    fn lease_out<'a>(&'a self, scope: &Scope, lease: &'a core::Lease) -> LeaseOut<'a> {
        let left_ms = lease.expires.since(self.now.boot);
        LeaseOut {
            number: lease.no.0,
            credential: self.seen(scope).id(lease.credential).unwrap_or_default().into_owned().into(),
            model: lease.ask.model.as_deref().map(Cow::Borrowed),
            class: convert::class_word(lease.ask.class),
            session: lease.ask.session.is_some(),
            probe: lease.probe,
            detached: lease.owner.is_none(),
            held_ms: self.now.boot.since(lease.granted_at.boot),
            expires_at_ms: self.now.wall.after(left_ms).0.min(MAX_INTEGER),
            holder: lease.owner.and_then(|owner| self.holder(owner)),
        }
    }

    /// Who is behind a connection of this run or of an earlier one, while it lasts.
    pub(super) fn holder(&self, owner: Owner) -> Option<Holder<'_>> {
        if owner.run == self.run.number { self.connected(owner.connection) } else { None }
    }

    /// Who is behind a connection, while it lasts.
    pub(super) fn connected(&self, connection: ConnectionNo) -> Option<Holder<'_>> {
        let connection = self.connections.get(&connection)?;
        Some(Holder {
            client: connection.client.as_deref().map(Cow::Borrowed),
            pid: connection.peer.pid,
            uid: connection.peer.uid,
        })
    }
}
