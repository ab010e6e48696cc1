//! `exec`.

use std::ffi::OsString;

use clap::{Args, ValueHint};

use super::Terms;
use super::values;

/// Runs a program for as long as which a credential is leased.
#[derive(Args, Debug)]
#[command(after_long_help = "For example:\n  \
    credpool exec --pool openrouter --env OPENROUTER_API_KEY -- python agent.py\n\n\
    The program runs as it would by itself: same terminal, same files, signals passed on. credpool stays beside it, \
    keeps the lease, and ends as the program does: with its exit code, or by the signal that killed it. If credpool is \
    killed, the program is killed, too.\n\n\
    If the daemon goes away, the program keeps its key; credpool leases the same credential again when there is a \
    daemon again. In the program, CREDPOOL_LEASE is the lease, so that \
    `credpool report-error --keep --status 429` is about it.")]
pub(crate) struct Exec {
    /// The pool, as it is called in auth.json
    #[arg(long)]
    pub(crate) pool: String,
    /// A variable that the program reads its key from, as in OPENROUTER_API_KEY; may be given several times
    #[arg(long, value_name = "VARIABLE", required = true, value_parser = values::variable)]
    pub(crate) env: Vec<String>,
    /// A variable for the credential's base URL, unset if it has none; may be given several times
    #[arg(long, value_name = "VARIABLE", value_parser = values::variable)]
    pub(crate) base_url_env: Vec<String>,
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// The program and its arguments
    #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true, allow_hyphen_values = true,
          value_hint = ValueHint::CommandWithArguments)]
    pub(crate) program: Vec<OsString>,
}
