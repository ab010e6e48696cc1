//! Quota windows: what the headers of a response, good or bad, say is left.
//!
//! Each family of headers has a reader of its own; a reader fills [`Draft`]s. A window that reads "nothing left" is
//! *spent*, and only a spent window is a reason to wait.

mod anthropic;
mod codex;
mod copilot;
mod ratelimit;
mod structured;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::evidence::Evidence;
use crate::facts::{Context, Facts};
use crate::hints::{self, Clock, Found, Hint, Moment, Worth};
use crate::kind::Kind;
use crate::signals::Signals;
use crate::vendor::Vendor;
pub(crate) use codex::is_of_a_family;

/// The most windows that are read from one response. No vendor reports more than eight.
pub const MAX_WINDOWS: usize = 16;

/// The longest name of a window, in bytes.
pub const MAX_WINDOW_NAME_BYTES: usize = 48;

/// The rule by which a window that is spent restricts before anything has been refused.
pub const SPENT_RULE: &str = "window.spent";

/// Into how many parts a bucket is thought to be divided: once one of them is there again, requests get through.
const PARTS: u64 = 10;

/// From this length on, a window is a quota's and no rate limit's.
const LONG_MS: u64 = 60 * 60 * 1_000;

/// A window that has no name and begins anew sooner is taken for a rate limit's.
const SOON_MS: u64 = 60 * 1_000;

/// Higher shares of use are shown as this: ten times the limit.
const MAX_PERMILLE: f64 = 10_000.0;

/// One window of use that a response reports.
///
/// All that is known of it is optional, as vendors report very different things: OpenAI counts requests and tokens,
/// Codex and Anthropic's subscriptions say how many per cent are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaWindow {
    /// The vendor's name for it, stable between responses: `requests`, `input-tokens`, `5h`, `primary`,
    /// `codex-bengalfox.primary`, `weekly`. Lower case; at most [`MAX_WINDOW_NAME_BYTES`] of letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Whether it counts the use of the request's model (or its family) only. Otherwise it is the whole account's.
    pub model: bool,
    /// The family of models whose use it counts, in lower case, if the request's model is not known to be one of them:
    /// the limit's own name for it, at most [`MAX_WINDOW_NAME_BYTES`] long. Such a window is there to be shown: it is
    /// never `spent`, and not this `model`'s.
    pub family: Option<String>,
    /// How much there is in all.
    pub limit: Option<u64>,
    /// How much is left.
    pub remaining: Option<u64>,
    /// How much is used, in thousandths of the limit, rounded down; above 1,000 if more was used than that. At most
    /// 10,000.
    pub used_permille: Option<u32>,
    /// How long the window is, in milliseconds.
    pub length_ms: Option<u64>,
    /// When it begins anew or, if it `refills`, when it will be full again.
    pub resets: Option<Hint>,
    /// Whether it fills up bit by bit, as a bucket does. Then requests get through long before it is full.
    pub refills: bool,
    /// Whether nothing is left: the next request will be refused.
    pub spent: bool,
    /// What follows if it is spent, and has not begun anew since.
    pub wait: Option<Wait>,
}

/// How long it makes no sense to ask, and what says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What a refusal by it would be: [`Kind::RateLimit`] if it is over within minutes, else [`Kind::Quota`].
    pub kind: Kind,
    /// Until the window begins anew; or, if it refills, until a tenth of it is there again, and one whole unit at least.
    /// `None` if it does not say.
    pub until: Option<Hint>,
    /// Its reset, where it stood; without one, what says that it is spent.
    pub evidence: Evidence,
}

/// Every quota window that a response's headers report, in the order of their names; at most [`MAX_WINDOWS`].
///
/// For successes as well as for failures. Read are `facts.headers` and what a body repeats of them, as OpenRouter's
/// errors and Codex' events do. A window whose numbers are no numbers, or negative (Azure's Responses API is known to
/// send `-1`), is left out.
#[must_use]
pub fn quota_windows(facts: &Facts<'_>, context: &Context<'_>) -> Vec<QuotaWindow> {
    let signals = Signals::read(facts);
    let vendor = Vendor::of(context, &signals);
    let clock = hints::clock(&signals, vendor, context.now_wall_ms);
    finished(read(&signals, vendor, facts.model, clock), facts, clock)
}

