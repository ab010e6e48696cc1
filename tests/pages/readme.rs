//! The README's commands, pasted.
//!
//! ```` ```sh serve ```` is what builds and starts the daemon on the sample, at the socket that it names with `--socket`;
//! ```` ```sh try ```` is a session with it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;

use super::{Page, check_session};
use crate::support::{Home, Tool, Unchanged, Wire, eventually_within, need, repository, sample};

/// The first command builds the daemon first.
const BUILD: Duration = Duration::from_secs(600);

/// A shell script in a process group of its own, which ends when this is dropped.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.0.id()).expect("process ids are positive"));
        let _ = killpg(group, Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

#[test]
fn the_commands_of_the_readme_work_as_printed() {
    let Some(socat) = need(Tool::Socat) else { return };
    let _alone = alone();
    let page = Page::at("README.md");
    let home = Home::new();
    let guard = Unchanged::of(&sample());
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        home.dress(&mut command).args(["-e", "-c", script]).current_dir(repository()).stdin(Stdio::null());
        keep_toolchain(&mut command);
        command.env("PATH", path_with(socat.parent().expect("a folder")));
        command
    };

    let first = page.block("sh serve");
    let socket = first.split_whitespace().skip_while(|word| *word != "--socket").nth(1).expect("it names a socket");
    let log = home.root().join("serve.log");
    let output = File::create(&log).expect("a new file");
    let serve = shell(&first)
        .stdout(output.try_clone().expect("another handle"))
        .stderr(output)
        .process_group(0)
        .spawn()
        .expect("a shell");
    let mut serve = Script(serve);
    eventually_within(BUILD, "the first command serves", || {
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(serve.0.try_wait().expect("it is our child"), None, "the first command ended: {}", said());
        Wire::connect(Path::new(socket)).ok().map(|mut wire| wire.ok(&json!({"op": "ping"})))
    });

    let script = page.block("sh try");
    let tried = shell(&script).output().expect("a shell");
    let said = String::from_utf8_lossy(&tried.stdout);
    assert!(tried.status.success(), "{script}\nended with {tried:?}");
    check_session(&script, &said);
    guard.check();
}

/// Holds off whoever else runs this test on this machine: the README names one socket and one store.
fn alone() -> File {
    let path = std::env::temp_dir().join("credpool-readme.lock");
    // Another user may have made it.
    let file = File::open(&path).or_else(|_| File::create(&path)).expect("a file to lock");
    file.lock().expect("it can be locked");
    file
}

/// Lets the build tools find themselves although the home is another.
fn keep_toolchain(command: &mut Command) {
    let real_home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        command.env(variable, std::env::var_os(variable).unwrap_or_else(|| real_home.join(folder).into()));
    }
    for variable in ["CARGO_TARGET_DIR", "RUSTUP_TOOLCHAIN"] {
        command.envs(std::env::var_os(variable).map(|value| (variable, value)));
    }
}

fn path_with(first: &Path) -> std::ffi::OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).expect("folders without colons")
}
