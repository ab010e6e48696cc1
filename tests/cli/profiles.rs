//! `credpool` where homes of several profiles are served: whose keys its arguments mean.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use super::running::leases_out;
use crate::support::{AuthJson, Daemon, DaemonBuilder, Row, credential, secret};

/// How somebody says that they mean the profile `coder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saying {
    Home,
    Option,
    /// It is the daemon's own.
    Nothing,
}

impl Saying {
    fn run(self, daemon: &Daemon, arguments: &[&str]) -> Output {
        let mut command = daemon.credpool().command(arguments);
        match self {
            Self::Home => command.env("HERMES_HOME", daemon.home().profile("coder")),
            Self::Option => command.args(["--profile", "coder"]),
            Self::Nothing => &mut command,
        };
        command.output().expect("credpool can be started")
    }

    /// What a command printed that has to succeed.
    #[track_caller]
    fn says(self, daemon: &Daemon, arguments: &[&str]) -> String {
        let output = self.run(daemon, arguments);
        assert!(output.status.success(), "{self:?}: {output:?}");
        String::from_utf8(output.stdout).expect("credpool prints text")
    }

    #[track_caller]
    fn json(self, daemon: &Daemon, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(daemon, &[arguments, &["--json"]].concat())).expect("JSON")
    }
}

/// A root and a profile that call different keys `a1`; the daemon was started for one of them.
fn daemon(started_for: &str) -> Daemon {
    let row = |label: &str| Row::key(label).set("id", json!("a1"));
    let builder = DaemonBuilder::serving(&AuthJson::default().pool("openrouter", [row("roots")]));
    let coder = builder.home().profile("coder");
    AuthJson::default().pool("openrouter", [row("coders")]).write(&coder.join("auth.json"));
    let home: PathBuf = if started_for == "coder" { coder } else { builder.home().hermes() };
    let socket = builder.home().socket();
    let builder = builder.finding_its_way().variable("HERMES_HOME", home.to_str().expect("text"));
    builder.argument("--socket").argument(socket.to_str().expect("text")).start()
}

/// The states of the root's key and of the profile's.
#[track_caller]
fn states(daemon: &Daemon) -> [String; 2] {
    let mut wire = daemon.wire();
    ["roots", "coders"].map(|label| credential(&mut wire, "openrouter", label)["state"].as_str().expect("text").into())
}

#[test]
fn what_a_lease_shows_is_what_operators_of_the_profile_mean() {
    let sayings = [
        ("default", Saying::Home),
        ("default", Saying::Option),
        ("coder", Saying::Home),
        ("coder", Saying::Option),
        ("coder", Saying::Nothing),
    ];
    for (started_for, saying) in sayings {
        let daemon = daemon(started_for);
        let lease = saying.json(&daemon, &["get", "openrouter"]);
        assert_eq!(lease["credential"]["secret"], secret("coders"));
        let (id, epoch) = (&lease["credential"]["id"], lease["credential"]["epoch"].as_str().expect("text"));
        assert_eq!(id, "a1");

        let said = saying.says(&daemon, &["disable", "openrouter", "a1"]);
        assert_eq!(said, "coders (a1) is disabled now.\n", "{saying:?}");
        assert_eq!(states(&daemon), ["ready", "disabled"], "{saying:?}");
        assert_eq!(saying.says(&daemon, &["enable", "openrouter", "a1"]), "coders (a1) is ready now.\n");

        let about = ["report-error", "--pool", "openrouter", "--credential", "a1", "--epoch", epoch];
        let report = saying.json(&daemon, &[&about[..], &["--status", "429", "--header", "Retry-After: 600"]].concat());
        assert_eq!(report["applied"], true, "{saying:?}: {report:#}");
        assert_eq!(states(&daemon), ["ready", "cooling"], "{saying:?}");

        let told = saying.json(&daemon, &["history", "openrouter", "a1"]);
        let entries = told["entries"].as_array().expect("a list");
        assert_eq!(entries.len(), 3, "{told:#}");
        assert!(entries.iter().all(|entry| entry["credential"] == json!({"id": "a1", "label": "coders"})), "{told:#}");

        let status = saying.json(&daemon, &["status", "openrouter"]);
        let shown = status["pools"][0]["credentials"].as_array().expect("a list").iter();
        let shown: Vec<_> = shown.map(|credential| (&credential["label"], &credential["id"])).collect();
        let expected = [("roots", "a1@default"), ("coders", "a1")].map(|(label, id)| (json!(label), json!(id)));
        assert_eq!(shown, expected.each_ref().map(|(label, id)| (label, id)), "{saying:?}");

        assert_eq!(saying.says(&daemon, &["clear", "openrouter", "a1"]), "1 restriction was lifted.\n");
        assert_eq!(states(&daemon), ["ready", "ready"], "{saying:?}");
    }
}

