//! `report_error` and `release`.

use super::*;

#[test]
fn a_report_is_about_a_lease_or_about_a_credential() {
    assert_eq!(report(r#"{"op":"report_error","lease":"l"}"#).subject, Subject::Lease("l".into()));
    let line = r#"{"op":"report_error","pool":"p","credential":"c","epoch":"e"}"#;
    assert_eq!(
        report(line).subject,
        Subject::Credential { pool: "p".into(), profile: None, credential: "c".into(), epoch: "e".into() }
    );
    let line = r#"{"op":"report_error","pool":"p","profile":"dev","credential":"c","epoch":"e"}"#;
    assert!(matches!(report(line).subject, Subject::Credential { profile: Some(profile), .. } if profile == "dev"));
    assert_eq!(
        complaint(r#"{"op":"report_error","lease":"l","profile":"dev"}"#),
        "`report_error` takes no `profile` with a `lease`, which is of one already"
    );
    for line in [
        r#"{"op":"report_error"}"#,
        r#"{"op":"report_error","pool":"p","credential":"c"}"#,
        r#"{"op":"report_error","pool":"p","epoch":"e"}"#,
        r#"{"op":"report_error","lease":"l","pool":"p"}"#,
        r#"{"op":"report_error","lease":"l","pool":"p","credential":"c","epoch":"e"}"#,
    ] {
        assert_eq!(
            complaint(line),
            "`report_error` needs either `lease`, or `pool`, `credential` and `epoch`",
            "{line}"
        );
    }
}

#[test]
fn a_report_has_a_number() {
    assert_eq!(report(r#"{"op":"report_error","lease":"l"}"#).report, 1);
    for number in [1, MAX_REPORTS_PER_LEASE - 1, MAX_REPORTS_PER_LEASE] {
        assert_eq!(report(&with(&format!(r#""report":{number}"#))).report, number);
    }
    let line = with(r#""report":65"#);
    let error = reject(line.as_bytes()).error;
    assert_eq!(error.details, Details::Limit { limit: "reports_per_lease".into(), value: 64 });
    assert_eq!(complaint(&with(r#""report":0"#)), "`report` must be an integer of at least 1");
}

#[test]
fn next_is_nothing_the_same_or_something_else() {
    assert_eq!(report(&with(r#""next":false"#)).next, Next::No);
    assert_eq!(report(&with(r#""next": true "#)).next, Next::Same);
    assert_eq!(report(&with(r#""next":{}"#)).next, Next::With(AcquireOptions::default()));
    match report(&with(r#""next":{"model":"m","exclude":["a"]}"#)).next {
        Next::With(options) => {
            assert_eq!(options.model.as_deref(), Some("m"));
            assert_eq!(options.exclude, ["a"]);
        }
        other => panic!("{other:?}"),
    }
    for bad in ["1", r#""true""#, "[]"] {
        let line = with(&format!(r#""next":{bad}"#));
        assert_eq!(complaint(&line), "`next` must be true, false or an object");
    }
    assert_eq!(
        complaint(&with(r#""next":{"wait_ms":1.5}"#)),
        "`next.wait_ms` must be an integer from 0 to 9007199254740991"
    );
    let about = r#""op":"report_error","pool":"p","credential":"c","epoch":"e""#;
    assert!(complaint(&format!(r#"{{{about},"next":true}}"#)).starts_with("`next` can be true only"));
    assert!(matches!(report(&format!(r#"{{{about},"next":{{}}}}"#)).next, Next::With(_)));
}

#[test]
fn headers_come_in_any_case_and_as_lists() {
    let line =
        with(r#""headers":{"Retry-After":43,"X-Reset":["1.5",2],"x-reset":"6m0s","Gone":null,"Neg":-1,"X-RESET":"z"}"#);
    let headers = report(&line).facts.headers;
    assert_eq!(
        headers.iter().collect::<Vec<_>>(),
        [
            ("retry-after", "43"),
            ("x-reset", "1.5"),
            ("x-reset", "2"),
            ("x-reset", "6m0s"),
            ("neg", "-1"),
            ("x-reset", "z"),
        ]
    );
    assert_eq!(headers.all("x-reset").collect::<Vec<_>>(), ["1.5", "2", "6m0s", "z"]);
    assert_eq!(headers.all("X-Reset").count(), 0);
    for bad in ["[]", r#"{"a":true}"#, r#"{"a":{}}"#, r#"{"a":[null]}"#, r#"{"a":[["b"]]}"#, r#"{"a":"1","a":"2"}"#] {
        let line = with(&format!(r#""headers":{bad}"#));
        assert!(complaint(&line).starts_with("`headers` must be an object"), "{bad}");
    }
}

#[test]
fn a_body_is_text_or_json() {
    assert!(matches!(
        report(&with(r#""body":"{\"a\":1}""#)).facts.body,
        Some(Body::Text(text)) if text == r#"{"a":1}"#
    ));
    for json in [r#"{"a": [1, 2]}"#, "[1]", "7", "true"] {
        match report(&with(&format!(r#""body": {json} "#))).facts.body {
            Some(Body::Json(raw)) => assert_eq!(raw.get(), json),
            other => panic!("{other:?}"),
        }
    }
    assert!(report(&with(r#""body":null"#)).facts.body.is_none());
}

#[test]
fn hints_keep_the_form_that_the_provider_gave_them() {
    for name in ["reset_at", "resets_at", "retry_until", "retry_after"] {
        for (json, text) in [
            ("43", "43"),
            ("34.07", "34.07"),
            ("-0.5", "-0.5"),
            ("1e3", "1e3"),
            (r#""6m0s""#, "6m0s"),
            (r#""\u0036m""#, "6m"),
            (r#""""#, ""),
        ] {
            let line = with(&format!(r#""{name}":{json}"#));
            let facts = report(&line).facts;
            let hints = [facts.reset_at, facts.resets_at, facts.retry_until, facts.retry_after];
            assert_eq!(hints.iter().flatten().collect::<Vec<_>>(), [text]);
        }
        for bad in ["1e400", "true", "[]", "{}"] {
            let line = with(&format!(r#""{name}":{bad}"#));
            assert_eq!(complaint(&line), format!("`{name}` must be a string or a number"));
        }
    }
}

#[test]
fn a_code_is_text_or_an_integer() {
    for (json, text) in
        [(r#""insufficient_quota""#, "insufficient_quota"), ("429", "429"), ("-1", "-1"), (r#""1.5""#, "1.5")]
    {
        assert_eq!(report(&with(&format!(r#""code":{json}"#))).facts.code.as_deref(), Some(text));
    }
    for bad in ["1.5", "1e2", "true", "{}"] {
        assert_eq!(complaint(&with(&format!(r#""code":{bad}"#))), "`code` must be a string or an integer");
    }
}

#[test]
fn a_status_is_an_http_status() {
    for status in [100, 101, 529, 998, 999] {
        assert_eq!(report(&with(&format!(r#""status":{status}"#))).facts.status, Some(status));
    }
    for bad in ["0", "99", "1000", "70000", "\"429\"", "429.0"] {
        assert_eq!(complaint(&with(&format!(r#""status":{bad}"#))), "`status` must be an HTTP status from 100 to 999");
    }
}

#[test]
fn a_kind_is_a_verdicts_kind_or_timeout() {
    for kind in FailureKind::ALL {
        let line = with(&format!(r#""kind":"{kind}""#));
        assert_eq!(report(&line).facts.kind, Some(*kind));
    }
    assert!(complaint(&with(r#""kind":"other""#)).starts_with("`kind` must be"));
}

#[test]
fn a_release_tells_how_it_went() {
    let release = |line: &str| match accept(line).op {
        Op::Release(release) => (release.outcome, release.status, release.usage),
        other => panic!("{other:?}"),
    };
    assert_eq!(release(r#"{"op":"release","lease":"l"}"#), (Outcome::Unknown, None, Usage::default()));
    assert_eq!(
        release(
            r#"{"op":"release","lease":"l","outcome":"ok","status":200,"headers":{"a":"b"},
                "usage":{"input_tokens":12,"output_tokens":null}}"#
        ),
        (Outcome::Ok, Some(200), Usage { input_tokens: Some(12), output_tokens: None })
    );
    assert_eq!(complaint(r#"{"op":"release","lease":"l","usage":3}"#), "`usage` must be an object");
    assert_eq!(
        complaint(r#"{"op":"release","lease":"l","usage":{"input_tokens":-1}}"#),
        "`usage.input_tokens` must be an integer from 0 to 9007199254740991"
    );
}
