//! Whose API it is.

use crate::facts::Context;
use crate::signals::Signals;

/// Who makes the rules. Vertex and Code Assist are Google's, but not Gemini's: their errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Vendor {
    OpenAi,
    Codex,
    Anthropic,
    Gemini,
    Vertex,
    CodeAssist,
    OpenRouter,
    Groq,
    Mistral,
    Xai,
    DeepSeek,
    Azure,
    Cerebras,
    Bedrock,
    Copilot,
    Zai,
    MiniMax,
    /// None of these: any endpoint that speaks like OpenAI's, as most do.
    Other,
}

/// Ends of host names. The first that fits counts.
const HOSTS: &[(&str, Vendor)] = &[
    ("api.openai.com", Vendor::OpenAi),
    ("chatgpt.com", Vendor::Codex),
    ("anthropic.com", Vendor::Anthropic),
    ("generativelanguage.googleapis.com", Vendor::Gemini),
    ("cloudcode-pa.googleapis.com", Vendor::CodeAssist),
    ("aiplatform.googleapis.com", Vendor::Vertex),
    ("openrouter.ai", Vendor::OpenRouter),
    ("groq.com", Vendor::Groq),
    ("mistral.ai", Vendor::Mistral),
    ("x.ai", Vendor::Xai),
    ("grok.com", Vendor::Xai),
    ("deepseek.com", Vendor::DeepSeek),
    ("azure.com", Vendor::Azure),
    ("cerebras.ai", Vendor::Cerebras),
    ("amazonaws.com", Vendor::Bedrock),
    ("api.aws", Vendor::Bedrock),
    ("githubcopilot.com", Vendor::Copilot),
    ("z.ai", Vendor::Zai),
    ("bigmodel.cn", Vendor::Zai),
    ("minimax.io", Vendor::MiniMax),
    ("minimaxi.com", Vendor::MiniMax),
    ("minimax.chat", Vendor::MiniMax),
];

/// Words in names of pools, as hermes-agent 0.19.0 and people call them. The first that occurs counts, so what is more
/// specific stands first.
const NAMES: &[(&str, Vendor)] = &[
    ("openrouter", Vendor::OpenRouter),
    ("azure", Vendor::Azure),
    ("codex", Vendor::Codex),
    ("chatgpt", Vendor::Codex),
    ("copilot", Vendor::Copilot),
    ("bedrock", Vendor::Bedrock),
    ("vertex", Vendor::Vertex),
    ("gemini-cli", Vendor::CodeAssist),
    ("gemini-oauth", Vendor::CodeAssist),
    ("code-assist", Vendor::CodeAssist),
    ("antigravity", Vendor::CodeAssist),
    ("gemini", Vendor::Gemini),
    ("google", Vendor::Gemini),
    ("openai", Vendor::OpenAi),
    ("anthropic", Vendor::Anthropic),
    ("claude", Vendor::Anthropic),
    ("groq", Vendor::Groq),
    ("mistral", Vendor::Mistral),
    ("codestral", Vendor::Mistral),
    ("xai", Vendor::Xai),
    ("grok", Vendor::Xai),
    ("deepseek", Vendor::DeepSeek),
    ("cerebras", Vendor::Cerebras),
    ("zai", Vendor::Zai),
    ("z-ai", Vendor::Zai),
    ("zhipu", Vendor::Zai),
    ("glm", Vendor::Zai),
    ("minimax", Vendor::MiniMax),
];

/// Whose errors LiteLLM passes on under which name (litellm/litellm_core_utils/exception_mapping_utils.py), in lower
/// case.
const EXCEPTIONS: &[(&str, Vendor)] = &[
    ("azureexception", Vendor::Azure),
    ("openaiexception", Vendor::OpenAi),
    ("anthropicexception", Vendor::Anthropic),
    ("vertexaiexception", Vendor::Vertex),
    ("vertex_ai_betaexception", Vendor::Vertex),
    ("geminiexception", Vendor::Gemini),
    ("bedrockexception", Vendor::Bedrock),
    ("groqexception", Vendor::Groq),
    ("mistralexception", Vendor::Mistral),
    ("openrouterexception", Vendor::OpenRouter),
    ("deepseekexception", Vendor::DeepSeek),
    ("xaiexception", Vendor::Xai),
    ("cerebrasexception", Vendor::Cerebras),
];

/// What Google alone puts into `error.status` (google.rpc.Code).
const GOOGLES: &[&str] = &[
    "resource_exhausted",
    "unavailable",
    "permission_denied",
    "unauthenticated",
    "invalid_argument",
    "failed_precondition",
    "not_found",
    "deadline_exceeded",
    "internal",
];

/// What Anthropic puts into `error.type` (docs.claude.com, API errors).
const ANTHROPICS: &[&str] = &[
    "rate_limit_error",
    "overloaded_error",
    "api_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "invalid_request_error",
    "request_too_large",
    "billing_error",
    "timeout_error",
];

