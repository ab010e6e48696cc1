//! `history`.

use std::borrow::Cow;

use credpool_core as core;
use credpool_core::{Conclusion, CredentialKey, Event, PoolKey};
use credpool_proto::error::WireError;
use credpool_proto::history::{Entry, History, Name};
use credpool_proto::words::HistoryEvent;

use super::{Answer, Asked, Engine, Scope, convert};

impl Engine {
    pub(super) fn history(
        &mut self,
        asked: &Asked<'_>,
        pool_name: &str,
        profile: Option<&str>,
        credential: Option<&str>,
        model: Option<&str>,
        limit: usize,
    ) -> Result<(), WireError<'static>> {
        let scope = self.whole(pool_name, profile)?;
        let credential = credential.map(|name| self.any_credential(&scope, name)).transpose()?;
        self.tick();
        let mut entries = self.remembered(scope.pool, credential, model);
        let body = History {
            pool: Cow::Borrowed(pool_name),
            entries: entries.by_ref().take(limit).map(|entry| self.entry(&scope, entry)).collect(),
            more: entries.next().is_some(),
        };
        drop(entries);
        self.reply(&asked.ticket(Answer::Nobody), &body);
        Ok(())
    }

    fn remembered<'a>(
        &'a self,
        pool: PoolKey,
        credential: Option<CredentialKey>,
        model: Option<&'a str>,
    ) -> impl Iterator<Item = &'a core::Entry> {
        self.core.history(pool).filter(move |entry| {
            let about = credential.is_none_or(|key| self.core.concerns(entry, key));
            about && model.is_none_or(|model| entry.model.as_deref() == Some(model))
        })
    }

    fn entry<'a>(&'a self, scope: &'a Scope, entry: &'a core::Entry) -> Entry<'a> {
        let plain = Entry {
            at_ms: entry.at.wall.0,
            event: HistoryEvent::Other,
            credential: entry.credential.map(|key| self.name(scope, key)),
            model: entry.model.as_deref().map(Cow::Borrowed),
            scope: convert::scope_word(entry.scope, false),
            lease: None,
            probe: false,
            kind: None,
            status: None,
            applied: None,
            why: None,
            until_at_ms: None,
            strikes: None,
            rule: None,
            evidence: None,
            lifted: None,
            note: None,
        };
        match &entry.event {
            Event::Reported { lease, probe, status, conclusion } => reported(
                Entry {
                    event: HistoryEvent::Reported,
                    lease: lease.map(|no| no.0),
                    probe: *probe,
                    status: *status,
                    ..plain
                },
                conclusion,
                entry.at,
            ),
            Event::Imported { cause, until, status, rule } => Entry {
                event: HistoryEvent::Imported,
                kind: Some(convert::cause_word(*cause).into()),
                status: *status,
                until_at_ms: convert::instant(*until, entry.at),
                rule: Some(Cow::Borrowed(rule)),
                ..plain
            },
            Event::Spent { lease, cause, until, rule, evidence } => Entry {
                event: HistoryEvent::Spent,
                scope: convert::scope_word(entry.scope, entry.model.is_some()),
                lease: lease.map(|no| no.0),
                kind: Some(convert::cause_word(*cause).into()),
                until_at_ms: convert::instant(*until, entry.at),
                rule: Some(Cow::Borrowed(rule)),
                evidence: evidence.as_ref().map(convert::evidence),
                ..plain
            },
            Event::Recovered { lease, probe, lifted } => Entry {
                event: HistoryEvent::Recovered,
                lease: Some(lease.0),
                probe: *probe,
                lifted: Some(convert::number(*lifted)),
                ..plain
            },
            Event::Paused { cause, undone } => Entry {
                event: HistoryEvent::Paused,
                kind: Some(convert::cause_word(*cause).into()),
                lifted: Some(convert::number(*undone)),
                ..plain
            },
            Event::Cleared { lifted } => {
                Entry { event: HistoryEvent::Cleared, lifted: Some(convert::number(*lifted)), ..plain }
            }
            Event::Disabled { until, note } => Entry {
                event: HistoryEvent::Disabled,
                until_at_ms: convert::instant(*until, entry.at),
                note: Some(&**note).filter(|note| !note.is_empty()).map(Cow::Borrowed),
                ..plain
            },
            Event::Enabled => Entry { event: HistoryEvent::Enabled, ..plain },
        }
    }

    /// A credential by its names, as long as either is known.
    fn name<'a>(&'a self, scope: &'a Scope, key: CredentialKey) -> Name<'a> {
        let row = self.catalogue.row(key, scope.profile());
        let gone = || self.core.records().credentials.get(&key).map_or("", |credential| &*credential.id);
        let id = self.seen(scope).id(key).unwrap_or_else(|| Cow::Borrowed(gone()));
        Name { id, label: Cow::Borrowed(row.map_or("", |row| &row.label)) }
    }
}

/// What a report was concluded to mean, beside what is known of it already.
fn reported<'a>(plain: Entry<'a>, conclusion: &'a Conclusion, at: core::Now) -> Entry<'a> {
    Entry {
        scope: convert::scope_of_reach(conclusion.reach, conclusion.model.is_some()),
        kind: Some(convert::verdict_kind(conclusion.kind).as_str().into()),
        applied: Some(conclusion.why.is_none()),
        why: conclusion.why.map(convert::not_applied),
        until_at_ms: conclusion.until.and_then(|until| convert::instant(until, at)),
        strikes: Some(conclusion.strikes),
        rule: Some(Cow::Borrowed(&conclusion.rule)),
        evidence: conclusion.evidence.as_ref().map(convert::evidence),
        ..plain
    }
}
