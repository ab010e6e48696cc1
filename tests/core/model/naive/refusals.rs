//! Why nobody is granted.

use std::collections::BTreeMap;

use credpool_core::{Absent, CredentialKey, Refusal};

use super::granting::{Outlook, Wanted};
use super::recovery::Life;
use super::{Ban, Credential, GRAVITY, Naive, Said, ensure};

/// A refusal, and what it should speak of.
pub(super) struct Refused<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) outlook: &'a Outlook,
    pub(super) naive: &'a Naive,
}

impl Refused<'_> {
    pub(super) fn check(&self, refusal: &Refusal) -> Said {
        let (naive, Wanted { pool, ask, .. }) = (self.naive, self.wanted);
        let Outlook { candidates, of_pool, .. } = self.outlook;
        let restricted = |credential: &Credential| naive.restricted(credential, ask);
        let longest = |blocking: &[Ban]| {
            let left = |ban: &Ban| (naive.left(ban.opens()).unwrap_or(u64::MAX), ban.cause);
            blocking.iter().max_by_key(|ban| left(ban)).map(|ban| (left(ban).0, ban.life != Life::Closed))
        };
        // A probe may answer at any moment.
        let retry =
            |longest: Option<(u64, bool)>| longest.map(|(left, probing)| if probing { left.min(1_000) } else { left });
        let healthy = |credential: &&Credential| restricted(credential).is_empty();
        let capped = |credential: &&Credential| naive.is_full(credential, ask.model.as_ref());
        let at_cap = candidates.iter().filter(healthy).filter(capped).count();
        let free = candidates.iter().filter(healthy).count() - at_cap;
        let (busy, unavailable) = match refusal {
            Refusal::Busy(unavailable) => (true, unavailable),
            Refusal::Exhausted(unavailable) => (false, unavailable),
            _ => return Err("busy or exhausted".into()),
        };
        ensure!(busy == (at_cap + free > 0 && of_pool.is_empty()), "busy: {}", !busy);
        let total_met = naive.total_met(*pool);
        ensure!(unavailable.pool_cap == total_met, "the cap of the pool: {total_met:?}");
        ensure!(free == 0 || total_met.is_some() || !of_pool.is_empty(), "{free} can be had");
        ensure!(unavailable.total == candidates.len(), "total: {}", candidates.len());
        ensure!(unavailable.at_cap == at_cap, "at their caps: {at_cap}");
        let mut by_cause = BTreeMap::new();
        for credential in candidates {
            let causes = restricted(credential);
            if let Some(gravest) = GRAVITY.iter().find(|grave| causes.iter().any(|ban| ban.cause == **grave)) {
                *by_cause.entry(*gravest).or_insert(0) += 1;
            }
        }
        // Whom nothing else keeps away waits for the pool.
        let pauses = of_pool.iter().max_by_key(|ban| (naive.left(ban.opens()).unwrap_or(u64::MAX), ban.cause));
        if let Some(pause) = pauses.filter(|_| free > 0) {
            *by_cause.entry(pause.cause).or_insert(0) += free;
        }
        ensure!(unavailable.by_cause == by_cause, "by cause: {by_cause:?}");

        let mut named: Vec<CredentialKey> = unavailable.first.iter().map(|absent| absent.credential).collect();
        named.sort_unstable();
        let mut kept_away: Vec<CredentialKey> =
            candidates.iter().filter(|c| !of_pool.is_empty() || !healthy(c) || capped(c)).map(|c| c.key).collect();
        kept_away.sort_unstable();
        ensure!(named == kept_away, "named: {kept_away:?}");
        for Absent { credential, obstacle } in &unavailable.first {
            let Some(row) = candidates.iter().find(|c| c.key == *credential) else { continue };
            let expected = longest(&restricted(row));
            let said = obstacle.as_ref().map(|o| (o.until.remaining(naive.now).unwrap_or(u64::MAX), o.probing));
            ensure!(said == expected, "{credential:?} is kept away for {expected:?}, not {said:?}");
        }

        let pool_for = longest(of_pool);
        let said = unavailable.pool.as_ref();
        let said = said.map(|o| (o.until.remaining(naive.now).unwrap_or(u64::MAX), o.probing));
        ensure!(said == pool_for, "the pool is restricted for {pool_for:?}, not {said:?}");
        let soonest = candidates.iter().filter_map(|c| retry(longest(&restricted(c)))).min();
        let pool_for = retry(pool_for);
        let probe = naive.next_probe(*pool, candidates, ask, of_pool).unwrap_or(u64::MAX);
        let said = unavailable.retry_after_ms.unwrap_or(u64::MAX);
        if candidates.is_empty() {
            ensure!(unavailable.retry_after_ms.is_none(), "nobody comes back");
        } else if free > 0 {
            let pool_for = pool_for.unwrap_or(1_000).min(probe);
            ensure!(said == pool_for, "they come back with the pool, in {pool_for}");
        } else if at_cap > 0 {
            // Nobody knows when a slot comes free.
            let pool_for = pool_for.unwrap_or(1);
            let (least, most) = (pool_for.min(probe), pool_for.max(1_000).min(probe));
            ensure!((least..=most).contains(&said), "retry in {least} to {most}");
        } else {
            let expected = soonest.unwrap_or(u64::MAX).max(pool_for.unwrap_or(0)).min(probe);
            ensure!(said == expected, "retry in {expected}");
        }
        Ok(())
    }
}
