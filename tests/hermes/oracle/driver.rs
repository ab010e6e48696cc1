//! hermes-agent, asked over and over: one process a version, which lives as long as the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use super::script::{PROFILES, Script, Step};
use crate::support::{Home, repository};

/// A version of hermes-agent.
pub(super) struct Driver {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

/// What it would lease from one pool to the agents of one profile.
#[derive(Debug, Deserialize)]
pub(super) struct TheirPool {
    pub(super) profile: String,
    pub(super) pool: String,
    pub(super) strategy: String,
    /// The rows in the file, or files, that the pool is read from.
    pub(super) in_file: Vec<Written>,
    /// The ids of the rows that could be used now.
    pub(super) available: Vec<String>,
    /// The rows, in order.
    pub(super) rows: Vec<TheirRow>,
    /// The ids in the order in which its agents get them, each when those before are no longer there.
    pub(super) ranking: Vec<String>,
}

/// A row as it stands in a file.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) id: String,
    pub(super) source: String,
    /// Whether the secret stands there too.
    pub(super) has_secret: bool,
    /// Whether it needs a new login, and has for so long that Hermes removes it if it can.
    pub(super) is_long_dead: bool,
}

/// One of its rows.
#[derive(Debug, Deserialize)]
pub(super) struct TheirRow {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) source: String,
    pub(super) auth_type: String,
    /// Whether the secret stands nowhere in the Hermes home.
    pub(super) is_from_outside: bool,
    /// Whether the user told Hermes not to use the source.
    pub(super) is_given_up: bool,
    /// What it would send; empty if it has nothing.
    pub(super) secret: String,
    pub(super) base_url: String,
    /// The header that carries the secret: its name, and what stands before the secret.
    pub(super) header: Option<(String, String)>,
    /// Until when it is exhausted, if it is, in seconds of Unix time.
    pub(super) until_s: Option<f64>,
}

impl TheirPool {
    /// The row of the file with this id.
    pub(super) fn written(&self, id: &str) -> Option<&Written> {
        self.in_file.iter().find(|row| row.id == id)
    }
}

impl Driver {
    /// Starts it, with the Python of that version.
    pub(super) fn start(python: &Path) -> Self {
        let script = repository().join("tests/hermes/oracle/driver.py");
        let mut command = Command::new(python);
        command.arg("-B").arg(script).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("hermes-agent can be started");
        let (requests, answers) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut driver = Self { child, requests, answers: BufReader::new(answers), version: String::new() };
        driver.version = driver.answer()["version"].as_str().expect("it says its version").to_owned();
        driver
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Does a step of a script. Whether Hermes did not refuse it.
    pub(super) fn does(&mut self, home: &Home, script: &Script, number: usize, step: &Step) -> bool {
        let answer = self.asked(home, &script.environment, json!({"do": step.told(number), "profile": step.profile}));
        answer["done"].as_bool().unwrap_or_else(|| panic!("{step:?} broke {}: {answer}", self.version))
    }

    /// What it would lease to the agents of each profile.
    pub(super) fn pools(&mut self, home: &Home, script: &Script) -> Vec<TheirPool> {
        let question = json!({"ask": PROFILES, "providers": Script::pools()});
        let mut answer = self.asked(home, &script.environment, question);
        serde_json::from_value(answer["pools"].take())
            .unwrap_or_else(|error| panic!("{} does not say what it would lease ({error}): {answer}", self.version))
    }

    fn asked(&mut self, home: &Home, environment: &BTreeMap<String, String>, mut request: Value) -> Value {
        request["root"] = json!(home.hermes());
        request["user"] = json!(home.user());
        request["environment"] = json!(environment);
        writeln!(self.requests, "{request}").expect("the driver reads");
        self.answer()
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the driver answers");
        let answer: Value = serde_json::from_str(&line).expect("the driver answers in JSON");
        if let Some(trace) = answer["broken"].as_str() {
            panic!("hermes-agent {} broke:\n{trace}", self.version);
        }
        answer
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
