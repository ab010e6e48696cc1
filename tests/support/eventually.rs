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
pub(crate) fn eventually_within<T>(patience: Duration, what: &str, check: impl FnMut() -> Option<T>) -> T {
    poll(patience, check).unwrap_or_else(|| panic!("after {patience:?} still not so: {what}"))
}

/// Polls `check` until it returns something, or until the patience is at its end.
pub(crate) fn poll<T>(patience: Duration, mut check: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        let found = check();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        std::thread::sleep(POLL);
    }
}

/// As [`eventually`], for a test whose own tasks have to go on meanwhile.
pub(crate) async fn eventually_async(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !check() {
        assert!(tokio::time::Instant::now() < deadline, "after {PATIENCE:?} still not so: {what}");
        tokio::time::sleep(POLL).await;
    }
}
