//! Hermes' auth.json as `credpool auth` edits it: found, locked and replaced as Hermes does that.

pub(crate) mod file;
pub(crate) mod lock;
pub(crate) mod strip;
