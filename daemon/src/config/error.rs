//! What is wrong with a configuration.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The flag of this name, without the dashes.
    Flag(String),
    /// The environment variable of this name.
    Variable(String),
    /// A configuration file.
    File {
        /// Which.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(variable) => f.write_str(variable),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A file is not TOML.
    #[error("{origin}: {cause}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// Why.
        cause: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`{}", nearest.as_ref().map(|key| format!("; did you mean `{key}`?")).unwrap_or_default())]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// What.
        key: String,
        /// The key that looks most like it.
        nearest: Option<String>,
    },
    /// A value that cannot be.
    #[error("{origin}: `{key}` {cause}")]
    BadValue {
        /// Where.
        origin: Origin,
        /// Of which key.
        key: String,
        /// Why.
        cause: String,
    },
    /// Values that contradict each other, or something else about a key as a whole.
    #[error("`{key}` {cause}")]
    Contradiction {
        /// Which key.
        key: String,
        /// Why, and where the values came from.
        cause: String,
    },
}

impl ConfigError {
    /// The line of the file that it is about, if it is about one.
    pub(super) fn line(&self) -> Option<usize> {
        match self {
            Self::Syntax { origin, .. } | Self::UnknownKey { origin, .. } | Self::BadValue { origin, .. } => {
                match origin {
                    Origin::File { line, .. } => Some(*line),
                    Origin::Flag(_) | Origin::Variable(_) => None,
                }
            }
            Self::Unreadable { .. } | Self::Contradiction { .. } => None,
        }
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub(super) Vec<ConfigError>);

impl ConfigErrors {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line each.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
