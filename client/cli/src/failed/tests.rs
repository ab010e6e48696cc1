use std::path::PathBuf;

use credpool_client::Why;
use credpool_client::proto::reply::CredentialBrief;
use credpool_client::proto::words::CredentialState;

use super::*;

fn refused(code: ErrorCode, details: Details<'static>) -> Failed {
    Failed::Client(WireError { code, message: "the daemon's words\x1b".into(), details }.into())
}

fn unavailable(retry_after_ms: Option<u64>) -> Unavailable<'static> {
    Unavailable {
        retry_after_ms,
        retry_at_ms: retry_after_ms.map(|ms| ms + 1_795_471_600_000),
        pool: "openrouter".into(),
        model: None,
        total: 3,
        by_cause: [("dead".into(), 1), ("rate_limit".into(), 2)].into(),
        credentials: Vec::new(),
    }
}

#[test]
fn nothing_to_lease_says_why_and_when() {
    let failed = refused(ErrorCode::Exhausted, Details::Unavailable(Box::new(unavailable(Some(42_001)))));
    assert_eq!(failed.sentence(), "nothing to lease in openrouter (1 dead, 2 rate limit); try again in 43s");
    assert_eq!(failed.exit(), Exit::Unavailable);

    let forever = Unavailable { model: Some("gpt-5.5".into()), ..unavailable(None) };
    let failed = refused(ErrorCode::Exhausted, Details::Unavailable(Box::new(forever)));
    assert_eq!(
        failed.sentence(),
        "nothing to lease in openrouter for gpt-5.5 (1 dead, 2 rate limit); it takes a person: see `credpool status`"
    );

    let busy = Unavailable { by_cause: [("at_cap".into(), 3)].into(), ..unavailable(Some(1_000)) };
    let failed = refused(ErrorCode::Busy, Details::Unavailable(Box::new(busy)));
    assert_eq!(failed.sentence(), "nothing to lease in openrouter (3 at cap); try again when a lease has ended");

    let none = Unavailable { total: 0, ..unavailable(None) };
    let failed = refused(ErrorCode::Exhausted, Details::Unavailable(Box::new(none)));
    assert_eq!(failed.sentence(), "nothing to lease in openrouter: the request leaves no credential");
}

#[test]
fn a_label_of_several_names_their_ids() {
    let bearer = |id: &'static str| CredentialBrief {
        id: id.into(),
        label: "work".into(),
        state: CredentialState::Ready,
        cause: None,
        until_at_ms: None,
    };
    let failed = refused(ErrorCode::AmbiguousLabel, Details::Credentials(vec![bearer("a1"), bearer("b2")]));
    assert_eq!(failed.sentence(), "the daemon's words\\u{1b} (a1, b2)");
    assert_eq!(failed.exit(), Exit::Unknown);
}

#[test]
fn no_daemon_says_where_it_was_looked_for_and_what_to_do() {
    let tried = |socket: &str, why| Tried { socket: PathBuf::from(socket), why };
    let failed = Failed::Client(Error::Unreachable(vec![
        tried("/run/a.sock", Why::Io(io::ErrorKind::ConnectionRefused.into())),
        tried("/run/b\n.sock", Why::Untrusted(1_001)),
    ]));
    assert_eq!(
        failed.sentence(),
        "no daemon could be reached; start one with `credpoold`, or name its socket with --socket\n  \
         tried /run/a.sock: connection refused\n  \
         tried /run/b\\n.sock: it belongs to user 1001, who is neither you, nor root, nor the user you accept; \
         if you do, say --server 1001"
    );
    assert_eq!(failed.exit(), Exit::Unreachable);
}

#[test]
fn a_daemon_of_another_home_was_reached_all_the_same() {
    let why = Why::OtherStore { serves: "/theirs/auth.json".into(), wanted: "/ours/auth.json".into() };
    let failed = Failed::Client(Error::Unreachable(vec![Tried { socket: PathBuf::from("/run/a.sock"), why }]));
    assert_eq!(
        failed.sentence(),
        "the daemon serves another Hermes home than the one that HERMES_HOME says; start one for that with `credpoold`, or \
         name its socket with --socket\n  \
         tried /run/a.sock: it serves /theirs/auth.json, and not /ours/auth.json"
    );
    assert_eq!(failed.exit(), Exit::Unreachable);
}

#[test]
fn a_missing_next_lease_is_told_apart_from_a_refused_report() {
    let failed = Failed::NoNext(WireError {
        code: ErrorCode::Exhausted,
        message: "x".into(),
        details: Details::Unavailable(Box::new(unavailable(Some(1_000)))),
    });
    assert_eq!(
        failed.sentence(),
        "there is no next lease: nothing to lease in openrouter (1 dead, 2 rate limit); try again in 1s"
    );
    assert_eq!(failed.exit(), Exit::Unavailable);
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let failed = Failed::Io(io::ErrorKind::BrokenPipe.into());
    assert_eq!((failed.exit(), failed.sentence()), (Exit::Ok, String::new()));
}
