//! Lease ids: bearer tokens of 128 bits from the operating system's generator.

use std::fmt;

use credpool_core::{Session, TokenHash};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Bytes of randomness that are drawn at a time, so that not every lease costs a system call.
const DRAWN: usize = 4_096;

/// A lease id. It authorises whoever holds it, so it is never printed by `Debug` and never logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token([u8; 16]);

impl Token {
    /// Reads the form that is on the wire: 32 lower-case hexadecimal digits. `None` for anything else.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The form that is on the wire.
    #[must_use]
    pub(crate) fn to_wire(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0
            .iter()
            .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
            .map(char::from)
            .collect()
    }

    /// What the core knows the lease by.
    #[must_use]
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(half_of_the_hash(&self.0))
    }
}

/// What the core knows a session by, so that what callers name theirs is kept nowhere.
pub(crate) fn session(name: &str) -> Session {
    Session(half_of_the_hash(name.as_bytes()))
}

/// 128 bits of the SHA-256 of `bytes`.
fn half_of_the_hash(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(16).fold(0, |half, byte| (half << 8) | u128::from(*byte))
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[lease id]")
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Draws lease ids.
pub(crate) struct Tokens {
    drawn: Vec<u8>,
    used: usize,
}

impl Tokens {
    /// A source that draws when it is first asked.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { drawn: vec![0; DRAWN], used: DRAWN }
    }

    /// The next lease id.
    ///
    /// # Errors
    /// The operating system has no randomness to give, which a running Linux always has.
    pub(crate) fn draw(&mut self) -> Result<Token, getrandom::Error> {
        if self.used + 16 > self.drawn.len() {
            getrandom::fill(&mut self.drawn)?;
            self.used = 0;
        }
        let mut bytes = [0; 16];
        let drawn = &mut self.drawn[self.used..self.used + 16];
        bytes.copy_from_slice(drawn);
        drawn.zeroize();
        self.used += 16;
        Ok(Token(bytes))
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_wire_form_reads_back() {
        let mut tokens = Tokens::new();
        let token = tokens.draw().unwrap();
        assert_eq!(Token::parse(&token.to_wire()), Some(token));
    }

    #[test]
    fn only_the_wire_form_is_read() {
        let wire = "00112233445566778899aabbccddeeff";
        assert!(Token::parse(wire).is_some());
        for other in [
            "",
            &wire[1..],
            &wire.to_uppercase(),
            "00112233445566778899aabbccddeefg",
            "é0112233445566778899aabbccddeef",
        ] {
            assert_eq!(Token::parse(other), None, "{other}");
        }
    }

    #[test]
    fn no_two_are_the_same_across_draws() {
        let mut tokens = Tokens::new();
        let drawn: BTreeSet<String> = (0..1_000).map(|_| tokens.draw().unwrap().to_wire()).collect();
        assert_eq!(drawn.len(), 1_000);
    }

    #[test]
    fn a_token_does_not_print() {
        let token = Tokens::new().draw().unwrap();
        assert_eq!(format!("{token:?}"), "[lease id]");
    }
}
