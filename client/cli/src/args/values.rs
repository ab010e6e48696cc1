//! Readers of values on the command line.

use anstream::ColorChoice;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nix::unistd::User;

/// A header of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Reads `Name: value`, as a response has it.
pub(super) fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("write a header as in 'Retry-After: 43'")?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err("the header has no name".to_owned());
    }
    Ok(Header { name: name.to_owned(), value: value.to_owned() })
}

/// Reads the name of an environment variable.
pub(super) fn variable(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err("write the name of an environment variable, as in OPENROUTER_API_KEY".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads what a holder of leases is called: a name that a file may have, too.
pub(super) fn holder(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || text.len() > 64 || !text.chars().all(is_plain) {
        return Err("write at most 64 letters, digits, dots, dashes and underscores".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads how many entries an answer may have.
pub(super) fn page(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| (1..=1_000).contains(number)).ok_or("write a number from 1 to 1000".to_owned())
}

/// Reads a user's name or number.
pub(super) fn user(text: &str) -> Result<u32, String> {
    if let Ok(uid) = text.parse() {
        return Ok(uid);
    }
    match User::from_name(text) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        Ok(None) => Err("there is no such user".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads when to use colours.
pub(super) fn color(text: &str) -> Result<ColorChoice, String> {
    match text {
        "auto" => Ok(ColorChoice::Auto),
        "always" => Ok(ColorChoice::Always),
        "never" => Ok(ColorChoice::Never),
        _ => Err("write auto, always or never".to_owned()),
    }
}

/// Reads one of the protocol's words.
pub(super) fn word<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    as_str: fn(T) -> &'static str,
    parse: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|word| as_str(*word)))
        .try_map(move |word| parse(&word).ok_or("no such word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let read = |text| header(text).map(|header| (header.name, header.value));
        assert_eq!(read("Retry-After: 43"), Ok(("Retry-After".to_owned(), "43".to_owned())));
        assert_eq!(read("date:Tue, 24 Nov 2026 00:00:00 GMT").map(|(_, value)| value.len()), Ok(29));
        assert_eq!(read("x:"), Ok(("x".to_owned(), String::new())));
        assert!(read("Retry-After 43").is_err());
        assert!(read(": 43").is_err());
    }

    #[test]
    fn a_variable_has_a_name_and_no_value() {
        assert_eq!(variable("OPENAI_API_KEY"), Ok("OPENAI_API_KEY".to_owned()));
        assert!(variable("").is_err());
        assert!(variable("OPENAI_API_KEY=sk-1").is_err());
    }

    #[test]
    fn a_holder_has_a_name_that_is_safe_in_a_path() {
        assert_eq!(holder("claude-code_2.1"), Ok("claude-code_2.1".to_owned()));
        assert!(holder(&"x".repeat(64)).is_ok());
        for text in ["", "a/b", "a b", "é", &"x".repeat(65)] {
            assert!(holder(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_user_is_a_number_or_a_known_name() {
        assert_eq!(user("1000"), Ok(1000));
        assert_eq!(user("root"), Ok(0));
        assert!(user("no such user").is_err());
    }
}
