//! The core's words in the protocol's, and back. With the rest of `engine`, the only place where the two meet.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use credpool_core as core;
use credpool_core::{Cause, Core, CredentialKey, Now, Obstacle, PoolKey, Until};
use credpool_proto::error::{Details, Unavailable, WireError};
use credpool_proto::limits::MAX_INTEGER;
use credpool_proto::reply::{self, CredentialBrief, Restriction};
use credpool_proto::status::QuotaWindow;
use credpool_proto::words::{Class, CredentialState, EndedBy, ErrorCode, NotApplied, Phase, Scope, VerdictKind};
use credpool_verdict as verdict;
use credpool_verdict::scrub;

use crate::catalogue::Catalogue;

/// From this length on, a window is a quota's and no rate limit's.
const LONG_MS: u64 = 60 * 60 * 1_000;

/// How many credentials of others an error names.
const OTHERS: usize = 3;

pub(super) fn number(count: usize) -> u64 {
    count as u64
}

pub(super) fn state(state: core::State) -> CredentialState {
    match state {
        core::State::Disabled => CredentialState::Disabled,
        core::State::NoSecret => CredentialState::NoSecret,
        core::State::NeedsLogin => CredentialState::NeedsLogin,
        core::State::Billing => CredentialState::Billing,
        core::State::Cooling => CredentialState::Cooling,
        core::State::Probing => CredentialState::Probing,
        core::State::Ready => CredentialState::Ready,
    }
}

pub(super) fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Disabled => "disabled",
        Cause::NoSecret => "no_secret",
        Cause::Dead => "dead",
        Cause::Billing => "billing",
        Cause::Auth => "auth",
        Cause::Forbidden => "forbidden",
        Cause::Quota => "quota",
        Cause::RateLimit => "rate_limit",
        Cause::Model => "model",
        Cause::Overloaded => "overloaded",
        Cause::Server => "server",
        Cause::Edge => "edge",
        Cause::Network => "network",
    }
}

/// The kind of a verdict, and the cause class of the restriction that it opens if it opens one.
pub(crate) fn kind_from_verdict(kind: verdict::Kind) -> core::Kind {
    use core::Kind::Fault;
    match kind {
        verdict::Kind::RateLimit => Fault(Cause::RateLimit),
        verdict::Kind::Quota => Fault(Cause::Quota),
        verdict::Kind::Billing => Fault(Cause::Billing),
        verdict::Kind::Auth => Fault(Cause::Auth),
        verdict::Kind::Dead => Fault(Cause::Dead),
        verdict::Kind::Forbidden => Fault(Cause::Forbidden),
        verdict::Kind::Model => Fault(Cause::Model),
        verdict::Kind::Overloaded => Fault(Cause::Overloaded),
        verdict::Kind::Server => Fault(Cause::Server),
        verdict::Kind::Edge => Fault(Cause::Edge),
        verdict::Kind::Network => Fault(Cause::Network),
        verdict::Kind::Request => core::Kind::Request,
        verdict::Kind::Cancelled => core::Kind::Cancelled,
        verdict::Kind::Unknown => core::Kind::Unknown,
    }
}

pub(super) fn verdict_kind(kind: core::Kind) -> VerdictKind {
    match kind {
        core::Kind::Fault(cause) => VerdictKind::parse(cause_word(cause)).unwrap_or(VerdictKind::Other),
        core::Kind::Request => VerdictKind::Request,
        core::Kind::Cancelled => VerdictKind::Cancelled,
        core::Kind::Unknown => VerdictKind::Unknown,
    }
}

/// What a verdict is about. One verdict about the provider is evidence against it and no more: the core adds it up.
pub(super) fn reach(verdict: &verdict::Verdict) -> core::Reach {
    match verdict.scope {
        verdict::Scope::Credential => core::Reach::Credential,
        verdict::Scope::Account => core::Reach::Account,
        verdict::Scope::Pool => core::Reach::Pool,
        verdict::Scope::None => core::Reach::None,
    }
}

