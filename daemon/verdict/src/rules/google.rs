//! Gemini, Vertex and Code Assist, all of which answer with google.rpc.Status.
//!
//! Sources: google.rpc (code.proto, error_details.proto), the Gemini API's troubleshooting guide and rate limits (a
//! project's, per model), and gemini-cli, packages/core/src/utils/googleQuotaErrors.ts. Codes are `status` and the
//! `reason` of an ErrorInfo.

use super::{ACCOUNT, ACCOUNT_MODEL, POOL_MODEL, Rule, Seen, Until};
use crate::kind::Kind;
use crate::places::Unit;

/// Whether a quota's name has one of these words.
fn quota(seen: &Seen<'_>, words: &[&str]) -> bool {
    let mut names = seen.signals.resets.iter().filter(|reset| reset.unit == Unit::QuotaName);
    names.any(|reset| words.iter().any(|word| reset.value.to_ascii_lowercase().contains(word)))
}

fn is_daily(seen: &Seen<'_>) -> bool {
    quota(seen, &["perday", "daily"])
}

/// Quotas are a model's unless their name says otherwise: `GenerateRequestsPerDayPerProject`. Code Assist puts the
/// model in front: `Gemini25ProRequestsPerDay`.
fn is_of_all_models(seen: &Seen<'_>) -> bool {
    quota(seen, &["per"]) && !quota(seen, &["permodel", "perbasemodel", "gemini", "claude"])
}

/// `limit: 0` with a comma, a line or the text's end behind it; what a cut may have shortened is not guessed.
fn limits_to_nothing(text: &str, whole: bool) -> bool {
    text.contains("limit: 0,") || text.contains("limit: 0\n") || whole && text.trim_end().ends_with("limit: 0")
}

/// A quota of nothing is no quota: the project may not use this model, and waiting is useless.
fn is_not_entitled(seen: &Seen<'_>) -> bool {
    let none = |code: &crate::signals::Code| code.source.ends_with("quotaValue") && code.value == "0";
    seen.signals.codes.iter().any(none)
        || seen.signals.prose.iter().any(|prose| limits_to_nothing(&prose.text, prose.whole))
}

