//! Many processes and one daemon: what no amount of care within one process could give them.

mod crowd;
pub(crate) mod race;
mod strategies;
