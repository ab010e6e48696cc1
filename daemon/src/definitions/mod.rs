//! Definitions: what each credential is, read from where people keep it, and never written.
//!
//! A [`Loader`] reads auth.json, the files beside it and elsewhere in which Hermes keeps secrets, and the rows of our own
//! configuration, and gives a [`Definitions`]: the pools, ready to be served. A [`Watcher`] says when to read again.
//! Reading blocks; it belongs off the daemon's loop.
//!
//! - `home` is one Hermes home and what its files last held, `homes` are those that share a root, and `merge` makes one
//!   pool of what they list, whose credentials have `names`, and `duplicates` where several are one account.
//! - `safe_file` reads files that might be anything; `store`, `row`, `fields` and `non_finite` make sense of auth.json,
//!   `legacy` of the state that Hermes notes in it, `logins` of the logins beside its pools; `dotenv`, `hermes_config`,
//!   `yaml` and `token_file` of the other files, each of which is a `side_file`, that may be away.
//! - `tokens` says which secret of several authorises requests, `jwt` what a token says of itself, `providers` what Hermes
//!   knows of providers, and `seeds` what it puts into rows from elsewhere.
//! - `resolve` and `own_rows` turn definitions into rows with secrets; `snapshot` is the result.
//! - A bad row is left out and named. A file that cannot be read keeps what it held before: nothing here ever turns a
//!   failure into an empty pool.
//! - No error, problem or debug output holds any part of a secret, or anything else that stands where one could.

mod dotenv;
mod duplicates;
mod fields;
mod hermes_config;
mod home;
mod homes;
mod jwt;
mod legacy;
mod loader;
mod logins;
mod merge;
mod names;
mod non_finite;
mod own_rows;
pub mod path;
mod providers;
mod resolve;
mod row;
mod safe_file;
mod secret;
mod seeds;
mod side_file;
mod snapshot;
mod store;
mod token_file;
mod tokens;
mod watch;
mod yaml;

pub use legacy::{LegacyFact, LegacyState, Standing};
pub use loader::{Env, LoadOutcome, Loader};
pub use secret::Secret;
pub use snapshot::{Credential, Definitions, Digest, Home, List, PoolRows, Problem, Row, SecretRef};
pub use watch::Watcher;

pub use crate::config::AuthType;

/// Most characters of a name in a file that a problem repeats.
const MAX_ECHO_CHARS: usize = 64;

/// A name from a file, quoted, without control characters, and short.
fn printable(name: &str) -> String {
    let short: String = name.chars().take(MAX_ECHO_CHARS).collect();
    format!("{short:?}")
}
