//! Which header carries a secret, by provider.

use credpool_proto::reply::AuthHeader;

use crate::definitions::{AuthType, Secret};

/// The header for a credential of `pool`, whose name tells the provider unless the base URL does.
///
/// Sources: Anthropic API keys go into `x-api-key` (docs.anthropic.com/en/api/overview), Gemini's into `x-goog-api-key`
/// (ai.google.dev/api), Azure OpenAI's into `api-key` (learn.microsoft.com/azure/ai-services/openai/reference); every
/// OAuth token, and keys of all others, into `Authorization: Bearer` (RFC 6750). What speaks Anthropic's dialect, but for a
/// few, wants its header too, and what is an OAuth token of Anthropic's shows in the token: both as hermes-agent 0.19.0 has
/// it (agent/anthropic_adapter.py, `build_anthropic_client` and `_is_oauth_token`).
#[must_use]
pub(crate) fn auth_header(
    pool: &str,
    base_url: Option<&str>,
    auth_type: AuthType,
    secret: Option<&Secret>,
) -> AuthHeader<'static> {
    let place = Place::of(base_url.unwrap_or_default());
    let is = |name: &str, domain: &str| pool == name || place.is_in(domain);
    let header = if auth_type == AuthType::OAuth {
        None
    } else if place.speaks_anthropic() {
        (!place.wants_bearer()).then_some("x-api-key")
    } else if is("azure", "openai.azure.com") || is("azure-foundry", "cognitiveservices.azure.com") {
        Some("api-key")
    } else if place.ends_with(&["/openai"]) {
        // Both Gemini and Azure speak the OpenAI dialect there, with a bearer token.
        None
    } else if is("anthropic", "api.anthropic.com") {
        (!secret.is_some_and(|secret| is_anthropic_token(secret.expose()))).then_some("x-api-key")
    } else if is("gemini", "generativelanguage.googleapis.com") || pool == "google" {
        Some("x-goog-api-key")
    } else {
        None
    };
    match header {
        Some(header) => AuthHeader { header: header.into(), prefix: "".into() },
        None => AuthHeader { header: "Authorization".into(), prefix: "Bearer ".into() },
    }
}

/// Whether it is one of the tokens that Anthropic gives out in logins, and no API key.
fn is_anthropic_token(secret: &str) -> bool {
    let login = secret.starts_with("sk-ant-") && !secret.starts_with("sk-ant-api");
    login || secret.starts_with("eyJ") || secret.starts_with("cc-")
}

/// Where requests go, in lower case.
struct Place {
    host: String,
    path: String,
}

impl Place {
    fn of(url: &str) -> Self {
        let url = url.to_ascii_lowercase();
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().and_then(|host| host.split(':').next()).unwrap_or_default();
        Self { host: host.to_owned(), path: path.trim_end_matches('/').to_owned() }
    }

    fn is_in(&self, domain: &str) -> bool {
        self.host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    fn ends_with(&self, ends: &[&str]) -> bool {
        ends.iter().any(|end| self.path.ends_with(end))
    }

    /// Whether it is somebody else's service that speaks Anthropic's dialect.
    fn speaks_anthropic(&self) -> bool {
        let kimi = self.is_in("api.kimi.com") && self.path.starts_with("/coding");
        kimi || self.ends_with(&["/anthropic", "/anthropic/v1"])
    }

    /// Whether it wants a bearer token, though it speaks Anthropic's dialect.
    fn wants_bearer(&self) -> bool {
        ["api.minimax.io", "api.minimaxi.com", "azure.com", "palantirfoundry.com"]
            .iter()
            .any(|domain| self.is_in(domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pool: &str, url: &str, auth_type: AuthType, secret: &str) -> String {
        auth_header(pool, Some(url).filter(|url| !url.is_empty()), auth_type, Some(&Secret::new(secret))).header.into()
    }

    #[test]
    fn each_provider_gets_its_own_header() {
        let cases = [
            ("openrouter", "", "Authorization"),
            ("anthropic", "", "x-api-key"),
            ("custom:claude", "https://api.anthropic.com/v1", "x-api-key"),
            ("gemini", "", "x-goog-api-key"),
            ("google", "", "x-goog-api-key"),
            ("custom:g", "https://generativelanguage.googleapis.com/v1beta", "x-goog-api-key"),
            ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai/", "Authorization"),
            ("azure-foundry", "", "api-key"),
            ("custom:work", "https://acme.openai.azure.com/openai", "api-key"),
            ("custom:work", "https://acme.cognitiveservices.azure.com/", "api-key"),
            ("custom:evil", "https://evil.test/?x=.openai.azure.com", "Authorization"),
            ("custom:evil", "https://notopenai.azure.com.evil.test", "Authorization"),
            ("custom:evil", "https://evilapi.anthropic.com", "Authorization"),
            ("custom:odd", "HTTPS://user:pw@API.Anthropic.COM:443/v1#x", "x-api-key"),
            ("custom:odd", "no url", "Authorization"),
        ];
        for (pool, url, expected) in cases {
            assert_eq!(header(pool, url, AuthType::ApiKey, "k"), expected, "{pool} {url}");
            assert_eq!(header(pool, url, AuthType::OAuth, "k"), "Authorization", "{pool} {url}");
        }
    }

    #[test]
    fn who_speaks_anthropics_dialect_wants_its_header_but_for_a_few() {
        let cases = [
            ("custom:x", "https://models.test/anthropic", "x-api-key"),
            ("custom:x", "https://models.test/Anthropic/v1/", "x-api-key"),
            ("custom:x", "https://models.test/anthropic/v2", "Authorization"),
            ("kimi-coding", "https://api.kimi.com/coding", "x-api-key"),
            ("kimi-coding", "https://api.moonshot.ai/v1", "Authorization"),
            ("minimax", "https://api.minimax.io/anthropic", "Authorization"),
            ("minimax-cn", "https://api.minimaxi.com/anthropic", "Authorization"),
            ("azure-foundry", "https://acme.services.ai.azure.com/anthropic", "Authorization"),
            ("custom:p", "https://acme.palantirfoundry.com/api/v2/llm/proxy/anthropic", "Authorization"),
            ("custom:evil", "https://palantirfoundry.com.evil.test/anthropic", "x-api-key"),
        ];
        for (pool, url, expected) in cases {
            assert_eq!(header(pool, url, AuthType::ApiKey, "k"), expected, "{pool} {url}");
        }
    }

    #[test]
    fn anthropics_login_tokens_are_bearer_tokens_wherever_they_stand() {
        for (secret, expected) in [
            ("sk-ant-api03-x", "x-api-key"),
            ("sk-ant-oat01-x", "Authorization"),
            ("cc-x", "Authorization"),
            ("eyJhbGciOiJub25lIn0.e30.", "Authorization"),
            ("something-else", "x-api-key"),
        ] {
            assert_eq!(header("anthropic", "", AuthType::ApiKey, secret), expected, "{secret}");
        }
        assert_eq!(auth_header("anthropic", None, AuthType::ApiKey, None).header, "x-api-key");
    }
}
