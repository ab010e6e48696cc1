//! What somebody sees of the pools, and what is said where there is nothing to be had.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use credpool_core as core;
use credpool_core::{Core, CredentialKey, Now, Obstacle, PoolKey};
use credpool_proto::error::{Details, Unavailable, WireError};
use credpool_proto::reply::{self, CredentialBrief};
use credpool_proto::words::ErrorCode;
use credpool_verdict::scrub;

use super::convert::{cause, cause_word, instant, number, reason, state};
use crate::catalogue::Catalogue;

/// How many credentials of others an error names.
const OTHERS: usize = 3;

/// Most credentials of one label that an error names.
const BEARERS: usize = 32;

/// What there is, as a profile sees it; or everybody.
pub(super) struct Seen<'a> {
    pub(super) core: &'a Core,
    pub(super) catalogue: &'a Catalogue,
    pub(super) now: Now,
    pub(super) profile: Option<&'a str>,
}

impl<'a> Seen<'a> {
    /// What a credential is called, as long as it is defined.
    pub(super) fn id(&self, key: CredentialKey) -> Option<Cow<'a, str>> {
        match self.profile {
            Some(profile) => self.catalogue.called(key, profile),
            None => self.catalogue.id(key).map(Cow::Borrowed),
        }
    }

    /// A credential in a few words, as it stands for requests that name no model.
    pub(super) fn brief(&self, key: CredentialKey) -> CredentialBrief<'static> {
        let behind = self.core.restriction_behind(key);
        let row = self.catalogue.row(key, self.profile);
        CredentialBrief {
            id: self.id(key).unwrap_or_default().into_owned().into(),
            label: row.map_or(Cow::Borrowed(""), |row| Cow::Owned(row.label.clone())),
            state: state(self.core.state(key)),
            cause: behind.map(|restriction| reply::Cause {
                kind: cause_word(restriction.identity.cause).into(),
                status: restriction.status,
                reason: reason(&restriction.reason),
            }),
            until_at_ms: behind.and_then(|restriction| instant(restriction.opens(), self.now)),
        }
    }

    /// No such credential, or too many of them.
    pub(super) fn not_one(&self, pool: PoolKey, name: &str, bearers: &[CredentialKey]) -> WireError<'static> {
        let name_shown = scrub(name);
        if bearers.is_empty() {
            let mut message = format!("no credential of this pool has the id or label `{name_shown}`");
            let others = self.catalogue.bearers(pool, name).into_iter().filter_map(|key| self.id(key));
            let others: Vec<Cow<'_, str>> = others.take(OTHERS).collect();
            if !others.is_empty() {
                let _ = write!(message, " for this profile; there is {}", others.join(", "));
            }
            return WireError::new(ErrorCode::UnknownCredential, message);
        }
        let count = bearers.len();
        let message = format!("{count} credentials of this pool have the label `{name_shown}`: name one by its id");
        let bearers = bearers.iter().take(BEARERS).map(|key| self.brief(*key)).collect();
        WireError { code: ErrorCode::AmbiguousLabel, message: message.into(), details: Details::Credentials(bearers) }
    }

    /// What the core refused, in the protocol's words.
    pub(super) fn error(
        &self,
        refusal: &core::Refusal,
        pool: Option<PoolKey>,
        model: Option<&str>,
    ) -> WireError<'static> {
        match refusal {
            core::Refusal::UnknownPool => unknown_pool(self.catalogue, self.profile, None),
            core::Refusal::UnknownCredential => {
                WireError::new(ErrorCode::UnknownCredential, "the credential is not defined any more")
            }
            core::Refusal::UnknownLease => unknown_lease(),
            core::Refusal::UnknownTicket => unknown_ticket(),
            core::Refusal::NotTheHolder => WireError::new(
                ErrorCode::Forbidden,
                "another connection holds the lease: only that can detach it, and nobody claim it",
            ),
            core::Refusal::NotTheUser => {
                WireError::new(ErrorCode::Forbidden, "the lease is another user's, and only they can claim it")
            }
            core::Refusal::Detached => WireError::bad_request(
                "the lease is detached: it needs no connection, and goes on without being claimed",
            ),
            core::Refusal::Exhausted(unavailable) => self.unavailable(ErrorCode::Exhausted, unavailable, pool, model),
            core::Refusal::Busy(unavailable) => self.unavailable(ErrorCode::Busy, unavailable, pool, model),
            core::Refusal::Timeout(unavailable) => self.unavailable(ErrorCode::Timeout, unavailable, pool, model),
            core::Refusal::Limit(limit) => self.limit(*limit),
        }
    }

    fn limit(&self, limit: core::Limit) -> WireError<'static> {
        let limits = self.core.limits();
        let (name, value, what) = match limit {
            core::Limit::Leases => ("leases", limits.leases, "too many leases are out, or waited for"),
            core::Limit::LeasesPerConnection => {
                ("leases_per_connection", limits.leases_per_connection, "this connection holds too many leases")
            }
            core::Limit::ReportsPerLease => {
                ("reports_per_lease", limits.reports_per_lease, "too many failures of this lease were reported")
            }
            core::Limit::Waiters => ("waiters", limits.waiters, "too many requests wait"),
            core::Limit::WaitersPerConnection => {
                ("waiters_per_connection", limits.waiters_per_connection, "too many requests of this connection wait")
            }
            core::Limit::WaitersPerUser => {
                ("waiters_per_uid", limits.waiters_per_user, "too many requests of this user wait")
            }
            core::Limit::QueuesPerPool => (
                "queues_per_pool",
                limits.queues_per_pool,
                "those who wait in this pool want too many different things",
            ),
        };
        match limit {
            core::Limit::Leases | core::Limit::LeasesPerConnection | core::Limit::ReportsPerLease => {
                WireError::limit(name, number(value), what)
            }
            _ => WireError::queue_full(name, number(value), what),
        }
    }

    fn unavailable(
        &self,
        code: ErrorCode,
        unavailable: &core::Unavailable,
        pool: Option<PoolKey>,
        model: Option<&str>,
    ) -> WireError<'static> {
        let pool = pool.and_then(|key| self.core.records().pools.get(&key)).map_or("", |pool| &*pool.name);
        let mut by_cause: BTreeMap<Cow<'static, str>, u64> =
            unavailable.by_cause.iter().map(|(cause, count)| (cause_word(*cause).into(), number(*count))).collect();
        if unavailable.at_cap > 0 {
            by_cause.insert("at_cap".into(), number(unavailable.at_cap));
        }
        let retry_at_ms = unavailable.retry_after_ms.map(|ms| self.now.wall.after(ms).0);
        let message = message(code, unavailable, pool);
        WireError {
            code,
            message: message.into(),
            details: Details::Unavailable(Box::new(Unavailable {
                retry_after_ms: unavailable.retry_after_ms,
                retry_at_ms,
                pool: Cow::Owned(pool.to_owned()),
                model: model.map(|model| Cow::Owned(model.to_owned())),
                total: number(unavailable.total),
                by_cause,
                credentials: unavailable.first.iter().map(|absent| self.absent(absent, unavailable)).collect(),
            })),
        }
    }

    /// A candidate as this request sees it: kept away by what restricts its model or its pool too.
    fn absent(&self, absent: &core::Absent, unavailable: &core::Unavailable) -> CredentialBrief<'static> {
        let brief = self.brief(absent.credential);
        let left = |obstacle: &&Obstacle| obstacle.until.remaining(self.now).unwrap_or(u64::MAX);
        match absent.obstacle.iter().chain(&unavailable.pool).max_by_key(left) {
            Some(obstacle) => CredentialBrief {
                cause: Some(cause(obstacle)),
                until_at_ms: instant(obstacle.until, self.now),
                ..brief
            },
            None => brief,
        }
    }
}

