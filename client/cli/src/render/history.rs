//! `history`.

use anstyle::Style;
use credpool_client::proto::history::{Entry, History};
use credpool_client::proto::words::{HistoryEvent, Scope};

use super::style::{BAD, FAINT, GOOD, ODD, PLAIN, paint};
use super::table::{self, Cell, Column, Row};
use super::time::for_people;
use super::verdict::why_not;
use super::{SPENT, WIDTH, clean, count, describe};

const COLUMNS: [Column; 6] = [
    Column { heading: "AGO", right: true, shrinks_to: None },
    Column { heading: "WHAT", right: false, shrinks_to: Some(20) },
    Column { heading: "OF", right: false, shrinks_to: None },
    Column { heading: "LEFT", right: true, shrinks_to: None },
    Column { heading: "LABEL", right: false, shrinks_to: Some(10) },
    // Whole: labels may be the same, and this is there to be copied.
    Column { heading: "ID", right: false, shrinks_to: None },
];

/// What happened, the latest first.
pub(crate) fn render(history: &History<'_>, now_ms: u64) -> String {
    if history.entries.is_empty() {
        return format!("{}: nothing is remembered\n", clean(&history.pool));
    }
    let rows: Vec<_> = history.entries.iter().map(|entry| row(entry, now_ms)).collect();
    let mut out = table::render(&COLUMNS, &rows, WIDTH);
    if history.more {
        out.push_str(&format!("  {}\n", paint(FAINT, "and more: see --limit")));
    }
    out
}

fn row(entry: &Entry<'_>, now_ms: u64) -> Row<6> {
    let (what, style) = what(entry);
    let label = entry.credential.as_ref().map(|name| clean(&name.label));
    Row {
        cells: [
            Cell::new(for_people(now_ms.saturating_sub(entry.at_ms)), FAINT),
            Cell::new(what, style),
            Cell::plain(scope(entry.scope)),
            Cell::plain(left(entry, now_ms)),
            Cell::plain(label.unwrap_or("the whole pool".into())),
            Cell::new(entry.credential.as_ref().map(|name| clean(&name.id)).unwrap_or_default(), FAINT),
        ],
        notes: notes(entry),
    }
}

/// What happened, and how that looks.
pub(crate) fn what(entry: &Entry<'_>) -> (String, Style) {
    match entry.event {
        HistoryEvent::Reported | HistoryEvent::Imported => {
            let style = if entry.applied == Some(false) { FAINT } else { BAD };
            (describe(entry.kind.as_deref().unwrap_or("unknown"), entry.status, None), style)
        }
        HistoryEvent::Spent => {
            (format!("used up, {}", describe(entry.kind.as_deref().unwrap_or("unknown"), None, None)), BAD)
        }
        HistoryEvent::Recovered => ("recovered".to_owned(), GOOD),
        HistoryEvent::Paused => {
            let kind = entry.kind.as_deref().unwrap_or("unknown");
            (format!("pool paused, {}", describe(kind, None, None)), BAD)
        }
        HistoryEvent::Cleared => ("cleared".to_owned(), GOOD),
        HistoryEvent::Disabled => ("disabled".to_owned(), ODD),
        HistoryEvent::Enabled => ("enabled".to_owned(), GOOD),
        HistoryEvent::Other => ("something that this version does not know".to_owned(), PLAIN),
    }
}

/// How much is left of what it led to.
pub(crate) fn left(entry: &Entry<'_>, now_ms: u64) -> String {
    match entry.until_at_ms.map(|at_ms| at_ms.saturating_sub(now_ms)) {
        Some(0) => "over".to_owned(),
        Some(ms) => for_people(ms),
        None => "-".to_owned(),
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Credential => "credential",
        Scope::Model => "model",
        Scope::Account => "account",
        Scope::AccountModel => "account, model",
        Scope::Pool => "pool",
        Scope::PoolModel => "pool, model",
        Scope::None => "nothing",
        Scope::Other => "?",
    }
}

fn notes(entry: &Entry<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(rule) = &entry.rule {
        let evidence = entry.evidence.as_ref();
        let evidence = evidence.map(|evidence| format!(" ({} {})", clean(&evidence.source), clean(&evidence.raw)));
        let again = match entry.strikes {
            Some(strikes @ 2..) => format!(", {strikes} times in a row"),
            _ => String::new(),
        };
        let by = if rule == SPENT { "a response said so".to_owned() } else { format!("by rule {}", clean(rule)) };
        notes.push(format!("{by}{}{again}", evidence.unwrap_or_default()));
    }
    if entry.event == HistoryEvent::Imported {
        notes.push("noted by Hermes in auth.json".to_owned());
    }
    if entry.applied == Some(false) {
        notes.push(format!("nothing has changed: {}", entry.why.map_or("no reason was given", why_not)));
    }
    if let Some(lifted) = entry.lifted {
        notes.push(format!("{} lifted", count(lifted, "restriction")));
    }
    notes.extend(entry.model.as_ref().map(|model| format!("model {}", clean(model))));
    notes.extend(entry.note.as_ref().map(|note| clean(note).into_owned()));
    notes
}

#[cfg(test)]
mod tests;
