//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anstream::ColorChoice;
use clap::{ArgGroup, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use credpool_client::{Class, FailureKind, LeaseOptions, Outcome};

use crate::exit;

mod duration;
mod values;

use duration::parse_duration;
use values::Header;

/// Reads the command line; does not return where it is wrong or asks for help.
pub(crate) fn parse() -> Arguments {
    let command = Arguments::command().after_help(exit::help());
    let matches = command.get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Lease credentials from credpoold's pools, and see how they are doing.
#[derive(Debug, Parser)]
#[command(name = "credpool", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The daemon's socket; without it, the usual places are tried
    #[arg(long, global = true, value_name = "PATH", env = "CREDPOOL_SOCKET", hide_env_values = true)]
    pub(crate) socket: Option<PathBuf>,
    /// Accept a daemon that runs as this user, besides yourself and root
    #[arg(long, global = true, value_name = "USER", env = "CREDPOOL_ACCESS_SERVER", hide_env_values = true,
          value_parser = values::user)]
    pub(crate) server: Option<u32>,
    /// Print the daemon's answer as it is, one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_parser = values::color)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lease a credential, until it is released, reported, or its time is over
    Acquire(Acquire),
    /// Give a lease back
    Release(Release),
    /// Tell what went wrong with a leased credential, and give the lease back
    ReportError(Box<ReportError>),
    /// Let a lease last longer
    Renew(Renew),
    /// Show pools and credentials: state, time left, cause, leases
    Status(Status),
    /// Say what `acquire` would do, and why, without doing it
    Explain(Explain),
    /// Lift what restricts a pool or a credential; does not undo `disable`
    Clear(Clear),
    /// Take a credential out of use
    Disable(Disable),
    /// Put a disabled credential back to use
    Enable(Enable),
    /// Read the definitions again
    Reload,
    /// See whether the daemon answers
    Ping,
    /// Send one request as it is and print the answer
    Call(Raw),
}

/// A lease that ends by itself only after its time, since the command ends long before.
#[derive(Args, Debug)]
#[command(after_long_help = "In a shell:\n  \
    eval \"$(credpool acquire openrouter --shell)\"\n  \
    curl -H \"$CREDPOOL_AUTH_HEADER: $CREDPOOL_AUTH_PREFIX$CREDPOOL_SECRET\" …\n  \
    credpool release --outcome ok")]
pub(crate) struct Acquire {
    #[command(flatten)]
    pub(crate) conditions: Conditions,
    /// How long the lease may last, as in 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
    /// Ask for a reference to the secret in its place
    #[arg(long)]
    pub(crate) without_secret: bool,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

#[derive(Args, Debug)]
pub(crate) struct Conditions {
    /// The pool, as it is called in auth.json
    pub(crate) pool: String,
    /// The model that the credential is for
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Stay with one credential for this session where that is possible
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only this credential, by id or label
    #[arg(long, value_name = "ID|LABEL")]
    pub(crate) credential: Option<String>,
    /// Not this credential, by id; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) exclude: Vec<String>,
    /// Who waits: a person, or something that can give way
    #[arg(long, value_parser = values::word(Class::ALL, Class::as_str, Class::parse))]
    pub(crate) class: Option<Class>,
    /// The profile whose pool is meant
    #[arg(long)]
    pub(crate) profile: Option<String>,
}

impl Conditions {
    /// The pool, and the rest.
    pub(crate) fn into_parts(self) -> (String, LeaseOptions) {
        let options = LeaseOptions::new().exclude(self.exclude);
        let options = given(options, self.model, LeaseOptions::model);
        let options = given(options, self.session, LeaseOptions::session);
        let options = given(options, self.credential, LeaseOptions::credential);
        let options = given(options, self.class, LeaseOptions::class);
        let options = given(options, self.profile, LeaseOptions::profile);
        (self.pool, options)
    }
}

/// How to print a lease.
#[derive(Args, Debug)]
pub(crate) struct Shown {
    /// Print the secret, too
    #[arg(long, conflicts_with_all = ["json", "shell"])]
    pub(crate) show_secret: bool,
    /// Print shell variables for `eval`: CREDPOOL_LEASE, CREDPOOL_SECRET and others
    #[arg(long, conflicts_with = "json")]
    pub(crate) shell: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Release {
    /// The lease's id
    #[arg(env = "CREDPOOL_LEASE", hide_env_values = true)]
    pub(crate) lease: String,
    /// How it went
    #[arg(long, value_parser = values::word(Outcome::ALL, Outcome::as_str, Outcome::parse))]
    pub(crate) outcome: Option<Outcome>,
    /// The HTTP status of the response
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=999))]
    pub(crate) status: Option<u16>,
    /// A header of the response, as in 'Retry-After: 43'; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = values::header)]
    pub(crate) header: Vec<Header>,
    /// Tokens sent
    #[arg(long, value_name = "TOKENS", requires = "output_tokens")]
    pub(crate) input_tokens: Option<u64>,
    /// Tokens received
    #[arg(long, value_name = "TOKENS", requires = "input_tokens")]
    pub(crate) output_tokens: Option<u64>,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("without_lease").args(["pool", "credential", "epoch"]).multiple(true))]
pub(crate) struct ReportError {
    /// The lease's id; or say --pool, --credential and --epoch where there is no lease
    #[arg(env = "CREDPOOL_LEASE", hide_env_values = true, required_unless_present = "without_lease")]
    pub(crate) lease: Option<String>,
    /// The pool of a credential that was used without a lease
    #[arg(long, requires_all = ["credential", "epoch"])]
    pub(crate) pool: Option<String>,
    /// The credential, by id or label
    #[arg(long, value_name = "ID|LABEL", requires_all = ["pool", "epoch"])]
    pub(crate) credential: Option<String>,
    /// The credential's epoch when it was used
    #[arg(long, requires_all = ["pool", "credential"])]
    pub(crate) epoch: Option<String>,
    /// Which failure of this lease it is; the same number again is the same report again
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

#[derive(Args, Debug)]
pub(crate) struct Renew {
    /// The lease's id
    #[arg(env = "CREDPOOL_LEASE", hide_env_values = true)]
    pub(crate) lease: String,
    /// How long it may last from now, as in 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Only this pool
    pub(crate) pool: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) conditions: Conditions,
}

#[derive(Args, Debug)]
pub(crate) struct Clear {
    /// The pool
    pub(crate) pool: String,
    /// Only this credential, by id or label, and its account
    #[arg(value_name = "ID|LABEL")]
    pub(crate) credential: Option<String>,
    /// Only this model
    #[arg(long)]
    pub(crate) model: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Disable {
    /// The pool
    pub(crate) pool: String,
    /// The credential, by id or label
    #[arg(value_name = "ID|LABEL")]
    pub(crate) credential: String,
    /// For how long, as in 2h; until `enable` otherwise
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) lasting: Option<Duration>,
    /// Why, for those who wonder
    #[arg(long)]
    pub(crate) note: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Enable {
    /// The pool
    pub(crate) pool: String,
    /// The credential, by id or label
    #[arg(value_name = "ID|LABEL")]
    pub(crate) credential: String,
}

#[derive(Args, Debug)]
pub(crate) struct Raw {
    /// The request; - reads it from standard input, where no other user can see it
    #[arg(value_name = "JSON")]
    pub(crate) request: String,
}

/// `builder` with `value`, if one was given.
pub(crate) fn given<B, V>(builder: B, value: Option<V>, set: fn(B, V) -> B) -> B {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}

#[cfg(test)]
mod tests;
