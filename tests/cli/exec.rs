//! `credpool exec`: the program is as it would be by itself, and its lease lives exactly as long.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::running::{KEY, Running, is_alive, leases_out};
use crate::support::{AuthJson, CANARY, Daemon, DaemonBuilder, Row, credential, eventually, secret};

/// A script that says that it is there, and then ends with its input.
const UNTIL_TOLD: &str = "echo ready; cat";

/// This many keys with one slot each.
fn slots(count: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(count), "[defaults]\ncap = \"hard\"\n")
}

#[test]
fn the_program_finds_the_key_and_what_belongs_to_it_in_its_environment() {
    let daemon = slots(1);
    let arguments =
        ["--env", "OTHER", "--base-url-env", "URL", "--", "sh", "-c", "echo $KEY $OTHER $URL $CREDPOOL_LEASE"];
    let ended = Running::start(&daemon, &arguments).ended();
    let words: Vec<_> = ended.stdout.split_whitespace().collect();
    let key = secret("key-0");
    assert_eq!(words[..3], [&*key, &*key, "https://openrouter.ai/api/v1"]);
    assert_eq!(words[3].len(), 32, "no lease: {}", words[3]);
    assert_eq!((ended.code(), &*ended.stderr), (0, ""));
    leases_out(&daemon, 0);
}

#[test]
fn a_base_url_that_the_credential_does_not_have_is_unset() {
    let row = Row::key("work").set("base_url", json!(null));
    let daemon = Daemon::serving(&AuthJson::default().pool("unheard-of", [row]));
    let arguments = ["exec", "--pool", "unheard-of", "--env", KEY, "--base-url-env", "URL", "sh", "-c", "echo [$URL]"];
    let output = daemon.credpool().command(&arguments).env("URL", "https://elsewhere.example").output();
    assert_eq!(output.expect("credpool can be started").stdout, b"[]\n");
}

#[test]
fn input_and_output_are_the_programs_own() {
    let daemon = slots(1);
    let mut running = Running::shell(&daemon, "read line; echo out $line; echo err $line >&2; cat; exit 7");
    running.say("one");
    assert_eq!(running.line(), "out one");
    running.say("two");
    let ended = running.ended();
    assert_eq!((&*ended.stdout, &*ended.stderr, ended.code()), ("two\n", "err one\n", 7));
}

#[test]
fn what_follows_the_program_is_the_programs() {
    let daemon = slots(1);
    for arguments in [&["echo", "--json", "-x", "--", "y"][..], &["--", "echo", "--json", "-x", "--", "y"]] {
        assert_eq!(Running::start(&daemon, arguments).ended().stdout, "--json -x -- y\n");
    }
}

#[test]
fn the_key_is_in_no_command_line() {
    let daemon = slots(1);
    let mut running =
        Running::shell(&daemon, "tr '\\0' ' ' </proc/$PPID/cmdline; echo; tr '\\0' ' ' </proc/$$/cmdline; echo; cat");
    for _ in 0..2 {
        let line = running.line();
        assert!(line.contains("tr ") && !line.contains(CANARY), "{line}");
    }
    assert_eq!(running.ended().code(), 0);
}

#[test]
fn credpool_ends_as_its_program_does() {
    let daemon = slots(1);
    for (script, code, signal) in [
        ("exit 0", Some(0), None),
        ("exit 255", Some(255), None),
        ("kill -TERM $$", None, Some(Signal::SIGTERM)),
        ("kill -INT $$", None, Some(Signal::SIGINT)),
        ("kill -KILL $$", None, Some(Signal::SIGKILL)),
        ("kill -SEGV $$", None, Some(Signal::SIGSEGV)),
        // Rust programs ignore this one, so it can't be died of.
        ("kill -PIPE $$", Some(128 + Signal::SIGPIPE as i32), None),
    ] {
        use std::os::unix::process::ExitStatusExt;
        let ended = Running::shell(&daemon, script).ended();
        let by = ended.status.signal().map(|number| Signal::try_from(number).expect("a known signal"));
        assert_eq!((ended.status.code(), by), (code, signal), "{script}: {}", ended.stderr);
        leases_out(&daemon, 0);
    }
}

#[test]
fn what_is_no_program_has_the_codes_of_shells() {
    let daemon = slots(1);
    for (program, code) in [("no-such-program", 127), ("/etc/passwd", 126)] {
        let ended = Running::start(&daemon, &[program]).ended();
        assert_eq!(ended.code(), code);
        assert!(ended.stderr.starts_with(&format!("credpool: cannot run {program}: ")), "{}", ended.stderr);
        leases_out(&daemon, 0);
    }
}

