//! What lies over the tables while it is read.

use ratatui::layout::Rect;

use super::super::model::Page;
use super::canvas::{Canvas, Cell, Row};
use crate::render::clean;
use crate::render::style::{PLAIN, STRONG};

/// As wide as what `explain` and `history` print.
const WIDTH: u16 = 80;

const HELP: &str = "\
q, Esc, Ctrl-C   quit
Tab, Shift-Tab   the next pool, the one before
Down, Up, j, k   the next credential, the one before; also PgDn, PgUp, Home, End
/                show only what has a text in it, in all four tables
Enter, e         what `credpool explain` says of the pool
h                what has happened with the credential
c                lift what restricts the credential and its account
d, D             take the credential out of use, put it back

A bar is what is left of the time for which a credential is away.
LEASE is a lease's number in `credpool history`; WAITS is a place in the line.";

pub(super) fn help(canvas: &mut Canvas<'_>, area: Rect) {
    let lines: Vec<_> = HELP.lines().map(str::to_owned).collect();
    sheet(canvas, area, "keys", &lines);
}

pub(super) fn page(canvas: &mut Canvas<'_>, area: Rect, page: &Page) {
    sheet(canvas, area, &page.title, &page.lines[page.top.min(page.lines.len())..]);
}

/// Lines between two rules, in the middle of the screen; as many as there is room for.
fn sheet(canvas: &mut Canvas<'_>, area: Rect, title: &str, lines: &[String]) {
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(4));
    let (width, height) = (WIDTH.min(area.width), rows + 2);
    let sheet = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let mut canvas = canvas.vivid();
    canvas.clear(sheet);
    let more = if lines.len() > usize::from(rows) { "more below" } else { "" };
    rule(&mut canvas, Rect { height: 1, ..sheet }, title);
    rule(&mut canvas, Rect { y: sheet.bottom() - 1, height: 1, ..sheet }, more);
    for (line, text) in sheet.rows().skip(1).zip(lines.iter().take(usize::from(rows))) {
        canvas.row(line, &Row::of([Cell::rest(text.as_str(), PLAIN)]));
    }
}

fn rule(canvas: &mut Canvas<'_>, line: Rect, text: &str) {
    canvas.row(line, &Row::of([Cell::rest("─".repeat(usize::from(line.width)), PLAIN)]));
    if !text.is_empty() {
        let inner = Rect { x: line.x + 2, width: line.width.saturating_sub(4), ..line };
        canvas.row(inner, &Row::of([Cell::rest(format!(" {} ", clean(text)), STRONG)]));
    }
}
