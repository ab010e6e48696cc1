//! What credentials are called by operators, where several homes call different keys the same.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Row, Wire};

fn row(id: &str, label: &str) -> Row {
    Row::key(label).set("id", json!(id))
}

/// A root and a profile that call different keys `a1`. Each has another key besides.
fn homes() -> DaemonBuilder {
    let builder =
        DaemonBuilder::serving(&AuthJson::default().pool("openrouter", [row("a1", "roots"), row("b2", "two")]));
    let coder = AuthJson::default().pool("openrouter", [row("a1", "coders"), row("c3", "three")]);
    coder.write(&builder.home().profile("coder").join("auth.json"));
    builder
}

/// A daemon of both homes that was started for the profile.
fn started_for_the_profile() -> Daemon {
    let builder = homes();
    let coder = builder.home().profile("coder");
    let socket = builder.home().runtime().join("credpool/credpool.sock");
    builder.finding_its_way().variable("HERMES_HOME", coder.to_str().expect("text")).start_at(socket)
}

/// `op` about the pool, as `profile` speaks of it, or as nobody in particular does.
fn about(op: &str, profile: Option<&str>, more: &Value) -> Value {
    let mut request = json!({"op": op, "pool": "openrouter", "profile": profile});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    request
}

/// Ids and states by label, as `profile` is shown them.
#[track_caller]
fn shown(wire: &mut Wire, profile: Option<&str>) -> Vec<(String, String, String)> {
    let status = wire.ok(&about("status", profile, &json!({})));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let credentials = status["pools"][0]["credentials"].as_array().expect("a list");
    credentials.iter().map(|c| (text(&c["label"]), text(&c["id"]), text(&c["state"]))).collect()
}

/// The state of the credential with this label.
#[track_caller]
fn state(wire: &mut Wire, label: &str) -> String {
    let shown = shown(wire, None);
    let found = shown.iter().find(|(of, ..)| of == label);
    found.unwrap_or_else(|| panic!("{shown:?} lacks {label}")).2.clone()
}

/// Does all that can be done to the `a1` of a lease, saying `profile` each time.
#[track_caller]
fn a1_is_its_own(daemon: &Daemon, profile: Option<&str>, own: &str, other: &str) {
    let mut wire = daemon.wire();
    let lease = wire.ok(&about("acquire", profile, &json!({})));
    let (id, epoch) = (&lease["credential"]["id"], &lease["credential"]["epoch"]);
    assert_eq!((id, &lease["credential"]["label"]), (&json!("a1"), &json!(own)));
    assert_eq!(wire.ok(&about("explain", profile, &json!({"credential": id})))["choice"]["id"], "a1");

    let switched = wire.ok(&about("disable", profile, &json!({"credential": id})));
    assert_eq!((&switched["credential"]["id"], &switched["credential"]["label"]), (id, &json!(own)));
    assert_eq!((state(&mut wire, own), state(&mut wire, other)), ("disabled".into(), "ready".into()));
    let switched = wire.ok(&about("enable", profile, &json!({"credential": id})));
    assert_eq!((&switched["credential"]["id"], &switched["credential"]["state"]), (id, &json!("ready")));

    let failure = json!({"credential": id, "epoch": epoch, "status": 429, "headers": {"retry-after": "600"}});
    let report = wire.ok(&about("report_error", profile, &failure));
    assert_eq!((&report["applied"], &report["verdict"]["state"]), (&json!(true), &json!("cooling")), "{report:#}");
    assert_eq!((state(&mut wire, own), state(&mut wire, other)), ("cooling".into(), "ready".into()));

    let told = wire.ok(&about("history", profile, &json!({"credential": id})));
    let entries = told["entries"].as_array().expect("a list");
    let events: Vec<_> = entries.iter().map(|entry| entry["event"].clone()).collect();
    assert_eq!(events, ["reported", "enabled", "disabled"], "{told:#}");
    assert!(entries.iter().all(|entry| entry["credential"] == json!({"id": "a1", "label": own})), "{told:#}");

    assert_eq!(wire.ok(&about("clear", profile, &json!({"credential": id})))["cleared"], 1);
    assert_eq!(state(&mut wire, own), "ready");
}

#[test]
fn what_a_lease_shows_is_what_the_profile_s_operators_mean() {
    let daemon = homes().start();
    a1_is_its_own(&daemon, Some("coder"), "coders", "roots");
    a1_is_its_own(&daemon, Some("default"), "roots", "coders");
}

#[test]
fn who_names_no_profile_means_the_daemon_s_own() {
    a1_is_its_own(&homes().start(), None, "roots", "coders");
    a1_is_its_own(&started_for_the_profile(), None, "coders", "roots");
}