#[test]
fn without_a_key_nothing_is_run() {
    let daemon = slots(1);
    let mut holder = daemon.wire();
    holder.ok(&json!({"op": "acquire", "pool": "openrouter"}));
    let ended = Running::shell(&daemon, "echo run").ended();
    assert_eq!((&*ended.stdout, ended.code()), ("", 4));
    assert!(ended.stderr.starts_with("credpool: nothing to lease in openrouter"), "{}", ended.stderr);
}

#[test]
fn the_lease_is_there_while_the_program_is_and_no_longer() {
    let daemon = slots(2);
    let mut running = Running::shell(&daemon, UNTIL_TOLD);
    running.line();
    leases_out(&daemon, 1);
    assert_eq!(running.ended().code(), 0);
    // Not eventually: who sees the end sees the key free.
    let status = daemon.wire().ok(&json!({"op": "status", "pool": "openrouter"}));
    assert_eq!(status["pools"][0]["leases"], 0, "{status:#}");
}

#[test]
fn the_lease_is_renewed_in_time() {
    let daemon = Daemon::configured(&AuthJson::many(2), "[defaults]\ncap = \"hard\"\nlease_ttl = \"600ms\"\n");
    let mut running = Running::shell(&daemon, UNTIL_TOLD);
    running.line();
    // One that was granted later, for longer, and is over shows that the first one's time has come and gone.
    daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true, "ttl_ms": 700}));
    leases_out(&daemon, 2);
    leases_out(&daemon, 1);
    assert_eq!(running.ended().stderr, "");
    leases_out(&daemon, 0);
}

#[test]
fn a_credpool_in_the_program_accepts_the_same_daemon() {
    let daemon = slots(1);
    let script = "echo $CREDPOOL_ACCESS_SERVER";
    let running = Running::start(&daemon, &["--server", "root", "--", "sh", "-c", script]);
    assert_eq!(running.ended().stdout, "0\n");
}

#[test]
fn signals_reach_the_program_once() {
    let daemon = slots(1);
    let names = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "WINCH"];
    let traps: String = names.iter().map(|name| format!("trap 'echo {name}' {name}; ")).collect();
    // `read` ends with each signal, so that its trap is run.
    let mut running =
        Running::shell(&daemon, &format!("{traps} echo ready; while ! read line; do :; done; echo $line"));
    running.line();
    for name in names {
        running.signal(format!("SIG{name}").parse().expect("a signal's name"));
        assert_eq!(running.line(), name);
    }
    running.say("end");
    assert_eq!(running.ended().stdout, "end\n");
}

#[test]
fn a_program_may_ignore_what_it_likes() {
    let daemon = slots(1);
    let mut running = Running::shell(&daemon, "trap '' TERM INT; echo $$; cat");
    let program = running.line();
    running.signal(Signal::SIGTERM);
    running.signal(Signal::SIGINT);
    running.say("still there");
    assert_eq!(running.line(), "still there");
    leases_out(&daemon, 1);
    running.signal(Signal::SIGKILL);
    eventually("the program is killed with credpool", || (!is_alive(&program)).then_some(()));
    leases_out(&daemon, 0);
}

#[test]
fn a_killed_program_leaves_no_lease() {
    let daemon = slots(1);
    let mut running = Running::shell(&daemon, "echo $$; cat");
    let program: i32 = running.line().parse().expect("a process id");
    leases_out(&daemon, 1);
    kill(Pid::from_raw(program), Signal::SIGKILL).expect("the program is ours to kill");
    assert_eq!(running.ended().code(), 128 + Signal::SIGKILL as i32);
    leases_out(&daemon, 0);
}

#[test]
fn what_a_program_leaves_behind_holds_no_lease() {
    let daemon = slots(1);
    // Another session, another parent, and none of our pipes: as daemons do.
    let ended = Running::shell(&daemon, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!").ended();
    let left = ended.stdout.trim().to_owned();
    let alive = is_alive(&left);
    kill(Pid::from_raw(left.parse().expect("a process id")), Signal::SIGKILL).expect("it is ours to kill");
    assert!(alive, "it was to stay behind");
    assert_eq!(ended.code(), 0);
    leases_out(&daemon, 0);
}

#[test]
fn a_daemon_that_comes_back_finds_the_key_in_use() {
    let mut daemon = slots(2);
    let mut running = Running::shell(&daemon, "echo $KEY; cat");
    let key = running.line();
    daemon.kill();
    daemon.restart();
    leases_out(&daemon, 1);
    let other = daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter"}));
    assert_ne!(other["credential"]["secret"].as_str(), Some(&*key));
    let ended = running.ended();
    let said: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "credpool: warning: its connection to the daemon is gone; the program goes on with the key of key-0",
            "credpool: warning: key-0 is leased again",
        ]
    );
    leases_out(&daemon, 0);
}

