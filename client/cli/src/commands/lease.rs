//! `acquire`, `release` and `renew`.

use credpool_client::proto::reply::{Released, Renewed};
use credpool_client::{AcquireRequest, Ending, Outcome, ReleaseRequest, RenewRequest};

use super::{Session, get};
use crate::args::{Acquire, Conditions, Release, Renew, Shown, given};
use crate::failed::Failed;
use crate::render::lease::{self, Granted};
use crate::render::time::for_people;
use crate::session::now_ms;

pub(super) async fn acquire(session: &mut Session<'_>, args: Acquire) -> Result<(), Failed> {
    let Conditions { pool, terms } = args.conditions;
    // Bound to the connection, the lease would be over before anybody could use it.
    let request = AcquireRequest::new(pool).options(terms.into_options()).detach();
    let mut request = given(request, args.ttl, AcquireRequest::ttl);
    if args.without_secret {
        request = request.without_secret();
    }
    let grant = session.ask(&request).await?;
    show(session, &grant, &args.shown)
}

/// Prints a lease the way that was asked for.
pub(super) fn show(session: &mut Session<'_>, grant: &Granted, shown: &Shown) -> Result<(), Failed> {
    let text = if shown.shell { lease::for_shell(grant) } else { lease::render(grant, shown.show_secret, now_ms()) };
    Ok(session.output.say(&text)?)
}

pub(super) async fn release(session: &mut Session<'_>, args: Release) -> Result<(), Failed> {
    let mut ending = given(Ending::new(args.outcome.unwrap_or(Outcome::Unknown)), args.status, Ending::status);
    for header in args.header {
        ending = ending.header(&header.name, header.value);
    }
    if let (Some(input), Some(output)) = (args.input_tokens, args.output_tokens) {
        ending = ending.usage(input, output);
    }
    let last = get::last(session, args.last, args.profile, args.lease.as_deref())?.map(|(_, note)| note.lease);
    let lease = last.or(args.lease).ok_or_else(|| Failed::Usage("name a lease".to_owned()))?;
    let released: Released = session.ask(&ReleaseRequest::new(lease, ending)).await?;
    let text = match released.ended_by {
        Some(by) if released.duplicate => format!("The lease had ended before, by {by}."),
        _ => format!("Released after {}.", for_people(released.held_ms)),
    };
    Ok(session.output.say(&text)?)
}

pub(super) async fn renew(session: &mut Session<'_>, args: Renew) -> Result<(), Failed> {
    let request = given(RenewRequest::new(args.lease), args.ttl, RenewRequest::ttl);
    let renewed: Renewed<'static> = session.ask(&request).await?;
    let left = for_people(renewed.expires_at_ms.saturating_sub(now_ms()));
    Ok(session.output.say(&format!("Renewed: the lease lasts for {left} from now."))?)
}
