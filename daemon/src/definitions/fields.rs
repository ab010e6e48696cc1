//! Single fields of JSON objects, each with its own fate: one that is wrong must not spoil its neighbours, and no error
//! may repeat what stood there.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroize;

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
