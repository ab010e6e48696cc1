//! Which header carries a secret, by provider.

use credpool_proto::reply::AuthHeader;

use crate::definitions::AuthType;

/// The header for a credential of `pool`, whose name tells the provider unless the base URL does.
///
/// Sources: Anthropic API keys go into `x-api-key` (docs.anthropic.com/en/api/overview), Gemini's into `x-goog-api-key`
/// (ai.google.dev/api), Azure OpenAI's into `api-key` (learn.microsoft.com/azure/ai-services/openai/reference); all
/// others here, and every OAuth token, into `Authorization: Bearer` (RFC 6750).
#[must_use]
pub(crate) fn auth_header(pool: &str, base_url: Option<&str>, auth_type: AuthType) -> AuthHeader<'static> {
    let host = base_url.and_then(host).unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str, domain: &str| pool == name || host == domain || host.ends_with(&format!(".{domain}"));
    // Both speak the OpenAI dialect at these paths, with a bearer token.
    let openai_dialect = base_url.is_some_and(|url| url.trim_end_matches('/').ends_with("/openai"));
    let header = if auth_type == AuthType::OAuth {
        None
    } else if is("azure", "openai.azure.com") || is("azure-openai", "cognitiveservices.azure.com") {
        Some("api-key")
    } else if openai_dialect {
        None
    } else if is("anthropic", "api.anthropic.com") {
        Some("x-api-key")
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

/// The host of a URL, without user, port and path.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    host.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_gets_its_own_header() {
        let cases = [
            ("openrouter", None, AuthType::ApiKey, "Authorization"),
            ("anthropic", None, AuthType::ApiKey, "x-api-key"),
            ("anthropic", None, AuthType::OAuth, "Authorization"),
            ("custom:claude", Some("https://api.anthropic.com/v1"), AuthType::ApiKey, "x-api-key"),
            ("gemini", None, AuthType::ApiKey, "x-goog-api-key"),
            (
                "gemini",
                Some("https://generativelanguage.googleapis.com/v1beta/openai/"),
                AuthType::ApiKey,
                "Authorization",
            ),
            ("custom:work", Some("https://acme.openai.azure.com/openai"), AuthType::ApiKey, "api-key"),
            ("custom:evil", Some("https://evil.test/?x=.openai.azure.com"), AuthType::ApiKey, "Authorization"),
            ("custom:evil", Some("https://notopenai.azure.com.evil.test"), AuthType::ApiKey, "Authorization"),
        ];
        for (pool, url, auth_type, header) in cases {
            assert_eq!(auth_header(pool, url, auth_type).header, header, "{pool} {url:?}");
        }
    }
}
