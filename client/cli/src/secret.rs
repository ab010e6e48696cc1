//! The secret of a leased credential, wherever it is.

use std::env;

use credpool_client::LeasedCredential;
use secrecy::SecretString;

use crate::failed::Failed;
use crate::render::clean;

/// The secret, from the lease, or from the variable of our environment that the lease says it is in.
pub(crate) fn secret_of(credential: &LeasedCredential) -> Result<SecretString, Failed> {
    find(credential, |name| env::var(name).ok())
}

/// What to say of a secret that was leased although its time is over.
pub(crate) fn run_out(credential: &LeasedCredential) -> String {
    format!(
        "the secret of {} has run out, and nothing better is there: it has to be refreshed",
        clean(&credential.label)
    )
}

fn find(credential: &LeasedCredential, env: impl Fn(&str) -> Option<String>) -> Result<SecretString, Failed> {
    if let Some(secret) = &credential.secret {
        return Ok(secret.clone());
    }
    let place = credential.secret_ref.as_ref();
    let variable = place.and_then(|place| place.env.as_deref());
    if let Some(secret) = variable.and_then(env).filter(|secret| !secret.is_empty()) {
        return Ok(secret.into());
    }
    let label = clean(&credential.label);
    Err(Failed::NoSecret(match variable {
        Some(variable) => format!("the secret of {label} is in {}, which is not set here", clean(variable)),
        None => format!("the daemon does not hand out the secret of {label}"),
    }))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};

    use super::*;

    fn credential(more: Value) -> LeasedCredential {
        let mut credential = json!({
            "id": "a1b2c3", "label": "work", "auth_type": "api_key", "secret": null,
            "auth": {"header": "Authorization", "prefix": "Bearer "}, "secret_expires_at_ms": null,
            "base_url": null, "fingerprint": "sha256:053ad1494404cdc3", "epoch": "e1"
        });
        let (Value::Object(fields), Value::Object(more)) = (&mut credential, more) else { unreachable!("objects") };
        fields.extend(more);
        serde_json::from_value(credential).unwrap()
    }

    fn found(credential: &LeasedCredential, value: Option<&str>) -> Result<String, String> {
        let env = |name: &str| (name == "THE_KEY").then_some(value?.to_owned());
        find(credential, env).map(|secret| secret.expose_secret().to_owned()).map_err(|failed| failed.sentence())
    }

    #[test]
    fn the_lease_comes_before_the_environment() {
        let leased = credential(json!({"secret": "sk-1", "secret_ref": {"env": "THE_KEY"}}));
        assert_eq!(found(&leased, Some("sk-2")), Ok("sk-1".to_owned()));
    }

    #[test]
    fn a_reference_to_a_variable_is_followed() {
        let by_reference = credential(json!({"secret_ref": {"env": "THE_KEY"}}));
        assert_eq!(found(&by_reference, Some("sk-2")), Ok("sk-2".to_owned()));
        let missing = Err("the secret of work is in THE_KEY, which is not set here".to_owned());
        assert_eq!(found(&by_reference, None), missing);
        assert_eq!(found(&by_reference, Some("")), missing);
    }

    #[test]
    fn other_references_are_not() {
        let withheld = Err("the daemon does not hand out the secret of work".to_owned());
        assert_eq!(found(&credential(json!({"secret_ref": {"config": "model"}})), Some("sk-2")), withheld);
        assert_eq!(found(&credential(json!({})), Some("sk-2")), withheld);
    }
}
