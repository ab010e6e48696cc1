//! Many processes and one daemon: what no amount of care within one process could give them.

pub(crate) mod race;
mod strategies;
