//! Amazon Bedrock. Source: AWS, Bedrock user guide, "Troubleshooting Amazon Bedrock API error codes", and the runtime
//! API's exceptions, whose names stand in `x-amzn-errortype`, in `__type`, or around an event of a stream. Quotas are
//! an account's, per model and region.

use super::{ACCOUNT, ACCOUNT_MODEL, POOL_MODEL, Rule};
use crate::kind::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule::code("bedrock.429.daily_quota", &["throttlingexception", "throttling"], Kind::Quota)
        .reach(ACCOUNT_MODEL)
        .saying(&["per day"]),
    Rule::code(
        "bedrock.429.throttling",
        &["throttlingexception", "throttling", "toomanyrequestsexception"],
        Kind::RateLimit,
    )
    .reach(ACCOUNT_MODEL),
    // With a 400.
    Rule::code("bedrock.400.service_quota", &["servicequotaexceededexception"], Kind::Quota).reach(ACCOUNT),
    Rule::code("bedrock.429.model_not_ready", &["modelnotreadyexception"], Kind::Overloaded).reach(POOL_MODEL),
    Rule::code(
        "bedrock.model_error",
        &["modelerrorexception", "modeltimeoutexception", "modelstreamerrorexception"],
        Kind::Server,
    )
    .reach(POOL_MODEL),
    Rule::code("bedrock.500.internal", &["internalserverexception", "internalfailure"], Kind::Server),
    Rule::code("bedrock.503.unavailable", &["serviceunavailableexception", "serviceunavailable"], Kind::Server),
    // With a 403: tokens that ran out can be had anew, and keys may only be wrong.
    Rule::code(
        "bedrock.403.credentials",
        &[
            "expiredtokenexception",
            "expiredtoken",
            "unrecognizedclientexception",
            "invalidclienttokenid",
            "invalidsignatureexception",
            "incompletesignature",
            "missingauthenticationtoken",
            "missingauthenticationtokenexception",
        ],
        Kind::Auth,
    ),
    Rule::code("bedrock.403.model_access", &["accessdeniedexception"], Kind::Model).saying(&[
        "access to the model",
        "model access",
        "specified model",
        "aws marketplace",
    ]),
    Rule::code(
        "bedrock.403.access_denied",
        &["accessdeniedexception", "accessdenied", "notauthorized"],
        Kind::Forbidden,
    ),
    Rule::code("bedrock.404.model", &["resourcenotfoundexception", "ftuformnotfilled"], Kind::Model),
    Rule::code("bedrock.400.model", &["validationexception"], Kind::Model).saying(&["model identifier is invalid"]),
    Rule::code("bedrock.400.validation", &["validationexception", "requestexpired"], Kind::Request),
    // Bedrock's API keys.
    Rule::words("bedrock.403.api_key", &["api key is valid", "bearer token has expired", "security token"], Kind::Auth),
    Rule::words("bedrock.429.daily_quota", &["too many tokens per day"], Kind::Quota).reach(ACCOUNT_MODEL),
    Rule::status("bedrock.429", &[(429, 429)], Kind::RateLimit).reach(ACCOUNT_MODEL),
    Rule::status("bedrock.424", &[(424, 424)], Kind::Server).reach(POOL_MODEL),
];
