//! Columns that fit the screen.

use super::style::{FAINT, PLAIN, paint};
use anstyle::Style;
use textwrap::Options;

/// A column: its heading, which side its cells lean to, and how narrow it may become.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    pub(super) right: bool,
    /// `None` if its cells are always shown whole.
    pub(super) shrinks_to: Option<usize>,
}

/// What stands in a row's column.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, PLAIN)
    }
}

/// A row, and lines that belong to it.
pub(super) struct Row<const N: usize> {
    pub(super) cells: [Cell; N],
    pub(super) notes: Vec<String>,
}

const INDENT: &str = "  ";
const GAP: &str = "  ";
/// What a row's notes are indented by.
const NOTE: &str = "    ";

/// The table, at most `width` columns wide where its columns can shrink as much; the first of them
/// shrink first. Notes go on in the next line.
pub(super) fn render<const N: usize>(columns: &[Column; N], rows: &[Row<N>], width: usize) -> String {
    let widths = widths(columns, rows, width);
    let mut out = String::new();
    let headings = columns.each_ref().map(|column| Cell::new(column.heading, FAINT));
    line(&mut out, columns, &widths, &headings);
    for row in rows {
        line(&mut out, columns, &widths, &row.cells);
        for note in &row.notes {
            // What an operator asks for at night is in the last words as often as in the first.
            for line in textwrap::wrap(&format!("└ {note}"), Options::new(width - NOTE.len()).subsequent_indent("  "))
            {
                out.push_str(NOTE);
                out.push_str(&paint(FAINT, line));
                out.push('\n');
            }
        }
    }
    out
}

fn widths<const N: usize>(columns: &[Column; N], rows: &[Row<N>], width: usize) -> [usize; N] {
    let mut widths = columns.map(|column| column.heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.text.chars().count());
        }
    }
    let taken = INDENT.len() + GAP.len() * (N - 1) + widths.iter().sum::<usize>();
    let mut over = taken.saturating_sub(width);
    for (column, width) in columns.iter().zip(&mut widths) {
        let Some(least) = column.shrinks_to else { continue };
        let give = over.min(width.saturating_sub(least));
        *width -= give;
        over -= give;
    }
    widths
}

fn line<const N: usize>(out: &mut String, columns: &[Column; N], widths: &[usize; N], cells: &[Cell; N]) {
    let mut line = String::from(INDENT);
    for (at, ((column, width), cell)) in columns.iter().zip(widths).zip(cells).enumerate() {
        if at > 0 {
            line.push_str(GAP);
        }
        let text = clip(&cell.text, *width);
        let padding = " ".repeat(width - text.chars().count());
        let text = paint(cell.style, text);
        line.push_str(&if column.right { padding + &text } else { text + &padding });
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// At most `width` characters of `text`, the last one an ellipsis where something is missing.
fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
