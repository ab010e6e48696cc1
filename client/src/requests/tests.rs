//! The daemon's own decoder judges what is sent.

use credpool_proto::request::{AcquireOptions, Next, Op, decode};
use credpool_proto::words::{FailureKind, Outcome};

use super::*;

/// Runs `check` on what the daemon makes of a request.
fn check<C: Call>(call: &C, check: impl FnOnce(Op<'_>)) {
    let line = with_id(call, 7).unwrap();
    let request = decode(line.trim_ascii_end()).unwrap_or_else(|rejected| panic!("{}", rejected.error));
    assert!(request.unknown.is_empty(), "{:?}", request.unknown);
    assert_eq!(request.op.name().as_str(), C::OP);
    check(request.op);

    let line = call.to_line().unwrap();
    assert!(decode(line.as_bytes()).is_ok_and(|request| request.id.is_none()));
}

#[test]
fn what_is_not_set_is_left_out() {
    let request = AcquireRequest::new("p");
    assert_eq!(request.to_line().unwrap(), r#"{"op":"acquire","pool":"p"}"#);
    assert_eq!(PingRequest {}.to_line().unwrap(), r#"{"op":"ping"}"#);
    assert_eq!(StatusRequest::new().to_line().unwrap(), r#"{"op":"status"}"#);
    let report = ReportRequest::new(Subject::Lease { lease: "l".to_owned() }, Failure::new());
    assert_eq!(report.to_line().unwrap(), r#"{"op":"report_error","lease":"l"}"#);
}

#[test]
fn the_conditions_of_a_lease_arrive() {
    let request = AcquireRequest::new("p")
        .profile("dev")
        .model("m")
        .session("s")
        .credential("c")
        .exclude(["a", "b"])
        .class(Class::Background)
        .ttl(Duration::from_micros(1_001))
        .detach()
        .without_secret();
    check(&request, |op| match op {
        Op::Acquire { pool, options } => {
            assert_eq!(pool, "p");
            assert_eq!(
                options,
                AcquireOptions {
                    profile: Some("dev".into()),
                    model: Some("m".into()),
                    session: Some("s".into()),
                    credential: Some("c".into()),
                    exclude: vec!["a".into(), "b".into()],
                    class: Class::Background,
                    wait_ms: 0,
                    ttl_ms: Some(2),
                    detach: true,
                    secret: false,
                }
            );
        }
        other => panic!("{other:?}"),
    });
    check(&ExplainRequest::new("p").model("m"), |op| {
        assert!(matches!(op, Op::Explain { options, .. } if options.model.as_deref() == Some("m")));
    });
}

/// A credential that was used without a lease.
fn of_credential(profile: Option<&str>) -> Subject {
    Subject::Credential {
        pool: "p".to_owned(),
        profile: profile.map(str::to_owned),
        credential: "c".to_owned(),
        epoch: "e".to_owned(),
    }
}

#[test]
fn every_fact_of_a_failure_arrives() {
    let failure = Failure::new()
        .status(429)
        .header("Retry-After", "43")
        .header("X-Reset", "1")
        .header("x-reset", "2")
        .body("body")
        .message("message")
        .code("code")
        .kind(FailureKind::Timeout)
        .reset_at("1")
        .resets_at("2")
        .retry_until("3")
        .retry_after("4")
        .model("m")
        .next_with(LeaseOptions::new().model("n"));
    let subject = of_credential(Some("dev"));
    check(&ReportRequest::new(subject, failure).number(3).keep(), |op| {
        let Op::ReportError(report) = op else { panic!("{op:?}") };
        let facts = &report.facts;
        assert_eq!(facts.status, Some(429));
        assert_eq!(
            facts.headers.iter().collect::<Vec<_>>(),
            [("retry-after", "43"), ("x-reset", "1"), ("x-reset", "2")]
        );
        assert!(facts.body.is_some());
        assert_eq!(facts.kind, Some(FailureKind::Timeout));
        let texts = [
            &facts.message,
            &facts.code,
            &facts.reset_at,
            &facts.resets_at,
            &facts.retry_until,
            &facts.retry_after,
            &facts.model,
        ];
        let texts: Vec<_> = texts.into_iter().flatten().collect();
        assert_eq!(texts, ["message", "code", "1", "2", "3", "4", "m"]);
        assert_eq!((report.report, report.keep), (3, true));
        assert!(matches!(&report.next, Next::With(options) if options.model.as_deref() == Some("n")));
        let credpool_proto::request::Subject::Credential { profile, .. } = &report.subject else {
            panic!("{report:?}")
        };
        assert_eq!(profile.as_deref(), Some("dev"));
    });
}

/// What a request is sent as by a client whose own profile is `dev`.
fn of_dev<C: Call>(mut call: C) -> String {
    call.default_profile("dev");
    call.to_line().unwrap()
}

#[test]
fn whatever_names_credentials_is_said_in_the_words_of_the_client_s_profile() {
    let lines = [
        of_dev(AcquireRequest::new("p")),
        of_dev(ExplainRequest::new("p")),
        of_dev(StatusRequest::new()),
        of_dev(HistoryRequest::new("p")),
        of_dev(ClearRequest::new("p")),
        of_dev(DisableRequest::new("p", "c")),
        of_dev(EnableRequest::new("p", "c")),
        of_dev(ReportRequest::new(of_credential(None), Failure::new())),
    ];
    for line in lines {
        assert!(line.contains(r#""profile":"dev""#), "{line}");
    }
    let next = Failure::new().next_with(LeaseOptions::new());
    let of_lease = ReportRequest::new(Subject::Lease { lease: "l".to_owned() }, next);
    assert_eq!(of_dev(of_lease), r#"{"op":"report_error","lease":"l","next":{"profile":"dev"}}"#);
    assert_eq!(of_dev(RenewRequest::new("l")), r#"{"op":"renew","lease":"l"}"#);
}

#[test]
fn a_profile_that_is_named_stays() {
    let lines = [
        of_dev(AcquireRequest::new("p").profile("own")),
        of_dev(ExplainRequest::new("p").profile("own")),
        of_dev(StatusRequest::new().profile("own")),
        of_dev(HistoryRequest::new("p").profile("own")),
        of_dev(ClearRequest::new("p").profile("own")),
        of_dev(DisableRequest::new("p", "c").profile("own")),
        of_dev(EnableRequest::new("p", "c").profile("own")),
        of_dev(ReportRequest::new(of_credential(Some("own")), Failure::new())),
    ];
    for line in lines {
        assert!(line.contains(r#""profile":"own""#) && !line.contains("dev"), "{line}");
    }
}

#[test]
fn how_it_went_arrives() {
    let ending = Ending::new(Outcome::Ok).status(200).header("A", "b").usage(3, 4);
    check(&ReleaseRequest::new("l", ending), |op| {
        let Op::Release(release) = op else { panic!("{op:?}") };
        assert_eq!((release.outcome, release.status), (Outcome::Ok, Some(200)));
        assert_eq!(release.headers.all("a").collect::<Vec<_>>(), ["b"]);
        assert_eq!((release.usage.input_tokens, release.usage.output_tokens), (Some(3), Some(4)));
    });
}

#[test]
fn the_other_operations_arrive() {
    check(&RenewRequest::new("l").ttl(Duration::from_secs(1)), |op| {
        assert!(matches!(op, Op::Renew { ttl_ms: Some(1_000), detach: false, .. }));
    });
    check(&RenewRequest::new("l").detach(), |op| {
        assert!(matches!(op, Op::Renew { ttl_ms: None, detach: true, .. }));
    });
    check(&StatusRequest::new().pool("p").after("a\u{1f}b").limit(5), |op| {
        let Op::Status(page) = op else { panic!("{op:?}") };
        assert_eq!((page.pool.as_deref(), page.after.as_deref(), page.limit), (Some("p"), Some("a\u{1f}b"), 5));
        assert_eq!(page.leases, None);
    });
    check(&StatusRequest::new().pool("p").leases(), |op| {
        assert!(matches!(op, Op::Status(page) if page.leases == Some(0)));
    });
    check(&StatusRequest::new().pool("p").leases_after(7), |op| {
        assert!(matches!(op, Op::Status(page) if page.leases == Some(7)));
    });
    check(&HistoryRequest::new("p").credential("c").model("m").limit(5), |op| {
        assert!(matches!(op, Op::History { credential: Some(_), model: Some(_), limit: 5, .. }));
    });
    check(&ClearRequest::new("p").credential("c").model("m"), |op| {
        assert!(matches!(op, Op::Clear { credential: Some(_), model: Some(_), .. }));
    });
    check(&DisableRequest::new("p", "c").lasting(Duration::from_secs(60)).note("why"), |op| {
        assert!(matches!(op, Op::Disable { for_ms: Some(60_000), note: Some(_), .. }));
    });
    check(&EnableRequest::new("p", "c"), |op| assert!(matches!(op, Op::Enable { .. })));
    check(&PingRequest {}, |op| assert!(matches!(op, Op::Ping)));
    check(&ReloadRequest {}, |op| assert!(matches!(op, Op::Reload)));
}

#[test]
fn a_report_is_cut_only_where_it_may_be() {
    let subject = || Subject::Lease { lease: "l".to_owned() };
    let mut report = ReportRequest::new(subject(), Failure::new().body("aé").message("bc"));
    assert!(report.shorten(1), "half of a character takes the whole of it");
    assert_eq!(report.to_line().unwrap(), r#"{"op":"report_error","lease":"l","body":"a","message":"bc"}"#);
    assert!(report.shorten(2));
    assert_eq!(report.to_line().unwrap(), r#"{"op":"report_error","lease":"l","body":"","message":"b"}"#);
    assert!(!report.shorten(2));
}

#[test]
fn a_report_is_cut_no_more_than_it_must_be() {
    let body = "plain \"quoted\" \\ \n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f} \u{e9}\u{20ac}\u{1f600}";
    let report = |body: &str| {
        let subject = Subject::Lease { lease: "l".to_owned() };
        ReportRequest::new(subject, Failure::new().body(body))
    };
    let whole = report(body).to_line().unwrap().len();
    for (at, _) in body.char_indices() {
        let wanted = report(&body[..at]).to_line().unwrap();
        let mut cut = report(body);
        assert!(cut.shorten(whole - wanted.len()));
        assert_eq!(cut.to_line().unwrap(), wanted);
    }
}
