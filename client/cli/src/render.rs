//! What people get to read. Pure: values in, text out, with colours that are taken out again where
//! nobody sees them.

use std::borrow::Cow;

pub(crate) mod cleaned;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod lease;
pub(crate) mod listed;
pub(crate) mod operate;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod style;
mod table;
pub(crate) mod time;
pub(crate) mod verdict;

use credpool_client::proto::reply::Cause;
use credpool_client::proto::status::Restriction;
use credpool_client::proto::words::Phase;

/// The rule by which a response says that nothing is left.
const SPENT: &str = "window.spent";

/// How wide a screen is taken to be.
const WIDTH: usize = 80;

/// Text from files and from the daemon, made harmless: what could move the cursor, change colours, or
/// make text read other than it is written, is shown as its escape.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| -> Cow<'static, str> {
        if is_harmful(c) { c.escape_default().to_string().into() } else { c.to_string().into() }
    };
    Cow::Owned(text.chars().map(escape).collect())
}

fn is_harmful(c: char) -> bool {
    // Beside control characters: those that hide, reorder or break lines.
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A word of the protocol as people write it.
pub(crate) fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// A number and its noun.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// How long before a token runs out that is worth saying, in milliseconds.
const SOON_MS: u64 = 10 * 60 * 1_000;

/// That a token has run out, or soon will.
fn running_out(expires_at_ms: Option<u64>, now_ms: u64) -> Option<String> {
    let at_ms = expires_at_ms.filter(|at_ms| *at_ms <= now_ms.saturating_add(SOON_MS))?;
    Some(match at_ms.checked_sub(now_ms) {
        None | Some(0) => format!("its token ran out {} ago: refresh it", time::for_people(now_ms - at_ms)),
        Some(left) => format!("its token runs out in {}", time::for_people(left)),
    })
}

pub(crate) fn cause_of(cause: &Cause<'_>) -> String {
    describe(&cause.kind, cause.status, cause.reason.as_deref())
}

fn restriction(restriction: &Restriction<'_>, now_ms: u64) -> String {
    let what = describe(&restriction.kind, restriction.status, restriction.reason.as_deref());
    match restriction.until_at_ms {
        // It restricts no more, beyond that.
        _ if restriction.phase == Phase::Ramping => format!("recovering from {what}: a few leases at a time"),
        Some(at_ms) => format!("{what}, {} left", time::for_people(at_ms.saturating_sub(now_ms))),
        None => what,
    }
}

/// As in `rate limit 429`, or `disabled: maintenance`.
fn describe(kind: &str, status: Option<u16>, reason: Option<&str>) -> String {
    if reason == Some(SPENT) {
        // Foreseen: nothing was refused, so the status says nothing.
        return format!("{} used up", words(&clean(kind)));
    }
    let mut text = words(&clean(kind));
    if let Some(status) = status {
        text.push(' ');
        text.push_str(&status.to_string());
    }
    // A rule's name is a reason, too, but one that may say no more than what stands there already.
    let of_the_status = status.map(|status| format!("http.{status}"));
    let says_more = |reason: &&str| !reason.is_empty() && *reason != kind && Some(*reason) != of_the_status.as_deref();
    if let Some(reason) = reason.filter(says_more) {
        text.push_str(": ");
        text.push_str(&clean(reason));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_text_stays_as_it_is() {
        for text in ["", "work", "schlüssel-1", "鍵", "a\"b\\c"] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn harmful_text_is_escaped() {
        assert_eq!(clean("a\x1b[31mb\n\r\t\0"), "a\\u{1b}[31mb\\n\\r\\t\\u{0}");
        assert_eq!(
            clean("\u{9b}2J\u{202e}x\u{feff}\u{2066}\u{200b}"),
            "\\u{9b}2J\\u{202e}x\\u{feff}\\u{2066}\\u{200b}"
        );
    }

    #[test]
    fn a_token_is_spoken_of_when_it_matters() {
        let now_ms = 1_795_471_600_000;
        let said = |at_ms| running_out(Some(at_ms), now_ms);
        assert_eq!(running_out(None, now_ms), None);
        assert_eq!(said(now_ms + SOON_MS + 1), None);
        assert_eq!(said(now_ms + SOON_MS).as_deref(), Some("its token runs out in 10m"));
        assert_eq!(said(now_ms + 1).as_deref(), Some("its token runs out in 1s"));
        assert_eq!(said(now_ms).as_deref(), Some("its token ran out 0s ago: refresh it"));
        assert_eq!(said(now_ms - 3_600_000).as_deref(), Some("its token ran out 1h ago: refresh it"));
    }

    #[test]
    fn what_comes_back_is_told_apart_from_what_restricts() {
        let of_phase = |phase: &str| {
            let text = format!(
                r#"{{"scope":"account","model":null,"kind":"rate_limit","status":429,"reason":null,"until_at_ms":43000,
                     "phase":"{phase}","strikes":1}}"#
            );
            restriction(&serde_json::from_str(&text).unwrap(), 0)
        };
        assert_eq!(of_phase("closed"), "rate limit 429, 43s left");
        assert_eq!(of_phase("ramping"), "recovering from rate limit 429: a few leases at a time");
    }

    #[test]
    fn a_cause_is_its_kind_status_and_reason() {
        assert_eq!(describe("rate_limit", Some(429), None), "rate limit 429");
        assert_eq!(describe("disabled", None, Some("new key\n")), "disabled: new key\\n");
        assert_eq!(describe("dead", Some(401), Some("dead")), "dead 401");
        assert_eq!(describe("rate_limit", Some(429), Some("http.429")), "rate limit 429");
        assert_eq!(describe("quota", Some(200), Some("window.spent")), "quota used up");
        assert_eq!(describe("server", Some(502), Some("http.5xx")), "server 502: http.5xx");
    }
}
