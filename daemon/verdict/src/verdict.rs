//! The conclusion, and how it is reached.

use crate::evidence::Evidence;
use crate::facts::{Context, Facts};
use crate::hints::{self, Hint};
use crate::kind::Kind;
use crate::rules;
use crate::signals::Signals;

/// The rule's name when the caller said itself what happened.
const CALLERS_KIND: &str = "caller.kind";

/// The rule's name when no rule applied.
const NO_RULE: &str = "none";

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The one credential.
    Credential,
    /// Everything that shares its account.
    Account,
    /// The provider, hence every credential of the pool. No rule concludes this from one failure alone.
    Pool,
    /// Nothing that the pool could restrict.
    None,
}

/// What a failure was judged to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What happened.
    pub kind: Kind,
    /// What it is about.
    pub scope: Scope,
    /// Whether it is about the request's model only, within `scope`.
    pub model: bool,
    /// When the provider says that it is over.
    pub hint: Option<Hint>,
    /// The stable name of the rule that fired: `http.429`, `code.billing`, `caller.kind`; `none` if none did.
    pub rule: &'static str,
    /// What the hint rests on, else the code that the rule rests on.
    pub evidence: Option<Evidence>,
}

/// Judges one failure. Pure: the same facts and context give the same verdict.
///
/// The caller's own `kind` is believed first, then structured codes, then the status. What nothing applies to is
/// [`Kind::Unknown`], which restricts nothing.
#[must_use]
pub fn classify(facts: &Facts<'_>, context: &Context<'_>) -> Verdict {
    let signals = Signals::read(facts);
    let (kind, rule, code) = match facts.kind.and_then(Kind::from_caller) {
        Some(kind) => (kind, CALLERS_KIND, None),
        None => rules::conclude(&signals)
            .map_or((Kind::Unknown, NO_RULE, None), |conclusion| (conclusion.kind, conclusion.rule, conclusion.code)),
    };
    let (scope, model) = scope_of(kind);
    let found = if kind.heeds_hints() { hints::read(facts, context) } else { None };
    let (hint, hint_evidence) = found.unzip();
    let evidence = hint_evidence.or_else(|| code.map(|code| Evidence::new(code.source, &code.value)));
    Verdict { kind, scope, model, hint, rule, evidence }
}

