//! `RateLimit` and `RateLimit-Policy` as the IETF's draft has had them since its eighth version
//! (draft-ietf-httpapi-ratelimit-headers): `"burst";r=0;t=55` and `"burst";q=100;w=60`, several with commas between them.
//!
//! Hugging Face sends `"fixed window";"api";q=500;w=300` as the policy (huggingface/huggingface_hub#3553), which is no
//! structured field of RFC 9651. So these are read as far as they go, and no parser of such fields would help.

use super::{Drafts, label};
use crate::signals::Signals;

const LIMITS: &str = "ratelimit";
const POLICIES: &str = "ratelimit-policy";

/// One limit, or its policy: `"name";key=value;…`.
struct Item<'v> {
    text: &'v str,
}

pub(super) fn read(signals: &Signals, drafts: &mut Drafts) {
    let clock = drafts.clock;
    let mut at_a_time = Vec::new();
    for item in signals.header(POLICIES).flat_map(items) {
        let Some(name) = item.name() else { continue };
        // How many may be out at a time is no window: it begins anew with every answer.
        if item.value("qu") == Some("\"concurrent-requests\"") {
            at_a_time.push(name);
            continue;
        }
        let Some(draft) = drafts.named(&name) else { continue };
        draft.window.limit = item.number("q");
        draft.window.length_ms = item.number("w").map(|seconds| seconds.saturating_mul(1_000));
    }
    for item in signals.header(LIMITS).flat_map(items) {
        let (Some(name), Some(remaining)) = (item.name(), item.number("r")) else { continue };
        if at_a_time.contains(&name) {
            continue;
        }
        let Some(draft) = drafts.named(&name) else { continue };
        // What policies are called says nothing of what they count.
        draft.is_unnamed = true;
        draft.window.remaining = Some(remaining);
        draft.weigh();
        if remaining == 0 {
            draft.spends(LIMITS, item.text);
        }
        if let Some(reset) = item.value("t") {
            draft.resets(LIMITS, reset, clock);
        }
    }
}

fn items(value: &str) -> impl Iterator<Item = Item<'_>> {
    unquoted(value, ',').map(|item| Item { text: item.trim() })
}

impl<'v> Item<'v> {
    fn parts(&self) -> impl Iterator<Item = &'v str> {
        unquoted(self.text, ';').map(str::trim)
    }

    /// What stands in quotes before its keys; of several, as Hugging Face has them, the last. The first is a kind.
    fn name(&self) -> Option<String> {
        let quoted = self.parts().filter_map(|part| part.strip_prefix('"')?.strip_suffix('"'));
        quoted.last().map(label)
    }

    fn value(&self, key: &str) -> Option<&'v str> {
        self.parts().find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name.trim_end() == key).then(|| value.trim_start())
        })
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.value(key)?.parse().ok()
    }
}

/// The parts of a text between separators that stand in no quotes.
fn unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |char| {
        quoted ^= char == '"';
        char == separator && !quoted
    })
}
