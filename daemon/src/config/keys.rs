//! The table of configuration keys: the one source of flags, variables, checks and documentation.

use super::value::ValueType;

/// One configuration key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted path in the configuration file. `*` stands for any one name.
    pub path: &'static str,
    /// Where else the key may stand.
    pub also: Also,
    /// What it takes.
    pub value: ValueType,
    /// What holds where it is not set, as one would write it; `None` if that depends on the machine. A test holds it
    /// against what the code does.
    pub default: Option<&'static str>,
    /// One sentence for people.
    pub help: &'static str,
    /// Whether this version heeds it.
    pub support: Support,
}

/// Where else a key of `[defaults]` may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Also {
    /// Nowhere.
    Nowhere,
    /// In `[pools.NAME]`, for one pool.
    InPools,
    /// In `[pools.NAME]`, and in `[pools.NAME.credentials.ID-OR-LABEL]` for one credential.
    InCredentials,
}

/// Whether this version heeds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Full,
    /// Only this value of it.
    Only(&'static str),
    /// It does not: setting it is an error, so that nobody relies on it in vain.
    Later,
}

impl Key {
    /// The name of its flag, without the dashes; `None` for a key that exists once per pool.
    #[must_use]
    pub fn flag(&self) -> Option<String> {
        match self.path {
            "snapshot.path" => Some("snapshot".to_owned()),
            path => self.is_single().then(|| path.replace(['.', '_'], "-")),
        }
    }

    /// The name of its environment variable; `None` for a key that exists once per pool.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        self.is_single().then(|| format!("CREDPOOL_{}", self.path.replace('.', "_").to_ascii_uppercase()))
    }

    /// Every place where it may stand in a file, as a pattern of names.
    pub(super) fn places(&self) -> Vec<Vec<&'static str>> {
        let own: Vec<_> = self.path.split('.').collect();
        let name = &own[1..];
        let within = |folders: &[&'static str]| [folders, name].concat();
        let mut places = Vec::new();
        if self.also != Also::Nowhere {
            places.push(within(&["pools", "*"]));
        }
        if self.also == Also::InCredentials {
            places.push(within(&["pools", "*", "credentials", "*"]));
        }
        places.push(own);
        places
    }

    fn is_single(&self) -> bool {
        !self.path.contains('*')
    }

    const fn in_pools(self) -> Self {
        Self { also: Also::InPools, ..self }
    }

    const fn in_credentials(self) -> Self {
        Self { also: Also::InCredentials, ..self }
    }

    const fn later(self) -> Self {
        Self { support: Support::Later, ..self }
    }

    const fn only(self, value: &'static str) -> Self {
        Self { support: Support::Only(value), ..self }
    }
}

const fn key(path: &'static str, value: ValueType, default: Option<&'static str>, help: &'static str) -> Key {
    Key { path, also: Also::Nowhere, value, default, help, support: Support::Full }
}

const SECOND_MS: u64 = 1_000;
const DAY_MS: u64 = 24 * 60 * 60 * SECOND_MS;

/// A lease, however long, ends within a day.
const TTL: ValueType = ValueType::Duration { min_ms: 1, max_ms: DAY_MS };
/// A session that is left alone for a day has no warm cache.
const MEMORY: ValueType = ValueType::Duration { min_ms: 0, max_ms: DAY_MS };
/// No guess is longer than the longest window that a vendor is known to have, a month.
const COOLDOWN: ValueType = ValueType::Duration { min_ms: 1, max_ms: 35 * DAY_MS };
/// A window that is spent is not asked after all the time.
const PROBES: ValueType = ValueType::Duration { min_ms: SECOND_MS, max_ms: DAY_MS };
const PATIENCE: ValueType = ValueType::Duration { min_ms: 10, max_ms: 60 * 60 * SECOND_MS };
const MANY: ValueType = ValueType::Count { min: 1, max: 1_000_000 };
/// One credential alone says nothing of the provider.
const SEVERAL: ValueType = ValueType::Count { min: 2, max: 64 };
const AUTH_TYPE: ValueType = ValueType::Choice(&["api_key", "oauth"]);
const CAP: ValueType = ValueType::Choice(&["soft", "hard"]);
const STRATEGY: ValueType =
    ValueType::Choice(&["fill_first", "round_robin", "least_used", "random", "headroom", "reset_soon"]);
const SECRETS: ValueType = ValueType::Choice(&["values", "references"]);
const DURABILITY: ValueType = ValueType::Choice(&["relaxed", "sync"]);
const BUFFER: ValueType = ValueType::Size { min: 1_024, max: 1 << 30 };

const BASE: &str = "The first cooldown of this kind, where the provider names none.";
const FACTOR: &str = "How much longer each further cooldown of this kind is.";
const LONGEST: &str = "The longest guessed cooldown of this kind.";

