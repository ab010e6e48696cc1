//! The daemon's command line, made from the table of keys.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command};

use super::keys::{KEYS, Key, Support};
use super::value::ValueType;

const CONFIG: &str = "config";
const CHECK: &str = "check";

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Cli {
    /// The configuration file, if one is named.
    pub config: Option<PathBuf>,
    /// Whether to validate configuration and definitions, print what would be served, and end.
    pub check: bool,
    /// The flags that are given, as text.
    pub(super) values: Vec<(&'static Key, String)>,
}

/// The command line's definition, for parsing, completions and manual pages.
#[must_use]
pub fn command() -> Command {
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("PATH")
        .value_parser(clap::value_parser!(PathBuf))
        .help("The configuration file [default: ~/.config/credpool/config.toml]");
    let check = Arg::new(CHECK)
        .long(CHECK)
        .action(ArgAction::SetTrue)
        .help("Check configuration and definitions, print what would be served, and end");
    Command::new("credpoold")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Shares pooled LLM credentials between processes")
        .arg(config)
        .arg(check)
        .args(KEYS.iter().filter_map(arg))
}

fn arg(key: &Key) -> Option<Arg> {
    let mut help = key.help.trim_end_matches('.').to_owned();
    if let Some(default) = key.default {
        help = format!("{help} [default: {default}]");
    }
    let arg = Arg::new(key.path)
        .long(key.flag()?)
        .value_name(value_name(key.value))
        .value_parser(NonEmptyStringValueParser::new())
        .hide(key.support != Support::Full)
        .help(help);
    Some(arg)
}

fn value_name(value: ValueType) -> String {
    match value {
        ValueType::Text => "TEXT".to_owned(),
        ValueType::Path => "PATH".to_owned(),
        ValueType::Duration { .. } => "DURATION".to_owned(),
        ValueType::Size { .. } => "SIZE".to_owned(),
        ValueType::Count { .. } | ValueType::Factor => "NUMBER".to_owned(),
        ValueType::Percent => "PERCENT".to_owned(),
        ValueType::Choice(words) => words.join("|"),
        ValueType::List => "NAME,…".to_owned(),
    }
}

impl Cli {
    /// Reads a command line; the first argument is the program's name. The values are checked later, with all others.
    ///
    /// # Errors
    /// An unknown flag, a missing value, or a call for help or the version, which clap counts as an error.
    pub fn parse_from<I>(args: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let mut matches = command().try_get_matches_from(args)?;
        Ok(Self {
            config: matches.remove_one(CONFIG),
            check: matches.get_flag(CHECK),
            values: KEYS
                .iter()
                .filter(|key| key.flag().is_some())
                .filter_map(|key| Some((key, matches.remove_one(key.path)?)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn flags_become_values() {
        let cli = Cli::parse_from([
            "credpoold",
            "--check",
            "--config=/c",
            "--auth-file",
            "a.json",
            "--defaults-strategy=random",
            "--snapshot=/s",
        ])
        .expect("a command line");
        assert!(cli.check);
        assert_eq!(cli.config, Some(PathBuf::from("/c")));
        let values: Vec<_> = cli.values.iter().map(|(key, value)| (key.path, value.as_str())).collect();
        assert_eq!(values, [("auth_file", "a.json"), ("snapshot.path", "/s"), ("defaults.strategy", "random")]);
        assert!(Cli::parse_from(["credpoold", "--pools-strategy=random"]).is_err());
        assert!(Cli::parse_from(["credpoold", "--socket="]).is_err());
    }
}
