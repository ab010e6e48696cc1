//! What the integration tests have in common: a daemon of their own, a raw client, fixtures and guards.
//!
//! Nothing here sleeps for a fixed time. What has to wait polls a condition ([`eventually`]) or reads with a deadline.

mod again;
mod auth_json;
mod bins;
mod canary;
mod credpool;
mod daemon;
mod eventually;
mod gate;
mod home;
mod http;
mod need;
mod peer;
mod status;
mod time;
mod token;
mod unchanged;
mod wire;

pub(crate) use again::again;
pub(crate) use auth_json::{AuthJson, Row, replace_file};
pub(crate) use bins::example;
pub(crate) use canary::{CANARY, secret};
pub(crate) use credpool::Credpool;
pub(crate) use daemon::{Daemon, DaemonBuilder, Ended};
pub(crate) use eventually::{PATIENCE, eventually, eventually_async, eventually_within, poll};
pub(crate) use gate::Gate;
pub(crate) use home::{Home, repository, sample};
pub(crate) use http::{Http, HttpAnswer, HttpRequest};
pub(crate) use need::{Tool, need, need_root};
pub(crate) use peer::Peer;
pub(crate) use status::{credential, definitions, pool};
pub(crate) use time::{is_due, now_ms, same_instant};
pub(crate) use token::token;
pub(crate) use unchanged::Unchanged;
pub(crate) use wire::Wire;
