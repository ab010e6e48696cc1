//! The files that are made of the table of keys: the documented table, the manual page and completions.
//!
//! `UPDATE_EXPECT=1 cargo test generated` makes them anew, in the client's folder, too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap_complete::aot::{Bash, Fish, Generator, Zsh};
use clap_mangen::Man;
use expect_test::expect_file;

use super::value::Milliseconds;
use super::{Also, KEYS, Key, Support, ValueType, command};

/// What the table in `CONFIGURATION.md` stands between.
const BEGIN: &str = "<!-- made of the table of keys: UPDATE_EXPECT=1 cargo test generated -->\n\n";
const END: &str = "\n<!-- up to here -->";

fn beside_manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_documented_table_is_up_to_date() {
    let path = beside_manifest("CONFIGURATION.md");
    let page = std::fs::read_to_string(&path).expect("there is a page");
    let (before, rest) = page.split_once(BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(END).expect("the table ends");
    expect_file![path].assert_eq(&format!("{before}{BEGIN}{}{END}{after}", table()));
}

fn table() -> String {
    let mut table = String::new();
    let _ = writeln!(table, "| Key | Flag and variable | Takes | By default | What it is |");
    let _ = writeln!(table, "| --- | --- | --- | --- | --- |");
    for key in KEYS.iter().filter(|key| key.support != Support::Later) {
        let names = match (key.flag(), key.variable()) {
            (Some(flag), Some(variable)) => format!("`--{flag}` `{variable}`"),
            _ => String::new(),
        };
        let default = key.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let _ =
            writeln!(table, "| `{}`{} | {names} | {} | {default} | {} |", key.path, mark(key), takes(key), key.help);
    }
    let later = KEYS.iter().filter(|key| key.support == Support::Later).map(|key| format!("`{}`", key.path));
    let later = later.collect::<Vec<_>>().join(", ");
    if !later.is_empty() {
        let _ = writeln!(table, "\nKnown, and refused, since this version does not heed them yet: {later}.");
    }
    table
}

fn mark(key: &Key) -> &'static str {
    match key.also {
        Also::Nowhere => "",
        Also::InPools => " ¹",
        Also::InCredentials => " ²",
    }
}

fn takes(key: &Key) -> String {
    if let Support::Only(value) = key.support {
        return format!("`{value}`; nothing else yet");
    }
    match key.value {
        ValueType::Text => "text".to_owned(),
        ValueType::Path => "a path".to_owned(),
        ValueType::Duration { min_ms, max_ms } => format!("{} to {}", Milliseconds(min_ms), Milliseconds(max_ms)),
        ValueType::Size { min, max } => format!("{min} to {max} bytes"),
        ValueType::Count { min, max } => format!("{min} to {max}"),
        ValueType::Factor => "1 to 100".to_owned(),
        ValueType::Percent => "`0%` to `99%`".to_owned(),
        ValueType::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        ValueType::List => "a list of names".to_owned(),
    }
}

#[test]
fn the_manual_page_is_up_to_date() {
    let mut page = Vec::new();
    Man::new(command()).section("8").render(&mut page).expect("memory takes it");
    expect_file![beside_manifest("man/credpoold.8")].assert_eq(&String::from_utf8(page).expect("text"));
}

#[test]
fn completions_are_up_to_date() {
    completion_is_up_to_date(Bash);
    completion_is_up_to_date(Zsh);
    completion_is_up_to_date(Fish);
}

fn completion_is_up_to_date(shell: impl Generator) {
    let mut text = Vec::new();
    let path = beside_manifest("completions").join(shell.file_name("credpoold"));
    clap_complete::generate(shell, &mut command(), "credpoold", &mut text);
    expect_file![path].assert_eq(&String::from_utf8(text).expect("text"));
}
