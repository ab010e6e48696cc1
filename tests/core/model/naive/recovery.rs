//! How what was banned comes back, in the same words.

use std::sync::Arc;

use credpool_core::{Ask, Cause, CredentialKey, EndedBy, Event, PoolKey, State, TokenHash};

use super::{About, Ban, Credential, End, Lease, Naive};

/// How far a ban has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Life {
    /// It holds.
    Closed,
    /// It may be over: a probe is to find out, or is out and has until then to answer.
    HalfOpen { answer_by: Option<u64>, silent: u8, forget_at: u64 },
    /// It is over, but only so many may go at a time.
    Ramp { width: usize, ends: u64, proven: bool },
    /// It is over, and its strikes are remembered.
    Over { forget_at: u64 },
}

impl Ban {
    pub(super) fn lasts(&self) -> bool {
        !matches!(self.life, Life::Over { .. })
    }

    pub(super) fn in_force(&self) -> bool {
        matches!(self.life, Life::Closed | Life::HalfOpen { .. })
    }

    pub(super) fn blocks(&self) -> bool {
        match self.life {
            Life::Closed => true,
            Life::HalfOpen { answer_by, .. } => answer_by.is_some(),
            Life::Ramp { width, .. } => self.out.len() >= width,
            Life::Over { .. } => false,
        }
    }

    pub(super) fn opens(&self) -> End {
        match self.life {
            Life::HalfOpen { answer_by: Some(at), .. } | Life::Ramp { ends: at, .. } => End::At { boot: at, wall: 0 },
            _ => self.end,
        }
    }

    pub(super) fn state(&self) -> Option<State> {
        match (self.blocks(), &self.life, self.cause) {
            (false, ..) => None,
            (true, Life::Closed, Cause::Disabled) => Some(State::Disabled),
            (true, Life::Closed, Cause::Dead) => Some(State::NeedsLogin),
            (true, Life::Closed, Cause::Billing) => Some(State::Billing),
            (true, Life::Closed, _) => Some(State::Cooling),
            (true, ..) => Some(State::Probing),
        }
    }
}

impl Naive {
    /// What becomes of bans when time passes; the leases that it ended are off trial by now.
    pub(super) fn bans_pass(&mut self) {
        let (boot, strikes_ms) = (self.boot(), self.limits.strikes_ms);
        let mut left = Vec::new();
        for mut ban in std::mem::take(&mut self.bans) {
            let recovery = self.policy(ban.pool).recovery;
            match ban.life {
                Life::Closed if self.left(ban.end) != Some(0) => {}
                Life::Closed if ban.cause == Cause::Disabled => continue,
                Life::Closed if ban.guessed => {
                    let answer_by = ban.probed.map(|at| at + recovery.silence_ms);
                    let answer_by = answer_by.filter(|at| *at > boot && !ban.out.is_empty());
                    if answer_by.is_none() {
                        ban.out.clear();
                    }
                    ban.life = Life::HalfOpen { answer_by, silent: 0, forget_at: boot + strikes_ms };
                }
                Life::Closed => {
                    let ends = boot + (boot - ban.began_at).clamp(1, recovery.ramp_ms);
                    ban.life = Life::Ramp { width: 1, ends, proven: false };
                }
                Life::HalfOpen { answer_by: Some(at), silent, .. } if at <= boot => {
                    ban.out.clear();
                    ban.life = Life::HalfOpen { answer_by: None, silent, forget_at: boot + strikes_ms };
                }
                Life::HalfOpen { answer_by: None, forget_at, .. } | Life::Over { forget_at } if forget_at <= boot => {
                    continue;
                }
                Life::Ramp { ends, proven: true, .. } if ends <= boot => continue,
                Life::Ramp { ends, .. } if ends <= boot => {
                    ban.out.clear();
                    ban.life = Life::Over { forget_at: boot + strikes_ms };
                }
                _ => {}
            }
            left.push(ban);
        }
        self.bans = left;
    }

    /// Whether a probe may go though the ban holds.
    pub(super) fn may_be_probed_from(&self, ban: &Ban) -> Option<u64> {
        if ban.life != Life::Closed || matches!(ban.cause, Cause::Dead | Cause::Disabled | Cause::NoSecret) {
            return None;
        }
        let recovery = self.policy(ban.pool).recovery;
        let next = ban.probed.unwrap_or(ban.began_at).saturating_add(recovery.probe_interval_ms);
        match ban.probed {
            Some(at) if !ban.out.is_empty() => Some(next.max(at + recovery.silence_ms)),
            _ => Some(next),
        }
    }

    /// A lease is granted: of what lasts and covers it, it is the probe, or part of the ramp. Whether it is a probe.
    pub(super) fn try_out(&mut self, token: TokenHash, pool: PoolKey, credential: &Credential, ask: &Ask) -> bool {
        let boot = self.boot();
        let silence_ms = self.policy(pool).recovery.silence_ms;
        let abouts = [
            About::Credential(credential.key),
            About::Account(pool, Arc::clone(&credential.account)),
            About::Pool(pool),
        ];
        let mut probe = false;
        let tried = self.bans.iter_mut().filter(|ban| {
            let covers = abouts.contains(&ban.about) && (ban.model.is_none() || ban.model == ask.model);
            covers && ban.lasts() && ban.cause != Cause::Disabled
        });
        for ban in tried {
            if ban.in_force() {
                probe = true;
                ban.probed = Some(boot);
                ban.out.clear();
            }
            ban.out.push(token);
            if let Life::HalfOpen { answer_by, .. } = &mut ban.life {
                *answer_by = Some(boot + silence_ms);
            }
        }
        probe
    }

