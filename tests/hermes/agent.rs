//! hermes-agent, in the virtual environment that `tests/run` makes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{Home, Tool, need, repository};

/// The commands of hermes-agent, and its own pool code.
pub(super) struct Hermes {
    python: PathBuf,
}

impl Hermes {
    /// `None` where it is not installed; then the test has been listed as skipped.
    #[track_caller]
    pub(super) fn installed() -> Option<Self> {
        need(Tool::Hermes).map(|python| Self { python })
    }

    /// Every version that is installed; of each that is not, the test has been listed as skipped.
    #[track_caller]
    pub(super) fn versions() -> impl Iterator<Item = Self> {
        let pythons = [Tool::Hermes0_17, Tool::Hermes0_18, Tool::Hermes0_19].map(need);
        pythons.into_iter().flatten().map(|python| Self { python })
    }

    /// A script of this folder that is talked to.
    #[track_caller]
    pub(super) fn start(&self, home: &Home, name: &str, arguments: &[&str]) -> Child {
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(repository().join("tests/hermes").join(name)).args(arguments);
        home.dress(&mut command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("hermes-agent can be started")
    }

    /// `hermes` with these arguments.
    #[track_caller]
    pub(super) fn run(&self, home: &Home, arguments: &[&str]) -> String {
        let mut command = Command::new(self.python.with_file_name("hermes"));
        command.args(arguments);
        finish(home, command)
    }

    /// `hermes auth add`: a key called `label`, whose secret is `secret`.
    #[track_caller]
    pub(super) fn add(&self, home: &Home, label: &str, secret: &str) {
        self.run(home, &["auth", "add", "openrouter", "--type", "api-key", "--api-key", secret, "--label", label]);
    }

    /// As `script`; `meanwhile` is called again and again as long as it runs.
    #[track_caller]
    pub(super) fn script_while(&self, home: &Home, name: &str, arguments: &[&str], meanwhile: impl FnMut()) -> String {
        let script = repository().join("tests/hermes").join(name);
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(script).args(arguments);
        finish_while(home, command, meanwhile)
    }

    /// A script of this folder, which uses the pool code of hermes-agent.
    #[track_caller]
    pub(super) fn script(&self, home: &Home, name: &str, arguments: &[&str]) -> String {
        let script = repository().join("tests/hermes").join(name);
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(script).args(arguments);
        finish(home, command)
    }
}

#[track_caller]
fn finish(home: &Home, mut command: Command) -> String {
    let output = home.dress(&mut command).stdin(Stdio::null()).output().expect("hermes-agent can be started");
    assert!(output.status.success(), "{command:?} failed: {output:?}");
    String::from_utf8(output.stdout).expect("hermes-agent prints text")
}

/// Lets a command run, and calls `meanwhile` again and again as long as it does. It may print as much as a pipe holds.
#[track_caller]
fn finish_while(home: &Home, mut command: Command, mut meanwhile: impl FnMut()) -> String {
    home.dress(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("hermes-agent can be started");
    while child.try_wait().expect("it is our child").is_none() {
        meanwhile();
    }
    let output = child.wait_with_output().expect("it is our child");
    assert!(output.status.success(), "{command:?} failed: {output:?}");
    String::from_utf8(output.stdout).expect("hermes-agent prints text")
}
