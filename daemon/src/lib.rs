//! `credpoold`: one process holds the runtime state of pooled LLM credentials, and any number of agents ask it.
//!
//! [`server::run`] is the daemon; configuration, socket, clock and signals are its arguments. `ARCHITECTURE.md`, beside
//! this crate's manifest, is the map.

pub mod access;
mod auth_header;
mod catalogue;
mod check;
pub mod clock;
pub mod config;
pub mod connection;
pub mod definitions;
pub mod engine;
pub mod journal;
pub mod lock;
mod process;
pub mod reload;
mod sequencer;
pub mod server;
pub mod socket;
pub mod startup;
mod token;
