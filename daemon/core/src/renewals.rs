//! Renewing a secret: many find out at the same moment that it has run out, and only one may see to it.
//!
//! Whoever renews a secret holds its ticket. A secret is known by its fingerprint, so that all credentials that have the
//! same one share the ticket, and a new secret needs none. How a renewal goes is no failure of the credential: only that
//! its login is dead restricts it.
//!
//! Nothing here walks over anything, but for a login that turns out to be dead: all that have it are looked for.

use std::sync::Arc;

use crate::cause::{Cause, Kind};
use crate::command::{AskRenewal, EndRenewal, Renewing, Report, Subject, Verdict};
use crate::machine::Core;
use crate::policy::Backoff;
use crate::records::{Ask, CredentialKey, Owner, Reach, Seq, TokenHash};
use crate::refusal::{Refusal, SOON_MS};
use crate::tables::Touched;
use crate::time::Boot;

/// How long a ticket lasts, in milliseconds.
const TICKET_MS: u64 = 120_000;

/// How long a secret that was renewed may take to show itself, in milliseconds. Then somebody else may try.
const SHOWING_MS: u64 = 10_000;

/// How the renewal of one secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Renewal {
    /// The fingerprint of the secret that is to be replaced.
    pub stale: Arc<str>,
    /// What is going on.
    pub stage: Stage,
    /// When that ends by itself.
    pub until: Boot,
    /// How many attempts in a row have failed.
    pub failures: u32,
    /// How failures back off.
    pub backoff: Backoff,
    /// What the last of them said; callers' text, so no journal writes it.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub message: Arc<str>,
}

/// A stage of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Stage {
    /// Somebody is at it.
    Held {
        /// The hash of the ticket.
        ticket: TokenHash,
        /// The connection that it is bound to.
        owner: Owner,
    },
    /// It is done, but the definitions still have the old secret.
    Done,
    /// It has failed, and nobody may try again yet.
    BackingOff,
    /// Somebody may try again; only the failures are remembered.
    Open,
}

/// How an attempt to renew a secret went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// There is a new secret.
    Renewed,
    /// There is none, and nobody knows whether there could be.
    Failed {
        /// What went wrong.
        message: Arc<str>,
    },
    /// There never will be one, without a new login.
    Dead,
}

impl Core {
    /// The renewal of a credential's secret, if there is one.
    #[must_use]
    pub fn renewal(&self, key: CredentialKey) -> Option<&Renewal> {
        let stale = self.records.credentials.get(&key)?.known_fingerprint.as_ref()?;
        self.records.renewals.get(stale)
    }

    /// `Command::AskRenewal`.
    pub(crate) fn ask_renewal(&mut self, asked: AskRenewal) -> Result<Renewing, Refusal> {
        let credential = self.records.credentials.get(&asked.credential).filter(|known| known.retired.is_none());
        let credential = credential.ok_or(Refusal::UnknownCredential)?;
        let (pool, now) = (credential.pool, self.now().boot);
        if credential.known_fingerprint.as_ref() != Some(&asked.stale) {
            return Ok(Renewing::Renewed(credential.epoch));
        }
        let is_dead = |key| self.restrictions_on(key).any(|r| r.identity.cause == Cause::Dead && !r.is_over());
        if is_dead(asked.credential) {
            return Err(self.refusal_of(pool, &Ask { pin: Some(asked.credential), ..Ask::default() }));
        }
        let before = self.records.renewals.get(&asked.stale);
        if let Some(renewal) = before.filter(|renewal| renewal.stage != Stage::Open) {
            let left = renewal.until.since(now);
            let (retry_after_ms, failed) = match renewal.stage {
                Stage::BackingOff => (left, Some(Arc::clone(&renewal.message))),
                _ => (left.min(SOON_MS), None),
            };
            return Ok(Renewing::Busy { retry_after_ms, failed });
        }
        let backoff = self.records.pools.get(&pool).ok_or(Refusal::UnknownPool)?.policy.cooldowns.server;
        let (failures, message) = before.map_or((0, "".into()), |open| (open.failures, Arc::clone(&open.message)));
        let stage = Stage::Held { ticket: asked.ticket, owner: asked.owner };
        let until = now.after(TICKET_MS);
        self.put_renewal(Renewal { stale: asked.stale, stage, until, failures, backoff, message });
        Ok(Renewing::Ticket { ttl_ms: TICKET_MS })
    }

