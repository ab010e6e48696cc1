//! JSON Web Tokens, as providers of OAuth logins give them out.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::Value;

use super::secret;

/// A token with these claims. In the place of its signature it has the secret of this name, so that a leak shows.
pub(crate) fn token(name: &str, claims: &Value) -> String {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(r#"{"alg":"RS256"}"#), encode(&claims.to_string()), secret(name))
}