pub(super) const RULES: &[Rule] = &[
    Rule::code("google.400.api_key_invalid", &["api_key_invalid", "api_key_expired"], Kind::Auth),
    Rule::code(
        "google.401.unauthenticated",
        &["unauthenticated", "access_token_expired", "access_token_type_unsupported", "credentials_missing"],
        Kind::Auth,
    ),
    Rule::code("google.403.billing_disabled", &["billing_disabled", "payment_required"], Kind::Billing)
        .until(Until::Person),
    // Code Assist's paid overage; gemini-cli: "always terminal".
    Rule::code("google.429.credits", &["insufficient_g1_credits_balance"], Kind::Billing),
    // Code Assist: somebody has to follow a link.
    Rule::code("google.403.validation_required", &["validation_required"], Kind::Forbidden)
        .reach(ACCOUNT)
        .until(Until::Person),
    Rule::code("google.403.suspended", &["consumer_suspended", "consumer_invalid", "tos_violation"], Kind::Forbidden)
        .reach(ACCOUNT)
        .until(Until::Person),
    Rule::code(
        "google.403.not_allowed",
        &[
            "service_disabled",
            "api_key_service_blocked",
            "api_key_http_referrer_blocked",
            "api_key_ip_address_blocked",
            "access_token_scope_insufficient",
        ],
        Kind::Forbidden,
    ),
    Rule::code("google.429.model_capacity", &["model_capacity_exhausted"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::shape("google.429.no_quota", |seen| seen.signals.status == Some(429) && is_not_entitled(seen), Kind::Model)
        .reach(ACCOUNT_MODEL)
        .until(Until::Person),
    Rule::shape("google.429.quota_per_day", |seen| is_daily(seen) && is_of_all_models(seen), Kind::Quota)
        .until(Until::HintOrQuotaWindow),
    Rule::shape("google.429.quota_per_day", is_daily, Kind::Quota).reach(ACCOUNT_MODEL).until(Until::HintOrQuotaWindow),
    Rule::code("google.429.quota_exhausted", &["quota_exhausted"], Kind::Quota)
        .reach(ACCOUNT_MODEL)
        .until(Until::HintOrQuotaWindow),
    Rule::code("google.429.rate_limit_exceeded", &["rate_limit_exceeded"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL)
        .until(Until::HintOrQuotaWindow),
    // "Quota exceeded for quota metric '…' and limit '…'", where there are no details.
    Rule::words("google.429.quota_per_day", &["requests per day per user"], Kind::Quota).reach(ACCOUNT_MODEL),
    Rule::words("google.429.per_user", &["'streamgeneratecontent requests per minute per user"], Kind::RateLimit)
        .reach(ACCOUNT),
    Rule::words("google.403.suspended", &["disabled in this account"], Kind::Forbidden)
        .reach(ACCOUNT)
        .until(Until::Person),
    // Prepaid projects of the Gemini API.
    Rule::words("google.429.prepaid", &["prepayment credits are depleted", "credits are depleted"], Kind::Billing)
        .until(Until::Person),
    Rule::words("google.429.spend_cap", &["monthly spending cap"], Kind::Quota).until(Until::NextMonth),
    Rule::words("google.400.enable_billing", &["please enable billing", "enable billing on"], Kind::Billing)
        .until(Until::Person),
    Rule::words("google.400.location", &["user location is not supported"], Kind::Edge),
    Rule::words("google.400.api_key_invalid", &["api key not valid", "api key expired"], Kind::Auth),
    Rule::words("google.503.overloaded", &["model is overloaded", "no capacity available for model"], Kind::Overloaded)
        .reach(POOL_MODEL),
    // Vertex: capacity that all share, and not the project's quota (Vertex AI docs, error-code-429).
    Rule::words("vertex.429.capacity", &["resource exhausted. please try again later"], Kind::Overloaded)
        .reach(POOL_MODEL),
    Rule::words("vertex.429.capacity", &["temporarily out of capacity"], Kind::Overloaded),
    Rule::words("vertex.400.model", &["is not allowed to use publisher model"], Kind::Model),
    Rule::words("google.404.model", &["publisher model", "models/", "is not found for api version"], Kind::Model)
        .with_status(&[(404, 404)]),
    Rule::words("google.429.quota_exhausted", &["exhausted your capacity", "exhausted your daily quota"], Kind::Quota)
        .reach(ACCOUNT_MODEL),
    // What OpenAI says of bills, Google says of every limit.
    Rule::words("google.429.quota_exceeded", &["exceeded your current quota"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL)
        .until(Until::HintOrQuotaWindow)
        .when(|seen| !seen.signals.has_code("resource_exhausted")),
    Rule::family("google.429.resource_exhausted", &["resource_exhausted"], Kind::RateLimit)
        .reach(ACCOUNT)
        .until(Until::HintOrQuotaWindow)
        .when(is_of_all_models),
    Rule::family("google.429.resource_exhausted", &["resource_exhausted"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL)
        .until(Until::HintOrQuotaWindow),
    Rule::family("google.503.unavailable", &["unavailable"], Kind::Overloaded),
    Rule::family("google.403.permission_denied", &["permission_denied"], Kind::Forbidden),
    Rule::family("google.5xx", &["internal", "unknown", "deadline_exceeded", "data_loss"], Kind::Server),
    Rule::family(
        "google.request",
        &["invalid_argument", "failed_precondition", "out_of_range", "not_found", "unimplemented"],
        Kind::Request,
    ),
    Rule::status("google.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
    // Google's servers cancel a request that its client gave up.
    Rule::status("google.499", &[(499, 499)], Kind::Cancelled),
];
