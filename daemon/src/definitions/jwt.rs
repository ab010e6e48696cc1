//! What a token says of itself, if it is a JSON Web Token (RFC 7519).
//!
//! Nobody checks its signature: it is its owner's, read from the owner's file, and goes back to whoever signed it. What it
//! says tells accounts apart and when to refresh, and authorises nothing.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::fields;
use super::secret::short_hash;

/// The longest token that is looked into, in bytes; those of the providers have one or two thousand.
const MAX_TOKEN_BYTES: usize = 16 * 1_024;

/// Like Hermes, which ignores padding and what is left over in the last letter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What a token may be used for at Nous (hermes_cli/auth.py of hermes-agent 0.19.0, `NOUS_INFERENCE_INVOKE_SCOPE`).
const INFERENCE: &str = "inference:invoke";

/// What is of interest in a token's claims. It holds nothing that authorises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// When the token runs out, in milliseconds of Unix time.
    pub(super) expires_at_ms: Option<u64>,
    /// Whom it is for: a hash, the same for every token of one login.
    pub(super) account: Option<String>,
    /// What its owner is called.
    pub(super) name: Option<String>,
    /// Whether it says that it may be used for inference at Nous.
    pub(super) may_infer: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawClaims<'a> {
    #[serde(borrow)]
    exp: Option<&'a RawValue>,
    iss: Option<&'a RawValue>,
    sub: Option<&'a RawValue>,
    scope: Option<&'a RawValue>,
    scp: Option<&'a RawValue>,
    email: Option<&'a RawValue>,
    preferred_username: Option<&'a RawValue>,
    upn: Option<&'a RawValue>,
    #[serde(rename = "https://api.openai.com/auth")]
    openai: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawOpenAi<'a> {
    #[serde(borrow)]
    chatgpt_account_id: Option<&'a RawValue>,
    chatgpt_user_id: Option<&'a RawValue>,
    user_id: Option<&'a RawValue>,
}

impl Claims {
    /// What `token` says; `None` if it is no such token.
    pub(super) fn read(token: &str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let payload = Zeroizing::new(BASE64.decode(payload).ok()?);
        let raw: &RawValue = serde_json::from_slice(&payload).ok()?;
        if !raw.get().starts_with('{') {
            return None;
        }
        let claims: RawClaims<'_> = serde_json::from_str(raw.get()).ok()?;
        Some(Self {
            expires_at_ms: fields::number(claims.exp).and_then(seconds_to_ms),
            account: account(&claims),
            name: [claims.email, claims.preferred_username, claims.upn]
                .into_iter()
                .filter_map(fields::text)
                .map(|name| name.trim().to_owned())
                .find(|name| !name.is_empty()),
            may_infer: [claims.scope, claims.scp].into_iter().flatten().any(may_infer),
        })
    }
}

/// Whether `scope`, a text or a list of texts, allows inference at Nous.
pub(super) fn may_infer(scope: &RawValue) -> bool {
    let among = |text: &str| text.split([' ', ',', '\t', '\n']).any(|word| word == INFERENCE);
    match fields::text(Some(scope)) {
        Some(text) => among(&text),
        None => {
            let list: Vec<&RawValue> = serde_json::from_str(scope.get()).unwrap_or_default();
            list.into_iter().any(|entry| fields::text(Some(entry)).is_some_and(|text| among(&text)))
        }
    }
}

/// Whom OpenAI limits is one user within one ChatGPT account, which a team shares. Elsewhere it is the subject.
fn account(claims: &RawClaims<'_>) -> Option<String> {
    let openai: RawOpenAi<'_> = claims.openai.map(fields::object).unwrap_or_default();
    let text = |raw| fields::text(raw).filter(|text| !text.is_empty());
    let hash = |parts: &[&str]| format!("jwt:{}", short_hash(parts, 8));
    if let Some(account) = text(openai.chatgpt_account_id) {
        let user = text(openai.chatgpt_user_id).or_else(|| text(openai.user_id));
        return Some(hash(&["openai", &account, user.as_deref().unwrap_or_default()]));
    }
    let (issuer, subject) = (text(claims.iss), text(claims.sub)?);
    Some(hash(&["sub", issuer.as_deref().unwrap_or_default(), &subject]))
}

