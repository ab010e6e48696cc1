//! The strings that authorise requests.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A secret: it cannot be printed or serialised, and its memory is wiped with its last clone.
///
/// ```
/// use credpool_daemon::definitions::Secret;
/// assert_eq!(format!("{:?}", Secret::new("sk-1")), "[secret]");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Keeps a copy of `text`; the caller wipes the original.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::new(SecretString::from(text)))
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `sha256:` and the first 16 hex digits of the SHA-256 of its UTF-8 bytes, as hermes-agent 0.19.0 writes it into
    /// `secret_fingerprint` (agent/credential_persistence.py).
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("sha256:{}", short_hash(&[self.expose()], 8))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The first `bytes` bytes, at most 32, of the SHA-256 of `parts` with NUL between them, in lower-case hex.
pub(super) fn short_hash(parts: &[&str], bytes: usize) -> String {
    let mut hash = Sha256::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update([0]);
        }
        hash.update(part);
    }
    hash.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_that_of_hermes() {
        // Python: hashlib.sha256(b"sk-or-v1-0000").hexdigest()[:16]
        assert_eq!(Secret::new("sk-or-v1-0000").fingerprint(), "sha256:0d4181d7a4f39b7d");
        // FIPS 180-2, appendix B.1: SHA-256 of "abc".
        assert_eq!(Secret::new("abc").fingerprint(), "sha256:ba7816bf8f01cfea");
    }

    #[test]
    fn it_is_not_printed() {
        assert_eq!(
            format!("{:?} {:#?}", Secret::new("canary"), Some(Secret::new("canary"))),
            "[secret] Some(\n    [secret],\n)"
        );
    }
}
