//! Who waits, who is served when something comes free, and who gives up.

use std::slice::Iter;

use credpool_core::{
    Ask, Class, CredentialKey, Grant, Limit, Model, Owner, PoolKey, Profile, Refusal, Reply, Settled, WaiterNo,
};

use super::granting::{Outlook, Wanted};
use super::recovery::Life;
use super::refusals::Refused;
use super::{Ban, End, Naive, Said, ensure};

/// Somebody who waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) no: Option<WaiterNo>,
    pub(super) wanted: Wanted,
    pub(super) connection: Owner,
    pub(super) until: u64,
}

/// A lease that is wanted next, and what was answered.
pub(super) type Late<'a> = (Wanted, &'a Result<Grant, Refusal>);

/// Milliseconds by which the core's order of instants may be off: it takes no notice of smaller steps of the clock.
const OFF: u64 = 1_000;

impl Naive {
    /// Somebody cannot be served now, and would wait.
    pub(super) fn wait(&mut self, mut waiter: Waiting, outlook: &Outlook, reply: &Reply) -> Said {
        let (least, most) = self.soonest(&waiter.wanted.ask, outlook);
        let patience = waiter.until - self.boot();
        let limit = self.full_queue(&waiter);
        match (reply, limit) {
            (Reply::Acquired(Err(refusal @ (Refusal::Exhausted(_) | Refusal::Busy(_)))), _) => {
                ensure!(most > patience, "somebody comes back in {least} to {most}");
                Refused { wanted: &waiter.wanted, outlook, naive: self }.check(refusal)
            }
            (Reply::Acquired(Err(refusal)), Some(limit)) => {
                ensure!(*refusal == Refusal::Limit(limit), "the limit is {limit:?}");
                ensure!(least <= patience, "nobody comes back before {least}");
                Ok(())
            }
            (Reply::Queued(no), None) => {
                ensure!(least <= patience, "nobody comes back before {least}");
                let before = self.waiters.iter().filter_map(|waiter| waiter.no).max();
                ensure!(before.is_none_or(|before| before < *no), "its number is not the next");
                waiter.no = Some(*no);
                self.waiters.push(waiter);
                Ok(())
            }
            (_, limit) => Err(format!("nobody can be had, so it waits, or not for {limit:?}")),
        }
    }

    fn full_queue(&self, waiter: &Waiting) -> Option<Limit> {
        if self.waiters.len() >= self.limits.waiters {
            return Some(Limit::Waiters);
        }
        if self.waiters.iter().filter(|w| w.connection == waiter.connection).count()
            >= self.limits.waiters_per_connection
        {
            return Some(Limit::WaitersPerConnection);
        }
        if self.waiters.iter().filter(|w| w.connection.user == waiter.connection.user).count()
            >= self.limits.waiters_per_user
        {
            return Some(Limit::WaitersPerUser);
        }
        let of_pool = self.waiters.iter().filter(|w| w.wanted.pool == waiter.wanted.pool);
        let mut queues: Vec<Queue> = of_pool.map(|waiter| queue(&waiter.wanted.ask)).collect();
        queues.sort();
        queues.dedup();
        let is_new = !queues.contains(&queue(&waiter.wanted.ask));
        (is_new && queues.len() >= self.limits.queues_per_pool).then_some(Limit::QueuesPerPool)
    }

    /// Serves, in each pool, one after another of those who wait, as long as anybody can be; then those give up who wait
    /// in vain.
    pub(super) fn hand_on(&mut self, settled: &mut Iter<'_, Settled>) -> Said {
        let mut pools: Vec<PoolKey> = self.pools.iter().map(|pool| pool.key).collect();
        pools.sort_unstable();
        for pool in pools {
            self.hand_on_in(pool, None, settled)?;
        }
        Ok(())
    }

    /// The same in one pool, in which somebody wants a lease at once: after all who wait in the same class.
    pub(super) fn hand_on_in(
        &mut self,
        pool: PoolKey,
        mut late: Option<Late<'_>>,
        settled: &mut Iter<'_, Settled>,
    ) -> Said {
        if let Some((wanted, answer)) = late.take_if(|(wanted, _)| self.refused_at_once(wanted).is_some()) {
            self.answer_next(&wanted, answer)?;
        }
        loop {
            let in_line = |waiter: &&Waiting| waiter.wanted.pool == pool;
            let waiting = self.waiters.iter().filter(in_line).map(|waiter| (waiter.no, &waiter.wanted));
            let mut line: Vec<(Option<WaiterNo>, Wanted)> = waiting
                .chain(late.as_ref().map(|(wanted, _)| (None, wanted)))
                .map(|(no, wanted)| (no, wanted.clone()))
                .collect();
            let background_first = self.pool(pool).is_some_and(|pool| pool.passed_over >= 7);
            // Those of a class stay as they came.
            line.sort_by_key(|(_, wanted)| (wanted.ask.class == Class::Background) != background_first);
            let can_be_served =
                |wanted: &Wanted| self.outlook(pool, &wanted.ask).is_ok_and(|outlook| outlook.is_good());
            let next = line.into_iter().find(|(_, wanted)| can_be_served(wanted));
            match next {
                Some((Some(no), wanted)) => {
                    let Some(Settled { waiter, answer: Ok(grant) }) = settled.next() else {
                        return Err(format!("{no:?} is served next"));
                    };
                    ensure!(*waiter == no, "{no:?} is served next, and not {waiter:?}");
                    self.granted(&wanted, grant)?;
                    self.waiters.retain(|waiter| waiter.no != Some(no));
                }
                Some((None, _)) => {
                    let (wanted, answer) = late.take().ok_or("it was there")?;
                    self.answer_next(&wanted, answer)?;
                }
                None => break,
            }
        }
        self.give_up(pool, settled)?;
        match late {
            Some((wanted, answer)) => self.answer_late(&wanted, answer),
            None => Ok(()),
        }
    }

