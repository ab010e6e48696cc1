//! What orders commands: the seam behind which they are put in line before the core sees them.
//!
//! `local`, the only one so far, applies a command where it stands in line on this machine. A log that several machines
//! share takes the same place: what is submitted here comes out of `next` once the log holds it.

use std::collections::VecDeque;

use credpool_core::Command;

/// Commands in line, each with whatever its submitter needs to answer it.
#[derive(Debug)]
pub(crate) struct Sequencer<T> {
    line: VecDeque<(Command, T)>,
}

impl<T> Sequencer<T> {
    /// The sequencer of a daemon that orders its own commands.
    #[must_use]
    pub(crate) fn local() -> Self {
        Self { line: VecDeque::new() }
    }

    /// Puts a command in line.
    pub(crate) fn submit(&mut self, command: Command, ticket: T) {
        self.line.push_back((command, ticket));
    }

    /// The next command that has its place in the order.
    pub(crate) fn next(&mut self) -> Option<(Command, T)> {
        self.line.pop_front()
    }
}
