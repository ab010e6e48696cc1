//! `auth list`: the definitions, in their order, and what became of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use credpool_client::proto::status::{CredentialStatus, Status};

use super::status::{definitions, left, notes, state};
use super::style::{FAINT, STRONG, paint};
use super::table::{self, Cell, Column, Row};
use super::{WIDTH, cause_of, clean, count, restriction};

const COLUMNS: [Column; 8] = [
    Column { heading: "#", right: true, shrinks_to: None },
    Column { heading: "", right: false, shrinks_to: None },
    Column { heading: "LABEL", right: false, shrinks_to: Some(12) },
    Column { heading: "AUTH", right: false, shrinks_to: None },
    Column { heading: "SOURCE", right: false, shrinks_to: Some(8) },
    Column { heading: "STATE", right: false, shrinks_to: None },
    Column { heading: "LEFT", right: true, shrinks_to: None },
    // Whole, since it is there to be copied.
    Column { heading: "ID", right: false, shrinks_to: None },
];

/// All pages of a status, put together; and of each pool, the id of the credential that is leased next, if any can be.
pub(crate) fn render(status: &Status<'_>, next: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) -> String {
    let mut out = String::new();
    definitions(&mut out, &status.definitions, status.now_at_ms);
    for pool in &status.pools {
        if !out.is_empty() {
            out.push('\n');
        }
        let credentials = count(pool.total, "credential");
        let _ = writeln!(out, "{}  {credentials}, {}", paint(STRONG, clean(&pool.name)), clean(&pool.strategy));
        for each in &pool.restrictions {
            let whole = each.model.as_ref().map_or("the whole pool".into(), |model| clean(model));
            let _ = writeln!(out, "  {whole}: {}", restriction(each, status.now_at_ms));
        }
        let next = next.get(&pool.name);
        let rows = (1..).zip(&pool.credentials).map(|(number, credential)| {
            let is_next = next.is_some_and(|next| *next == credential.id);
            row(number, credential, is_next, status.now_at_ms)
        });
        out.push_str(&table::render(&COLUMNS, &rows.collect::<Vec<_>>(), WIDTH));
    }
    if status.pools.is_empty() {
        out.push_str("There is no pool: no definition has been read.\n");
    }
    out
}

fn row(number: usize, credential: &CredentialStatus<'_>, is_next: bool, now_ms: u64) -> Row<8> {
    let cause = credential.cause.as_ref().map(cause_of);
    let leases = Some(credential.leases).filter(|leases| *leases > 0).map(|leases| count(leases, "lease") + " out");
    Row {
        cells: [
            Cell::new(number.to_string(), FAINT),
            Cell::plain(if is_next { "←" } else { "" }),
            Cell::plain(clean(&credential.label)),
            Cell::plain(clean(&credential.auth_type)),
            Cell::plain(clean(&credential.source)),
            state(credential),
            Cell::plain(left(credential, now_ms)),
            Cell::new(clean(&credential.id), FAINT),
        ],
        notes: cause.into_iter().chain(notes(credential, now_ms)).chain(leases).collect(),
    }
}

#[cfg(test)]
mod tests;
