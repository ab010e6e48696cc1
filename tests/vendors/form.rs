//! Whether the corpus is what its README says, whatever any rule makes of it.

use std::collections::BTreeSet;

use credpool_verdict::Kind;

use crate::row::{self, Row, Via};

const SCOPES: [&str; 7] = ["credential", "account", "pool", "none", "model", "account_model", "pool_model"];
/// The longest wait that a hint may ask for.
const LONGEST_MS: u64 = 35 * 24 * 60 * 60 * 1000;
/// How keys and ids of the vendors begin; none of them may stand in the corpus in full.
const SECRETS: [&str; 8] = ["sk-", "sk_", "AIza", "ghp_", "gho_", "xai-", "org-", "eyJ"];

/// How an error in JSON and base64 begins: `{"error":`. A token says other things of itself first.
const ERROR: &str = "eyJlcnJvciI6";

/// The rows at fault, by name.
fn faulty(rows: &[Row], fault: impl Fn(&Row) -> bool) -> Vec<&str> {
    rows.iter().filter(|row| fault(row)).map(|row| row.name.as_str()).collect()
}

#[test]
fn there_are_enough_rows_and_each_has_a_name_of_its_own() {
    let rows = row::all();
    let names: BTreeSet<_> = rows.iter().map(|row| &row.name).collect();
    assert_eq!(names.len(), rows.len(), "a name stands twice");
    assert!(rows.len() >= 120, "{} rows", rows.len());
}

#[test]
fn each_row_says_where_its_answer_was_published_and_why_it_expects_what_it_expects() {
    let rows = row::all();
    let none = faulty(&rows, |row| {
        row.sources().is_empty() || !row.sources().iter().all(|source| source.starts_with("https://"))
    });
    assert_eq!(none, [""; 0], "no source");
    assert_eq!(faulty(&rows, |row| !row.why.trim().ends_with(['.', '!'])), [""; 0], "no sentence");
    assert_eq!(faulty(&rows, |row| row.notes().any(|note| note.trim().is_empty())), [""; 0], "an empty note");
}

#[test]
fn expectations_keep_to_the_vocabulary() {
    let rows = row::all();
    assert_eq!(faulty(&rows, |row| row.expect.kind.parse::<Kind>().is_err()), [""; 0], "no such kind");
    assert_eq!(faulty(&rows, |row| !SCOPES.contains(&row.expect.scope.as_str())), [""; 0], "no such scope");
    // A scope that no failure of this kind can have.
    let contradiction = faulty(&rows, |row| {
        let scope = row.expect.scope.as_str();
        match row.expect.kind.as_str() {
            "model" => !["model", "account_model"].contains(&scope),
            "auth" => scope != "credential",
            "overloaded" | "server" | "edge" | "network" => !scope.starts_with("pool"),
            "request" | "cancelled" | "unknown" => scope != "none",
            _ => !["credential", "account", "account_model"].contains(&scope),
        }
    });
    assert_eq!(contradiction, [""; 0], "kind and scope contradict each other");
}

#[test]
fn deadlines_lie_ahead_and_belong_to_something_that_waits() {
    let rows = row::all();
    let implausible = faulty(&rows, |row| {
        row.deadline_ms().is_some_and(|deadline| deadline <= row.now_ms() || deadline - row.now_ms() > LONGEST_MS)
    });
    assert_eq!(implausible, [""; 0]);
    assert_eq!(faulty(&rows, |row| row.expect.slack_ms > 60_000), [""; 0], "a text rounds to a minute at most");
    assert_eq!(faulty(&rows, |row| row.deadline_ms().is_some() && row.expect.scope == "none"), [""; 0]);
}

#[test]
fn a_row_has_one_body_and_something_to_go_by() {
    let rows = row::all();
    assert_eq!(faulty(&rows, |row| row.response.body.is_some() && row.response.body_text.is_some()), [""; 0], "two");
    let nothing = faulty(&rows, |row| {
        let (response, client) = (&row.response, &row.client);
        response.status.is_none()
            && response.body.is_none()
            && response.body_text.is_none()
            && client.kind.is_none()
            && client.message.is_none()
            && client.code.is_none()
    });
    assert_eq!(nothing, [""; 0], "nothing");
    let lower = |row: &Row| row.response.headers.keys().any(|name| *name != name.to_ascii_lowercase());
    assert_eq!(faulty(&rows, lower), [""; 0], "header names are in lower case, as clients hand them on");
    let released = faulty(&rows, |row| row.via == Via::Release && !matches!(row.response.status, Some(200..=299)));
    assert_eq!(released, [""; 0], "released, and no success");
}

#[test]
fn what_concerns_one_model_names_it() {
    let rows = row::all();
    let unnamed = faulty(&rows, |row| row.expect.scope.ends_with("model") && row.model.is_none());
    assert_eq!(unnamed, [""; 0]);
}

#[test]
fn every_row_belongs_to_a_provider() {
    let rows = row::all();
    let nobodys = faulty(&rows, |row| {
        let provider = &row.provider;
        let odd = |url: &String| !url.starts_with("https://") && !url.starts_with("http://127.0.0.1");
        provider.pool.is_empty() || provider.base_url.as_ref().is_some_and(odd)
    });
    assert_eq!(nobodys, [""; 0]);
}

#[test]
fn nobody_is_recognisable() {
    let folder = row::folder();
    for entry in folder.read_dir().expect("the corpus' folder") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)));
        let is_secret = |word: &&str| {
            word.len() > 20 && !word.starts_with(ERROR) && SECRETS.iter().any(|start| word.starts_with(start))
        };
        let keys: Vec<_> = words.filter(is_secret).collect();
        assert_eq!(keys, [""; 0], "{}", path.display());
    }
}
