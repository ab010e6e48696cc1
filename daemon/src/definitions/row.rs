//! One row of a pool in auth.json.

use credpool_proto::limits::MAX_NAME_BYTES;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields;
use super::legacy::Notes;
use super::secret::{Secret, short_hash};
use super::tokens::Tokens;
use crate::config::{AuthType, MAX_ID_BYTES};

/// How Anthropic's OAuth access tokens begin. hermes-agent 0.19.0 corrects a wrong `auth_type` by it
/// (agent/credential_pool.py, `_normalize_pool_auth_type`).
const ANTHROPIC_OAUTH: &str = "sk-ant-oat";

/// A row as it stands in the file, borrowed secrets not resolved.
#[derive(Debug)]
pub(super) struct StoredRow {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) auth_type: AuthType,
    pub(super) priority: i64,
    pub(super) source: String,
    /// Its own secrets, and where requests with them go.
    pub(super) tokens: Tokens,
    /// Its `secret_fingerprint`: of a secret that is not here, as Hermes last saw it.
    pub(super) recorded: Option<String>,
    /// Its `secret_source`: who gave Hermes that secret.
    pub(super) secret_source: Option<String>,
    pub(super) notes: Notes,
}

#[derive(Deserialize)]
struct RawRow<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    label: Option<&'a RawValue>,
    auth_type: Option<&'a RawValue>,
    priority: Option<&'a RawValue>,
    source: Option<&'a RawValue>,
    access_token: Option<&'a RawValue>,
    base_url: Option<&'a RawValue>,
    inference_base_url: Option<&'a RawValue>,
    secret_source: Option<&'a RawValue>,
    secret_fingerprint: Option<&'a RawValue>,
}

impl StoredRow {
    /// Reads a row of `pool`. Missing fields and `null` take the defaults of hermes-agent 0.19.0
    /// (`PooledCredential.from_dict`); unknown fields are ignored.
    ///
    /// A row without an id, which Hermes gives a random one on each load, gets one that follows from pool, source and
    /// the fingerprint of its secret.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence; nothing of what stands there.
    pub(super) fn read(pool: &str, raw: &RawValue, warnings: &mut Vec<String>) -> Result<Self, String> {
        if !raw.get().starts_with('{') {
            return Err("is not an object".to_owned());
        }
        // The fields are raw, so nothing else can be wrong.
        let row: RawRow<'_> = serde_json::from_str(raw.get()).map_err(|_| "gives a field twice".to_owned())?;
        let owned = |name: &str, raw| {
            let text = fields::optional_text(raw).map_err(|_| format!("has a `{name}` that is not a text"))?;
            Ok::<_, String>(text.as_deref().map(str::to_owned))
        };
        let source = owned("source", row.source)?.filter(|source| !source.is_empty()).unwrap_or("manual".to_owned());
        if has_control(&source) || source.len() > MAX_NAME_BYTES {
            return Err("has a `source` that is too long or holds control characters".to_owned());
        }
        fields::optional_text(row.access_token).map_err(|_| "has an `access_token` that is not a text")?;
        let tokens = Tokens::read(raw);
        let recorded = owned("secret_fingerprint", row.secret_fingerprint)?.filter(|text| is_fingerprint(text));
        let id = match owned("id", row.id)? {
            Some(id) if id.is_empty() => return Err("has an empty `id`".to_owned()),
            Some(id) if id.len() > MAX_ID_BYTES => {
                return Err(format!("has an `id` of more than {MAX_ID_BYTES} bytes"));
            }
            Some(id) if has_control(&id) => return Err("has control characters in its `id`".to_owned()),
            Some(id) => id,
            None => {
                let fingerprint = tokens.access_token.as_ref().map(Secret::fingerprint).or_else(|| recorded.clone());
                format!("x{}", short_hash(&[pool, &source, &fingerprint.unwrap_or_default()], 6))
            }
        };
        let label = match owned("label", row.label)? {
            Some(label) if label.len() > MAX_NAME_BYTES => {
                return Err(format!("has a `label` of more than {MAX_NAME_BYTES} bytes"));
            }
            Some(label) => without_control(&label),
            None => source.clone(),
        };
        let priority = match row.priority {
            None => 0,
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| "has a `priority` that is not a whole number")?,
        };
        for (name, raw) in [("base_url", row.base_url), ("inference_base_url", row.inference_base_url)] {
            if owned(name, raw)?.as_deref().is_some_and(has_control) {
                return Err("has control characters in its base URL".to_owned());
            }
        }
        Ok(Self {
            id,
            label,
            auth_type: auth_type(owned("auth_type", row.auth_type)?.as_deref(), warnings),
            priority,
            source,
            tokens,
            recorded,
            secret_source: fields::text(row.secret_source)
                .filter(|name| !name.is_empty() && name.len() <= MAX_NAME_BYTES)
                .map(|name| without_control(&name)),
            notes: Notes::read(raw),
        })
    }
}

/// What sort of secret it really is: some secrets say so themselves.
pub(super) fn true_auth_type(pool: &str, secret: Option<&Secret>, said: AuthType) -> AuthType {
    match secret {
        Some(secret) if pool == "anthropic" && secret.expose().starts_with(ANTHROPIC_OAUTH) => AuthType::OAuth,
        _ => said,
    }
}

fn auth_type(text: Option<&str>, warnings: &mut Vec<String>) -> AuthType {
    match text {
        None | Some("" | "api_key") => AuthType::ApiKey,
        Some("oauth") => AuthType::OAuth,
        Some(_) => {
            warnings.push("has an unknown `auth_type`, and is served as an API key".to_owned());
            AuthType::ApiKey
        }
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

pub(super) fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// `text`, with a sign in the place of every control character.
pub(super) fn without_control(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