/// The windows that are of use to somebody.
pub(crate) fn finished(drafts: Vec<Draft>, facts: &Facts<'_>, clock: Clock) -> Vec<QuotaWindow> {
    let finished = drafts.into_iter().filter(Draft::is_of_use).map(|draft| draft.finished(clock.now_ms));
    // A family's window is the account's for nobody. Buckets are a matter of moments.
    let is_ours = |window: &QuotaWindow| facts.model.is_some() || !window.model || window.refills;
    finished
        .map(|window| if is_ours(&window) { window } else { QuotaWindow { spent: false, wait: None, ..window } })
        .collect()
}

/// A window, and where its reset stood.
pub(crate) struct Draft {
    pub(crate) window: QuotaWindow,
    /// Whether a reset is all that was said of it. In a refusal that is the window that refuses.
    is_bare: bool,
    /// The source and value of what says that it is spent.
    spent_by: Option<(String, String)>,
    /// Whether it has no name that could tell what it counts.
    is_unnamed: bool,
    /// Whether it is not of what the request used. If it was refused nevertheless, this is when that is over.
    is_anothers: bool,
    /// Whether it says when it begins anew, be that past.
    is_dated: bool,
    /// The reset's source and value.
    reset: Option<(String, String, Moment)>,
}

/// Every window in `signals`.
pub(crate) fn read(signals: &Signals, vendor: Vendor, model: Option<&str>, clock: Clock) -> Vec<Draft> {
    let model = model.map(|model| label(model.rsplit('/').next().unwrap_or_default()));
    let mut drafts = Drafts { clock, model, drafts: BTreeMap::new() };
    ratelimit::read(signals, vendor, &mut drafts);
    structured::read(signals, &mut drafts);
    anthropic::read(signals, &mut drafts);
    codex::read(signals, &mut drafts);
    copilot::read(signals, &mut drafts);
    let mut drafts: Vec<Draft> = drafts.drafts.into_values().collect();
    // Those of all models matter most, and those of other families least.
    drafts.sort_by_key(|draft| (draft.window.family.is_some(), draft.window.model));
    drafts.truncate(MAX_WINDOWS);
    drafts.sort_by(|one, other| one.window.name.cmp(&other.window.name));
    drafts
}

/// The resets of the windows that are spent, or seem to be.
pub(crate) fn hints(drafts: &[Draft]) -> impl Iterator<Item = Found> {
    drafts.iter().filter(|draft| draft.window.spent || draft.is_bare).filter_map(|draft| {
        let (source, raw, moment) = draft.reset.clone()?;
        let worth = if draft.window.refills { Worth::Refilled } else { Worth::Stated };
        Some(Found { moment, source: Cow::Owned(source), raw, worth })
    })
}

/// The windows found so far.
struct Drafts {
    clock: Clock,
    /// The model that was asked for, as a [`label`].
    model: Option<String>,
    drafts: BTreeMap<String, Draft>,
}

impl Drafts {
    /// The window of this name; `None` if it is no proper name. There are no more than there are headers, and of those
    /// only so many are kept.
    fn named(&mut self, name: &str) -> Option<&mut Draft> {
        if !is_proper(name) {
            return None;
        }
        Some(self.drafts.entry(name.to_owned()).or_insert_with(|| Draft::new(name)))
    }
}

impl Draft {
    fn new(name: &str) -> Self {
        let window = QuotaWindow {
            name: name.to_owned(),
            model: false,
            family: None,
            limit: None,
            remaining: None,
            used_permille: None,
            length_ms: None,
            resets: None,
            refills: false,
            spent: false,
            wait: None,
        };
        Self {
            window,
            is_bare: false,
            is_unnamed: false,
            is_anothers: false,
            spent_by: None,
            is_dated: false,
            reset: None,
        }
    }

    /// Nothing is left of it, says a header; of several, the first by name is told.
    fn spends(&mut self, header: &str, value: &str) {
        self.window.spent = true;
        let said = (format!("header:{header}"), value.to_owned());
        self.spent_by = self.spent_by.take().into_iter().chain([said]).min();
    }

