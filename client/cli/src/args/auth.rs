//! `auth`: definitions, and Hermes' auth.json.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Words;

#[derive(Args, Debug)]
pub(crate) struct Auth {
    #[command(subcommand)]
    pub(crate) command: AuthCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Show definitions beside what became of them, as `hermes auth list` does, and what that hides
    List(List),
    /// Take what Hermes noted about the state of credentials out of its auth.json
    Clean(Clean),
}

/// Lists each pool's credentials in the order of their definitions, numbered as `hermes auth remove` counts them. The arrow
/// points to the one that an acquire would lease now.
///
/// Unlike Hermes', the list has the credentials of config.toml and of other profiles, says which logins are void, which
/// secrets are missing, what is restricted for single models only, and which rows are not served at all.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only this pool
    pub(crate) pool: Option<String>,
    #[command(flatten)]
    pub(crate) words: Words,
}

/// Takes out `last_status`, `last_status_at`, `last_error_*` and `request_count` of each row, and
/// `credential_pool_runtime`. Everything else stays as it is, byte for byte.
///
/// The daemon is asked to read the file first, so that it knows what is lost with it. That is done under Hermes' own lock,
/// so Hermes may run meanwhile; it notes such things again when it uses a pool of its own.
#[derive(Args, Debug)]
pub(crate) struct Clean {
    /// The auth.json; without it, that of HERMES_HOME, else ~/.hermes/auth.json
    #[arg(long, value_name = "PATH", env = "CREDPOOL_AUTH_FILE", hide_env_values = true)]
    pub(crate) auth_file: Option<PathBuf>,
    /// Only say what would be taken out
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Clean it even if no daemon knows which credentials it calls exhausted or dead
    #[arg(long)]
    pub(crate) force: bool,
}
