//! The secrets of a row or a login, in Hermes' words, and which of them authorises requests.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields;
use super::jwt::{self, Claims};
use super::secret::Secret;

/// What a row or a login holds of secrets, and where requests with them go.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    /// `access_token`.
    pub(super) access_token: Option<Secret>,
    /// When that runs out, in milliseconds of Unix time: `expires_at_ms`, else `expires_at`.
    pub(super) expires_at_ms: Option<u64>,
    /// `agent_key`, which only Nous has.
    pub(super) agent_key: Option<Secret>,
    /// When that runs out: `agent_key_expires_at`.
    pub(super) agent_key_expires_at_ms: Option<u64>,
    /// Whether `scope` allows inference at Nous.
    pub(super) may_infer: bool,
    /// `base_url`.
    pub(super) base_url: Option<String>,
    /// `inference_base_url`.
    pub(super) inference_base_url: Option<String>,
}

/// The secret that authorises requests, and what is known of it.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) secret: Secret,
    /// What the secret says of itself.
    pub(super) claims: Option<Claims>,
    /// What its definition says about when it runs out, in milliseconds of Unix time.
    pub(super) noted_expiry_ms: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTokens<'a> {
    #[serde(borrow)]
    access_token: Option<&'a RawValue>,
    expires_at: Option<&'a RawValue>,
    expires_at_ms: Option<&'a RawValue>,
    agent_key: Option<&'a RawValue>,
    agent_key_expires_at: Option<&'a RawValue>,
    scope: Option<&'a RawValue>,
    base_url: Option<&'a RawValue>,
    inference_base_url: Option<&'a RawValue>,
}

impl Tokens {
    /// Reads the fields of an object; one of a wrong type counts as missing.
    pub(super) fn read(raw: &RawValue) -> Self {
        let raw: RawTokens<'_> = fields::object(raw);
        let secret = |raw| {
            let text = fields::text(raw)?;
            (!text.trim().is_empty()).then(|| Secret::new(&text))
        };
        Self {
            access_token: secret(raw.access_token),
            expires_at_ms: fields::milliseconds(raw.expires_at_ms).or_else(|| fields::instant(raw.expires_at)),
            agent_key: secret(raw.agent_key),
            agent_key_expires_at_ms: fields::instant(raw.agent_key_expires_at),
            may_infer: raw.scope.is_some_and(jwt::may_infer),
            base_url: url(raw.base_url),
            inference_base_url: url(raw.inference_base_url),
        }
    }

    /// These, with what `newer` has in the place of their own: how hermes-agent brings a row up to date
    /// (agent/credential_pool.py of 0.19.0, `_upsert_entry`).
    pub(super) fn updated(&self, newer: &Self) -> Self {
        let (own, newer) = (self.clone(), newer.clone());
        Self {
            // An expiry belongs to its token: that of an old one says nothing of a new one.
            expires_at_ms: match (&own.access_token, &newer.access_token) {
                (Some(own_token), Some(token)) if own_token.expose() != token.expose() => newer.expires_at_ms,
                _ => newer.expires_at_ms.or(own.expires_at_ms),
            },
            access_token: newer.access_token.or(own.access_token),
            agent_key: newer.agent_key.or(own.agent_key),
            agent_key_expires_at_ms: newer.agent_key_expires_at_ms.or(own.agent_key_expires_at_ms),
            may_infer: newer.may_infer || own.may_infer,
            base_url: newer.base_url.or(own.base_url),
            inference_base_url: newer.inference_base_url.or(own.inference_base_url),
        }
    }

    /// Which of them authorises requests of `pool`.
    ///
    /// Nous' inference takes tokens that say so, and Hermes takes `agent_key` before `access_token` unless it has run out
    /// (agent/credential_pool.py of 0.19.0, `runtime_api_key`). Here the one that lasts longer comes first, since nothing is
    /// read again when a token runs out; where both are one token, as Hermes keeps them, that is the same. And one that has
    /// run out is better than none: whoever gets it is told.
    ///
    /// # Errors
    /// Why none of them does.
    pub(super) fn authority(&self, pool: &str) -> Result<Authority, &'static str> {
        if pool != "nous" {
            let secret = self.access_token.clone().ok_or("it has no access_token")?;
            let claims = Claims::read(secret.expose());
            return Ok(Authority { secret, claims, noted_expiry_ms: self.expires_at_ms });
        }
        let candidates =
            [(&self.agent_key, self.agent_key_expires_at_ms), (&self.access_token, self.expires_at_ms)].into_iter();
        let usable = candidates.filter_map(|(token, noted_expiry_ms)| {
            let secret = Secret::new(token.as_ref()?.expose().trim());
            let claims = Claims::read(secret.expose())?;
            let expiry = claims.expires_at_ms.or(noted_expiry_ms)?;
            let usable = claims.may_infer || self.may_infer;
            usable.then_some((expiry, Authority { secret, claims: Some(claims), noted_expiry_ms }))
        });
        usable
            .reduce(|first, second| if second.0 > first.0 { second } else { first })
            .map(|(_, authority)| authority)
            .ok_or("it has no token that Nous' inference takes: log in again with `hermes auth add nous`")
    }

    /// Where requests go, if that is said.
    pub(super) fn url(&self, pool: &str) -> Option<&str> {
        let (first, second) = if pool == "nous" {
            (&self.inference_base_url, &self.base_url)
        } else {
            (&self.base_url, &self.inference_base_url)
        };
        first.as_deref().or(second.as_deref())
    }
}

