//! Tools that a machine may lack.
//!
//! `tests/run` installs them and says in the environment where they are. A test whose tool is missing does not pass
//! silently: it is listed in the file that `tests/run` reads out at the end, and with `CI=true` it fails.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// A tool that some tests need.
#[derive(Clone, Copy)]
pub(crate) enum Tool {
    /// A Python with the hermes-agent that most tests use.
    Hermes,
    /// A Python with hermes-agent 0.17.
    Hermes0_17,
    /// A Python with hermes-agent 0.18.
    Hermes0_18,
    /// A Python with hermes-agent 0.19.
    Hermes0_19,
    /// socat.
    Socat,
    /// strace.
    Strace,
    /// The library of libfaketime, to be preloaded.
    Faketime,
    /// tmux.
    Tmux,
    /// curl.
    Curl,
    /// Claude Code.
    Claude,
    /// A Python with the SDKs of OpenAI and Anthropic.
    Sdks,
    /// A virtual machine.
    Machine,
}

impl Tool {
    const fn variable(self) -> &'static str {
        match self {
            Self::Hermes => "CREDPOOL_TEST_HERMES_PYTHON",
            Self::Hermes0_17 => "CREDPOOL_TEST_HERMES_0_17",
            Self::Hermes0_18 => "CREDPOOL_TEST_HERMES_0_18",
            Self::Hermes0_19 => "CREDPOOL_TEST_HERMES_0_19",
            Self::Socat => "CREDPOOL_TEST_SOCAT",
            Self::Strace => "CREDPOOL_TEST_STRACE",
            Self::Faketime => "CREDPOOL_TEST_FAKETIME",
            Self::Tmux => "CREDPOOL_TEST_TMUX",
            Self::Curl => "CREDPOOL_TEST_CURL",
            Self::Claude => "CREDPOOL_TEST_CLAUDE",
            Self::Sdks => "CREDPOOL_TEST_SDKS_PYTHON",
            Self::Machine => "CREDPOOL_TEST_MACHINE",
        }
    }
}

/// Where `tool` is. `None` means that the test has to return: it has been listed as skipped.
#[track_caller]
#[must_use]
pub(crate) fn need(tool: Tool) -> Option<PathBuf> {
    let found = std::env::var_os(tool.variable()).filter(|path| !path.is_empty()).map(PathBuf::from);
    if found.is_none() {
        skip(&format!("{} is not set; tests/run sets it", tool.variable()));
    }
    found
}

/// Whether this process may act as other users. `false` means that the test has to return.
#[track_caller]
#[must_use]
pub(crate) fn need_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip("only root can act as another user");
    }
    root
}

#[track_caller]
fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{test} cannot run: {reason}");
    let line = format!("SKIPPED {test}: {reason}\n");
    if let Some(path) = std::env::var_os("CREDPOOL_TEST_SKIPPED") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped tests can be written");
    }
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
}
