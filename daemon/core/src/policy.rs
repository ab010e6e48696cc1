//! What a pool is told to do: strategy, caps, lifetimes, backoff. Policy is state, set by commands.

use std::collections::BTreeMap;

use crate::cause::Cause;
use crate::records::Model;

/// How a pool chooses among its available credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Strategy {
    /// The first in order of definition.
    #[default]
    FillFirst,
    /// Each in its turn: whoever was chosen goes to the end.
    RoundRobin,
    /// The one with the fewest grants.
    LeastUsed,
    /// Any, with equal chance.
    Random,
    /// The one whose tightest quota window has most left.
    Headroom,
    /// The one whose quota lapses first.
    ResetSoon,
}

impl Strategy {
    /// Whether it goes by what responses say is left.
    #[must_use]
    pub fn weighs_quota(self) -> bool {
        matches!(self, Self::Headroom | Self::ResetSoon)
    }
}

/// How many leases one credential carries at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cap {
    /// At least 1.
    pub max_in_flight: u32,
    /// Hard: never more. Soft: no more while another credential has room.
    pub hard: bool,
}

impl Default for Cap {
    fn default() -> Self {
        Self { max_in_flight: 1, hard: false }
    }
}

/// The length of a guessed cooldown: `base * factor^(strikes - 1)`, at most `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Backoff {
    /// Milliseconds of the first strike.
    pub base_ms: u64,
    /// Growth per strike in thousandths, at least 1,000 (no floats: every machine must get the same number).
    pub factor_permille: u32,
    /// Milliseconds that no strike exceeds.
    pub cap_ms: u64,
}

impl Backoff {
    /// A cooldown that does not grow.
    #[must_use]
    pub const fn fixed(ms: u64) -> Self {
        Self { base_ms: ms, factor_permille: 1_000, cap_ms: ms }
    }

    /// Milliseconds of the window that strike number `strikes` (from 1) opens.
    #[must_use]
    pub fn window_ms(self, strikes: u32) -> u64 {
        let mut ms = self.base_ms.min(self.cap_ms);
        for _ in 1..strikes {
            let grown = u128::from(ms) * u128::from(self.factor_permille) / 1_000;
            let grown = u64::try_from(grown).unwrap_or(u64::MAX).min(self.cap_ms);
            if grown == ms {
                break;
            }
            ms = grown;
        }
        ms
    }
}

/// The backoff of each cause that a report can open without a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cooldowns {
    /// For `Cause::RateLimit`.
    pub rate_limit: Backoff,
    /// For `Cause::Quota`.
    pub quota: Backoff,
    /// For `Cause::Billing`.
    pub billing: Backoff,
    /// For `Cause::Auth`.
    pub auth: Backoff,
    /// For `Cause::Forbidden`.
    pub forbidden: Backoff,
    /// For `Cause::Model`.
    pub model: Backoff,
    /// For `Cause::Overloaded`.
    pub overloaded: Backoff,
    /// For `Cause::Server`.
    pub server: Backoff,
    /// For `Cause::Edge` and `Cause::Network`.
    pub edge: Backoff,
    /// Milliseconds that no guess exceeds which benches the only credential of a pool for something that passes.
    pub sole_ms: u64,
}

impl Cooldowns {
    /// The backoff for `cause`; `None` where only a person or a definition lifts it.
    #[must_use]
    pub fn of(&self, cause: Cause) -> Option<Backoff> {
        Some(match cause {
            Cause::RateLimit => self.rate_limit,
            Cause::Quota => self.quota,
            Cause::Billing => self.billing,
            Cause::Auth => self.auth,
            Cause::Forbidden => self.forbidden,
            Cause::Model => self.model,
            Cause::Overloaded => self.overloaded,
            Cause::Server => self.server,
            Cause::Edge | Cause::Network => self.edge,
            Cause::Disabled | Cause::NoSecret | Cause::Dead => return None,
        })
    }
}

impl Default for Cooldowns {
    fn default() -> Self {
        const SECOND: u64 = 1_000;
        const MINUTE: u64 = 60 * SECOND;
        const HOUR: u64 = 60 * MINUTE;
        let doubling = |base_ms, cap_ms| Backoff { base_ms, factor_permille: 2_000, cap_ms };
        Self {
            rate_limit: doubling(15 * SECOND, 15 * MINUTE),
            quota: doubling(5 * MINUTE, 5 * HOUR),
            billing: doubling(HOUR, 24 * HOUR),
            auth: doubling(MINUTE, HOUR),
            forbidden: doubling(5 * MINUTE, 6 * HOUR),
            model: doubling(MINUTE, HOUR),
            overloaded: doubling(5 * SECOND, 2 * MINUTE),
            server: doubling(5 * SECOND, 2 * MINUTE),
            edge: doubling(5 * SECOND, 2 * MINUTE),
            sole_ms: 5 * SECOND,
        }
    }
}

/// How what was restricted comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recovery {
    /// Milliseconds between two probes of a window that is still closed.
    pub probe_interval_ms: u64,
    /// Milliseconds that a probe has to answer before another may go.
    pub silence_ms: u64,
    /// Milliseconds after which a ramp ends by itself.
    pub ramp_ms: u64,
    /// How many leases at a time end a ramp before that.
    pub ramp_width: u32,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { probe_interval_ms: 15 * 60 * 1_000, silence_ms: 60 * 1_000, ramp_ms: 60 * 1_000, ramp_width: 32 }
    }
}

