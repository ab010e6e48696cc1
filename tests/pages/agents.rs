//! `client/README.md`.

use super::{Page, sample_daemon};
use crate::support::{Tool, credential, need, pool};

/// What the page leaves to the reader: the first key has met its limit.
const CALL_PROVIDER: &str = r#"
def call_provider(credential):
    print(credential["label"], credential["auth"]["prefix"] + credential["secret"], credential["base_url"])
    if credential["label"] == "work":
        return 429, {"Retry-After": "43"}, "slow down"
    return 200, {}, "pong"

"#;

/// A provider that finds fault with the request itself.
const REFUSE_REQUEST: &str = r#"
calls = 0
def call_provider(credential):
    global calls
    calls += 1
    assert calls < 5, "it goes on for ever"
    print("called")
    return 400, {}, '{"error": {"type": "invalid_request_error", "code": "invalid_value", "message": "no such role"}}'

"#;

#[test]
fn the_python_agent_gives_up_where_no_key_would_help() {
    let Some(python) = need(Tool::Hermes) else { return };
    let daemon = sample_daemon();
    let script = format!("{REFUSE_REQUEST}{}", Page::at("client/README.md").block("python agent"));
    let mut command = std::process::Command::new(python);
    let output = daemon.credpool().dress(&mut command).args(["-c", &script]).output().expect("Python can be started");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "called\n");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("no other key would help: request"), "{error}");
}

#[test]
fn the_python_agent_moves_on_to_the_next_key() {
    let Some(python) = need(Tool::Hermes) else { return };
    let daemon = sample_daemon();
    let script = format!("{CALL_PROVIDER}{}", Page::at("client/README.md").block("python agent"));
    let mut command = std::process::Command::new(python);
    let output = daemon.credpool().dress(&mut command).args(["-c", &script]).output().expect("Python can be started");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "work Bearer sk-or-v1-sample-work https://openrouter.ai/api/v1\n\
         spare Bearer sk-or-v1-sample-spare https://openrouter.ai/api/v1\n"
    );
    let mut wire = daemon.wire();
    assert_eq!(credential(&mut wire, "openrouter", "work")["state"], "cooling");
    assert_eq!(pool(&mut wire, "openrouter")["leases"], 0);
}
