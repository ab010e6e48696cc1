//! `anthropic-ratelimit-…`: of API keys (Anthropic docs, rate limits) and, `unified`, of subscriptions (undocumented;
//! CLIProxyAPI's claude_ratelimit.go, recorded responses).

use super::{Drafts, count, permille};
use crate::signals::Signals;

const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;

pub(super) fn read(signals: &Signals, drafts: &mut Drafts) {
    for (header, value) in &signals.headers {
        if let Some(rest) = header.strip_prefix("anthropic-ratelimit-unified-") {
            unified(signals, header, rest, value, drafts);
        } else if let Some(rest) = header.strip_prefix("anthropic-ratelimit-") {
            of_key(header, rest, "", value, drafts);
        } else if let Some(rest) = header.strip_prefix("anthropic-priority-") {
            of_key(header, rest, "priority-", value, drafts);
        }
    }
    infer_claimed(signals, drafts);
}

/// `requests-remaining`, `input-tokens-reset`, …: limits of a model's class. A reset is the time of the full bucket,
/// and may have passed.
fn of_key(header: &str, rest: &str, prefix: &str, value: &str, drafts: &mut Drafts) {
    let clock = drafts.clock;
    let Some((name, part)) = rest.rsplit_once('-') else { return };
    if !matches!(part, "limit" | "remaining" | "reset") {
        return;
    }
    let Some(draft) = drafts.named(&format!("{prefix}{name}")) else { return };
    draft.window.refills = true;
    draft.window.model = true;
    match part {
        "limit" => draft.window.limit = count(value),
        "remaining" => {
            draft.window.remaining = count(value);
            draft.window.spent = draft.window.remaining == Some(0);
        }
        _ => draft.resets(header, value, clock),
    }
    if let (Some(limit @ 1..), Some(remaining)) = (draft.window.limit, draft.window.remaining) {
        let used = u128::from(limit.saturating_sub(remaining)) * 1_000 / u128::from(limit);
        draft.window.used_permille = u32::try_from(used).ok();
    }
}

/// `5h-status`, `7d-reset`, `7d_oi-utilization`, …. Only a window that is rejected counts, and not even that while the
/// request as a whole was allowed: then paid overage covers it.
fn unified(signals: &Signals, header: &str, rest: &str, value: &str, drafts: &mut Drafts) {
    let clock = drafts.clock;
    let Some((name, part)) = rest.rsplit_once('-') else { return };
    // Overage and fallback are what comes after a window, not windows.
    if !matches!(part, "status" | "reset" | "utilization") || matches!(name, "overage" | "fallback") {
        return;
    }
    let Some(draft) = drafts.named(name) else { return };
    draft.window.model = is_of_models(name);
    draft.window.length_ms = length_ms(name);
    match part {
        "status" => draft.window.spent = is_rejected(value) && !is_allowed(signals),
        // A fraction here, though the endpoint for usage has per cent.
        "utilization" => draft.window.used_permille = permille(value, 1e3),
        _ => draft.resets(header, value, clock),
    }
}

/// The status header of the five hours may be missing; the representative claim names the window then.
fn infer_claimed(signals: &Signals, drafts: &mut Drafts) {
    let value = |name| signals.header(name).next();
    if !value("anthropic-ratelimit-unified-status").is_some_and(is_rejected) {
        return;
    }
    let name = match value("anthropic-ratelimit-unified-representative-claim") {
        Some("five_hour") => "5h",
        Some("seven_day") => "7d",
        Some("seven_day_overage_included") => "7d_oi",
        Some("seven_day_opus") => "7d_opus",
        Some("seven_day_sonnet") => "7d_sonnet",
        // Nothing is claimed, and no window says that it is spent: then all that is known is that one is.
        _ if drafts.drafts.values().any(|draft| draft.window.spent) => return,
        _ => "unified",
    };
    let clock = drafts.clock;
    let has_status =
        signals.headers.iter().any(|(header, _)| *header == format!("anthropic-ratelimit-unified-{name}-status"));
    let Some(draft) = drafts.named(name).filter(|_| !has_status) else { return };
    draft.window.spent = true;
    draft.window.model = is_of_models(name);
    draft.window.length_ms = length_ms(name);
    if draft.reset.is_none()
        && let Some(reset) = value("anthropic-ratelimit-unified-reset")
    {
        draft.resets("anthropic-ratelimit-unified-reset", reset, clock);
    }
}

/// Third parties have seen the latter two.
fn is_rejected(status: &str) -> bool {
    matches!(status, "rejected" | "rate_limited" | "throttled")
}

fn is_allowed(signals: &Signals) -> bool {
    signals.header("anthropic-ratelimit-unified-status").any(|status| status.starts_with("allowed"))
}

/// Weekly windows beyond the one of all models are a family's: of Opus, of Sonnet, of those that overage includes.
fn is_of_models(name: &str) -> bool {
    !matches!(name, "5h" | "7d" | "unified")
}

fn length_ms(name: &str) -> Option<u64> {
    match name.split('_').next() {
        Some("5h") => Some(5 * HOUR_MS),
        Some("7d") => Some(7 * DAY_MS),
        _ => None,
    }
}
