//! Whether the core's tables say the same as the lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use credpool_core::{Cause, Core, Model, Scope};

use super::{About, End, Naive, Said, Told, ensure};

impl Naive {
    /// Whether the core's tables say the same as these lists.
    pub(crate) fn agrees_with(&self, core: &Core) -> Said {
        let records = core.records();
        let mut ours: Vec<_> = self
            .credentials
            .iter()
            .map(|c| (c.key, c.gone.is_some(), c.order, c.grants, self.in_flight(c.key), self.state(c.key)))
            .collect();
        ours.sort_by_key(|row| row.0);
        let theirs: Vec<_> = records
            .credentials
            .values()
            .map(|c| {
                let (gone, order) = (c.retired.is_some(), c.order as usize);
                (c.key, gone, order, c.grants, core.in_flight(c.key) as usize, core.state(c.key))
            })
            .collect();
        ensure!(ours == theirs, "credentials: {theirs:?}, should be {ours:?}");

        let about = |scope: Scope| match scope {
            Scope::Credential(key) => Some(About::Credential(key)),
            Scope::Account(key) => {
                records.accounts.get(&key).map(|account| About::Account(account.pool, Arc::clone(&account.name)))
            }
            Scope::Pool(key) => Some(About::Pool(key)),
        };
        let mut ours: Vec<String> = self
            .bans
            .iter()
            .map(|b| {
                let whose = format!("{:?} {:?} {:?}", b.about, b.model, b.cause);
                let (out, opens) = (b.out.len(), b.opens());
                format!("{whose} {opens:?} {} {} {} {out}", b.strikes, b.lasts(), b.blocks())
            })
            .collect();
        let unresolved = self.credentials.iter().filter(|c| !c.resolved && c.gone.is_none());
        ours.extend(unresolved.map(|c| {
            let about = About::Credential(c.key);
            format!("{about:?} {:?} {:?} {:?} 1 true true 0", None::<Model>, Cause::NoSecret, End::Never)
        }));
        ours.sort();
        let mut theirs: Vec<String> = records
            .restrictions
            .values()
            .map(|r| {
                let about = about(r.identity.scope).map_or("nobody".into(), |about| format!("{about:?}"));
                let (model, cause) = (&r.identity.model, r.identity.cause);
                let (opens, out) = (End::of(r.opens()), r.trial.len());
                let (lasts, blocks) = (!r.is_over(), r.holds_back());
                format!("{about} {model:?} {cause:?} {opens:?} {} {lasts} {blocks} {out}", r.strikes)
            })
            .collect();
        theirs.sort();
        ensure!(ours == theirs, "restrictions: {theirs:#?}, should be {ours:#?}");

        ensure!(self.told.len() == records.history.len(), "{} things were told", self.told.len());
        for (ours, entry) in self.told.iter().zip(records.history.values()) {
            let theirs = Told {
                at: entry.at,
                pool: entry.pool,
                credential: entry.credential,
                // An account may be forgotten by now.
                about: about(entry.scope).unwrap_or_else(|| ours.about.clone()),
                model: entry.model.clone(),
                event: entry.event.clone(),
            };
            ensure!(*ours == theirs, "told: {theirs:?}, should be {ours:?}");
        }

        let ours: BTreeMap<u128, _> =
            self.leases.iter().map(|l| (l.token.0, (l.credential, l.expires, l.ended.map(|(by, _)| by)))).collect();
        let theirs: BTreeMap<u128, _> = records
            .leases
            .values()
            .map(|l| (l.token.0, (l.credential, l.expires.0, l.ended.map(|ending| ending.by))))
            .collect();
        ensure!(ours == theirs, "leases: {theirs:?}, should be {ours:?}");

        let ours: Vec<_> = self.waiters.iter().map(|w| (w.no, w.wanted.token, w.wanted.since, w.until)).collect();
        let waiters = records.waiters.values();
        let theirs: Vec<_> = waiters.map(|w| (Some(w.no), w.token, w.since.0, w.until.0)).collect();
        ensure!(ours == theirs, "waiters: {theirs:?}, should be {ours:?}");

        let mut ours: Vec<_> = self.bonds.iter().map(|bond| (bond.until, bond.credential)).collect();
        ours.sort_unstable();
        let mut theirs: Vec<_> = records.bindings.values().map(|b| (b.until.0, b.credential)).collect();
        theirs.sort_unstable();
        ensure!(ours == theirs, "sessions: {theirs:?}, should be {ours:?}");
        self.agrees_on_windows(core)
    }
}
