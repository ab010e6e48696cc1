//! What Hermes notes beside its definitions about what happened to them: `last_status` and its companions, and
//! `request_count`.
//!
//! They stand in the rows themselves, or in a top-level `credential_pool_runtime`: a map from pool to a map from id to
//! those fields, or to a list of rows with `id`, or a list of rows with `pool` (or `provider`) and `id`. hermes-agent
//! 0.19.0 writes only the former; the latter was proposed, and survives its writes.

use std::collections::BTreeMap;
use std::fmt;

use credpool_verdict::{Context, Facts, Kind, classify};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields;
use super::snapshot::Problem;

/// How long hermes-agent 0.19.0 benches a credential without a reset time (agent/credential_pool.py,
/// `_exhausted_ttl`), in milliseconds: after a 401, and after everything else.
const AFTER_401_MS: u64 = 300_000;
const AFTER_OTHERS_MS: u64 = 3_600_000;

/// No fact reaches further into the future than this: 35 days, in milliseconds.
const MAX_AHEAD_MS: u64 = 35 * 24 * 60 * 60 * 1_000;

/// The date of facts that have none: older than anything that is known here.
const UNDATED_MS: u64 = 1;

/// Below it a reset time is a number of seconds, not an instant; above the other it is in milliseconds.
const LEAST_EPOCH_S: f64 = 1e9;
const MOST_EPOCH_S: f64 = 1e12;

/// What Hermes noted about one credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegacyState {
    /// How often it was selected.
    pub grants: u64,
    /// Why it is not usable, if it is not.
    pub fact: Option<LegacyFact>,
}

/// "Not usable until then, because of that."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LegacyFact {
    /// When it happened, in milliseconds of Unix time; 1 if that was not noted. It tells this fact from an earlier one.
    pub at_ms: u64,
    /// What happened; always a kind that restricts.
    pub kind: Kind,
    /// When it is over, in milliseconds of Unix time, as noted; `None` if only a person can end it.
    pub until_ms: Option<u64>,
    /// The HTTP status behind it.
    pub status: Option<u16>,
}

/// How things stand with a [`LegacyFact`] at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is over.
    Over,
    /// It holds until then, in milliseconds of Unix time, at most 35 days from now.
    Until(u64),
    /// It holds until a person ends it.
    Open,
}

impl LegacyFact {
    /// How things stand with it at `now_ms`, in milliseconds of Unix time.
    #[must_use]
    pub fn standing(&self, now_ms: u64) -> Standing {
        match self.until_ms {
            None => Standing::Open,
            Some(until) if until <= now_ms => Standing::Over,
            Some(until) => Standing::Until(until.min(now_ms.saturating_add(MAX_AHEAD_MS))),
        }
    }
}

/// One set of notes as it was found; fields of a wrong type count as not noted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notes {
    status: Option<Status>,
    at_ms: Option<u64>,
    code: Option<u16>,
    /// What happened, if it is not usable; the reason itself may be any text of a vendor's, and is not kept.
    kind: Option<Kind>,
    reset: Option<Reset>,
    grants: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Exhausted,
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    At(u64),
    After(u64),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawNotes<'a> {
    #[serde(borrow)]
    last_status: Option<&'a RawValue>,
    last_status_at: Option<&'a RawValue>,
    last_error_code: Option<&'a RawValue>,
    last_error_reason: Option<&'a RawValue>,
    last_error_reset_at: Option<&'a RawValue>,
    request_count: Option<&'a RawValue>,
}

impl Notes {
    /// Reads the notes in a row or in an entry of `credential_pool_runtime`.
    pub(super) fn read(raw: &RawValue) -> Self {
        let raw: RawNotes<'_> = fields::object(raw);
        let status = match fields::text(raw.last_status).as_deref() {
            Some("exhausted") => Some(Status::Exhausted),
            Some("dead") => Some(Status::Dead),
            // hermes-agent takes words that it does not know for "ok".
            _ => None,
        };
        let code = fields::number(raw.last_error_code).and_then(whole).and_then(|code| u16::try_from(code).ok());
        Self {
            status,
            at_ms: instant_ms(raw.last_status_at),
            code,
            kind: status.map(|status| kind(status, code, fields::text(raw.last_error_reason).as_deref())),
            reset: reset(raw.last_error_reset_at),
            grants: fields::number(raw.request_count).and_then(whole).unwrap_or(0),
        }
    }

    /// What both sets of notes say together: the later one holds, these if there is no telling.
    pub(super) fn merge(&self, runtime: Option<&Self>) -> LegacyState {
        let Some(runtime) = runtime else { return LegacyState { grants: self.grants, fact: self.fact() } };
        let latest = if runtime.at_ms > self.at_ms { runtime } else { self };
        LegacyState { grants: self.grants.max(runtime.grants), fact: latest.fact() }
    }

    fn fact(&self) -> Option<LegacyFact> {
        let until_ms = match self.status? {
            Status::Dead => None,
            Status::Exhausted => Some(self.until_ms()?),
        };
        Some(LegacyFact { at_ms: self.at_ms.unwrap_or(UNDATED_MS), kind: self.kind?, until_ms, status: self.code })
    }

    /// As in hermes-agent: the reset time if there is one, else a fixed time after the note; with neither, the
    /// credential is available. But a reset time too small to be an instant counts from the note.
    fn until_ms(&self) -> Option<u64> {
        let fixed = if self.code == Some(401) { AFTER_401_MS } else { AFTER_OTHERS_MS };
        match (self.reset, self.at_ms) {
            (Some(Reset::At(until)), _) => Some(until),
            (Some(Reset::After(after)), Some(at)) => Some(at.saturating_add(after)),
            (None, Some(at)) => Some(at.saturating_add(fixed)),
            (_, None) => None,
        }
    }
}

