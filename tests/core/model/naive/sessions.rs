//! Where sessions went before.

use credpool_core::{Ask, CredentialKey, Model, PoolKey, Profile, Session};

use super::Naive;

/// What a session leases, and from whom.
#[derive(Clone, Debug)]
pub(super) struct Bond {
    whose: (PoolKey, Option<Profile>, Session, Option<Model>),
    pub(super) credential: CredentialKey,
    pub(super) until: u64,
}

impl Naive {
    /// Who wants somebody in particular is of no session.
    pub(super) fn bond(&self, pool: PoolKey, ask: &Ask) -> Option<&Bond> {
        let whose = whose(pool, ask)?;
        self.bonds.iter().find(|bond| bond.whose == whose)
    }

    /// Whom the session is bound to once `granted` is granted: to the one before as long as that is listed and healthy,
    /// however busy.
    pub(super) fn bound_from_now(&self, pool: PoolKey, ask: &Ask, granted: CredentialKey) -> CredentialKey {
        let Some(before) = self.bond(pool, ask).map(|bond| bond.credential) else { return granted };
        let Some((listed, _)) = self.listed(pool, ask.profile.as_ref()) else { return granted };
        let healthy = listed.iter().any(|c| c.key == before && self.restricted(c, ask).is_empty());
        if healthy { before } else { granted }
    }

    pub(super) fn bind(&mut self, pool: PoolKey, ask: &Ask, credential: CredentialKey) {
        let Some(whose) = whose(pool, ask) else { return };
        self.bonds.retain(|bond| bond.whose != whose);
        while self.bonds.len() >= self.limits.bindings {
            self.bonds.sort_by(|one, other| (one.until, &one.whose).cmp(&(other.until, &other.whose)));
            self.bonds.remove(0);
        }
        let until = self.boot() + self.policy(pool).affinity_ttl_ms;
        self.bonds.push(Bond { whose, credential, until });
    }
}

fn whose(pool: PoolKey, ask: &Ask) -> Option<(PoolKey, Option<Profile>, Session, Option<Model>)> {
    let session = ask.session.filter(|_| ask.pin.is_none())?;
    Some((pool, ask.profile.clone(), session, ask.model.clone()))
}
