//! Credentials that are one account, though nobody said so: turning from one to another gains nothing. Mostly they are the
//! same key under two sources, or a login that was made twice.

use std::collections::{BTreeMap, BTreeSet};

use super::printable;
use super::snapshot::PoolRows;
use crate::config::Config;

/// The most warnings about one pool.
const MAX_WARNINGS: usize = 8;

/// The most credentials that one warning names.
const MAX_NAMED: usize = 4;

/// What credentials of one account have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Account<'a> {
    /// The secret, by its fingerprint.
    Secret(&'a str),
    /// Whom their tokens are for.
    Login(&'a str),
}

impl Account<'_> {
    /// What is said of those that have it in common.
    fn they(self) -> &'static str {
        match self {
            Self::Secret(_) => "have the same secret",
            Self::Login(_) => "are logins of the same account",
        }
    }
}

/// What to tell an operator of a pool's accounts: a sentence for each that several credentials of one list turn out to be,
/// at most [`MAX_WARNINGS`], those first that stand first. Whoever states an account in the configuration knows; the same
/// secret is told of all the same.
pub(super) fn warnings(config: &Config, name: &str, pool: &PoolRows) -> Vec<String> {
    let accounts: Vec<_> = (0..pool.credentials.len()).map(|at| account(config, name, pool, at)).collect();
    let mut shared: BTreeMap<Account<'_>, BTreeSet<usize>> = BTreeMap::new();
    for list in &pool.lists {
        let mut firsts = BTreeMap::new();
        for credential in list.rows.iter().map(|row| pool.credential_of(*row)) {
            let Some(account) = accounts[credential] else { continue };
            let first = *firsts.entry(account).or_insert(credential);
            if first != credential {
                shared.entry(account).or_default().extend([first, credential]);
            }
        }
    }
    let mut shared: Vec<_> = shared.into_iter().collect();
    shared.sort_by_key(|(_, credentials)| credentials.first().copied());
    let mut warnings: Vec<String> =
        shared.iter().take(MAX_WARNINGS).map(|(account, of)| warning(*account, of, pool)).collect();
    if shared.len() > MAX_WARNINGS {
        let more = shared.len() - (MAX_WARNINGS - 1);
        warnings.truncate(MAX_WARNINGS - 1);
        warnings.push(format!("{more} more accounts have several credentials each"));
    }
    warnings
}

/// What the account of a credential is known by; `None` if nothing is known, or the configuration states it.
fn account<'a>(config: &Config, name: &str, pool: &'a PoolRows, credential: usize) -> Option<Account<'a>> {
    let defined = &pool.credentials[credential];
    let row = &pool.rows[defined.row];
    let stated = config.account(name, &defined.id, &row.label, row.account.as_deref()).is_some();
    let login = row.token_account.as_deref().filter(|_| !stated).map(Account::Login);
    login.or(row.fingerprint.as_deref().map(Account::Secret))
}

fn warning(account: Account<'_>, credentials: &BTreeSet<usize>, pool: &PoolRows) -> String {
    let named = if credentials.len() > MAX_NAMED { MAX_NAMED - 1 } else { credentials.len() };
    let mut names: Vec<String> = credentials
        .iter()
        .take(named)
        .map(|at| {
            let credential = &pool.credentials[*at];
            format!("{} ({})", printable(&pool.rows[credential.row].label), pool.called(*at))
        })
        .collect();
    let last = match credentials.len() - named {
        0 => names.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    let (names, they) = (names.join(", "), account.they());
    format!(
        "{names} and {last} {they}: what limits one of them limits all, and turning from one to another gains nothing"
    )
}

#[cfg(test)]
mod tests;
