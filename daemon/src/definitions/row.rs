//! One row of a pool in auth.json.

use credpool_proto::limits::MAX_NAME_BYTES;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{self, Text};
use super::legacy::Notes;
use super::secret::{Secret, short_hash};
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
    pub(super) base_url: Option<String>,
    /// Its own `access_token`.
    pub(super) secret: Option<Secret>,
    /// Its `secret_fingerprint`.
    pub(super) recorded: Option<String>,
    pub(super) secret_expires_at_ms: Option<u64>,
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
    expires_at: Option<&'a RawValue>,
    expires_at_ms: Option<&'a RawValue>,
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
        let token = fields::optional_text(row.access_token).map_err(|_| "has an `access_token` that is not a text")?;
        let secret = token.as_deref().filter(|token| !token.trim().is_empty()).map(Secret::new);
        let recorded = owned("secret_fingerprint", row.secret_fingerprint)?.filter(|text| is_fingerprint(text));
        let id = match owned("id", row.id)? {
            Some(id) if id.is_empty() => return Err("has an empty `id`".to_owned()),
            Some(id) if id.len() > MAX_ID_BYTES => {
                return Err(format!("has an `id` of more than {MAX_ID_BYTES} bytes"));
            }
            Some(id) if has_control(&id) => return Err("has control characters in its `id`".to_owned()),
            Some(id) => id,
            None => {
                let fingerprint = secret.as_ref().map(Secret::fingerprint).or_else(|| recorded.clone());
                format!("x{}", short_hash(&[pool, &source, &fingerprint.unwrap_or_default()], 6))
            }
        };
        let label = match owned("label", row.label)? {
            Some(label) if label.len() > MAX_NAME_BYTES => {
                return Err(format!("has a `label` of more than {MAX_NAME_BYTES} bytes"));
            }
            Some(label) => label.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
            None => source.clone(),
        };
        let priority = match row.priority {
            None => 0,
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| "has a `priority` that is not a whole number")?,
        };
        let base_url = match owned("base_url", row.base_url)?.filter(|url| !url.is_empty()) {
            None => owned("inference_base_url", row.inference_base_url)?.filter(|url| !url.is_empty()),
            url => url,
        };
        if base_url.as_deref().is_some_and(has_control) {
            return Err("has control characters in its base URL".to_owned());
        }
        Ok(Self {
            id,
            label,
            auth_type: auth_type(owned("auth_type", row.auth_type)?.as_deref(), warnings),
            priority,
            source,
            base_url,
            secret,
            recorded,
            secret_expires_at_ms: expiry(&row),
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

/// An expiry that cannot be read is none: it only says when to refresh.
fn expiry(row: &RawRow<'_>) -> Option<u64> {
    let ms = || serde_json::from_str(row.expires_at_ms?.get()).ok();
    let text = || {
        let text: Text<'_> = fields::text(row.expires_at)?;
        u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
    };
    ms().or_else(text)
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
