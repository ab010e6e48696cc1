//! The conclusion, and how it is reached.

use crate::evidence::Evidence;
use crate::facts::{Context, Facts};
use crate::hints::{self, Hint};
use crate::kind::Kind;
use crate::rules::{self, Conclusion, Reach, Seen, Until};
use crate::signals::Signals;
use crate::vendor::Vendor;
use crate::windows::{self, QuotaWindow};

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
    /// The provider, hence every credential of the pool. One such verdict is evidence and no more: whether the provider
    /// or just this request was out of luck takes several to tell.
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
    /// Whether it is about the request's model only, within `scope`. Always false if nobody said which model that was.
    pub model: bool,
    /// When the provider says that it is over.
    pub hint: Option<Hint>,
    /// The stable name of the rule that fired: `http.429`, `openai.429.insufficient_quota`, `caller.kind`; `none` if
    /// none did.
    pub rule: &'static str,
    /// What the hint rests on, else the code or the words that the rule rests on.
    pub evidence: Option<Evidence>,
}

/// Judges one failure, and reads what its response says is left ([`quota_windows`](crate::quota_windows)). Pure: the same
/// facts and context give the same.
///
/// The caller's own `kind` is believed first; where a rule comes to the same kind, the rule knows more about it.
/// Otherwise the rules decide: codes, then words, then families of errors, then the status. What nothing applies to is
/// [`Kind::Unknown`], which restricts nothing.
#[must_use]
pub fn judge(facts: &Facts<'_>, context: &Context<'_>) -> (Verdict, Vec<QuotaWindow>) {
    let signals = Signals::read(facts);
    let vendor = Vendor::of(context, &signals);
    let clock = hints::clock(&signals, vendor, context.now_wall_ms);
    let windows = windows::read(&signals, vendor, facts.model, clock);
    let concluded = rules::conclude(vendor, &Seen { signals: &signals, windows: &windows });
    let conclusion = match facts.kind.and_then(Kind::from_caller) {
        Some(kind) => {
            concluded.filter(|concluded| concluded.kind == kind).unwrap_or_else(|| unreasoned(kind, CALLERS_KIND))
        }
        None => concluded.unwrap_or_else(|| unreasoned(Kind::Unknown, NO_RULE)),
    };
    let Conclusion { rule, kind, until, .. } = conclusion;
    let (scope, model) = reach(kind, conclusion.reach, facts.model.is_some());
    let heeds_hints = kind.heeds_hints() && !is_of_an_unknown_model(kind, conclusion.reach, facts.model);
    let found = if heeds_hints { hints::read(facts, &signals, &windows, kind, until, clock) } else { None };
    let (hint, hint_evidence) = found.unzip();
    let verdict = Verdict { kind, scope, model, hint, rule, evidence: hint_evidence.flatten().or(conclusion.evidence) };
    (verdict, windows::finished(windows, facts, clock))
}

/// The verdict of [`judge`] alone.
#[must_use]
pub fn classify(facts: &Facts<'_>, context: &Context<'_>) -> Verdict {
    judge(facts, context).0
}

/// Whether a quota is one model's, and nobody said which: then others are restricted with it, and that until its week is
/// over would be too long. A guess is probed soon.
fn is_of_an_unknown_model(kind: Kind, (_, of_model): Reach, model: Option<&str>) -> bool {
    kind == Kind::Quota && of_model && model.is_none()
}

/// A kind without a rule behind it.
fn unreasoned(kind: Kind, rule: &'static str) -> Conclusion {
    Conclusion { rule, kind, reach: rules::usual_reach(kind), until: Until::Hint, evidence: None }
}

/// What it is about where nobody said which model was asked for: the whole of it, lest the next request run into the
/// same wall; but a model that is not to be had is no reason to restrict any other.
fn reach(kind: Kind, (scope, of_model): Reach, knows_model: bool) -> Reach {
    match (of_model, knows_model, kind) {
        (true, false, Kind::Model) => (Scope::None, false),
        _ => (scope, of_model && knows_model),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Scalar;

    const NOW: u64 = 1_795_471_600_000;

    fn judge(facts: &Facts<'_>) -> Verdict {
        classify(facts, &Context { now_wall_ms: NOW, pool: "custom:mine", base_url: None })
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
        for kind in Kind::ALL.iter().filter(|kind| !matches!(kind, Kind::Unknown | Kind::Billing)) {
            let verdict = judge(&Facts { kind: Some(kind.as_str()), ..facts });
            assert_eq!((verdict.kind, verdict.rule), (*kind, "caller.kind"));
        }
        for useless in ["unknown", "", "gremlins"] {
            assert_eq!(judge(&Facts { kind: Some(useless), ..facts }).kind, Kind::Billing, "{useless:?}");
        }
    }

    #[test]
    fn a_rule_of_the_same_kind_knows_more() {
        let body = r#"{"error":{"code":"rate_limit_exceeded"}}"#;
        let facts = Facts { status: Some(429), body: Some(body), model: Some("gpt-5.5"), ..Facts::default() };
        let verdict = classify(
            &Facts { kind: Some("rate_limit"), ..facts },
            &Context { now_wall_ms: NOW, pool: "openai", base_url: None },
        );
        assert_eq!(
            (verdict.rule, verdict.scope, verdict.model),
            ("openai.429.rate_limit_exceeded", Scope::Account, true)
        );
    }

    #[test]
    fn a_scope_of_one_model_needs_a_model() {
        let judge = |kind, model| {
            let verdict = judge(&Facts { kind: Some(kind), model, ..Facts::default() });
            (verdict.scope, verdict.model)
        };
        assert_eq!(judge("model", Some("m")), (Scope::Credential, true));
        assert_eq!(judge("model", None), (Scope::None, false));
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
            ("overloaded", Scope::Pool, false),
            ("server", Scope::Pool, false),
            ("edge", Scope::Pool, false),
            ("network", Scope::Pool, false),
            ("timeout", Scope::Pool, false),
            ("request", Scope::None, false),
            ("cancelled", Scope::None, false),
        ];
        for (kind, scope, model) in cases {
            let verdict = judge(&Facts { kind: Some(kind), model: Some("m"), ..Facts::default() });
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
