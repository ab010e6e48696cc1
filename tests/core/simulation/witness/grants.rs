//! Who may be granted what.

use std::collections::BTreeMap;
use std::sync::Arc;

use credpool_core::{Ask, Grant, Next, Owner, PoolKey, Profile, Report, Subject, TokenHash};

use super::{About, Holder, Witness, contains, promise};

impl Witness {
    pub(super) fn granted(
        &mut self,
        pool: PoolKey,
        ask: &Ask,
        token: TokenHash,
        owner: Option<Owner>,
        grant: &Grant,
    ) -> Result<(), String> {
        self.grants += 1;
        let key = grant.credential;
        let row = self.rows.get(&key).ok_or_else(|| format!("{key:?} is granted and was never defined"))?;
        promise!(row.gone.is_none() && row.pool == pool, "{key:?} is granted and not defined: {row:?}");
        promise!(ask.pin.is_none_or(|pin| pin == key), "{key:?} is not the pinned one");
        promise!(!ask.exclude.contains(&key), "{key:?} is excluded");
        let listed = |profile: &Profile| self.listed.get(profile).is_some_and(|listed| listed.contains(&key));
        promise!(ask.profile.as_ref().is_none_or(listed), "out of the list: {key:?} for {:?}", ask.profile);
        let holding = self.holding(key);
        let cap = row.cap;
        promise!(!cap.hard || holding < cap.max_in_flight as usize, "1: {holding} hold {key:?} already, of {cap:?}");
        let of_model = |model| {
            let for_it = |h: &&Holder| h.ended.is_none() && h.credential == key && h.model.as_ref() == Some(model);
            (self.caps_of_models.get(model).copied(), self.holders.values().filter(for_it).count())
        };
        if let Some((Some(cap), holding)) = ask.model.as_ref().map(of_model) {
            let kept = !cap.hard || holding < cap.max_in_flight as usize;
            promise!(kept, "1: {holding} hold {key:?} for {:?} already, of {cap:?}", ask.model);
        }
        let live = self.holders.values().filter(|holder| holder.ended.is_none()).count();
        promise!(self.total.is_none_or(|total| live < total as usize), "1: {live} are out, of {:?}", self.total);
        let (account, boot) = (About::Account(pool, Arc::clone(&row.account)), self.now.boot.0);
        let (holders, rows) = (&self.holders, &self.rows);
        let is_out = |token: TokenHash| holders.get(&token.0).is_some_and(|holder| holder.ended.is_none());
        for ((about, model, cause), window) in &mut self.windows {
            let covers = contains(about, &About::Credential(key), rows) || *about == account;
            if !covers || !(model.is_none() || *model == ask.model) {
                continue;
            }
            let may = window.lets_through(*cause, boot, is_out);
            promise!(may, "1: {key:?} is granted under {about:?} {cause:?} {window:?}");
            let untold = window.is_in_force() && !grant.probe;
            promise!(!untold, "1: {key:?} is granted under {about:?} {cause:?} {window:?}, and not as a probe");
            window.tries(token, boot);
        }
        promise!(!self.disabled.contains_key(&key), "1: {key:?} is granted and disabled");
        let live = self.holders.values().filter(|holder| holder.ended.is_none());
        let of_owner = live.clone().filter(|holder| owner.is_some() && holder.owner == owner).count();
        promise!(live.count() < self.limits.leases, "too many leases");
        promise!(of_owner < self.limits.leases_per_connection, "too many leases of {owner:?}");
        promise!(grant.expires > self.now.boot, "a lease that is over at once");
        let holder = Holder {
            credential: key,
            pool,
            account: Arc::clone(&row.account),
            secret_since: row.secret_since,
            granted: self.step,
            expires: grant.expires.0,
            owner,
            profile: ask.profile.clone(),
            model: ask.model.clone(),
            class: ask.class,
            said: BTreeMap::new(),
            succeeded: false,
            ended: None,
        };
        let before = self.holders.insert(token.0, holder);
        promise!(before.is_none(), "two leases have one token");
        self.take_turn(ask, key)
    }

    pub(super) fn granted_next(&mut self, report: &Report, next: &Next, grant: &Grant) -> Result<(), String> {
        let Subject::Lease(token) = report.subject else { return Err("next without a lease".into()) };
        let holder = self.holders.get(&token.0).cloned().ok_or("next of a lease that nobody was granted")?;
        let same = Ask { profile: holder.profile, model: holder.model, class: holder.class, ..Ask::default() };
        let ask = if let Next::With { ask, .. } = next { ask } else { &same };
        let (token, owner) = match next {
            Next::Same { token, connection } => (*token, holder.owner.map(|_| *connection)),
            Next::With { token, owner, .. } => (*token, *owner),
        };
        self.granted(holder.pool, ask, token, owner, grant)?;
        self.overtakes_nobody(ask, grant.credential, None)
    }
}
