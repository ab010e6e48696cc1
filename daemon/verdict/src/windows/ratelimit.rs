//! `x-ratelimit-…`: OpenAI, Groq, Cerebras, Azure, Mistral, OpenRouter, and whoever follows them; also the
//! `ratelimit-…` of the IETF's draft (draft-ietf-httpapi-ratelimit-headers-03).

use super::{Drafts, count};
use crate::signals::Signals;
use crate::vendor::Vendor;

const PREFIXES: &[&str] = &["x-ratelimit-", "x-rate-limit-", "ratelimit-"];

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const MINUTE_MS: u64 = 60 * 1_000;

/// A header is `x-ratelimit-PART-NAME` (OpenAI and most) or `x-ratelimit-NAME-PART`, where the part is `limit`,
/// `remaining` or `reset`. Without a name (OpenRouter, GitHub, the draft) the window counts requests.
pub(super) fn read(signals: &Signals, vendor: Vendor, drafts: &mut Drafts) {
    let clock = drafts.clock;
    // OpenRouter has headers for its caps on requests to free models (OpenRouterTeam/docs, api_reference/limits.mdx, which
    // names nothing besides but a protection against floods). They say nothing of paid ones.
    let is_of_free_models = vendor == Vendor::OpenRouter;
    let is_free = drafts.model.as_deref().is_some_and(|model| model.ends_with(":free"));
    let mut unusable: Vec<String> = Vec::new();
    for (header, value) in &signals.headers {
        let Some(rest) = PREFIXES.iter().find_map(|prefix| header.strip_prefix(prefix)) else { continue };
        let Some((part, name)) = split(rest) else { continue };
        let named = !name.is_empty();
        let name = if named { name } else { "requests" };
        let Some(draft) = drafts.named(name) else { continue };
        draft.is_unnamed |= !named;
        draft.is_anothers = is_of_free_models && !is_free;
        let window = &mut draft.window;
        window.refills |= named && refills(vendor);
        window.model |= named && is_per_model(vendor) || is_of_free_models;
        window.length_ms = length_ms(vendor, name);
        // Where two headers speak of one window, the lesser number counts.
        let lesser = |known: Option<u64>, new: u64| Some(known.map_or(new, |known| known.min(new)));
        match (part, count(value)) {
            ("limit", Some(limit)) => window.limit = lesser(window.limit, limit),
            ("remaining", Some(remaining)) => {
                window.remaining = lesser(window.remaining, remaining);
                if remaining == 0 {
                    draft.spends(header, value);
                }
            }
            // `-1`: the vendor does not know.
            ("limit" | "remaining", None) if value.starts_with('-') => unusable.push(name.to_owned()),
            ("reset", _) => draft.resets(header, value, clock),
            _ => {}
        }
    }
    for name in unusable {
        drafts.drafts.remove(&name);
    }
    for draft in drafts.drafts.values_mut() {
        draft.weigh();
        let window = &mut draft.window;
        draft.is_bare = window.remaining.is_none();
        // "0 of 0 left" says that there is no such window.
        window.spent &= window.limit != Some(0);
    }
}

fn split(rest: &str) -> Option<(&'static str, &str)> {
    ["limit", "remaining", "reset"].into_iter().find_map(|part| {
        if rest == part {
            return Some((part, ""));
        }
        let name = rest.strip_prefix(part).and_then(|rest| rest.strip_prefix('-'));
        let name = name.or_else(|| rest.strip_suffix(part).and_then(|rest| rest.strip_suffix('-')));
        name.map(|name| (part, name))
    })
}

/// Whether a named window is a bucket. OpenAI, Groq and Azure state the time to a full one, and Cerebras' docs say
/// "token bucket"; of the others nothing is known, and a reset is taken at its word.
fn refills(vendor: Vendor) -> bool {
    matches!(vendor, Vendor::OpenAi | Vendor::Groq | Vendor::Cerebras | Vendor::Azure | Vendor::Other)
}

/// Whether a named window counts one model. OpenAI, Groq and Cerebras limit an organisation per model (their rate limit
/// docs), Azure a deployment of a model, and whoever copies OpenAI's names mostly copies what they count
/// (DigitalOcean's docs, quota-specific response headers); Mistral's limits are its workspace's.
fn is_per_model(vendor: Vendor) -> bool {
    matches!(vendor, Vendor::OpenAi | Vendor::Groq | Vendor::Cerebras | Vendor::Azure | Vendor::Other)
}

/// Groq counts requests of a day and tokens of a minute under names that OpenAI has for minutes
/// (console.groq.com/docs/rate-limits); Cerebras' names say it themselves.
fn length_ms(vendor: Vendor, name: &str) -> Option<u64> {
    match (vendor, name) {
        (Vendor::Groq, "requests") => Some(DAY_MS),
        (Vendor::Groq, "tokens") => Some(MINUTE_MS),
        _ if name.ends_with("-day") => Some(DAY_MS),
        _ if name.ends_with("-minute") => Some(MINUTE_MS),
        _ => None,
    }
}