/// By the same rules as a report, but never less than Hermes' own word: what it benched is not usable.
fn kind(status: Status, code: Option<u16>, reason: Option<&str>) -> Kind {
    if status == Status::Dead {
        return Kind::Dead;
    }
    let facts = Facts { status: code, code: reason, ..Facts::default() };
    match classify(&facts, &Context { now_wall_ms: 0, pool: "", base_url: None }).kind {
        // Hermes knows the terminal codes too, and did not call it dead.
        Kind::Dead => Kind::Auth,
        // It benches after a 400 or 404 only if that spoke of money (agent/error_classifier.py).
        Kind::Request => Kind::Billing,
        // No status, or one that says nothing of the credential.
        Kind::Unknown | Kind::Network | Kind::Cancelled => Kind::RateLimit,
        kind => kind,
    }
}

/// All notes of `credential_pool_runtime`, by pool and id.
///
/// Its names are whatever stands in the file, whether or not a row is served under them, so they are not printed.
#[derive(Default, PartialEq)]
pub(super) struct RuntimeNotes {
    by_pool: BTreeMap<String, BTreeMap<String, Notes>>,
    /// Of rows that name no pool: they are about whichever row has the id.
    of_any_pool: BTreeMap<String, Notes>,
}

impl fmt::Debug for RuntimeNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_pools: usize = self.by_pool.values().map(BTreeMap::len).sum();
        write!(f, "RuntimeNotes({} notes)", of_pools + self.of_any_pool.len())
    }
}

impl RuntimeNotes {
    pub(super) fn of(&self, pool: &str, id: &str) -> Option<&Notes> {
        let of_pool = self.by_pool.get(pool).and_then(|by_id| by_id.get(id));
        of_pool.or_else(|| self.of_any_pool.get(id))
    }

    /// Reads the map or the list; what is neither is a problem.
    pub(super) fn read(raw: &RawValue, problems: &mut Vec<Problem>) -> Self {
        const PLACE: &str = "credential_pool_runtime";
        let mut notes = Self::default();
        if raw.get() == "null" {
            return notes;
        }
        if let Ok(pools) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) {
            for (pool, entries) in pools {
                if let Ok(by_id) = serde_json::from_str::<BTreeMap<String, &RawValue>>(entries.get()) {
                    by_id.into_iter().for_each(|(id, entry)| notes.add(pool.clone(), id, entry));
                } else if let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(entries.get()) {
                    rows.into_iter().for_each(|row| notes.add_row(Some(&pool), row));
                } else {
                    let place = format!("{PLACE}: {}", super::printable(&pool));
                    problems.push(Problem::new(place, "is neither a map nor a list, and is left out"));
                }
            }
        } else if let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
            rows.into_iter().for_each(|row| notes.add_row(None, row));
        } else {
            problems.push(Problem::new(PLACE, "is neither a map nor a list, and is left out"));
        }
        notes
    }

    fn add_row(&mut self, pool: Option<&str>, row: &RawValue) {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct RawNames<'a> {
            #[serde(borrow)]
            id: Option<&'a RawValue>,
            pool: Option<&'a RawValue>,
            provider: Option<&'a RawValue>,
        }
        let names: RawNames<'_> = fields::object(row);
        let own_pool = fields::text(names.pool).or_else(|| fields::text(names.provider));
        match (pool.or(own_pool.as_deref()), fields::text(names.id)) {
            (Some(pool), Some(id)) => self.add(pool.to_owned(), id.to_owned(), row),
            (None, Some(id)) => {
                self.of_any_pool.insert(id.to_owned(), Notes::read(row));
            }
            (_, None) => {}
        }
    }

    fn add(&mut self, pool: String, id: String, raw: &RawValue) {
        self.by_pool.entry(pool).or_default().insert(id, Notes::read(raw));
    }
}

/// A reset time in epoch seconds, epoch milliseconds, RFC 3339 or, if it is small, seconds. What is not a positive,
/// finite number is none.
fn reset(raw: Option<&RawValue>) -> Option<Reset> {
    let number = number_or_text(raw)?;
    match number {
        Ok(number) if number > 0.0 && number < LEAST_EPOCH_S => Some(Reset::After(milliseconds(number * 1e3)?)),
        number => epoch_ms(number).map(Reset::At),
    }
}

fn instant_ms(raw: Option<&RawValue>) -> Option<u64> {
    epoch_ms(number_or_text(raw)?)
}

fn epoch_ms(number: Result<f64, Timestamp>) -> Option<u64> {
    match number {
        Ok(number) if number > MOST_EPOCH_S => milliseconds(number),
        Ok(number) => milliseconds(number * 1e3),
        Err(instant) => u64::try_from(instant.as_millisecond()).ok().filter(|ms| *ms > 0),
    }
}

/// A number, the same in a string, or an instant. Python's `fromisoformat` takes an instant without a zone for local
/// time; Hermes writes none, and here it is UTC.
fn number_or_text(raw: Option<&RawValue>) -> Option<Result<f64, Timestamp>> {
    if let Some(number) = fields::number(raw) {
        return Some(Ok(number));
    }
    let text = fields::text(raw)?;
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(Ok(number));
    }
    fields::iso_8601(text).map(Err)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive, and `as` saturates")]
fn milliseconds(ms: f64) -> Option<u64> {
    (ms.is_finite() && ms > 0.0).then(|| ms.round() as u64)
}

fn whole(number: f64) -> Option<u64> {
    if number == 0.0 { Some(0) } else { milliseconds(number).filter(|_| number.fract() == 0.0) }
}

#[cfg(test)]
mod tests;
