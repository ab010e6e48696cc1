//! Answers that wait for the disk, and the three tasks that see to it that they get there.

use std::cell::RefCell;
use std::rc::Rc;

use credpool_core::{Claimed, Renewed, Reply};

use super::Engine;

impl Engine {
    /// The batch that has to be on the disk before `reply` may be said: of what was concluded, cleared, switched, ended, or
    /// granted under a hard cap. Other grants are soon forgotten anyway, and what is refused changes nothing.
    pub(super) fn awaited_by(&self, reply: &Reply) -> Option<u64> {
        let counts = match reply {
            Reply::Acquired(Ok(grant)) => self.core.cap(grant.credential).hard,
            Reply::Claimed(Ok(Claimed::Bound(_)))
            | Reply::Renewed(Ok(Renewed::Until(_)))
            | Reply::Reported(Ok(_))
            | Reply::Released(Ok(_))
            | Reply::RenewalEnded(Ok(()))
            | Reply::Cleared(Ok(_))
            | Reply::Switched(Ok(_)) => true,
            _ => false,
        };
        self.journal.awaited().filter(|_| counts)
    }

    fn hand_over_batch(&mut self) {
        self.journal.hand_over(&self.core);
    }

    /// Sends what waited for the disk, as far as that has come.
    fn let_go(&mut self) {
        let Some(progress) = self.journal.progress() else { return };
        self.tell_trouble();
        let connections = &self.connections;
        self.awaiting.retain(|number| {
            let connection = connections.get(number);
            connection.is_some_and(|c| c.outbox.borrow_mut().let_go(progress.dealt_with, progress.durable))
        });
    }
}

/// Hands changes over to the disk, a batch at a time.
pub(crate) async fn hand_over(engine: Rc<RefCell<Engine>>) {
    let Some(mut watch) = engine.borrow().journal.watch() else { return };
    loop {
        watch.gathered().await;
        engine.borrow_mut().hand_over_batch();
        while engine.borrow().journal.is_waiting() {
            if !watch.moved().await {
                return;
            }
        }
    }
}

/// Sends the answers that waited, whenever the disk has got further.
pub(crate) async fn answer(engine: Rc<RefCell<Engine>>) {
    let Some(mut watch) = engine.borrow().journal.watch() else { return };
    while watch.moved().await {
        engine.borrow_mut().let_go();
    }
}

/// Waits until the disk has everything. Cancel-safe.
pub(crate) async fn settle(engine: &Rc<RefCell<Engine>>) {
    let Some(mut watch) = engine.borrow().journal.watch() else { return };
    loop {
        engine.borrow_mut().hand_over_batch();
        if engine.borrow().journal.is_settled() || !watch.moved().await {
            return;
        }
    }
}
