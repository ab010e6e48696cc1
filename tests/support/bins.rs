//! Where the programs under test are.

use std::path::{Path, PathBuf};

/// The daemon, which cargo builds for this test.
pub(super) fn credpoold() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_credpoold"))
}

/// The command-line client: another package, so cargo does not build it for this test.
pub(super) fn credpool() -> PathBuf {
    built(credpoold().with_file_name("credpool"))
}

/// The client library's example of this name, likewise.
pub(crate) fn example(name: &str) -> PathBuf {
    built(credpoold().with_file_name("examples").join(name))
}

fn built(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace --bins --examples`", path.display());
    path
}
