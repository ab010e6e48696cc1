//! What happens by itself when time passes.

use crate::index::Due;
use crate::machine::Core;
use crate::records::{Credential, CredentialKey, EndedBy};
use crate::tables::Touched;
use crate::time::{Boot, Wall};

/// When the core wants to be applied to next, on each clock; whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline {
    /// On the boot clock.
    pub boot: Option<Boot>,
    /// On the wall clock.
    pub wall: Option<Wall>,
}

impl Core {
    /// The next deadline. After `apply` at `now` it is later than `now` on either clock.
    #[must_use]
    pub fn next_deadline(&self) -> Deadline {
        let due = self.index.due.first().map(|(at, _)| *at);
        let unbound = self.index.unbound.first().map(|(at, _)| *at);
        let ended = self.index.ended.first().map(|(at, _)| at.after(self.limits.ended_lease_ms));
        let opens = self.index.due_by_wall.first().map(|(at, _)| *at);
        let runs_out = self.index.running_out.first().map(|(at, _)| *at);
        let fades = self.index.quotas_by_wall.first().map(|(at, _)| *at);
        Deadline {
            boot: due.into_iter().chain(unbound).chain(ended).min(),
            wall: opens.into_iter().chain(runs_out).chain(fades).min(),
        }
    }

    /// Does everything that has become due. Each step removes a deadline, or puts it off beyond `now`. What comes free
    /// at the very moment in which somebody would give up is theirs.
    pub(crate) fn fire(&mut self) {
        let now = self.now();
        let mut patient = Vec::new();
        while let Some((at, due)) = self.index.due.first().cloned()
            && at <= now.boot
        {
            self.index.due.pop_first();
            match due {
                Due::Lease(no) => {
                    let unclaimed = self.records.leases.get(&no).is_some_and(|lease| lease.ends() < lease.expires);
                    self.end(no, if unclaimed { EndedBy::Restart } else { EndedBy::Ttl });
                }
                Due::Opens(identity) => self.open(&identity),
                Due::Silence(identity) => self.give_up_probe(&identity),
                Due::Ramp(identity) => self.end_ramp(&identity),
                Due::Strikes(identity) => self.drop_restriction(&identity),
                Due::Retired(key) => self.forget_if_spent(key),
                Due::Fades(key) => self.fade(&key),
                Due::Wake(pool) => self.wake(pool),
                Due::Waiter(no) => patient.push(no),
                Due::Renewal(stale) => self.reopen(&stale),
            }
        }
        while let Some((at, identity)) = self.index.due_by_wall.first().cloned()
            && at <= now.wall
        {
            self.index.due_by_wall.pop_first();
            self.open(&identity);
        }
        while let Some((at, key)) = self.index.quotas_by_wall.first().cloned()
            && at <= now.wall
        {
            self.index.quotas_by_wall.pop_first();
            self.fade(&key);
        }
        while let Some((at, key)) = self.index.running_out.first().copied()
            && at <= now.wall
        {
            self.index.running_out.pop_first();
            self.run_out(key);
        }
        while let Some((at, no)) = self.index.ended.first().copied()
            && at.after(self.limits.ended_lease_ms) <= now.boot
        {
            self.forget_lease(no);
        }
        while let Some((at, tie)) = self.index.unbound.first().cloned()
            && at <= now.boot
        {
            self.unbind(&tie);
        }
        self.hand_on_all();
        for no in patient {
            self.time_out(no);
        }
    }

    /// Takes back that secrets have run out whose time, by a wall clock that was set back, is still to come.
    pub(crate) fn take_up_again(&mut self) {
        let now = self.now();
        let is_still_to_come =
            |credential: &&Credential| credential.expired && credential.expires.is_some_and(|at| at > now.wall);
        let credentials = self.records.credentials.values().filter(is_still_to_come);
        let again: Vec<(CredentialKey, Option<Wall>)> = credentials.map(|of| (of.key, of.expires)).collect();
        for (key, expires) in again {
            self.set_expiry(key, expires);
            self.touch(Touched::Credential(key));
            self.rerank(key);
        }
    }

    fn run_out(&mut self, key: CredentialKey) {
        let Some(credential) = self.records.credentials.get_mut(&key) else { return };
        credential.expired = true;
        self.touch(Touched::Credential(key));
        self.rerank(key);
    }
}
