//! Who is meant: pools, profiles and credentials by the names that requests give them.

use std::sync::Arc;

use credpool_core::{CredentialKey, PoolKey, Profile};
use credpool_proto::error::WireError;

use super::Engine;
use super::seen::{self, Seen};

/// A pool as somebody sees it.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) pool: PoolKey,
    /// Whose list of it is meant; `None` for all of it.
    pub(super) profile: Option<Profile>,
}

impl Scope {
    pub(super) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }
}

impl Engine {
    /// All of a pool, whoever's, in the words of a profile; of the one that the daemon was started for, if none is named.
    pub(super) fn whole(&self, pool: &str, profile: Option<&str>) -> Result<Scope, WireError<'static>> {
        let profile = self.speaker(profile)?;
        Ok(Scope { pool: self.pool(pool)?, profile: Some(profile) })
    }

    /// The profile in whose words somebody speaks.
    pub(super) fn speaker(&self, named: Option<&str>) -> Result<Profile, WireError<'static>> {
        match named {
            Some(_) => self.profile(named),
            // It may have no home yet.
            None => Ok(Arc::from(&*self.config.place.profile)),
        }
    }

    /// A pool, whoever's.
    pub(super) fn pool(&self, name: &str) -> Result<PoolKey, WireError<'static>> {
        self.catalogue.pool(name, None).ok_or_else(|| seen::unknown_pool(&self.catalogue, None, Some(name)))
    }

    /// A pool as a profile sees it; as the one that the daemon was started for, if none is named.
    pub(super) fn scope(&self, pool: &str, profile: Option<&str>) -> Result<Scope, WireError<'static>> {
        let profile = self.profile(profile)?;
        let known = self.catalogue.pool(pool, Some(&profile));
        let pool = known.ok_or_else(|| seen::unknown_pool(&self.catalogue, Some(&profile), Some(pool)))?;
        Ok(Scope { pool, profile: Some(profile) })
    }

    pub(super) fn profile(&self, named: Option<&str>) -> Result<Profile, WireError<'static>> {
        let profile = named.unwrap_or(&self.config.place.profile);
        let known = self.catalogue.homes().iter().find(|home| *home.profile == *profile);
        known.map(|home| Arc::clone(&home.profile)).ok_or_else(|| seen::unknown_profile(&self.catalogue, profile))
    }

    /// A credential that the profile may lease.
    pub(super) fn credential(&self, scope: &Scope, name: &str) -> Result<CredentialKey, WireError<'static>> {
        let found = self.catalogue.by_name(scope.pool, scope.profile(), name);
        found.map_err(|bearers| self.seen(scope).not_one(scope.pool, name, &bearers))
    }

    /// A credential of the whole pool, as somebody of the profile names it.
    pub(super) fn any_credential(&self, scope: &Scope, name: &str) -> Result<CredentialKey, WireError<'static>> {
        let profile = scope.profile().unwrap_or(&self.config.place.profile);
        let found = self.catalogue.named(scope.pool, profile, name);
        found.map_err(|bearers| self.seen(scope).not_one(scope.pool, name, &bearers))
    }

    pub(super) fn seen<'a>(&'a self, scope: &'a Scope) -> Seen<'a> {
        Seen { core: &self.core, catalogue: &self.catalogue, now: self.now, profile: scope.profile() }
    }

    /// As everybody sees it.
    pub(super) fn seen_by_all(&self) -> Seen<'_> {
        Seen { core: &self.core, catalogue: &self.catalogue, now: self.now, profile: None }
    }
}