pub(super) fn scope_of_reach(reach: core::Reach, of_model: bool) -> Scope {
    match (reach, of_model) {
        (core::Reach::Credential, false) => Scope::Credential,
        (core::Reach::Credential, true) => Scope::Model,
        (core::Reach::Account, false) => Scope::Account,
        (core::Reach::Account, true) => Scope::AccountModel,
        (core::Reach::Pool, false) => Scope::Pool,
        (core::Reach::Pool, true) => Scope::PoolModel,
        (core::Reach::None, _) => Scope::None,
    }
}

fn scope(identity: &core::Identity) -> Scope {
    scope_word(identity.scope, identity.model.is_some())
}

pub(super) fn scope_word(scope: core::Scope, of_model: bool) -> Scope {
    let reach = match scope {
        core::Scope::Credential(_) => core::Reach::Credential,
        core::Scope::Account(_) => core::Reach::Account,
        core::Scope::Pool(_) => core::Reach::Pool,
    };
    scope_of_reach(reach, of_model)
}

pub(super) fn ended_by(by: core::EndedBy) -> EndedBy {
    match by {
        core::EndedBy::Release => EndedBy::Release,
        core::EndedBy::Report => EndedBy::Report,
        core::EndedBy::Ttl => EndedBy::Ttl,
        core::EndedBy::Connection => EndedBy::Connection,
        core::EndedBy::Restart => EndedBy::Restart,
    }
}

pub(super) fn not_applied(why: core::Why) -> NotApplied {
    match why {
        core::Why::StaleSecret => NotApplied::StaleSecret,
        core::Why::ClearedSince => NotApplied::ClearedSince,
        core::Why::NotTheCredentialsFault => NotApplied::NotTheCredentialsFault,
        core::Why::AlreadyRestricted => NotApplied::AlreadyRestricted,
    }
}

pub(crate) fn strategy(strategy: core::Strategy) -> &'static str {
    match strategy {
        core::Strategy::FillFirst => "fill_first",
        core::Strategy::RoundRobin => "round_robin",
        core::Strategy::LeastUsed => "least_used",
        core::Strategy::Random => "random",
        core::Strategy::Headroom => "headroom",
        core::Strategy::ResetSoon => "reset_soon",
    }
}

pub(super) fn chosen_by(chosen_by: core::ChosenBy) -> &'static str {
    match chosen_by {
        core::ChosenBy::Strategy(by) => strategy(by),
        core::ChosenBy::Pin => "pin",
        core::ChosenBy::Session => "session",
    }
}

pub(super) fn class(class: Class) -> core::Class {
    match class {
        Class::Interactive => core::Class::Interactive,
        Class::Background => core::Class::Background,
    }
}

pub(super) fn class_word(class: core::Class) -> Class {
    match class {
        core::Class::Interactive => Class::Interactive,
        core::Class::Background => Class::Background,
    }
}

/// The instant at which a deadline passes if the wall clock goes on evenly; `None` if only a person ends it.
pub(super) fn instant(until: Until, now: Now) -> Option<u64> {
    until.remaining(now).map(|left| now.wall.after(left).0.min(MAX_INTEGER))
}

pub(super) fn cause(obstacle: &Obstacle) -> reply::Cause<'static> {
    reply::Cause { kind: cause_word(obstacle.cause).into(), status: obstacle.status, reason: reason(&obstacle.reason) }
}

fn reason(text: &str) -> Option<Cow<'static, str>> {
    Some(text).filter(|text| !text.is_empty()).map(|text| Cow::Owned(text.to_owned()))
}

