//! Rows of our own configuration, for those who have no Hermes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{OwnDefinition, SecretSource};

use super::dotenv::Dotenv;
use super::resolve::without_variable;
use super::safe_file::{self, Demands, SafeFile};
use super::secret::{Secret, short_hash};
use super::side_file::STILL_SERVED;
use super::snapshot::{Problem, Row, SecretRef};

/// The largest file that may hold a single secret, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1_024;

/// The secrets in the files that our configuration names.
#[derive(Default)]
pub(super) struct SecretFiles(BTreeMap<PathBuf, Result<Secret, String>>);

impl SecretFiles {
    /// Reads the files. One that is gone, is empty or cannot be read leaves what it held before; one that holds no secret
    /// does not.
    pub(super) fn read<'a>(&mut self, paths: impl Iterator<Item = &'a PathBuf>, problems: &mut Vec<Problem>) {
        let mut before = std::mem::take(&mut self.0);
        for path in paths {
            if self.0.contains_key(path) {
                continue;
            }
            let found = read_file(path).and_then(|file| match file {
                None => Err("does not exist".to_owned()),
                Some(file) if file.bytes.is_empty() => Err("is empty".to_owned()),
                Some(file) => Ok(file),
            });
            let secret = match (found, before.remove(path)) {
                (Ok(file), _) => secret_in(&file),
                (Err(error), Some(Ok(secret))) => {
                    problems.push(Problem::new(path.display().to_string(), format!("{error}; {STILL_SERVED}")));
                    Ok(secret)
                }
                (Err(error), _) => Err(error),
            };
            if let Err(reason) = &secret {
                problems.push(Problem::new(path.display().to_string(), reason.clone()));
            }
            self.0.insert(path.clone(), secret);
        }
    }

    fn get(&self, path: &Path) -> Result<Secret, String> {
        self.0.get(path).cloned().unwrap_or_else(|| Err("has not been read".to_owned()))
    }
}

/// The row that a definition of ours makes. Its id, unless it has one, follows from pool and source alone, so it stays
/// when the secret changes.
pub(super) fn row(
    pool: &str,
    definition: &OwnDefinition,
    files: &SecretFiles,
    dotenv: &Dotenv,
    env: &dyn Fn(&str) -> Option<String>,
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
        SecretSource::File(path) => match files.get(path) {
            Ok(secret) => (Some(secret), None),
            Err(reason) => (None, Some(format!("{}: {reason}", path.display()))),
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

fn read_file(path: &Path) -> Result<Option<SafeFile>, String> {
    let demands = Demands { max_bytes: MAX_SECRET_FILE_BYTES, holds_secrets: true };
    safe_file::read(path, demands).map_err(|error| error.to_string())
}

fn secret_in(file: &SafeFile) -> Result<Secret, String> {
    let text = std::str::from_utf8(&file.bytes).map_err(|_| "is not UTF-8")?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err("holds nothing but line breaks".to_owned()),
        secret if secret.chars().any(char::is_control) => Err("holds more than one line".to_owned()),
        secret => Ok(Secret::new(secret)),
    }
}
