//! Guessed cooldowns: a preset, and what the configuration says otherwise.

use credpool_core::{Backoff, Cooldowns, Guard};

use super::error::ConfigError;
use super::layers::Origins;
use super::settings::{BackoffSettings, CooldownSettings, GuardSettings, Preset};
use super::value::Milliseconds;

/// hermes-agent 0.19.0 benches 300 s after a 401 and 3,600 s after everything else, however often it happens
/// (agent/credential_pool.py, `_exhausted_ttl`).
const HERMES_401_MS: u64 = 300_000;
const HERMES_OTHER_MS: u64 = 3_600_000;

/// The cooldowns that `settings` ask for; contradictions go to `errors`.
pub(super) fn cooldowns(settings: &CooldownSettings, origins: &Origins, errors: &mut Vec<ConfigError>) -> Cooldowns {
    let preset = match settings.preset {
        Preset::Default => Cooldowns::default(),
        Preset::Hermes => hermes(),
    };
    let mut merge = |name: &str, preset: Backoff, own: BackoffSettings| {
        let merged = Backoff {
            base_ms: own.base.unwrap_or(preset.base_ms),
            factor_permille: own.factor.unwrap_or(preset.factor_permille),
            cap_ms: own.cap.unwrap_or(preset.cap_ms),
        };
        if merged.base_ms > merged.cap_ms {
            let key = format!("cooldown.{name}");
            let cause = format!(
                "has a base of {} ({}) that is longer than its cap of {} ({})",
                Milliseconds(merged.base_ms),
                origins.of(&format!("{key}.base")),
                Milliseconds(merged.cap_ms),
                origins.of(&format!("{key}.cap")),
            );
            errors.push(ConfigError::Contradiction { key, cause });
        }
        merged
    };
    Cooldowns {
        rate_limit: merge("rate_limit", preset.rate_limit, settings.rate_limit),
        quota: merge("quota", preset.quota, settings.quota),
        billing: merge("billing", preset.billing, settings.billing),
        auth: merge("auth", preset.auth, settings.auth),
        forbidden: merge("forbidden", preset.forbidden, settings.forbidden),
        model: merge("model", preset.model, settings.model),
        overloaded: merge("overloaded", preset.overloaded, settings.overloaded),
        server: merge("server", preset.server, settings.server),
        edge: merge("edge", preset.edge, settings.edge),
        sole_ms: settings.sole.unwrap_or(preset.sole_ms),
    }
}

/// When failures of several credentials are the provider's.
pub(super) fn guard(settings: &GuardSettings) -> Guard {
    let usual = Guard::default();
    let base_ms = settings.pause.unwrap_or(usual.pause.base_ms);
    Guard {
        window_ms: settings.window.unwrap_or(usual.window_ms),
        faults: settings.faults.unwrap_or(usual.faults),
        refusals: settings.refusals.unwrap_or(usual.refusals),
        pause: Backoff { base_ms, cap_ms: usual.pause.cap_ms.max(base_ms), ..usual.pause },
    }
}

fn hermes() -> Cooldowns {
    let other = Backoff::fixed(HERMES_OTHER_MS);
    Cooldowns {
        rate_limit: other,
        quota: other,
        billing: other,
        auth: Backoff::fixed(HERMES_401_MS),
        forbidden: other,
        model: other,
        overloaded: other,
        server: other,
        edge: other,
        sole_ms: u64::MAX,
    }
}
