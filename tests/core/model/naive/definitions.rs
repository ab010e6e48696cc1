//! What a pool's rows are, and what becomes of those that were there before.

use std::sync::Arc;

use credpool_core::{Cause, Define, Defined, Definition, PoolKey};

use super::{About, Credential, List, Naive, Pool, Said, ensure};

impl Naive {
    pub(super) fn define(&mut self, define: &Define, defined: &Defined) -> Said {
        match self.pools.iter_mut().find(|pool| pool.name == define.pool) {
            Some(pool) => {
                ensure!(pool.key == defined.pool, "the pool has another key");
                pool.policy = define.policy.clone();
            }
            None => {
                ensure!(self.pool(defined.pool).is_none(), "the key is another pool's");
                self.pools.push(Pool {
                    key: defined.pool,
                    name: Arc::clone(&define.pool),
                    policy: define.policy.clone(),
                    lists: Vec::new(),
                    turns: 0,
                    passed_over: 0,
                });
            }
        }
        ensure!(defined.keys.len() == define.definitions.len(), "not a key for each row");
        let key_of = |place: &usize| defined.keys.get(*place).copied();
        let lists = define.lists.iter().map(|list| List {
            profiles: list.profiles.clone(),
            members: list.members.iter().filter_map(key_of).collect(),
            strategy: list.strategy,
        });
        let lists = lists.collect();
        if let Some(pool) = self.pools.iter_mut().find(|pool| pool.key == defined.pool) {
            pool.lists = lists;
        }
        let (mut added, mut changed) = (0, 0);
        let known: Vec<Option<usize>> =
            define.definitions.iter().map(|row| self.known(define, defined.pool, row)).collect();
        for (order, (row, key)) in define.definitions.iter().zip(&defined.keys).enumerate() {
            let Some(known) = known[order] else {
                ensure!(!self.keys.contains(key), "the key is used again");
                self.keys.push(*key);
                self.credentials.push(Credential {
                    key: *key,
                    pool: defined.pool,
                    id: Arc::clone(&row.id),
                    order,
                    secret: row.fingerprint.clone(),
                    resolved: row.fingerprint.is_some(),
                    referable: row.referable,
                    account: Arc::clone(&row.account),
                    cap: row.cap,
                    runs_out: row.expires.map(|at| at.0),
                    has_run_out: row.expires.is_some_and(|at| at <= self.now.wall),
                    gone: None,
                    secret_since: self.seq,
                    epoch: self.seq,
                    grants: row.grants,
                    turn: 0,
                    imported: 0,
                    known: 0,
                });
                added += 1;
                continue;
            };
            let credential = &mut self.credentials[known];
            ensure!(credential.key == *key, "the row has another key");
            let new_secret = row.fingerprint.is_some() && row.fingerprint != credential.secret;
            let new_account = row.account != credential.account;
            let resolved = row.fingerprint.is_some();
            let new_expiry = row.expires.map(|at| at.0) != credential.runs_out;
            if credential.gone.is_some() {
                added += 1;
            } else if new_secret
                || new_account
                || resolved != credential.resolved
                || row.cap != credential.cap
                || new_expiry
                || row.referable != credential.referable
                || order != credential.order
                || row.id != credential.id
            {
                changed += 1;
            }
            credential.id = Arc::clone(&row.id);
            credential.order = order;
            credential.account = Arc::clone(&row.account);
            credential.cap = row.cap;
            if new_expiry {
                credential.runs_out = row.expires.map(|at| at.0);
                credential.has_run_out = row.expires.is_some_and(|at| at <= self.now.wall);
            }
            credential.gone = None;
            credential.resolved = resolved;
            credential.referable = row.referable;
            if new_secret {
                credential.secret.clone_from(&row.fingerprint);
                credential.secret_since = self.seq;
                credential.epoch = self.seq;
                let about_the_secret = |cause| matches!(cause, Cause::Auth | Cause::Dead);
                let own = About::Credential(*key);
                self.bans.retain(|ban| {
                    let ends = about_the_secret(ban.cause) || (new_account && ban.cause != Cause::Disabled);
                    ban.about != own || !ends
                });
            }
            self.windows_pass();
        }
        let mut removed = 0;
        for credential in &mut self.credentials {
            if credential.pool == defined.pool && credential.gone.is_none() && !defined.keys.contains(&credential.key) {
                credential.gone = Some(self.now.boot.0);
                removed += 1;
            }
        }
        let counts = (added, removed, changed);
        ensure!((defined.added, defined.removed, defined.changed) == counts, "added, removed, changed: {counts:?}");
        Ok(())
    }

    /// The credential that a row is about: that with its id, or the only one whose id is gone and that has its secret, if
    /// no other row could be meant.
    fn known(&self, define: &Define, pool: PoolKey, row: &Definition) -> Option<usize> {
        let of_pool = || self.credentials.iter().enumerate().filter(|(_, c)| c.pool == pool);
        let named = |id: &Arc<str>| of_pool().find(|(_, c)| c.id == *id).map(|(at, _)| at);
        if let Some(named) = named(&row.id) {
            return Some(named);
        }
        let alike = define.definitions.iter().filter(|other| other.fingerprint == row.fingerprint);
        let rivals = alike.filter(|other| named(&other.id).is_none()).count();
        let is_gone = |c: &Credential| define.definitions.iter().all(|row| row.id != c.id);
        let left = of_pool().filter(|(_, c)| is_gone(c) && c.secret == row.fingerprint && c.secret.is_some());
        let left: Vec<usize> = left.map(|(at, _)| at).collect();
        (rivals == 1 && left.len() == 1).then(|| left[0])
    }
}