pub(super) fn restriction<'a>(restriction: &'a core::Restriction, now: Now) -> Restriction<'a> {
    Restriction {
        scope: scope(&restriction.identity),
        model: restriction.identity.model.as_deref().map(Cow::Borrowed),
        kind: cause_word(restriction.identity.cause).into(),
        status: restriction.status,
        reason: Some(&*restriction.reason).filter(|reason| !reason.is_empty()).map(Cow::Borrowed),
        until_at_ms: instant(restriction.opens(), now),
        phase: phase(restriction.phase),
        strikes: restriction.strikes,
        evidence: restriction.evidence.as_ref().map(evidence),
    }
}

pub(super) fn quota_window(quota: &core::Quota, now: Now) -> QuotaWindow<'_> {
    QuotaWindow {
        name: Cow::Borrowed(&quota.key.name),
        model: quota.key.model.as_deref().map(Cow::Borrowed),
        limit: quota.limit.map(|limit| limit.min(MAX_INTEGER)),
        remaining: quota.remaining.map(|remaining| remaining.min(MAX_INTEGER)),
        used_permille: quota.used_permille,
        reset_at_ms: quota.resets.and_then(|until| instant(until, now)),
        refills: quota.refills,
        seen_at_ms: quota.seen.wall.0.min(MAX_INTEGER),
    }
}

/// What a response says is left, for whoever used `model`.
pub(super) fn readings(
    windows: Vec<verdict::QuotaWindow>,
    model: Option<&core::Model>,
    status: Option<u16>,
) -> Vec<core::Reading> {
    windows.into_iter().map(|window| reading(window, model, status)).collect()
}

fn reading(window: verdict::QuotaWindow, model: Option<&core::Model>, status: Option<u16>) -> core::Reading {
    // A window of a family that the model is not known to be of stands for itself, under the family's name.
    let model = match &window.family {
        Some(family) => Some(arc(family)),
        None => model.filter(|_| window.model).cloned(),
    };
    // What is over within minutes is a rate; what takes longer is a quota. Buckets are mostly counted by the minute.
    let is_rate = window.length_ms.map_or(window.refills, |ms| ms < LONG_MS);
    let cause = if is_rate { Cause::RateLimit } else { Cause::Quota };
    let spent = window.wait.map(|wait| core::Verdict {
        kind: core::Kind::Fault(cause),
        reach: core::Reach::Account,
        model: model.clone(),
        after_ms: wait.until.after_ms,
        at: wait.until.at_ms.map(core::Wall),
        status,
        rule: arc(verdict::SPENT_RULE),
        evidence: Some(core_evidence(&wait.evidence)),
    });
    core::Reading {
        name: arc(&window.name),
        model,
        limit: window.limit,
        remaining: window.remaining,
        used_permille: window.used_permille,
        length_ms: window.length_ms,
        after_ms: window.resets.and_then(|hint| hint.after_ms),
        at: window.resets.and_then(|hint| hint.at_ms).map(core::Wall),
        refills: window.refills,
        spent: window.spent,
        verdict: spent,
    }
}

pub(super) fn core_evidence(evidence: &verdict::Evidence) -> core::Evidence {
    core::Evidence { source: arc(&evidence.source), raw: arc(&evidence.raw) }
}

fn phase(phase: core::Phase) -> Phase {
    match phase {
        core::Phase::Closed => Phase::Closed,
        core::Phase::HalfOpen { .. } => Phase::HalfOpen,
        core::Phase::Ramping { .. } => Phase::Ramping,
        core::Phase::Over { .. } => Phase::Over,
    }
}

pub(super) fn evidence(evidence: &core::Evidence) -> reply::Evidence<'_> {
    reply::Evidence { source: Cow::Borrowed(&evidence.source), raw: Cow::Borrowed(&evidence.raw) }
}

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
        let bearers = bearers.iter().map(|key| self.brief(*key)).collect();
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

pub(super) fn unknown_lease() -> WireError<'static> {
    WireError::new(ErrorCode::UnknownLease, "there is no such lease, or it ended too long ago to be remembered")
}

pub(super) fn arc(text: &str) -> Arc<str> {
    Arc::from(text)
}
