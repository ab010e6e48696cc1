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
            if draft.window.remaining == Some(0) {
                draft.spends(header, value);
            }
        }
        _ => draft.resets(header, value, clock),
    }
    draft.weigh();
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
    let model = drafts.model.clone();
    let Some(draft) = drafts.named(name) else { return };
    if let Some(family) = family(name) {
        draft.is_of(family, is_asked(signals, name, model.as_deref()));
    }
    draft.window.length_ms = length_ms(name);
    match part {
        "status" if draft.window.family.is_none() && is_rejected(value) && !is_allowed(signals) => {
            draft.spends(header, value);
        }
        "status" => {}
        // A fraction here, though the endpoint for usage has per cent.
        "utilization" => draft.window.used_permille = permille(value, 1e3),
        _ => draft.resets(header, value, clock),
    }
}

/// The status header of the five hours may be missing; the representative claim names the window then.
fn infer_claimed(signals: &Signals, drafts: &mut Drafts) {
    let value = |name| signals.header(name).next();
    const STATUS: &str = "anthropic-ratelimit-unified-status";
    let Some(status) = value(STATUS).filter(|status| is_rejected(status)) else { return };
    let name = match claim(signals) {
        Some(name) => name,
        // Nothing is claimed, and no window says that it is spent: then all that is known is that one is.
        None if drafts.drafts.values().any(|draft| draft.window.spent) => return,
        None => "unified",
    };
    let clock = drafts.clock;
    let has_status =
        signals.headers.iter().any(|(header, _)| *header == format!("anthropic-ratelimit-unified-{name}-status"));
    let Some(draft) = drafts.named(name).filter(|_| !has_status) else { return };
    draft.spends(STATUS, status);
    if let Some(family) = family(name) {
        draft.is_of(family, true);
    }
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

/// The window by which a request was refused, as the response claims.
fn claim(signals: &Signals) -> Option<&'static str> {
    match signals.header("anthropic-ratelimit-unified-representative-claim").next()? {
        "five_hour" => Some("5h"),
        "seven_day" => Some("7d"),
        "seven_day_overage_included" => Some("7d_oi"),
        "seven_day_opus" => Some("7d_opus"),
        "seven_day_sonnet" => Some("7d_sonnet"),
        _ => None,
    }
}

/// Weekly windows beyond the one of all models are a family's: of Opus, of Sonnet, of those that overage includes.
fn family(name: &str) -> Option<&str> {
    match name {
        "5h" | "7d" | "unified" => None,
        name => Some(name.split_once('_').map_or(name, |(_, family)| family)),
    }
}

/// Whether the request's model is known to be one of a window's family: their names say so; or the request was refused,
/// and the window is the one claimed or, without a claim, nothing else refused it.
fn is_asked(signals: &Signals, name: &str, model: Option<&str>) -> bool {
    let is_named = |name: &str| {
        family(name).is_some_and(|family| model.is_some_and(|model| model.split('-').any(|part| part == family)))
    };
    if is_named(name) {
        return true;
    }
    if !signals.header("anthropic-ratelimit-unified-status").any(is_rejected) {
        return false;
    }
    let explains = |(header, value): &(String, String)| {
        let window = header.strip_prefix("anthropic-ratelimit-unified-").and_then(|rest| rest.strip_suffix("-status"));
        let window = window.filter(|window| !matches!(*window, "overage" | "fallback"));
        window.is_some_and(|window| is_rejected(value) && (family(window).is_none() || is_named(window)))
    };
    claim(signals).map_or_else(|| !signals.headers.iter().any(explains), |claimed| claimed == name)
}

fn length_ms(name: &str) -> Option<u64> {
    match name.split('_').next() {
        Some("5h") => Some(5 * HOUR_MS),
        Some("7d") => Some(7 * DAY_MS),
        _ => None,
    }
}