#[test]
fn a_root_s_operator_speaks_of_the_profile_s_keys_by_its_name() {
    let daemon = daemon("default");
    let said = Saying::Nothing.says(&daemon, &["disable", "openrouter", "a1@coder"]);
    assert_eq!(said, "coders (a1@coder) is disabled now.\n");
    assert_eq!(states(&daemon), ["ready", "disabled"]);
    let all = Saying::Home.says(&daemon, &["clear", "openrouter"]);
    assert_eq!(all, "There was nothing to clear.\n");
}

#[test]
fn whoever_switches_a_key_that_others_have_is_told_so() {
    let row = |label: &str| Row::key(label).secret(&secret("shared"));
    let builder = DaemonBuilder::serving(&AuthJson::default().pool("openrouter", [row("roots")]));
    let coder = builder.home().profile("coder");
    AuthJson::default().pool("openrouter", [row("coders"), Row::key("own")]).write(&coder.join("auth.json"));
    let daemon = builder.start();
    let says = |arguments: &[&str]| Saying::Option.says(&daemon, arguments);
    let shared = Row::key("coders").id();
    assert_eq!(
        says(&["disable", "openrouter", "coders"]),
        format!("coders ({shared}) is disabled now.\nSo it is for each profile that has it: default, coder.\n")
    );
    assert_eq!(
        says(&["enable", "openrouter", "coders"]),
        format!("coders ({shared}) is ready now.\nSo it is for each profile that has it: default, coder.\n")
    );
    assert_eq!(says(&["disable", "openrouter", "own"]), format!("own ({}) is disabled now.\n", Row::key("own").id()));
}

#[test]
fn however_a_profile_is_meant_what_it_gave_is_one_lease() {
    let daemon = daemon("coder");
    for saying in [Saying::Home, Saying::Option, Saying::Nothing, Saying::Home] {
        assert_eq!(saying.says(&daemon, &["get", "openrouter"]), secret("coders") + "\n", "{saying:?}");
        leases_out(&daemon, 1);
    }
    Saying::Option.says(&daemon, &["release", "--last"]);
    leases_out(&daemon, 0);
}

#[test]
fn the_last_lease_is_that_of_the_profile_that_is_meant() {
    let daemon = daemon("default");
    let default = ["get", "openrouter", "--profile", "default"];
    Saying::Option.says(&daemon, &["get", "openrouter"]);
    Saying::Nothing.says(&daemon, &default);
    // By the home, and by name.
    for (saying, expected) in [(Saying::Home, ["ready", "cooling"]), (Saying::Option, ["ready", "cooling"])] {
        saying.says(&daemon, &["report-error", "--last", "--status", "429"]);
        assert_eq!(states(&daemon), expected, "{saying:?}");
        Saying::Nothing.says(&daemon, &["clear", "openrouter"]);
        Saying::Option.says(&daemon, &["get", "openrouter"]);
        Saying::Nothing.says(&daemon, &default);
    }
    Saying::Nothing.says(&daemon, &["report-error", "--last", "--status", "429"]);
    assert_eq!(states(&daemon), ["cooling", "ready"], "whoever names none means the last of all");
}

#[test]
fn the_last_lease_is_that_of_the_daemon_that_is_asked() {
    let daemons = [daemon("default"), daemon("default")];
    // One home, one session, and two daemons.
    let state = daemons[0].home().state();
    let run = |daemon: &Daemon, arguments: &[&str]| {
        let output = daemon.credpool().command(arguments).env("XDG_STATE_HOME", &state).output();
        let output = output.expect("credpool can be started");
        assert!(output.status.success(), "{output:?}");
    };
    for daemon in &daemons {
        run(daemon, &["get", "openrouter"]);
    }
    run(&daemons[0], &["report-error", "--last", "--status", "429"]);
    assert_eq!(daemons.each_ref().map(states), [["cooling", "ready"], ["ready", "ready"]]);
    run(&daemons[1], &["release", "--last", "openrouter"]);
    daemons.iter().for_each(|daemon| leases_out(daemon, 0));
}
