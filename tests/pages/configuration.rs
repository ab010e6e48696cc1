//! `daemon/CONFIGURATION.md`. That its table is that of the code is tested beside the code.

use super::Page;
use crate::support::{AuthJson, DaemonBuilder};

#[test]
fn the_example_is_what_it_says() {
    let example = Page::at("daemon/CONFIGURATION.md").block("toml");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let secret = folder.path().join("openai-2");
    std::fs::write(&secret, "sk-canary-2").expect("a new file");
    let example = example.replace("/run/secrets/openai-2", secret.to_str().expect("temporary paths are text"));
    let daemon =
        DaemonBuilder::serving(&AuthJson::keys(["work"])).config(&example).variable("OPENAI_KEY_1", "sk-canary-1");
    let checked = daemon.run_check();
    assert!(checked.status.success(), "{checked:?}");
    for line in
        ["openrouter: 1 credentials, round_robin, hard cap of 4", "openai: 2 credentials, round_robin, soft cap of 1"]
    {
        assert!(checked.stdout.contains(line), "{line}\n{}", checked.stdout);
    }
    assert!(!checked.stdout.contains("problem"), "{}", checked.stdout);
}
