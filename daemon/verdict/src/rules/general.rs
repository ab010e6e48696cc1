//! The rules for every vendor: codes before status, quota and billing before rate limit.

use super::When::{Code, Status, StatusAndCode};
use super::{Kind, Rule};

pub(super) static RULES: &[Rule] = &[
    // hermes-agent 0.19.0 calls a login dead for these reasons, and only together with a 401; a 403 that says
    // `token_revoked` is not terminal there (agent/credential_pool.py).
    Rule {
        name: "code.terminal",
        when: StatusAndCode(
            401,
            &[
                "token_invalidated",
                "token_revoked",
                "invalid_token",
                "invalid_grant",
                "unauthorized_client",
                "refresh_token_reused",
            ],
        ),
        kind: Kind::Dead,
    },
    // hermes-agent 0.19.0, agent/error_classifier.py. OpenAI sends `insufficient_quota` with a 429, others send these
    // with 400, 402, 403 or 404: the code is what counts.
    Rule {
        name: "code.billing",
        when: Code(&[
            "insufficient_quota",
            "billing_not_active",
            "payment_required",
            "insufficient_credits",
            "no_usable_credits",
            "balance_depleted",
        ]),
        kind: Kind::Billing,
    },
    // ChatGPT's backend: the plan's window is spent (openai/codex, codex-api, `usage_limit_reached`).
    Rule { name: "code.usage_limit_reached", when: Code(&["usage_limit_reached"]), kind: Kind::Quota },
    // RFC 9110, section 15.5, and RFC 6585 for 429.
    Rule { name: "http.401", when: Status(401, 401), kind: Kind::Auth },
    Rule { name: "http.402", when: Status(402, 402), kind: Kind::Billing },
    Rule { name: "http.403", when: Status(403, 403), kind: Kind::Forbidden },
    // A path or a model that does not exist. Which of the two, only a vendor's rule can tell.
    Rule { name: "http.404", when: Status(404, 404), kind: Kind::Request },
    Rule { name: "http.408", when: Status(408, 408), kind: Kind::Network },
    Rule { name: "http.429", when: Status(429, 429), kind: Kind::RateLimit },
    Rule { name: "http.400", when: Status(400, 400), kind: Kind::Request },
    Rule { name: "http.413", when: Status(413, 413), kind: Kind::Request },
    Rule { name: "http.422", when: Status(422, 422), kind: Kind::Request },
    Rule { name: "http.5xx", when: Status(500, 500), kind: Kind::Server },
    Rule { name: "http.5xx", when: Status(502, 504), kind: Kind::Server },
    // Cloudflare's own: the origin is down, refuses, times out, or its certificate is bad; 530 comes with a 1xxx error
    // (Cloudflare docs, "Cloudflare 5xx errors").
    Rule { name: "http.52x", when: Status(520, 527), kind: Kind::Edge },
    Rule { name: "http.52x", when: Status(530, 530), kind: Kind::Edge },
    // Anthropic's `overloaded_error` (docs.claude.com, API errors).
    Rule { name: "http.529", when: Status(529, 529), kind: Kind::Overloaded },
];