    /// `Command::EndRenewal`.
    pub(crate) fn end_renewal(&mut self, ended: EndRenewal) -> Result<(), Refusal> {
        let held = self.index.tickets.get(&ended.ticket).and_then(|stale| self.records.renewals.get(stale));
        let renewal = held.cloned().ok_or(Refusal::UnknownTicket)?;
        let now = self.now().boot;
        match ended.attempt {
            Attempt::Renewed => {
                let until = now.after(SHOWING_MS);
                self.put_renewal(Renewal { stage: Stage::Done, until, failures: 0, message: "".into(), ..renewal });
            }
            Attempt::Failed { message } => {
                let failures = renewal.failures.saturating_add(1);
                // A backoff of nothing would be over at the very moment that it begins.
                let until = now.after(renewal.backoff.window_ms(failures).max(1));
                self.put_renewal(Renewal { stage: Stage::BackingOff, until, failures, message, ..renewal });
            }
            Attempt::Dead => {
                self.drop_renewal(&renewal.stale);
                self.bury(&renewal.stale);
            }
        }
        Ok(())
    }

    /// The tickets that a connection holds are free again.
    pub(crate) fn drop_tickets(&mut self, of: Owner) {
        let held = self.index.renewing.range((of, Arc::from(""))..).take_while(|(owner, _)| *owner == of);
        let held: Vec<Arc<str>> = held.map(|(_, stale)| Arc::clone(stale)).collect();
        for stale in held {
            self.reopen(&stale);
        }
    }

    /// Somebody may try again, since what kept others from it is over.
    pub(crate) fn reopen(&mut self, stale: &Arc<str>) {
        let Some(renewal) = self.records.renewals.get(stale).cloned() else { return };
        if renewal.failures == 0 || renewal.stage == Stage::Open {
            return self.drop_renewal(stale);
        }
        // Without another attempt for as long as a backoff can last, they say nothing any more; however late it is noticed
        // that the stage is over.
        let now = self.now().boot;
        let until = renewal.until.min(now).after(renewal.backoff.cap_ms.max(1));
        if until <= now {
            return self.drop_renewal(stale);
        }
        self.put_renewal(Renewal { stage: Stage::Open, until, ..renewal });
    }

    /// Restricts whoever has a secret whose login is dead.
    fn bury(&mut self, stale: &Arc<str>) {
        let bearers = self.records.credentials.values();
        let bearers = bearers.filter(|of| of.retired.is_none() && of.known_fingerprint.as_ref() == Some(stale));
        let bearers: Vec<(CredentialKey, Seq)> = bearers.map(|of| (of.key, of.epoch)).collect();
        for (key, epoch) in bearers {
            let verdict = Verdict {
                kind: Kind::Fault(Cause::Dead),
                reach: Reach::Credential,
                model: None,
                after_ms: None,
                at: None,
                status: None,
                rule: "refresh.dead".into(),
                evidence: None,
            };
            let subject = Subject::Credential(key, epoch);
            let (model, readings) = (None, Vec::new());
            // It refuses only whom it does not know.
            let _ = self.report(Report { subject, number: 1, model, verdict, readings, keep: false, next: None });
        }
    }

    fn put_renewal(&mut self, renewal: Renewal) {
        let stale = Arc::clone(&renewal.stale);
        if let Some(before) = self.records.renewals.get(&stale) {
            self.index.remove_renewal(before);
        }
        self.index.add_renewal(&renewal);
        self.records.renewals.insert(Arc::clone(&stale), renewal);
        self.touch(Touched::Renewal(stale));
    }

    fn drop_renewal(&mut self, stale: &Arc<str>) {
        let Some(before) = self.records.renewals.remove(stale) else { return };
        self.index.remove_renewal(&before);
        self.touch(Touched::Renewal(Arc::clone(stale)));
    }
}
