//! `credpool history`.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon};

#[test]
fn what_was_reported_and_done_is_shown_and_can_be_narrowed_down() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    for (label, status, model) in [("key-0", 429, "gpt-5.5"), ("key-1", 401, "o9")] {
        let acquire = json!({"op": "acquire", "pool": "openrouter", "credential": label, "model": model});
        let lease = wire.ok(&acquire)["lease"].clone();
        wire.ok(&json!({"op": "report_error", "lease": lease, "status": status, "headers": {"retry-after": "43"}}));
    }
    let credpool = daemon.credpool();
    let lines = |arguments: &[&str]| {
        let output = credpool.run(arguments);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("credpool prints text");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = lines(&["history", "openrouter"]);
    assert!(all[0].split_whitespace().eq(["AGO", "WHAT", "OF", "LEFT", "LABEL", "ID"]), "{all:#?}");
    assert!(all[1].contains("auth 401") && all[1].contains("  key-1  "), "{all:#?}");
    assert!(all.iter().any(|line| line.contains("retry-after 43")), "{all:#?}");
    for narrower in [&["history", "openrouter", "key-0"][..], &["history", "openrouter", "--model", "gpt-5.5"]] {
        let some = lines(narrower);
        assert!(some[1].contains("rate limit 429") && some[1].contains("  key-0  "), "{some:#?}");
        assert!(!some.iter().any(|line| line.contains("key-1")), "{some:#?}");
    }
    assert!(lines(&["history", "openrouter", "--limit", "1"]).last().is_some_and(|line| line.contains("and more")));
    let answer: Value = serde_json::from_str(&lines(&["history", "openrouter", "--json"])[0]).expect("JSON");
    assert_eq!(answer["entries"].as_array().map(Vec::len), Some(2));
    assert_eq!(credpool.run(&["history", "openrouter", "nobody"]).status.code(), Some(5));
    assert_eq!(credpool.run(&["history", "openrouter", "--limit", "1001"]).status.code(), Some(2));
}
