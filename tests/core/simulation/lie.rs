//! A core that may break one promise, so that it shows whether the witness notices.

use credpool_core::{
    Acquire, Ask, Boot, ChosenBy, Clear, Command, Core, CredentialKey, Grant, LeaseNo, Now, Obstacle, Phase, Reach,
    Refusal, Reply, Report, Reported, Restriction, Seq, Settled, Subject, Unavailable, Until, Waiter, Why,
};

use super::run::LIMITS;
use crate::support::Watched;

/// One way to break a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Grants what is at its hard cap.
    OverTheCap,
    /// Grants what is restricted.
    UnderARestriction,
    /// Lets a probe go while another is out.
    SecondProbe,
    /// Lets more go than the ramp after a success is wide.
    BeyondTheRamp,
    /// Does not say that a lease is a probe.
    ProbeUntold,
    /// Lets a lease end twice.
    TwiceEnded,
    /// Does not end a lease that is given back.
    SlotLost,
    /// Lets a report lift what it should lengthen.
    Shortened,
    /// Judges what was cleared.
    JudgedAfterClear,
    /// Counts every report as a strike.
    StruckTwice,
    /// Judges a report that was said before.
    JudgedTwice,
    /// Grants what the profile's list has not.
    OutOfTheList,
    /// Blames the provider for what one credential has met.
    PausedForOne,
    /// Grants a slot to one who came after another.
    Overtaken,
    /// Lets somebody wait for longer than it would.
    LeftWaiting,
}

impl Lie {
    pub(super) const ALL: [Self; 15] = [
        Self::OverTheCap,
        Self::UnderARestriction,
        Self::SecondProbe,
        Self::BeyondTheRamp,
        Self::ProbeUntold,
        Self::TwiceEnded,
        Self::SlotLost,
        Self::Shortened,
        Self::JudgedAfterClear,
        Self::StruckTwice,
        Self::JudgedTwice,
        Self::OutOfTheList,
        Self::PausedForOne,
        Self::Overtaken,
        Self::LeftWaiting,
    ];
}

pub(super) struct Liar {
    core: Watched,
    seed: u64,
    lie: Option<Lie>,
}

impl Liar {
    pub(super) fn honest(seed: u64) -> Self {
        Self { core: Watched::new(seed, LIMITS), seed, lie: None }
    }

    pub(super) fn telling(lie: Lie, seed: u64) -> Self {
        Self { lie: Some(lie), ..Self::honest(seed) }
    }

    pub(super) fn core(&self) -> &Core {
        self.core.core()
    }

    pub(super) fn apply(&mut self, now: Now, command: &Command) -> Result<Reply, String> {
        if let (Some(Lie::SlotLost), Command::Release(release)) = (self.lie, command) {
            let live = self.core().lease(release.token).is_some_and(|lease| lease.ended.is_none());
            self.core.apply(now, Command::Tick)?;
            let still = self.core().lease(release.token).is_some_and(|lease| lease.ended.is_none());
            if live && still {
                let ended_by = credpool_core::EndedBy::Release;
                return Ok(Reply::Released(Ok(credpool_core::Released { held_ms: 0, ended_by, duplicate: false })));
            }
        }
        let reply = self.core.apply(now, command.clone())?;
        match self.lie {
            Some(lie) => self.twist(lie, now, command, reply),
            None => Ok(reply),
        }
    }

    /// What those are told who waited.
    pub(super) fn settled(&self) -> Vec<Settled> {
        let mut settled = self.core().settled().to_vec();
        match self.lie {
            Some(Lie::Overtaken) => {
                let records = self.core().records();
                let wants = |ask: &Ask| Ask { ttl_ms: None, session: None, ..ask.clone() };
                for Settled { waiter, answer } in &mut settled {
                    let lease = answer.as_ref().ok().and_then(|grant| records.leases.get(&grant.no));
                    let same = |later: &&Waiter| lease.is_some_and(|lease| wants(&lease.ask) == wants(&later.ask));
                    *waiter = records.waiters.values().rev().find(same).map_or(*waiter, |later| later.no);
                }
            }
            Some(Lie::LeftWaiting) => settled.retain(|settled| !matches!(settled.answer, Err(Refusal::Timeout(_)))),
            _ => {}
        }
        settled
    }

    /// Applies a log to another core: the same replies, and the same records at its end.
    pub(super) fn replay(&self, log: &[(Now, Command, Reply)]) -> Result<(), String> {
        if self.lie.is_some() {
            // A lie leaves the core elsewhere than its commands do; the witness is to notice it by himself.
            return Ok(());
        }
        let mut again = Core::new(self.seed, LIMITS);
        for (now, command, reply) in log {
            let said = again.apply(*now, command.clone());
            if said != *reply {
                return Err(format!("7: replayed, {command:?} at {now:?} says {said:?} and not {reply:?}"));
            }
        }
        if again.records() == self.core().records() { Ok(()) } else { Err("7: the replay ends otherwise".into()) }
    }

