//! `explain`.

use std::fmt::Write as _;

use credpool_client::proto::reply::{Candidate, Explanation, Reason};
use credpool_client::proto::words::Obstacle;

use super::style::{BAD, FAINT, GOOD, STRONG, of_state, paint};
use super::table::{self, Cell, Column, Row};
use super::time::for_people;
use super::{WIDTH, clean, count, restriction, running_out, words};

const COLUMNS: [Column; 4] = [
    Column { heading: "STATE", right: false, shrinks_to: None },
    Column { heading: "IN THE WAY", right: false, shrinks_to: Some(20) },
    Column { heading: "LABEL", right: false, shrinks_to: Some(10) },
    Column { heading: "ID", right: false, shrinks_to: None },
];

/// What would be leased, and what stands in whose way.
pub(crate) fn render(explanation: &Explanation<'_>, now_ms: u64) -> String {
    let mut out = format!("{}: {}\n", clean(&explanation.pool), verdict(explanation, now_ms));
    let rows: Vec<_> = explanation.candidates.iter().map(|candidate| row(candidate, now_ms)).collect();
    if !rows.is_empty() {
        out.push_str(&table::render(&COLUMNS, &rows, WIDTH));
    }
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if explanation.total > shown {
        let _ =
            writeln!(out, "  {}", paint(FAINT, format!("and {}", count(explanation.total - shown, "more credential"))));
    }
    out
}

fn verdict(explanation: &Explanation<'_>, now_ms: u64) -> String {
    let model = explanation.model.as_ref().map(|model| format!(" for {}", clean(model))).unwrap_or_default();
    match (&explanation.choice, explanation.retry_at_ms) {
        (Some(choice), _) => {
            let probe = if choice.probe { ", as a probe" } else { "" };
            let label = paint(STRONG, clean(&choice.label));
            let by = words(&clean(&choice.chosen_by));
            format!("{label} ({}) would be leased{model}{probe}, chosen by {by}", clean(&choice.id))
        }
        (None, Some(at_ms)) if explanation.would_wait => {
            format!("nothing to lease{model}, so it would wait; perhaps {}", for_people(at_ms.saturating_sub(now_ms)))
        }
        (None, Some(at_ms)) => {
            format!("nothing to lease{model}; try again in {}", for_people(at_ms.saturating_sub(now_ms)))
        }
        (None, None) => format!("nothing to lease{model}, and no telling when there will be"),
    }
}

fn row(candidate: &Candidate<'_>, now_ms: u64) -> Row<4> {
    let (symbol, style) = of_state(candidate.state);
    let first = match candidate.reasons.first() {
        _ if candidate.eligible => Cell::new("nothing", GOOD),
        Some(reason) => Cell::new(self::reason(reason, candidate, now_ms), BAD),
        None => Cell::new("something", BAD),
    };
    // Whom a restriction covers, and what says so, is in the daemon's sentence alone.
    let told = candidate.reasons.iter().enumerate().filter_map(|(at, reason)| match reason.obstacle {
        Obstacle::Restricted if !reason.message.is_empty() => Some(clean(&reason.message).into_owned()),
        _ => (at > 0).then(|| self::reason(reason, candidate, now_ms)),
    });
    Row {
        cells: [
            Cell::new(format!("{symbol} {}", words(candidate.state.as_str())), style),
            first,
            Cell::plain(clean(&candidate.label)),
            Cell::new(clean(&candidate.id), FAINT),
        ],
        notes: told
            .chain(candidate.quota.as_ref().map(|quota| clean(quota).into_owned()))
            .chain(running_out(candidate.secret_expires_at_ms, now_ms))
            .collect(),
    }
}

fn reason(reason: &Reason<'_>, candidate: &Candidate<'_>, now_ms: u64) -> String {
    match reason.obstacle {
        Obstacle::Restricted => match &reason.restriction {
            Some(each) => restriction(each, now_ms),
            None => "it is restricted".to_owned(),
        },
        Obstacle::AtCap => format!("at its cap: {}", count(candidate.leases, "lease")),
        Obstacle::Excluded => "excluded by the request".to_owned(),
        Obstacle::NotPinned => "another one was asked for".to_owned(),
        Obstacle::Other => "something that this version does not know".to_owned(),
    }
}

#[cfg(test)]
mod tests;
