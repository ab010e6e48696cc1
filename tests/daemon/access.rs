//! Who may connect, by the kernel's word about the peer: tested with the file system's rights opened wide, so that they
//! decide nothing.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Peer, need_root};

/// Nobody, by tradition: a user that owns nothing and runs nothing here.
const STRANGER: u32 = 65_534;

#[test]
fn another_user_is_turned_away_however_open_the_socket_is() {
    if !need_root() {
        return;
    }
    let daemon = Daemon::serving(&AuthJson::many(1));
    daemon.open_wide();
    let mut stranger = Peer::start_as(daemon.socket(), STRANGER);
    match stranger.ask(&json!({"op": "acquire", "pool": "openrouter"})).filter(|reply| !reply.is_null()) {
        // Closed without a word is as good.
        None => {}
        Some(reply) => assert_eq!(reply["error"]["code"], "forbidden", "{reply:#}"),
    }
    let gone = stranger.ask(&json!({"op": "ping"})).filter(|reply| !reply.is_null());
    assert_eq!(gone, None, "the connection goes on");
    assert_eq!(daemon.wire().ok(&json!({"op": "status"}))["pools"][0]["leases"], 0);
}

#[test]
fn a_user_whom_the_config_names_is_served() {
    if !need_root() {
        return;
    }
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).config(&format!("[access]\nusers = [\"{STRANGER}\"]\n"));
    let daemon = builder.start();
    daemon.open_wide();
    let reply = Peer::start_as(daemon.socket(), STRANGER).ask(&json!({"op": "acquire", "pool": "openrouter"}));
    assert_eq!(reply.expect("a reply")["credential"]["label"], "key-0");
}

#[test]
fn a_group_whom_the_config_names_is_served() {
    if !need_root() {
        return;
    }
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).config(&format!("[access]\ngroups = [\"{STRANGER}\"]\n"));
    let daemon = builder.start();
    daemon.open_wide();
    let reply = Peer::start_as(daemon.socket(), STRANGER).ask(&json!({"op": "ping"}));
    assert_eq!(reply.expect("a reply")["ok"], true);
}

#[test]
fn where_there_are_admins_others_may_use_and_not_operate() {
    if !need_root() {
        return;
    }
    let toml = format!("[access]\nusers = [\"{STRANGER}\"]\nadmins = [\"root\"]\n");
    let daemon = Daemon::configured(&AuthJson::many(1), &toml);
    daemon.open_wide();
    let mut stranger = Peer::start_as(daemon.socket(), STRANGER);
    let granted = stranger.ask(&json!({"op": "acquire", "pool": "openrouter"})).expect("a reply");
    let epoch = &granted["credential"]["epoch"];
    let operations = [
        json!({"op": "clear", "pool": "openrouter"}),
        json!({"op": "disable", "pool": "openrouter", "credential": "key-0"}),
        json!({"op": "enable", "pool": "openrouter", "credential": "key-0"}),
        json!({"op": "reload"}),
        json!({"op": "report_error", "pool": "openrouter", "credential": "key-0", "epoch": epoch, "status": 429}),
    ];
    for request in &operations {
        let reply = stranger.ask(request).expect("a reply");
        assert_eq!(reply["error"]["code"], "forbidden", "{request}: {reply:#}");
        let allowed = daemon.wire().ask(request);
        assert_ne!(allowed["error"]["code"], "forbidden", "{request} by root: {allowed:#}");
    }
    let report = json!({"op": "report_error", "lease": granted["lease"], "status": 429});
    assert_eq!(stranger.ask(&report).map(|reply| reply["ok"].clone()), Some(Value::Bool(true)));
}

#[test]
fn a_user_that_does_not_exist_is_an_error_of_the_config() {
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).config("[access]\nusers = [\"no-such-user-here\"]\n");
    let ended = builder.run();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no-such-user-here"), "{ended:?}");
}
