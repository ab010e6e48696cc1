//! What one daemon promises to its clients, its operator and the machine that it runs on; a module for each subject.

mod access;
mod acquire;
mod caps;
mod check;
mod closing;
mod config;
mod endings;
mod envelope;
mod exhausted;
mod explain;
mod framing;
mod hello;
mod history;
mod legacy;
mod lifetime;
mod limits;
mod operator;
mod pins;
mod reload;
mod report;
mod secrets;
mod signals;
mod sizes;
mod start;
mod status;