    /// A lease has ended that may have been on trial.
    pub(super) fn off_trial(&mut self, token: TokenHash, by: EndedBy, succeeded: bool) {
        let (boot, strikes_ms) = (self.boot(), self.limits.strikes_ms);
        let ramp_ms: Vec<u64> = self.bans.iter().map(|ban| self.policy(ban.pool).recovery.ramp_ms).collect();
        for (ban, ramp_ms) in self.bans.iter_mut().zip(ramp_ms) {
            if !ban.out.contains(&token) {
                continue;
            }
            ban.out.retain(|out| *out != token);
            if let Life::HalfOpen { silent, .. } = ban.life {
                let silent = silent + u8::from(by == EndedBy::Release && !succeeded);
                ban.life = match silent {
                    3.. => Life::Ramp { width: 2, ends: boot + ramp_ms, proven: false },
                    _ => Life::HalfOpen { answer_by: None, silent, forget_at: boot + strikes_ms },
                };
            }
        }
    }

    pub(super) fn succeed(&mut self, lease: &Lease) {
        let boot = self.boot();
        let same_secret = self.credential(lease.credential).is_some_and(|c| c.secret_since == lease.secret_since);
        let recovery = self.policy(lease.pool).recovery;
        let covers = |about: &About| match about {
            About::Credential(key) => *key == lease.credential && same_secret,
            About::Account(pool, account) => *pool == lease.pool && *account == lease.account,
            About::Pool(pool) => *pool == lease.pool,
        };
        let width = |about: &About| match about {
            About::Credential(_) => 0,
            About::Account(..) => 1,
            About::Pool(_) => 2,
        };
        let mut lifted = 0;
        let mut widest: Option<About> = None;
        self.bans.retain_mut(|ban| {
            let for_its_model = ban.model.is_none() || ban.model == lease.ask.model;
            let disproved = covers(&ban.about) && for_its_model && ban.began <= lease.granted;
            if !disproved || ban.cause == Cause::Disabled {
                return true;
            }
            if !matches!(ban.life, Life::Ramp { proven: true, .. }) {
                lifted += 1;
                if widest.as_ref().is_none_or(|widest| width(widest) < width(&ban.about)) {
                    widest = Some(ban.about.clone());
                }
            }
            let (width, ends) = match ban.life {
                Life::Closed | Life::HalfOpen { .. } => (2, boot + recovery.ramp_ms),
                Life::Ramp { width, ends, .. } => (width + 1, ends),
                Life::Over { .. } => return false,
            };
            ban.life = Life::Ramp { width, ends, proven: true };
            width <= recovery.ramp_width as usize
        });
        if let Some(widest) = widest {
            let event = Event::Recovered { lease: lease.no, probe: lease.probe, lifted };
            self.tell(lease.pool, Some(lease.credential), widest, lease.ask.model.as_ref(), event);
        }
        self.hear_of(lease.credential);
    }

    /// In how many milliseconds a probe may go to one of `candidates`, if it may not yet and time alone makes it so.
    pub(super) fn next_probe(
        &self,
        pool: PoolKey,
        candidates: &[Credential],
        ask: &Ask,
        of_pool: &[Ban],
    ) -> Option<u64> {
        if self.total_met(pool).is_some() {
            return None;
        }
        let latest = |bans: &[Ban]| -> Option<u64> {
            let from = bans.iter().map(|ban| self.may_be_probed_from(ban)).collect::<Option<Vec<u64>>>()?;
            Some(from.into_iter().max().unwrap_or(0))
        };
        let can_take = candidates.iter().filter(|credential| !self.is_full(credential, ask.model.as_ref()));
        let own = can_take.filter_map(|credential| latest(&self.restricted(credential, ask))).min()?;
        latest(of_pool)?.max(own).checked_sub(self.boot()).filter(|ms| *ms > 0)
    }

    /// The one that has waited longest for a rare probe among `candidates`, if nothing else is to be had.
    pub(super) fn rarely_probed(
        &self,
        candidates: &[&Credential],
        blocking: &dyn Fn(&Credential) -> Vec<Ban>,
        full: &dyn Fn(&Credential) -> bool,
    ) -> Option<CredentialKey> {
        let from = |credential: &&Credential| -> Option<(u64, CredentialKey)> {
            let bans = blocking(credential);
            let from = bans.iter().map(|ban| self.may_be_probed_from(ban)).collect::<Option<Vec<u64>>>()?;
            let from = from.into_iter().max().filter(|_| !full(credential))?;
            (from <= self.boot()).then_some((from, credential.key))
        };
        candidates.iter().filter_map(from).min().map(|(_, key)| key)
    }
}
