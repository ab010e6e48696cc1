//! What each operation reads, but for reports.

use super::*;
use crate::limits::MAX_HISTORY_PAGE;

#[test]
fn every_operation_is_decoded_as_itself() {
    for (line, name) in [
        (r#"{"op":"hello"}"#, OpName::Hello),
        (r#"{"op":"ping"}"#, OpName::Ping),
        (r#"{"op":"acquire","pool":"p"}"#, OpName::Acquire),
        (r#"{"op":"report_error","lease":"l"}"#, OpName::ReportError),
        (r#"{"op":"release","lease":"l"}"#, OpName::Release),
        (r#"{"op":"renew","lease":"l"}"#, OpName::Renew),
        (r#"{"op":"claim","lease":"l"}"#, OpName::Claim),
        (r#"{"op":"status"}"#, OpName::Status),
        (r#"{"op":"explain","pool":"p"}"#, OpName::Explain),
        (r#"{"op":"history","pool":"p"}"#, OpName::History),
        (r#"{"op":"clear","pool":"p"}"#, OpName::Clear),
        (r#"{"op":"disable","pool":"p","credential":"c"}"#, OpName::Disable),
        (r#"{"op":"enable","pool":"p","credential":"c"}"#, OpName::Enable),
        (r#"{"op":"reload"}"#, OpName::Reload),
        (r#"{"op":"subscribe","pool":"p"}"#, OpName::Subscribe),
        (r#"{"op":"refresh","pool":"p","credential":"c","stale":"f"}"#, OpName::Refresh),
        (r#"{"op":"refresh_done","ticket":"t","outcome":"ok"}"#, OpName::RefreshDone),
    ] {
        let op = accept(line).op;
        assert_eq!(op.name(), name);
        assert_eq!(format!("{op:?}"), name.as_str());
    }
    assert_eq!(OpName::ALL.len(), 17);
}

#[test]
fn what_an_operation_needs_is_said() {
    for (line, message) in [
        (r#"{"op":"acquire"}"#, "`acquire` needs `pool`"),
        (r#"{"op":"explain"}"#, "`explain` needs `pool`"),
        (r#"{"op":"history"}"#, "`history` needs `pool`"),
        (r#"{"op":"clear"}"#, "`clear` needs `pool`"),
        (r#"{"op":"renew"}"#, "`renew` needs `lease`"),
        (r#"{"op":"release"}"#, "`release` needs `lease`"),
        (r#"{"op":"claim"}"#, "`claim` needs `lease`"),
        (r#"{"op":"disable","pool":"p"}"#, "`disable` needs `credential`"),
        (r#"{"op":"enable","credential":"c"}"#, "`enable` needs `pool`"),
        (r#"{"op":"refresh","pool":"p","credential":"c"}"#, "`refresh` needs `stale`"),
        (r#"{"op":"refresh_done","outcome":"ok"}"#, "`refresh_done` needs `ticket`"),
        (r#"{"op":"refresh_done","ticket":"t"}"#, "`refresh_done` needs `outcome`"),
        (r#"{"op":"refresh_done","ticket":"t","outcome":"unknown"}"#, "`outcome` must be `ok`, `failed` or `dead`"),
        (r#"{"op":"release","lease":"l","outcome":"failed"}"#, "`outcome` must be `ok`, `cancelled` or `unknown`"),
    ] {
        assert_eq!(complaint(line), message);
    }
}

#[test]
fn hello_offers_versions() {
    let versions = |line: &str| match accept(line).op {
        Op::Hello { protocols, .. } => protocols,
        other => panic!("{other:?}"),
    };
    assert_eq!(versions(r#"{"op":"hello"}"#), [1]);
    assert_eq!(versions(r#"{"op":"hello","protocol":[3,2]}"#), [3, 2]);
    let offer = |count| format!(r#"{{"op":"hello","protocol":{:?}}}"#, vec![1; count]);
    assert_eq!(versions(&offer(MAX_PROTOCOLS - 1)).len(), MAX_PROTOCOLS - 1);
    assert_eq!(versions(&offer(MAX_PROTOCOLS)).len(), MAX_PROTOCOLS);
    assert_eq!(reject(offer(MAX_PROTOCOLS + 1).as_bytes()).error.code, ErrorCode::Limit);
    assert_eq!(complaint(r#"{"op":"hello","protocol":1}"#), "`protocol` must be a list of integers");
}

#[test]
fn acquire_reads_its_conditions() {
    let options = acquire(
        r#"{"op":"acquire","pool":"p","profile":"dev","model":"m","session":"s","credential":"c",
            "exclude":["a","b"],"class":"background","wait_ms":5,"ttl_ms":6,"detach":true,
            "secret":false}"#,
    );
    assert_eq!(
        options,
        AcquireOptions {
            profile: Some("dev".into()),
            model: Some("m".into()),
            session: Some("s".into()),
            credential: Some("c".into()),
            exclude: vec!["a".into(), "b".into()],
            class: Class::Background,
            wait_ms: 5,
            ttl_ms: Some(6),
            detach: true,
            secret: false,
        }
    );
    assert_eq!(
        complaint(r#"{"op":"acquire","pool":"p","class":"urgent"}"#),
        "`class` must be `interactive` or `background`"
    );
    assert_eq!(complaint(r#"{"op":"acquire","pool":"p","detach":"yes"}"#), "`detach` must be true or false");
}

#[test]
fn exclude_is_bounded() {
    let line = |count: usize| format!(r#"{{"op":"acquire","pool":"p","exclude":{:?}}}"#, vec!["c"; count]);
    assert_eq!(acquire(&line(MAX_EXCLUDE - 1)).exclude.len(), MAX_EXCLUDE - 1);
    assert_eq!(acquire(&line(MAX_EXCLUDE)).exclude.len(), MAX_EXCLUDE);
    let line = line(MAX_EXCLUDE + 1);
    let error = reject(line.as_bytes()).error;
    assert_eq!(error.code, ErrorCode::Limit);
    assert_eq!(error.details, Details::Limit { limit: "exclude".into(), value: 32 });
    for bad in [r#"["a",""]"#, r#"["a",1]"#, r#""a""#] {
        let line = format!(r#"{{"op":"acquire","pool":"p","exclude":{bad}}}"#);
        assert_eq!(complaint(&line), "`exclude` must be a list of strings of 1 to 256 bytes");
    }
}

#[test]
fn whatever_names_credentials_may_name_a_profile() {
    let profile = |op: &str| match accept(&format!(r#"{{"op":"{op}","pool":"p","profile":"dev","credential":"c"}}"#)).op
    {
        Op::Acquire { options, .. } | Op::Explain { options, .. } => options.profile.map(Cow::into_owned),
        Op::Status(status) => status.profile.map(Cow::into_owned),
        Op::History { profile, .. }
        | Op::Clear { profile, .. }
        | Op::Disable { profile, .. }
        | Op::Enable { profile, .. } => profile.map(Cow::into_owned),
        other => panic!("{other:?}"),
    };
    for op in ["acquire", "explain", "status", "history", "clear", "disable", "enable"] {
        assert_eq!(profile(op).as_deref(), Some("dev"), "{op}");
    }
}

#[test]
fn a_page_of_history_is_bounded() {
    let asked = |line: &str| match accept(line).op {
        Op::History { credential, model, limit, .. } => {
            (credential.map(Cow::into_owned), model.map(Cow::into_owned), limit)
        }
        other => panic!("{other:?}"),
    };
    let line = |value: usize| format!(r#"{{"op":"history","pool":"p","limit":{value}}}"#);
    assert_eq!(asked(r#"{"op":"history","pool":"p"}"#), (None, None, MAX_HISTORY_PAGE));
    let of_one = asked(r#"{"op":"history","pool":"p","credential":"c","model":"m","limit":1}"#);
    assert_eq!(of_one, (Some("c".into()), Some("m".into()), 1));
    assert_eq!(asked(&line(MAX_HISTORY_PAGE - 1)).2, MAX_HISTORY_PAGE - 1);
    assert_eq!(asked(&line(MAX_HISTORY_PAGE)).2, MAX_HISTORY_PAGE);
    let error = reject(line(MAX_HISTORY_PAGE + 1).as_bytes()).error;
    assert_eq!(error.details, Details::Limit { limit: "history_page".into(), value: 1_000 });
}

#[test]
fn a_status_page_is_bounded() {
    let limit = |line: &str| match accept(line).op {
        Op::Status(status) => status.limit,
        other => panic!("{other:?}"),
    };
    let line = |value: usize| format!(r#"{{"op":"status","limit":{value}}}"#);
    assert_eq!(limit(r#"{"op":"status"}"#), MAX_STATUS_PAGE);
    assert_eq!(limit(&line(1)), 1);
    assert_eq!(limit(&line(MAX_STATUS_PAGE - 1)), MAX_STATUS_PAGE - 1);
    assert_eq!(limit(&line(MAX_STATUS_PAGE)), MAX_STATUS_PAGE);
    assert_eq!(reject(line(MAX_STATUS_PAGE + 1).as_bytes()).error.code, ErrorCode::Limit);
    assert_eq!(complaint(&line(0)), "`limit` must be an integer of at least 1");
    let after = |bytes: usize| format!(r#"{{"op":"status","after":"{}"}}"#, "c".repeat(bytes));
    accept(&after(MAX_CURSOR_BYTES - 1));
    accept(&after(MAX_CURSOR_BYTES));
    assert!(complaint(&after(MAX_CURSOR_BYTES + 1)).starts_with("`after` must be"));
}

#[test]
fn leases_are_told_of_one_pool_and_from_a_number_on() {
    let leases = |fields: &str| match accept(&format!(r#"{{"op":"status","pool":"p"{fields}}}"#)).op {
        Op::Status(status) => status.leases,
        other => panic!("{other:?}"),
    };
    assert_eq!(leases(""), None);
    assert_eq!(leases(r#","leases":false"#), None);
    assert_eq!(leases(r#","leases":true"#), Some(0));
    assert_eq!(leases(r#","leases":true,"leases_after":7"#), Some(7));
    let complained = complaint(r#"{"op":"status","leases":true}"#);
    assert_eq!(complained, "`leases` needs `pool`: it is told of one pool");
    for fields in ["", r#","leases":false"#] {
        let complained = complaint(&format!(r#"{{"op":"status","pool":"p","leases_after":7{fields}}}"#));
        assert_eq!(complained, "`leases_after` needs `leases`");
    }
}
