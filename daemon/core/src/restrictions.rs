//! The table of restrictions, and what is derived from it.

use std::sync::Arc;

use crate::cause::Cause;
use crate::machine::Core;
use crate::policy::Recovery;
use crate::records::{Credential, CredentialKey, Identity, Model, PoolKey, Scope};
use crate::restriction::{Phase, Restriction};
use crate::tables::Touched;
use crate::time::{Boot, Until};

impl Core {
    /// Writes `restriction` in the place of the one with its identity, and places whom it covers anew.
    pub(crate) fn put_restriction(&mut self, restriction: Restriction) {
        let identity = restriction.identity.clone();
        let recovery = self.recovery(restriction.pool);
        let standing = restriction.standing(recovery);
        // Counted before the old one is uncounted: a model that stays restricted keeps its view.
        self.count(&restriction);
        let mut before = None;
        if let Some(restriction) = self.records.restrictions.remove(&identity) {
            self.uncount(&restriction);
            self.unschedule(&restriction);
            before = restriction.standing(recovery);
        }
        self.schedule(&restriction);
        self.records.restrictions.insert(identity.clone(), restriction);
        if standing != before {
            self.refresh_scope(identity.scope);
        }
        self.touch(Touched::Restriction(identity));
    }

    /// Removes a restriction and its memory, and places whom it covered anew.
    pub(crate) fn drop_restriction(&mut self, identity: &Identity) {
        let Some(before) = self.records.restrictions.remove(identity) else { return };
        self.uncount(&before);
        self.unschedule(&before);
        self.touch(Touched::Restriction(identity.clone()));
        self.refresh_scope(identity.scope);
        if let Scope::Account(account) = identity.scope {
            self.forget_account_if_spent(account);
        }
    }

    /// A window that begins now, the first of its kind, and lasts until `until` as far as we know.
    pub(crate) fn window(&self, identity: Identity, pool: PoolKey, until: Until) -> Restriction {
        Restriction {
            identity,
            pool,
            phase: Phase::Closed,
            began: self.records.header.seq,
            began_at: self.now(),
            until,
            guessed: true,
            probed: None,
            strikes: 1,
            jitter: 0,
            trial: Vec::new(),
            status: None,
            reason: Arc::from(""),
            evidence: None,
        }
    }

    fn schedule(&mut self, restriction: &Restriction) {
        match (restriction.phase, restriction.until) {
            (Phase::Closed, Until::Passed { boot, wall }) if boot <= self.now().boot => {
                self.index.due_by_wall.insert((wall, restriction.identity.clone()));
            }
            _ => self.index.due.extend(restriction.due()),
        }
    }

    fn unschedule(&mut self, restriction: &Restriction) {
        if let (Phase::Closed, Until::Passed { wall, .. }) = (restriction.phase, restriction.until) {
            self.index.due_by_wall.remove(&(wall, restriction.identity.clone()));
        }
        if let Some(due) = restriction.due() {
            self.index.due.remove(&due);
        }
    }

    fn count(&mut self, restriction: &Restriction) {
        let Some(pool) = self.index.pools.get_mut(&restriction.pool).filter(|_| !restriction.is_over()) else { return };
        if let Some(model) = &restriction.identity.model {
            *pool.restricted_models.entry(Arc::clone(model)).or_default() += 1;
        }
        if restriction.identity.cause == Cause::NoSecret {
            pool.without_secret += 1;
        }
    }

    fn uncount(&mut self, restriction: &Restriction) {
        let Some(pool) = self.index.pools.get_mut(&restriction.pool).filter(|_| !restriction.is_over()) else { return };
        if restriction.identity.cause == Cause::NoSecret {
            pool.without_secret -= 1;
        }
        if let Some(model) = &restriction.identity.model
            && let Some(count) = pool.restricted_models.get_mut(model)
        {
            *count -= 1;
            if *count == 0 {
                pool.restricted_models.remove(model);
                self.forget_views_of(restriction.pool, model);
            }
        }
    }

    /// What coming back is like in a pool.
    pub(crate) fn recovery(&self, pool: PoolKey) -> Recovery {
        self.records.pools.get(&pool).map(|pool| pool.policy.recovery).unwrap_or_default()
    }

    /// The restrictions of one scope that are not over and cover `model`.
    fn covering_scope<'a>(
        &'a self,
        scope: Scope,
        model: Option<&'a Model>,
    ) -> impl Iterator<Item = &'a Restriction> + use<'a> {
        let of_model = model.map(|model| self.records.restrictions_of(scope, Some(model)));
        let all = self.records.restrictions_of(scope, None).chain(of_model.into_iter().flatten());
        all.filter(|restriction| !restriction.is_over())
    }

    /// The restrictions that are not over and cover a credential for `model`, its pool's aside.
    pub(crate) fn covering<'a>(
        &'a self,
        credential: &Credential,
        model: Option<&'a Model>,
    ) -> impl Iterator<Item = &'a Restriction> + use<'a> {
        let scopes = [Scope::Credential(credential.key), Scope::Account(credential.account)];
        scopes.into_iter().flat_map(move |scope| self.covering_scope(scope, model))
    }

    /// The restrictions that are not over and cover a whole pool for `model`.
    pub(crate) fn covering_pool<'a>(
        &'a self,
        pool: PoolKey,
        model: Option<&'a Model>,
    ) -> impl Iterator<Item = &'a Restriction> + use<'a> {
        self.covering_scope(Scope::Pool(pool), model)
    }

    /// When a restriction may let somebody through at the soonest, unless a person helps: a success of whoever is out
    /// already, a probe, or its deadline.
    pub(crate) fn soonest(&self, restriction: &Restriction, recovery: Recovery) -> Boot {
        if restriction.is_tried() {
            return Boot(0);
        }
        let opens = self.on_boot_clock(restriction.opens());
        restriction.next_probe(recovery).map_or(opens, |probe| probe.min(opens))
    }

    /// The one of `restrictions` that opens last.
    pub(crate) fn longest<'a>(&self, restrictions: impl Iterator<Item = &'a Restriction>) -> Option<&'a Restriction> {
        let now = self.now();
        restrictions.max_by_key(|restriction| {
            let left = restriction.opens().remaining(now);
            (left.is_none(), left, restriction.identity.cause)
        })
    }

    fn refresh_scope(&mut self, scope: Scope) {
        match scope {
            Scope::Credential(key) => self.refresh(key),
            Scope::Account(account) => {
                let members: Vec<CredentialKey> =
                    self.index.account_members.get(&account).into_iter().flatten().copied().collect();
                for key in members {
                    self.refresh(key);
                }
            }
            // The pool's own restrictions are looked up at each acquire.
            Scope::Pool(pool) => self.stir(pool),
        }
    }
}
