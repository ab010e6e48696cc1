//! An auth.json as large as it may be, and larger.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire, secret};

const MOST_BYTES: usize = 16 * 1024 * 1024;
const MOST_ROWS: usize = 100_000;

/// How long anybody may have to wait for an answer while so much is taken over. That is one step of the daemon's loop,
/// which takes a debug build about a second where it has a processor to itself.
const LONGEST: Duration = Duration::from_secs(20);

/// How long reading so much may take where many tests run at once. It takes a debug build some seconds.
const PATIENCE: Duration = Duration::from_secs(300);

fn rows(count: usize) -> AuthJson {
    let row = |number: usize| json!({"id": format!("k{number}"), "access_token": secret(&number.to_string())});
    AuthJson::default().raw_pool("openrouter", (0..count).map(row).collect::<Vec<Value>>().into())
}

/// The one problem that `status` names.
#[track_caller]
fn problem(status: &Value) -> &Value {
    let definitions = &status["definitions"];
    assert_eq!(definitions["problems_total"], 1, "{definitions:#}");
    &definitions["problems"][0]["problem"]
}

/// Asks and asks until `status` has what is awaited; no answer may keep whoever asks waiting for long.
#[track_caller]
fn until(wire: &mut Wire, awaited: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let asked = Instant::now();
        // Without naming all credentials.
        let status = wire.ok(&json!({"op": "status", "limit": 1}));
        assert!(asked.elapsed() < LONGEST, "an answer took {:?}", asked.elapsed());
        if awaited(&status) {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "not after {PATIENCE:?}: {status:#}");
    }
}

fn total(status: &Value) -> &Value {
    &status["pools"][0]["total"]
}

fn is_ok(status: &Value) -> bool {
    status["definitions"]["ok"] == true
}

#[test]
fn a_hundred_thousand_rows_are_served_and_one_more_is_not() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    daemon.store(&rows(MOST_ROWS));
    assert!(is_ok(&until(&mut wire, |status| *total(status) == MOST_ROWS)));
    let last = json!({"op": "acquire", "pool": "openrouter", "credential": format!("k{}", MOST_ROWS - 1)});
    assert_eq!(wire.ok(&last)["credential"]["secret"], secret(&(MOST_ROWS - 1).to_string()));

    // Rows without a label have that of their source.
    let error =
        wire.refused(&json!({"op": "acquire", "pool": "openrouter", "credential": "manual"}), "ambiguous_label");
    assert_eq!(error["credentials"].as_array().map(Vec::len), Some(32));
    assert!(error["message"].as_str().is_some_and(|text| text.starts_with("100000 credentials")), "{error:#}");

    daemon.store(&rows(MOST_ROWS + 1));
    let status = until(&mut wire, |status| !is_ok(status));
    assert_eq!(
        problem(&status),
        "has more than 100000 rows, which limits.auth_file_rows could allow; what it held before is still served"
    );
    assert_eq!(*total(&status), MOST_ROWS);
    wire.ok(&last);
}

#[test]
fn sixteen_mebibytes_are_read_and_one_byte_more_is_not() {
    let padded = |auth: &AuthJson, bytes: usize| {
        let mut text = auth.text().into_bytes();
        text.resize(bytes, b' ');
        text
    };
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    daemon.store_bytes(&padded(&AuthJson::many(2), MOST_BYTES));
    assert!(is_ok(&until(&mut wire, |status| *total(status) == 2)));
    daemon.store_bytes(&padded(&AuthJson::many(3), MOST_BYTES + 1));
    let status = until(&mut wire, |status| !is_ok(status));
    assert_eq!(
        problem(&status),
        "is larger than 16777216 bytes, which limits.auth_file could allow; what it held before is still served"
    );
    assert_eq!(*total(&status), 2);
}
