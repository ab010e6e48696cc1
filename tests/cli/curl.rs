//! curl with keys from `credpool`, against a server that counts who uses which key at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::running::{Running, is_alive, leases_out};
use crate::support::{AuthJson, Daemon, Http, HttpAnswer, HttpRequest, Tool, eventually, need, secret};

const CLIENTS: usize = 8;
const KEYS: usize = 4;

fn slots(count: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(count), "[defaults]\ncap = \"hard\"\n")
}

fn answer() -> HttpAnswer {
    HttpAnswer::json(200, &"{}")
}

fn bearer(request: &HttpRequest) -> String {
    request.header("authorization").strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

/// A script that asks `url` with `$KEY`, which curl reads where no other user can.
fn with_curl(curl: &Path, url: &str) -> String {
    format!(
        "printf 'Authorization: Bearer %s\\n' \"$KEY\" | {} --silent --show-error --header @- {url}",
        curl.display()
    )
}

#[test]
fn as_many_as_there_are_keys_run_at_a_time_and_each_has_one_alone() {
    let Some(curl) = need(Tool::Curl) else { return };
    let daemon = slots(KEYS);
    let use_of_keys = Arc::new(Mutex::new(BTreeMap::<String, (usize, usize)>::new()));
    let (seen, all_at_once) = (Arc::clone(&use_of_keys), Barrier::new(KEYS));
    let server = Http::start(move |request| {
        let count = |change: fn(usize) -> usize| {
            let mut seen = seen.lock().expect("nobody panicked");
            let (now, most) = seen.entry(bearer(request)).or_default();
            *now = change(*now);
            *most = (*most).max(*now);
        };
        count(|now| now + 1);
        // Answers nobody before all keys are in use.
        all_at_once.wait();
        count(|now| now - 1);
        answer()
    });
    let script = with_curl(&curl, &server.url());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let ended = eventually("there is a key to be had", || {
                    let ended = Running::shell(&daemon, &script).ended();
                    (ended.code() != 4).then_some(ended)
                });
                assert_eq!((ended.code(), &*ended.stdout), (0, "{}"), "{}", ended.stderr);
            });
        }
    });
    let most: BTreeMap<_, _> =
        use_of_keys.lock().expect("nobody panicked").iter().map(|(key, use_of)| (key.clone(), use_of.1)).collect();
    assert_eq!(most, (0..KEYS).map(|number| (secret(&format!("key-{number}")), 1)).collect());
    leases_out(&daemon, 0);
}

#[test]
fn curl_reads_the_header_that_get_prints() {
    let Some(curl) = need(Tool::Curl) else { return };
    let daemon = slots(2);
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    let server = Http::start(move |request| {
        seen.lock().expect("nobody panicked").push(bearer(request));
        answer()
    });
    let script = format!("credpool get openrouter --format header | {} -sS -H @- {}", curl.display(), server.url());
    for _ in 0..3 {
        let mut command = Command::new("sh");
        let output = daemon.credpool().dress(&mut command).args(["-c", &script]).output().expect("there is a shell");
        assert_eq!(output.stdout, b"{}", "{output:?}");
    }
    assert_eq!(*keys.lock().expect("nobody panicked"), vec![secret("key-0"); 3]);
    leases_out(&daemon, 1);
}

#[test]
fn whatever_ends_a_request_no_lease_is_left() {
    let Some(curl) = need(Tool::Curl) else { return };
    let mut daemon = slots(1);
    let (sender, arrivals) = channel();
    let (unanswered, end_of_the_test) = channel::<()>();
    let end_of_the_test = Mutex::new(end_of_the_test);
    let server = Http::start(move |request| {
        sender.send(bearer(request)).expect("the test waits for it");
        let _ = end_of_the_test.lock().map(|end| end.recv());
        answer()
    });
    let script = format!(
        "echo $$; exec {} -sS -K - {} <<END\nheader = \"Authorization: Bearer $KEY\"\nEND",
        curl.display(),
        server.url()
    );
    // curl in the middle of a request; its process id.
    let asking = |daemon: &Daemon| {
        let mut running = Running::shell(daemon, &script);
        let curl = running.line();
        assert_eq!(arrivals.recv().expect("a request"), secret("key-0"));
        leases_out(daemon, 1);
        (running, curl)
    };

    let (running, curl) = asking(&daemon);
    kill(Pid::from_raw(curl.parse().expect("a process id")), Signal::SIGKILL).expect("it is ours to kill");
    assert_eq!(running.ended().code(), 128 + Signal::SIGKILL as i32);
    leases_out(&daemon, 0);

    let (running, curl) = asking(&daemon);
    running.signal(Signal::SIGKILL);
    eventually("curl is killed with credpool", || (!is_alive(&curl)).then_some(()));
    leases_out(&daemon, 0);

    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let (running, _) = asking(&daemon);
        running.signal(signal);
        assert_eq!(running.ended().code(), 128 + signal as i32);
        leases_out(&daemon, 0);
    }

    let (running, curl) = asking(&daemon);
    daemon.kill();
    daemon.restart();
    leases_out(&daemon, 1);
    assert!(is_alive(&curl), "it has nothing to do with the daemon");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ended().code(), 128 + Signal::SIGTERM as i32);
    leases_out(&daemon, 0);
    drop(unanswered);
}
