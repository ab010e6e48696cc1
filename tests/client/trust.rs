//! Daemons that are not to be trusted, or serve somebody else's keys.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use credpool_client::{AcquireRequest, Client, ConnectOptions, DisableRequest, EnableRequest, Error, Why};

use super::{connect, options, run};
use crate::support::{AuthJson, Daemon, DaemonBuilder, Home, Row, Tool, eventually, need, need_root};

const STRANGER: u32 = 54_321;

fn pool() -> AuthJson {
    AuthJson::default().pool("openrouter", [Row::key("one")])
}

/// Why the only socket that was tried would not do.
fn why(error: Error) -> Why {
    match error {
        Error::Unreachable(tried) => tried.into_iter().next().expect("a socket was tried").why,
        other => panic!("{other}"),
    }
}

#[test]
fn only_the_store_of_the_hermes_home_will_do() {
    let daemon = Daemon::serving(&pool());
    let home = daemon.home().hermes();
    let link = daemon.home().root().join("link");
    symlink(&home, &link).expect("a new link");
    let other = Home::new();
    run(async {
        for home in [&home, &link] {
            Client::connect(options(&daemon).hermes_home(home)).await.expect("it serves that store");
            Client::connect(options(&daemon).auth_file(home.join("auth.json"))).await.expect("it serves that store");
        }
        let error = Client::connect(options(&daemon).hermes_home(other.hermes())).await.expect_err("another store");
        let said = error.to_string();
        for store in [daemon.home().auth_json(), other.auth_json()] {
            assert!(said.contains(store.to_str().expect("text")), "{said}");
        }
        assert!(matches!(why(error), Why::OtherStore { .. }));
    });
}

#[test]
fn a_home_leases_its_own_keys_from_the_daemon_of_another() {
    for started_for in ["default", "dev"] {
        let builder = DaemonBuilder::serving(&pool());
        let (root, dev) = (builder.home().hermes(), builder.home().profile("dev"));
        AuthJson::keys(["own"]).write(&dev.join("auth.json"));
        std::fs::create_dir_all(builder.home().profile("empty")).expect("a folder");
        let home = if started_for == "dev" { &dev } else { &root };
        let home = home.to_str().expect("temporary paths are text");
        let socket = builder.home().socket();
        let socket = socket.to_str().expect("temporary paths are text");
        let builder = builder.finding_its_way().variable("HERMES_HOME", home).argument("--socket").argument(socket);
        let daemon = builder.start();
        run(async {
            let empty = root.join("profiles/empty");
            for (home, profile, key) in [(&root, "default", "one"), (&dev, "dev", "own"), (&empty, "empty", "one")] {
                let client = Client::connect(options(&daemon).hermes_home(home)).await.expect("it serves that home");
                assert_eq!(client.profile().as_deref(), Some(profile), "started for {started_for}");
                let lease = client.acquire(AcquireRequest::new("openrouter")).await.expect("a lease");
                assert_eq!(lease.credential().label, key, "of {}, started for {started_for}", home.display());
                let switched = client.disable(DisableRequest::new("openrouter", key)).await.expect("it is its own");
                assert_eq!(switched.id, lease.credential().id);
                client.enable(EnableRequest::new("openrouter", &*switched.id)).await.expect("it is its own");
                // Unless it says otherwise.
                let request = AcquireRequest::new("openrouter").profile("dev");
                assert_eq!(client.acquire(request).await.expect("a lease").credential().label, "own");
            }
            let client = Client::connect(options(&daemon)).await.expect("it is trusted");
            assert_eq!(client.profile(), None, "nobody said which");
        });
    }
}

#[test]
fn the_store_is_checked_whenever_a_connection_is_made() {
    let mut daemon = Daemon::serving(&pool());
    let link = daemon.home().root().join("link");
    symlink(daemon.home().hermes(), &link).expect("a new link");
    let other = Home::new();
    run(async {
        let client = Client::connect(options(&daemon).hermes_home(&link)).await.expect("it serves that store");
        std::fs::remove_file(&link).expect("it is ours");
        symlink(other.hermes(), &link).expect("a new link");
        client.ping().await.expect("the connection is as it was");
        daemon.kill();
        daemon.restart();
        let error = client.ping().await.expect_err("the home is another by now");
        // What was sent in the daemon's last moment would be repeated, if that could be done.
        assert!(matches!(error, Error::Disconnected | Error::Unreachable(_)), "{error}");
        assert!(matches!(why(client.ping().await.expect_err("and stays so")), Why::OtherStore { .. }));
    });
    drop(connect(&daemon));
}

#[test]
fn a_stranger_behind_the_socket_hears_nothing() {
    let Some(socat) = need(Tool::Socat) else { return };
    if !need_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    nix::unistd::chown(folder.path(), Some(STRANGER.into()), None).expect("we are root");
    let (socket, heard) = (folder.path().join("s"), folder.path().join("heard"));
    let stranger = Command::new(socat)
        .arg("-u")
        .arg(format!("UNIX-LISTEN:{},fork", socket.display()))
        .arg(format!("OPEN:{},creat,append", heard.display()))
        .uid(STRANGER)
        .gid(STRANGER)
        .stdin(Stdio::null())
        .spawn()
        .expect("socat can be started");
    let _stranger = Stranger(stranger);
    eventually("it listens", || socket.exists().then_some(()));
    let options = ConnectOptions::at(&socket).connect_timeout(Duration::from_millis(200));
    run(async {
        for options in [options.clone(), options.clone().server("daemon"), options.clone().server_uid(STRANGER + 1)] {
            let why = why(Client::connect(options).await.expect_err("a stranger"));
            assert!(matches!(why, Why::Untrusted(STRANGER)), "{why}");
        }
        let nobody = Client::connect(options.clone().server("no such user")).await.expect_err("a stranger");
        assert!(matches!(why(nobody), Why::NoSuchUser(_)));
        assert_eq!(std::fs::read_to_string(&heard).unwrap_or_default(), "");

        // Accepted, it is greeted; but it is no daemon.
        for options in [options.clone().server_uid(STRANGER), options.server(&STRANGER.to_string())] {
            assert!(matches!(why(Client::connect(options).await.expect_err("no daemon")), Why::Silent));
        }
    });
    eventually("it was greeted twice", || {
        let heard = std::fs::read_to_string(&heard).unwrap_or_default();
        (heard.matches(r#""op":"hello""#).count() == 2).then_some(())
    });
}

/// A process that ends when this is dropped.
struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
