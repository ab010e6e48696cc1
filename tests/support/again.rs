//! This test program, started again for one of its parts: a process of our own making to crowd, kill or run as somebody.

use std::process::{Command, Stdio};

/// A command that runs the ignored test `test` alone, in an empty environment, with pipes for stdin and stdout.
///
/// The test harness prints to stdout, too: mark the lines that are meant for the caller.
pub(crate) fn again(test: &str) -> Command {
    // Not by its path: another user may have no right to pass the folders that lead there.
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}
