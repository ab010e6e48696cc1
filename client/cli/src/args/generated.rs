//! The files that are made of the command line's definition: completions and manual pages.
//!
//! `UPDATE_EXPECT=1 cargo test generated` makes them anew, in the daemon's folder, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap_complete::aot::{Bash, Fish, Generator, Zsh};
use expect_test::expect_file;

use super::command;

/// Compares what `folder`, beside the manifest, holds with what it should.
fn check(folder: &str, files: &[(String, String)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for (name, text) in files {
        expect_file![folder.join(name)].assert_eq(text);
    }
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected = files.iter().map(|(name, _)| name.clone());
    assert_eq!(there.collect::<BTreeSet<_>>(), expected.collect(), "in {}", folder.display());
}

fn completion(shell: impl Generator) -> (String, String) {
    let mut text = Vec::new();
    let name = shell.file_name("credpool");
    clap_complete::generate(shell, &mut command(), "credpool", &mut text);
    (name, String::from_utf8(text).unwrap())
}

#[test]
fn completions_are_up_to_date() {
    check("completions", &[completion(Bash), completion(Zsh), completion(Fish)]);
}

#[test]
fn manual_pages_are_up_to_date() {
    let made = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(command().disable_help_subcommand(true), made.path()).unwrap();
    let pages = fs::read_dir(made.path()).unwrap().map(|entry| entry.unwrap());
    let page =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    check("man", &pages.map(page).collect::<Vec<_>>());
}
