//! `auth`: Hermes' auth.json.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Auth {
    #[command(subcommand)]
    pub(crate) command: AuthCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Take what Hermes noted about the state of credentials out of its auth.json
    Clean(Clean),
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
