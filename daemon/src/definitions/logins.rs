//! `providers` in auth.json: logins that Hermes keeps beside its pools, and copies into their rows whenever it loads them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields;
use super::jwt::Claims;
use super::secret::{Secret, short_hash};
use super::tokens::Tokens;

/// The logins of one auth.json. What it has of a provider hides what another has of it, even if it is nothing.
#[derive(Debug, Default)]
pub(super) struct Logins(BTreeMap<&'static str, Login>);

/// What auth.json has of one provider.
#[derive(Debug, Default)]
pub(super) struct Login {
    tokens: Tokens,
    label: Option<String>,
    /// Whether anything at all is noted.
    is_empty: bool,
    /// Where Z.AI takes a key, and the hash of that key.
    endpoint: Option<(String, String)>,
}

/// The pools that have logins, and how the rows are called that hold copies of them.
const SOURCES: [(&str, &str); 4] = [
    ("minimax-oauth", "oauth"),
    ("nous", "device_code"),
    ("openai-codex", "device_code"),
    ("xai-oauth", "device_code"),
];

/// Z.AI's keys are good at one of several places; Hermes tries them, and notes which.
const ZAI: &str = "zai";

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawLogin<'a> {
    #[serde(borrow)]
    tokens: Option<&'a RawValue>,
    label: Option<&'a RawValue>,
    detected_endpoint: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawEndpoint<'a> {
    #[serde(borrow)]
    base_url: Option<&'a RawValue>,
    key_hash: Option<&'a RawValue>,
}

impl Logins {
    /// Reads `providers`, an object.
    pub(super) fn read(raw: &RawValue) -> Self {
        let providers: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
        let pools = SOURCES.iter().map(|(pool, _)| *pool).chain([ZAI]);
        let logins = pools.filter_map(|pool| {
            let raw = providers.get(pool).filter(|raw| raw.get().starts_with('{'))?;
            Some((pool, Login::read(pool, raw)))
        });
        Self(logins.collect())
    }

    /// The one login of a file in the form that came before `providers`: `systems`, an object.
    pub(super) fn read_systems(raw: &RawValue) -> Self {
        let systems: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
        let nous = systems.get("nous_portal").filter(|raw| raw.get().starts_with('{'));
        Self(nous.into_iter().map(|raw| ("nous", Login::read("nous", raw))).collect())
    }

    /// What there is of `pool`'s provider.
    pub(super) fn of(&self, pool: &str) -> Option<&Login> {
        self.0.get(pool)
    }
}

impl Login {
    fn read(pool: &str, raw: &RawValue) -> Self {
        let login: RawLogin<'_> = fields::object(raw);
        let tokens = match pool {
            // These two keep only tokens; where they are good is known.
            "openai-codex" | "xai-oauth" => Tokens {
                base_url: None,
                inference_base_url: None,
                ..login.tokens.map(Tokens::read).unwrap_or_default()
            },
            "minimax-oauth" => {
                let tokens = Tokens::read(raw);
                let base_url = tokens.inference_base_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
                Tokens { base_url, inference_base_url: None, ..tokens }
            }
            "nous" => Tokens { base_url: None, ..Tokens::read(raw) },
            _ => Tokens::default(),
        };
        let text = |raw| fields::text(raw).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let endpoint: RawEndpoint<'_> = login.detected_endpoint.map(fields::object).unwrap_or_default();
        Self {
            tokens,
            label: text(login.label),
            is_empty: raw.get().trim_matches(['{', '}']).trim().is_empty(),
            endpoint: text(endpoint.base_url).zip(text(endpoint.key_hash)),
        }
    }

    /// The tokens, if there are any.
    pub(super) fn tokens(&self) -> Option<&Tokens> {
        (self.tokens.access_token.is_some() || self.tokens.agent_key.is_some()).then_some(&self.tokens)
    }

    /// Whether the login was ended: something is noted of it, but no token.
    pub(super) fn is_over(&self) -> bool {
        !self.is_empty && self.tokens().is_none()
    }

    /// What to call it: as its owner said, else as its token says.
    pub(super) fn label(&self) -> Option<String> {
        let claimed = || Claims::read(self.tokens.access_token.as_ref()?.expose())?.name;
        self.label.clone().or_else(claimed)
    }

