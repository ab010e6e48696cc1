//! `clear`, `disable` and `enable`.

use credpool_client::proto::reply::{CredentialBrief, Switched};

use super::time::for_people;
use super::{clean, words};

/// How many restrictions were lifted.
pub(crate) fn cleared(number: u64) -> String {
    match number {
        0 => "There was nothing to clear.".to_owned(),
        1 => "1 restriction was lifted.".to_owned(),
        _ => format!("{number} restrictions were lifted."),
    }
}

/// What a credential is now, and for whom.
pub(crate) fn switched(Switched { credential, profiles }: &Switched<'_>, now_ms: u64) -> String {
    let mut text = is_now(credential, now_ms);
    if profiles.len() > 1 {
        let profiles: Vec<_> = profiles.iter().map(|profile| clean(profile)).collect();
        text.push_str(&format!("\nSo it is for each profile that has it: {}.", profiles.join(", ")));
    }
    text
}

/// What a credential is now.
pub(crate) fn is_now(credential: &CredentialBrief<'_>, now_ms: u64) -> String {
    let until = credential.until_at_ms.map(|at_ms| for_people(at_ms.saturating_sub(now_ms)));
    let until = until.map(|left| format!(" for {left}")).unwrap_or_default();
    let state = words(credential.state.as_str());
    format!("{} ({}) is {state}{until} now.", clean(&credential.label), clean(&credential.id))
}
