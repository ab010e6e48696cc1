//! `x-codex-…` of ChatGPT's backend (openai/codex, codex-api, rate_limits.rs): a primary and a secondary window, and
//! the same again for families of models under other prefixes, which are found by their endings.

use super::{Drafts, count, is_proper, label, permille};
use crate::places::EVENT;
use crate::signals::Signals;

/// The prefix of the windows that count for all models.
const MAIN: &str = "codex";

pub(super) fn read(signals: &Signals, drafts: &mut Drafts) {
    let clock = drafts.clock;
    // A window exists only if its share of use does.
    for (header, value) in &signals.headers {
        let Some((family, which)) = window_of(header) else { continue };
        let Some(used) = permille(value, 10.0) else { continue };
        let limit = if family == EVENT { signals.metered_limit.as_deref().unwrap_or(MAIN) } else { family };
        let name = if limit == MAIN { which.to_owned() } else { format!("{limit}.{which}") };
        let model = drafts.model.clone();
        let Some(draft) = drafts.named(&name) else { continue };
        if limit != MAIN {
            let called = signals.header(&format!("x-{family}-limit-name")).map(label).find(|name| is_proper(name));
            let called = called.unwrap_or_else(|| limit.to_owned());
            // An event of this very request is about the limit that it names.
            let own = family == EVENT || is_active(signals, limit) || model.as_ref() == Some(&called);
            draft.is_of(&called, own);
        }
        draft.window.used_permille = Some(used);
        if used >= 1_000 && draft.window.family.is_none() && !has_credits(signals) {
            draft.spends(&format!("x-{limit}-{which}-used-percent"), value);
        }
        let field = |name: &str| format!("x-{family}-{which}-{name}");
        let minutes = signals.header(&field("window-minutes")).find_map(count);
        draft.window.length_ms = minutes.map(|minutes| minutes.saturating_mul(60_000));
        // Seconds of Unix time; one third party has seen milliseconds, and magnitude tells.
        for name in ["reset-at", "reset-after-seconds"] {
            if let Some(reset) = signals.header(&field(name)).next().filter(|_| draft.reset.is_none()) {
                draft.resets(&format!("x-{limit}-{which}-{name}"), reset, clock);
            }
        }
    }
}

/// `x-codex-primary-used-percent` is the primary window of `codex`.
fn window_of(header: &str) -> Option<(&str, &'static str)> {
    let rest = header.strip_prefix("x-")?.strip_suffix("-used-percent")?;
    ["primary", "secondary"].into_iter().find_map(|which| {
        let family = rest.strip_suffix(which)?.strip_suffix('-')?;
        Some((family, which))
    })
}

/// Credits pay for what a spent window does not cover.
fn has_credits(signals: &Signals) -> bool {
    ["x-codex-credits-has-credits", "x-codex-credits-unlimited"]
        .iter()
        .any(|name| signals.header(name).any(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1")))
}

/// Whether the backend names this limit as the one that it applied.
fn is_active(signals: &Signals, limit: &str) -> bool {
    signals.header("x-codex-active-limit").any(|active| label(active) == limit)
}

/// Whether a usage limit is a family's alone: the backend names the limit that it applied, and it is neither the plan's
/// (`premium`) nor that of all models (`codex`).
pub(crate) fn is_of_a_family(signals: &Signals) -> bool {
    signals.header("x-codex-active-limit").any(|limit| {
        limit.to_ascii_lowercase().replace('_', "-").strip_prefix("codex-").is_some_and(|name| !name.is_empty())
    })
}
