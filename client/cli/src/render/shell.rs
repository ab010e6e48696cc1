//! Words of a POSIX shell.

/// `text` as one word that means nothing but itself.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_the_quotes() {
        assert_eq!(quote(""), "''");
        assert_eq!(quote("Bearer "), "'Bearer '");
        assert_eq!(quote("$(x) `y` \"z\" \\ \n"), "'$(x) `y` \"z\" \\ \n'");
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
