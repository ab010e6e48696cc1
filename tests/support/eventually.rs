//! Waiting for what a daemon does by itself.

use std::time::{Duration, Instant};

/// How long a test waits before it calls something broken. Generous: only a failing test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(2);

/// Polls `check` until it returns something, and panics with `what` after [`PATIENCE`].
#[track_caller]
pub(crate) fn eventually<T>(what: &str, check: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, check)
}

/// As [`eventually`], with a patience of its own.
#[track_caller]
pub(crate) fn eventually_within<T>(patience: Duration, what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "after {patience:?} still not so: {what}");
        std::thread::sleep(POLL);
    }
}
