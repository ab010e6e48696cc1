//! Tables of rules: which failure it was, what it is about, and whether waiting helps.
//!
//! A rule looks at one sort of clue ([`Clue`]): a code says more than words, words more than a mere family of errors,
//! and a status says least. In that order the sorts are asked ([`ORDER`]). Within a table the first rule that applies
//! counts, so what is narrower stands first: quota before rate limit.

mod anthropic;
mod azure;
mod bedrock;
mod cerebras;
mod compatible;
mod copilot;
mod deepseek;
mod general;
mod google;
mod groq;
mod minimax;
mod mistral;
mod openai;
mod openrouter;
mod own;
mod xai;
mod zai;

use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::signals::{Prose, Signals};
use crate::vendor::Vendor;
use crate::verdict::Scope;
use crate::windows::{Draft, QuotaWindow};

/// What a failure is about, and whether only for the request's model.
pub(crate) type Reach = (Scope, bool);

const CREDENTIAL: Reach = (Scope::Credential, false);
const MODEL: Reach = (Scope::Credential, true);
const ACCOUNT: Reach = (Scope::Account, false);
const ACCOUNT_MODEL: Reach = (Scope::Account, true);
const POOL: Reach = (Scope::Pool, false);
const POOL_MODEL: Reach = (Scope::Pool, true);

/// When it is over, as far as the rule knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When the response says. If it does not, nobody knows.
    Hint,
    /// When a person has done something, whatever the response says: an SDK's general `retry-after` pays no bill.
    Person,
    /// When the month is over (UTC), whatever the response says.
    NextMonth,
    /// When the response says, or else when the month is over (UTC).
    HintOrNextMonth,
    /// When the response says, or else when the day is over (UTC).
    HintOrNextDay,
    /// When the response says, or else after this many milliseconds.
    HintOrWithin(u64),
    /// When the response says, or else when the quota's window is over, which its name tells.
    HintOrQuotaWindow,
}

impl Until {
    /// Whether it matters what the response says.
    pub(crate) fn heeds_hints(self) -> bool {
        !matches!(self, Self::Person | Self::NextMonth)
    }
}

/// The sort of clue that a rule looks at, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clue {
    /// One of the rule's codes is there.
    Code,
    /// One of the rule's phrases is in the words for people.
    Words,
    /// One of the rule's codes is there; it names a family of errors, and words may say which.
    Family,
    /// Nothing but the status, or the shape of the response.
    Status,
}

/// In which tables which clues are looked for, one after the other. What a vendor's own table makes of words comes
/// before what codes mean elsewhere.
const ORDER: [(Table, Clue); 8] = [
    (Table::Vendors, Clue::Code),
    (Table::Vendors, Clue::Words),
    (Table::General, Clue::Code),
    (Table::General, Clue::Words),
    (Table::Vendors, Clue::Family),
    (Table::General, Clue::Family),
    (Table::Vendors, Clue::Status),
    (Table::General, Clue::Status),
];

#[derive(Clone, Copy)]
enum Table {
    Vendors,
    General,
}

/// What a rule may look at.
pub(crate) struct Seen<'s> {
    pub(crate) signals: &'s Signals,
    pub(crate) windows: &'s [Draft],
}

/// One line of a table.
pub(crate) struct Rule {
    /// Stable; shown to people, so never reuse one for something else.
    name: &'static str,
    clue: Clue,
    kind: Kind,
    reach: Option<Reach>,
    until: Until,
    /// In lower case; one of them must be a code, or what stands before the colon in one
    /// (`user_global_rate_limited:pro`).
    codes: &'static [&'static str],
    /// In lower case; one of them must be in the words for people.
    words: &'static [&'static str],
    /// The status must be in one of these ranges.
    status: &'static [(u16, u16)],
    /// This must hold, too.
    when: Option<fn(&Seen<'_>) -> bool>,
}

/// A rule that applied.
pub(crate) struct Conclusion {
    pub(crate) rule: &'static str,
    pub(crate) kind: Kind,
    pub(crate) reach: Reach,
    pub(crate) until: Until,
    /// The code or the words that it rests on, if it rests on any.
    pub(crate) evidence: Option<Evidence>,
}

/// The first rule that applies.
pub(crate) fn conclude(vendor: Vendor, seen: &Seen<'_>) -> Option<Conclusion> {
    own::RULES.iter().find_map(|rule| rule.apply(seen)).or_else(|| {
        ORDER.iter().find_map(|(table, clue)| {
            let tables: [&[Rule]; 2] = match table {
                Table::Vendors => [of(vendor), &[]],
                Table::General => [compatible::RULES, general::RULES],
            };
            tables.into_iter().flatten().filter(|rule| rule.clue == *clue).find_map(|rule| rule.apply(seen))
        })
    })
}

/// Whether a window of an hour or more is spent that is a model's, or that is not: more than a matter of pace.
fn spent_long(seen: &Seen<'_>, of_model: bool) -> bool {
    const HOUR_MS: u64 = 60 * 60 * 1_000;
    let windows = seen.windows.iter().map(|draft| &draft.window);
    let long = |window: &&QuotaWindow| window.spent && window.length_ms.is_some_and(|length| length >= HOUR_MS);
    windows.filter(long).any(|window| window.model == of_model)
}

/// Words for a limit of a day, as most vendors put it.
const DAILY: &[&str] = &["(rpd)", "(tpd)", "(asd)", "per day", "daily"];

fn is_daily(seen: &Seen<'_>) -> bool {
    DAILY.iter().any(|words| seen.signals.says(words))
}

