//! Where things are printed. Colours are taken out again where nobody sees them.

use std::io::{self, Write as _};

use anstream::{AutoStream, ColorChoice};

use crate::render::style;

/// Standard output and standard error.
pub(crate) struct Output {
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    json: bool,
}

impl Output {
    /// `color` is what the command line says; `Auto` means colours on a terminal, unless `NO_COLOR`
    /// is set.
    pub(crate) fn new(color: ColorChoice, json: bool) -> Self {
        Self { stdout: AutoStream::new(io::stdout(), color), stderr: AutoStream::new(io::stderr(), color), json }
    }

    /// Whether the reader is a program.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints text for people, unless the reader is a program.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { self.print(text) }
    }

    /// Prints text whoever the reader is, and ends its last line.
    pub(crate) fn print(&mut self, text: &str) -> io::Result<()> {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        write!(self.stdout, "{text}{newline}")?;
        self.stdout.flush()
    }

    /// Says on standard error what is odd, though not wrong.
    pub(crate) fn warn(&mut self, text: &str) {
        // There is nobody left to tell if this fails.
        let _ = writeln!(self.stderr, "{}", style::paint(style::ODD, format!("credpool: warning: {text}")));
    }

    /// Says on standard error what is wrong.
    pub(crate) fn complain(&mut self, sentence: &str) {
        if sentence.is_empty() {
            return;
        }
        let _ = writeln!(self.stderr, "{} {sentence}", style::paint(style::BAD, "credpool:"));
    }
}
