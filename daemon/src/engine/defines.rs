//! Definitions in the core's words. Whoever reads them off the loop makes these there too: many take a while.

use std::sync::Arc;

use credpool_core as core;
use credpool_core::{Define, Listing, Wall};

use crate::config::Config;
use crate::definitions::{AuthType, Definitions, PoolRows, Row};

/// How long before an OAuth token runs out it counts as run out, in milliseconds: hermes-agent 0.19.0 refreshes as early
/// (hermes_cli/auth.py, `ACCESS_TOKEN_REFRESH_SKEW_SECONDS`).
const REFRESH_AHEAD_MS: u64 = 120_000;

/// What the core is told of the definitions of each pool.
pub(crate) fn defines(config: &Config, definitions: &Definitions) -> Vec<Define> {
    definitions.pools.iter().map(|(name, pool)| define(config, name, pool)).collect()
}

/// Until when a secret that runs out at this instant, in milliseconds of Unix time, is as good as any other: a request
/// with it has to end before it does.
fn usable_until(expires_at_ms: u64) -> Wall {
    Wall(expires_at_ms.saturating_sub(REFRESH_AHEAD_MS))
}

/// The definitions of a pool, for the core.
pub(super) fn define(config: &Config, name: &str, pool: &PoolRows) -> Define {
    // How often Hermes has selected a credential is noted in each home that has it.
    let mut grants = vec![0; pool.credentials.len()];
    for (at, row) in pool.rows.iter().enumerate() {
        let noted = row.legacy.as_ref().map_or(0, |legacy| legacy.grants);
        let most = &mut grants[pool.credential_of(at)];
        *most = noted.max(*most);
    }
    let definitions = pool.credentials.iter().zip(grants).map(|(credential, grants)| {
        let row = &pool.rows[credential.row];
        definition(config, name, &credential.id, row, grants)
    });
    let lists = pool.lists.iter().map(|list| Listing {
        profiles: list.profiles.clone(),
        members: list.rows.iter().map(|row| pool.credential_of(*row)).collect(),
        strategy: config.policy(name, list.strategy).strategy,
    });
    Define {
        pool: Arc::from(name),
        policy: config.policy(name, pool.strategy),
        definitions: definitions.collect(),
        lists: lists.collect(),
    }
}

fn definition(config: &Config, pool: &str, id: &Arc<str>, row: &Row, grants: u64) -> core::Definition {
    let account = config.account(pool, id, &row.label, row.account.as_deref()).or(row.token_account.as_deref());
    core::Definition {
        id: Arc::clone(id),
        fingerprint: row.secret.as_ref().and(row.fingerprint.as_deref()).map(Arc::from),
        unresolved: Arc::from(row.unresolved.as_deref().unwrap_or_default()),
        referable: row.secret_ref.is_some(),
        // A secret is its own account unless somebody says otherwise; so is a definition that has none here.
        account: account.or(row.fingerprint.as_deref()).map_or_else(|| Arc::from(format!("id:{id}")), Arc::from),
        cap: config.credential_cap(pool, id, &row.label),
        // An API key lives until somebody revokes it, whatever is written about it.
        expires: row.secret_expires_at_ms.filter(|_| row.auth_type == AuthType::OAuth).map(usable_until),
        grants,
    }
}