/// A vendor's own table.
fn of(vendor: Vendor) -> &'static [Rule] {
    match vendor {
        Vendor::OpenAi | Vendor::Codex => openai::RULES,
        Vendor::Azure => azure::RULES,
        Vendor::Anthropic => anthropic::RULES,
        Vendor::Gemini | Vendor::Vertex | Vendor::CodeAssist => google::RULES,
        Vendor::OpenRouter => openrouter::RULES,
        Vendor::Groq => groq::RULES,
        Vendor::Mistral => mistral::RULES,
        Vendor::Xai => xai::RULES,
        Vendor::DeepSeek => deepseek::RULES,
        Vendor::Cerebras => cerebras::RULES,
        Vendor::Bedrock => bedrock::RULES,
        Vendor::Copilot => copilot::RULES,
        Vendor::Zai => zai::RULES,
        Vendor::MiniMax => minimax::RULES,
        Vendor::Other => &[],
    }
}

/// What a kind is about unless a rule knows better. What is the provider's or the network's fault is about the pool, as
/// evidence: it takes several such reports to restrict it.
pub(crate) fn usual_reach(kind: Kind) -> Reach {
    match kind {
        Kind::RateLimit | Kind::Quota | Kind::Billing => ACCOUNT,
        Kind::Auth | Kind::Dead | Kind::Forbidden => CREDENTIAL,
        Kind::Model => MODEL,
        Kind::Overloaded | Kind::Server | Kind::Edge | Kind::Network => POOL,
        Kind::Request | Kind::Cancelled | Kind::Unknown => (Scope::None, false),
    }
}

impl Rule {
    const fn new(name: &'static str, clue: Clue, kind: Kind) -> Self {
        Self { name, clue, kind, reach: None, until: Until::Hint, codes: &[], words: &[], status: &[], when: None }
    }

    /// A rule for structured codes.
    const fn code(name: &'static str, codes: &'static [&'static str], kind: Kind) -> Self {
        Self { codes, ..Self::new(name, Clue::Code, kind) }
    }

    /// A rule for what people are told.
    const fn words(name: &'static str, words: &'static [&'static str], kind: Kind) -> Self {
        Self { words, ..Self::new(name, Clue::Words, kind) }
    }

    /// A rule for what people are told where that is as good as a code.
    const fn sentence(name: &'static str, words: &'static [&'static str], kind: Kind) -> Self {
        Self { words, ..Self::new(name, Clue::Code, kind) }
    }

    /// A rule for codes that stand for a whole family of errors.
    const fn family(name: &'static str, codes: &'static [&'static str], kind: Kind) -> Self {
        Self { codes, ..Self::new(name, Clue::Family, kind) }
    }

    /// A rule for a status and nothing else.
    const fn status(name: &'static str, status: &'static [(u16, u16)], kind: Kind) -> Self {
        Self { status, ..Self::new(name, Clue::Status, kind) }
    }

    /// A rule for something that is as good as a code.
    const fn shape(name: &'static str, when: fn(&Seen<'_>) -> bool, kind: Kind) -> Self {
        Self { when: Some(when), ..Self::new(name, Clue::Code, kind) }
    }

    const fn reach(self, reach: Reach) -> Self {
        Self { reach: Some(reach), ..self }
    }

    const fn until(self, until: Until) -> Self {
        Self { until, ..self }
    }

    const fn saying(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn with_status(self, status: &'static [(u16, u16)]) -> Self {
        Self { status, ..self }
    }

    const fn when(self, when: fn(&Seen<'_>) -> bool) -> Self {
        Self { when: Some(when), ..self }
    }

    /// Whether it restricts something by nothing but words, which must be the error's own, then, and not what it repeats
    /// of a request.
    fn restricts_by_words(&self) -> bool {
        self.codes.is_empty() && !matches!(self.kind, Kind::Request | Kind::Edge | Kind::Cancelled | Kind::Unknown)
    }

    fn apply(&self, seen: &Seen<'_>) -> Option<Conclusion> {
        let signals = seen.signals;
        let in_range =
            |(first, last): &(u16, u16)| signals.status.is_some_and(|status| (*first..=*last).contains(&status));
        if !self.status.is_empty() && !self.status.iter().any(in_range) {
            return None;
        }
        let code = match self.codes {
            [] => None,
            codes => Some(signals.codes.iter().find(|code| {
                let prefix = code.value.split(':').next().unwrap_or_default();
                codes.iter().any(|known| *known == code.value || *known == prefix)
            })?),
        };
        let words = match self.words {
            [] => None,
            _ if self.restricts_by_words() && signals.blames_the_request() => return None,
            words => Some(words.iter().find_map(|words| {
                let is_sentence = self.clue != Clue::Words;
                let only_own = self.restricts_by_words() && !is_sentence && signals.may_repeat_the_request();
                let says = |prose: &&Prose| if only_own { &prose.own } else { &prose.text }.contains(words);
                let prose = signals.prose.iter().find(says)?;
                Some((prose.source, *words))
            })?),
        };
        if self.when.is_some_and(|holds| !holds(seen)) {
            return None;
        }
        let evidence = match (code, words) {
            (Some(code), _) => Some(Evidence::new(code.source, &code.value)),
            (None, Some((source, words))) => Some(Evidence::new(source, words)),
            (None, None) => None,
        };
        let reach = self.reach.unwrap_or_else(|| usual_reach(self.kind));
        Some(Conclusion { rule: self.name, kind: self.kind, reach, until: self.until, evidence })
    }
}

#[cfg(test)]
mod generated;
