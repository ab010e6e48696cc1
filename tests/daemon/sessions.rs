//! A session stays with its credential.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire};

/// Whom a session gets for a moment, and what decided.
fn used(wire: &mut Wire, session: &str) -> (String, String) {
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "session": session}));
    assert_eq!(lease["warnings"], Value::Null, "{lease:#}");
    wire.ok(&json!({"op": "release", "lease": lease["lease"]}));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&lease["credential"]["label"]), text(&lease["chosen_by"]))
}

#[test]
fn a_session_goes_where_it_went_before() {
    let daemon = Daemon::configured(&AuthJson::many(3), "[defaults]\nstrategy = \"round_robin\"\n");
    let mut wire = daemon.wire();
    let first = used(&mut wire, "canary session");
    assert_eq!(first, ("key-0".to_owned(), "round_robin".to_owned()));
    assert_eq!(used(&mut wire, "another").0, "key-1");
    for _ in 0..3 {
        assert_eq!(used(&mut daemon.wire(), "canary session"), ("key-0".to_owned(), "session".to_owned()));
    }
    let status = wire.ok(&json!({"op": "status"})).to_string();
    assert!(!status.contains("canary session") && !daemon.log().contains("canary session"), "{status}");
}

#[test]
fn a_session_is_remembered_as_long_as_the_configuration_says() {
    let daemon = Daemon::configured(
        &AuthJson::many(2),
        "[pools.openrouter]\nstrategy = \"round_robin\"\naffinity_ttl = \"0s\"\n",
    );
    let mut wire = daemon.wire();
    assert_eq!([used(&mut wire, "one").0, used(&mut wire, "one").0], ["key-0", "key-1"]);
}
