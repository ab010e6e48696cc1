//! The limits that an operator may change.

use std::collections::BTreeMap;

use credpool_proto::limits::Limits;

use super::error::ConfigError;
use super::layers::{self, Origins};
use super::settings::{LimitSettings, PoolSettings};
use super::value::Milliseconds;

/// The protocol's limits, but for what `settings` say otherwise.
pub(super) fn limits(settings: &LimitSettings) -> Limits {
    let usual = Limits::default();
    Limits {
        request_line_bytes: settings.request_line.unwrap_or(usual.request_line_bytes),
        partial_line_ms: settings.partial_line.unwrap_or(usual.partial_line_ms),
        unsent_output_bytes: settings.unsent_output.unwrap_or(usual.unsent_output_bytes),
        unread_output_ms: settings.unread_output.unwrap_or(usual.unread_output_ms),
        connections: settings.connections.unwrap_or(usual.connections),
        connections_per_uid: settings.connections_per_uid.unwrap_or(usual.connections_per_uid),
        leases: settings.leases.unwrap_or(usual.leases),
        leases_per_connection: settings.leases_per_connection.unwrap_or(usual.leases_per_connection),
        waiters: settings.waiters.unwrap_or(usual.waiters),
        waiters_per_connection: settings.waiters_per_connection.unwrap_or(usual.waiters_per_connection),
        waiters_per_uid: settings.waiters_per_uid.unwrap_or(usual.waiters_per_uid),
        queues_per_pool: settings.queues_per_pool.unwrap_or(usual.queues_per_pool),
        history: settings.history.unwrap_or(usual.history),
        history_per_pool: settings.history_per_pool.unwrap_or(usual.history_per_pool),
        subscribers: settings.subscribers.unwrap_or(usual.subscribers),
        ttl_ms: settings.ttl.unwrap_or(usual.ttl_ms),
        wait_ms: settings.wait.unwrap_or(usual.wait_ms),
        auth_file_bytes: settings.auth_file.unwrap_or(usual.auth_file_bytes),
        auth_file_rows: settings.auth_file_rows.unwrap_or(usual.auth_file_rows),
    }
}

/// A lease that is told how long to live must be one that may be asked for. Where nothing is told, the limit is heeded.
pub(super) fn check_ttls(
    limits: &Limits,
    defaults: &PoolSettings,
    pools: &BTreeMap<String, PoolSettings>,
    origins: &Origins,
    errors: &mut Vec<ConfigError>,
) {
    let mut check = |path: &[&str], ttl: Option<u64>| {
        if let Some(ttl) = ttl.filter(|ttl| *ttl > limits.ttl_ms) {
            let path: Vec<_> = path.iter().map(|name| (*name).to_owned()).collect();
            let key = layers::show(&path);
            let cause = format!(
                "is {} ({}), longer than limits.ttl, {} ({})",
                Milliseconds(ttl),
                origins.of(&key),
                Milliseconds(limits.ttl_ms),
                origins.of("limits.ttl"),
            );
            errors.push(ConfigError::Contradiction { key, cause });
        }
    };
    check(&["defaults", "lease_ttl"], defaults.lease_ttl);
    check(&["defaults", "detached_ttl"], defaults.detached_ttl);
    for (name, pool) in pools {
        check(&["pools", name, "lease_ttl"], pool.lease_ttl);
        check(&["pools", name, "detached_ttl"], pool.detached_ttl);
    }
}
