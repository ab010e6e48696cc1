//! What a pool and its credentials are told: the narrower table wins over the wider one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use credpool_core::{Cap, Model, Policy, Recovery, Strategy};
use credpool_proto::limits::MAX_NAME_BYTES;

use super::error::ConfigError;
use super::settings::{AuthType, CapName, CredentialSettings, PoolSettings, SecretsName};
use super::{Config, layers};

/// Longest id of a credential, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// A definition of our own, for those who have no Hermes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDefinition {
    /// Its id, if it is given one.
    pub id: Option<String>,
    /// Its label, if it is given one.
    pub label: Option<String>,
    /// Where its secret is.
    pub source: SecretSource,
    /// Where requests go.
    pub base_url: Option<String>,
    /// What sort of secret it is.
    pub auth_type: AuthType,
    /// The account whose quota it shares.
    pub account: Option<String>,
}

/// Where the secret of an [`OwnDefinition`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the environment variable of this name.
    Env(String),
    /// In this file, without the newline at its end.
    File(PathBuf),
}

impl Config {
    /// What the pool of this name is told to do. `hermes` is the strategy that Hermes' own `config.yaml` has for it,
    /// which counts only where our configuration names none for the pool nor for all.
    #[must_use]
    pub fn policy(&self, pool: &str, hermes: Option<Strategy>) -> Policy {
        let (fallback, none) = (Policy::default(), PoolSettings::default());
        let recovery = fallback.recovery;
        let own = self.pools.get(pool).unwrap_or(&none);
        let all = &self.defaults;
        Policy {
            strategy: own.strategy.or(all.strategy).map(Strategy::from).or(hermes).unwrap_or_default(),
            cap: cap(own.max_in_flight.or(all.max_in_flight), own.cap.or(all.cap), fallback.cap),
            reserve_permille: own.reserve.or(all.reserve).unwrap_or(fallback.reserve_permille),
            models: self.model_caps(own),
            total: own.max_in_flight_total.or(all.max_in_flight_total),
            affinity_ttl_ms: own.affinity_ttl.or(all.affinity_ttl).unwrap_or(fallback.affinity_ttl_ms),
            lease_ttl_ms: own.lease_ttl.or(all.lease_ttl).unwrap_or(fallback.lease_ttl_ms.min(self.limits.ttl_ms)),
            detached_ttl_ms: own
                .detached_ttl
                .or(all.detached_ttl)
                .unwrap_or(fallback.detached_ttl_ms.min(self.limits.ttl_ms)),
            cooldowns: self.cooldowns,
            guard: self.guard,
            recovery: Recovery {
                probe_interval_ms: own.probe_interval.or(all.probe_interval).unwrap_or(recovery.probe_interval_ms),
                ..recovery
            },
        }
    }

    /// The caps of single models on each credential of a pool. What a model's table does not say, its pool's does.
    fn model_caps(&self, own: &PoolSettings) -> BTreeMap<Model, Cap> {
        let all = &self.defaults;
        let of_pool = cap(own.max_in_flight.or(all.max_in_flight), own.cap.or(all.cap), Cap::default());
        let models = own.models.iter();
        models.map(|(model, table)| (model.as_str().into(), cap(table.max_in_flight, table.cap, of_pool))).collect()
    }

    /// The cap of one credential, if it is told one of its own. A table named by its id wins over one named by its
    /// label.
    #[must_use]
    pub fn credential_cap(&self, pool: &str, id: &str, label: &str) -> Option<Cap> {
        let tables = self.credential_tables(pool, id, label);
        let max_in_flight = tables.iter().find_map(|table| table.max_in_flight);
        let kind = tables.iter().find_map(|table| table.cap);
        (max_in_flight.is_some() || kind.is_some()).then(|| cap(max_in_flight, kind, self.policy(pool, None).cap))
    }

    /// The account that one credential is told to share, by its own table, its definition, its pool or all pools.
    #[must_use]
    pub fn account<'a>(&'a self, pool: &str, id: &str, label: &str, defined: Option<&'a str>) -> Option<&'a str> {
        self.credential_tables(pool, id, label)
            .into_iter()
            .find_map(|table| table.account.as_deref())
            .or(defined)
            .or_else(|| self.pools.get(pool)?.account.as_deref())
            .or(self.defaults.account.as_deref())
    }

    /// Whether leases of a pool only say where its secrets are.
    #[must_use]
    pub fn gives_references(&self, pool: &str) -> bool {
        let own = self.pools.get(pool).and_then(|pool| pool.secrets);
        own.or(self.defaults.secrets).unwrap_or_default() == SecretsName::References
    }

    /// The definitions of our own, by pool, in the order of the file.
    pub fn own_definitions(&self) -> impl Iterator<Item = (&str, &[OwnDefinition])> {
        self.own_definitions.iter().map(|(pool, rows)| (pool.as_str(), rows.as_slice()))
    }

    /// The ids and labels under which credentials have tables of their own, by pool.
    pub fn credential_names(&self) -> impl Iterator<Item = (&str, &str)> {
        let pools = self.pools.iter();
        pools.flat_map(|(pool, own)| own.credentials.keys().map(move |name| (pool.as_str(), name.as_str())))
    }

    fn credential_tables(&self, pool: &str, id: &str, label: &str) -> Vec<&CredentialSettings> {
        let Some(pool) = self.pools.get(pool) else { return Vec::new() };
        [id, label].into_iter().filter_map(|name| pool.credentials.get(name)).collect()
    }
}

fn cap(max_in_flight: Option<u32>, kind: Option<CapName>, fallback: Cap) -> Cap {
    Cap {
        max_in_flight: max_in_flight.unwrap_or(fallback.max_in_flight),
        hard: kind.map_or(fallback.hard, |kind| kind == CapName::Hard),
    }
}

/// The definitions of one pool; what is wrong with them goes to `errors`.
pub(super) fn own_definitions(
    pool: &str,
    settings: &PoolSettings,
    errors: &mut Vec<ConfigError>,
) -> Vec<OwnDefinition> {
    let mut rows: Vec<OwnDefinition> = Vec::new();
    for (index, settings) in &settings.definitions {
        let mut refuse = |cause: &str| {
            let path = ["pools", pool, "definitions", index].map(str::to_owned);
            errors.push(ConfigError::Contradiction { key: layers::show(&path), cause: cause.to_owned() });
        };
        let source = match (&settings.env, &settings.file) {
            (Some(env), None) if is_variable(env) => SecretSource::Env(env.clone()),
            (None, Some(file)) => SecretSource::File(file.clone()),
            (Some(_), None) => {
                refuse("names a variable that cannot exist");
                continue;
            }
            _ => {
                refuse("must have either `env` or `file`");
                continue;
            }
        };
        if settings.id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MAX_ID_BYTES) {
            refuse("must have an id of 1 to 64 bytes, or none");
        } else if settings.label.as_ref().is_some_and(|label| label.len() > MAX_NAME_BYTES) {
            refuse("must have a label of at most 256 bytes");
        } else if rows.iter().any(|row| row.id.is_some() && row.id == settings.id) {
            refuse("has the id of an earlier definition");
        }
        rows.push(OwnDefinition {
            id: settings.id.clone(),
            label: settings.label.clone(),
            source,
            base_url: settings.base_url.clone(),
            auth_type: settings.auth_type.unwrap_or_default(),
            account: settings.account.clone(),
        });
    }
    rows
}

/// Whether the name can be that of an environment variable. No value of the configuration holds control characters.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains('=')
}
