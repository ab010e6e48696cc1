//! New definitions: into the core, into the catalogue, and to those who asked for them.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use credpool_core as core;
use credpool_core::{Command, CredentialKey, Define, Defined, Import, Now, Reply, Until, Wall};
use credpool_proto::error::WireError;
use credpool_proto::event::Event;
use credpool_proto::limits::Limits;
use credpool_proto::reply::Reloaded;

use super::defines::define;
use super::{Engine, Ticket, convert};
use crate::access::Access;
use crate::catalogue::PoolKeys;
use crate::config::Config;
use crate::definitions::{Definitions, LegacyFact, PoolRows, Standing};
use crate::reload::Reading;

/// Problems that the answer to `reload` names; `status` has more.
const MAX_WARNINGS: usize = 32;

/// Those whom one reading answers.
pub(crate) struct ReloadAsked(Vec<Ticket>);

impl Engine {
    /// Whoever has asked for a reload by now is answered by the reading that begins.
    pub(crate) fn begin_reload(&mut self) -> ReloadAsked {
        ReloadAsked(std::mem::take(&mut self.reloading))
    }

    /// Answers those who asked for a reading that failed.
    pub(crate) fn reload_failed(&mut self, asked: ReloadAsked) {
        for ticket in asked.0 {
            self.reply_error(&ticket, &WireError::internal());
        }
    }

    /// Takes over what was read, and answers those who asked for it.
    pub(crate) fn loaded(&mut self, reading: Reading, asked: ReloadAsked) {
        self.read_clock();
        let Reading { config, definitions: outcome, defines } = reading;
        if let Some(config) = config {
            self.reconfigure(config);
        }
        let mut reloaded = Reloaded::default();
        if outcome.changed {
            let before = Arc::clone(self.catalogue.definitions());
            reloaded = self.define(&outcome.definitions, defines);
            if !outcome.definitions.warnings().eq(before.warnings()) {
                for (pool, warning) in outcome.definitions.warnings() {
                    tracing::warn!(pool, warning, "definitions");
                    self.tell_all(&Event::Warning { place: pool.into(), problem: warning.into() });
                }
            }
            let Reloaded { added, removed, changed, .. } = reloaded;
            tracing::info!(added, removed, changed, "definitions read");
            self.tell_all(&Event::Definitions { added, removed, changed });
        }
        if outcome.changed || outcome.legacy_changed {
            self.import(&outcome.definitions);
        }
        if self.catalogue.problems() != outcome.problems {
            for problem in &outcome.problems {
                tracing::warn!(place = %problem.place, problem = %problem.problem, "definitions");
                self.tell_all(&Event::Warning { place: (&*problem.place).into(), problem: (&*problem.problem).into() });
            }
        }
        let problems = outcome.problems.iter().map(|p| (&*p.place, &*p.problem));
        let all = problems.chain(outcome.definitions.warnings()).take(MAX_WARNINGS);
        let warnings: Vec<Cow<'static, str>> = all.map(|(place, what)| format!("{place}: {what}").into()).collect();
        self.catalogue.note(outcome.auth_file, outcome.ok, outcome.problems, self.now.wall);
        for ticket in asked.0 {
            self.reply(&Ticket { warnings: warnings.clone(), ..ticket }, &reloaded);
        }
        self.settle();
        self.due.notify_one();
    }

    /// Takes over what can change while the daemon runs.
    fn reconfigure(&mut self, mut config: Config) {
        let before = self.config.limits;
        let fixed = Limits {
            leases: before.leases,
            leases_per_connection: before.leases_per_connection,
            waiters: before.waiters,
            waiters_per_connection: before.waiters_per_connection,
            waiters_per_uid: before.waiters_per_uid,
            queues_per_pool: before.queues_per_pool,
            history: before.history,
            history_per_pool: before.history_per_pool,
            ..config.limits
        };
        if config.limits != fixed {
            tracing::warn!("limits on leases, waiters and history change with the next start");
            config.limits = fixed;
        }
        let Config { access, .. } = &config;
        match Access::resolve(&access.users, &access.groups, &access.admins) {
            Ok(access) => self.access = access,
            Err(error) => tracing::error!(%error, "who may connect stays as it was"),
        }
        self.config = Rc::new(config);
    }

    fn define(&mut self, definitions: &Arc<Definitions>, defines: Vec<Define>) -> Reloaded {
        let mut reloaded = Reloaded::default();
        let (mut keys, mut settled) = (Vec::new(), Vec::new());
        // The core may know pools of an earlier run.
        let known = self.core.records().pools.values().map(|pool| &pool.name);
        let gone = known.filter(|name| !definitions.pools.contains_key(&***name));
        let gone: Vec<Define> = gone.map(|name| define(&self.config, name, &PoolRows::default())).collect();
        for define in gone.into_iter().chain(defines) {
            let name = Arc::clone(&define.pool);
            let reply = self.core.apply(self.now, Command::Define(define));
            self.record();
            settled.extend_from_slice(self.core.settled());
            let Reply::Defined(Defined { pool, keys: credentials, added, removed, changed }) = reply else { continue };
            reloaded.added += convert::number(added);
            reloaded.removed += convert::number(removed);
            reloaded.changed += convert::number(changed);
            if definitions.pools.contains_key(&*name) {
                keys.push(PoolKeys { name, key: pool, credentials });
            }
        }
        self.catalogue.replace(Arc::clone(definitions), keys);
        self.tell_changes(Ticket::nobody().connection);
        // Who waited is told of what there is now.
        self.answer_waiters(settled);
        reloaded
    }

    /// Hands the core what Hermes noted beside its definitions, of each credential the oldest fact first; it knows what
    /// is news.
    fn import(&mut self, definitions: &Definitions) {
        for (name, pool) in &definitions.pools {
            let Some(key) = self.catalogue.pool(name, None) else { continue };
            let facts = pool.rows.iter().enumerate();
            let facts = facts.filter_map(|(at, row)| Some((at, row.legacy.as_ref()?.fact.as_ref()?)));
            let mut facts: Vec<(usize, &LegacyFact)> = facts.collect();
            facts.sort_by_key(|(_, fact)| fact.at_ms);
            for (at, fact) in facts {
                let id = &pool.credentials[pool.credential_of(at)].id;
                let Some(credential) = self.catalogue.by_id(key, None, id) else { continue };
                if let Some(import) = import(credential, fact, self.now) {
                    self.core.apply(self.now, Command::Import(import));
                    self.record();
                    self.tell_changes(Ticket::nobody().connection);
                    self.answer_waiters(self.core.settled().to_vec());
                }
            }
        }
    }
}

/// A fact that Hermes noted, for the core; `None` if it restricts nothing.
fn import(credential: CredentialKey, fact: &LegacyFact, now: Now) -> Option<Import> {
    let core::Kind::Fault(cause) = convert::kind_from_verdict(fact.kind) else { return None };
    let until = match fact.standing(now.wall.0) {
        Standing::Over => return None,
        Standing::Until(at) => Until::wall(Wall(at)),
        Standing::Open => Until::Lifted,
    };
    let rule = Arc::from("hermes.auth_json");
    // A date in the future would make every true one look old. It counts as no date: imported once, over nothing.
    let at = Wall(if fact.at_ms > now.wall.0 { 1 } else { fact.at_ms });
    Some(Import { credential, at, cause, until, status: fact.status, rule })
}
