//! Rows of our own configuration, for those who have no Hermes.

use std::path::Path;

use crate::config::{OwnDefinition, SecretSource};

use super::dotenv::Dotenv;
use super::resolve::without_variable;
use super::safe_file::{self, Demands};
use super::secret::{Secret, short_hash};
use super::snapshot::{Problem, Row, SecretRef};

/// The largest file that may hold a single secret, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1_024;

/// The row that a definition of ours makes. Its id, unless it has one, follows from pool and source alone, so it stays
/// when the secret changes.
pub(super) fn row(
    pool: &str,
    definition: &OwnDefinition,
    dotenv: &Dotenv,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> Row {
    let (kind, name) = match &definition.source {
        SecretSource::Env(variable) => ("env", variable.clone()),
        SecretSource::File(path) => ("file", path.display().to_string()),
    };
    let id = definition.id.clone().unwrap_or_else(|| format!("c{}", short_hash(&[pool, kind, &name], 6)));
    let source = format!("{kind}:{name}");
    let (secret, unresolved) = match &definition.source {
        SecretSource::Env(variable) => match dotenv.lookup(variable, env) {
            Ok(found) => (Some(found.secret), None),
            Err(why) => (None, Some(without_variable(variable, why, None))),
        },
        SecretSource::File(path) => match read_secret(path) {
            Ok(secret) => (Some(secret), None),
            Err(reason) => {
                problems.push(Problem::new(path.display().to_string(), reason.clone()));
                (None, Some(format!("{}: {reason}", path.display())))
            }
        },
    };
    let label = definition.label.clone().unwrap_or_else(|| match &definition.source {
        SecretSource::Env(variable) => variable.clone(),
        SecretSource::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    });
    Row {
        id,
        label,
        auth_type: definition.auth_type,
        source,
        base_url: definition.base_url.clone(),
        fingerprint: secret.as_ref().map(Secret::fingerprint),
        secret,
        secret_ref: match &definition.source {
            SecretSource::Env(variable) => Some(SecretRef::Env(variable.clone())),
            SecretSource::File(path) => Some(SecretRef::File { path: path.display().to_string(), pointer: None }),
        },
        unresolved,
        account: definition.account.clone(),
        token_account: None,
        secret_expires_at_ms: None,
        legacy: None,
    }
}

fn read_secret(path: &Path) -> Result<Secret, String> {
    let demands = Demands { max_bytes: MAX_SECRET_FILE_BYTES, holds_secrets: true };
    let file = safe_file::read(path, demands).map_err(|error| error.to_string())?.ok_or("does not exist")?;
    let text = std::str::from_utf8(&file.bytes).map_err(|_| "is not UTF-8")?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err("is empty".to_owned()),
        secret if secret.chars().any(char::is_control) => Err("holds more than one line".to_owned()),
        secret => Ok(Secret::new(secret)),
    }
}
