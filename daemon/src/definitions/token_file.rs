//! Logins that stand in a file of their own: one of Hermes', and those of the programs that it borrows from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields;
use super::safe_file::Demands;
use super::secret::Secret;
use super::side_file::{Moment, SideFile};
use super::snapshot::Problem;

/// The largest of these files, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Whose login it is, by the source of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    /// `hermes_pkce`: an Anthropic login that Hermes made for itself.
    HermesPkce,
    /// `claude_code`: Claude Code's.
    ClaudeCode,
    /// `qwen-cli`: the Qwen CLI's.
    QwenCli,
}

/// The login in such a file. As in hermes-agent 0.19.0 (agent/anthropic_adapter.py, `read_hermes_oauth_credentials` and
/// `_read_claude_code_credentials_from_file`; hermes_cli/auth.py, `_read_qwen_cli_tokens`).
#[derive(Clone, Debug)]
pub(super) struct FileToken {
    pub(super) token: Secret,
    /// In milliseconds of Unix time.
    pub(super) expires_at_ms: Option<u64>,
}

impl Holder {
    pub(super) const ALL: [Self; 3] = [Self::HermesPkce, Self::ClaudeCode, Self::QwenCli];

    /// The source of its rows.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::HermesPkce => "hermes_pkce",
            Self::ClaudeCode => "claude_code",
            Self::QwenCli => "qwen-cli",
        }
    }

    /// The pool of its rows.
    pub(super) fn pool(self) -> &'static str {
        match self {
            Self::HermesPkce | Self::ClaudeCode => "anthropic",
            Self::QwenCli => "qwen-oauth",
        }
    }

    /// Whether the login is Hermes' own, and not borrowed from another program.
    pub(super) fn is_hermes(self) -> bool {
        self == Self::HermesPkce
    }

    /// Where the file is, given the Hermes home and the user's home folder.
    pub(super) fn path(self, hermes: &Path, user: Option<&Path>) -> Option<PathBuf> {
        match self {
            Self::HermesPkce => Some(hermes.join(".anthropic_oauth.json")),
            Self::ClaudeCode => Some(user?.join(".claude/.credentials.json")),
            Self::QwenCli => Some(user?.join(".qwen/oauth_creds.json")),
        }
    }

    /// Where in the file the token stands (RFC 6901).
    pub(super) fn pointer(self) -> &'static str {
        match self {
            Self::HermesPkce => "/accessToken",
            Self::ClaudeCode => "/claudeAiOauth/accessToken",
            Self::QwenCli => "/access_token",
        }
    }

    /// What to do where there is no such login.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::HermesPkce => "log in with `hermes auth add anthropic`",
            Self::ClaudeCode => "log in with `claude`",
            Self::QwenCli => "log in with `qwen auth qwen-oauth`",
        }
    }

    /// Reads the login in a file's text; `None` if there is none.
    ///
    /// # Errors
    /// A sentence, with nothing of the file.
    fn parse(self, text: &[u8]) -> Result<Option<FileToken>, String> {
        let raw: &RawValue = serde_json::from_slice(text)
            .map_err(|error| format!("is not JSON, at line {}, column {}", error.line(), error.column()))?;
        if !raw.get().starts_with('{') {
            return Err("is not a JSON object".to_owned());
        }
        let file: RawFile<'_> = fields::object(raw);
        let login = match (self, file.claude) {
            (Self::ClaudeCode, Some(claude)) => fields::object(claude),
            (Self::ClaudeCode, None) => RawLogin::default(),
            _ => fields::object(raw),
        };
        let (token, expires) = match self {
            Self::HermesPkce | Self::ClaudeCode => (login.camel_token, login.camel_expires),
            Self::QwenCli => (login.access_token, login.expiry_date),
        };
        let token = fields::text(token);
        Ok(token
            .as_deref()
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .map(|token| FileToken { token: Secret::new(token), expires_at_ms: fields::milliseconds(expires) }))
    }
}

