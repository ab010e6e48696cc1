//! When a lease ends by itself, and what is known of its secret meanwhile.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use credpool_proto::reply::Renewed;
use tokio::time::Instant;

use crate::error::Loss;

/// No lease is expected to last longer; what says otherwise is not worth a timer.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is known of a lease's end.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// When it ends by itself, in milliseconds of Unix time.
    pub(crate) expires_at_ms: u64,
    /// The same by the clock of timers. A step of the wall clock after this was made changes nothing.
    pub(crate) until: Instant,
    /// Whether the credential has another secret than was leased, or none.
    pub(crate) replaced: bool,
    /// The fingerprint of what was leased.
    leased: Option<String>,
    /// Whether the daemon does not know the lease any more.
    forgotten: bool,
}

impl Term {
    /// Ends at this instant of Unix time, given in milliseconds. The daemon is on the same machine, so its
    /// clock is ours. `fingerprint` is that of the secret.
    pub(crate) fn new(expires_at_ms: u64, fingerprint: Option<&str>) -> Self {
        let leased = fingerprint.map(str::to_owned);
        Self { expires_at_ms, until: timer(expires_at_ms), replaced: false, leased, forgotten: false }
    }

    /// The daemon has put the end off, and said which secret the credential has by now.
    pub(crate) fn renew(&mut self, renewed: &Renewed<'_>) {
        self.expires_at_ms = renewed.expires_at_ms;
        self.until = timer(renewed.expires_at_ms);
        self.replaced = renewed.fingerprint.as_deref() != self.leased.as_deref();
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

fn timer(expires_at_ms: u64) -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::now() + Duration::from_millis(expires_at_ms).saturating_sub(since).min(LONGEST)
}
