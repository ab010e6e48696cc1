//! The suites of credpool-verdict: what vendors send, and what it means.

#[cfg(test)]
mod forms;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod windows;