/// What each of the files of one Hermes home holds.
#[derive(Debug, Default)]
pub(super) struct TokenFiles(BTreeMap<Holder, SideFile<Option<FileToken>>>);

impl TokenFiles {
    /// The files of the home `hermes`, of a user whose home folder is `user`; not read yet.
    pub(super) fn new(hermes: &Path, user: Option<&Path>) -> Self {
        let demands = Demands { max_bytes: MAX_BYTES, holds_secrets: true };
        let files = Holder::ALL
            .into_iter()
            .filter_map(|holder| Some((holder, SideFile::new(holder.path(hermes, user)?, demands))));
        Self(files.collect())
    }

    /// Reads the files of those holders that are `wanted`, and forgets the others.
    pub(super) fn read(&mut self, moment: Moment, wanted: impl Fn(Holder) -> bool, problems: &mut Vec<Problem>) {
        for (holder, file) in &mut self.0 {
            if wanted(*holder) {
                file.read(moment, |file| holder.parse(&file.bytes), problems);
            } else {
                file.forget();
            }
        }
    }

    /// The login in a file, if there is one.
    pub(super) fn get(&self, holder: Holder) -> Option<&FileToken> {
        self.0.get(&holder)?.held().as_ref()
    }

    /// Where a file is.
    pub(super) fn path(&self, holder: Holder) -> Option<&Path> {
        Some(self.0.get(&holder)?.path())
    }

    /// Whether some file is to be read again soon.
    pub(super) fn are_pending(&self) -> bool {
        self.0.values().any(SideFile::is_pending)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawFile<'a> {
    #[serde(borrow, rename = "claudeAiOauth")]
    claude: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawLogin<'a> {
    #[serde(borrow, rename = "accessToken")]
    camel_token: Option<&'a RawValue>,
    #[serde(rename = "expiresAt")]
    camel_expires: Option<&'a RawValue>,
    access_token: Option<&'a RawValue>,
    expiry_date: Option<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(holder: Holder, text: &str) -> Result<Option<(String, Option<u64>)>, String> {
        let found = holder.parse(text.as_bytes())?;
        Ok(found.map(|found| (found.token.expose().to_owned(), found.expires_at_ms)))
    }

    #[test]
    fn each_program_has_a_form_of_its_own() {
        let cases = [
            (Holder::HermesPkce, r#"{"accessToken": "t", "refreshToken": "r", "expiresAt": 1795475600000}"#),
            (
                Holder::ClaudeCode,
                r#"{"claudeAiOauth": {"accessToken": "t", "expiresAt": 1795475600000, "scopes": []}}"#,
            ),
            (
                Holder::QwenCli,
                r#"{"access_token": " t ", "expiry_date": 1795475600000, "resource_url": "portal.qwen.ai"}"#,
            ),
        ];
        for (holder, text) in cases {
            assert_eq!(read(holder, text), Ok(Some(("t".to_owned(), Some(1_795_475_600_000)))), "{holder:?}");
            let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(value.pointer(holder.pointer()).and_then(|token| token.as_str()).map(str::trim), Some("t"));
        }
        let undated = r#"{"claudeAiOauth": {"accessToken": "t", "expiresAt": 0}}"#;
        assert_eq!(read(Holder::ClaudeCode, undated), Ok(Some(("t".to_owned(), None))));
    }

    #[test]
    fn a_file_without_a_login_has_none() {
        for text in ["{}", r#"{"accessToken": "t"}"#, r#"{"claudeAiOauth": null}"#, r#"{"claudeAiOauth": ["t"]}"#] {
            assert_eq!(read(Holder::ClaudeCode, text), Ok(None), "{text}");
        }
        assert_eq!(read(Holder::QwenCli, r#"{"access_token": "  "}"#), Ok(None));
        assert_eq!(read(Holder::QwenCli, r#"{"access_token": 3}"#), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_an_error_that_repeats_nothing() {
        for text in ["", "{\"accessToken\": \"canary", "[\"canary\"]", "canary"] {
            let error = read(Holder::HermesPkce, text).expect_err("no login");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
