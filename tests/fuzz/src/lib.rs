//! What the targets share: what has to hold of a verdict, and of what it cost.

mod report;

use credpool_verdict::{
    Context, Facts, Hint, MAX_EVIDENCE_BYTES, MAX_HINT_MS, MAX_WINDOW_NAME_BYTES, MAX_WINDOWS, classify, quota_windows,
    scrub,
};

pub use report::Report;

/// The longest name of the place that evidence is from, in bytes.
const MAX_SOURCE_BYTES: usize = 135;

/// Judges a failure, and panics if the verdict promises the past or the far future, keeps too much of it, or took more
/// memory than a small multiple of the `size` bytes of `facts`.
pub fn judge(facts: &Facts<'_>, context: &Context<'_>, size: usize) {
    // As `tests/verdict/memory.rs` has it.
    let judged = within(8 * size + 128 * 1_024, || (classify(facts, context), quota_windows(facts, context)));
    let (verdict, windows) = judged;
    if let Some(hint) = verdict.hint {
        assert!(is_plausible(hint, context.now_wall_ms), "{hint:?}");
    }
    if let Some(evidence) = &verdict.evidence {
        assert!(evidence.raw.len() <= MAX_EVIDENCE_BYTES && evidence.source.len() <= MAX_SOURCE_BYTES, "{evidence:?}");
        assert_eq!(scrub(&evidence.raw), evidence.raw.trim(), "what is kept is clean");
    }
    assert!(windows.len() <= MAX_WINDOWS, "{} windows", windows.len());
    for window in windows {
        assert!(window.name.len() <= MAX_WINDOW_NAME_BYTES && window.name.is_ascii(), "{window:?}");
        assert!(window.resets.is_none_or(|hint| is_plausible(hint, context.now_wall_ms)), "{window:?}");
    }
}

fn is_plausible(hint: Hint, now: u64) -> bool {
    let after = hint.after_ms.is_none_or(|ms| (1..=MAX_HINT_MS).contains(&ms));
    let at = hint.at_ms.is_none_or(|ms| ms > now && ms - now <= MAX_HINT_MS);
    after && at && (hint.after_ms.is_some() || hint.at_ms.is_some())
}

/// What `f` returns; panics if it needed more than `most` bytes at a time.
pub fn within<T>(most: usize, f: impl FnOnce() -> T) -> T {
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(f()));
    assert!(used.bytes_max <= most as u64, "{} bytes where {most} are enough", used.bytes_max);
    result.expect("it was called")
}

/// Panics if `text` repeats more than 64 bytes of `input`; what stands there with escapes counts as what they mean, and is
/// not looked for.
pub fn assert_not_repeated(text: &str, input: &[u8]) {
    if input.contains(&b'\\') {
        return;
    }
    for echo in text.as_bytes().windows(65) {
        assert!(memchr::memmem::find(input, echo).is_none(), "{text:?} repeats what came in");
    }
}
