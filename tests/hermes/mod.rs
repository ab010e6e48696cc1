//! A real hermes-agent beside the daemon: what it writes is served, and what it does is seen.

mod agent;
mod clean;
mod files;
mod listed;
mod oracle;
mod providers;
mod race;
mod storm;
