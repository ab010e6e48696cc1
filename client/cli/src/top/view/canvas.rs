//! Rows of cells on the screen, which reckon with wide characters and colours that may not be wanted.

use anstyle::{AnsiColor, Color, Effects};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color as Ink, Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget as _};

/// Where it is drawn.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    /// Whether colours are wanted.
    pub(super) colour: bool,
    /// Whether all of it is how it was, and not how it is.
    pub(super) faded: bool,
}

/// A text in its column.
pub(super) struct Cell {
    text: String,
    /// How wide the column is; `None` for all that is left of the line.
    width: Option<u16>,
    right: bool,
    style: anstyle::Style,
}

impl Cell {
    pub(super) fn fixed(text: impl Into<String>, width: u16, style: anstyle::Style) -> Self {
        Self { text: text.into(), width: Some(width), right: false, style }
    }

    pub(super) fn rest(text: impl Into<String>, style: anstyle::Style) -> Self {
        Self { text: text.into(), width: None, right: false, style }
    }

    pub(super) fn leaning_right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// A line of a table.
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// Whether keys are about it.
    pub(super) selected: bool,
}

impl Row {
    pub(super) fn of(cells: impl IntoIterator<Item = Cell>) -> Self {
        Self { cells: cells.into_iter().collect(), selected: false }
    }
}

impl Canvas<'_> {
    /// The same for what is how it is, whatever the rest is.
    pub(super) fn vivid(&mut self) -> Canvas<'_> {
        Canvas { buffer: self.buffer, colour: self.colour, faded: false }
    }

    /// Makes room for something else.
    pub(super) fn clear(&mut self, area: Rect) {
        Clear.render(area, self.buffer);
    }

    /// Draws a row into the first line of `area`, a space between columns.
    pub(super) fn row(&mut self, area: Rect, row: &Row) {
        let mut x = area.x;
        for cell in &row.cells {
            let left = area.right().saturating_sub(x);
            let wide = cell.width.unwrap_or(left).min(left);
            self.cell(x, area.y, wide, cell);
            x = x.saturating_add(wide).saturating_add(1);
        }
        if row.selected {
            let line = Rect { height: 1, ..area };
            self.buffer.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
        }
    }

    fn cell(&mut self, x: u16, y: u16, wide: u16, cell: &Cell) {
        let style = self.style(cell.style);
        let needed = width(&cell.text);
        if needed > wide {
            let (end, _) = self.buffer.set_stringn(x, y, &cell.text, usize::from(wide.saturating_sub(1)), style);
            self.buffer.set_stringn(end, y, "…", usize::from(wide.min(1)), style);
        } else {
            let indent = if cell.right { wide - needed } else { 0 };
            self.buffer.set_stringn(x + indent, y, &cell.text, usize::from(wide), style);
        }
    }

    fn style(&self, style: anstyle::Style) -> Style {
        let effects = style.get_effects();
        let mut to = Style::new();
        if effects.contains(Effects::BOLD) && !self.faded {
            to = to.add_modifier(Modifier::BOLD);
        }
        if effects.contains(Effects::DIMMED) || self.faded {
            to = to.add_modifier(Modifier::DIM);
        }
        match style.get_fg_color().and_then(ink) {
            Some(ink) if self.colour && !self.faded => to.fg(ink),
            _ => to,
        }
    }
}

/// The colours that `render::style` has.
fn ink(color: Color) -> Option<Ink> {
    match color {
        Color::Ansi(AnsiColor::Green) => Some(Ink::Green),
        Color::Ansi(AnsiColor::Yellow) => Some(Ink::Yellow),
        Color::Ansi(AnsiColor::Red) => Some(Ink::Red),
        Color::Ansi(AnsiColor::Cyan) => Some(Ink::Cyan),
        _ => None,
    }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}
