//! `daemon/DOCKER.md`, as far as namespaces alone go, which need root.

use std::process::{Command, Output};

use super::{Page, sample_daemon};
use crate::support::{Daemon, eventually, need_root};

/// Runs a script in namespaces of its own, where the page's folder is at `/run/credpool`, and the socket alone at
/// `/run/alone`. It knows of the daemon what the page says, and nothing else.
fn in_a_container(daemon: &Daemon, namespaces: &[&str], script: &str) -> Command {
    let mounted = "mount -t tmpfs tmpfs /run && mkdir /run/credpool && touch /run/alone &&
        mount --bind \"$1\" /run/credpool && mount --bind \"$1/credpool.sock\" /run/alone";
    let folder = daemon.socket().parent().expect("a socket is in a folder").to_owned();
    let mut command = Command::new("unshare");
    daemon.credpool().dress(&mut command).env_remove("CREDPOOL_SOCKET").arg("--mount").args(namespaces);
    command.args(["sh", "-e", "-c", &format!("{mounted}\n{script}"), "sh"]).arg(folder);
    command
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_folder_is_mounted_where_clients_look() {
    let page = Page::at("daemon/DOCKER.md");
    for block in ["sh docker", "sh outside"] {
        assert!(page.block(block).contains("credpool exec --pool openrouter --env OPENROUTER_API_KEY -- "));
    }
    assert!(page.block("sh docker").contains("/credpool:/run/credpool\""));
}

#[test]
fn a_container_leases_whatever_its_processes_and_users_are_called() {
    if !need_root() {
        return;
    }
    let daemon = sample_daemon();
    let lease = "credpool exec --pool openrouter --env KEY -- sh -c 'echo $KEY'";
    // Users keep their names; processes have others; and the daemon's own user is called 1000, as in rootless Docker it
    // is called root.
    for namespaces in [&[][..], &["--pid", "--fork"], &["--user", "--map-user=1000"]] {
        let output = if namespaces.contains(&"--user") {
            // Without rights over the outer mounts, which the outer one therefore makes.
            let inner = format!("unshare {} sh -c \"{}\"", namespaces.join(" "), lease.replace('$', "\\$"));
            in_a_container(&daemon, &[], &inner).output()
        } else {
            in_a_container(&daemon, namespaces, lease).output()
        };
        let output = output.expect("unshare can be started");
        succeeded(&output);
        assert_eq!(output.stdout, b"sk-or-v1-sample-work\n", "{namespaces:?}");
    }
}

#[test]
fn the_folder_survives_a_restart_and_the_socket_alone_does_not() {
    if !need_root() {
        return;
    }
    let mut daemon = sample_daemon();
    let script = "echo mounted; read line
        credpool --socket /run/credpool/credpool.sock ping >/dev/null && echo folder
        credpool --socket /run/alone ping >/dev/null 2>&1 || echo not alone";
    let mut command = in_a_container(&daemon, &[], script);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut container = command.spawn().expect("unshare can be started");
    let mut output = std::io::BufReader::new(container.stdout.take().expect("stdout is a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).expect("text");
    assert_eq!(line, "mounted\n");
    daemon.kill();
    daemon.restart();
    drop(container.stdin.take().map(|mut input| std::io::Write::write_all(&mut input, b"\n")));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).expect("text");
    assert_eq!(rest, "folder\nnot alone\n");
    eventually("it ends", || container.try_wait().expect("it is our child"));
}
