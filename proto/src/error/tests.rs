use super::*;
use crate::reply::Cause;
use crate::words::CredentialState;

fn brief() -> CredentialBrief<'static> {
    CredentialBrief {
        id: "a1b2c3".into(),
        label: "work".into(),
        state: CredentialState::Cooling,
        cause: Some(Cause { kind: "rate_limit".into(), status: Some(429), reason: None }),
        until_at_ms: Some(1_795_471_643_000),
    }
}

/// Writes `error`, reads it back, and returns how it was written.
fn there_and_back(error: &WireError<'static>) -> String {
    let json = serde_json::to_string(error).unwrap();
    let read: WireError<'static> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, *error);
    json
}

#[test]
fn each_code_brings_its_details() {
    let message = "x";
    let with = |code, details| WireError { code, message: message.into(), details };
    assert_eq!(there_and_back(&with(ErrorCode::Forbidden, Details::None)), r#"{"code":"forbidden","message":"x"}"#);
    assert_eq!(
        there_and_back(&with(ErrorCode::Limit, Details::Limit { limit: "leases".into(), value: 65_536 })),
        r#"{"code":"limit","message":"x","limit":"leases","value":65536}"#
    );
    assert_eq!(
        there_and_back(&with(ErrorCode::UnknownPool, Details::Pools(vec!["anthropic".into(), "openrouter".into()]))),
        r#"{"code":"unknown_pool","message":"x","pools":["anthropic","openrouter"]}"#
    );
    assert_eq!(
        there_and_back(&with(ErrorCode::AmbiguousLabel, Details::Credentials(vec![brief()]))),
        r#"{"code":"ambiguous_label","message":"x","credentials":[{"id":"a1b2c3","label":"work","state":"cooling","cause":{"kind":"rate_limit","status":429,"reason":null},"until_at_ms":1795471643000}]}"#
    );
}

#[test]
fn nothing_available_says_who_is_in_the_way_and_until_when() {
    for code in [ErrorCode::Exhausted, ErrorCode::Busy, ErrorCode::Timeout] {
        let error = WireError {
            code,
            message: "x".into(),
            details: Details::Unavailable(Box::new(Unavailable {
                retry_after_ms: Some(43_000),
                retry_at_ms: Some(1_795_471_643_000),
                pool: "openrouter".into(),
                model: None,
                total: 2,
                by_cause: BTreeMap::from([("dead".into(), 1), ("rate_limit".into(), 1)]),
                credentials: vec![brief()],
            })),
        };
        let json = there_and_back(&error);
        assert!(json.starts_with(&format!(
            "{{\"code\":\"{code}\",\"message\":\"x\",\"retry_after_ms\":43000,\
             \"retry_at_ms\":1795471643000,\"pool\":\"openrouter\",\"model\":null,\"total\":2,\
             \"by_cause\":{{\"dead\":1,\"rate_limit\":1}},\"credentials\":["
        )));
        assert_eq!(error.retry_after_ms(), Some(43_000));
    }
}

#[test]
fn only_a_person_can_help_is_null_not_absent() {
    let error =
        WireError { code: ErrorCode::Exhausted, message: "x".into(), details: Details::Unavailable(Box::default()) };
    let json = there_and_back(&error);
    assert!(json.contains(r#""retry_after_ms":null,"retry_at_ms":null"#));
}

#[test]
fn an_error_of_a_newer_daemon_is_still_an_error() {
    let error: WireError<'_> = serde_json::from_str(r#"{"code":"eclipse","message":"dark","x":1}"#).unwrap();
    assert_eq!(error.code, ErrorCode::Other);
    assert_eq!(error.message, "dark");
    let error: WireError<'_> = serde_json::from_str(r#"{"code":"exhausted"}"#).unwrap();
    assert_eq!(error.code, ErrorCode::Exhausted);
    assert_eq!(error.retry_after_ms(), None);
}

#[test]
fn every_word_is_its_own() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
    }
    assert_eq!(ErrorCode::parse("nope"), None);
    assert_eq!(ErrorCode::ALL.len(), 20);
}
