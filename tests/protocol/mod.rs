//! The examples of `proto/PROTOCOL.md`, run against a real daemon.
//!
//! A block that is fenced as ```` ```json session=NAME ```` is a conversation. A line that begins with `> ` is sent, one
//! that begins with `< ` is what has to come back, and an indented line continues the one above. Blocks of one name are
//! one connection; all of them talk to one daemon, in the order of the page. Before a block with ` restart` behind its name
//! the daemon is asked to end and started again, and all connections are new ones.
//!
//! What has to come back is compared as a [`pattern`].

mod page;
pub(crate) mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{DaemonBuilder, Wire, repository, sample};
use page::{Line, blocks};
use pattern::Bindings;

#[test]
fn the_examples_of_the_page_are_what_happens() {
    let page = std::fs::read_to_string(repository().join("proto/PROTOCOL.md")).expect("the page is there");
    let builder = DaemonBuilder::empty();
    std::fs::copy(sample(), builder.home().auth_json()).expect("a copy of the sample");
    let mut daemon = builder.snapshot("sync").start();
    let mut sessions: BTreeMap<String, Wire> = BTreeMap::new();
    let mut bindings = Bindings::default();
    let mut shown = BTreeSet::new();
    for block in blocks(&page) {
        if block.restarts {
            daemon.signal(Signal::SIGTERM);
            daemon.ended();
            daemon.restart();
            sessions.clear();
        }
        let wire = sessions.entry(block.session).or_insert_with(|| daemon.wire());
        for line in block.lines {
            match line {
                Line::Sent { text, number } => {
                    let text = bindings.fill(&text);
                    if let Ok(request) = serde_json::from_str::<Value>(&text) {
                        shown.extend(request["op"].as_str().map(str::to_owned));
                    }
                    assert!(!text.contains('\n'), "line {number} is more than a line");
                    wire.send_bytes(format!("{text}\n").as_bytes());
                }
                Line::Expected { pattern, number } => {
                    let reply = wire.recv();
                    if let Err(difference) = bindings.compare(&pattern, &reply) {
                        panic!("line {number} of the page says\n{pattern:#}\nbut the daemon\n{reply:#}\n{difference}");
                    }
                }
            }
        }
    }
    let operations = daemon.wire().ok(&json!({"op": "hello"}))["capabilities"].clone();
    let missing: Vec<_> = operations
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .filter(|operation| !shown.contains(*operation))
        .collect();
    assert!(missing.is_empty(), "the page shows no example of {missing:?}");
}
