//! Where the programs under test are.

use std::path::{Path, PathBuf};

/// The daemon, which cargo builds for this test.
pub(super) fn credpoold() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_credpoold"))
}

/// The command-line client: another package, so cargo does not build it for this test.
pub(super) fn credpool() -> PathBuf {
    let path = credpoold().with_file_name("credpool");
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace --bins`", path.display());
    path
}
