//! Placeholder of a crate under construction.

pub mod config;
pub mod definitions;
