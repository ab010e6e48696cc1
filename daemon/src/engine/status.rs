//! `status`: everything that may be shown, a page at a time.

use std::borrow::Cow;
use std::sync::Arc;

use credpool_core::{CredentialKey, LeaseNo, Place, PoolKey, Profile};
use credpool_proto::error::WireError;
use credpool_proto::request;
use credpool_proto::status::{
    CredentialStatus, Definitions, PoolStatus, Problem, ProfileStatus, Snapshot, Status, Waiter,
};
use credpool_proto::words::Cap;

use super::{Answer, Asked, Engine, Scope, convert, hello};

/// Problems, and waiters of a pool, that one answer names.
const NAMED: usize = 32;

/// Between the pool and the place in a cursor; no name that is served has it.
const CURSOR: char = '\u{1f}';

impl Engine {
    pub(super) fn status(
        &mut self,
        asked: &Asked<'_>,
        request: &request::Status<'_>,
    ) -> Result<(), WireError<'static>> {
        let profile = self.speaker(request.profile.as_deref())?;
        let only = request.pool.as_deref().map(|pool| self.pool(pool)).transpose()?;
        self.tick();
        let after = request.after.as_deref().map(cursor).transpose()?;
        let mut left = request.limit;
        let mut pools = Vec::new();
        let mut last = None;
        let mut next = None;
        for (name, key) in self.catalogue.pools(None) {
            if only.is_some_and(|only| only != key) || after.is_some_and(|(pool, _)| name < pool) {
                continue;
            }
            let from = after.filter(|(pool, _)| *pool == name).map(|(_, order)| order);
            let page = self.page(key, from, left);
            left -= page.keys.len();
            if let Some(order) = page.keys.last().and_then(|key| self.order(*key)) {
                last = Some(format!("{name}{CURSOR}{order}"));
            }
            let is_new = from.is_none() && (left > 0 || !page.more);
            if !page.keys.is_empty() || is_new {
                let scope = Scope { pool: key, profile: Some(Arc::clone(&profile)) };
                let mut status = self.pool_status(name, &scope, &page.keys);
                if let Some(after) = request.leases {
                    self.tell_leases(&mut status, &scope, LeaseNo(after), request.limit);
                }
                pools.push(status);
            }
            if page.more {
                next = last;
                break;
            }
        }
        let status = Status {
            server: hello::SERVER.into(),
            pid: std::process::id(),
            run: Cow::Borrowed(&self.run.name),
            started_at_ms: self.run.started.wall.0,
            now_at_ms: self.now.wall.0,
            auth_file: self.auth_file(),
            definitions: self.definitions_status(),
            pools,
            next: next.map(Cow::Owned),
            snapshot: self.snapshot_status(),
            degraded: false,
            durable: self.journal.is_durable(),
        };
        self.reply(&asked.ticket(Answer::Nobody), &status);
        Ok(())
    }

    fn order(&self, key: CredentialKey) -> Option<u32> {
        self.core.records().credentials.get(&key).map(|credential| credential.order)
    }

    /// What comes after place `from` of a pool.
    fn page(&self, pool: PoolKey, from: Option<u32>, limit: usize) -> Page {
        let mut rest = self.core.defined_after(pool, from);
        let keys: Vec<CredentialKey> = rest.by_ref().take(limit).collect();
        Page { keys, more: rest.next().is_some() }
    }

    fn pool_status<'a>(&'a self, name: &'a str, scope: &Scope, page: &[CredentialKey]) -> PoolStatus<'a> {
        let key = scope.pool;
        let counts = self.core.states(key);
        let waiting = self.core.waiting(key);
        let policy = self.core.records().pools.get(&key).map(|pool| &pool.policy);
        PoolStatus {
            name: Cow::Borrowed(name),
            strategy: convert::strategy(policy.map(|policy| policy.strategy).unwrap_or_default()).into(),
            total: counts.values().copied().map(convert::number).sum(),
            counts: counts.into_iter().map(|(state, count)| (convert::state(state), convert::number(count))).collect(),
            leases: convert::number(self.core.leases_out(key)),
            waiters: waiting.values().copied().map(convert::number).sum(),
            waiting: waiting.into_iter().map(|(class, n)| (convert::class_word(class), convert::number(n))).collect(),
            line: self.core.line(key, NAMED).iter().map(waiter).collect(),
            leases_out: None,
            restrictions: self.core.restrictions_on_pool(key).map(|r| convert::restriction(r, self.now)).collect(),
            warnings: self.catalogue.warnings(key).map(Cow::Borrowed).collect(),
            profiles: if self.serves_profiles() { self.profiles_of(key) } else { Vec::new() },
            credentials: page.iter().filter_map(|key| self.credential_status(scope, *key)).collect(),
        }
    }

    fn credential_status(&self, scope: &Scope, key: CredentialKey) -> Option<CredentialStatus<'_>> {
        let row = self.catalogue.row(key, scope.profile())?;
        let credential = self.core.records().credentials.get(&key)?;
        let brief = self.seen(scope).brief(key);
        let cap = self.core.cap(key);
        Some(CredentialStatus {
            id: brief.id,
            label: Cow::Borrowed(&row.label),
            auth_type: row.auth_type.as_str().into(),
            source: Cow::Borrowed(&row.source),
            priority: u64::from(credential.order),
            fingerprint: credential.fingerprint.as_deref().map(Cow::Borrowed),
            secret_expires_at_ms: row.secret_expires_at_ms,
            epoch: self.catalogue.epoch_text(self.run.number, credential.epoch).into(),
            state: brief.state,
            cause: brief.cause,
            until_at_ms: brief.until_at_ms,
            restrictions: self.core.restrictions_on(key).map(|r| convert::restriction(r, self.now)).collect(),
            windows: self.core.quotas(credential.account).map(|quota| convert::quota_window(quota, self.now)).collect(),
            leases: u64::from(self.core.in_flight(key)),
            max_in_flight: u64::from(cap.max_in_flight),
            cap: if cap.hard { Cap::Hard } else { Cap::Soft },
            grants: credential.grants,
            profiles: self.profiles_with(key).map(|profile| Cow::Borrowed(&**profile)).collect(),
        })
    }

    /// Whether there are homes to tell apart.
    fn serves_profiles(&self) -> bool {
        self.catalogue.homes().len() > 1
    }

    /// Who may lease a credential; nobody is named where there are no homes to tell apart.
    pub(super) fn profiles_with(&self, key: CredentialKey) -> impl Iterator<Item = &Profile> {
        self.catalogue.profiles(key).filter(|_| self.serves_profiles())
    }

    fn profiles_of(&self, pool: PoolKey) -> Vec<ProfileStatus<'_>> {
        let lists = self.core.lists(pool).flat_map(|list| list.profiles.iter().map(move |profile| (profile, list)));
        let profiles = lists.map(|(profile, list)| ProfileStatus {
            profile: Cow::Borrowed(&**profile),
            strategy: convert::strategy(list.strategy).into(),
            total: convert::number(list.members.len()),
        });
        profiles.collect()
    }

    fn snapshot_status(&self) -> Option<Snapshot<'_>> {
        let pen = self.journal.pen()?;
        let problem = |(file, problem): &(String, String)| Problem {
            place: Cow::Owned(file.clone()),
            problem: Cow::Owned(problem.clone()),
        };
        Some(Snapshot {
            path: pen.path().to_string_lossy(),
            durability: pen.durability().as_str().into(),
            trouble: pen.trouble().map(|trouble| trouble.to_string().into()),
            problems: pen.problems().iter().map(problem).collect(),
        })
    }

    fn definitions_status(&self) -> Definitions<'_> {
        let problems = self.catalogue.problems();
        Definitions {
            loaded_at_ms: self.catalogue.loaded_at().map(|at| at.0),
            changes: self.catalogue.changes(),
            ok: self.catalogue.is_current(),
            problems: problems
                .iter()
                .take(NAMED)
                .map(|problem| Problem {
                    place: Cow::Borrowed(&problem.place),
                    problem: Cow::Borrowed(&problem.problem),
                })
                .collect(),
            problems_total: convert::number(problems.len()),
        }
    }
}

fn waiter<'a>(place: &Place) -> Waiter<'a> {
    Waiter {
        number: place.waiter.0,
        class: convert::class_word(place.class),
        position: convert::number(place.position),
        waited_ms: place.waited_ms,
        estimate_ms: place.estimate_ms,
        model: None,
        holder: None,
    }
}

struct Page {
    keys: Vec<CredentialKey>,
    more: bool,
}

/// The pool, and the place in it, after which a page begins.
fn cursor(after: &str) -> Result<(&str, u32), WireError<'static>> {
    let place = after.split_once(CURSOR).and_then(|(pool, order)| Some((pool, order.parse().ok()?)));
    place.ok_or_else(|| WireError::bad_request("after must be what `next` said in the page before"))
}
