//! `credpoold --check`: what would be served, without serving it.

use serde_json::json;

use crate::support::{AuthJson, CANARY, Daemon, DaemonBuilder, Row, Unchanged};

#[test]
fn a_good_store_is_described() {
    let auth = AuthJson::many(2).pool("anthropic", [Row::key("claude")]);
    let builder = DaemonBuilder::serving(&auth);
    let guard = Unchanged::of(&builder.home().auth_json());
    let ended = builder.run_check();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    for word in ["openrouter", "anthropic", "key-0", "key-1", "claude"] {
        assert!(ended.stdout.contains(word), "{word} is missing: {ended:?}");
    }
    assert!(!ended.stdout.contains(CANARY) && !ended.stderr.contains(CANARY), "a secret was printed: {ended:?}");
    assert!(!builder.home().socket().exists(), "a check made a socket");
    guard.check();
}

#[test]
fn a_broken_store_is_an_error() {
    let builder = DaemonBuilder::empty();
    std::fs::write(builder.home().auth_json(), "{\"credential_pool\":").expect("a new file");
    let ended = builder.run_check();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("auth.json"), "{ended:?}");
}

#[test]
fn a_bad_row_is_named() {
    let auth = AuthJson::default().raw_pool("openrouter", json!(["not a row"]));
    let ended = DaemonBuilder::serving(&auth).run_check();
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("openrouter"), "{ended:?}");
}

#[test]
fn a_broken_configuration_is_an_error() {
    let ended = DaemonBuilder::serving(&AuthJson::many(1)).config("[defaults]\ncap = \"elastic\"\n").run_check();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.stderr.contains("elastic") || ended.stderr.contains("cap"), "{ended:?}");
}

#[test]
fn a_check_does_not_disturb_a_daemon() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let auth = daemon.home().auth_json();
    let path = auth.to_str().expect("text");
    let ended = DaemonBuilder::empty().finding_its_way().argument("--auth-file").argument(path).run_check();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    daemon.wire().ok(&json!({"op": "ping"}));
}