    fn twist(&mut self, lie: Lie, now: Now, command: &Command, reply: Reply) -> Result<Reply, String> {
        let forged = |unavailable: &Unavailable, whom: fn(Option<&Obstacle>) -> bool| {
            let absent = unavailable.first.iter().find(|absent| whom(absent.obstacle.as_ref()))?;
            let expires = Boot(now.boot.0 + 1_000);
            let strategy = ChosenBy::Strategy(credpool_core::Strategy::FillFirst);
            let no = LeaseNo(u64::MAX);
            Some(Grant {
                no,
                credential: absent.credential,
                epoch: Seq(0),
                expires,
                chosen_by: strategy,
                probe: true,
                expired: false,
                queued_ms: 0,
            })
        };
        Ok(match (lie, command, reply) {
            (Lie::OverTheCap, _, Reply::Acquired(Err(Refusal::Busy(unavailable)))) => {
                let refused = Err(Refusal::Busy(unavailable.clone()));
                Reply::Acquired(forged(&unavailable, |obstacle| obstacle.is_none()).map_or(refused, Ok))
            }
            (Lie::UnderARestriction, _, Reply::Acquired(Err(Refusal::Exhausted(unavailable)))) => {
                let refused = Err(Refusal::Exhausted(unavailable.clone()));
                let closed = |obstacle: Option<&Obstacle>| obstacle.is_some_and(|obstacle| !obstacle.probing);
                Reply::Acquired(forged(&unavailable, closed).map_or(refused, Ok))
            }
            (Lie::SecondProbe, _, Reply::Acquired(Err(Refusal::Exhausted(unavailable)))) => {
                let refused = Err(Refusal::Exhausted(unavailable.clone()));
                let probed = |obstacle: Option<&Obstacle>| obstacle.is_some_and(|obstacle| obstacle.probing);
                Reply::Acquired(forged(&unavailable, probed).map_or(refused, Ok))
            }
            (Lie::BeyondTheRamp, Command::Acquire(acquire), Reply::Acquired(Err(Refusal::Exhausted(unavailable)))) => {
                let refused = Err(Refusal::Exhausted(unavailable.clone()));
                let is_ramp = |restriction: &&Restriction| matches!(restriction.phase, Phase::Ramping { .. });
                let covers = |restriction: &&Restriction| {
                    let model = &restriction.identity.model;
                    restriction.holds_back() && (model.is_none() || *model == acquire.ask.model)
                };
                let is_ramping = |key: CredentialKey| {
                    let mut covering = self.core().restrictions_on(key).filter(covers).peekable();
                    covering.peek().is_some() && covering.all(|restriction| is_ramp(&restriction))
                };
                let ramping = unavailable.first.iter().find(|absent| is_ramping(absent.credential));
                let ramping = ramping.filter(|_| unavailable.pool.is_none()).cloned();
                let only = Unavailable { first: ramping.into_iter().collect(), ..Unavailable::default() };
                Reply::Acquired(forged(&only, |_| true).map_or(refused, Ok))
            }
            (Lie::ProbeUntold, _, Reply::Acquired(Ok(grant))) => Reply::Acquired(Ok(Grant { probe: false, ..grant })),
            (Lie::TwiceEnded, _, Reply::Released(Ok(released))) => {
                Reply::Released(Ok(credpool_core::Released { duplicate: false, ..released }))
            }
            (
                Lie::Shortened,
                Command::Report(Report { subject: Subject::Lease(token), .. }),
                Reply::Reported(Ok(reported)),
            ) if reported.conclusion.why == Some(Why::AlreadyRestricted) => {
                let credential = self.core().lease(*token).map(|lease| (lease.pool, lease.credential));
                if let Some((pool, credential)) = credential {
                    let clear = Clear { pool, credential: Some(credential), model: None };
                    self.core.apply(now, Command::Clear(clear))?;
                }
                Reply::Reported(Ok(reported))
            }
            (Lie::JudgedAfterClear, _, Reply::Reported(Ok(mut reported)))
                if reported.conclusion.why == Some(Why::ClearedSince) && !reported.duplicate =>
            {
                reported.conclusion.why = None;
                reported.conclusion.until = Some(Until::boot(now.boot.after(1_000)));
                reported.conclusion.strikes = 1;
                Reply::Reported(Ok(reported))
            }
            (Lie::StruckTwice, _, Reply::Reported(Ok(mut reported)))
                if reported.conclusion.why == Some(Why::AlreadyRestricted) && !reported.duplicate =>
            {
                reported.conclusion.strikes += 1;
                Reply::Reported(Ok(reported))
            }
            (Lie::JudgedTwice, _, Reply::Reported(Ok(reported))) if reported.duplicate => {
                Reply::Reported(Ok(Reported { duplicate: false, ..reported }))
            }
            (Lie::OutOfTheList, Command::Acquire(Acquire { pool, ask, .. }), Reply::Acquired(Ok(grant)))
                if ask.profile.is_some() && ask.pin.is_none() =>
            {
                let listed: Vec<_> = self.core().listed(*pool, ask.profile.as_deref()).collect();
                let is_other = |key: &CredentialKey| !listed.contains(key) && !ask.exclude.contains(key);
                let other = self.core().defined(*pool).find(is_other);
                Reply::Acquired(Ok(Grant { credential: other.unwrap_or(grant.credential), ..grant }))
            }
            (Lie::PausedForOne, Command::Report(report), Reply::Reported(Ok(mut reported)))
                if reported.conclusion.reach == Reach::None && report.verdict.reach == Reach::Pool =>
            {
                reported.conclusion.reach = Reach::Pool;
                reported.conclusion.why = None;
                reported.conclusion.until = Some(Until::boot(now.boot.after(1_000)));
                reported.conclusion.strikes = 1;
                Reply::Reported(Ok(reported))
            }
            (_, _, reply) => reply,
        })
    }
}
