//! What an error says itself, and what it merely repeats of a request: `Invalid schema for function 'x': 'top up your
//! card' is not valid` says nothing of money.

/// How much of a text is looked at, in bytes: what it is about, an error says first.
const MAX_OPENING_BYTES: usize = 512;

/// The longest label in front of an error's words, as `litellm.BadRequestError`, in words.
const MAX_LABEL_WORDS: usize = 3;

/// The words of an error, in lower case, up to the first colon, as what follows explains or repeats, and without what
/// stands in quotes, of which only the marks are left. Labels as `Error code: 400 - ` are passed over.
pub(crate) fn own_words(text: &str) -> String {
    let mut rest = text[..text.floor_char_boundary(MAX_OPENING_BYTES)].trim_start();
    loop {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if number.len() < rest.len() {
            rest = number.trim_start_matches([' ', '-', ':']);
        }
        let Some((_, after)) = rest.split_once(": ").filter(|(label, _)| is_label(label)) else { break };
        rest = after.trim_start();
    }
    let unquoted = without_quotes(rest);
    unquoted.split_once(": ").map_or(unquoted.as_str(), |(words, _)| words).to_owned()
}

fn is_label(label: &str) -> bool {
    let is_one = |word: &str| ["error", "exception", "code", "status"].iter().any(|end| word.ends_with(end));
    label.split_whitespace().count() <= MAX_LABEL_WORDS && label.split_whitespace().next_back().is_some_and(is_one)
}

/// An apostrophe is no quote; a quote without an end takes all the rest.
fn without_quotes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut closing = None;
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let is_inside_word = c == '\''
            && before.is_alphanumeric()
            && (closing.is_none() || chars.peek().is_some_and(|c| c.is_alphanumeric()));
        match closing {
            Some(end) if c == end && !is_inside_word => {
                closing = None;
                kept.push(c);
            }
            Some(_) => {}
            None => {
                kept.push(c);
                closing = match c {
                    '\'' if !is_inside_word => Some('\''),
                    '"' | '`' => Some(c),
                    '“' => Some('”'),
                    '‘' => Some('’'),
                    '«' => Some('»'),
                    _ => None,
                };
            }
        }
        before = c;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_says_itself() {
        let cases = [
            ("your credit balance is too low.", "your credit balance is too low."),
            ("invalid schema for function 'x': 'top up your card' is not valid", "invalid schema for function ''"),
            ("tools.0.custom.name: 'credit balance is too low' bad", "tools.0.custom.name"),
            ("tools.0.custom.name: credit balance is too low", "tools.0.custom.name"),
            ("the model `m` does not exist.", "the model `` does not exist."),
            ("404 the model `m` does not exist", "the model `` does not exist"),
            ("error code: 400 - insufficient balance", "insufficient balance"),
            ("litellm.badrequesterror: insufficient credits", "insufficient credits"),
            ("you've reached your 'x' limit, don't you", "you've reached your '' limit, don't you"),
            ("bad 'don't top up your' card", "bad '' card"),
            ("never closed \"top up your card", "never closed \""),
            ("see https://example.com for your balance", "see https://example.com for your balance"),
            ("", ""),
        ];
        for (text, own) in cases {
            assert_eq!(own_words(text), own, "{text:?}");
        }
    }
}
