//! When a lease ends by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::error::Loss;

/// No lease is expected to last longer; what says otherwise is not worth a timer.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is known of a lease's end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    /// When it ends by itself, in milliseconds of Unix time.
    pub(crate) expires_at_ms: u64,
    /// The same by the clock of timers. A step of the wall clock after this was made changes nothing.
    pub(crate) until: Instant,
    /// Whether the daemon does not know the lease any more.
    forgotten: bool,
}

impl Term {
    /// Ends at this instant of Unix time, given in milliseconds. The daemon is on the same machine, so its
    /// clock is ours.
    pub(crate) fn until(expires_at_ms: u64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_millis(expires_at_ms).saturating_sub(since).min(LONGEST);
        Self { expires_at_ms, until: Instant::now() + left, forgotten: false }
    }

    /// The daemon does not know the lease any more. If its time was over by then, that is why.
    pub(crate) fn forget(&mut self) {
        self.forgotten = true;
    }

    pub(crate) fn loss(&self, now: Instant) -> Option<Loss> {
        if now >= self.until {
            Some(Loss::Expired)
        } else if self.forgotten {
            Some(Loss::Unknown)
        } else {
            None
        }
    }
}
