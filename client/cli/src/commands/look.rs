//! `status`, `explain`, `history`, `events`, `ping` and `call`: nothing changes.

use std::io::{self, BufRead as _};

use credpool_client::proto::reply::Pong;
use credpool_client::proto::status::{LeasesOut, Status};
use credpool_client::{ExplainRequest, HistoryRequest, Notice, PingRequest, StatusRequest, SubscribeRequest};

use super::Session;
use crate::args::{self, Conditions, Explain, Raw, given};
use crate::failed::Failed;
use crate::render::{self, clean, status};
use crate::session::now_ms;

pub(super) async fn status(session: &mut Session<'_>, args: args::Status) -> Result<(), Failed> {
    let request = given(StatusRequest::new(), args.pool, StatusRequest::pool);
    let request = given(request, args.words.profile, StatusRequest::profile);
    let request = if args.leases { request.leases() } else { request };
    let status = whole_status(session, &request).await?;
    Ok(session.output.say(&status::render(&status))?)
}

/// Reads all pages before anything is printed for people; programs get each page as it comes.
pub(super) async fn whole_status(
    session: &mut Session<'_>,
    request: &StatusRequest,
) -> Result<Status<'static>, Failed> {
    let mut status: Status<'static> = session.ask(request).await?;
    while let Some(next) = status.next.take() {
        let page: Status<'static> = session.ask(&request.clone().after(next)).await?;
        status::append(&mut status, page);
    }
    while let Some(next) = leases_of(&mut status).and_then(|out| out.next.take()) {
        let mut page: Status<'static> = session.ask(&request.clone().leases_after(next)).await?;
        if let (Some(out), Some(page)) = (leases_of(&mut status), leases_of(&mut page)) {
            out.page.append(&mut page.page);
            out.next = page.next;
        }
    }
    Ok(status)
}

/// Where the leases are of the one pool that was asked about.
fn leases_of<'a>(status: &'a mut Status<'static>) -> Option<&'a mut LeasesOut<'static>> {
    status.pools.first_mut()?.leases_out.as_mut()
}

pub(super) async fn explain(session: &mut Session<'_>, args: Explain) -> Result<(), Failed> {
    let Conditions { pool, terms } = args.conditions;
    let request = ExplainRequest::new(pool).options(terms.into_options());
    let explanation = session.ask(&request).await?;
    Ok(session.output.say(&render::explain::render(&explanation, now_ms()))?)
}

pub(super) async fn history(session: &mut Session<'_>, args: args::History) -> Result<(), Failed> {
    let request = given(HistoryRequest::new(args.pool), args.credential, HistoryRequest::credential);
    let request = given(request, args.words.profile, HistoryRequest::profile);
    let request = given(request, args.model, HistoryRequest::model).limit(args.limit);
    let history = session.ask(&request).await?;
    Ok(session.output.say(&render::history::render(&history, now_ms()))?)
}

/// Ends only by an error, or when nobody reads what is printed.
pub(super) async fn events(session: &mut Session<'_>, args: args::Events) -> Result<(), Failed> {
    let request = given(SubscribeRequest::new(), args.pool, SubscribeRequest::pool);
    let request = given(request, args.words.profile, SubscribeRequest::profile);
    let mut events = session.client.subscribe(request).await?;
    loop {
        let notice = events.recv().await?;
        if session.output.is_json() && !events.line().is_empty() {
            session.output.print(events.line())?;
        }
        match notice {
            Notice::Event(event) => session.output.say(&render::event::render(&event))?,
            Notice::Missed(count) => session.output.warn(&format!("{count} events came too fast and are missing here")),
            Notice::Reconnected => session.output.warn("connected anew: what happened meanwhile is missing here"),
        }
    }
}

pub(super) async fn ping(session: &mut Session<'_>) -> Result<(), Failed> {
    let Pong {} = session.ask(&PingRequest {}).await?;
    let hello = session.client.hello();
    let server = clean(&hello.server).into_owned();
    let socket = session.client.socket().display().to_string();
    let text = format!("{server} (pid {}) answers at {}.", hello.pid, clean(&socket));
    Ok(session.output.say(&text)?)
}

pub(super) async fn call(session: &mut Session<'_>, args: Raw) -> Result<(), Failed> {
    if args.request != "-" {
        return session.ask_raw(&args.request).await;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    session.ask_raw(&line).await
}
