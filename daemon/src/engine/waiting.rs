//! Those whose `acquire` waits: their tickets, until the core has an answer for them.

use std::cell::RefCell;
use std::rc::Rc;

use credpool_core as core;
use credpool_core::{Command, Reply, Settled, WaiterNo};

use super::{Engine, Ticket, draining};
use crate::connection::Outbox;

impl Engine {
    /// Keeps what it takes to answer somebody later.
    pub(super) fn keep_waiting(&mut self, no: WaiterNo, ticket: Ticket) {
        let Some(connection) = self.connections.get_mut(&ticket.connection) else { return };
        connection.waiting.insert(no);
        connection.outbox.borrow_mut().owe();
        self.waiting.insert(no, ticket);
    }

    /// Answers those who waited and are `settled`. Whose lease nobody awaits any more gives it back, by a command.
    pub(super) fn answer_waiters(&mut self, settled: Vec<Settled>) {
        for Settled { waiter, answer } in settled {
            if let Some((ticket, outbox)) = self.no_longer_waiting(waiter) {
                self.say(&ticket, Reply::Acquired(answer));
                // Written first: a connection that is owed nothing may end.
                outbox.borrow_mut().settle();
            } else if let Ok(grant) = answer {
                let lease = self.core.records().leases.get(&grant.no).map(|lease| lease.token);
                if let Some(token) = lease {
                    self.command(
                        Command::Release(core::Release { token, success: false, readings: Vec::new() }),
                        Ticket::nobody(),
                    );
                }
            }
        }
    }

    /// Tells all who wait that the daemon is going.
    pub(super) fn refuse_waiters(&mut self) {
        while let Some(no) = self.waiting.keys().next().copied() {
            if let Some((ticket, outbox)) = self.no_longer_waiting(no) {
                self.reply_error(&ticket, &draining());
                outbox.borrow_mut().settle();
            }
        }
    }

    fn no_longer_waiting(&mut self, no: WaiterNo) -> Option<(Ticket, Rc<RefCell<Outbox>>)> {
        let ticket = self.waiting.remove(&no)?;
        let connection = self.connections.get_mut(&ticket.connection)?;
        connection.waiting.remove(&no);
        Some((ticket, Rc::clone(&connection.outbox)))
    }
}
