//! Definitions: which credentials there are, and what becomes of their state when a definition changes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cause::Cause;
use crate::command::{Define, Defined, Definition};
use crate::index::Due;
use crate::machine::Core;
use crate::policy::Policy;
use crate::records::{Account, AccountKey, Credential, CredentialKey, Identity, Pool, PoolKey, Scope};
use crate::restriction::Restriction;
use crate::tables::Touched;
use crate::time::{Until, Wall};
use crate::waiting::Line;

impl Core {
    pub(crate) fn define(&mut self, define: Define) -> Defined {
        let pool = self.define_pool(&define.pool, define.policy);
        let mut defined = Defined { pool, ..Defined::default() };
        // They are built anew in the end; till then nothing is placed.
        if let Some(pool) = self.index.pools.get_mut(&pool) {
            pool.views.clear();
        }
        let mut kept = BTreeSet::new();
        let known = self.known(pool, &define.definitions);
        for ((order, definition), known) in (0..).zip(&define.definitions).zip(known) {
            let account = self.account(pool, &definition.account);
            let key = match known {
                Some(key) => {
                    self.redefine(key, order, account, definition, &mut defined);
                    key
                }
                None => {
                    defined.added += 1;
                    self.add(pool, order, account, definition)
                }
            };
            kept.insert(key);
            defined.keys.push(key);
        }
        let gone: Vec<CredentialKey> = self.members(pool).filter(|key| !kept.contains(key)).collect();
        defined.removed = gone.len();
        for key in gone {
            self.retire(key);
        }
        self.define_lists(pool, define.lists, &defined.keys);
        self.rebuild_views(pool);
        defined
    }

    /// Which credential each definition is about: the one with its id. A key is the same key if only what it is called is
    /// new; that is certain where one credential whose id is gone, and one definition with a new id, have the secret.
    fn known(&self, pool: PoolKey, definitions: &[Definition]) -> Vec<Option<CredentialKey>> {
        let Some(index) = self.index.pools.get(&pool) else { return vec![None; definitions.len()] };
        let mut known: Vec<Option<CredentialKey>> =
            definitions.iter().map(|definition| index.by_id.get(&definition.id).copied()).collect();
        let kept: BTreeSet<CredentialKey> = known.iter().flatten().copied().collect();
        let (has_new, has_gone) = (kept.len() < definitions.len(), kept.len() < index.by_id.len());
        if !has_new || !has_gone {
            return known;
        }
        let mut new = BTreeMap::new();
        for (place, definition) in definitions.iter().enumerate().filter(|(place, _)| known[*place].is_none()) {
            if let Some(secret) = &definition.fingerprint {
                note(&mut new, secret, place);
            }
        }
        let mut gone = BTreeMap::new();
        for key in index.by_id.values().filter(|key| !kept.contains(key)) {
            let credential = self.records.credentials.get(key);
            if let Some(secret) = credential.and_then(|credential| credential.known_fingerprint.as_ref()) {
                note(&mut gone, secret, *key);
            }
        }
        for (secret, place) in new {
            if let (Some(place), Some(Some(key))) = (place, gone.get(secret)) {
                known[place] = Some(*key);
            }
        }
        known
    }

    fn define_pool(&mut self, name: &Arc<str>, policy: Policy) -> PoolKey {
        let strategy = policy.strategy;
        let key = match self.index.pool_by_name.get(name) {
            Some(key) => *key,
            None => PoolKey(self.next_key()),
        };
        match self.records.pools.get_mut(&key) {
            Some(pool) if pool.policy == policy => return key,
            Some(pool) => pool.policy = policy,
            None => {
                self.records.pools.insert(
                    key,
                    Pool {
                        key,
                        name: Arc::clone(name),
                        policy,
                        next_turn: 1,
                        sparks: Vec::new(),
                        line: Line::default(),
                    },
                );
                self.index.pool_by_name.insert(Arc::clone(name), key);
            }
        }
        self.touch(Touched::Pool(key));
        self.pool_index(key, strategy);
        key
    }

