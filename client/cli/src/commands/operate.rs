//! `clear`, `disable`, `enable` and `reload`: an operator steps in.

use credpool_client::proto::reply::{Cleared, Reloaded};
use credpool_client::{ClearRequest, DisableRequest, EnableRequest, ReloadRequest};

use super::Session;
use crate::args::{Clear, Disable, Enable, given};
use crate::failed::Failed;
use crate::render;
use crate::session::now_ms;

pub(super) async fn clear(session: &mut Session<'_>, args: Clear) -> Result<(), Failed> {
    let request = given(ClearRequest::new(args.pool), args.credential, ClearRequest::credential);
    let request = given(request, args.words.profile, ClearRequest::profile);
    let request = given(request, args.model, ClearRequest::model);
    let Cleared { cleared } = session.ask(&request).await?;
    Ok(session.output.say(&render::operate::cleared(cleared))?)
}

pub(super) async fn disable(session: &mut Session<'_>, args: Disable) -> Result<(), Failed> {
    let request = given(DisableRequest::new(args.pool, args.credential), args.lasting, DisableRequest::lasting);
    let request = given(request, args.words.profile, DisableRequest::profile);
    let request = given(request, args.note, DisableRequest::note);
    let switched = session.ask(&request).await?;
    Ok(session.output.say(&render::operate::switched(&switched, now_ms()))?)
}

pub(super) async fn enable(session: &mut Session<'_>, args: Enable) -> Result<(), Failed> {
    let request = EnableRequest::new(args.pool, args.credential);
    let request = given(request, args.words.profile, EnableRequest::profile);
    let switched = session.ask(&request).await?;
    Ok(session.output.say(&render::operate::switched(&switched, now_ms()))?)
}

pub(super) async fn reload(session: &mut Session<'_>) -> Result<(), Failed> {
    let Reloaded { added, removed, changed, .. } = session.ask(&ReloadRequest {}).await?;
    Ok(session.output.say(&format!("Read again: {added} added, {removed} removed, {changed} changed."))?)
}
