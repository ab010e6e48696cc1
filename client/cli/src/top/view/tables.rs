//! The four tables: credentials, leases, who waits, what happened.

use credpool_client::proto::history::Entry;
use credpool_client::proto::status::{CredentialStatus, Holder, LeaseOut, Waiter};
use ratatui::layout::{Constraint, Layout, Rect};

use super::super::model::Model;
use super::canvas::{Canvas, Cell, Row};
use crate::render::style::{FAINT, PLAIN, of_state};
use crate::render::time::for_people;
use crate::render::{cause_of, clean, history, status, words};

/// Lines that each table has at least, its heading included, if it has as much to show.
const LEAST: [u16; 4] = [6, 3, 3, 3];

/// How wide a bar is.
const BAR: u64 = 8;

/// A heading and what stands under it.
struct Table {
    heading: Row,
    rows: Vec<Row>,
    /// What it says if there is nothing.
    empty: &'static str,
}

impl Table {
    fn wants(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).saturating_add(1)
    }
}

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    // What a wider screen has more goes to the names.
    let name = 12 + (area.width.saturating_sub(80) / 4).min(20);
    let tables = [credentials(model, name), leases(model, name), waiters(model, name), events(model, name)];
    let heights = heights(area.height, tables.each_ref().map(Table::wants));
    let areas: [Rect; 4] = Layout::vertical(heights.map(Constraint::Length)).areas(area);
    for (table, area) in tables.iter().zip(areas) {
        self::table(canvas, area, table);
    }
}

/// Each table gets its least, then what is left over goes to the first that want more.
fn heights(total: u16, wants: [u16; 4]) -> [u16; 4] {
    let mut heights = [0; 4];
    let mut left = total;
    for most in [LEAST, [u16::MAX; 4]] {
        for ((height, wants), most) in heights.iter_mut().zip(wants).zip(most) {
            let more = wants.min(most).saturating_sub(*height).min(left);
            *height += more;
            left -= more;
        }
    }
    heights
}

fn table(canvas: &mut Canvas<'_>, area: Rect, table: &Table) {
    let mut lines = area.rows();
    let Some(first) = lines.next() else { return };
    if table.rows.is_empty() {
        return canvas.row(first, &Row::of([Cell::rest(table.empty, FAINT)]));
    }
    canvas.row(first, &table.heading);
    let room = usize::from(area.height - 1);
    // What belongs to the selected row, notes included, is in sight.
    let end = table.rows.iter().rposition(|row| row.selected).map_or(0, |last| last + 1);
    let skipped = end.saturating_sub(room);
    let rest = table.rows.len() - skipped;
    let shown = if rest > room { room.saturating_sub(1).max(end - skipped) } else { rest };
    for (row, line) in table.rows.iter().skip(skipped).take(shown).zip(lines.by_ref()) {
        canvas.row(line, row);
    }
    if let Some(line) = lines.next().filter(|_| rest > shown) {
        canvas.row(line, &Row::of([Cell::rest(format!("  … and {} more lines", rest - shown), FAINT)]));
    }
}

// ---- credentials -----------------------------------------------------------------------------------------------

fn credentials(model: &Model, name: u16) -> Table {
    let cursor = model.cursor();
    let rows = model.credentials().into_iter().enumerate().flat_map(|(at, credential)| {
        let notes = status::notes(credential, model.now_ms()).into_iter();
        let notes = notes.map(|note| Row::of([Cell::rest(format!("      └ {note}"), FAINT)]));
        let row = self::credential(model, credential, name, at == cursor);
        std::iter::once(row).chain(notes)
    });
    let heading = cells(name, ["", "STATE", "", "LEFT", "LEASES", "LABEL", "ID", "CAUSE"]);
    Table { heading, rows: rows.collect(), empty: "  no credential" }
}

fn credential(model: &Model, credential: &CredentialStatus<'_>, name: u16, selected: bool) -> Row {
    let (symbol, style) = of_state(credential.state);
    let bar = model.left_permille(&credential.id).filter(|_| credential.until_at_ms.is_some()).map(bar);
    let leases = format!("{}/{}", credential.leases, credential.max_in_flight);
    let lease_style = if credential.leases == 0 { FAINT } else { PLAIN };
    let row = Row::of([
        Cell::fixed(if selected { ">" } else { "" }, 1, PLAIN),
        Cell::fixed(format!("{symbol} {}", words(credential.state.as_str())), 13, style),
        Cell::fixed(bar.unwrap_or_default(), 8, style),
        Cell::fixed(status::left(credential, model.now_ms()), 7, PLAIN).leaning_right(),
        Cell::fixed(leases, 6, lease_style).leaning_right(),
        Cell::fixed(clean(&credential.label), name, PLAIN),
        Cell::fixed(clean(&credential.id), 8, FAINT),
        Cell::rest(credential.cause.as_ref().map(cause_of).unwrap_or_default(), PLAIN),
    ]);
    Row { selected, ..row }
}

/// The heading of the credentials, in their columns.
fn cells(name: u16, [mark, state, bar, left, leases, label, id, cause]: [&str; 8]) -> Row {
    Row::of([
        Cell::fixed(mark, 1, FAINT),
        Cell::fixed(state, 13, FAINT),
        Cell::fixed(bar, 8, FAINT),
        Cell::fixed(left, 7, FAINT).leaning_right(),
        Cell::fixed(leases, 6, FAINT).leaning_right(),
        Cell::fixed(label, name, FAINT),
        Cell::fixed(id, 8, FAINT),
        Cell::rest(cause, FAINT),
    ])
}

