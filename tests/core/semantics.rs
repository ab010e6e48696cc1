//! What the core promises, a sentence a test.

mod caps;
mod clearing;
mod clocks;
mod cooldowns;
mod definitions;
mod expiry;
mod guard;
mod history;
mod leases;
mod legacy;
mod limits;
mod lists;
mod operators;
mod orders;
mod pins;
mod quotas;
mod recovery;
mod refusals;
mod reports;
mod restarts;
mod secrets;
mod selection;
mod successes;
mod world;
