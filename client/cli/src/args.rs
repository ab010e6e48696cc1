//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anstream::ColorChoice;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit;

mod auth;
mod duration;
mod exec;
mod get;
mod lease;
mod report;
mod values;

pub(crate) use auth::{Auth, AuthCommand, Clean, List};
use duration::parse_duration;
pub(crate) use exec::Exec;
pub(crate) use get::{Form, Get, Last};
pub(crate) use lease::{Acquire, Conditions, Release, Renew, Shown, Terms};
pub(crate) use report::{Facts, Next, ReportError};

/// Reads the command line; does not return where it is wrong or asks for help.
pub(crate) fn parse() -> Arguments {
    let matches = command().get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The command line's definition, for parsing, completions and manual pages.
fn command() -> clap::Command {
    Arguments::command().after_help(exit::help())
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
    // The client reads the variables itself. Clap would take them for part of the command line, and show them as such.
    /// The daemon's socket; without it, CREDPOOL_SOCKET, or else the usual places
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER
    #[arg(long, global = true, value_name = "USER", value_parser = values::user)]
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
    #[command(flatten)]
    Asking(Box<Asking>),
    /// Look after Hermes' auth.json
    Auth(Auth),
}

/// What takes a daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum Asking {
    /// Lease a credential, until it is released, reported, or its time is over
    Acquire(Acquire),
    /// Run a program under a lease that lives as long as it does
    Exec(Exec),
    /// Print a key for a tool that asks a command for it
    Get(Get),
    /// Give a lease back
    Release(Release),
    /// Tell what went wrong with a leased credential, and give the lease back
    ReportError(Box<ReportError>),
    /// Let a lease last longer
    Renew(Renew),
    /// Show pools and credentials: state, time left, cause, leases
    Status(Status),
    /// Watch pools live: credentials, who holds and waits for leases, what happens
    Top(Top),
    /// Say what `acquire` would do, and why, without doing it
    Explain(Explain),
    /// Show what was reported and done about credentials, and what that was judged by
    History(History),
    /// Follow what happens: leases, who waits, restrictions and their ends
    Events(Events),
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

/// In whose words credentials are named.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// The profile by whose ids and labels credentials are named; those of others are ID@PROFILE
    #[arg(long)]
    pub(crate) profile: Option<String>,
}

/// Prints a line for each event from now on, until it is interrupted; with --json the lines as the daemon sends them. It
/// connects anew when the daemon is started anew, and says so.
#[derive(Args, Debug)]
pub(crate) struct Events {
    /// Only what happens in this pool
    pub(crate) pool: Option<String>,
    #[command(flatten)]
    pub(crate) words: Words,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Only this pool
    pub(crate) pool: Option<String>,
    /// Who holds leases of the pool, and who waits for one, too
    #[arg(long, requires = "pool")]
    pub(crate) leases: bool,
    #[command(flatten)]
    pub(crate) words: Words,
}

#[derive(Args, Debug)]
pub(crate) struct Top {
    /// Only this pool
    pub(crate) pool: Option<String>,
    #[command(flatten)]
    pub(crate) words: Words,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) conditions: Conditions,
}

#[derive(Args, Debug)]
pub(crate) struct History {
    /// The pool
    pub(crate) pool: String,
    /// Only what concerned this credential, by id or label
    #[arg(value_name = "ID|LABEL")]
    pub(crate) credential: Option<String>,
    /// Only what happened with this model
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// How many entries to show at most, the latest first
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = values::page)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) words: Words,
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
    #[command(flatten)]
    pub(crate) words: Words,
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
    #[command(flatten)]
    pub(crate) words: Words,
}

#[derive(Args, Debug)]
pub(crate) struct Enable {
    /// The pool
    pub(crate) pool: String,
    /// The credential, by id or label
    #[arg(value_name = "ID|LABEL")]
    pub(crate) credential: String,
    #[command(flatten)]
    pub(crate) words: Words,
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
mod generated;
#[cfg(test)]
mod tests;