fn message(code: ErrorCode, unavailable: &core::Unavailable, pool: &str) -> String {
    if unavailable.total == 0 {
        return format!("no credential of pool {pool} is left by this request");
    }
    let begin = if code == ErrorCode::Timeout { "the wait is over: " } else { "" };
    let when = match unavailable.retry_after_ms {
        Some(ms) if code == ErrorCode::Busy || unavailable.at_cap > 0 => {
            format!("try again in {} s", ms.div_ceil(1_000))
        }
        Some(ms) => format!("the first comes back in {} s", ms.div_ceil(1_000)),
        None => "only a person can help: see `credpool status`".to_owned(),
    };
    if let Some(total) = unavailable.pool_cap.filter(|_| code != ErrorCode::Exhausted) {
        return format!("{begin}{total} leases of pool {pool} are out, as many as it may have; {when}");
    }
    if let Some(obstacle) = &unavailable.pool {
        let status = obstacle.status.map(|status| format!(" {status}")).unwrap_or_default();
        let why = format!("{}{status}: {}", cause_word(obstacle.cause), obstacle.reason);
        return format!("{begin}the whole pool {pool} pauses for this request ({why}); {when}");
    }
    let what = if unavailable.at_cap > 0 { "at their cap or restricted" } else { "restricted" };
    let all = if unavailable.total == 1 {
        "the only candidate of pool".to_owned()
    } else {
        format!("all {} candidates of pool", unavailable.total)
    };
    let verb = if unavailable.total == 1 { "is" } else { "are" };
    format!("{begin}{all} {pool} {verb} {what}; {when}")
}

/// No such pool, or none of the profile's; the pools that there are. `name` is what was asked for; without one, the pool
/// has gone since.
pub(super) fn unknown_pool(catalogue: &Catalogue, profile: Option<&str>, name: Option<&str>) -> WireError<'static> {
    if let Some(profile) = profile
        && catalogue.homes().iter().all(|home| *home.profile != *profile)
    {
        return unknown_profile(catalogue, profile);
    }
    let pools = catalogue.pools(profile);
    let pools: Vec<Cow<'static, str>> = pools.map(|(name, _)| Cow::Owned(name.to_owned())).collect();
    let message = if pools.is_empty() {
        "there is no pool yet: no definition has been read; see `credpool status`".to_owned()
    } else {
        let name = name.map(|name| format!("pool `{}`", scrub(name)));
        format!("there is no {}; there are: {}", name.as_deref().unwrap_or("such pool any more"), pools.join(", "))
    };
    WireError { code: ErrorCode::UnknownPool, message: message.into(), details: Details::Pools(pools) }
}

/// No such profile, so no pool of it; the profiles that there are.
pub(super) fn unknown_profile(catalogue: &Catalogue, name: &str) -> WireError<'static> {
    let profiles = catalogue.homes().iter();
    let profiles: Vec<Cow<'static, str>> = profiles.map(|home| Cow::Owned(home.profile.to_string())).collect();
    let message = format!("there is no profile `{}`; there are: {}", scrub(name), profiles.join(", "));
    WireError { code: ErrorCode::UnknownPool, message: message.into(), details: Details::Profiles(profiles) }
}

pub(super) fn unknown_ticket() -> WireError<'static> {
    WireError::new(ErrorCode::UnknownTicket, "there is no such ticket, or it has ended: ask for another with `refresh`")
}

pub(super) fn unknown_lease() -> WireError<'static> {
    WireError::new(ErrorCode::UnknownLease, "there is no such lease, or it ended too long ago to be remembered")
}
