//! Hints in sentences: "Please try again in 7m12s", "Resets in 4hr 5min", "will reset at 2026-10-03 20:05:15".

use super::moment::{Clock, Moment};
use super::{Found, duration, instant};
use crate::signals::Prose;

/// Words before a hint, in lower case.
///
/// OpenAI, Groq: "Please try again in 5.289s". Google: "Please retry in 10h17m5.7s", "quota will reset after 39s".
/// Azure: "Please retry after 37 seconds", "Try again in 86400 seconds". Anthropic: "You will regain access on
/// 2025-12-01 at 00:00 UTC"; Claude Code: "usage limit reached|1749924000". GitHub Copilot: "Please wait 463 hours 23
/// minutes", "wait for your limit to reset on April 20, 2026 at 2:00 AM". Z.ai: "Your limit will reset at 2025-10-03
/// 20:05:15", and the same in Chinese. Gitlawb: "Resets at 10:00 UTC". hermes-agent 0.19.0 looks for "resets in" and
/// `quotaResetDelay` wherever it stands.
const BEFORE: &[&str] = &[
    "try again in",
    "try again after",
    "try again at",
    "try again on",
    "retry in",
    "retry after",
    "retry-after",
    "retry again in",
    "retry at",
    "retrying in",
    "reset in",
    "resets in",
    "reset after",
    "resets after",
    "reset at",
    "resets at",
    "reset on",
    "resets on",
    "available in",
    "available again in",
    "available at",
    "available again at",
    "regain access on",
    "regain access at",
    "blocked until",
    "limited until",
    "exhausted until",
    "wait",
    "wait for",
    "limit reached|",
    "quotaresetdelay",
    "您的限额将在",
];

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// After these a number without a unit means seconds, as in the header.
const OF_SECONDS: &[&str] = &["retry after", "retry-after", "try again after"];

/// What may stand between the words and the hint.
const BETWEEN: &[char] = &[' ', ':', '=', '"', '\'', '~', '('];

/// How much must follow a hint in a text that was cut short, in bytes: of "7m12s" there may be "7m" left.
const ENOUGH_BYTES: usize = 16;

/// Reads all hints of all texts.
pub(super) fn read(prose: &[Prose], clock: Clock, found: &mut Vec<Found>) {
    for prose in prose {
        for words in BEFORE {
            for (at, _) in prose.text.match_indices(words) {
                let rest = prose.text[at + words.len()..].trim_start_matches(BETWEEN);
                let rest = ["about ", "approximately ", "another ", "the "]
                    .iter()
                    .fold(rest, |rest, filler| rest.strip_prefix(filler).unwrap_or(rest));
                if let Some((moment, after)) = leading(words, rest, clock)
                    && (prose.whole || after.len() >= ENOUGH_BYTES)
                {
                    let raw = &rest[..rest.len() - after.len()];
                    found.push(Found::stated(moment, prose.source, raw));
                }
            }
        }
    }
}

fn leading<'t>(words: &str, text: &'t str, clock: Clock) -> Option<(Moment, &'t str)> {
    if let Some((ms, rest)) = duration::leading(text) {
        return Some((Moment::after_ms(ms)?, rest));
    }
    if let Some((ms, rest)) = instant::leading(text, clock.zone) {
        return Some((Moment::at(ms, clock)?, rest));
    }
    if let Some((ms, rest)) = instant::time_of_day(text) {
        let left = (ms + DAY_MS - clock.theirs_ms() % DAY_MS) % DAY_MS;
        let next = clock.now_ms.checked_add(if left > 0 { left } else { DAY_MS })?;
        return Some((Moment::At(next), rest));
    }
    let (number, rest) = duration::number(text)?;
    let alone = !rest.trim_start().starts_with(char::is_alphabetic);
    let is_instant = number >= 1e9;
    (alone && (is_instant || OF_SECONDS.contains(&words))).then_some(())?;
    Some((Moment::from_number(number, clock)?, rest))
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    const NOW: u64 = 1_795_471_600_000;

    fn moments(text: &str) -> Vec<Moment> {
        read_all(text, true)
    }

    fn read_all(text: &str, whole: bool) -> Vec<Moment> {
        let prose = [Prose { source: "message", text: text.to_lowercase(), own: String::new(), whole }];
        let mut found = Vec::new();
        read(&prose, Clock { zone: Offset::UTC, now_ms: NOW, ahead_ms: 0 }, &mut found);
        found.into_iter().map(|found| found.moment).collect()
    }

    #[test]
    fn vendors_sentences() {
        let after = |ms| Moment::After(ms);
        let cases = [
            (
                "Rate limit reached for gpt-5.5. Limit 30000, Used 29000. Please try again in 5.289s. Visit",
                after(5_289),
            ),
            ("Please try again in 7m12s.", after(432_000)),
            ("Please try again in 20ms.", after(20)),
            ("Please retry in 10h17m5.723541104s.", after(37_025_724)),
            ("Your quota will reset after 39s.", after(39_000)),
            ("Your quota will reset after 1h2m.", after(3_720_000)),
            ("Resets in 4hr 5min", after(14_700_000)),
            ("Please retry after 37 seconds. Please go here", after(37_000)),
            ("Retry after 5 minutes", after(300_000)),
            ("Retry-After: 12", after(12_000)),
            ("Rate limit is exceeded. Try again in 86400 seconds.", after(86_400_000)),
            ("Please wait 463 hours 23 minutes before trying again", after(1_668_180_000)),
            ("quotaResetDelay: \"34.5s\"", after(34_500)),
            ("You will regain access on 2026-12-01 at 00:00 UTC.", Moment::At(1_796_083_200_000)),
            ("Your limit will reset at 2026-11-23 22:07:10", Moment::At(NOW + 30_000)),
            ("wait for your limit to reset on November 23, 2026 at 11:00 PM or", Moment::At(1_795_474_800_000)),
            ("Claude AI usage limit reached|1795471630", Moment::At(NOW + 30_000)),
            ("Free quota used. Resets at 22:07 UTC.", Moment::At(NOW + 20_000)),
            ("Free quota used. Resets at 22:06 UTC.", Moment::At(NOW - 40_000 + DAY_MS)),
            ("您的限额将在 2026-11-23 22:07:10 重置。", Moment::At(NOW + 30_000)),
        ];
        for (text, moment) in cases {
            assert_eq!(moments(text), [moment], "{text:?}");
        }
    }

    #[test]
    fn what_was_cut_short() {
        assert_eq!(read_all("Please try again in 7m", false), []);
        assert_eq!(read_all("Resets in 4hr 5", false), []);
        assert_eq!(read_all("Please try again in 7m12s. Visit the docs to le", false), [Moment::After(432_000)]);
    }

    #[test]
    fn other_sentences() {
        for text in [
            "Please try again in a few seconds.",
            "retry after 3 attempts",
            "try again later",
            "wait",
            "wait 5",
            "reset at the end of the month",
            "reset in 0s",
            "Try again in 900 days",
            "a limit of 60 s",
        ] {
            assert_eq!(moments(text), [], "{text:?}");
        }
    }
}
