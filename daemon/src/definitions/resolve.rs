//! From stored rows to rows that can be served: each gets the secret that Hermes would use.
//!
//! After hermes-agent 0.19.0 (agent/credential_pool.py, `load_pool`). What `seeds` does otherwise is said there; besides:
//!
//! - A row that Hermes would delete, since its secret is gone, is kept without one, and says why. One whose source the
//!   user told Hermes not to use is left out.
//! - A variable that Hermes does not know of a provider is looked up all the same, and a secret that stands in a row whose
//!   source is not known here is used: a newer Hermes wrote it.
//! - Without a base URL, a row gets the one of its provider.

use std::collections::BTreeSet;

use credpool_proto::limits::MAX_NAME_BYTES;

use super::dotenv::{Found, NotFound};
use super::legacy::{LegacyState, Notes};
use super::logins::Login;
use super::providers::provider;
use super::row::{StoredRow, has_control, true_auth_type, without_control};
use super::secret::{Secret, short_hash};
use super::seeds::{Places, Seed};
use super::snapshot::{Problem, Row, SecretRef};
use super::token_file::Holder;
use super::tokens::Tokens;
use crate::config::AuthType;

/// What Anthropic's rows that nobody added by hand are ranked by (agent/credential_pool.py, `_normalize_pool_priorities`).
const ANTHROPIC_RANKS: [&str; 5] =
    ["env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "hermes_pkce", "claude_code", "env:ANTHROPIC_API_KEY"];

/// The rows of `pool` that are to be served, by priority; those of one priority in the order of the file, and those that
/// Hermes has not written yet at the end.
///
/// `legacy` is what Hermes noted about a stored row.
pub(super) fn rows(
    pool: &str,
    stored: &[StoredRow],
    places: &Places<'_>,
    legacy: &dyn Fn(&StoredRow) -> LegacyState,
    problems: &mut Vec<Problem>,
) -> Vec<Row> {
    let seeds = places.seeds(pool, stored);
    let resolver = Resolver { pool, stored, places };
    let mut ranked = Vec::with_capacity(stored.len());
    let mut filled = BTreeSet::new();
    for row in stored {
        let seed = seeds.iter().find(|seed| seed.source == row.source);
        if seed.is_some() && !filled.insert(row.source.as_str()) {
            let (id, source) = (super::printable(&row.id), super::printable(&row.source));
            problems.push(Problem::new(
                format!("{pool}: {id}"),
                format!("has the source of an earlier row, {source}, and is left out, as Hermes does"),
            ));
        } else if !(resolver.depends_on_its_source(row) && places.is_suppressed(pool, &row.source)) {
            let resolved = Row { legacy: Some(legacy(row)), ..resolver.row(row, seed, problems) };
            ranked.push((row.priority, resolved));
        }
    }
    let mut last = stored.iter().map(|row| row.priority).max().unwrap_or(-1);
    for seed in seeds.iter().filter(|seed| seed.makes_row && !filled.contains(seed.source.as_str())) {
        match new_row(pool, seed) {
            Some(row) if ranked.iter().all(|(_, known)| known.id != row.id) => {
                last = last.saturating_add(1);
                ranked.push((last, resolver.row(&row, Some(seed), problems)));
            }
            _ => problems.push(Problem::new(
                format!("{pool}: {}", super::printable(&seed.source)),
                "cannot be the source of a row, and is left out",
            )),
        }
    }
    if pool == "anthropic" {
        ranked.sort_by(|(a, one), (b, other)| anthropic_rank(*a, one).cmp(&anthropic_rank(*b, other)));
    } else {
        // Stable, as in hermes-agent.
        ranked.sort_by_key(|(priority, _)| *priority);
    }
    ranked.into_iter().map(|(_, row)| row).collect()
}

fn anthropic_rank(priority: i64, row: &Row) -> (bool, usize, i64, &str) {
    if is_manual(&row.source) {
        return (false, 0, priority, "");
    }
    let rank = ANTHROPIC_RANKS.iter().position(|source| *source == row.source).unwrap_or(ANTHROPIC_RANKS.len());
    (true, rank, priority, &row.label)
}

/// A row that Hermes would make. Its id follows from pool and source alone, so it stays when the secret changes; when
/// Hermes makes the row itself, it gives it another.
fn new_row(pool: &str, seed: &Seed) -> Option<StoredRow> {
    let is_good = |name: &str| !name.is_empty() && name.len() <= MAX_NAME_BYTES && !has_control(name);
    if !is_good(&seed.source) || !is_good(pool) || seed.tokens.url(pool).is_some_and(has_control) {
        return None;
    }
    let label = without_control(&seed.label);
    Some(StoredRow {
        id: format!("s{}", short_hash(&[pool, &seed.source], 6)),
        label: if label.len() <= MAX_NAME_BYTES { label } else { seed.source.clone() },
        auth_type: seed.auth_type,
        priority: 0,
        source: seed.source.clone(),
        tokens: Tokens::default(),
        recorded: None,
        secret_source: None,
        notes: Notes::default(),
    })
}

struct Resolver<'a> {
    pool: &'a str,
    stored: &'a [StoredRow],
    places: &'a Places<'a>,
}

