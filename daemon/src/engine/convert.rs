//! The core's words in the protocol's, and back. With the rest of `engine`, the only place where the two meet.

use std::borrow::Cow;
use std::sync::Arc;

use credpool_core as core;
use credpool_core::{Cause, Now, Obstacle, Until};
use credpool_proto::limits::MAX_INTEGER;
use credpool_proto::reply::{self, Restriction};
use credpool_proto::status::QuotaWindow;
use credpool_proto::words::{Class, CredentialState, EndedBy, NotApplied, Phase, Scope, VerdictKind};
use credpool_verdict as verdict;

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

pub(super) fn reason(text: &str) -> Option<Cow<'static, str>> {
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
    let spent = window.wait.map(|wait| core::Verdict {
        kind: kind_from_verdict(wait.kind),
        reach: core::Reach::Account,
        model: model.clone(),
        after_ms: wait.until.and_then(|hint| hint.after_ms),
        at: wait.until.and_then(|hint| hint.at_ms).map(core::Wall),
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

pub(super) fn arc(text: &str) -> Arc<str> {
    Arc::from(text)
}
