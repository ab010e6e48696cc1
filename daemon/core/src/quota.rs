//! A quota window: what responses say is left of what a provider allows an account.

use std::sync::Arc;

use crate::command::Verdict;
use crate::policy::Limits;
use crate::records::{AccountKey, Model, PoolKey};
use crate::time::{Now, Until, Wall};

/// Thousandths at which a window is used up.
pub(crate) const ALL: u32 = 1_000;

/// How long a bucket is believed that says neither how long it is nor when it is full: what refills is mostly counted by
/// the minute.
const BUCKET_MS: u64 = 60 * 1_000;

/// What one response says of one quota window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The vendor's name for the window, the same in every response.
    pub name: Arc<str>,
    /// The one model whose use it counts; `None` if it counts all, or nobody knows which.
    pub model: Option<Model>,
    /// How much there is in all.
    pub limit: Option<u64>,
    /// How much is left.
    pub remaining: Option<u64>,
    /// How much is used, in thousandths; above 1,000 if more was used than there is.
    pub used_permille: Option<u32>,
    /// Milliseconds that it is long.
    pub length_ms: Option<u64>,
    /// Milliseconds from now until it begins anew or, if it refills, is full.
    pub after_ms: Option<u64>,
    /// The instant at which it does. With both, the later counts.
    pub at: Option<Wall>,
    /// Whether it fills up bit by bit.
    pub refills: bool,
    /// Whether nothing is left.
    pub spent: bool,
    /// What follows for the account if nothing is left; `None` if nothing does. Where it says neither how long nor until
    /// when, that is guessed.
    pub verdict: Option<Verdict>,
}

/// Names one quota window. Credentials of one account share its windows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QuotaKey {
    /// Whose it is.
    pub account: AccountKey,
    /// The one model whose use it counts; `None` for all.
    pub model: Option<Model>,
    /// The vendor's name for it.
    pub name: Arc<str>,
}

/// One quota window, as the latest response that spoke of it has it.
///
/// It is there as long as it is fresh: once it has begun anew, nothing is known of it until the next response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quota {
    /// Its name.
    pub key: QuotaKey,
    /// The pool that its account is in.
    pub pool: PoolKey,
    /// How much there is in all.
    pub limit: Option<u64>,
    /// How much was left.
    pub remaining: Option<u64>,
    /// How much was used, in thousandths; above 1,000 if more was used than there is.
    pub used_permille: Option<u32>,
    /// When it begins anew or, if it refills, is full; `None` if nobody said.
    pub resets: Option<Until>,
    /// Whether it fills up bit by bit.
    pub refills: bool,
    /// Whether nothing was left.
    pub spent: bool,
    /// When the response was heard of.
    pub seen: Now,
    /// Until when it is believed.
    pub fresh: Until,
}

impl Reading {
    /// What there is to remember of it; `None` if the window has begun anew by `now`.
    pub(crate) fn quota(&self, account: AccountKey, pool: PoolKey, now: Now, limits: &Limits) -> Option<Quota> {
        let after = self.after_ms.map(|ms| Until::boot(now.boot.after(ms)));
        let resets = match (after, self.at.map(Until::wall)) {
            (Some(after), Some(at)) => Some(after.max(at)),
            (after, at) => after.or(at),
        };
        // A rolling window is another one by and by: whoever says nothing of its end is believed for its length.
        let usual = if self.refills { BUCKET_MS } else { limits.quota_ms };
        let believed = self.length_ms.unwrap_or(usual).clamp(1, limits.quota_ms);
        let fresh = resets.unwrap_or(Until::boot(now.boot.after(believed)));
        (!fresh.passed(now)).then(|| Quota {
            key: QuotaKey { account, model: self.model.clone(), name: Arc::clone(&self.name) },
            pool,
            limit: self.limit,
            remaining: self.remaining,
            used_permille: self.used_permille,
            resets,
            refills: self.refills,
            spent: self.spent,
            seen: now,
            fresh,
        })
    }
}

impl Quota {
    /// How much was used, in thousandths; `None` if the response did not say.
    #[must_use]
    pub fn used(&self) -> Option<u32> {
        if self.spent { Some(self.used_permille.unwrap_or(ALL).max(ALL)) } else { self.used_permille }
    }

    /// When what is left of it is lost: a bucket never loses anything, and what is used up cannot.
    #[must_use]
    pub fn lapses(&self) -> Option<Until> {
        self.resets.filter(|_| !self.refills && self.used().is_none_or(|used| used < ALL))
    }
}
