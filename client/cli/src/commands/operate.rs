//! `clear`, `disable`, `enable` and `reload`: an operator steps in.

use credpool_client::proto::reply::{Cleared, Reloaded, Switched};
use credpool_client::{ClearRequest, DisableRequest, EnableRequest, ReloadRequest};

use super::Session;
use crate::args::{Clear, Disable, Enable, given};
use crate::failed::Failed;
use crate::render::time::for_people;
use crate::render::{clean, words};
use crate::session::now_ms;

pub(super) async fn clear(session: &mut Session<'_>, args: Clear) -> Result<(), Failed> {
    let request = given(ClearRequest::new(args.pool), args.credential, ClearRequest::credential);
    let request = given(request, args.words.profile, ClearRequest::profile);
    let request = given(request, args.model, ClearRequest::model);
    let text = match session.ask(&request).await? {
        Cleared { cleared: 0 } => "There was nothing to clear.".to_owned(),
        Cleared { cleared: 1 } => "1 restriction was lifted.".to_owned(),
        Cleared { cleared } => format!("{cleared} restrictions were lifted."),
    };
    Ok(session.output.say(&text)?)
}

pub(super) async fn disable(session: &mut Session<'_>, args: Disable) -> Result<(), Failed> {
    let request = given(DisableRequest::new(args.pool, args.credential), args.lasting, DisableRequest::lasting);
    let request = given(request, args.words.profile, DisableRequest::profile);
    let request = given(request, args.note, DisableRequest::note);
    let switched = session.ask(&request).await?;
    Ok(session.output.say(&now_in(&switched))?)
}

pub(super) async fn enable(session: &mut Session<'_>, args: Enable) -> Result<(), Failed> {
    let request = EnableRequest::new(args.pool, args.credential);
    let request = given(request, args.words.profile, EnableRequest::profile);
    let switched = session.ask(&request).await?;
    Ok(session.output.say(&now_in(&switched))?)
}

fn now_in(Switched { credential, profiles }: &Switched<'_>) -> String {
    let until = credential.until_at_ms.map(|at_ms| for_people(at_ms.saturating_sub(now_ms())));
    let until = until.map(|left| format!(" for {left}")).unwrap_or_default();
    let state = words(credential.state.as_str());
    let mut text = format!("{} ({}) is {state}{until} now.", clean(&credential.label), clean(&credential.id));
    if profiles.len() > 1 {
        let profiles: Vec<_> = profiles.iter().map(|profile| clean(profile)).collect();
        text.push_str(&format!("\nSo it is for each profile that has it: {}.", profiles.join(", ")));
    }
    text
}

pub(super) async fn reload(session: &mut Session<'_>) -> Result<(), Failed> {
    let Reloaded { added, removed, changed, .. } = session.ask(&ReloadRequest {}).await?;
    Ok(session.output.say(&format!("Read again: {added} added, {removed} removed, {changed} changed."))?)
}