    pub(crate) fn next_key(&mut self) -> u32 {
        let key = self.records.header.next_key;
        self.records.header.next_key = key.checked_add(1).expect("four billion definitions are not reached");
        key
    }

    fn account(&mut self, pool: PoolKey, name: &Arc<str>) -> AccountKey {
        let key = AccountKey(self.records.header.next_key);
        if let Some(pool) = self.index.pools.get_mut(&pool) {
            match pool.accounts.entry(Arc::clone(name)) {
                Entry::Occupied(known) => return *known.get(),
                Entry::Vacant(place) => place.insert(key),
            };
        }
        self.next_key();
        self.records.accounts.insert(key, Account { key, pool, name: Arc::clone(name) });
        self.touch(Touched::Account(key));
        key
    }

    fn add(&mut self, pool: PoolKey, order: u32, account: AccountKey, definition: &Definition) -> CredentialKey {
        let key = CredentialKey(self.next_key());
        let seq = self.records.header.seq;
        let credential = Credential {
            key,
            pool,
            id: Arc::clone(&definition.id),
            order,
            fingerprint: definition.fingerprint.clone(),
            known_fingerprint: definition.fingerprint.clone(),
            referable: definition.referable,
            account,
            cap: definition.cap,
            expires: None,
            expired: false,
            retired: None,
            secret_since: seq,
            epoch: seq,
            grants: definition.grants,
            turn: 0,
            imported: Wall(0),
            known: Wall(0),
        };
        self.records.credentials.insert(key, credential);
        if let Some(pool) = self.index.pools.get_mut(&pool) {
            pool.members.insert((order, key));
            pool.by_id.insert(Arc::clone(&definition.id), key);
        }
        self.index.account_members.entry(account).or_default().insert(key);
        self.touch(Touched::Credential(key));
        self.set_expiry(key, definition.expires);
        self.mark_secret(key, &definition.unresolved);
        self.refresh(key);
        key
    }

    fn redefine(
        &mut self,
        key: CredentialKey,
        order: u32,
        account: AccountKey,
        definition: &Definition,
        defined: &mut Defined,
    ) {
        let seq = self.records.header.seq;
        let Some(credential) = self.records.credentials.get_mut(&key) else { return };
        let before = credential.clone();
        credential.id.clone_from(&definition.id);
        credential.order = order;
        credential.referable = definition.referable;
        credential.account = account;
        credential.cap = definition.cap;
        credential.retired = None;
        credential.fingerprint.clone_from(&definition.fingerprint);
        let rotated = definition.fingerprint.is_some() && credential.known_fingerprint != definition.fingerprint;
        if rotated {
            credential.known_fingerprint.clone_from(&definition.fingerprint);
            credential.secret_since = seq;
            credential.epoch = seq;
        }
        if *credential == before && before.expires == definition.expires {
            self.mark_secret(key, &definition.unresolved);
            return;
        }
        if let Some(retired) = before.retired {
            defined.added += 1;
            self.index.due.remove(&(retired.after(self.limits.retired_ms), Due::Retired(key)));
        } else {
            defined.changed += 1;
        }
        if let Some(pool) = self.index.pools.get_mut(&before.pool) {
            pool.members.remove(&(before.order, key));
            pool.members.insert((order, key));
            if before.id != definition.id {
                pool.by_id.remove(&before.id);
                pool.by_id.insert(Arc::clone(&definition.id), key);
            }
        }
        self.touch(Touched::Credential(key));
        let moved = before.account != account;
        if moved {
            self.leave_account(before.account, key);
            self.index.account_members.entry(account).or_default().insert(key);
        }
        if before.expires != definition.expires {
            self.set_expiry(key, definition.expires);
        }
        if rotated {
            self.end_what_was_about_the_secret(key, moved);
        }
        self.mark_secret(key, &definition.unresolved);
        self.refresh(key);
    }

