//! The integration tests: real processes, real sockets, and nothing known of the inside.

mod cli;
mod client;
mod daemon;
mod hermes;
mod pages;
mod processes;
mod protocol;
mod sdks;
mod support;
