//! Who holds leases, and who waits for one.

use credpool_client::proto::status::{Holder, LeaseOut, PoolStatus, Waiter};
use credpool_client::proto::words::Class;

use super::super::style::{FAINT, STRONG, paint};
use super::super::table::{self, Cell, Column, Row};
use super::super::time::for_people;
use super::super::{WIDTH, clean};

const LEASES: [Column; 7] = [
    Column { heading: "LEASE", right: true, shrinks_to: None },
    Column { heading: "HOLDER", right: false, shrinks_to: Some(12) },
    Column { heading: "PID", right: true, shrinks_to: None },
    Column { heading: "HELD", right: true, shrinks_to: None },
    Column { heading: "LEFT", right: true, shrinks_to: None },
    Column { heading: "FOR", right: false, shrinks_to: Some(10) },
    Column { heading: "ID", right: false, shrinks_to: None },
];

const WAITERS: [Column; 6] = [
    Column { heading: "PLACE", right: true, shrinks_to: None },
    Column { heading: "WAITS", right: false, shrinks_to: Some(12) },
    Column { heading: "PID", right: true, shrinks_to: None },
    Column { heading: "SO FAR", right: true, shrinks_to: None },
    Column { heading: "YET ABOUT", right: true, shrinks_to: None },
    Column { heading: "FOR", right: false, shrinks_to: Some(10) },
];

/// Nothing where leases were not asked for.
pub(super) fn render(out: &mut String, pool: &PoolStatus<'_>, now_ms: u64) {
    let Some(leases) = &pool.leases_out else { return };
    let rows: Vec<_> = leases.page.iter().map(|lease| self::lease(lease, now_ms)).collect();
    section(out, "leases out", &LEASES, &rows);
    let rows: Vec<_> = pool.line.iter().map(waiter).collect();
    section(out, "waiting", &WAITERS, &rows);
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if pool.waiters > shown {
        out.push_str(&format!("  {}\n", paint(FAINT, format!("and {} more", pool.waiters - shown))));
    }
}

fn section<const N: usize>(out: &mut String, title: &str, columns: &[Column; N], rows: &[Row<N>]) {
    let none = if rows.is_empty() { "  none" } else { "" };
    out.push_str(&format!("{}{none}\n", paint(STRONG, title)));
    if !rows.is_empty() {
        out.push_str(&table::render(columns, rows, WIDTH));
    }
}

fn lease(lease: &LeaseOut<'_>, now_ms: u64) -> Row<7> {
    Row {
        cells: [
            Cell::plain(lease.number.to_string()),
            Cell::plain(who(lease.holder.as_ref(), nobody(lease))),
            Cell::plain(pid(lease.holder.as_ref())),
            Cell::plain(for_people(lease.held_ms)),
            Cell::plain(for_people(lease.expires_at_ms.saturating_sub(now_ms))),
            Cell::plain(lease_for(lease)),
            Cell::new(clean(&lease.credential), FAINT),
        ],
        notes: Vec::new(),
    }
}

fn waiter(waiter: &Waiter<'_>) -> Row<6> {
    Row {
        cells: [
            Cell::plain(waiter.position.to_string()),
            Cell::plain(who(waiter.holder.as_ref(), "gone")),
            Cell::plain(pid(waiter.holder.as_ref())),
            Cell::plain(for_people(waiter.waited_ms)),
            Cell::plain(waiter.estimate_ms.map_or_else(|| "-".to_owned(), for_people)),
            Cell::plain(waiter_for(waiter)),
        ],
        notes: Vec::new(),
    }
}

/// Why a lease has no holder, where it has none.
pub(crate) fn nobody(lease: &LeaseOut<'_>) -> &'static str {
    if lease.detached { "detached" } else { "cut off" }
}

/// Who that is; `nobody` where there is none.
pub(crate) fn who(holder: Option<&Holder<'_>>, nobody: &str) -> String {
    match holder {
        None => nobody.to_owned(),
        Some(Holder { client: Some(client), .. }) => clean(client).into_owned(),
        Some(Holder { uid, .. }) => format!("of uid {uid}"),
    }
}

/// Its process, where that is known.
pub(crate) fn pid(holder: Option<&Holder<'_>>) -> String {
    holder.and_then(|holder| holder.pid).map_or_else(|| "-".to_owned(), |pid| pid.to_string())
}

/// As in `gpt-5.5, background, probe`: what is usual is left out.
pub(crate) fn lease_for(lease: &LeaseOut<'_>) -> String {
    what_for(lease.model.as_deref(), lease.class, [(lease.probe, "probe"), (lease.session, "session")])
}

/// The same of what somebody waits for.
pub(crate) fn waiter_for(waiter: &Waiter<'_>) -> String {
    what_for(waiter.model.as_deref(), waiter.class, [])
}

fn what_for<const N: usize>(model: Option<&str>, class: Class, marks: [(bool, &str); N]) -> String {
    let marks = [(class == Class::Background, "background")].into_iter().chain(marks);
    let marks = marks.filter(|(is_so, _)| *is_so).map(|(_, mark)| mark.into());
    model.map(clean).into_iter().chain(marks).collect::<Vec<_>>().join(", ")
}
