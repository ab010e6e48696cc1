//! Endpoints and gateways that speak like OpenAI's and have codes or sentences of their own, which mean nothing else
//! elsewhere, so that nobody needs to know whose they are.

use super::{ACCOUNT, ACCOUNT_MODEL, CREDENTIAL, POOL_MODEL, Rule, Until};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    // LiteLLM's proxy: budgets of its own, with status 400 or 429 (docs.litellm.ai, proxy/users; litellm#4208, #40002).
    Rule::sentence("litellm.model_budget", &["exceeded budget for model="], Kind::Billing).reach(ACCOUNT_MODEL),
    Rule::sentence("litellm.key_budget", &["budget has been exceeded! key="], Kind::Billing).reach(CREDENTIAL),
    Rule::sentence("litellm.budget", &["budget has been exceeded!"], Kind::Billing).reach(ACCOUNT),
    Rule::code("litellm.budget", &["budget_exceeded"], Kind::Billing),
    // LiteLLM's router: all that is behind a model cools down, which no other key gets past (litellm/types/router.py,
    // RouterRateLimitError). One API's: it has nothing behind it (one-api#1738).
    Rule::sentence("litellm.no_deployments", &["no deployments available for selected model"], Kind::Overloaded)
        .reach(POOL_MODEL),
    Rule::sentence("one_api.no_channel", &["无可用渠道", "no available channel"], Kind::Server).reach(POOL_MODEL),
    // Together: "the rate limit specific to this model" (gpt4free#3032).
    Rule::code("together.model_rate_limit", &["model_rate_limit"], Kind::RateLimit).reach(ACCOUNT_MODEL),
    // Free use that is used up and comes back by itself: OpenCode's, whose free models are counted one by one
    // (opencode#42074), and Gitlawb's (openclaude#1554).
    Rule::code("opencode.free_usage", &["freeusagelimiterror"], Kind::Quota).reach(ACCOUNT_MODEL),
    Rule::code("code.free_quota", &["free_quota_exceeded"], Kind::Quota),
    // Moonshot: the provider has too many, not this account (kimi-cli#901).
    Rule::sentence("moonshot.overloaded", &["we're receiving too many requests"], Kind::Overloaded),
    // Moonshot's platform (platform.moonshot.ai, errors).
    Rule::code("moonshot.billing", &["exceeded_current_quota_error"], Kind::Billing).until(Until::Person),
    Rule::code("moonshot.overloaded", &["engine_overloaded_error"], Kind::Overloaded),
    Rule::code("moonshot.rate_limit", &["rate_limit_reached_error"], Kind::RateLimit),
    Rule::code("moonshot.auth", &["invalid_authentication_error"], Kind::Auth),
    // Alibaba's Model Studio (help.aliyun.com, model-studio, error codes).
    Rule::code("alibaba.arrearage", &["arrearage"], Kind::Billing).until(Until::Person),
    Rule::code(
        "alibaba.throttling",
        &["throttling", "throttling.ratequota", "throttling.burstrate", "limit_burst_rate", "limit_requests"],
        Kind::RateLimit,
    )
    .reach(ACCOUNT_MODEL),
    Rule::code("alibaba.auth", &["invalidapikey"], Kind::Auth),
    Rule::code("alibaba.content", &["datainspectionfailed"], Kind::Request),
    // Fireworks, with status 412 (pollinations#12136).
    Rule::sentence("fireworks.suspended", &["failure to pay past invoices"], Kind::Billing).until(Until::Person),
];
