//! `get`, and the lease that it gave last.

use std::borrow::Cow;
use std::time::Duration;

use credpool_client::proto::words::ErrorCode;
use credpool_client::{AcquireRequest, Error, Outcome, ReleaseRequest, RenewRequest};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::Session;
use crate::args::{Conditions, Form, Get, Last, given};
use crate::failed::Failed;
use crate::given::{Given, Holder, Note};
use crate::render::lease::Granted;
use crate::secret::{run_out, secret_of};

pub(super) async fn get(session: &mut Session<'_>, args: Get) -> Result<(), Failed> {
    let Conditions { pool, terms } = args.conditions;
    // The one that HERMES_HOME implies, or that the daemon means if nobody says, is meant as much as one that is named.
    let own = || session.client.hello().profile.clone().map(Cow::into_owned);
    let profile = terms.profile.clone().or_else(|| session.client.profile()).or_else(own);
    let daemon = session.client.socket().to_owned();
    let is_pinned = terms.credential.is_some();
    let request = given(AcquireRequest::new(&pool).options(terms.into_options()), args.ttl, AcquireRequest::ttl);

    // Without its notes, the key is as good; only the lease is then not given back before its time.
    let notes = Given::open(&Holder::new(args.holder));
    let mut notes = notes.map_err(|error| no_notes(session, &error)).ok();
    let before = notes.as_ref().and_then(|notes| notes.of(&daemon, &pool, profile.as_deref())).cloned();

    // Whenever this process is killed, somebody knows of the lease: its connection at first, then the note. Who reads a
    // key has a lease of it, so the lease is let go of before the key is printed.
    let (line, grant) = lease(session, request, before.as_ref(), is_pinned).await?;
    if grant.expired {
        session.output.warn(&run_out(&grant.credential));
    }
    if let Some(notes) = &mut notes {
        let noted = notes.note(Note::new(&daemon, &grant, profile));
        noted.unwrap_or_else(|error| no_notes(session, &error));
    }
    let renewed = session.client.renew(RenewRequest::new(&*grant.lease).detach()).await?;
    if let Err(failed) = print(session, &line, &grant, renewed.expires_at_ms, args.format) {
        let _ = session.client.release(ReleaseRequest::new(&*grant.lease, Outcome::Cancelled)).await;
        return Err(failed);
    }
    Ok(())
}

/// Ends the lease that was given before, and gives another: of the same credential if that can be had.
async fn lease(
    session: &mut Session<'_>,
    request: AcquireRequest,
    before: Option<&Note>,
    is_pinned: bool,
) -> Result<(String, Granted), Failed> {
    if let Some(before) = before {
        // For that one alone nobody waits.
        let at_once = |request: AcquireRequest| request.credential(&before.credential).wait(Duration::ZERO);
        let same = if is_pinned { request.clone() } else { at_once(request.clone()) };
        // In one step, so that the daemon finds nobody else between the two: the slot of a credential
        // that has only one stays with whoever had it.
        let release = ReleaseRequest::new(&*before.lease, Outcome::Unknown);
        let (_, line) = tokio::join!(session.client.release(release), session.client.call_as_line(&same));
        let line = line?;
        match session.read(&line) {
            Err(Failed::Client(Error::Refused(error))) if !is_pinned && is_about_the_credential(error.code) => {}
            read => return Ok((line, read?)),
        }
    }
    let line = session.client.call_as_line(&request).await?;
    let grant = session.read(&line)?;
    Ok((line, grant))
}

/// Whether another credential may still be had.
fn is_about_the_credential(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Exhausted | ErrorCode::Busy | ErrorCode::UnknownCredential)
}

fn print(
    session: &mut Session<'_>,
    line: &str,
    grant: &Granted,
    expires_at_ms: u64,
    as_form: Form,
) -> Result<(), Failed> {
    if session.output.is_json() {
        let mut answer: Map<String, Value> = serde_json::from_str(line).map_err(Error::Malformed)?;
        answer.insert("expires_at_ms".to_owned(), expires_at_ms.into());
        return Ok(session.output.print(&Value::Object(answer).to_string())?);
    }
    Ok(session.output.print(&form(grant, as_form)?)?)
}

fn form(grant: &Granted, form: Form) -> Result<String, Failed> {
    let secret = secret_of(&grant.credential)?;
    let secret = secret.expose_secret();
    let auth = &grant.credential.auth;
    Ok(match form {
        Form::Plain => secret.to_owned(),
        Form::Header => format!("{}: {}{secret}", auth.header, auth.prefix),
        Form::Headers => serde_json::json!({ &*auth.header: format!("{}{secret}", auth.prefix) }).to_string(),
    })
}

pub(super) fn no_notes(session: &mut Session<'_>, error: &std::io::Error) {
    session.output.warn(&format!(
        "cannot note what is given: no `--last` will know of it, and the next `get` takes another lease beside this one: \
         {error}"
    ));
}

/// What `credpool get` gave last, if that is what `args` speak of, and the notes that it stands in.
/// `profile` is the profile that is named besides, and `lease` the lease.
pub(super) fn last(
    session: &Session<'_>,
    args: Last,
    profile: Option<String>,
    lease: Option<&str>,
) -> Result<Option<(Given, Note)>, Failed> {
    let Some(pool) = args.last else { return Ok(None) };
    // One in the environment gives way to what the command line says.
    if lease.is_some_and(|lease| std::env::var("CREDPOOL_LEASE").as_deref() != Ok(lease)) {
        return Err(Failed::Usage("name a lease, or say --last, but not both".to_owned()));
    }
    let notes = Given::open(&Holder::new(args.holder))
        .map_err(|error| Failed::Usage(format!("cannot read what `credpool get` gave: {error}")))?;
    let profile = profile.or_else(|| session.client.profile());
    match notes.last(session.client.socket(), pool.as_deref(), profile.as_deref()).cloned() {
        Some(note) => Ok(Some((notes, note))),
        None => Err(Failed::Usage(
            "`credpool get` gave no such lease in this session; name the lease, or with --for who has it, or with --profile \
             whose key it is"
                .to_owned(),
        )),
    }
}