    /// Notes when a secret runs out, or that it has.
    pub(crate) fn set_expiry(&mut self, key: CredentialKey, expires: Option<Wall>) {
        let now = self.now();
        let Some(credential) = self.records.credentials.get_mut(&key) else { return };
        if let Some(before) = std::mem::replace(&mut credential.expires, expires) {
            self.index.running_out.remove(&(before, key));
        }
        credential.expired = expires.is_some_and(|at| at <= now.wall);
        if let Some(at) = expires.filter(|_| !credential.expired) {
            self.index.running_out.insert((at, key));
        }
    }

    /// Ends the restrictions that a new secret disproves. Limits and balances belong to the account and outlive the
    /// secret, unless the account is another one too.
    fn end_what_was_about_the_secret(&mut self, key: CredentialKey, account_too: bool) {
        let disproved: Vec<Identity> = self
            .records
            .restrictions_within(Scope::Credential(key))
            .map(|restriction| &restriction.identity)
            .filter(|identity| identity.cause.is_about_the_secret() || (account_too && !identity.cause.is_ours()))
            .cloned()
            .collect();
        for identity in disproved {
            self.drop_restriction(&identity);
        }
    }

    /// Restricts a credential whose definition gives no secret, for the reason `why`, and no other.
    fn mark_secret(&mut self, key: CredentialKey, why: &Arc<str>) {
        let Some(credential) = self.records.credentials.get(&key) else { return };
        let identity = Identity { scope: Scope::Credential(key), model: None, cause: Cause::NoSecret };
        if credential.fingerprint.is_some() {
            self.drop_restriction(&identity);
            return;
        }
        let before = self.records.restrictions.get(&identity);
        if before.is_some_and(|before| before.reason == *why) {
            return;
        }
        let pool = credential.pool;
        self.put_restriction(Restriction { reason: Arc::clone(why), ..self.window(identity, pool, Until::Lifted) });
    }

    /// Takes a definition away: no more grants, but leases run out and the state stays for a while, since files lose
    /// rows and get them back.
    fn retire(&mut self, key: CredentialKey) {
        let now = self.now();
        let Some(credential) = self.records.credentials.get_mut(&key) else { return };
        credential.retired = Some(now.boot);
        let (pool, order) = (credential.pool, credential.order);
        if let Some(pool) = self.index.pools.get_mut(&pool) {
            pool.members.remove(&(order, key));
        }
        self.index.due.insert((now.boot.after(self.limits.retired_ms), Due::Retired(key)));
        self.touch(Touched::Credential(key));
        self.drop_restriction(&Identity { scope: Scope::Credential(key), model: None, cause: Cause::NoSecret });
        self.refresh(key);
    }

    pub(crate) fn leave_account(&mut self, account: AccountKey, key: CredentialKey) {
        if let Some(members) = self.index.account_members.get_mut(&account) {
            members.remove(&key);
        }
        self.forget_account_if_spent(account);
    }

    /// Forgets an account without credentials, once nothing is remembered against it and no lease speaks of it: till
    /// then a row that comes back, or another that takes it over, finds it under the same key.
    pub(crate) fn forget_account_if_spent(&mut self, key: AccountKey) {
        let members = self.index.account_members.get(&key).map_or(0, BTreeSet::len);
        let leases = self.index.account_leases.contains_key(&key);
        if members > 0 || leases || self.records.restrictions_within(Scope::Account(key)).next().is_some() {
            return;
        }
        self.drop_quotas(key, None);
        self.index.account_members.remove(&key);
        let Some(account) = self.records.accounts.remove(&key) else { return };
        if let Some(pool) = self.index.pools.get_mut(&account.pool) {
            pool.accounts.remove(&account.name);
        }
        self.touch(Touched::Account(key));
    }
}

/// Notes what has a secret; `None` if several have it.
fn note<'a, T>(of_secret: &mut BTreeMap<&'a Arc<str>, Option<T>>, secret: &'a Arc<str>, what: T) {
    of_secret.entry(secret).and_modify(|known| *known = None).or_insert(Some(what));
}
