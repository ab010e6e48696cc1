//! The providers that Hermes fills from variables, and where their requests go.
//!
//! From hermes-agent 0.19.0 (hermes_cli/auth.py, `PROVIDER_REGISTRY`, and plugins/model-providers), which only adds to
//! what 0.17.0 and 0.18.0 have. A test of the integration suite holds the table against a real one.

/// What Hermes knows of a provider.
#[derive(Debug)]
pub(super) struct Provider {
    /// The pool.
    pub(super) pool: &'static str,
    /// Where requests go unless something else is said; empty where that differs from account to account.
    pub(super) base_url: &'static str,
    /// The variables that hold keys, in Hermes' order.
    pub(super) variables: &'static [&'static str],
    /// The variable that says where requests go; empty if there is none.
    pub(super) base_url_variable: &'static str,
}

/// The provider whose credentials a pool holds, if Hermes knows it.
pub(super) fn provider(pool: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.pool == pool)
}

const fn key(
    pool: &'static str,
    base_url: &'static str,
    variables: &'static [&'static str],
    base_url_variable: &'static str,
) -> Provider {
    Provider { pool, base_url, variables, base_url_variable }
}

/// One whose credentials come from a login.
const fn login(pool: &'static str, base_url: &'static str, base_url_variable: &'static str) -> Provider {
    Provider { pool, base_url, variables: &[], base_url_variable }
}

/// Every one of them.
pub(super) const PROVIDERS: &[Provider] = &[
    key(
        "alibaba",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        &["DASHSCOPE_API_KEY"],
        "DASHSCOPE_BASE_URL",
    ),
    key(
        "alibaba-coding-plan",
        "https://coding-intl.dashscope.aliyuncs.com/v1",
        &["ALIBABA_CODING_PLAN_API_KEY", "DASHSCOPE_API_KEY"],
        "ALIBABA_CODING_PLAN_BASE_URL",
    ),
    // For its pool, Hermes looks at these in another order than it looks at them elsewhere.
    key(
        "anthropic",
        "https://api.anthropic.com",
        &["ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"],
        "ANTHROPIC_BASE_URL",
    ),
    key("arcee", "https://api.arcee.ai/api/v1", &["ARCEEAI_API_KEY"], "ARCEE_BASE_URL"),
    key("azure-foundry", "", &["AZURE_FOUNDRY_API_KEY"], "AZURE_FOUNDRY_BASE_URL"),
    key(
        "copilot",
        "https://api.githubcopilot.com",
        &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
        "COPILOT_API_BASE_URL",
    ),
    key("deepinfra", "https://api.deepinfra.com/v1/openai", &["DEEPINFRA_API_KEY"], "DEEPINFRA_BASE_URL"),
    key("deepseek", "https://api.deepseek.com/v1", &["DEEPSEEK_API_KEY"], "DEEPSEEK_BASE_URL"),
    key("fireworks", "https://api.fireworks.ai/inference/v1", &["FIREWORKS_API_KEY"], ""),
    key(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
        "GEMINI_BASE_URL",
    ),
    key("gmi", "https://api.gmi-serving.com/v1", &["GMI_API_KEY"], "GMI_BASE_URL"),
    key("huggingface", "https://router.huggingface.co/v1", &["HF_TOKEN"], "HF_BASE_URL"),
    key("kilocode", "https://api.kilo.ai/api/gateway", &["KILOCODE_API_KEY"], "KILOCODE_BASE_URL"),
    key("kimi-coding", "https://api.moonshot.ai/v1", &["KIMI_API_KEY", "KIMI_CODING_API_KEY"], "KIMI_BASE_URL"),
    key("kimi-coding-cn", "https://api.moonshot.cn/v1", &["KIMI_CN_API_KEY"], ""),
    key("lmstudio", "http://127.0.0.1:1234/v1", &["LM_API_KEY"], "LM_BASE_URL"),
    key("minimax", "https://api.minimax.io/anthropic", &["MINIMAX_API_KEY"], "MINIMAX_BASE_URL"),
    key("minimax-cn", "https://api.minimaxi.com/anthropic", &["MINIMAX_CN_API_KEY"], "MINIMAX_CN_BASE_URL"),
    login("minimax-oauth", "https://api.minimax.io/anthropic", ""),
    login("nous", "https://inference-api.nousresearch.com/v1", "NOUS_INFERENCE_BASE_URL"),
    key("novita", "https://api.novita.ai/openai/v1", &["NOVITA_API_KEY"], "NOVITA_BASE_URL"),
    key("nvidia", "https://integrate.api.nvidia.com/v1", &["NVIDIA_API_KEY"], "NVIDIA_BASE_URL"),
    key("ollama-cloud", "https://ollama.com/v1", &["OLLAMA_API_KEY"], "OLLAMA_BASE_URL"),
    key("openai-api", "https://api.openai.com/v1", &["OPENAI_API_KEY"], "OPENAI_BASE_URL"),
    login("openai-codex", "https://chatgpt.com/backend-api/codex", ""),
    key("opencode-go", "https://opencode.ai/zen/go/v1", &["OPENCODE_GO_API_KEY"], "OPENCODE_GO_BASE_URL"),
    key("opencode-zen", "https://opencode.ai/zen/v1", &["OPENCODE_ZEN_API_KEY"], "OPENCODE_ZEN_BASE_URL"),
    key("openrouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"], ""),
    login("qwen-oauth", "https://portal.qwen.ai/v1", "HERMES_QWEN_BASE_URL"),
    key("stepfun", "https://api.stepfun.ai/step_plan/v1", &["STEPFUN_API_KEY"], "STEPFUN_BASE_URL"),
    key("tencent-tokenhub", "https://tokenhub.tencentmaas.com/v1", &["TOKENHUB_API_KEY"], "TOKENHUB_BASE_URL"),
    key("upstage", "https://api.upstage.ai/v1", &["UPSTAGE_API_KEY"], "UPSTAGE_BASE_URL"),
    key("xai", "https://api.x.ai/v1", &["XAI_API_KEY"], "XAI_BASE_URL"),
    login("xai-oauth", "https://api.x.ai/v1", ""),
    key("xiaomi", "https://api.xiaomimimo.com/v1", &["XIAOMI_API_KEY"], "XIAOMI_BASE_URL"),
    key("zai", "https://api.z.ai/api/paas/v4", &["GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"], "GLM_BASE_URL"),
];