/// An instant in seconds of Unix time, in milliseconds; `None` for what nobody can mean.
fn seconds_to_ms(seconds: f64) -> Option<u64> {
    let possible = (1.0..1e11).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within bounds")]
    possible.then_some((seconds * 1_000.0) as u64)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// A token with these claims.
    pub(in crate::definitions) fn token(claims: &Value) -> String {
        let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.canary", encode("{}"), encode(&claims.to_string()))
    }

    fn read(claims: &Value) -> Claims {
        Claims::read(&token(claims)).expect("a token")
    }

    #[test]
    fn what_a_token_says_is_read() {
        let claims = read(&json!({
            "iss": "https://auth.example", "sub": "user-1", "exp": 1_795_475_600, "email": " ann@example.com ",
            "scope": "openid inference:invoke",
        }));
        assert_eq!(claims.expires_at_ms, Some(1_795_475_600_000));
        assert_eq!((claims.name.as_deref(), claims.may_infer), (Some("ann@example.com"), true));
        assert_eq!(read(&json!({})), Claims::default());
        assert_eq!(read(&json!({"upn": "u", "email": "", "preferred_username": 3})).name.as_deref(), Some("u"));
    }

    #[test]
    fn an_account_is_a_subject_of_an_issuer_and_outlives_a_token() {
        let account = |claims: &Value| read(claims).account;
        let one = account(&json!({"iss": "a", "sub": "u", "exp": 1}));
        assert!(one.as_deref().is_some_and(|account| account.starts_with("jwt:") && account.len() == 20));
        assert_eq!(one, account(&json!({"iss": "a", "sub": "u", "exp": 2, "jti": "x"})));
        assert_ne!(one, account(&json!({"iss": "b", "sub": "u"})));
        assert_ne!(one, account(&json!({"iss": "a", "sub": "v"})));
        assert_eq!(account(&json!({"iss": "a"})), None);
        assert_eq!(account(&json!({"sub": ""})), None);
    }

    #[test]
    fn an_account_of_openai_is_a_user_within_a_chatgpt_account() {
        let account = |auth: Value| read(&json!({"sub": "s", "https://api.openai.com/auth": auth})).account;
        let ann = account(json!({"chatgpt_account_id": "team", "chatgpt_user_id": "ann"}));
        assert_eq!(ann, account(json!({"chatgpt_account_id": "team", "user_id": "ann", "chatgpt_plan_type": "pro"})));
        assert_ne!(ann, account(json!({"chatgpt_account_id": "team", "chatgpt_user_id": "bob"})));
        assert_ne!(ann, account(json!({"chatgpt_account_id": "own", "chatgpt_user_id": "ann"})));
        assert_eq!(account(json!({})), read(&json!({"sub": "s"})).account);
        assert_eq!(account(json!("canary")), read(&json!({"sub": "s"})).account);
    }

    #[test]
    fn a_scope_is_a_text_or_a_list() {
        for (claims, may) in [
            (json!({"scp": ["openid", "inference:invoke"]}), true),
            (json!({"scope": "a,inference:invoke"}), true),
            (json!({"scope": "inference:invoke2"}), false),
            (json!({"scope": {"inference:invoke": 1}}), false),
            (json!({}), false),
        ] {
            assert_eq!(read(&claims).may_infer, may, "{claims}");
        }
    }

    #[test]
    fn an_instant_is_a_number_that_somebody_can_mean() {
        for (exp, expected) in [
            (json!(1), Some(1_000)),
            (json!(1.5), Some(1_500)),
            (json!(0), None),
            (json!(-1), None),
            (json!("1"), None),
            (json!(1e11), None),
            (json!(99_999_999_999_u64), Some(99_999_999_999_000)),
        ] {
            assert_eq!(read(&json!({ "exp": exp })).expires_at_ms, expected, "{exp}");
        }
    }

    proptest! {
        #[test]
        fn any_token_is_survived(payload in prop::collection::vec(any::<u8>(), 0..80), text in "[a-zA-Z0-9_.=-]{0,80}") {
            let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(payload);
            Claims::read(&format!("a.{payload}.b"));
            Claims::read(&text);
        }

        #[test]
        fn any_claims_are_survived(exp in any::<f64>(), sub in "\\PC{0,40}", scope in any::<i64>()) {
            let claims = read(&json!({ "exp": exp, "sub": sub, "scope": [scope, { "a": scope }], "email": [sub] }));
            prop_assert!(!claims.may_infer && claims.name.is_none());
            prop_assert!(claims.account.is_none_or(|account| account.len() == 20));
        }
    }

    #[test]
    fn what_is_no_token_says_nothing() {
        let long = format!("{}{}", token(&json!({"exp": 1})), "x".repeat(MAX_TOKEN_BYTES));
        let list = format!("x.{}.x", base64::prelude::BASE64_URL_SAFE_NO_PAD.encode("[1]"));
        for text in ["", "sk-ant-oat01-x", "a.b", "a.b.c", "..", "a.e30.c.d", "a.{}.c", &long, &list] {
            assert_eq!(Claims::read(text), None, "{text}");
        }
        // Padding and what is left over in the last letter are nobody's business.
        assert!(Claims::read("a.e30=.c").is_some() && Claims::read("a.e31.c").is_some());
    }
}
