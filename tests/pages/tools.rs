//! `client/cli/README.md`. What it says of Claude Code is done in `cli/claude.rs`.

use std::path::Path;
use std::process::Command;

use super::{Page, assert_is_there, run_in_repository, run_session, sample_daemon};
use crate::support::{Http, HttpAnswer, Tool, need, pool};

pub(crate) const PAGE: &str = "client/cli/README.md";

#[test]
fn programs_run_under_a_lease() {
    let daemon = sample_daemon();
    run_session(&daemon.credpool(), &Page::at(PAGE).block("sh exec"));
    assert_eq!(pool(&mut daemon.wire(), "openrouter")["leases"], 0);
}

#[test]
fn tools_ask_again_and_again() {
    let daemon = sample_daemon();
    run_session(&daemon.credpool(), &Page::at(PAGE).block("sh get"));
    assert_eq!(pool(&mut daemon.wire(), "openrouter")["leases"], 0);
}

#[test]
fn curl_reads_its_header() {
    let Some(curl) = need(Tool::Curl) else { return };
    let daemon = sample_daemon();
    let server = Http::start(|request| HttpAnswer::new(200, "text/plain", request.header("authorization").to_owned()));
    let folder = curl.parent().expect("a program is in a folder").display();
    let script = Page::at(PAGE).block("sh curl");
    let script = format!("PATH=$PATH:{folder} URL={}\n{script}# Bearer sk-or-v1-sample-work\n", server.url());
    run_session(&daemon.credpool(), &script);
}

#[test]
fn what_codex_is_told_is_toml() {
    let config: toml::Table = Page::at(PAGE).block("toml codex").parse().expect("TOML");
    let auth = &config["model_providers"]["pooled"]["auth"];
    assert_eq!(auth["command"].as_str(), Some("credpool"));
    let daemon = sample_daemon();
    let arguments: Vec<_> = auth["args"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(daemon.credpool().run(&arguments).stdout, b"sk-or-v1-sample-work\n");
}

#[test]
fn completions_and_manual_pages_can_be_installed() {
    let daemon = sample_daemon();
    run_in_repository(&daemon.credpool(), &Page::at(PAGE).block("sh install"));
    let home = daemon.home().user();
    for file in [
        ".config/fish/completions/credpool.fish",
        ".local/share/zsh/site-functions/_credpool",
        ".local/share/man/man1/credpool-exec.1",
        ".local/share/man/man8/credpoold.8",
    ] {
        assert_is_there(&home.join(file));
    }
    let completion = home.join(".local/share/bash-completion/completions/credpool");
    assert_eq!(completed(&completion, "credpool e"), ["enable", "events", "exec", "explain"]);
}

/// What bash offers for the last word of `line`.
fn completed(completion: &Path, line: &str) -> Vec<String> {
    let words: Vec<_> = line.split(' ').collect();
    let script = format!(
        "source {}; COMP_WORDS=({line}); COMP_CWORD={}; _credpool credpool {} credpool; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        completion.display(),
        words.len() - 1,
        words[words.len() - 1],
    );
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash can be started");
    let mut offered: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    offered.sort();
    offered
}
