//! What became of a lease: `report_error` and `release`.

use std::collections::BTreeMap;
use std::time::Duration;

use credpool_proto::words::{FailureKind, Outcome};
use serde::{Serialize, Serializer};

use super::{Call, LeaseOptions};
use crate::error::Error;

/// What is known of a failure. Everything is optional, and everything helps: the daemon alone decides
/// what it means.
///
/// Hints are given as the provider gave them, in its own form and unit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<FailureKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Next::is_no")]
    next: Next,
}

impl Failure {
    /// Something went wrong, and nothing is known of it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The HTTP status, from 100 to 999.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// One of the response's headers. A name may be given several times, in any case.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.entry(name.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// The response's body. Where the report would become longer than the daemon reads, only the
    /// beginning of the body is sent.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The error's text; shortened where the body is.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The error's code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// What the caller knows by itself, as that there was no answer at all.
    #[must_use]
    pub fn kind(mut self, kind: FailureKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// A hint called `reset_at`.
    #[must_use]
    pub fn reset_at(mut self, hint: impl Into<String>) -> Self {
        self.reset_at = Some(hint.into());
        self
    }

    /// A hint called `resets_at`.
    #[must_use]
    pub fn resets_at(mut self, hint: impl Into<String>) -> Self {
        self.resets_at = Some(hint.into());
        self
    }

    /// A hint called `retry_until`.
    #[must_use]
    pub fn retry_until(mut self, hint: impl Into<String>) -> Self {
        self.retry_until = Some(hint.into());
        self
    }

    /// A hint called `retry_after`.
    #[must_use]
    pub fn retry_after(mut self, hint: impl Into<String>) -> Self {
        self.retry_after = Some(hint.into());
        self
    }

    /// The model that failed, where it is not the one that the lease is for.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Asks for another lease, on the conditions of the one that failed.
    #[must_use]
    pub fn next_same(mut self) -> Self {
        self.next = Next::Same;
        self
    }

    /// Asks for another lease of the same pool, on these conditions.
    #[must_use]
    pub fn next_with(mut self, options: LeaseOptions) -> Self {
        self.next = Next::With(options);
        self
    }
}

/// Whether another lease is asked for.
#[derive(Clone, Debug, Default)]
enum Next {
    #[default]
    No,
    Same,
    With(LeaseOptions),
}

impl Next {
    fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }
}

impl Serialize for Next {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::Same => serializer.serialize_bool(true),
            Self::With(options) => options.serialize(serializer),
        }
    }
}

/// What a report is about.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// A lease.
    Lease {
        /// Its id.
        lease: String,
    },
    /// A credential that was used without a lease.
    Credential {
        /// Its pool.
        pool: String,
        /// The profile in whose words it is named; the client's own if `None`.
        #[serde(skip_serializing_if = "Option::is_none")]
        profile: Option<String>,
        /// Its id or its label.
        credential: String,
        /// Its epoch when it was used.
        epoch: String,
    },
}

/// `report_error`: something went wrong with a credential.
#[derive(Clone, Debug, Serialize)]
pub struct ReportRequest {
    #[serde(flatten)]
    subject: Subject,
    #[serde(flatten)]
    failure: Failure,
    #[serde(skip_serializing_if = "is_first")]
    report: u64,
    #[serde(skip_serializing_if = "is_no")]
    keep: bool,
}

impl ReportRequest {
    /// The first failure of this lease, or a failure without a lease.
    #[must_use]
    pub fn new(subject: Subject, failure: Failure) -> Self {
        Self { subject, failure, report: 1, keep: false }
    }

    /// Which failure of its lease this is, from 1 to 64. The same number again is the same report
    /// again.
    #[must_use]
    pub fn number(mut self, report: u64) -> Self {
        self.report = report;
        self
    }

    /// Lets the lease go on.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Cuts the ends of body and message, in this order, until the request's line has at most `bytes`
    /// bytes. [`Client::report_error`](crate::Client::report_error) does so by itself.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] if it is still longer without them; [`Error::Unwritable`].
    pub fn fit(&mut self, bytes: usize) -> Result<(), Error> {
        let length = self.to_line().map_err(Error::Unwritable)?.len();
        if length <= bytes || self.shorten(length - bytes) {
            return Ok(());
        }
        Err(Error::TooLong { bytes: length, limit: bytes })
    }

    /// Whether the next lease would be detached; `None` if it would be so as the lease that failed is.
    pub(crate) fn next_is_detached(&self) -> Option<bool> {
        match &self.failure.next {
            Next::No => Some(false),
            Next::Same => None,
            Next::With(options) => Some(options.is_detached()),
        }
    }

    /// Cuts body and message, in this order, until the line is `excess` bytes shorter. `false` if
    /// there isn't as much to cut.
    pub(crate) fn shorten(&mut self, mut excess: usize) -> bool {
        for text in [&mut self.failure.body, &mut self.failure.message].into_iter().flatten() {
            while excess > 0
                && let Some(last) = text.pop()
            {
                excess = excess.saturating_sub(bytes_on_the_line(last));
            }
        }
        excess == 0
    }
}

/// How many bytes a character takes inside a JSON string, as serde_json writes it.
fn bytes_on_the_line(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' => 6,
        _ => character.len_utf8(),
    }
}

impl Call for ReportRequest {
    const OP: &'static str = "report_error";

    fn may_be_repeated(&self) -> bool {
        // The daemon knows the reports about a lease by their numbers.
        matches!(self.subject, Subject::Lease { .. })
    }

    fn waits_for(&self) -> Duration {
        match &self.failure.next {
            Next::With(options) => options.waits_for(),
            Next::No | Next::Same => Duration::ZERO,
        }
    }

    fn default_profile(&mut self, profile: &str) {
        if let Subject::Credential { profile: named, .. } = &mut self.subject {
            named.get_or_insert_with(|| profile.to_owned());
        }
        if let Next::With(options) = &mut self.failure.next {
            options.default_profile(profile);
        }
    }
}

/// How the request went that a lease was for.
#[derive(Clone, Debug, Serialize)]
pub struct Ending {
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
}

impl Ending {
    /// It went like this.
    #[must_use]
    pub fn new(outcome: Outcome) -> Self {
        Self { outcome, status: None, headers: BTreeMap::new(), usage: None }
    }

    /// The HTTP status, from 100 to 999.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// One of the response's headers: successes tell what is left of a quota, too.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.entry(name.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// What it cost.
    #[must_use]
    pub fn usage(mut self, input_tokens: u64, output_tokens: u64) -> Self {
        self.usage = Some(Usage { input_tokens, output_tokens });
        self
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self::new(outcome)
    }
}

/// `release`: a lease is not needed any more.
#[derive(Clone, Debug, Serialize)]
pub struct ReleaseRequest {
    lease: String,
    #[serde(flatten)]
    ending: Ending,
}

impl ReleaseRequest {
    /// This lease, used like this.
    pub fn new(lease: impl Into<String>, ending: impl Into<Ending>) -> Self {
        Self { lease: lease.into(), ending: ending.into() }
    }
}

impl Call for ReleaseRequest {
    const OP: &'static str = "release";

    fn may_be_repeated(&self) -> bool {
        true
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_first(report: &u64) -> bool {
    *report == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_no(keep: &bool) -> bool {
    !*keep
}
