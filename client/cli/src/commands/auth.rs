//! `auth list` shows definitions beside their state; `auth clean` edits Hermes' auth.json in Hermes' way.

use std::collections::BTreeMap;
use std::process::ExitCode;

use credpool_client::proto::reply::Explanation;
use credpool_client::proto::words::ErrorCode;
use credpool_client::{Client, Error, ExplainRequest, LeaseOptions, StatusRequest};

use super::Session;
use super::look::whole_status;
use crate::args::{Auth, AuthCommand, Clean, Global, List, Words, given};
use crate::auth::file::AuthFile;
use crate::auth::lock::Lock;
use crate::auth::strip::{Stripped, strip};
use crate::exit::Exit;
use crate::failed::Failed;
use crate::output::Output;
use crate::render::cleaned::{self, Cleaned};
use crate::render::listed;
use crate::session;

pub(super) async fn auth(global: &Global, args: Auth, output: &mut Output) -> Result<ExitCode, Failed> {
    match args.command {
        AuthCommand::List(args) => list(&mut Session::open(global, output).await?, args).await?,
        AuthCommand::Clean(args) => clean(global, args, output).await?,
    }
    Ok(Exit::Ok.into())
}

async fn list(session: &mut Session<'_>, args: List) -> Result<(), Failed> {
    let List { pool, words: Words { profile } } = args;
    let request = given(StatusRequest::new(), pool, StatusRequest::pool);
    let request = given(request, profile.clone(), StatusRequest::profile);
    let status = whole_status(session, &request).await?;
    if session.output.is_json() {
        // It has been printed, and has all but the arrow.
        return Ok(());
    }
    let mut next = BTreeMap::new();
    for pool in &status.pools {
        let options = given(LeaseOptions::new(), profile.clone(), LeaseOptions::profile);
        match session.ask::<_, Explanation<'static>>(&ExplainRequest::new(&*pool.name).options(options)).await {
            Ok(explanation) => next.extend(explanation.choice.map(|choice| (pool.name.clone(), choice.id))),
            // The profile may lease nothing of it.
            Err(Failed::Client(Error::Refused(error))) if error.code == ErrorCode::UnknownPool => {}
            Err(error) => return Err(error),
        }
    }
    Ok(session.output.say(&listed::render(&status, &next))?)
}

async fn clean(global: &Global, args: Clean, output: &mut Output) -> Result<(), Failed> {
    let file = AuthFile::find(args.auth_file).map_err(Failed::AuthFile)?;
    // Whoever only looks leaves nothing behind, not even a lock file.
    let lock = if args.dry_run { None } else { Some(Lock::take(file.locks()).await.map_err(Failed::AuthFile)?) };
    let before = file.read().map_err(Failed::AuthFile)?;
    let Stripped { text, removed } =
        strip(&before).map_err(|problem| Failed::AuthFile(format!("{} {problem}", file.path().display())))?;
    let mut backup = None;
    if lock.is_some() && !removed.is_empty() {
        let benched = removed.iter().filter(|removed| removed.benches).count();
        if benched > 0 && !args.force {
            // Under the lock, so that what the daemon reads is what is taken out.
            take_over(global, &file).await.map_err(|problem| Failed::AuthFile(at_stake(&file, benched, &problem)))?;
        }
        backup = Some(file.replace(&before, &text).map_err(Failed::AuthFile)?);
    }
    drop(lock);
    let cleaned = Cleaned { auth_file: file.path(), dry_run: args.dry_run, removed: &removed, backup };
    if output.is_json() {
        output.print(&cleaned::json(&cleaned).to_string())?;
    }
    Ok(output.say(&cleaned::render(&cleaned))?)
}

/// Lets the daemon that serves the file read it again; its notes are the daemon's knowledge then.
async fn take_over(global: &Global, file: &AuthFile) -> Result<(), String> {
    let unreached = |error| Failed::Client(error).sentence();
    let client = Client::connect(session::options(global).auth_file(file.path())).await.map_err(unreached)?;
    if client.hello().auth_file.is_none() {
        return Err("the daemon serves no auth.json".to_owned());
    }
    client.reload().await.map_err(unreached)?;
    let status = client.status(StatusRequest::new()).await.map_err(unreached)?;
    if status.definitions.ok { Ok(()) } else { Err("the daemon cannot read it: see `credpool status`".to_owned()) }
}

fn at_stake(file: &AuthFile, benched: usize, problem: &str) -> String {
    let what = if benched == 1 { "1 credential".to_owned() } else { format!("{benched} credentials") };
    format!(
        "{} calls {what} exhausted or dead, and no daemon has taken that over; --force forgets it. It is as it was: \
         {problem}",
        file.path().display()
    )
}
