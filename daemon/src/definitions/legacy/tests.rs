use proptest::prelude::*;
use serde_json::{Value, json, value::to_raw_value};

use super::*;

const AT: u64 = 1_795_468_000_120;

fn notes(value: &Value) -> Notes {
    Notes::read(&to_raw_value(value).expect("JSON"))
}

fn fact(value: &Value) -> Option<LegacyFact> {
    notes(value).merge(None).fact
}

fn exhausted(more: Value) -> Value {
    let mut row = json!({ "last_status": "exhausted", "last_status_at": 1_795_468_000.12 });
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

#[test]
fn the_status_decides() {
    for (status, restricts) in [("exhausted", true), ("dead", true), ("ok", false), ("gone fishing", false)] {
        let row = json!({ "last_status": status, "last_status_at": 1_795_468_000.12, "last_error_code": 429 });
        assert_eq!(fact(&row).is_some(), restricts, "{status}");
    }
    assert_eq!(fact(&json!({})), None);
    assert_eq!(fact(&json!({ "last_status": null, "last_status_at": 1.0 })), None);
    assert_eq!(fact(&json!({ "last_status": ["exhausted"], "last_status_at": 1.0 })), None);
}

#[test]
fn kinds_follow_code_and_reason() {
    let cases = [
        (json!({ "last_error_code": 429 }), Kind::RateLimit),
        (json!({ "last_error_code": 429, "last_error_reason": "usage_limit_reached" }), Kind::Quota),
        (json!({ "last_error_code": 429, "last_error_reason": "insufficient_quota" }), Kind::Billing),
        (json!({ "last_error_code": 402 }), Kind::Billing),
        (json!({ "last_error_code": 400 }), Kind::Billing),
        (json!({ "last_error_code": 401 }), Kind::Auth),
        (json!({ "last_error_code": 401, "last_error_reason": "token_revoked" }), Kind::Auth),
        (json!({ "last_error_code": 403 }), Kind::Forbidden),
        (json!({ "last_error_code": 500 }), Kind::Server),
        (json!({ "last_error_code": 529 }), Kind::Overloaded),
        (json!({ "last_error_code": 599 }), Kind::RateLimit),
        (json!({ "last_error_code": null }), Kind::RateLimit),
        (json!({ "last_error_code": "429" }), Kind::RateLimit),
        (json!({ "last_error_code": 1e9 }), Kind::RateLimit),
        (json!({}), Kind::RateLimit),
    ];
    for (more, kind) in cases {
        assert_eq!(fact(&exhausted(more.clone())).map(|fact| fact.kind), Some(kind), "{more}");
    }
    let dead = fact(&json!({ "last_status": "dead", "last_status_at": 1_795_468_000.12, "last_error_code": 401 }));
    assert_eq!(dead, Some(LegacyFact { at_ms: AT, kind: Kind::Dead, until_ms: None, status: Some(401) }));
}

#[test]
fn deadlines_are_those_of_hermes() {
    let cases = [
        (json!({ "last_error_code": 401 }), Some(AT + 300_000)),
        (json!({ "last_error_code": 429 }), Some(AT + 3_600_000)),
        (json!({}), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": 1_795_471_600.0 }), Some(1_795_471_600_000)),
        (json!({ "last_error_reset_at": 1_795_471_600_000_i64 }), Some(1_795_471_600_000)),
        (json!({ "last_error_reset_at": "1795471600" }), Some(1_795_471_600_000)),
        (json!({ "last_error_reset_at": "2026-11-23T22:06:40Z" }), Some(1_795_471_600_000)),
        (json!({ "last_error_reset_at": "2026-11-23T23:06:40+01:00" }), Some(1_795_471_600_000)),
        (json!({ "last_error_reset_at": "2026-11-23T22:06:40" }), Some(1_795_471_600_000)),
        (json!({ "last_error_reset_at": 30 }), Some(AT + 30_000)),
        (json!({ "last_error_reset_at": 0 }), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": -5 }), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": "-5" }), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": "inf" }), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": "nan" }), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": "soon" }), Some(AT + 3_600_000)),
        (json!({ "last_error_reset_at": [1] }), Some(AT + 3_600_000)),
    ];
    for (more, until) in cases {
        assert_eq!(fact(&exhausted(more.clone())).map(|fact| fact.until_ms), Some(until), "{more}");
    }
}