    /// Takes the reset in a header's value; of several the latest, and of those the first by name.
    fn resets(&mut self, header: &str, value: &str, clock: Clock) {
        self.is_dated = true;
        let Some(moment) = hints::header_moment(value, clock) else { return };
        let source = format!("header:{header}");
        let later = |(known, _, at): &(String, String, Moment)| {
            let (new_at, known_at) = (moment.at_ms(clock.now_ms), at.at_ms(clock.now_ms));
            new_at > known_at || new_at == known_at && source < *known
        };
        if self.reset.as_ref().is_none_or(later) {
            self.window.resets = Some(moment.into());
            self.reset = Some((source, value.to_owned(), moment));
        }
    }

    /// The window, with what follows if it is spent.
    fn finished(mut self, now_ms: u64) -> QuotaWindow {
        self.window.wait = self.wait(now_ms).filter(|_| self.window.spent);
        self.window
    }

    fn wait(&self, now_ms: u64) -> Option<Wait> {
        let (window, kind) = (&self.window, self.kind(now_ms));
        let Some((source, raw, moment)) = &self.reset else {
            // What says that it has begun anew is not spent, whatever else it says.
            let (source, raw) = self.spent_by.as_ref().filter(|_| !self.is_dated)?;
            return Some(Wait { kind, until: None, evidence: Evidence::new(source.clone(), raw) });
        };
        let until = if window.refills {
            let parts = window.limit.map_or(PARTS, |limit| limit.clamp(1, PARTS));
            let ms = moment.at_ms(now_ms).saturating_sub(now_ms).div_ceil(parts);
            Hint { after_ms: Some(ms.max(1)), at_ms: None }
        } else {
            (*moment).into()
        };
        Some(Wait { kind, until: Some(until), evidence: Evidence::new(source.clone(), raw) })
    }

    /// What is over within minutes is a rate; what takes longer is a quota. Buckets are mostly counted by the minute, and
    /// of what has no name only a reset that is far off says that it is more than a rate.
    fn kind(&self, now_ms: u64) -> Kind {
        let far_off = |(_, _, moment): &(String, String, Moment)| moment.at_ms(now_ms).saturating_sub(now_ms) > SOON_MS;
        let seems_short = || self.window.refills || self.is_unnamed && !self.reset.as_ref().is_some_and(far_off);
        let is_rate = self.window.length_ms.map_or_else(seems_short, |ms| ms < LONG_MS);
        if is_rate { Kind::RateLimit } else { Kind::Quota }
    }

    /// Says how much is used, by the limit and what is left.
    fn weigh(&mut self) {
        if let (Some(limit @ 1..), Some(remaining)) = (self.window.limit, self.window.remaining) {
            let used = u128::from(limit.saturating_sub(remaining)) * 1_000 / u128::from(limit);
            self.window.used_permille = u32::try_from(used).ok();
        }
    }

    /// Makes it the window of a family of models, `own` if the request's model is known to be one of them.
    fn is_of(&mut self, family: &str, own: bool) {
        self.window.model = own;
        self.window.family = (!own).then(|| family.to_owned());
    }

    fn is_of_use(&self) -> bool {
        let window = &self.window;
        let says =
            window.limit.is_some() || window.remaining.is_some() || window.used_permille.is_some() || window.spent;
        says && !self.is_anothers
    }
}

fn is_proper(name: &str) -> bool {
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= MAX_WINDOW_NAME_BYTES && name.bytes().all(proper)
}

/// A name of a model or a family as another may be compared with it: `GPT-5.3-Codex-Spark` is `gpt-5.3-codex-spark`.
fn label(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', ' '], "-")
}

/// A whole number that is not negative.
fn count(value: &str) -> Option<u64> {
    value.trim().parse().ok()
}

/// A share in thousandths of what 1.0 stands for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it has been checked to be small")]
fn permille(value: &str, of_one: f64) -> Option<u32> {
    let share: f64 = value.trim().parse().ok()?;
    // A little more, as 0.29 × 1,000 is less than 290 in floats.
    (share.is_finite() && share >= 0.0).then(|| (share * of_one + 1e-6).min(MAX_PERMILLE) as u32)
}
