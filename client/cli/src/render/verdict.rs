//! What came of a report.

use credpool_client::LeasedCredential;
use credpool_client::proto::reply::{ReportReply, Verdict};
use credpool_client::proto::words::{CredentialState, NotApplied, Scope};

use super::style::{STRONG, of_state, paint};
use super::time::for_people;
use super::{clean, words};

pub(crate) type Reported = ReportReply<'static, LeasedCredential>;

/// The verdict in a line or two.
pub(crate) fn render(reply: &Reported) -> String {
    let verdict = &reply.verdict;
    let kind = words(verdict.kind.as_str());
    let mut out = format!("{}, by rule {}{}\n", paint(STRONG, kind), clean(&verdict.rule), evidence(verdict));
    out.push_str(&if reply.duplicate {
        "Said before: nothing has changed.\n".to_owned()
    } else if reply.applied {
        consequence(verdict)
    } else {
        format!("Nothing has changed: {}.\n", reply.why.map_or("no reason was given", why_not))
    });
    if !reply.duplicate
        && let Some(by) = reply.ended_by
    {
        out.push_str(&format!("The lease had ended before, by {by}.\n"));
    }
    out
}

fn evidence(verdict: &Verdict<'_>) -> String {
    match &verdict.evidence {
        Some(evidence) => format!(" ({} {})", clean(&evidence.source), clean(&evidence.raw)),
        None => String::new(),
    }
}

fn consequence(verdict: &Verdict<'_>) -> String {
    let model = verdict.model.as_deref().map(clean).unwrap_or_default();
    let what = match verdict.scope {
        Scope::Credential => "The credential".to_owned(),
        Scope::Model => format!("The credential, for {model},"),
        Scope::Account => "The account".to_owned(),
        Scope::AccountModel => format!("The account, for {model},"),
        Scope::Pool => "The pool".to_owned(),
        Scope::PoolModel => format!("The pool, for {model},"),
        Scope::None | Scope::Other => "Nothing".to_owned(),
    };
    let until = match verdict.retry_after_ms {
        Some(ms) => format!("for {}", for_people(ms)),
        None if verdict.state == CredentialState::Ready => return format!("{what} is restricted.\n"),
        None => "until a person helps".to_owned(),
    };
    let (symbol, style) = of_state(verdict.state);
    let state = paint(style, format!("{symbol} {}", words(verdict.state.as_str())));
    format!("{what} is restricted {until}; the credential is {state}.\n")
}

pub(super) fn why_not(why: NotApplied) -> &'static str {
    match why {
        NotApplied::StaleSecret => "the report is about a secret that has been replaced",
        NotApplied::ClearedSince => "the credential has been cleared since it was leased",
        NotApplied::NotTheCredentialsFault => "it is not the credential's fault",
        NotApplied::AlreadyRestricted => "it is restricted as long already",
        NotApplied::Other => "for a reason that this version does not know",
    }
}

#[cfg(test)]
mod tests;
