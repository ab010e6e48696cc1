//! Agents that call their providers through the SDKs of OpenAI and Anthropic. The providers are on the loopback device and
//! answer in the vendors' own shapes; what the SDKs' exceptions know is what the daemon hears.

mod accounts;
mod agent;
mod answers;
mod hints;
mod provider;
mod quotas;
mod recovery;
mod scopes;
mod topped_up;
