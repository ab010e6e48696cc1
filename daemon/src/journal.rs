//! What remembers changes: the seam through which every record that a command left different can reach a disk.

use credpool_core::Core;

/// Where changes go.
#[derive(Debug)]
pub(crate) enum Journal {
    /// Nowhere: the state lives as long as the daemon.
    None,
}

impl Journal {
    /// Takes note of what the last command changed.
    pub(crate) fn record(&mut self, _core: &Core) {
        match self {
            Self::None => {}
        }
    }
}
