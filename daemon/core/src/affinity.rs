//! Sessions, which go where they went before, softly: a provider's prompt cache is warm for whoever filled it.
//!
//! A session is bound to the credential that it was granted first. It goes there again as long as that one is as free as
//! the one that the strategy would choose: below its cap, or no busier than the least busy. Else it goes elsewhere and
//! stays bound, so that many children under one session do not pile up on one credential and the parent finds its own
//! again. Only where its credential is restricted, or is not there for it any more, is it bound to another. Models are
//! bound apart: so are a provider's caches, and many of its limits.

use crate::index::{Placement, View};
use crate::machine::Core;
use crate::records::{Ask, CredentialKey, Model, PoolKey, Profile, Session};
use crate::tables::Touched;
use crate::time::Boot;

/// What is bound to a credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tie {
    /// The pool that the session leases from.
    pub pool: PoolKey,
    /// By whose list.
    pub profile: Option<Profile>,
    /// The session.
    pub session: Session,
    /// With which model.
    pub model: Option<Model>,
}

/// Where a session goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Binding {
    /// Which session.
    pub tie: Tie,
    /// To this credential.
    pub credential: CredentialKey,
    /// When it is forgotten, unless it is used before.
    pub until: Boot,
}

impl Core {
    /// Whom the session of `ask` is bound to; nobody if it has none, or wants somebody in particular.
    pub(crate) fn bound(&self, pool: PoolKey, ask: &Ask) -> Option<CredentialKey> {
        Some(self.records.bindings.get(&tie(pool, ask)?)?.credential)
    }

    /// The same, if it stays so wherever the lease goes: whoever is merely busy, or excluded this once, is kept.
    pub(crate) fn kept(&self, pool: PoolKey, ask: &Ask, view: &View) -> Option<CredentialKey> {
        let healthy = |key: &CredentialKey| matches!(view.placement(*key), Some(Placement::Free(_) | Placement::Full));
        self.bound(pool, ask).filter(healthy)
    }

    /// Binds the session of `ask`, if it has one, from its use now until it has not been used for long.
    pub(crate) fn bind(&mut self, pool: PoolKey, ask: &Ask, credential: CredentialKey) {
        let ttl_ms = self.records.pools.get(&pool).map_or(0, |pool| pool.policy.affinity_ttl_ms);
        let Some(tie) = tie(pool, ask).filter(|_| ttl_ms > 0 && self.limits.bindings > 0) else { return };
        self.unbind(&tie);
        while self.records.bindings.len() >= self.limits.bindings {
            let Some((_, first)) = self.index.unbound.first().cloned() else { break };
            self.unbind(&first);
        }
        let binding = Binding { tie: tie.clone(), credential, until: self.now().boot.after(ttl_ms) };
        self.index.unbound.insert((binding.until, tie.clone()));
        self.records.bindings.insert(tie.clone(), binding);
        self.touch(Touched::Binding(tie));
    }

    pub(crate) fn unbind(&mut self, tie: &Tie) {
        let Some(binding) = self.records.bindings.remove(tie) else { return };
        self.index.unbound.remove(&(binding.until, binding.tie));
        self.touch(Touched::Binding(tie.clone()));
    }
}

fn tie(pool: PoolKey, ask: &Ask) -> Option<Tie> {
    let session = ask.session.filter(|_| ask.pin.is_none())?;
    Some(Tie { pool, profile: ask.profile.clone(), session, model: ask.model.clone() })
}
