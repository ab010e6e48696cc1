//! How keys come back.

use std::sync::Mutex;
use std::sync::mpsc;

use serde_json::json;

use super::agent::Agent;
use super::answers::{completion, key, no_such_key, retry_after, secret_of};
use crate::support::{AuthJson, Daemon, DaemonBuilder, Http, Row, credential, eventually, secret};

#[test]
fn a_failure_from_before_a_clear_is_history() {
    // The first call is answered when the test says so, the others at once.
    let (let_go, gate) = mpsc::channel::<()>();
    let (called, calls) = mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let server = Http::start(move |_| {
        let _ = called.send(());
        let first = gate.lock().expect("nobody panicked").take();
        if let Some(gate) = first {
            let _ = gate.recv();
        }
        retry_after(3_600)
    });
    let daemon = Daemon::serving(&AuthJson::default().pool("openrouter", [key("only", &server)]));
    let (Some(mut slow), Some(mut quick)) = (Agent::of(&daemon), Agent::of(&daemon)) else { return };
    let ask = json!({"pool": "openrouter"});
    assert_eq!(slow.acquire("slow", &ask)["ok"], true);
    slow.begin_call("slow", "openai", "m");
    calls.recv().expect("the provider is called");

    let failed = quick.turn(&ask, "openai", "m");
    assert_eq!((&failed["status"], &failed["reply"]["applied"]), (&json!(429), &json!(true)), "{failed:#}");
    let mut wire = daemon.wire();
    assert_eq!(credential(&mut wire, "openrouter", "only")["state"], "cooling");
    wire.ok(&json!({"op": "clear", "pool": "openrouter", "credential": "only"}));

    let_go.send(()).expect("the provider still waits");
    let late = slow.recv();
    assert_eq!((&late["status"], &late["reply"]["applied"]), (&json!(429), &json!(false)), "{late:#}");
    assert_eq!(late["reply"]["why"], "cleared_since", "{late:#}");
    assert_eq!(credential(&mut wire, "openrouter", "only")["state"], "ready");
    assert_eq!(quick.acquire("again", &ask)["credential"]["label"], "only");
}

#[test]
fn a_new_key_in_hermes_env_file_starts_with_a_clean_slate() {
    let good = secret("new");
    let server = Http::start(move |request| if secret_of(request) == good { completion() } else { no_such_key() });
    let file = |name: &str| format!("DEEPSEEK_API_KEY={}\nDEEPSEEK_BASE_URL={}/v1\n", secret(name), server.url());
    let mut daemon = DaemonBuilder::serving(&AuthJson::default().pool("deepseek", [Row::env("DEEPSEEK_API_KEY")]))
        .beside_auth_json(".env", &file("old"))
        .start();
    let Some(mut agent) = Agent::of(&daemon) else { return };
    let ask = json!({"pool": "deepseek", "model": "m"});
    let failed = agent.turn(&ask, "openai", "m");
    assert_eq!((&failed["status"], &failed["reply"]["verdict"]["kind"]), (&json!(401), &json!("auth")), "{failed:#}");
    assert_eq!(agent.acquire("refused", &ask)["error"]["code"], "exhausted");

    let old = credential(&mut daemon.wire(), "deepseek", "DEEPSEEK_API_KEY")["fingerprint"].clone();
    daemon.while_others_write(|home| {
        std::fs::write(home.hermes().join(".env"), file("new")).expect("the file can be written");
    });
    let mut wire = daemon.wire();
    eventually("the new key is known", || {
        let found = credential(&mut wire, "deepseek", "DEEPSEEK_API_KEY");
        (found["fingerprint"] != old).then_some(())
    });
    let lease = agent.acquire("new", &ask);
    assert_eq!(lease["ok"], true, "{lease:#}");
    let called = agent.call("new", "openai", "m");
    assert_eq!((&called["status"], &called["reply"]["ok"]), (&json!(200), &json!(true)), "{called:#}");
}