#[test]
fn the_date_may_be_missing() {
    assert_eq!(fact(&json!({ "last_status": "exhausted", "last_error_code": 429 })), None);
    let dated_by_reset = json!({ "last_status": "exhausted", "last_error_reset_at": 1_795_471_600 });
    assert_eq!(
        fact(&dated_by_reset).map(|fact| (fact.at_ms, fact.until_ms)),
        Some((UNDATED_MS, Some(1_795_471_600_000)))
    );
    let iso = json!({ "last_status": "exhausted", "last_status_at": "2026-11-23T21:00:00+00:00" });
    assert_eq!(fact(&iso).map(|fact| fact.at_ms), Some(1_795_467_600_000));
}

#[test]
fn standing_is_bounded() {
    let fact = |until_ms| LegacyFact { at_ms: 1, kind: Kind::Quota, until_ms, status: None };
    assert_eq!(fact(None).standing(5), Standing::Open);
    assert_eq!(fact(Some(5)).standing(5), Standing::Over);
    assert_eq!(fact(Some(6)).standing(5), Standing::Until(6));
    assert_eq!(fact(Some(u64::MAX)).standing(5), Standing::Until(5 + MAX_AHEAD_MS));
}

#[test]
fn the_later_notes_hold() {
    let early = notes(&json!({ "last_status": "exhausted", "last_status_at": 1e9, "request_count": 7 }));
    let late = notes(&json!({ "last_status": "dead", "last_status_at": 2e9, "request_count": 3 }));
    let undated = notes(&json!({ "last_status": "ok", "request_count": 9 }));
    let kind = |state: LegacyState| state.fact.map(|fact| fact.kind);
    assert_eq!(kind(early.merge(Some(&late))), Some(Kind::Dead));
    assert_eq!(kind(late.merge(Some(&early))), Some(Kind::Dead));
    assert_eq!(kind(early.merge(Some(&undated))), Some(Kind::RateLimit));
    assert_eq!(kind(undated.merge(Some(&early))), Some(Kind::RateLimit));
    assert_eq!((early.merge(Some(&late)).grants, early.merge(Some(&undated)).grants), (7, 9));
}

#[test]
fn all_forms_of_the_runtime_map_are_read() {
    let entry = json!({ "last_status": "dead", "last_status_at": 1e9 });
    let row = |names: Value| {
        let (Value::Object(mut row), Value::Object(names)) = (entry.clone(), names) else { unreachable!() };
        row.extend(names);
        Value::Object(row)
    };
    let forms = [
        json!({ "p": { "x": entry } }),
        json!({ "p": [row(json!({ "id": "x" }))] }),
        json!([row(json!({ "pool": "p", "id": "x" }))]),
        json!([row(json!({ "provider": "p", "id": "x" })), 3, { "pool": "p" }, ["y", "p", "p"]]),
    ];
    for form in forms {
        let mut problems = Vec::new();
        let read = RuntimeNotes::read(&to_raw_value(&form).expect("JSON"), &mut problems);
        assert_eq!(read.of("p", "x"), Some(&notes(&entry)), "{form}");
        assert_eq!((read.of("p", "y"), read.of("q", "x"), problems.len()), (None, None, 0), "{form}");
    }
    let no_pool = to_raw_value(&json!([row(json!({ "id": "x" }))])).expect("JSON");
    let read = RuntimeNotes::read(&no_pool, &mut Vec::new());
    assert_eq!((read.of("p", "x"), read.of("q", "x")), (Some(&notes(&entry)), Some(&notes(&entry))));
    for (form, wrong) in [(json!(3), 1), (json!({ "p": 3, "q": {} }), 1), (json!(null), 0), (json!({}), 0)] {
        let mut problems = Vec::new();
        RuntimeNotes::read(&to_raw_value(&form).expect("JSON"), &mut problems);
        assert_eq!(problems.len(), wrong, "{form}");
    }
}

proptest! {
    #[test]
    fn any_values_are_survived(
        at in prop_oneof![any::<f64>().prop_map(Value::from), any::<String>().prop_map(Value::from)],
        reset in prop_oneof![any::<f64>().prop_map(Value::from), any::<String>().prop_map(Value::from)],
        code in any::<i64>(),
        now in any::<u64>(),
    ) {
        let row = json!({ "last_status": "exhausted", "last_status_at": at, "last_error_reset_at": reset,
                          "last_error_code": code, "request_count": reset });
        if let Some(fact) = fact(&row)
            && let Standing::Until(until) = fact.standing(now)
        {
            prop_assert!(until > now && until - now <= MAX_AHEAD_MS);
        }
    }
}
