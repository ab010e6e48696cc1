//! `credpool auth list` beside `hermes auth list`.

use serde_json::json;

use super::agent::Hermes;
use crate::support::{AuthJson, Daemon, Row, now_ms};

/// The lines of `text` that are about these labels: number, label, and the whole line.
fn lines<'a>(text: &'a str, labels: &[&str]) -> Vec<(String, String, &'a str)> {
    let listed = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "←").collect();
        let (number, label) = (words.first()?.trim_start_matches('#'), *words.get(1)?);
        labels.contains(&label).then(|| (number.to_owned(), label.to_owned(), line))
    });
    listed.collect()
}

#[test]
fn numbers_labels_and_the_arrow_are_those_of_hermes_and_a_void_key_is_not_hidden() {
    let Some(hermes) = Hermes::installed() else { return };
    let at_s = now_ms() / 1000;
    let marked = |label: &str, status: &str, code: u16| {
        Row::key(label)
            .set("last_status", json!(status))
            .set("last_status_at", json!(at_s))
            .set("last_error_code", json!(code))
            .set("last_error_reset_at", json!(at_s + 3_600))
    };
    let rows = [marked("spent", "exhausted", 429), marked("void", "dead", 401), Row::key("well")];
    let mut daemon = Daemon::serving(&AuthJson::default().pool("openrouter", rows));
    let theirs = daemon.while_others_write(|home| hermes.run(home, &["auth", "list", "openrouter"]));
    let output = daemon.credpool().run(&["auth", "list", "openrouter"]);
    assert!(output.status.success(), "{output:?}");
    let ours = String::from_utf8(output.stdout).expect("text");

    let labels = ["spent", "void", "well"];
    let (their_lines, our_lines) = (lines(&theirs, &labels), lines(&ours, &labels));
    let names = |lines: &[(String, String, &str)]| -> Vec<(String, String)> {
        lines.iter().map(|(number, label, _)| (number.clone(), label.clone())).collect()
    };
    assert_eq!(names(&their_lines).len(), labels.len(), "{theirs}");
    assert_eq!(names(&their_lines), names(&our_lines), "{theirs}\n{ours}");
    let of = |lines: &[(String, String, &str)], label: &str| -> String {
        lines.iter().find(|(_, found, _)| found == label).map(|(_, _, line)| (*line).to_owned()).expect("it is listed")
    };
    for (label, state) in [("spent", "cooling"), ("void", "needs login"), ("well", "ready")] {
        let (their, our) = (of(&their_lines, label), of(&our_lines, label));
        assert!(our.contains(state), "{our}");
        assert_eq!(their.contains('←'), our.contains('←'), "{their}\n{our}");
    }
    // What makes the difference.
    assert!(!of(&their_lines, "void").contains("dead") && !of(&their_lines, "void").contains("login"), "{theirs}");
    assert!(ours.contains("dead 401"), "{ours}");
}