/// What a kind is about unless a rule knows better. What is the provider's or the network's fault is about no
/// credential; whether it is about the whole pool takes more than one failure to tell.
fn scope_of(kind: Kind) -> (Scope, bool) {
    match kind {
        Kind::RateLimit | Kind::Quota | Kind::Billing => (Scope::Account, false),
        Kind::Auth | Kind::Dead | Kind::Forbidden => (Scope::Credential, false),
        Kind::Model => (Scope::Credential, true),
        Kind::Overloaded
        | Kind::Server
        | Kind::Edge
        | Kind::Network
        | Kind::Request
        | Kind::Cancelled
        | Kind::Unknown => (Scope::None, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Scalar;

    const NOW: u64 = 1_795_471_600_000;

    fn judge(facts: &Facts<'_>) -> Verdict {
        classify(facts, &Context { now_wall_ms: NOW, pool: "openrouter", base_url: None })
    }

    #[test]
    fn a_status_alone() {
        let cases = [
            (400, Kind::Request, "http.400"),
            (401, Kind::Auth, "http.401"),
            (402, Kind::Billing, "http.402"),
            (403, Kind::Forbidden, "http.403"),
            (404, Kind::Request, "http.404"),
            (408, Kind::Network, "http.408"),
            (409, Kind::Unknown, "none"),
            (413, Kind::Request, "http.413"),
            (418, Kind::Unknown, "none"),
            (422, Kind::Request, "http.422"),
            (429, Kind::RateLimit, "http.429"),
            (500, Kind::Server, "http.5xx"),
            (501, Kind::Unknown, "none"),
            (502, Kind::Server, "http.5xx"),
            (503, Kind::Server, "http.5xx"),
            (504, Kind::Server, "http.5xx"),
            (505, Kind::Unknown, "none"),
            (519, Kind::Unknown, "none"),
            (520, Kind::Edge, "http.52x"),
            (527, Kind::Edge, "http.52x"),
            (528, Kind::Unknown, "none"),
            (529, Kind::Overloaded, "http.529"),
            (530, Kind::Edge, "http.52x"),
            (200, Kind::Unknown, "none"),
            (0, Kind::Unknown, "none"),
            (u16::MAX, Kind::Unknown, "none"),
        ];
        for (status, kind, rule) in cases {
            let verdict = judge(&Facts { status: Some(status), ..Facts::default() });
            assert_eq!((verdict.kind, verdict.rule), (kind, rule), "{status}");
            assert_eq!((verdict.hint, verdict.evidence), (None, None), "{status}");
        }
    }

    #[test]
    fn a_code_beats_the_status() {
        let cases = [
            (Some(429), "insufficient_quota", Kind::Billing),
            (Some(400), "Insufficient_Credits", Kind::Billing),
            (None, "balance_depleted", Kind::Billing),
            (Some(429), "usage_limit_reached", Kind::Quota),
            (Some(401), "token_revoked", Kind::Dead),
            (Some(403), "token_revoked", Kind::Forbidden),
            (None, "token_revoked", Kind::Unknown),
            (Some(401), "invalid_api_key", Kind::Auth),
            (Some(429), "rate_limit_exceeded", Kind::RateLimit),
        ];
        for (status, code, kind) in cases {
            let body = format!(r#"{{"error":{{"code":"{code}"}}}}"#);
            let by_body = judge(&Facts { status, body: Some(&body), ..Facts::default() });
            let by_field = judge(&Facts { status, code: Some(code), ..Facts::default() });
            assert_eq!((by_body.kind, by_field.kind), (kind, kind), "{status:?} {code}");
        }
        let verdict = judge(&Facts { code: Some("insufficient_quota"), ..Facts::default() });
        assert_eq!(verdict.rule, "code.billing");
        assert_eq!(verdict.evidence, Some(Evidence::new("field:code", "insufficient_quota")));
    }

    #[test]
    fn the_caller_knows_best() {
        let facts = Facts { status: Some(429), code: Some("insufficient_quota"), ..Facts::default() };
        for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Unknown) {
            let verdict = judge(&Facts { kind: Some(kind.as_str()), ..facts });
            assert_eq!((verdict.kind, verdict.rule), (*kind, "caller.kind"));
        }
        for useless in ["unknown", "", "gremlins"] {
            assert_eq!(judge(&Facts { kind: Some(useless), ..facts }).kind, Kind::Billing, "{useless:?}");
        }
    }

    #[test]
    fn the_fault_decides_the_scope() {
        let cases = [
            ("rate_limit", Scope::Account, false),
            ("quota", Scope::Account, false),
            ("billing", Scope::Account, false),
            ("auth", Scope::Credential, false),
            ("dead", Scope::Credential, false),
            ("forbidden", Scope::Credential, false),
            ("model", Scope::Credential, true),
            ("overloaded", Scope::None, false),
            ("server", Scope::None, false),
            ("edge", Scope::None, false),
            ("network", Scope::None, false),
            ("timeout", Scope::None, false),
            ("request", Scope::None, false),
            ("cancelled", Scope::None, false),
        ];
        for (kind, scope, model) in cases {
            let verdict = judge(&Facts { kind: Some(kind), ..Facts::default() });
            assert_eq!((verdict.scope, verdict.model), (scope, model), "{kind}");
        }
    }

    #[test]
    fn a_hint_is_heeded_only_where_waiting_helps() {
        let facts = Facts { retry_after: Some(Scalar::Number(7.0)), ..Facts::default() };
        let limited = judge(&Facts { status: Some(429), ..facts });
        assert_eq!(limited.hint, Some(Hint { after_ms: Some(7_000), at_ms: None }));
        assert_eq!(limited.evidence, Some(Evidence::new("field:retry_after", "7")));
        for kind in ["dead", "request", "cancelled"] {
            let verdict = judge(&Facts { kind: Some(kind), ..facts });
            assert_eq!((verdict.hint, verdict.evidence), (None, None), "{kind}");
        }
    }
}