impl Resolver<'_> {
    /// Whether Hermes uses no secret of such a row's own (agent/credential_persistence.py,
    /// `is_borrowed_credential_source`; and `hermes_pkce`, which it copies from a file).
    fn depends_on_its_source(&self, row: &StoredRow) -> bool {
        let keeps = match (self.pool, row.source.as_str()) {
            ("minimax-oauth", "oauth") | ("nous" | "openai-codex" | "xai-oauth", "device_code") => true,
            // Until 0.18. A later Hermes takes it for a login of the new name.
            ("xai-oauth", "loopback_pkce") => self.stored.iter().all(|other| other.source != "device_code"),
            _ => false,
        };
        !keeps && !is_manual(&row.source)
    }

    fn row(&self, stored: &StoredRow, seed: Option<&Seed>, problems: &mut Vec<Problem>) -> Row {
        let found = match seed {
            Some(seed) => Ok((stored.tokens.updated(&seed.tokens), seed.is_from_environment)),
            None => self.unseeded(stored),
        };
        let authority = found.and_then(|(tokens, is_from_environment)| {
            let authority = tokens.authority(self.pool)?;
            Ok((tokens, authority, is_from_environment))
        });
        let (tokens, authority, unresolved) = match authority {
            Ok((tokens, authority, is_from_environment)) => {
                if is_from_environment {
                    problems.extend(self.outdated(stored, &authority.secret));
                }
                (tokens, Some(authority), None)
            }
            Err(reason) => (stored.tokens.clone(), None, Some(reason)),
        };
        let secret = authority.as_ref().map(|authority| authority.secret.clone());
        let auth_type =
            true_auth_type(self.pool, secret.as_ref(), seed.map_or(stored.auth_type, |seed| seed.auth_type));
        let is_oauth = auth_type == AuthType::OAuth;
        let token_account = authority.as_ref().and_then(|authority| authority.claims.as_ref()?.account.clone());
        Row {
            id: stored.id.clone(),
            label: stored.label.clone(),
            auth_type,
            source: stored.source.clone(),
            base_url: self.base_url(&tokens),
            fingerprint: secret.as_ref().map(Secret::fingerprint).or_else(|| stored.recorded.clone()),
            secret,
            secret_ref: self.secret_ref(&stored.source),
            unresolved,
            account: None,
            token_account: token_account.filter(|_| is_oauth),
            secret_expires_at_ms: authority.and_then(|authority| {
                let claimed = authority.claims.and_then(|claims| claims.expires_at_ms);
                claimed.filter(|_| is_oauth).or(authority.noted_expiry_ms)
            }),
            legacy: None,
        }
    }

    /// The secrets of a row that nothing fills, and whether they are from the daemon's environment.
    fn unseeded(&self, stored: &StoredRow) -> Result<(Tokens, bool), String> {
        let own = || (stored.tokens.clone(), false);
        if let Some(variable) = stored.source.strip_prefix("env:").map(str::trim) {
            if !is_variable(variable) {
                return Err("its source names a variable that cannot exist".to_owned());
            }
            return match self.places.dotenv.lookup(variable, self.places.env) {
                Ok(Found { secret, is_from_environment }) => {
                    let tokens = Tokens { access_token: Some(secret), expires_at_ms: None, ..stored.tokens.clone() };
                    Ok((tokens, is_from_environment))
                }
                // Hermes keeps no secret of such a row any more, but uses one that is there.
                Err(_) if stored.tokens.access_token.is_some() => Ok(own()),
                Err(why) => Err(without_variable(variable, why, stored.secret_source.as_deref())),
            };
        }
        if !self.depends_on_its_source(stored) {
            let over = self.pool == "nous" && stored.source.ends_with("device_code");
            return if over && self.places.login("nous").is_some_and(Login::is_over) {
                Err("Hermes has ended this login: log in again with `hermes auth add nous`".to_owned())
            } else {
                Ok(own())
            };
        }
        let holder = Holder::ALL.into_iter().find(|holder| holder.source() == stored.source);
        Err(match (holder, stored.source.as_str()) {
            (Some(holder), _) if holder.pool() == self.pool => {
                self.places.why_not(holder, self.stored).unwrap_or_else(|| "its login cannot be used".to_owned())
            }
            (_, "gh_cli") => "Hermes gets its token from the GitHub CLI and GitHub; credpoold runs no programs: \
                              set COPILOT_GITHUB_TOKEN in Hermes' .env"
                .to_owned(),
            (_, "model_config") => {
                "Hermes' config.yaml has no model.api_key for it, with the provider `custom` and the \
                                    base_url of this endpoint"
                    .to_owned()
            }
            (_, "loopback_pkce") if self.pool == "xai-oauth" => "Hermes has a newer login, `device_code`".to_owned(),
            (_, source) if source.starts_with("config:") => {
                "Hermes' config.yaml has no api_key for it, or one that names a variable which is not set".to_owned()
            }
            // A newer Hermes may have sources of which it keeps the secret in the row; this one would have removed it.
            _ if stored.tokens.access_token.is_some() => return Ok(own()),
            (_, source) => format!("credpoold does not know where Hermes keeps secrets of the source {source:?}"),
        })
    }

    /// A secret in the daemon's environment that is not the one which Hermes last saw: it may well be the older one.
    fn outdated(&self, stored: &StoredRow, secret: &Secret) -> Option<Problem> {
        let recorded = stored.recorded.as_ref()?;
        (*recorded != secret.fingerprint()).then(|| {
            let variable = stored.source.strip_prefix("env:").unwrap_or_default();
            Problem::new(
                format!("{}: {}", self.pool, super::printable(&stored.id)),
                format!(
                    "has {variable} from the daemon's environment, where it is not what Hermes last saw; if it is old, \
                     put the new one into Hermes' .env or restart credpoold with it"
                ),
            )
        })
    }

    fn base_url(&self, tokens: &Tokens) -> Option<String> {
        let said = match self.pool {
            // Above all that Hermes has from Nous (hermes_cli/auth.py, `_nous_inference_env_override`).
            "nous" => self.places.variable("NOUS_INFERENCE_BASE_URL").map(|url| url.expose().to_owned()),
            _ => None,
        };
        let known = || provider(self.pool).map(|provider| provider.base_url.to_owned()).filter(|url| !url.is_empty());
        let url = said.or_else(|| tokens.url(self.pool).map(str::to_owned)).or_else(known)?;
        (!has_control(&url)).then_some(url)
    }

    fn secret_ref(&self, source: &str) -> Option<SecretRef> {
        if let Some(variable) = source.strip_prefix("env:").map(str::trim) {
            return is_variable(variable).then(|| SecretRef::Env(variable.to_owned()));
        }
        if let Some(name) = source.strip_prefix("config:") {
            return Some(SecretRef::Config(name.to_owned()));
        }
        if source == "model_config" {
            return Some(SecretRef::Config("model.api_key".to_owned()));
        }
        let holder = Holder::ALL.into_iter().find(|h| h.source() == source && h.pool() == self.pool)?;
        let path = self.places.files.path(holder)?.display().to_string();
        Some(SecretRef::File { path, pointer: Some(holder.pointer().to_owned()) })
    }
}

/// Why there is no secret in a variable, and what to do.
pub(super) fn without_variable(variable: &str, why: NotFound, secret_source: Option<&str>) -> String {
    match (why, secret_source) {
        (NotFound::Reference, _) => {
            format!(
                "{variable} names a 1Password item, which only Hermes looks up: start credpoold with {variable} set"
            )
        }
        (NotFound::Unset, Some(source)) => format!(
            "Hermes has {variable} from {source}, which credpoold does not ask: start credpoold with {variable} set"
        ),
        (NotFound::Unset, None) => {
            format!("{variable} is set neither in Hermes' .env nor in the daemon's environment")
        }
    }
}

pub(super) fn is_manual(source: &str) -> bool {
    source == "manual" || source.starts_with("manual:")
}

/// Whether a variable can have this name.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests;