fn url(raw: Option<&RawValue>) -> Option<String> {
    let text = fields::text(raw)?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::jwt::tests::token;
    use super::*;

    fn tokens(value: &Value) -> Tokens {
        let raw: Box<RawValue> = serde_json::value::to_raw_value(value).expect("JSON");
        Tokens::read(&raw)
    }

    fn secret(pool: &str, value: &Value) -> Option<String> {
        Some(tokens(value).authority(pool).ok()?.secret.expose().to_owned())
    }

    /// A token for inference at Nous that runs out then, in seconds of Unix time.
    fn invoke(exp: u64) -> String {
        token(&json!({ "scope": "inference:invoke", "exp": exp }))
    }

    #[test]
    fn outside_nous_the_access_token_authorises() {
        let value = json!({ "access_token": "a", "agent_key": "k", "expires_at": "2026-11-20T11:00:00" });
        assert_eq!(secret("openrouter", &value).as_deref(), Some("a"));
        let expiry = tokens(&value).authority("openrouter").expect("a secret").noted_expiry_ms;
        assert_eq!(expiry, Some(1_795_172_400_000), "without a zone it is UTC");
        assert_eq!(secret("openrouter", &json!({ "agent_key": "k" })), None);
        assert_eq!(secret("openrouter", &json!({ "access_token": " " })), None);
    }

    #[test]
    fn at_nous_a_token_for_inference_authorises_and_the_longer_one_first() {
        let (short, long) = (invoke(1_000), invoke(2_000));
        let both = |key: &str, access: &str| json!({ "agent_key": key, "access_token": access });
        assert_eq!(secret("nous", &both(&short, &long)).as_ref(), Some(&long));
        assert_eq!(secret("nous", &both(&long, &short)).as_ref(), Some(&long));
        assert_eq!(secret("nous", &json!({ "access_token": format!(" {short} ") })).as_ref(), Some(&short));
        assert_eq!(secret("nous", &both("sk-opaque", &short)).as_ref(), Some(&short));
        assert_eq!(secret("nous", &both("sk-opaque", "sk-opaque")), None);
    }

    #[test]
    fn at_nous_scope_and_end_may_stand_beside_the_token() {
        let plain = token(&json!({ "sub": "u" }));
        let beside =
            json!({ "access_token": plain, "scope": "inference:invoke", "expires_at": "2026-11-20T11:00:00Z" });
        assert_eq!(secret("nous", &beside).as_ref(), Some(&plain));
        let authority = tokens(&beside).authority("nous").expect("a secret");
        assert_eq!(authority.noted_expiry_ms, Some(1_795_172_400_000));
        for missing in ["scope", "expires_at"] {
            let mut without = beside.clone();
            without.as_object_mut().expect("an object").remove(missing);
            assert_eq!(secret("nous", &without), None, "without {missing}");
        }
    }

    #[test]
    fn newer_tokens_take_the_place_of_older_ones_field_by_field() {
        let old = tokens(&json!({ "access_token": "old", "expires_at_ms": 1_000, "base_url": "https://a.test" }));
        let new = old.updated(&tokens(&json!({ "access_token": "new" })));
        assert_eq!(new.access_token.as_ref().map(Secret::expose), Some("new"));
        assert_eq!((new.base_url.as_deref(), new.expires_at_ms), (Some("https://a.test"), None));
        let same = old.updated(&tokens(&json!({ "access_token": "old" })));
        assert_eq!(same.expires_at_ms, Some(1_000));
    }

    #[test]
    fn nous_has_its_own_idea_of_where_requests_go() {
        let value = json!({ "base_url": "https://base.test", "inference_base_url": "https://inference.test" });
        assert_eq!(tokens(&value).url("nous"), Some("https://inference.test"));
        assert_eq!(tokens(&value).url("openrouter"), Some("https://base.test"));
        assert_eq!(tokens(&json!({ "inference_base_url": "https://i.test" })).url("x"), Some("https://i.test"));
        assert_eq!(tokens(&json!({ "base_url": "a\r\nb" })).url("x"), None);
    }
}