/// How much is left, never empty while something is.
fn bar(permille: u64) -> String {
    let full = (permille * BAR).div_ceil(1_000).min(BAR);
    (0..BAR).map(|at| if at < full { '█' } else { '░' }).collect()
}

// ---- leases and waiters ----------------------------------------------------------------------------------------

fn leases(model: &Model, name: u16) -> Table {
    let now_ms = model.now_ms();
    let rows = model.leases().into_iter().map(|(lease, label)| self::lease(lease, label, name, now_ms));
    let heading = held(name, ["LEASE", "HOLDER", "PID", "HELD", "LEFT", "LABEL", "FOR"].map(str::to_owned), FAINT);
    Table { heading, rows: rows.collect(), empty: "  no lease is out" }
}

fn lease(lease: &LeaseOut<'_>, label: &str, name: u16, now_ms: u64) -> Row {
    let label = if label.is_empty() { clean(&lease.credential) } else { clean(label) };
    let texts = [
        lease.number.to_string(),
        status::leases::who(lease.holder.as_ref(), status::leases::nobody(lease)),
        pid(lease.holder.as_ref()),
        for_people(lease.held_ms),
        for_people(lease.expires_at_ms.saturating_sub(now_ms)),
        label.into_owned(),
        status::leases::lease_for(lease),
    ];
    held(name, texts, PLAIN)
}

fn waiters(model: &Model, name: u16) -> Table {
    let rows = model.waiters().into_iter().map(|waiter| self::waiter(waiter, name));
    let heading = held(name, ["WAITS", "WHO", "PID", "SO FAR", "ABOUT", "", "FOR"].map(str::to_owned), FAINT);
    Table { heading, rows: rows.collect(), empty: "  nobody waits" }
}

fn waiter(waiter: &Waiter<'_>, name: u16) -> Row {
    let texts = [
        waiter.position.to_string(),
        status::leases::who(waiter.holder.as_ref(), "gone"),
        pid(waiter.holder.as_ref()),
        for_people(waiter.waited_ms),
        waiter.estimate_ms.map_or_else(|| "-".to_owned(), for_people),
        String::new(),
        status::leases::waiter_for(waiter),
    ];
    held(name, texts, PLAIN)
}

/// Those who have something and those who want it, in the same columns.
fn held(name: u16, [number, who, pid, so_far, yet, label, what_for]: [String; 7], style: anstyle::Style) -> Row {
    Row::of([
        Cell::fixed(number, 7, style).leaning_right(),
        Cell::fixed(who, name + 4, style),
        Cell::fixed(pid, 7, style).leaning_right(),
        Cell::fixed(so_far, 7, style).leaning_right(),
        Cell::fixed(yet, 7, style).leaning_right(),
        Cell::fixed(label, name, style),
        Cell::rest(what_for, style),
    ])
}

fn pid(holder: Option<&Holder<'_>>) -> String {
    status::leases::pid(holder)
}

// ---- what happened ---------------------------------------------------------------------------------------------

fn events(model: &Model, name: u16) -> Table {
    let now_ms = model.now_ms();
    let rows = model.history().into_iter().map(|entry| event(entry, name, now_ms));
    let heading = happened(name, ["AGO", "WHAT", "LEFT", "LABEL", "BY"].map(str::to_owned), FAINT, FAINT);
    Table { heading, rows: rows.collect(), empty: "  nothing has happened that is remembered" }
}

fn event(entry: &Entry<'_>, name: u16, now_ms: u64) -> Row {
    let (what, style) = history::what(entry);
    let label = match &entry.credential {
        Some(named) if named.label.is_empty() => clean(&named.id),
        Some(named) => clean(&named.label),
        None => "the pool".into(),
    };
    let by = [entry.model.as_deref(), entry.rule.as_deref(), entry.note.as_deref()];
    let texts = [
        for_people(now_ms.saturating_sub(entry.at_ms)),
        what,
        history::left(entry, now_ms),
        label.into_owned(),
        by.into_iter().flatten().map(clean).collect::<Vec<_>>().join(", "),
    ];
    happened(name, texts, PLAIN, style)
}

fn happened(
    name: u16,
    [ago, what, left, label, by]: [String; 5],
    plain: anstyle::Style,
    of_what: anstyle::Style,
) -> Row {
    Row::of([
        Cell::fixed(ago, 7, plain).leaning_right(),
        Cell::fixed(what, name + 12, of_what),
        Cell::fixed(left, 7, plain).leaning_right(),
        Cell::fixed(label, name, plain),
        Cell::rest(by, plain),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_screen_goes_to_the_first_that_want_more() {
        assert_eq!(heights(20, [4, 1, 1, 1]), [4, 1, 1, 1]);
        assert_eq!(heights(20, [100, 100, 100, 100]), [11, 3, 3, 3]);
        assert_eq!(heights(20, [4, 100, 1, 100]), [4, 12, 1, 3]);
        assert_eq!(heights(8, [100, 100, 100, 100]), [6, 2, 0, 0]);
    }

    #[test]
    fn a_bar_is_empty_only_when_nothing_is_left() {
        assert_eq!([0, 1, 125, 126, 1_000].map(bar), ["░░░░░░░░", "█░░░░░░░", "█░░░░░░░", "██░░░░░░", "████████"]);
    }
}
