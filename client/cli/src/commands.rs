//! What each command does: a request, and what people get to read of its answer.

use std::process::ExitCode;

use crate::args::{Arguments, Asking, Command, Global};
use crate::exit::Exit;
use crate::failed::Failed;
use crate::output::Output;
use crate::session::Session;
use crate::top;

mod auth;
mod exec;
mod get;
mod lease;
mod look;
mod operate;
mod report;

pub(crate) async fn run(arguments: Arguments, output: &mut Output) -> Result<ExitCode, Failed> {
    let Arguments { global, command } = arguments;
    match command {
        Command::Asking(command) => ask(&global, *command, output).await,
        Command::Auth(args) => auth::auth(&global, args, output).await,
    }
}

async fn ask(global: &Global, command: Asking, output: &mut Output) -> Result<ExitCode, Failed> {
    if let Asking::Top(_) = command {
        top::check(global)?;
    }
    let mut session = Session::open(global, output).await?;
    match command {
        Asking::Acquire(args) => lease::acquire(&mut session, args).await?,
        Asking::Top(args) => top::run(&session.client, global, args).await?,
        Asking::Exec(args) => return exec::exec(session, global, args).await,
        Asking::Get(args) => get::get(&mut session, args).await?,
        Asking::Release(args) => lease::release(&mut session, args).await?,
        Asking::Renew(args) => lease::renew(&mut session, args).await?,
        Asking::ReportError(args) => report::report_error(&mut session, *args).await?,
        Asking::Status(args) => look::status(&mut session, args).await?,
        Asking::Explain(args) => look::explain(&mut session, args).await?,
        Asking::History(args) => look::history(&mut session, args).await?,
        Asking::Events(args) => look::events(&mut session, args).await?,
        Asking::Ping => look::ping(&mut session).await?,
        Asking::Call(args) => look::call(&mut session, args).await?,
        Asking::Clear(args) => operate::clear(&mut session, args).await?,
        Asking::Disable(args) => operate::disable(&mut session, args).await?,
        Asking::Enable(args) => operate::enable(&mut session, args).await?,
        Asking::Reload => operate::reload(&mut session).await?,
    }
    Ok(Exit::Ok.into())
}
