//! Who is to be had: for an acquire, for whoever waits, and for a dry run.

use crate::index::{Placement, View};
use crate::machine::Core;
use crate::policy::Strategy;
use crate::queries::Choice;
use crate::records::{Ask, ChosenBy, CredentialKey, PoolKey};
use crate::refusal::Refusal;
use crate::restriction::Restriction;
use crate::rng::Rng;
use crate::time::Boot;

/// A choice, and what a grant of it takes.
#[derive(Clone, Copy)]
pub(crate) struct Pick {
    pub(crate) choice: Choice,
    pub(crate) strategy: Strategy,
    /// Whom the session is bound to from now on.
    pub(crate) binds: CredentialKey,
}

impl Core {
    /// Whom `ask` would be granted, and why, by the view of its need; changes nothing but `rng`.
    pub(crate) fn choose(&self, pool_key: PoolKey, ask: &Ask, view: &View, rng: &mut Rng) -> Result<Pick, Refusal> {
        if let Some(pin) = ask.pin
            && view.placement(pin).is_none()
        {
            return Err(Refusal::UnknownCredential);
        }
        self.pick(pool_key, ask, view, rng).ok_or_else(|| self.refuse(pool_key, ask, view))
    }

    /// The same, if there is anybody.
    pub(crate) fn pick(&self, pool_key: PoolKey, ask: &Ask, view: &View, rng: &mut Rng) -> Option<Pick> {
        let now = self.now().boot;
        let (_, credential, chosen_by) = self.next_up(pool_key, ask, view, rng).filter(|(at, ..)| *at <= now)?;
        let own = self.records.credentials.get(&credential).into_iter();
        let own = own.flat_map(|credential| self.obstacles(credential, ask));
        let covering = own.chain(self.covering_pool(pool_key, ask.model.as_ref()));
        let probe = covering.into_iter().any(Restriction::is_in_force);
        let binds = self.kept(pool_key, ask, view).unwrap_or(credential);
        Some(Pick { choice: Choice { credential, chosen_by, probe }, strategy: view.strategy(), binds })
    }

    /// Whom time alone makes available for `ask`, and when; in the past if somebody is so by now. `None` if something
    /// else has to happen.
    pub(crate) fn next_up(
        &self,
        pool_key: PoolKey,
        ask: &Ask,
        view: &View,
        rng: &mut Rng,
    ) -> Option<(Boot, CredentialKey, ChosenBy)> {
        if self.total_that_is_met(pool_key).is_some() {
            return None;
        }
        let recovery = self.recovery(pool_key);
        let mut from = Boot(0);
        for restriction in self.covering_pool(pool_key, ask.model.as_ref()).filter(|r| r.holds_back()) {
            from = from.max(restriction.next_probe(recovery)?);
        }
        let (at, credential, chosen_by) = if let Some(pin) = ask.pin.filter(|pin| !ask.exclude.contains(pin)) {
            match view.placement(pin) {
                Some(Placement::Free(_)) => (Boot(0), pin, ChosenBy::Pin),
                Some(Placement::Restricted { probe: Some(at), .. }) => (at, pin, ChosenBy::Pin),
                _ => return None,
            }
        } else if ask.pin.is_some() {
            return None;
        } else if let Some(best) = view.ranking().pick(&ask.exclude, rng) {
            let before = self.bound(pool_key, ask).filter(|key| !ask.exclude.contains(key));
            match before.filter(|key| view.is_as_free(*key, best)) {
                Some(before) => (Boot(0), before, ChosenBy::Session),
                None => (Boot(0), best, ChosenBy::Strategy(view.strategy())),
            }
        } else {
            let (at, key) = view.probeable().find(|(_, key)| !ask.exclude.contains(key))?;
            (at, key, ChosenBy::Strategy(view.strategy()))
        };
        Some((from.max(at), credential, chosen_by))
    }

    /// When somebody may be had for `ask` at the soonest; in the past for "at any moment", `None` if that takes a
    /// person.
    pub(crate) fn soonest_for(&self, pool_key: PoolKey, ask: &Ask, view: &View) -> Option<Boot> {
        let recovery = self.recovery(pool_key);
        let of_pool = self.covering_pool(pool_key, ask.model.as_ref()).filter(|r| r.holds_back());
        let of_pool = of_pool.map(|restriction| self.soonest(restriction, recovery)).max().unwrap_or_default();
        let left = |key: &CredentialKey| !ask.exclude.contains(key);
        let own = match ask.pin {
            Some(pin) => match view.placement(pin).filter(|_| left(&pin))? {
                Placement::Free(_) | Placement::Full => Boot(0),
                Placement::Restricted { soonest, .. } => soonest,
            },
            None => {
                let mut rng = self.records.header.rng;
                let healthy = view.full().iter().any(left) || view.ranking().pick(&ask.exclude, &mut rng).is_some();
                let mut restricted = view.soonest().filter(|(_, key)| left(key)).map(|(at, _)| at);
                if healthy { Boot(0) } else { restricted.next()? }
            }
        };
        Some(of_pool.max(own)).filter(|at| *at < Boot(u64::MAX))
    }
}
