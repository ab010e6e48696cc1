//! The suites of credpool-core, written from what the core promises and not from how it is made.

#[cfg(test)]
mod determinism;
#[cfg(test)]
mod model;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod script;
#[cfg(test)]
mod semantics;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod support;
