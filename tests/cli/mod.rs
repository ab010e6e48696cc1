//! The command `credpool` with real programs: what they get, how they end, and that no lease is left.

mod claude;
mod clean;
mod curl;
mod events;
mod exec;
mod get;
mod history;
mod profiles;
mod running;
mod terminal;
mod top;
