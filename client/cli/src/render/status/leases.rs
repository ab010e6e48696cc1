//! Who holds leases, and who waits for one.

use credpool_client::proto::status::{Holder, LeaseOut, PoolStatus, Waiter};
use credpool_client::proto::words::Class;

use super::super::style::{FAINT, PLAIN, STRONG, paint};
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
    let nobody = if lease.detached { "detached" } else { "cut off" };
    let left = for_people(lease.expires_at_ms.saturating_sub(now_ms));
    let marks = [(lease.probe, "probe"), (lease.session, "session")];
    let marks = marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark);
    Row {
        cells: [
            Cell::plain(lease.number.to_string()),
            who(lease.holder.as_ref(), nobody),
            pid(lease.holder.as_ref()),
            Cell::plain(for_people(lease.held_ms)),
            Cell::plain(left),
            Cell::plain(what_for(lease.model.as_deref(), lease.class, marks)),
            Cell::new(clean(&lease.credential), FAINT),
        ],
        notes: Vec::new(),
    }
}

fn waiter(waiter: &Waiter<'_>) -> Row<6> {
    Row {
        cells: [
            Cell::plain(waiter.position.to_string()),
            who(waiter.holder.as_ref(), "gone"),
            pid(waiter.holder.as_ref()),
            Cell::plain(for_people(waiter.waited_ms)),
            Cell::plain(waiter.estimate_ms.map_or_else(|| "-".to_owned(), for_people)),
            Cell::plain(what_for(waiter.model.as_deref(), waiter.class, [])),
        ],
        notes: Vec::new(),
    }
}

fn who(holder: Option<&Holder<'_>>, nobody: &str) -> Cell {
    match holder {
        None => Cell::new(nobody, FAINT),
        Some(Holder { client: Some(client), .. }) => Cell::plain(clean(client)),
        Some(Holder { uid, .. }) => Cell::new(format!("of uid {uid}"), PLAIN),
    }
}

fn pid(holder: Option<&Holder<'_>>) -> Cell {
    Cell::plain(holder.and_then(|holder| holder.pid).map_or_else(|| "-".to_owned(), |pid| pid.to_string()))
}

/// As in `gpt-5.5, background`; the model first, and what is usual left out.
fn what_for<'a>(model: Option<&'a str>, class: Class, marks: impl IntoIterator<Item = &'a str>) -> String {
    let class = Some("background").filter(|_| class == Class::Background);
    let words = model.map(clean).into_iter().chain(class.map(Into::into));
    words.chain(marks.into_iter().map(Into::into)).collect::<Vec<_>>().join(", ")
}
