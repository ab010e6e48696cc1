//! GitHub Copilot: `x-quota-snapshot-…`, the allowances of a month, and `x-usage-ratelimit-…`, those of a session and of a
//! week. Successes carry them, failures do not (Menci/Floway#339). A value is a query string (microsoft/vscode,
//! chatQuotaServiceImpl.ts): `ent=300&ov=0.0&ovPerm=false&rem=29.7&rst=2026-05-01T00%3A00%3A00Z&totRem=89.1`.

use super::{Drafts, count, permille};
use crate::signals::Signals;

const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// Without an end, as `ent` has it.
const UNLIMITED: &str = "-1";

pub(super) fn read(signals: &Signals, drafts: &mut Drafts) {
    let clock = drafts.clock;
    for (header, value) in &signals.headers {
        let month = header.strip_prefix("x-quota-snapshot-");
        let Some(name) = month.or_else(|| header.strip_prefix("x-usage-ratelimit-")) else { continue };
        let field = |key: &str| value.split('&').find_map(|field| field.strip_prefix(key)?.strip_prefix('='));
        // Completions are an editor's, as one types; no agent asks for them.
        if name == "completions" || field("ent") == Some(UNLIMITED) {
            continue;
        }
        // More may have been used than there was: below nothing is nothing.
        let Some(left) = field("rem").and_then(|rem| if rem.starts_with('-') { Some(0) } else { permille(rem, 10.0) })
        else {
            continue;
        };
        let Some(draft) = drafts.named(name) else { continue };
        // What is counted in per cent only has an allowance of 0.
        draft.window.limit = field("ent").and_then(count).filter(|limit| *limit > 0);
        let whole = |rest: &str| count(rest.split('.').next().unwrap_or_default());
        draft.window.remaining = draft.window.limit.and(field("totRem")).and_then(whole);
        draft.window.used_permille = Some(1_000_u32.saturating_sub(left));
        draft.window.length_ms = (name == "weekly").then_some(WEEK_MS);
        // The allowance for premium models is shown with every success, also of a model that needs none of it.
        draft.window.model = name.starts_with("premium");
        let is_paid_beyond = field("ovPerm").is_some_and(|allowed| allowed.eq_ignore_ascii_case("true"));
        let exists = month.is_none() || draft.window.limit.is_some();
        if left == 0 && exists && !is_paid_beyond && !draft.window.model {
            draft.spends(header, value);
        }
        if let Some(reset) = field("rst") {
            draft.resets(header, &reset.replace("%3A", ":").replace("%3a", ":"), clock);
        }
    }
}
