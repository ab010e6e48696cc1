//! `report-error`.

use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use credpool_client::{Failure, LeaseOptions, ReportRequest, Subject};

use super::{Session, get, lease};
use crate::args::{Facts, Next, ReportError, given};
use crate::failed::Failed;
use crate::given::Note;
use crate::render::verdict::{self, Reported};

/// The highest number of a report.
const MAX_NUMBER: u64 = 64;

pub(super) async fn report_error(session: &mut Session<'_>, args: ReportError) -> Result<(), Failed> {
    let last = get::last(session, args.last, args.profile.clone(), args.lease.as_deref())?;
    let lease = last.as_ref().map(|(_, note)| note.lease.clone()).or(args.lease);
    let subject = match (lease, args.pool, args.credential, args.epoch) {
        // A lease in the environment gives way to what the command line says.
        (_, Some(pool), Some(credential), Some(epoch)) => {
            Subject::Credential { pool, profile: args.profile, credential, epoch }
        }
        (Some(lease), ..) => Subject::Lease { lease },
        _ => return Err(Failed::Usage("name a lease, or --pool, --credential and --epoch".to_owned())),
    };
    let failure = next(failure(args.facts)?, args.next, &subject);
    let mut request = ReportRequest::new(subject, failure).number(args.report.unwrap_or(MAX_NUMBER));
    if args.keep {
        request = request.keep();
    }
    request.fit(session.client.hello().limits.request_line_bytes)?;
    let reply = match args.report {
        Some(_) => session.ask(&request).await?,
        None => first_unsaid(session, request).await?,
    };
    if !args.shown.shell {
        session.output.say(&verdict::render(&reply))?;
    }
    if let Some(grant) = &reply.next {
        if let Some((mut notes, note)) = last {
            let noted = notes.note(Note::new(&note.daemon, grant, note.profile));
            noted.unwrap_or_else(|error| get::no_notes(session, &error));
        }
        lease::show(session, grant, &args.shown)?;
    }
    match reply.next_error {
        Some(error) => Err(Failed::NoNext(error)),
        None => Ok(()),
    }
}

/// Reports under the first number that has not been said of this lease: whoever says no number means another failure.
async fn first_unsaid(session: &mut Session<'_>, request: ReportRequest) -> Result<Reported, Failed> {
    let mut number = 1;
    loop {
        let line = session.client.call_as_line(&request.clone().number(number)).await?;
        let read: Result<Reported, _> = session.read(&line);
        if number < MAX_NUMBER && read.as_ref().is_ok_and(|reply| reply.duplicate) {
            number += 1;
            continue;
        }
        if session.output.is_json() {
            session.output.print(&line)?;
        }
        return read;
    }
}

fn failure(facts: Facts) -> Result<Failure, Failed> {
    let body = match facts.body_file {
        Some(file) => {
            Some(read(&file).map_err(|error| Failed::Usage(format!("cannot read {}: {error}", file.display())))?)
        }
        None => facts.body,
    };
    let mut failure = Failure::new();
    for header in facts.header {
        failure = failure.header(&header.name, header.value);
    }
    let failure = given(failure, facts.status, Failure::status);
    let failure = given(failure, body, Failure::body);
    let failure = given(failure, facts.message, Failure::message);
    let failure = given(failure, facts.code, Failure::code);
    let failure = given(failure, facts.kind, Failure::kind);
    let failure = given(failure, facts.retry_after, Failure::retry_after);
    let failure = given(failure, facts.retry_until, Failure::retry_until);
    let failure = given(failure, facts.reset_at, Failure::reset_at);
    let failure = given(failure, facts.resets_at, Failure::resets_at);
    Ok(given(failure, facts.model, Failure::model))
}

/// What a body may have at most, in bytes: more than any daemon reads, so that no endless file is.
const MAX_BODY_BYTES: u64 = 1024 * 1024;

fn read(file: &Path) -> io::Result<String> {
    let reader: Box<dyn io::Read> =
        if file == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(fs::File::open(file)?) };
    let mut body = Vec::new();
    reader.take(MAX_BODY_BYTES).read_to_end(&mut body)?;
    // A body in another encoding still has its codes and numbers.
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn next(failure: Failure, next: Next, subject: &Subject) -> Failure {
    if !next.wanted {
        return failure;
    }
    let on_its_conditions = next.next_model.is_none() && next.next_exclude.is_empty();
    if on_its_conditions && matches!(subject, Subject::Lease { .. }) {
        return failure.next_same();
    }
    // Detached, as every lease of this command is.
    let options = LeaseOptions::new().exclude(next.next_exclude).detach();
    failure.next_with(given(options, next.next_model, LeaseOptions::model))
}
