//! `daemon/HERMES.md`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;

use super::{Page, check_session, sample_daemon};
use crate::support::{Credpool, Home, Tool, Wire, eventually, need, pool, sample};

const PAGE: &str = "daemon/HERMES.md";

/// Programs in a process group of their own, which end when this is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.0.id()).expect("process ids are positive"));
        let _ = killpg(group, Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

#[test]
fn several_roots_have_a_daemon_each() {
    let page = Page::at(PAGE);
    let home = Home::new();
    for root in ["hermes-private", "hermes-work"] {
        let root = home.user().join(root);
        std::fs::create_dir(&root).expect("a new folder");
        std::fs::copy(sample(), root.join("auth.json")).expect("the sample can be copied");
    }
    // Any socket will do: the page names its own.
    let credpool = Credpool::new(Path::new("/nowhere"), &home);
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        credpool.dress(&mut command).args(["-c", script]).stdin(Stdio::null()).stderr(Stdio::null());
        command
    };
    let daemons = shell(&format!("{}wait", page.block("sh roots"))).process_group(0).spawn().expect("there is a shell");
    let daemons = Group(daemons);
    for name in ["hermes-private", "hermes-work"] {
        let socket = home.user().join("sockets").join(name).join("credpool.sock");
        eventually("both daemons serve", || Some(Wire::connect(&socket).ok()?.ok(&json!({"op": "ping"}))));
    }
    let script = page.block("sh ask");
    let output = shell(&script).output().expect("there is a shell");
    check_session(&script, &String::from_utf8_lossy(&output.stdout));
    drop(daemons);
}

#[test]
fn a_worker_has_the_leased_key_and_no_other() {
    let Some(python) = need(Tool::Hermes) else { return };
    let daemon = sample_daemon();
    let selects =
        "from agent.credential_pool import load_pool; print(load_pool('openrouter').select().runtime_api_key)";
    let mut command = Command::new("sh");
    daemon.credpool().dress(&mut command).args(["-e", "-c", &Page::at(PAGE).block("sh worker"), "sh"]);
    let output = command.arg(python).args(["-B", "-c", selects]).output().expect("there is a shell");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "sk-or-v1-sample-work\n", "{output:?}");
    assert_eq!(pool(&mut daemon.wire(), "openrouter")["leases"], 0);
}
