//! Definitions: what each credential is, read from where people keep it, and never written.

pub mod path;
