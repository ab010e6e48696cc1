//! Where the daemon listens, whom it does not disturb, and how it says that it cannot start.

use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{AuthJson, Daemon, DaemonBuilder, eventually, need_root};

/// Exit codes: another daemon serves this auth store; the socket cannot be had.
const STORE_LOCKED: i32 = 3;
const NO_SOCKET: i32 = 4;

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).expect("it is there").mode() & 0o7777
}

fn folder(path: &Path, mode: u32) {
    std::fs::DirBuilder::new().mode(0o700).create(path).expect("a new folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

/// A daemon that is told its socket but finds auth.json by itself.
fn at(socket: &Path) -> DaemonBuilder {
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way();
    builder.argument("--socket").argument(text(socket))
}

#[test]
fn the_socket_is_for_its_owner_alone_even_with_a_generous_umask() {
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way().with_umask_0();
    let folder = builder.home().runtime().join("credpool");
    let daemon = builder.start_at(folder.join("credpool.sock"));
    assert_eq!(mode(daemon.socket()), 0o600);
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn without_flags_the_homes_of_hermes_and_of_the_runtime_are_used() {
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way();
    let socket = builder.home().runtime().join("credpool/credpool.sock");
    let daemon = builder.start_at(socket);
    let auth_file = daemon.wire().ok(&json!({"op": "hello"}))["auth_file"].clone();
    assert_eq!(auth_file, json!(daemon.home().auth_json().canonicalize().expect("it is there")));
}

#[test]
fn variables_name_socket_and_auth_file() {
    let builder = DaemonBuilder::empty().finding_its_way();
    let (socket, auth) = (builder.home().state().join("here.sock"), builder.home().state().join("keys.json"));
    AuthJson::default().pool("openrouter", []).write(&auth);
    let builder = builder.variable("CREDPOOL_SOCKET", text(&socket)).variable("CREDPOOL_AUTH_FILE", text(&auth));
    let daemon = builder.start_at(socket);
    assert_eq!(daemon.wire().ok(&json!({"op": "status"}))["pools"][0]["name"], "openrouter");
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    for bits in [0o720, 0o702, 0o777, 0o1777] {
        let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way();
        let open = builder.home().root().join("open");
        folder(&open, bits);
        let builder = builder.argument("--socket").argument(text(&open.join("s.sock")));
        let ended = builder.run();
        assert_eq!(ended.status.code(), Some(NO_SOCKET), "mode {bits:o}: {ended:?}");
        assert!(ended.stderr.contains(text(&open)), "the folder is not named: {ended:?}");
        assert_eq!(std::fs::read_dir(&open).expect("it is ours").count(), 0, "something was left in mode {bits:o}");
    }
}

#[test]
fn a_folder_of_another_user_is_refused() {
    if !need_root() {
        return;
    }
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way();
    let theirs = builder.home().root().join("theirs");
    folder(&theirs, 0o755);
    chown(&theirs, Some(65_534), Some(65_534)).expect("root may");
    let ended = builder.argument("--socket").argument(text(&theirs.join("s.sock"))).run();
    assert_eq!(ended.status.code(), Some(NO_SOCKET), "{ended:?}");
    assert!(ended.stderr.contains(text(&theirs)), "{ended:?}");
}

#[test]
fn a_socket_path_has_at_most_107_bytes() {
    // Of exactly this length, in a folder of its own.
    let path_of = |root: &Path, length: usize| {
        let folder = root.join("d".repeat(length - root.as_os_str().len() - "//s.sock".len()));
        std::fs::DirBuilder::new().mode(0o700).create(&folder).expect("a new folder");
        folder.join("s.sock")
    };
    for length in [106, 107] {
        let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way();
        let path = path_of(builder.home().root(), length);
        assert_eq!(path.as_os_str().len(), length);
        builder.argument("--socket").argument(text(&path)).start_at(path.clone()).wire().ok(&json!({"op": "ping"}));
    }
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).finding_its_way();
    let path = path_of(builder.home().root(), 108);
    let ended = builder.argument("--socket").argument(text(&path)).run();
    assert_eq!(ended.status.code(), Some(NO_SOCKET), "{ended:?}");
    assert!(ended.stderr.contains("107"), "the limit is not named: {ended:?}");
}

#[test]
fn a_second_daemon_of_one_store_leaves_and_names_the_first() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let lease = daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}))["lease"].clone();
    // By whatever way it comes to the same store, and wherever it would listen.
    let link = daemon.home().user().join("link");
    symlink(daemon.home().hermes(), &link).expect("a new link");
    for auth in [daemon.home().auth_json(), link.join("auth.json")] {
        let builder = DaemonBuilder::empty().finding_its_way();
        let socket = builder.home().socket();
        let second = builder.argument("--auth-file").argument(text(&auth)).argument("--socket").argument(text(&socket));
        let ended = second.run();
        assert_eq!(ended.status.code(), Some(STORE_LOCKED), "{ended:?}");
        assert!(ended.stderr.contains(text(daemon.socket())), "the winner's socket is not named: {ended:?}");
        assert!(!socket.exists(), "it left a socket behind");
    }
    daemon.wire().ok(&json!({"op": "release", "lease": lease}));
}

