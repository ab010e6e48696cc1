//! From stored rows to rows that can be served: borrowed secrets are looked up where they are.

use super::dotenv::Dotenv;
use super::row::{StoredRow, true_auth_type};
use super::secret::Secret;
use super::snapshot::{Row, SecretRef};

/// The row to serve. A secret from the environment comes before one in the file: Hermes keeps no secret of such rows, so
/// one that is there is old. Other rows are served with the secret in the file.
///
/// A live secret that differs from the recorded fingerprint was rotated since Hermes last wrote; that is normal, and the
/// live one counts.
pub(super) fn resolve(pool: &str, stored: &StoredRow, dotenv: &Dotenv, env: &dyn Fn(&str) -> Option<String>) -> Row {
    let variable = stored.source.strip_prefix("env:").map(str::trim);
    let live = variable.filter(|name| is_variable(name)).and_then(|name| dotenv.lookup(name, env));
    let secret = live.or_else(|| stored.secret.clone());
    let unresolved = secret.is_none().then(|| reason(&stored.source, variable));
    Row {
        id: stored.id.clone(),
        label: stored.label.clone(),
        auth_type: true_auth_type(pool, secret.as_ref(), stored.auth_type),
        source: stored.source.clone(),
        base_url: stored.base_url.clone(),
        fingerprint: secret.as_ref().map(Secret::fingerprint).or_else(|| stored.recorded.clone()),
        secret,
        secret_ref: secret_ref(&stored.source, variable),
        unresolved,
        account: None,
        secret_expires_at_ms: stored.secret_expires_at_ms,
        legacy: None,
    }
}

fn reason(source: &str, variable: Option<&str>) -> String {
    match variable {
        Some(variable) if is_variable(variable) => {
            format!("{variable} is set neither in Hermes' .env nor in the daemon's environment")
        }
        Some(_) => "its source names a variable that cannot exist".to_owned(),
        None if source == "manual" || source.starts_with("manual:") => "it has no access_token".to_owned(),
        None => format!("this version does not look up secrets of the source {source:?}"),
    }
}

fn secret_ref(source: &str, variable: Option<&str>) -> Option<SecretRef> {
    match variable {
        Some(variable) => is_variable(variable).then(|| SecretRef::Env(variable.to_owned())),
        None => Some(SecretRef::Config(source.strip_prefix("config:")?.to_owned())),
    }
}

/// Whether a variable can have this name.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}