#[test]
fn the_keys_of_others_are_shown_with_a_profile_and_named_so() {
    let daemon = homes().start();
    let mut wire = daemon.wire();
    let ids = |wire: &mut Wire, profile: &str| -> Vec<_> {
        shown(wire, Some(profile)).into_iter().map(|(label, id, _)| (label, id)).collect()
    };
    let of = |pairs: [(&str, &str); 4]| pairs.map(|(label, id)| (label.to_owned(), id.to_owned()));
    let for_root = [("roots", "a1"), ("two", "b2"), ("coders", "a1@coder"), ("three", "c3@coder")];
    let for_coder = [("roots", "a1@default"), ("two", "b2@default"), ("coders", "a1"), ("three", "c3")];
    assert_eq!(ids(&mut wire, "default"), of(for_root));
    assert_eq!(ids(&mut wire, "coder"), of(for_coder));
    for (profile, name, label) in [
        ("coder", "a1@default", "roots"),
        ("coder", "roots@default", "roots"),
        ("coder", "a1@coder", "coders"),
        ("default", "a1@coder", "coders"),
        ("default", "three@coder", "three"),
    ] {
        let switched = wire.ok(&about("disable", Some(profile), &json!({"credential": name})));
        assert_eq!(switched["credential"]["label"], label, "{name} for {profile}");
        assert_eq!(state(&mut wire, label), "disabled");
        wire.ok(&about("enable", Some(profile), &json!({"credential": name})));
    }
    let told = wire.ok(&about("history", Some("coder"), &json!({"limit": 2})));
    assert_eq!(told["entries"][0]["credential"], json!({"id": "c3", "label": "three"}), "{told:#}");
}

#[test]
fn a_bare_name_is_never_that_of_another_profile() {
    let mut daemon = homes().start();
    let mut wire = daemon.wire();
    for (profile, name) in [("default", "c3"), ("default", "three"), ("coder", "b2"), ("coder", "c3@default")] {
        for op in ["disable", "enable", "clear", "history"] {
            wire.refused(&about(op, Some(profile), &json!({"credential": name})), "unknown_credential");
        }
    }
    daemon.while_others_write(|home| {
        let rest = AuthJson::default().pool("openrouter", [row("c3", "three")]);
        rest.write(&home.profile("coder").join("auth.json"));
    });
    wire.ok(&json!({"op": "reload"}));
    wire.refused(&about("disable", Some("coder"), &json!({"credential": "a1"})), "unknown_credential");
    assert_eq!(state(&mut wire, "roots"), "ready");
}

#[test]
fn what_is_not_there_is_repeated_with_what_may_be_meant() {
    let daemon = homes().start();
    let mut wire = daemon.wire();
    let mut message = |request: Value, code: &str| wire.refused(&request, code)["message"].clone();
    assert_eq!(
        message(about("disable", Some("default"), &json!({"credential": "three"})), "unknown_credential"),
        "no credential of this pool has the id or label `three` for this profile; there is c3@coder"
    );
    assert_eq!(
        message(about("acquire", Some("default"), &json!({"credential": "nobody"})), "unknown_credential"),
        "no credential of this pool has the id or label `nobody`"
    );
    assert_eq!(
        message(json!({"op": "acquire", "pool": "openruter"}), "unknown_pool"),
        "there is no pool `openruter`; there are: openrouter"
    );
    assert_eq!(
        message(about("acquire", Some("codr"), &json!({})), "unknown_pool"),
        "there is no profile `codr`; there are: default, coder"
    );
    let long = message(json!({"op": "clear", "pool": "x".repeat(256)}), "unknown_pool");
    assert_eq!(long, format!("there is no pool `{}`; there are: openrouter", "x".repeat(64)));
    let key = crate::support::secret("coders");
    for (request, code) in [
        (json!({"op": "status", "pool": key}), "unknown_pool"),
        (about("status", Some(&key), &json!({})), "unknown_pool"),
        (about("clear", None, &json!({"credential": key})), "unknown_credential"),
    ] {
        assert!(message(request, code).as_str().is_some_and(|text| text.contains("`[cut]`")));
    }
}

#[test]
fn every_request_about_credentials_refuses_a_profile_that_there_is_not() {
    let daemon = homes().start();
    let mut wire = daemon.wire();
    for op in ["acquire", "explain", "status", "history", "clear", "disable", "enable"] {
        let more = if op == "status" { json!({}) } else { json!({"credential": "a1"}) };
        let error = wire.refused(&about(op, Some("nobody"), &more), "unknown_pool");
        assert_eq!(error["profiles"], json!(["default", "coder"]), "{op}: {error:#}");
    }
    let report = json!({"credential": "a1", "epoch": "e", "status": 429});
    wire.refused(&about("report_error", Some("nobody"), &report), "unknown_pool");
}

#[test]
fn what_is_said_of_the_whole_pool_is_said_of_all_profiles() {
    let daemon = homes().start();
    let mut wire = daemon.wire();
    for profile in ["default", "coder"] {
        let lease = wire.ok(&about("acquire", Some(profile), &json!({})));
        let failure =
            json!({"op": "report_error", "lease": lease["lease"], "status": 429, "headers": {"retry-after": "60"}});
        wire.ok(&failure);
    }
    assert_eq!(wire.ok(&about("history", Some("coder"), &json!({})))["entries"].as_array().map(Vec::len), Some(2));
    assert_eq!(wire.ok(&about("clear", Some("coder"), &json!({})))["cleared"], 2);
}

#[test]
fn the_next_lease_of_a_report_without_one_is_of_the_same_profile() {
    let daemon = homes().start();
    let mut wire = daemon.wire();
    let epoch = wire.ok(&about("acquire", Some("coder"), &json!({})))["credential"]["epoch"].clone();
    let failure = json!({"credential": "a1", "epoch": epoch, "status": 429, "next": {}});
    let report = wire.ok(&about("report_error", Some("coder"), &failure));
    assert_eq!(report["next"]["credential"]["label"], "three", "{report:#}");
}
