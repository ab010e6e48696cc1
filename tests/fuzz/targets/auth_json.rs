//! A Hermes home: auth.json, and after lines like `=== .env` the files beside it.

#![no_main]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Instant;

use credpool_daemon::config::{Cli, Config};
use credpool_daemon::definitions::{LoadOutcome, Loader};
use credpool_fuzz::{assert_not_repeated, within};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The files that are read from there, which exist or not.
const BESIDE: [&str; 2] = [".env", "config.yaml"];

static HOME: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("there is room for a folder"));

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let arguments = ["credpoold".into(), "--auth-file".into(), path("auth.json").into_os_string()];
    let cli = Cli::parse_from(arguments).expect("that is a command line");
    Config::load(&cli, |_| None, Some(HOME.path())).expect("that is a configuration")
});

fuzz_target!(|input: &[u8]| {
    write(input);
    let variable = |name: &str| name.ends_with("_KEY").then(|| "sk-of-the-daemon".to_owned());
    let mut loader = Loader::new(CONFIG.clone(), Box::new(variable));

    let now = Instant::now();
    let loaded = within(64 * input.len() + 1_024 * 1_024, || loader.load(now));
    check(&loaded, input);
    let again = loader.load(now);
    assert!(!again.changed && !again.legacy_changed, "nothing has changed");
    assert_eq!((again.ok, again.problems), (loaded.ok, loaded.problems));
});

fn path(name: &str) -> PathBuf {
    HOME.path().join(name)
}

fn write(input: &[u8]) {
    let mut rest = input;
    let mut name = "auth.json";
    for beside in BESIDE {
        let line = format!("\n=== {beside}\n");
        let at = memchr::memmem::find(rest, line.as_bytes());
        let (file, after) = at.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + line.len()..])));
        let Some(after) = after else {
            let _ = fs::remove_file(path(beside));
            continue;
        };
        fs::write(path(name), file).expect("files can be written");
        (name, rest) = (beside, after);
    }
    fs::write(path(name), rest).expect("files can be written");
}

fn check(loaded: &LoadOutcome, input: &[u8]) {
    for problem in &loaded.problems {
        // Places are paths of ours, and names.
        assert_not_repeated(&problem.problem, input);
    }
    for pool in loaded.definitions.pools.values() {
        let ids: BTreeSet<&str> = pool.credentials.iter().map(|credential| &*credential.id).collect();
        assert_eq!(ids.len(), pool.credentials.len(), "ids are of one credential each");
        for row in &pool.rows {
            assert!((1..=64).contains(&row.id.len()) && row.label.len() <= 256, "{row:?}");
            assert!(!row.id.chars().chain(row.label.chars()).any(char::is_control), "{row:?}");
            assert_eq!(row.unresolved.is_some(), row.secret.is_none(), "{row:?}");
        }
    }
}
