//! `credpool auth clean`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{AuthJson, Credpool, Daemon, Home, Row, credential, now_ms, poll};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A key that is benched for an hour, by Hermes' word, and one that is not.
fn store() -> AuthJson {
    let until_s = (now_ms() + HOUR_MS) / 1000;
    let benched = Row::key("benched")
        .set("last_status", json!("exhausted"))
        .set("last_status_at", json!(until_s - 3_600))
        .set("last_error_code", json!(429))
        .set("last_error_reset_at", json!(until_s));
    AuthJson::default().pool("openrouter", [benched, Row::key("well")])
}

/// What is left of a store's text when the fields are gone.
fn without_notes(text: &str) -> Value {
    let mut store: Value = serde_json::from_str(text).expect("the store is JSON");
    for row in store["credential_pool"]["openrouter"].as_array_mut().expect("the pool has rows") {
        let row = row.as_object_mut().expect("a row is an object");
        row.retain(|name, _| !name.starts_with("last_") && name != "request_count");
    }
    store
}

fn clean(credpool: &Credpool, store: &Path, more: &[&str]) -> Output {
    let file = store.to_str().expect("a path is text");
    credpool.run(&[&["auth", "clean", "--auth-file", file], more].concat())
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("a name is text")).collect();
    names.sort();
    names
}

#[test]
fn what_the_daemon_took_over_is_cleaned_and_still_known() {
    let mut daemon = Daemon::serving(&store());
    let credpool = daemon.credpool();
    let (output, before, after) = daemon.while_others_write(|home| {
        let before = std::fs::read_to_string(home.auth_json()).expect("it is there");
        let output = clean(&credpool, &home.auth_json(), &["--json"]);
        (output, before, std::fs::read_to_string(home.auth_json()).expect("it is there"))
    });
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["removed"][0]["pool"], "openrouter");
    assert_eq!(answer["removed"][0]["fields"].as_array().map(Vec::len), Some(7));
    let left: Value = serde_json::from_str(&after).expect("the store is JSON");
    assert_eq!(left, without_notes(&before));
    let backup = answer["backup"].as_str().expect("there is a backup");
    assert_eq!(std::fs::read_to_string(backup).expect("it is there"), before);
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(credential(&mut wire, "openrouter", "benched")["state"], "cooling");
}

#[test]
fn what_nobody_took_over_is_not_lost_unless_it_may_be() {
    let home = Home::new();
    let credpool = Credpool::new(&home.socket(), &home);
    let store = store();
    store.write(&home.auth_json());
    let output = clean(&credpool, &home.auth_json(), &[]);
    let complaint = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("calls 1 credential exhausted or dead") && complaint.contains("--force"), "{complaint}");
    assert_eq!(std::fs::read_to_string(home.auth_json()).expect("it is there"), store.text());
    let stranger = Daemon::serving(&AuthJson::many(1));
    let output = clean(&stranger.credpool(), &home.auth_json(), &[]);
    assert_eq!(output.status.code(), Some(1), "another home's daemon knows nothing of it: {output:?}");
    let output = clean(&credpool, &home.auth_json(), &["--force"]);
    assert!(output.status.success(), "{output:?}");
    assert!(clean(&credpool, &home.auth_json(), &[]).stdout.starts_with(b"There is nothing to clean"));
    // Nothing is at stake where no credential is benched.
    AuthJson::many(2).write(&home.auth_json());
    assert!(clean(&credpool, &home.auth_json(), &[]).status.success());
}

#[test]
fn a_dry_run_says_what_would_go_and_leaves_no_trace() {
    let home = Home::new();
    let store = store();
    store.write(&home.auth_json());
    let output = clean(&Credpool::new(&home.socket(), &home), &home.auth_json(), &["--dry-run"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("last_error_code") && text.contains("request_count"), "{text}");
    assert!(text.contains("14 fields would be taken out"), "{text}");
    assert!(!text.contains("sk-"), "{text}");
    assert_eq!(names_in(&home.hermes()), ["auth.json"]);
    assert_eq!(std::fs::read_to_string(home.auth_json()).expect("it is there"), store.text());
}

#[test]
fn a_file_that_makes_no_sense_is_left_alone() {
    let home = Home::new();
    let credpool = Credpool::new(&home.socket(), &home);
    for text in ["", "{\"credential_pool\": {", "[]"] {
        std::fs::write(home.auth_json(), text).expect("a file");
        let output = clean(&credpool, &home.auth_json(), &["--force"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(std::fs::read_to_string(home.auth_json()).expect("it is there"), text);
    }
    std::fs::remove_file(home.auth_json()).expect("it is there");
    assert_eq!(clean(&credpool, &home.auth_json(), &["--force"]).status.code(), Some(1));
    assert!(!home.auth_json().exists());
}

#[test]
fn killed_at_any_step_it_leaves_the_old_file_or_the_new_one() {
    let home = Home::new();
    let credpool = Credpool::new(&home.socket(), &home);
    let file = home.auth_json();
    let before = AuthJson::many(500);
    let after = without_notes(&before.text());
    let beside = |suffix: &str| home.hermes().join(format!("auth.json{suffix}"));
    let killed_when = |arrived: &dyn Fn() -> bool| {
        before.write(&file);
        let inode = std::fs::metadata(&file).expect("it is there").ino();
        let _ = std::fs::remove_file(beside(".before-clean"));
        let arguments = ["auth", "clean", "--force", "--auth-file", file.to_str().expect("a path is text")];
        let mut child = credpool.command(&arguments).spawn().expect("credpool can be started");
        let ended = || arrived() || std::fs::metadata(&file).expect("it is never away").ino() != inode;
        poll(crate::support::PATIENCE, || ended().then_some(()));
        child.kill().expect("it is our child");
        child.wait().expect("it is our child");
        let left: Value = serde_json::from_slice(&std::fs::read(&file).expect("it is there")).expect("it is whole");
        let was: Value = serde_json::from_str(&before.text()).expect("the store is JSON");
        assert!(left == was || left == after, "{left:#}");
    };
    for _ in 0..4 {
        killed_when(&|| true);
        killed_when(&|| home.hermes().join("auth.lock").exists());
        killed_when(&|| beside(".cleaning").exists());
        killed_when(&|| beside(".before-clean").exists());
        killed_when(&|| beside(".before-clean").exists() && beside(".cleaning").exists());
    }
    before.write(&file);
    assert!(clean(&credpool, &file, &[]).status.success(), "nobody has the lock now");
    assert_eq!(names_in(&home.hermes()), ["auth.json", "auth.json.before-clean", "auth.lock"]);
}
