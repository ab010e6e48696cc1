//! Azure OpenAI (Microsoft Foundry). Source: learn.microsoft.com, "Manage Azure OpenAI quota" and its list of errors.
//! Limits are a deployment's, which is one model of one resource.

use super::{ACCOUNT_MODEL, Rule, Until};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    // "These are often misread as quota problems": the backend has no capacity.
    Rule::sentence(
        "azure.429.high_demand",
        &["experiencing high demand", "temporarily unable to process", "nocapacity"],
        Kind::Overloaded,
    ),
    Rule::code("azure.insufficient_quota", &["insufficientquota", "quotaexceeded", "quota_exceeded"], Kind::Quota),
    Rule::code(
        "azure.content_filter",
        &["content_filter", "contentfilter", "responsibleaipolicyviolation"],
        Kind::Request,
    ),
    Rule::code(
        "azure.model",
        &[
            "deploymentnotfound",
            "modelnotfound",
            "servicemodeldeprecating",
            "servicemodeldeprecated",
            "operationnotsupported",
        ],
        Kind::Model,
    ),
    Rule::code(
        "azure.429.rate_limit",
        &["rate_limit_exceeded", "ratelimitreached", "too_many_requests"],
        Kind::RateLimit,
    )
    .reach(ACCOUNT_MODEL),
    Rule::code("azure.permission_denied", &["permissiondenied", "authenticationtypedisabled"], Kind::Forbidden),
    Rule::words("azure.403.blocked", &["has been temporarily blocked"], Kind::Forbidden),
    Rule::words(
        "azure.403.network",
        &["virtual network", "firewall rules", "public access is disabled"],
        Kind::Forbidden,
    )
    .until(Until::Person),
    Rule::words("azure.401.key", &["invalid subscription key", "wrong api endpoint"], Kind::Auth),
    Rule::words("azure.429.rate_limit", &["rate limit", "have been limited", "too many requests"], Kind::RateLimit)
        .reach(ACCOUNT_MODEL)
        .with_status(&[(429, 429)]),
    Rule::status("azure.410", &[(410, 410)], Kind::Model),
    Rule::status("azure.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
];
