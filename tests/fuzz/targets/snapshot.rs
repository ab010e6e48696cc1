//! A snapshot, and after an empty line its log, without their checksums: what the loader makes of them, and what a
//! core goes on with.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use credpool_core::{Boot, Command, Core, Limits, Now, Records, Wall};
use credpool_daemon::config::{Durability, Snapshot};
use credpool_daemon::journal::State;
use credpool_fuzz::within;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tempfile::TempDir;

/// A minute after the snapshot among the fixtures was written.
const NOW: Now = Now { boot: Boot(1_795_543_813_503), wall: Wall(1_795_543_813_503) };

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("there is room for a folder"));

fuzz_target!(|input: &[u8]| {
    let at = memchr::memmem::find(input, b"\n\n");
    let (snapshot, log) = at.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
    let path = FOLDER.path().join("state.json");
    write(&path, &sealed(snapshot));
    let log: Vec<u8> = log.split(|byte| *byte == b'\n').flat_map(sealed).collect();
    write(&path.with_file_name("state.json.2.log"), &log);
    restore(snapshot);
    let snapshot = Snapshot { path, durability: Durability::Relaxed };
    within(64 * input.len() + 1_024 * 1_024, || State::open(&snapshot, NOW)).expect("the path names a file");
});

fn restore(snapshot: &[u8]) {
    let Ok(mut document) = serde_json::from_slice::<Value>(snapshot) else { return };
    let Some(records) = document.get_mut("records") else { return };
    let Ok(records) = serde_json::from_value::<Records>(records.take()) else { return };
    let mut core = Core::restore(records, Limits::default(), NOW);
    core.apply(NOW, Command::Tick);
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("files can be written");
}

/// A document with the checksum that makes the loader read on.
fn sealed(document: &[u8]) -> Vec<u8> {
    let document = document.strip_suffix(b"}").unwrap_or(document);
    let checksum = format!(",\"crc32\":\"{:08x}\"}}\n", crc32fast::hash(document));
    [document, checksum.as_bytes()].concat()
}
