//! What each command does: a request, and what people get to read of its answer.

use std::process::ExitCode;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::failed::Failed;
use crate::output::Output;
use crate::session::Session;

mod exec;
mod get;
mod lease;
mod look;
mod operate;
mod report;

pub(crate) async fn run(arguments: Arguments, output: &mut Output) -> Result<ExitCode, Failed> {
    let Arguments { global, command } = arguments;
    let mut session = Session::open(&global, output).await?;
    match command {
        Command::Acquire(args) => lease::acquire(&mut session, args).await?,
        Command::Exec(args) => return exec::exec(session, &global, args).await,
        Command::Get(args) => get::get(&mut session, args).await?,
        Command::Release(args) => lease::release(&mut session, args).await?,
        Command::Renew(args) => lease::renew(&mut session, args).await?,
        Command::ReportError(args) => report::report_error(&mut session, *args).await?,
        Command::Status(args) => look::status(&mut session, args).await?,
        Command::Explain(args) => look::explain(&mut session, args).await?,
        Command::History(args) => look::history(&mut session, args).await?,
        Command::Ping => look::ping(&mut session).await?,
        Command::Call(args) => look::call(&mut session, args).await?,
        Command::Clear(args) => operate::clear(&mut session, args).await?,
        Command::Disable(args) => operate::disable(&mut session, args).await?,
        Command::Enable(args) => operate::enable(&mut session, args).await?,
        Command::Reload => operate::reload(&mut session).await?,
    }
    Ok(Exit::Ok.into())
}