    /// Nobody could be had for it. Those who gave up meanwhile count for nothing any more.
    fn answer_late(&self, wanted: &Wanted, answer: &Result<Grant, Refusal>) -> Said {
        let Err(refusal) = answer else { return Err("others come first".into()) };
        let outlook = self.outlook(wanted.pool, &wanted.ask).map_err(|refusal| format!("{refusal:?}"))?;
        Refused { wanted, outlook: &outlook, naive: self }.check(refusal)
    }

    /// Those who wait in vain are told so.
    fn give_up(&mut self, pool: PoolKey, settled: &mut Iter<'_, Settled>) -> Said {
        loop {
            let said = settled.as_slice().first();
            let Some(Settled { waiter: no, answer: Err(refusal) }) = said else { break };
            let Some(at) = self.waiters.iter().position(|w| w.no == Some(*no) && w.wanted.pool == pool) else { break };
            if matches!(refusal, Refusal::Timeout(_)) {
                break;
            }
            let waiter = self.waiters[at].clone();
            match self.outlook(pool, &waiter.wanted.ask) {
                Ok(outlook) => {
                    let (least, most) = self.soonest(&waiter.wanted.ask, &outlook);
                    let patience = waiter.until.saturating_sub(self.boot());
                    let said = Refused { wanted: &waiter.wanted, outlook: &outlook, naive: self }.check(refusal);
                    // It was given up later; perhaps so if the core may be off by enough.
                    if most <= patience || (least <= patience && said.is_err()) {
                        break;
                    }
                    said?;
                }
                Err(why) => ensure!(*refusal == why, "{no:?} waits for nothing: {why:?}"),
            }
            self.waiters.remove(at);
            settled.next();
        }
        for Waiting { wanted, until, no, .. } in self.waiters.iter().filter(|waiter| waiter.wanted.pool == pool) {
            let outlook = self.outlook(pool, &wanted.ask).map_err(|refusal| format!("{no:?}: {refusal:?}"))?;
            let (least, _) = self.soonest(&wanted.ask, &outlook);
            ensure!(*until <= self.boot() || least <= until - self.boot(), "{no:?} waits in vain, for {least}");
        }
        Ok(())
    }

    /// Those give up who have waited long enough.
    pub(super) fn time_out(&mut self, settled: &mut Iter<'_, Settled>) -> Said {
        let boot = self.boot();
        let mut late: Vec<Waiting> = self.waiters.iter().filter(|waiter| waiter.until <= boot).cloned().collect();
        late.sort_by_key(|waiter| (waiter.until, waiter.no));
        for Waiting { wanted, no, .. } in late {
            let Some(Settled { waiter, answer: Err(refusal) }) = settled.next() else {
                return Err(format!("{no:?} has waited long enough"));
            };
            ensure!(Some(*waiter) == no, "{no:?} has waited long enough, and not {waiter:?}");
            let Refusal::Timeout(unavailable) = refusal else { return Err(format!("a timeout, not {refusal:?}")) };
            let outlook = self.outlook(wanted.pool, &wanted.ask).map_err(|refusal| format!("{refusal:?}"))?;
            let refused = Refused { wanted: &wanted, outlook: &outlook, naive: self };
            let as_busy = Refusal::Busy(unavailable.clone());
            refused.check(&as_busy).or_else(|_| refused.check(&Refusal::Exhausted(unavailable.clone())))?;
            self.waiters.retain(|waiter| waiter.no != no);
        }
        Ok(())
    }

    /// In how many milliseconds somebody may be had at the soonest: 0 for at any moment, the most that there is for when
    /// a person helps. At least and at most, since the core is a little off where it goes by the wall clock.
    fn soonest(&self, ask: &Ask, outlook: &Outlook) -> (u64, u64) {
        let of_pool: Vec<(u64, u64)> = outlook.of_pool.iter().map(|ban| self.soonest_of(ban)).collect();
        let both = |bans: Vec<(u64, u64)>| {
            bans.into_iter().fold((0, 0), |(least, most), (l, m): (u64, u64)| (least.max(l), most.max(m)))
        };
        let own = outlook
            .candidates
            .iter()
            .map(|credential| both(self.restricted(credential, ask).iter().map(|ban| self.soonest_of(ban)).collect()));
        let own: Vec<(u64, u64)> = own.collect();
        let least = own.iter().map(|(least, _)| *least).min().unwrap_or(u64::MAX);
        let most = own.iter().map(|(_, most)| *most).min().unwrap_or(u64::MAX);
        let (pool_least, pool_most) = both(of_pool);
        (least.max(pool_least), most.max(pool_most))
    }

    fn soonest_of(&self, ban: &Ban) -> (u64, u64) {
        if ban.life != Life::Closed || !ban.out.is_empty() {
            return (0, 0);
        }
        let left = self.left(ban.opens()).unwrap_or(u64::MAX);
        let off = if matches!(ban.opens(), End::At { wall: 1.., .. }) { OFF } else { 0 };
        let probe = self.may_be_probed_from(ban).map_or(u64::MAX, |from| from.saturating_sub(self.boot()));
        (left.saturating_sub(off).min(probe), left.saturating_add(off).min(probe))
    }
}

type Queue = (Class, Option<Profile>, Option<Model>, Option<CredentialKey>, Vec<CredentialKey>, bool);

/// Those who want the same stand in one queue.
fn queue(ask: &Ask) -> Queue {
    let mut exclude = ask.exclude.clone();
    exclude.sort_unstable();
    exclude.dedup();
    (ask.class, ask.profile.clone(), ask.model.clone(), ask.pin, exclude, ask.by_reference)
}