/// When failures of several credentials are the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Guard {
    /// Milliseconds in which they have to fail; 0 for never: then a fault cools whom it struck, and no pool pauses.
    pub window_ms: u64,
    /// How many credentials, for faults of the provider.
    pub faults: u32,
    /// How many accounts, for a 429 or 403 that says neither why nor for how long.
    pub refusals: u32,
    /// For how long the pool pauses then.
    pub pause: Backoff,
}

impl Default for Guard {
    fn default() -> Self {
        let pause = Backoff { base_ms: 5_000, factor_permille: 2_000, cap_ms: 2 * 60 * 1_000 };
        Self { window_ms: 10_000, faults: 2, refusals: 3, pause }
    }
}

/// What one pool is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    /// How it chooses.
    pub strategy: Strategy,
    /// The cap of a credential that has none of its own.
    pub cap: Cap,
    /// How much of each quota window is kept back, in thousandths: a credential with no more than that left goes after
    /// those that have more. 0 for nothing.
    pub reserve_permille: u32,
    /// Caps of a credential's leases for one model each, besides its own.
    #[cfg_attr(feature = "serde", serde(default))]
    pub models: BTreeMap<Model, Cap>,
    /// How many leases the whole pool carries at a time; never more.
    #[cfg_attr(feature = "serde", serde(default))]
    pub total: Option<u32>,
    /// Milliseconds that a lease bound to a connection lives unless the caller says otherwise.
    pub lease_ttl_ms: u64,
    /// The same for a detached lease.
    pub detached_ttl_ms: u64,
    /// Milliseconds that a session is remembered after its last lease; 0 for not at all.
    #[cfg_attr(feature = "serde", serde(default))]
    pub affinity_ttl_ms: u64,
    /// Guessed cooldowns.
    pub cooldowns: Cooldowns,
    /// Coming back from them.
    pub recovery: Recovery,
    /// Telling the provider's faults from the credentials'.
    pub guard: Guard,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            cap: Cap::default(),
            reserve_permille: 0,
            models: BTreeMap::new(),
            total: None,
            lease_ttl_ms: 60 * 60 * 1_000,
            detached_ttl_ms: 10 * 60 * 1_000,
            affinity_ttl_ms: 60 * 60 * 1_000,
            cooldowns: Cooldowns::default(),
            recovery: Recovery::default(),
            guard: Guard::default(),
        }
    }
}

/// What bounds the memory of a core. Every bound is a number of records or of milliseconds, of which 0 count as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live leases.
    pub leases: usize,
    /// Live leases bound to one connection.
    pub leases_per_connection: usize,
    /// Waiters.
    pub waiters: usize,
    /// Waiters whose answers go to one connection.
    pub waiters_per_connection: usize,
    /// Waiters of one user.
    pub waiters_per_user: usize,
    /// Different needs that waiters of one pool have.
    pub queues_per_pool: usize,
    /// Sessions that are remembered. One more makes the one go that would be forgotten first.
    pub bindings: usize,
    /// Failures remembered of one lease.
    pub reports_per_lease: usize,
    /// Restrictions of single models, of one credential, account or pool. One more makes the one that opens first go;
    /// 0 count as 1.
    pub models_per_scope: usize,
    /// Ended leases that are remembered.
    pub ended_leases: usize,
    /// Entries of the history of one credential and model.
    pub history_per_model: usize,
    /// Entries of the history of one pool.
    pub history_per_pool: usize,
    /// Quota windows of one account. One more makes the one go that was heard of longest ago.
    pub quotas_per_account: usize,
    /// Quota windows of all accounts; likewise.
    pub quotas: usize,
    /// How long an ended lease is remembered.
    pub ended_lease_ms: u64,
    /// How long strikes are remembered after their window opened again.
    pub strikes_ms: u64,
    /// How long a quota window is believed that does not say when it begins anew; at most, if its length is known.
    pub quota_ms: u64,
    /// How long a credential that is no longer defined keeps its restrictions; with leases out on it, until they end.
    pub retired_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60 * 1_000;
        Self {
            leases: 65_536,
            leases_per_connection: 4_096,
            waiters: 16_384,
            waiters_per_connection: 256,
            waiters_per_user: 4_096,
            queues_per_pool: 256,
            bindings: 65_536,
            reports_per_lease: 64,
            models_per_scope: 256,
            ended_leases: 65_536,
            history_per_model: 64,
            history_per_pool: 4_096,
            quotas_per_account: 256,
            quotas: 65_536,
            ended_lease_ms: 10 * 60 * 1_000,
            strikes_ms: DAY,
            quota_ms: 60 * 60 * 1_000,
            retired_ms: DAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_cap_and_stays_there() {
        let backoff = Backoff { base_ms: 15_000, factor_permille: 2_000, cap_ms: 100_000 };
        let windows: Vec<u64> = (1..6).map(|strikes| backoff.window_ms(strikes)).collect();
        assert_eq!(windows, [15_000, 30_000, 60_000, 100_000, 100_000]);
        assert_eq!(backoff.window_ms(u32::MAX), 100_000);
        assert_eq!(Backoff::fixed(7).window_ms(9), 7);
    }
}
