//! The `.env` of a Hermes home.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::secret::Secret;

/// A reference to a 1Password item, which Hermes resolves into its own environment.
const ONE_PASSWORD: &str = "op://";

/// The values of a `.env`, all of them treated as secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct Dotenv(BTreeMap<String, Secret>);

impl Dotenv {
    /// Reads a file as hermes-agent 0.19.0 reads it for its credentials (hermes_cli/config.py, `load_env` and
    /// `_parse_env_value`). That is not python-dotenv: a `#` begins a comment only at the beginning of a line, nothing is
    /// expanded, and within double quotes a backslash escapes only a quote and itself. Its repair of lines with several
    /// known names run together is left out.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
        let mut values = BTreeMap::new();
        for line in text.split(['\n', '\r']).map(str::trim) {
            let line = line.strip_prefix("export ").unwrap_or(line);
            if line.starts_with('#') {
                continue;
            }
            if let Some((name, value)) = line.split_once('=') {
                values.insert(name.trim().to_owned(), unquote(value.trim()));
            }
        }
        Self(values)
    }

    /// The value that Hermes would use for a variable: this file's, else the environment's; but a 1Password reference
    /// yields to the environment, where Hermes puts what it resolves to (agent/credential_pool.py of hermes-agent 0.19.0,
    /// `_get_env_prefer_dotenv`). Empty counts as unset. Unlike to Hermes, a reference is never a value itself.
    ///
    /// # Errors
    /// There is none; why.
    pub(super) fn lookup(&self, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Found, NotFound> {
        let is_reference = |value: &str| value.trim().starts_with(ONE_PASSWORD);
        let own = self.0.get(name).filter(|value| !value.expose().trim().is_empty());
        let reference = own.is_some_and(|own| is_reference(own.expose()));
        if let Some(own) = own.filter(|_| !reference) {
            return Ok(Found { secret: trimmed(own), is_from_environment: false });
        }
        match from_env(name, env) {
            Some(secret) if is_reference(secret.expose()) => Err(NotFound::Reference),
            Some(secret) => Ok(Found { secret, is_from_environment: true }),
            None => Err(if reference { NotFound::Reference } else { NotFound::Unset }),
        }
    }
}

/// A variable's value.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) secret: Secret,
    /// Whether it is from the daemon's environment.
    pub(super) is_from_environment: bool,
}

/// Why a variable has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotFound {
    /// It is set nowhere.
    Unset,
    /// It names a 1Password item, which only Hermes looks up.
    Reference,
}

fn from_env(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<Secret> {
    let value = Zeroizing::new(env(name)?);
    let value = value.trim();
    (!value.is_empty()).then(|| Secret::new(value))
}

fn trimmed(secret: &Secret) -> Secret {
    let trimmed = secret.expose().trim();
    if trimmed.len() == secret.expose().len() { secret.clone() } else { Secret::new(trimmed) }
}

fn unquote(value: &str) -> Secret {
    let within = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(quoted) = within('"') {
        let mut unescaped = Zeroizing::new(String::with_capacity(quoted.len()));
        let mut chars = quoted.chars().peekable();
        while let Some(c) = chars.next() {
            let escaped = chars.next_if(|next| c == '\\' && matches!(next, '"' | '\\'));
            unescaped.push(escaped.unwrap_or(c));
        }
        return Secret::new(&unescaped);
    }
    Secret::new(within('\'').unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(file: &str, name: &str) -> Option<String> {
        Dotenv::parse(file.as_bytes()).lookup(name, &|_| None).ok().map(|found| found.secret.expose().to_owned())
    }

    #[test]
    fn values_are_those_that_hermes_reads() {
        let cases = [
            ("K=v", Some("v")),
            ("  K =  v  ", Some("v")),
            ("export K=v", Some("v")),
            ("\u{feff}K=v", Some("v")),
            ("# K=no\nK=v\r\nL=w", Some("v")),
            ("K=a\nK=b", Some("b")),
            ("K=a=b==", Some("a=b==")),
            ("K=v # not a comment", Some("v # not a comment")),
            ("K=$HOME", Some("$HOME")),
            (r#"K="v # w""#, Some("v # w")),
            (r#"K="a\"b\\c\nd""#, Some(r#"a"b\c\nd"#)),
            ("K='a\"b\\\\c'", Some("a\"b\\\\c")),
            ("K=\"open", Some("\"open")),
            ("K=\"", Some("\"")),
            ("K=\"\"", None),
            ("K=", None),
            ("K", None),
            ("#K=v", None),
            ("export #K=v", None),
            ("", None),
        ];
        for (file, expected) in cases {
            assert_eq!(value(file, "K").as_deref(), expected, "{file:?}");
        }
        assert_eq!(Dotenv::parse(b"K=\xff\nL=v").lookup("L", &|_| None).expect("a value").secret.expose(), "v");
    }

    #[test]
    fn the_file_comes_before_the_environment_but_for_references() {
        let dotenv = Dotenv::parse(b"A=file\nB=op://vault/item\nC=\nD=op://vault/item");
        let env = |name: &str| match name {
            "A" | "B" | "C" => Some(" env ".to_owned()),
            "E" => Some("  ".to_owned()),
            "G" => Some("op://vault/item".to_owned()),
            _ => None,
        };
        let lookup = |name| {
            let found = dotenv.lookup(name, &env);
            found.map(|found| (found.secret.expose().to_owned(), found.is_from_environment))
        };
        assert_eq!(lookup("A"), Ok(("file".to_owned(), false)));
        assert_eq!(lookup("B"), Ok(("env".to_owned(), true)));
        assert_eq!(lookup("C"), Ok(("env".to_owned(), true)));
        assert_eq!(lookup("D"), Err(NotFound::Reference));
        assert_eq!(lookup("E"), Err(NotFound::Unset));
        assert_eq!(lookup("F"), Err(NotFound::Unset));
        assert_eq!(lookup("G"), Err(NotFound::Reference));
    }

    #[test]
    fn nothing_of_it_is_printed() {
        assert!(!format!("{:?}", Dotenv::parse(b"K=canary-1\nL=\"canary-2\"")).contains("canary"));
    }
}
