//! The step between us and the program: a copy of us that becomes it.
//!
//! The program has to be killed if we are, and the kernel does that for a process that asks for it
//! itself. Between fork and exec that takes unsafe code; in a process of its own it does not. The
//! request outlasts exec, but not that of a program with more rights than ours (prctl(2)).

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::getppid;

use super::Order;
use crate::exit::Exit;

/// What the copy is called, in place of the path that it was started by.
const NAME: &str = "credpool-start";

/// Starts the copy. `newly_blocked` are the signals that the program shall not find blocked, though we
/// have.
pub(super) fn command(order: &Order, newly_blocked: &SigSet) -> Command {
    let signals: Vec<_> = newly_blocked.iter().map(|signal| (signal as i32).to_string()).collect();
    // Not by our name: that may stand for another program by now.
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).arg(std::process::id().to_string()).arg(signals.join(","));
    command.args(&order.command);
    for (name, value) in &order.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// If this process is such a copy, makes it the program; returns why that cannot be.
pub(crate) fn if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    if args.next().is_none_or(|name| name != NAME) {
        return None;
    }
    let (parent, signals, program) = (args.next()?, args.next()?, args.next()?);
    let error = match prepare(&parent, &signals) {
        Ok(()) => Command::new(&program).args(args).exec(),
        Err(error) => error,
    };
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "credpool: cannot run {}: {error}", program.display());
    let exit = if error.kind() == io::ErrorKind::NotFound { Exit::NoProgram } else { Exit::CannotRun };
    Some(exit.into())
}

fn prepare(parent: &OsString, signals: &OsString) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    // It may have died before that was asked for.
    if *parent != *getppid().to_string() {
        return Err(io::Error::other("credpool has been killed"));
    }
    let signals = signals.to_string_lossy();
    let numbers = signals.split(',').filter_map(|number| number.parse::<i32>().ok());
    let signals: SigSet = numbers.filter_map(|number| Signal::try_from(number).ok()).collect();
    Ok(signals.thread_unblock()?)
}
