//! `report-error`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use credpool_client::FailureKind;

use super::values::{self, Header};
use super::{Last, Shown};

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("without_lease").args(["pool", "credential", "epoch"]).multiple(true).conflicts_with("last"))]
#[command(group = ArgGroup::new("of_a_profile").args(["pool", "last"]).multiple(true))]
pub(crate) struct ReportError {
    /// The lease's id; or say --pool, --credential and --epoch where there is no lease
    #[arg(env = "CREDPOOL_LEASE", hide_env_values = true,
          required_unless_present_any = ["without_lease", "last"])]
    pub(crate) lease: Option<String>,
    #[command(flatten)]
    pub(crate) last: Last,
    /// The pool of a credential that was used without a lease
    #[arg(long, requires_all = ["credential", "epoch"])]
    pub(crate) pool: Option<String>,
    /// The credential, by id or label
    #[arg(long, value_name = "ID|LABEL", requires_all = ["pool", "epoch"])]
    pub(crate) credential: Option<String>,
    /// The profile by whose ids and labels the credential is named; with --last, the one that the lease was given from
    #[arg(long, requires = "of_a_profile")]
    pub(crate) profile: Option<String>,
    /// The credential's epoch when it was used
    #[arg(long, requires_all = ["pool", "credential"])]
    pub(crate) epoch: Option<String>,
    /// Which failure of this lease it is; the same number again is the same report again; without it, another failure
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) report: Option<u64>,
    /// Do not end the lease
    #[arg(long)]
    pub(crate) keep: bool,
    #[command(flatten)]
    pub(crate) facts: Facts,
    #[command(flatten)]
    pub(crate) next: Next,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// Another lease with the answer.
#[derive(Args, Debug)]
#[command(next_help_heading = "The next lease")]
pub(crate) struct Next {
    /// Lease another credential in the same step, on the conditions of the lease that failed
    #[arg(long = "next")]
    pub(crate) wanted: bool,
    /// For this model, and on none of the conditions of the lease that failed
    #[arg(long, value_name = "MODEL", requires = "wanted")]
    pub(crate) next_model: Option<String>,
    /// Any but this credential, by id, and on none of those conditions; may be given several times
    #[arg(long, value_name = "ID", requires = "wanted")]
    pub(crate) next_exclude: Vec<String>,
}

/// What is known of a failure. Hints are given as the provider gave them.
#[derive(Args, Debug)]
#[command(next_help_heading = "What is known of the failure")]
pub(crate) struct Facts {
    /// The HTTP status
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=999))]
    pub(crate) status: Option<u16>,
    /// A header of the response, as in 'Retry-After: 43'; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = values::header)]
    pub(crate) header: Vec<Header>,
    /// The response's body
    #[arg(long, value_name = "TEXT")]
    pub(crate) body: Option<String>,
    /// A file with the response's body; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) body_file: Option<PathBuf>,
    /// The error's text
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// The error's code
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// What you know by yourself, as in network or timeout
    #[arg(long, value_parser = values::word(FailureKind::ALL, FailureKind::as_str, FailureKind::parse))]
    pub(crate) kind: Option<FailureKind>,
    /// When to retry, as the provider said it
    #[arg(long, value_name = "HINT")]
    pub(crate) retry_after: Option<String>,
    /// Until when not to retry, as the provider said it
    #[arg(long, value_name = "HINT")]
    pub(crate) retry_until: Option<String>,
    /// When the window resets, as the provider said it
    #[arg(long, value_name = "HINT")]
    pub(crate) reset_at: Option<String>,
    /// When the window resets, as the provider said it
    #[arg(long, value_name = "HINT")]
    pub(crate) resets_at: Option<String>,
    /// The model that failed, where it is not the lease's
    #[arg(long)]
    pub(crate) model: Option<String>,
}
