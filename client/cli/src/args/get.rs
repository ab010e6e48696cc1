//! `get`, and what speaks of the lease that it gave.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration::parse_duration;
use super::{Conditions, values};

/// For tools that ask a command for their key, and for shells.
#[derive(Args, Debug)]
#[command(after_long_help = "For example, in Claude Code's settings.json:\n  \
    { \"apiKeyHelper\": \"credpool get anthropic\" }\n\
    or with curl, which reads the header from its input, where no other user can see it:\n  \
    credpool get openrouter --format header | curl -H @- https://openrouter.ai/api/v1/key\n\n\
    The lease lasts for --ttl, and each further `get` ends it and gives another, of the same credential as long as \
    that one can be had. That goes by session: by terminal, login or service. `credpool report-error --last` and \
    `credpool release --last` are about the lease that was given last. What was given is noted in \
    ~/.local/state/credpool/given, without the key.")]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) conditions: Conditions,
    /// How long the lease may last without another `get`, as in 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
    /// How to print the key
    #[arg(long, value_name = "FORM", default_value = "plain", conflicts_with = "json")]
    pub(crate) format: Form,
    /// Who the key is for, where several tools of one session have to be told apart
    #[arg(long = "for", value_name = "NAME", value_parser = values::holder)]
    pub(crate) holder: Option<String>,
}

/// How a key is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// The key and nothing else
    Plain,
    /// The header that it goes into, as in 'Authorization: Bearer …'
    Header,
    /// The same as a JSON object, as Claude Code wants it from an MCP server's headersHelper
    Headers,
}

/// The lease that `get` gave last.
#[derive(Args, Debug)]
pub(crate) struct Last {
    /// The lease that `credpool get` gave last in this session, of this pool if one is named
    #[arg(long, value_name = "POOL")]
    #[expect(clippy::option_option, reason = "how clap says that an option may stand without its value")]
    pub(crate) last: Option<Option<String>>,
    /// With --last: who it was given to
    #[arg(long = "for", value_name = "NAME", value_parser = values::holder, requires = "last")]
    pub(crate) holder: Option<String>,
}
