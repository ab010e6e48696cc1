//! Tables of rules: the first one that applies names the kind.

mod general;

use crate::kind::Kind;
use crate::signals::{Code, Signals};

/// One line of a table.
pub(crate) struct Rule {
    /// Stable; shown to people, so never reuse one for something else.
    name: &'static str,
    when: When,
    kind: Kind,
}

/// When a rule applies.
enum When {
    /// The status is in this range.
    Status(u16, u16),
    /// One of the structured codes is among these, whatever the status.
    Code(&'static [&'static str]),
    /// Both: this status, and one of these codes.
    StatusAndCode(u16, &'static [&'static str]),
}

/// A rule that applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conclusion<'s> {
    pub(crate) rule: &'static str,
    pub(crate) kind: Kind,
    /// The code that it rests on, if it rests on one.
    pub(crate) code: Option<&'s Code>,
}

/// The first rule that applies. A vendor's table will come before the general one.
pub(crate) fn conclude(signals: &Signals) -> Option<Conclusion<'_>> {
    general::RULES.iter().find_map(|rule| rule.apply(signals))
}

impl Rule {
    fn apply<'s>(&self, signals: &'s Signals) -> Option<Conclusion<'s>> {
        let code = match self.when {
            When::Status(first, last) => {
                signals.status.filter(|status| (first..=last).contains(status))?;
                None
            }
            When::Code(codes) => Some(one_of(codes, signals)?),
            When::StatusAndCode(status, codes) => {
                signals.status.filter(|actual| *actual == status)?;
                Some(one_of(codes, signals)?)
            }
        };
        Some(Conclusion { rule: self.name, kind: self.kind, code })
    }
}

fn one_of<'s>(codes: &[&str], signals: &'s Signals) -> Option<&'s Code> {
    signals.codes.iter().find(|code| codes.contains(&code.value.as_str()))
}