#[test]
fn of_two_daemons_that_start_at_once_one_serves() {
    let first = DaemonBuilder::serving(&AuthJson::many(1));
    let auth = first.home().auth_json();
    let mut children: Vec<_> = (0..4)
        .map(|number| {
            let socket = first.home().runtime().join(format!("{number}.sock"));
            let mut command = first.command_with(&["--auth-file", text(&auth), "--socket", text(&socket)]);
            let child = command.stderr(std::process::Stdio::null()).spawn().expect("credpoold can be started");
            (child, socket)
        })
        .collect();
    let mut codes = Vec::new();
    eventually("all but one have left", || {
        children.retain_mut(|(child, _)| match child.try_wait().expect("it is our child") {
            Some(status) => {
                codes.push(status.code());
                false
            }
            None => true,
        });
        (children.len() == 1).then_some(())
    });
    assert_eq!(codes, [Some(STORE_LOCKED); 3]);
    let (mut winner, socket) = children.pop().expect("one is left");
    eventually("the winner answers", || crate::support::Wire::connect(&socket).ok()).ok(&json!({"op": "ping"}));
    let pid = Pid::from_raw(i32::try_from(winner.id()).expect("process ids are positive"));
    kill(pid, Signal::SIGTERM).expect("it is ours");
    assert_eq!(winner.wait().expect("it is our child").code(), Some(0));
}

#[test]
fn two_stores_have_two_daemons() {
    let one = Daemon::serving(&AuthJson::many(1));
    let two = Daemon::serving(&AuthJson::many(2));
    assert_ne!(one.wire().ok(&json!({"op": "hello"}))["pid"], two.wire().ok(&json!({"op": "hello"}))["pid"]);
}

#[test]
fn what_a_killed_daemon_left_behind_is_no_obstacle() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    for _ in 0..3 {
        daemon.kill();
        assert!(daemon.socket().exists(), "kill -9 leaves the socket behind");
        daemon.restart();
        daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter"}));
    }
}

#[test]
fn a_socket_that_somebody_answers_is_not_taken() {
    let probe = DaemonBuilder::empty();
    let path = probe.home().socket();
    let theirs = UnixListener::bind(&path).expect("a new socket");
    let before = std::fs::symlink_metadata(&path).expect("it is there").ino();
    let ended = at(&path).run();
    assert_eq!(ended.status.code(), Some(NO_SOCKET), "{ended:?}");
    assert_eq!(std::fs::symlink_metadata(&path).expect("it is still there").ino(), before);
    drop(theirs);
}

#[test]
fn what_is_not_a_socket_is_left_alone() {
    let probe = DaemonBuilder::empty();
    let path = probe.home().socket();
    std::fs::write(&path, "precious").expect("a new file");
    let ended = at(&path).run();
    assert_eq!(ended.status.code(), Some(NO_SOCKET), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is still there"), "precious");
}

#[test]
fn a_socket_that_was_replaced_is_not_removed_at_the_end() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    std::fs::remove_file(daemon.socket()).expect("it is there");
    std::fs::write(daemon.socket(), "somebody else's").expect("a new file");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().code(), Some(0));
    assert_eq!(std::fs::read_to_string(daemon.socket()).expect("it is still there"), "somebody else's");
}

#[test]
fn a_daemon_that_ends_takes_its_socket_with_it() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().code(), Some(0));
    let left: Vec<PathBuf> = std::fs::read_dir(daemon.socket().parent().expect("a folder"))
        .expect("it is there")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
    daemon.restart();
    daemon.wire().ok(&json!({"op": "ping"}));
}

#[test]
fn a_store_that_is_no_file_is_reported_and_does_not_stop_the_daemon() {
    let builder = DaemonBuilder::empty();
    nix::unistd::mkfifo(&builder.home().auth_json(), nix::sys::stat::Mode::S_IRWXU).expect("a new pipe");
    let status = builder.run_check();
    assert_ne!(status.status.code(), Some(0), "a check that finds a pipe is content: {status:?}");
    let daemon = builder.without_guard().start();
    let definitions = daemon.wire().ok(&json!({"op": "status"}))["definitions"].clone();
    assert_eq!(definitions["ok"], false, "{definitions:#}");
}
