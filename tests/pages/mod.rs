//! What the pages say, done as they say it.
//!
//! A block ```` ```sh NAME ```` is a shell session in which a line `# …` is a line that the commands above it print. If that
//! is JSON, it is compared as the protocol's examples are.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::protocol::pattern::Bindings;
use crate::support::{Credpool, Daemon, DaemonBuilder, repository, sample};

mod agents;
mod configuration;
mod docker;
mod hermes;
mod readme;
pub(crate) mod tools;

/// A page of the repository.
pub(crate) struct Page {
    name: &'static str,
    text: String,
}

impl Page {
    #[track_caller]
    pub(crate) fn at(name: &'static str) -> Self {
        let text = std::fs::read_to_string(repository().join(name)).expect("there is such a page");
        Self { name, text }
    }

    /// The fenced block that begins like this.
    #[track_caller]
    pub(crate) fn block(&self, info: &str) -> String {
        let fence = format!("```{info}");
        let mut lines = self.text.lines().skip_while(|line| *line != fence);
        assert!(lines.next().is_some(), "{} has no block {fence}", self.name);
        lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect()
    }
}

/// Compares what a session printed with what its comments say.
#[track_caller]
fn check_session(script: &str, said: &str) {
    let expected: Vec<_> = script.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let printed: Vec<_> = said.lines().collect();
    assert_eq!(printed.len(), expected.len(), "{script}\nprinted\n{said}");
    let mut bindings = Bindings::default();
    for (expected, printed) in expected.iter().zip(&printed) {
        match (serde_json::from_str::<Value>(expected), serde_json::from_str::<Value>(printed)) {
            (Ok(pattern), Ok(reply)) => {
                let result = bindings.compare(&pattern, &reply);
                assert_eq!(result, Ok(()), "the page says\n{expected}\nbut this was printed\n{printed}");
            }
            _ => assert_eq!(expected, printed),
        }
    }
}

/// A daemon that serves a copy of the sample.
fn sample_daemon() -> Daemon {
    let builder = DaemonBuilder::empty();
    std::fs::copy(sample(), builder.home().auth_json()).expect("the sample can be copied");
    builder.start()
}

/// Runs a script in the home of `credpool`'s daemon.
#[track_caller]
fn run(credpool: &Credpool, script: &str) -> Output {
    let mut command = Command::new("sh");
    credpool.dress(&mut command).args(["-e", "-c", script]).output().expect("there is a shell")
}

/// Runs a session of a page, which has to go as the page says.
#[track_caller]
fn run_session(credpool: &Credpool, script: &str) {
    let output = run(credpool, script);
    assert!(output.status.success(), "{script}\nended with {output:?}");
    check_session(script, &String::from_utf8_lossy(&output.stdout));
}

/// Runs a command from the repository's root, in the home of `credpool`'s daemon.
#[track_caller]
fn run_in_repository(credpool: &Credpool, script: &str) {
    let mut command = Command::new("sh");
    let command =
        credpool.dress(&mut command).args(["-e", "-c", script]).current_dir(repository()).stdin(Stdio::null());
    let output = command.output().expect("there is a shell");
    assert!(output.status.success(), "{script}\nended with {output:?}");
}

/// Panics if there is no such file, or an empty one.
#[track_caller]
fn assert_is_there(path: &Path) {
    assert!(std::fs::metadata(path).is_ok_and(|found| found.len() > 0), "{} is missing", path.display());
}
