//! The values of all sources as typed records, before defaults are filled in.
//!
//! The fields mirror the table of keys; values arrive in the normal form that `value` gives them. A test holds the two
//! against each other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use credpool_core::Strategy;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) socket: Option<PathBuf>,
    pub(super) auth_file: Option<PathBuf>,
    pub(super) log: Option<String>,
    pub(super) snapshot: SnapshotSettings,
    pub(super) access: Access,
    pub(super) defaults: PoolSettings,
    pub(super) pools: BTreeMap<String, PoolSettings>,
    pub(super) cooldown: CooldownSettings,
    pub(super) guard: GuardSettings,
    pub(super) limits: LimitSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SnapshotSettings {
    pub(super) path: Option<PathBuf>,
    pub(super) durability: Option<Durability>,
}

/// How soon what happened is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Within 250 ms.
    #[default]
    Relaxed,
    /// Before whoever made it happen is answered.
    Sync,
}

impl Durability {
    /// Its name in the configuration and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Sync => "sync",
        }
    }
}

/// Who may connect. Names are resolved when they are needed, since users come and go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Users who may connect, besides the daemon's own and root.
    pub users: Vec<String>,
    /// Groups whose members may connect.
    pub groups: Vec<String>,
    /// The user whom clients accept as the daemon, besides themselves and root. The daemon does not heed it.
    pub server: Option<String>,
    /// Users who may clear, disable and reload; if none is named, all who may connect.
    pub admins: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PoolSettings {
    pub(super) strategy: Option<StrategyName>,
    /// In thousandths.
    pub(super) reserve: Option<u32>,
    pub(super) max_in_flight: Option<u32>,
    pub(super) max_in_flight_total: Option<u32>,
    pub(super) cap: Option<CapName>,
    pub(super) affinity_ttl: Option<u64>,
    pub(super) lease_ttl: Option<u64>,
    pub(super) detached_ttl: Option<u64>,
    pub(super) secrets: Option<SecretsName>,
    pub(super) probe_interval: Option<u64>,
    pub(super) account: Option<String>,
    /// By index, padded: see `file`.
    pub(super) definitions: BTreeMap<String, DefinitionSettings>,
    /// By id or label.
    pub(super) credentials: BTreeMap<String, CredentialSettings>,
    /// By name.
    pub(super) models: BTreeMap<String, ModelSettings>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ModelSettings {
    pub(super) max_in_flight: Option<u32>,
    pub(super) cap: Option<CapName>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DefinitionSettings {
    pub(super) id: Option<String>,
    pub(super) label: Option<String>,
    pub(super) env: Option<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) base_url: Option<String>,
    pub(super) auth_type: Option<AuthType>,
    pub(super) account: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CredentialSettings {
    pub(super) max_in_flight: Option<u32>,
    pub(super) cap: Option<CapName>,
    pub(super) account: Option<String>,
}

/// What sort of secret a credential has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum AuthType {
    /// A key that lives until somebody revokes it.
    #[default]
    #[serde(rename = "api_key")]
    ApiKey,
    /// An OAuth access token, which runs out and is refreshed.
    #[serde(rename = "oauth")]
    OAuth,
}

impl AuthType {
    /// Its name in auth.json and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::OAuth => "oauth",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CapName {
    Soft,
    Hard,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecretsName {
    #[default]
    Values,
    References,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StrategyName {
    FillFirst,
    RoundRobin,
    LeastUsed,
    Random,
    Headroom,
    ResetSoon,
}

impl From<StrategyName> for Strategy {
    fn from(name: StrategyName) -> Self {
        match name {
            StrategyName::FillFirst => Self::FillFirst,
            StrategyName::RoundRobin => Self::RoundRobin,
            StrategyName::LeastUsed => Self::LeastUsed,
            StrategyName::Random => Self::Random,
            StrategyName::Headroom => Self::Headroom,
            StrategyName::ResetSoon => Self::ResetSoon,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Preset {
    #[default]
    Default,
    Hermes,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CooldownSettings {
    pub(super) preset: Preset,
    pub(super) rate_limit: BackoffSettings,
    pub(super) quota: BackoffSettings,
    pub(super) billing: BackoffSettings,
    pub(super) auth: BackoffSettings,
    pub(super) forbidden: BackoffSettings,
    pub(super) model: BackoffSettings,
    pub(super) overloaded: BackoffSettings,
    pub(super) server: BackoffSettings,
    pub(super) edge: BackoffSettings,
    pub(super) sole: Option<u64>,
}

/// Milliseconds, and thousandths for the factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BackoffSettings {
    pub(super) base: Option<u64>,
    pub(super) factor: Option<u32>,
    pub(super) cap: Option<u64>,
}

/// Milliseconds and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GuardSettings {
    pub(super) window: Option<u64>,
    pub(super) faults: Option<u32>,
    pub(super) refusals: Option<u32>,
    pub(super) pause: Option<u64>,
}

/// Bytes, milliseconds and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitSettings {
    pub(super) request_line: Option<usize>,
    pub(super) partial_line: Option<u64>,
    pub(super) unsent_output: Option<usize>,
    pub(super) unread_output: Option<u64>,
    pub(super) connections: Option<usize>,
    pub(super) connections_per_uid: Option<usize>,
    pub(super) leases: Option<usize>,
    pub(super) leases_per_connection: Option<usize>,
    pub(super) waiters: Option<usize>,
    pub(super) waiters_per_connection: Option<usize>,
    pub(super) waiters_per_uid: Option<usize>,
    pub(super) queues_per_pool: Option<usize>,
    pub(super) history: Option<usize>,
    pub(super) history_per_pool: Option<usize>,
    pub(super) subscribers: Option<usize>,
    pub(super) ttl: Option<u64>,
    pub(super) wait: Option<u64>,
    pub(super) auth_file: Option<usize>,
    pub(super) auth_file_rows: Option<usize>,
}