impl Vendor {
    /// By the host that the request went to, or else by the pool's name: a gateway of one's own on loopback speaks as
    /// the vendor behind it does, and its pool is called after that. Where neither tells, by what only one vendor
    /// sends.
    pub(crate) fn of(context: &Context<'_>, signals: &Signals) -> Self {
        match Self::named(context.pool, context.base_url) {
            Self::Other => Self::of_shape(signals).unwrap_or(Self::Other),
            vendor => vendor,
        }
    }

    fn named(pool: &str, base_url: Option<&str>) -> Self {
        base_url.and_then(Self::of_host).unwrap_or_else(|| Self::of_name(pool))
    }

    fn of_shape(signals: &Signals) -> Option<Self> {
        // LiteLLM names the vendor: "litellm.RateLimitError: AzureException RateLimitError - …".
        if let Some((_, vendor)) = EXCEPTIONS.iter().find(|(name, _)| signals.says(name)) {
            return Some(*vendor);
        }
        let header = |prefix: &str| signals.headers.iter().any(|(name, _)| name.starts_with(prefix));
        let code = |place: &str, values: &[&str]| {
            let found = |code: &crate::signals::Code| code.source.ends_with(place) && values.contains(&&*code.value);
            signals.codes.iter().any(found)
        };
        if header("anthropic-ratelimit-") {
            return Some(Self::Anthropic);
        }
        if header("x-codex-") {
            return Some(Self::Codex);
        }
        if signals.codes.iter().any(|code| matches!(code.source, "header:x-amzn-errortype" | "body:exception")) {
            return Some(Self::Bedrock);
        }
        if code(".status", GOOGLES) {
            return Some(Self::Gemini);
        }
        (code("body:type", &["error"]) && code("error.type", ANTHROPICS)).then_some(Self::Anthropic)
    }

    fn of_host(url: &str) -> Option<Self> {
        let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?.split(':').next()?.trim_end_matches('.');
        HOSTS.iter().find(|(end, _)| is_within(host, end)).map(|(_, vendor)| *vendor)
    }

    fn of_name(pool: &str) -> Self {
        let words: Vec<String> = pool.split([':', '/']).map(str::to_ascii_lowercase).collect();
        let named = |word: &str| words.iter().any(|name| contains_word(name, word));
        NAMES.iter().find(|(word, _)| named(word)).map_or(Self::Other, |(_, vendor)| *vendor)
    }
}

/// Whether `host` is `domain` or below it, in any case.
fn is_within(host: &str, domain: &str) -> bool {
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let Some(end) = host.get(start..) else { return false };
    // Regional hosts of Vertex put the region before a hyphen: `us-central1-aiplatform.googleapis.com`.
    end.eq_ignore_ascii_case(domain) && (start == 0 || matches!(host.as_bytes()[start - 1], b'.' | b'-'))
}

/// Whether `word` stands in `name` between ends, hyphens or the like: `zai` is no part of `bazaira`.
fn contains_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(start, _)| {
        let before = name[..start].chars().next_back();
        let after = name[start + word.len()..].chars().next();
        [before, after].into_iter().flatten().all(|c| !c.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_more_than_the_name() {
        let cases = [
            ("https://api.openai.com/v1", Vendor::OpenAi),
            ("https://chatgpt.com/backend-api/codex", Vendor::Codex),
            ("https://user@API.Anthropic.com:443/", Vendor::Anthropic),
            ("generativelanguage.googleapis.com", Vendor::Gemini),
            ("https://us-central1-aiplatform.googleapis.com/v1", Vendor::Vertex),
            ("https://daily-cloudcode-pa.googleapis.com", Vendor::CodeAssist),
            ("https://mine.openai.azure.com/openai", Vendor::Azure),
            ("https://bedrock-runtime.us-east-1.amazonaws.com", Vendor::Bedrock),
            ("https://api.individual.githubcopilot.com", Vendor::Copilot),
            ("https://api.z.ai/api/coding/paas/v4", Vendor::Zai),
            ("https://api.x.ai/v1", Vendor::Xai),
        ];
        for (url, vendor) in cases {
            assert_eq!(Vendor::named("anything", Some(url)), vendor, "{url}");
        }
        for url in ["http://127.0.0.1:8000/v1", "https://notx.ai", "https://openrouter.ai.evil.test", "", "://", "é"] {
            assert_eq!(Vendor::named("groq", Some(url)), Vendor::Groq, "{url}");
        }
    }

    #[test]
    fn pools_are_called_after_whose_keys_they_hold() {
        let cases = [
            ("openrouter", Vendor::OpenRouter),
            ("openai", Vendor::OpenAi),
            ("openai-codex", Vendor::Codex),
            ("azure-openai", Vendor::Azure),
            ("custom:my-groq", Vendor::Groq),
            ("google-gemini-cli", Vendor::CodeAssist),
            ("gemini", Vendor::Gemini),
            ("xai-oauth", Vendor::Xai),
            ("minimax-cn", Vendor::MiniMax),
            ("Claude2", Vendor::Anthropic),
            ("custom:together-ai", Vendor::Other),
            ("bazaira", Vendor::Other),
            ("", Vendor::Other),
        ];
        for (pool, vendor) in cases {
            assert_eq!(Vendor::named(pool, None), vendor, "{pool}");
        }
    }
}