    /// Where `key` of Z.AI is good, if Hermes has tried it (hermes_cli/auth.py of 0.19.0, `_resolve_zai_base_url`).
    pub(super) fn endpoint(&self, key: &Secret) -> Option<&str> {
        let (url, hash) = self.endpoint.as_ref()?;
        (*hash == short_hash(&[key.expose()], 8)).then_some(url)
    }
}

/// How the row of `pool` is called that holds a copy of its login, if it has one.
pub(super) fn source(pool: &str) -> Option<&'static str> {
    SOURCES.iter().find(|(of, _)| *of == pool).map(|(_, source)| *source)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::jwt::tests::token;
    use super::*;

    fn logins(value: &Value) -> Logins {
        Logins::read(&serde_json::value::to_raw_value(value).expect("JSON"))
    }

    fn access_token(logins: &Logins, pool: &str) -> Option<String> {
        Some(logins.of(pool)?.tokens()?.access_token.as_ref()?.expose().to_owned())
    }

    #[test]
    fn each_provider_has_a_form_of_its_own() {
        let logins = logins(&json!({
            "openai-codex": { "tokens": { "access_token": "c", "base_url": "https://evil.test" }, "label": " me " },
            "xai-oauth": { "tokens": { "access_token": "x" } },
            "minimax-oauth": { "access_token": "m", "inference_base_url": "https://api.minimaxi.com/anthropic/" },
            "nous": { "access_token": "n", "agent_key": "k", "inference_base_url": "https://i.test/v1" },
            "spotify": { "access_token": "no model" },
        }));
        for (pool, token) in [("openai-codex", "c"), ("xai-oauth", "x"), ("minimax-oauth", "m"), ("nous", "n")] {
            assert_eq!(access_token(&logins, pool).as_deref(), Some(token));
        }
        assert!(logins.of("spotify").is_none());
        let url = |pool| logins.of(pool).and_then(Login::tokens).and_then(|tokens| tokens.url(pool)).map(str::to_owned);
        assert_eq!(url("openai-codex"), None);
        assert_eq!(url("minimax-oauth").as_deref(), Some("https://api.minimaxi.com/anthropic"));
        assert_eq!(url("nous").as_deref(), Some("https://i.test/v1"));
        assert_eq!(logins.of("openai-codex").and_then(Login::label).as_deref(), Some("me"));
    }

    #[test]
    fn a_login_is_called_what_its_token_says() {
        let claims = json!({ "email": "ann@example.com" });
        let logins = logins(&json!({ "openai-codex": { "tokens": { "access_token": token(&claims) } } }));
        assert_eq!(logins.of("openai-codex").and_then(Login::label).as_deref(), Some("ann@example.com"));
    }

    #[test]
    fn a_login_that_was_ended_is_told_from_one_that_never_was() {
        let over = |value: Value| logins(&json!({ "nous": value })).of("nous").map(Login::is_over);
        assert_eq!(over(json!({ "client_id": "hermes-cli", "access_token": "" })), Some(true));
        assert_eq!(over(json!({ "agent_key": "k" })), Some(false));
        assert_eq!(over(json!({})), Some(false));
        assert_eq!(over(json!(null)), None);
        assert_eq!(over(json!(["canary"])), None);
    }

    #[test]
    fn the_form_before_providers_has_one_login() {
        let value = json!({ "nous_portal": { "access_token": "n" } });
        let logins = Logins::read_systems(&serde_json::value::to_raw_value(&value).expect("JSON"));
        assert_eq!(access_token(&logins, "nous").as_deref(), Some("n"));
    }

    #[test]
    fn an_endpoint_is_that_of_one_key() {
        // Python: hashlib.sha256(b"abc").hexdigest()[:16]
        let endpoint = json!({ "base_url": "https://api.z.ai/api/coding/paas/v4", "key_hash": "ba7816bf8f01cfea" });
        let logins = logins(&json!({ "zai": { "detected_endpoint": endpoint } }));
        let login = logins.of("zai").expect("a login");
        assert_eq!(login.endpoint(&Secret::new("abc")), Some("https://api.z.ai/api/coding/paas/v4"));
        assert_eq!(login.endpoint(&Secret::new("abd")), None);
    }
}
