//! `credpool auth clean` beside a hermes-agent that writes the same file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::agent::Hermes;
use crate::support::{AuthJson, Credpool, Home, Row, secret};

const WORKERS: usize = 3;

/// How many keys each worker adds; `tests/run --long clean` lets it be more.
fn keys_each() -> usize {
    let given = std::env::var("CREDPOOL_CLEAN_KEYS").ok();
    given.map_or(12, |keys| keys.parse().expect("CREDPOOL_CLEAN_KEYS is a number"))
}

fn clean(home: &Home) -> Vec<String> {
    let file = home.auth_json();
    let file = file.to_str().expect("a path is text").to_owned();
    ["auth", "clean", "--force", "--json", "--auth-file"].map(str::to_owned).into_iter().chain([file]).collect()
}

/// Cleans, and returns of how many rows.
#[track_caller]
fn cleaned(credpool: &Credpool, home: &Home) -> usize {
    let arguments = clean(home);
    let output = credpool.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    answer["removed"].as_array().expect("a list").len()
}

/// The labels in a file that must be whole.
#[track_caller]
fn labels(file: &Path) -> BTreeSet<String> {
    let store: Value = serde_json::from_slice(&std::fs::read(file).expect("it is never away")).expect("it is whole");
    let rows = store["credential_pool"]["openrouter"].as_array().expect("the pool has rows");
    rows.iter().map(|row| row["label"].as_str().expect("a label").to_owned()).collect()
}

#[test]
fn no_key_is_lost_and_nothing_torn_while_hermes_writes() {
    let Some(hermes) = Hermes::installed() else { return };
    let home = Home::new();
    let credpool = Credpool::new(&home.socket(), &home);
    let (file, keys) = (home.auth_json(), keys_each());
    hermes.add(&home, "first", &secret("first"));
    let done = AtomicBool::new(false);
    let rows = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                let now = labels(&file);
                assert!(seen.is_subset(&now), "{:?} are lost", seen.difference(&now));
                seen = now;
            }
        });
        let mut rows = 0;
        let arguments = ["race", &WORKERS.to_string(), &keys.to_string()];
        hermes.script_while(&home, "clean.py", &arguments, || rows += cleaned(&credpool, &home));
        done.store(true, Ordering::Relaxed);
        reader.join().expect("the file was whole whenever it was read");
        rows
    });
    assert!(rows > WORKERS, "it hardly ever came between: {rows} rows");
    let mut all = BTreeSet::from(["first".to_owned()]);
    all.extend((0..WORKERS).flat_map(|worker| (0..keys).map(move |number| format!("worker-{worker}-{number}"))));
    assert_eq!(labels(&file), all);
}

#[test]
fn a_hermes_that_has_the_lock_is_waited_for_however_it_ends() {
    let Some(hermes) = Hermes::installed() else { return };
    let home = Home::new();
    let credpool = Credpool::new(&home.socket(), &home);
    let mut expected = BTreeSet::from(["first".to_owned()]);
    hermes.add(&home, "first", &secret("first"));
    for kill in [false, true] {
        let mut holder = hermes.start(&home, "clean.py", &["hold"]);
        let mut lines = BufReader::new(holder.stdout.take().expect("a pipe")).lines();
        let mut says = || lines.next().expect("it goes on").expect("it prints text");
        assert_eq!(says(), "held");
        let arguments = clean(&home);
        let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        let mut cleaning = credpool.command(&arguments).spawn().expect("credpool can be started");
        for number in 0..20 {
            let label = format!("held-{kill}-{number}");
            let stdin = holder.stdin.as_mut().expect("a pipe");
            writeln!(stdin, "{label}").expect("it reads");
            assert_eq!(says(), "added");
            expected.insert(label);
        }
        assert!(cleaning.try_wait().expect("it is our child").is_none(), "the lock is not heeded");
        if kill {
            holder.kill().expect("it is our child");
        }
        drop(holder.stdin.take());
        holder.wait().expect("it is our child");
        let output = cleaning.wait_with_output().expect("it is our child");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(labels(&home.auth_json()), expected);
        assert_eq!(cleaned(&credpool, &home), 0, "what was added under the lock was cleaned, too");
    }
}

#[test]
fn each_version_of_hermes_loads_the_same_pool_from_a_clean_file() {
    for hermes in Hermes::versions() {
        let home = Home::new();
        let benched = Row::key("benched").set("last_status", "dead".into()).set("tls", serde_json::json!({"é": 1.50}));
        AuthJson::default().pool("openrouter", [benched, Row::key("well")]).write(&home.auth_json());
        let before = hermes.script(&home, "clean.py", &["pool"]);
        assert_eq!(cleaned(&Credpool::new(&home.socket(), &home), &home), 2);
        assert_eq!(hermes.script(&home, "clean.py", &["pool"]), before);
        let rows: Value = serde_json::from_str(&before).expect("JSON");
        assert_eq!(rows.as_array().map(Vec::len), Some(2));
    }
}
