//! What vendors send, by vendor. The shapes are those of their documentation and of public threads; a rule's own
//! comment says which.

mod anthropic;
mod anybody;
mod google;
mod openai;
mod openrouter;
mod vendors;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// From now until the month is over (UTC), in milliseconds.
const MONTHS_END_MS: u64 = 1_796_083_200_000 - crate::shape::NOW;
