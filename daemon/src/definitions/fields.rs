//! Single fields of JSON objects, each with its own fate: one that is wrong must not spoil its neighbours, and no error
//! may repeat what stood there.

use std::borrow::Cow;
use std::ops::Deref;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroize;

/// No instant that anybody means is later, in milliseconds of Unix time: the year 5138.
const MAX_MILLISECONDS: f64 = 1e14;

/// The known fields of an object. What is not an object has none; to serde, a list would do for a struct.
pub(super) fn object<'a, T: Default + Deserialize<'a>>(raw: &'a RawValue) -> T {
    if raw.get().starts_with('{') { serde_json::from_str(raw.get()).unwrap_or_default() } else { T::default() }
}

/// A text that may be a secret: if it had to be copied, the copy is wiped when dropped.
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text in a field; `None` if there is none.
pub(super) fn text(raw: Option<&RawValue>) -> Option<Text<'_>> {
    let Borrowed(text) = serde_json::from_str(raw?.get()).ok()?;
    Some(Text(text))
}

/// The number in a field; `None` if there is none.
pub(super) fn number(raw: Option<&RawValue>) -> Option<f64> {
    serde_json::from_str(raw?.get()).ok()
}

/// The whole number of milliseconds in a field; `None` if there is none, and for 0, which stands for it in files of
/// JavaScript programs.
pub(super) fn milliseconds(raw: Option<&RawValue>) -> Option<u64> {
    let ms = number(raw)?;
    let possible = (1.0..MAX_MILLISECONDS).contains(&ms);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within bounds")]
    possible.then_some(ms as u64)
}

/// The instant in a field, in milliseconds of Unix time: text in ISO 8601.
pub(super) fn instant(raw: Option<&RawValue>) -> Option<u64> {
    u64::try_from(iso_8601(text(raw)?.trim())?.as_millisecond()).ok()
}

/// An instant in ISO 8601. One that names no zone is in UTC, as it is to Hermes where it matters (hermes_cli/auth.py of
/// hermes-agent 0.19.0, `_parse_iso_timestamp`).
pub(super) fn iso_8601(text: &str) -> Option<Timestamp> {
    let naive = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(naive)
}

/// The text in a field that may be missing or `null`.
///
/// # Errors
/// It is something else.
pub(super) fn optional_text(raw: Option<&RawValue>) -> Result<Option<Text<'_>>, NotText> {
    match raw {
        None => Ok(None),
        some => text(some).map(Some).ok_or(NotText),
    }
}

/// A field holds something other than a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotText;