#[test]
fn a_key_that_was_replaced_meanwhile_is_not_leased_again() {
    let mut daemon = slots(1);
    let mut running = Running::shell(&daemon, UNTIL_TOLD);
    running.line();
    daemon.kill();
    let replaced = Row::key("key-0").secret(&secret("another"));
    daemon.store(&AuthJson::default().pool("openrouter", [replaced]));
    daemon.restart();
    eventually("the key was leased to see that it is another", || {
        let status = daemon.wire().ok(&json!({"op": "status", "pool": "openrouter"}));
        (status["pools"][0]["credentials"][0]["grants"] == 1).then_some(())
    });
    leases_out(&daemon, 0);
    let stderr = running.ended().stderr;
    assert!(stderr.ends_with("the program still has the old one: start it again\n"), "{stderr}");
}

#[test]
fn a_key_that_is_replaced_or_removed_under_the_program_is_told_once() {
    for rows in [vec![Row::key("key-0").secret(&secret("another"))], vec![Row::key("key-1")]] {
        let mut daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\nlease_ttl = \"300ms\"\n");
        let mut running = Running::shell(&daemon, "while read line; do echo $KEY; done");
        // It has the key by now that is about to go.
        running.say("");
        running.line();
        daemon.store(&AuthJson::default().pool("openrouter", rows));
        let warning = "the key of key-0 was replaced or removed; the program still has the old one: start it again";
        assert_eq!(running.complaint(), format!("credpool: warning: {warning}"));
        // The program has noticed nothing.
        running.say("");
        assert_eq!(running.line(), secret("key-0"));
        let ended = running.ended();
        assert_eq!((ended.code(), &*ended.stderr), (0, ""));
    }
}

#[test]
fn a_lease_that_the_program_ends_stays_ended() {
    for (command, by) in [("report-error --status 401", "report"), ("release", "release")] {
        let daemon = Daemon::configured(&AuthJson::many(1), "[defaults]\nlease_ttl = \"300ms\"\n");
        let mut running = Running::shell(&daemon, &format!("credpool {command} >/dev/null; echo $?; cat"));
        assert_eq!(running.line(), "0");
        let warning = format!("the lease of key-0 was ended ({by}): others may get the key that the program still has");
        assert_eq!(running.complaint(), format!("credpool: warning: {warning}"));
        assert_eq!(running.ended().code(), 0);
        leases_out(&daemon, 0);
    }
}

#[test]
fn each_failure_that_the_program_reports_counts() {
    let daemon = slots(1);
    let report = "credpool report-error --keep --status";
    let script = format!("{report} 429; {report} 402; credpool report-error --report 2 --status 402; echo; read line");
    let mut running = Running::shell(&daemon, &format!("{script}; credpool report-error --status 401; read line"));
    let said: Vec<_> = (0..7).map(|_| running.line()).collect();
    let said: Vec<_> = [0, 2, 4].iter().map(|at| said[*at].split(',').next().expect("words").to_owned()).collect();
    assert_eq!(said, ["rate limit", "billing", "billing"]);
    let restrictions = credential(&mut daemon.wire(), "openrouter", "key-0")["restrictions"].clone();
    assert_eq!(restrictions.as_array().expect("a list").len(), 2, "{restrictions:#}");
    leases_out(&daemon, 1);
    running.say("");
    assert!(running.line().starts_with("auth"));
    leases_out(&daemon, 0);
    running.say("");
    assert_eq!(running.ended().code(), 0);
}

#[test]
fn a_secret_that_has_run_out_is_told() {
    let row = Row::key("work").set("auth_type", json!("oauth")).set("expires_at", json!("2020-01-01T00:00:00Z"));
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", [row]));
    let ended = Running::shell(&daemon, "exit 0").ended();
    assert_eq!(
        ended.stderr,
        "credpool: warning: the secret of work has run out, and nothing better is there: it has to be refreshed\n"
    );
}

#[test]
fn the_socket_of_the_command_line_is_the_programs_too() {
    let daemon = DaemonBuilder::serving(&AuthJson::many(1)).start();
    let socket = daemon.socket().to_str().expect("temporary paths are text");
    let arguments = ["--socket", socket, "exec", "--pool", "openrouter", "--env", KEY, "credpool", "ping"];
    let output = daemon.credpool().command(&arguments).env_remove("CREDPOOL_SOCKET").output();
    let output = output.expect("credpool can be started");
    assert!(output.status.success(), "{output:?}");
}
