//! OpenAI's API and ChatGPT's backend for Codex.
//!
//! Sources: the API's error codes (developers.openai.com, guides/error-codes), the help centre's "Troubleshooting API
//! rate limits and 429 errors", and openai/codex, codex-rs/codex-api/src/api_bridge.rs. Limits are an organisation's,
//! per model (guides/rate-limits).

use super::{ACCOUNT, ACCOUNT_MODEL, CREDENTIAL, DAILY, POOL_MODEL, Rule, Until, is_daily};
use crate::kind::Kind;
use crate::windows::is_of_a_family;

pub(super) const RULES: &[Rule] = &[
    // A 429 that no waiting mends: the request alone is larger than a minute's tokens.
    Rule::code("openai.429.request_too_large", &["rate_limit_exceeded", "tokens"], Kind::Request)
        .saying(&["request too large"]),
    // Help centre: "Retrying a billing, spending, or quota error does not restore access." They come with status 429,
    // and their `type` may be no more than `insufficient_quota`; `code` says which. Limits of spending and usage are
    // monthly.
    Rule::code(
        "openai.429.spend_limit",
        &["organization_spend_limit_exceeded", "organization_usage_limit_exceeded"],
        Kind::Quota,
    )
    .until(Until::NextMonth),
    // "Other projects keep working", so it is not the whole account's.
    Rule::code("openai.429.project_spend_limit", &["project_spend_limit_exceeded"], Kind::Quota)
        .reach(CREDENTIAL)
        .until(Until::NextMonth),
    Rule::code(
        "openai.429.insufficient_quota",
        &["credit_balance_exhausted", "insufficient_quota", "billing_not_active", "billing_hard_limit_reached"],
        Kind::Billing,
    )
    .until(Until::Person),
    // Codex: the workspace has no credits left. A header says so beside a body that speaks of the plan's window.
    Rule::code(
        "codex.credits_depleted",
        &["workspace_owner_credits_depleted", "workspace_member_credits_depleted"],
        Kind::Billing,
    ),
    // Codex: the plan's window is spent. A family of models may have a limit of its own.
    Rule::code("codex.429.usage_limit_reached", &["usage_limit_reached"], Kind::Quota)
        .reach(ACCOUNT_MODEL)
        .when(|seen| is_of_a_family(seen.signals)),
    Rule::code(
        "codex.429.usage_limit_reached",
        &["usage_limit_reached", "workspace_owner_usage_limit_reached", "workspace_member_usage_limit_reached"],
        Kind::Quota,
    ),
    // Codex: the plan has no Codex in it.
    Rule::code("codex.usage_not_included", &["usage_not_included"], Kind::Forbidden)
        .reach(ACCOUNT)
        .until(Until::Person),
    Rule::code("codex.deactivated_workspace", &["deactivated_workspace"], Kind::Billing).until(Until::Person),
    // codex-rs/login, classes of failed refreshes; all are for good.
    Rule::code(
        "codex.401.refresh_token",
        &["refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated"],
        Kind::Dead,
    ),
    Rule::code("openai.account_deactivated", &["account_deactivated", "access_terminated"], Kind::Dead),
    Rule::sentence("openai.model_overloaded", &["that model is currently overloaded"], Kind::Overloaded)
        .reach(POOL_MODEL),
    // api_bridge.rs: with a 503 both mean that the servers are full; with a 429 `slow_down` means this client's pace.
    Rule::code("openai.503.overloaded", &["server_is_overloaded", "engine_overloaded", "slow_down"], Kind::Overloaded)
        .with_status(&[(500, 599)]),
    Rule::code("openai.overloaded", &["server_is_overloaded", "engine_overloaded", "overloaded"], Kind::Overloaded),
    Rule::code("openai.429.slow_down", &["slow_down"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::code("openai.429.per_day", &["rate_limit_exceeded"], Kind::Quota).reach(ACCOUNT_MODEL).saying(DAILY),
    Rule::code("openai.429.rate_limit_exceeded", &["rate_limit_exceeded"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::code("openai.model_not_found", &["model_not_found", "model_not_available"], Kind::Model),
    Rule::code("openai.403.country", &["unsupported_country_region_territory"], Kind::Edge),
    Rule::code("openai.ip_not_authorized", &["ip_not_authorized"], Kind::Forbidden),
    Rule::code("openai.missing_scope", &["missing_scope", "insufficient_permissions"], Kind::Forbidden),
    Rule::code(
        "openai.request",
        &[
            "context_length_exceeded",
            "content_policy_violation",
            "content_filter",
            "cyber_policy",
            "invalid_prompt",
            "string_above_max_length",
            "invalid_value",
            "unsupported_value",
            "unsupported_parameter",
            "missing_required_parameter",
            "invalid_image",
            "previous_response_not_found",
            // Codex: a web socket has had its hour; the next one goes on.
            "websocket_connection_limit_reached",
        ],
        Kind::Request,
    ),
    // "The 'gpt-5.3-codex' model is not supported when using Codex with a ChatGPT account." (openai/codex#6603, #17642,
    // #26053): another account's plan may have it.
    Rule::words("codex.400.model_not_supported", &["model is not supported when using codex"], Kind::Model)
        .with_status(&[(400, 400)]),
    // "Selected model is at capacity. Please try a different model." (CLIProxyAPI, codex_executor_terminal.go).
    Rule::words("codex.model_at_capacity", &["model is at capacity", "currently at capacity"], Kind::Overloaded)
        .reach(POOL_MODEL),
    Rule::words("openai.overloaded", &["currently overloaded", "server_is_overloaded"], Kind::Overloaded),
    Rule::words(
        "codex.429.usage_limit_reached",
        &["usage limit has been reached", "hit your usage limit"],
        Kind::Quota,
    ),
    Rule::words("openai.429.insufficient_quota", &["exceeded your current quota"], Kind::Billing).until(Until::Person),
    Rule::words("openai.429.request_too_large", &["request too large for"], Kind::Request).with_status(&[(429, 429)]),
    Rule::words("openai.429.per_day", &["rate limit reached for"], Kind::Quota).reach(ACCOUNT_MODEL).when(is_daily),
    Rule::words("openai.429.rate_limit_exceeded", &["rate limit reached for"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::family("openai.429.rate_limit_error", &["rate_limit_error", "requests", "tokens"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL),
];
