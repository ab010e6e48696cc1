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
