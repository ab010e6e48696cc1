//! Finding conversations in a Markdown page.

use serde_json::Value;

/// A fenced block of a page.
pub(super) struct Block {
    /// Which connection it is about.
    pub(super) session: String,
    /// Whether the daemon is asked to end and started again before it.
    pub(super) restarts: bool,
    pub(super) lines: Vec<Line>,
}

/// One line of a conversation, and where it begins on the page.
pub(super) enum Line {
    /// Sent as it stands: it need not be JSON.
    Sent { text: String, number: usize },
    /// What has to come back.
    Expected { pattern: Value, number: usize },
}

/// The conversations of a page. A JSON block that is none is an error: it would be an example that nothing checks.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```json") else { continue };
        let info = info.trim();
        let (info, restarts) = info.strip_suffix(" restart").map_or((info, false), |info| (info, true));
        let session = info.strip_prefix("session=");
        let session = session.unwrap_or_else(|| panic!("the JSON block at line {} has no session", index + 1));
        let body: Vec<_> = lines.by_ref().take_while(|(_, line)| *line != "```").collect();
        let lines = conversation(&body);
        assert!(!lines.is_empty(), "the block at line {} says nothing", index + 1);
        blocks.push(Block { session: session.to_owned(), restarts, lines });
    }
    assert!(!blocks.is_empty(), "the page has no examples");
    blocks
}

fn conversation(body: &[(usize, &str)]) -> Vec<Line> {
    let mut joined: Vec<(usize, bool, String)> = Vec::new();
    for (index, line) in body {
        if let Some(text) = line.strip_prefix("> ") {
            joined.push((index + 1, true, text.to_owned()));
        } else if let Some(text) = line.strip_prefix("< ") {
            joined.push((index + 1, false, text.to_owned()));
        } else {
            let last = joined.last_mut().filter(|_| line.starts_with(' '));
            let (_, _, text) = last.unwrap_or_else(|| panic!("line {} is neither sent nor expected", index + 1));
            text.push_str(line.trim_start());
        }
    }
    let line = |(number, sent, text): (usize, bool, String)| {
        if sent {
            return Line::Sent { text, number };
        }
        let pattern = serde_json::from_str(&text).unwrap_or_else(|error| panic!("line {number}: {error}"));
        Line::Expected { pattern, number }
    };
    joined.into_iter().map(line).collect()
}

#[test]
fn lines_are_joined_and_told_apart() {
    let page = "text\n```json session=a\n> {\"op\":\n   1}\n< {\"ok\":true,\n   \"x\":1}\n```\n```sh\n> no\n```\n";
    let found = blocks(page);
    assert_eq!((found.len(), found[0].session.as_str(), found[0].lines.len()), (1, "a", 2));
    assert!(!found[0].restarts);
    match &found[0].lines[0] {
        Line::Sent { text, number } => assert_eq!((text.as_str(), *number), ("{\"op\":1}", 3)),
        Line::Expected { .. } => panic!("it is sent"),
    }
    match &found[0].lines[1] {
        Line::Expected { pattern, number } => assert_eq!((&pattern["x"], *number), (&Value::from(1), 5)),
        Line::Sent { .. } => panic!("it is expected"),
    }
    let found = blocks("```json session=a restart\n> {}\n```\n");
    assert_eq!((found[0].session.as_str(), found[0].restarts), ("a", true));
}