/// Every key, in the order in which the documentation shows them.
pub const KEYS: &[Key] = &[
    key("socket", ValueType::Path, None, "Where to listen."),
    key("auth_file", ValueType::Path, None, "The auth.json to serve; by default that of $HERMES_HOME or ~/.hermes."),
    key("log", ValueType::Text, Some("info"), "What to log, as a filter: info, debug, credpool_daemon=trace, …"),
    key("store", ValueType::Text, Some("memory"), "Where several machines share their state.").only("memory"),
    key("on_store_loss", ValueType::Text, None, "What to do while the store is away.").later(),
    key("store_key", ValueType::Text, None, "The key that machines with one store share.").later(),
    key("snapshot.path", ValueType::Path, None, "The file that remembers state across restarts; by default none."),
    key(
        "snapshot.durability",
        DURABILITY,
        Some("relaxed"),
        "How soon state is on the disk: within 250 ms, or before whoever changed it is answered.",
    ),
    key("access.users", ValueType::List, None, "Users who may connect, besides the daemon's own and root."),
    key("access.groups", ValueType::List, None, "Groups whose members may connect."),
    key("access.server", ValueType::Text, None, "The user whom clients accept as the daemon."),
    key(
        "access.admins",
        ValueType::List,
        None,
        "Users who may clear, disable and reload; none named: all who connect.",
    ),
    key("defaults.strategy", STRATEGY, Some("fill_first"), "How a pool chooses among its credentials.").in_pools(),
    key(
        "defaults.reserve",
        ValueType::Percent,
        Some("0%"),
        "How much of each quota window is kept back: with no more left, a credential is used only where nothing else is there.",
    )
    .in_pools(),
    key("defaults.max_in_flight", MANY, Some("1"), "How many leases one credential carries at a time.")
        .in_credentials(),
    key("defaults.max_in_flight_total", MANY, None, "How many leases one pool carries at a time in all; never more.")
        .in_pools(),
    key("defaults.cap", CAP, Some("soft"), "Whether max_in_flight is a wish or a law.").in_credentials(),
    key("defaults.lease_ttl", TTL, Some("1h"), "How long a lease lives that is bound to a connection.").in_pools(),
    key("defaults.detached_ttl", TTL, Some("10m"), "How long a detached lease lives.").in_pools(),
    key("defaults.secrets", SECRETS, Some("values"), "Whether leases hold secrets, or only say where they are.")
        .in_pools(),
    key("defaults.account", ValueType::Text, None, "The account whose quota the credentials share.").in_credentials(),
    key(
        "defaults.probe_interval",
        PROBES,
        Some("15m"),
        "How often a restriction that is not over is probed, while nothing else is available.",
    )
    .in_pools(),
    key(
        "defaults.affinity_ttl",
        MEMORY,
        Some("1h"),
        "How long a session stays with its credential after its last lease; 0s for not at all.",
    )
    .in_pools(),
    key("pools.*.models.*.max_in_flight", MANY, None, "How many leases for this model one credential carries."),
    key("pools.*.models.*.cap", CAP, None, "Whether that is a wish or a law; by default as for the pool."),
    key("pools.*.definitions.*.id", ValueType::Text, None, "The credential's id; by default made from its source."),
    key("pools.*.definitions.*.label", ValueType::Text, None, "The credential's label; by default its source."),
    key("pools.*.definitions.*.env", ValueType::Text, None, "The variable that holds the secret."),
    key("pools.*.definitions.*.file", ValueType::Path, None, "The file that holds the secret."),
    key("pools.*.definitions.*.base_url", ValueType::Text, None, "Where requests with this credential go."),
    key("pools.*.definitions.*.auth_type", AUTH_TYPE, Some("api_key"), "What sort of secret it is."),
    key("pools.*.definitions.*.account", ValueType::Text, None, "The account whose quota the credential shares."),
    key(
        "cooldown.preset",
        ValueType::Choice(&["default", "hermes"]),
        Some("default"),
        "Where the cooldowns below start from: credpool's own, or the fixed ones of hermes-agent.",
    ),
    key("cooldown.rate_limit.base", COOLDOWN, Some("15s"), BASE),
    key("cooldown.rate_limit.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.rate_limit.cap", COOLDOWN, Some("15m"), LONGEST),
    key("cooldown.quota.base", COOLDOWN, Some("5m"), BASE),
    key("cooldown.quota.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.quota.cap", COOLDOWN, Some("5h"), LONGEST),
    key("cooldown.billing.base", COOLDOWN, Some("1h"), BASE),
    key("cooldown.billing.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.billing.cap", COOLDOWN, Some("24h"), LONGEST),
    key("cooldown.auth.base", COOLDOWN, Some("1m"), BASE),
    key("cooldown.auth.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.auth.cap", COOLDOWN, Some("1h"), LONGEST),
    key("cooldown.forbidden.base", COOLDOWN, Some("5m"), BASE),
    key("cooldown.forbidden.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.forbidden.cap", COOLDOWN, Some("6h"), LONGEST),
    key("cooldown.model.base", COOLDOWN, Some("1m"), BASE),
    key("cooldown.model.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.model.cap", COOLDOWN, Some("1h"), LONGEST),
    key("cooldown.overloaded.base", COOLDOWN, Some("5s"), BASE),
    key("cooldown.overloaded.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.overloaded.cap", COOLDOWN, Some("2m"), LONGEST),
    key("cooldown.server.base", COOLDOWN, Some("5s"), BASE),
    key("cooldown.server.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.server.cap", COOLDOWN, Some("2m"), LONGEST),
    key("cooldown.edge.base", COOLDOWN, Some("5s"), BASE),
    key("cooldown.edge.factor", ValueType::Factor, Some("2"), FACTOR),
    key("cooldown.edge.cap", COOLDOWN, Some("2m"), LONGEST),
    key(
        "cooldown.sole",
        COOLDOWN,
        Some("5s"),
        "The longest guessed cooldown of a pool's only credential, for what passes by itself.",
    ),
    key(
        "guard.window",
        ValueType::Duration { min_ms: 0, max_ms: 60 * 60 * SECOND_MS },
        Some("10s"),
        "In which time several credentials have to fail for it to be the provider's fault; 0s for never.",
    ),
    key("guard.faults", SEVERAL, Some("2"), "How many credentials, if the provider failed or was overloaded."),
    key("guard.refusals", SEVERAL, Some("3"), "How many accounts, if a 429 or 403 said neither why nor for how long."),
    key("guard.pause", COOLDOWN, Some("5s"), "For how long the pool pauses then, the first time."),
    key("limits.request_line", BUFFER, Some("256KiB"), "The longest request line."),
    key("limits.partial_line", PATIENCE, Some("10s"), "How long a request line may stay unfinished."),
    key("limits.unsent_output", BUFFER, Some("1MiB"), "The most output that waits for one connection to read it."),
    key("limits.unread_output", PATIENCE, Some("10s"), "How long it may wait before the connection is closed."),
    key("limits.connections", MANY, Some("4096"), "The most open connections."),
    key("limits.connections_per_uid", MANY, Some("1024"), "The most open connections of one user."),
    key("limits.leases", MANY, Some("65536"), "The most leases out at once."),
    key("limits.leases_per_connection", MANY, Some("4096"), "The most leases bound to one connection."),
    key("limits.waiters", MANY, Some("16384"), "The most requests that wait for a lease."),
    key("limits.waiters_per_connection", MANY, Some("256"), "The most of them on one connection."),
    key("limits.waiters_per_uid", MANY, Some("4096"), "The most of them of one user."),
    key("limits.queues_per_pool", MANY, Some("256"), "The most different things that they want of one pool."),
    key("limits.history", MANY, Some("64"), "The most verdicts remembered of one credential and model."),
    key("limits.history_per_pool", MANY, Some("4096"), "The most verdicts remembered of one pool."),
    key("limits.subscribers", MANY, Some("64"), "The most connections that are told of events."),
    key("limits.ttl", TTL, Some("24h"), "The longest lease that may be asked for."),
    key("limits.wait", TTL, Some("24h"), "The longest wait that may be asked for."),
    key("limits.auth_file", BUFFER, Some("16MiB"), "The largest auth.json."),
    key("limits.auth_file_rows", MANY, Some("100000"), "The most rows in auth.json."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn named(path: &str) -> &'static Key {
        KEYS.iter().find(|key| key.path == path).expect("a key")
    }

    #[test]
    fn names_follow_from_the_path() {
        let key = named("defaults.lease_ttl");
        assert_eq!(key.flag().as_deref(), Some("defaults-lease-ttl"));
        assert_eq!(key.variable().as_deref(), Some("CREDPOOL_DEFAULTS_LEASE_TTL"));
        assert_eq!(named("snapshot.path").flag().as_deref(), Some("snapshot"));
        assert_eq!(named("pools.*.definitions.*.env").flag(), None);
        assert_eq!(named("pools.*.definitions.*.env").variable(), None);
    }

    #[test]
    fn places_include_pools_and_credentials() {
        let places = |path| named(path).places().iter().map(|place| place.join(".")).collect::<Vec<_>>();
        assert_eq!(places("socket"), ["socket"]);
        assert_eq!(places("defaults.strategy"), ["pools.*.strategy", "defaults.strategy"]);
        assert_eq!(
            places("defaults.account"),
            ["pools.*.account", "pools.*.credentials.*.account", "defaults.account"]
        );
    }

    #[test]
    fn nothing_is_named_twice() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert(key.path.to_owned()), "{}", key.path);
            if let Some(flag) = key.flag() {
                assert!(seen.insert(format!("--{flag}")), "{flag}");
            }
            if let Some(variable) = key.variable() {
                assert!(seen.insert(variable.clone()), "{variable}");
            }
        }
    }
}
