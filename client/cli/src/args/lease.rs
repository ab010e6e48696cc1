//! `acquire`, `release` and `renew`.

use std::time::Duration;

use clap::Args;
use credpool_client::{Class, LeaseOptions, Outcome};

use super::duration::parse_duration;
use super::values::{self, Header};
use super::{Last, given};

/// A lease that ends by itself only after its time, since the command ends long before.
#[derive(Args, Debug)]
#[command(after_long_help = "In a shell:\n  \
    eval \"$(credpool acquire openrouter --shell)\"\n  \
    echo \"$CREDPOOL_AUTH_HEADER: $CREDPOOL_AUTH_PREFIX$CREDPOOL_SECRET\" | curl -H @- …\n  \
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
    #[command(flatten)]
    pub(crate) terms: Terms,
}

/// On which terms a lease is asked for, whatever command asks.
#[derive(Args, Clone, Debug)]
pub(crate) struct Terms {
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
    /// How long to wait until there is something to lease, as in 30s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) wait: Option<Duration>,
    /// The profile whose pool is meant
    #[arg(long)]
    pub(crate) profile: Option<String>,
}

impl Terms {
    pub(crate) fn into_options(self) -> LeaseOptions {
        let options = LeaseOptions::new().exclude(self.exclude);
        let options = given(options, self.model, LeaseOptions::model);
        let options = given(options, self.session, LeaseOptions::session);
        let options = given(options, self.credential, LeaseOptions::credential);
        let options = given(options, self.class, LeaseOptions::class);
        let options = given(options, self.wait, LeaseOptions::wait);
        given(options, self.profile, LeaseOptions::profile)
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
    #[arg(env = "CREDPOOL_LEASE", hide_env_values = true, required_unless_present = "last")]
    pub(crate) lease: Option<String>,
    #[command(flatten)]
    pub(crate) last: Last,
    /// With --last: the profile that it was given from
    #[arg(long, requires = "last")]
    pub(crate) profile: Option<String>,
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
pub(crate) struct Renew {
    /// The lease's id
    #[arg(env = "CREDPOOL_LEASE", hide_env_values = true)]
    pub(crate) lease: String,
    /// How long it may last from now, as in 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
}
