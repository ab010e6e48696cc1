//! A program that runs as it would if its starter had started it itself, while this process stays
//! beside it.
//!
//! It shares our process group, and with it the terminal: what is typed there (Ctrl-C, Ctrl-Z) reaches
//! it from the kernel, in a pipeline and in the background, too. What somebody sends to us alone is
//! passed on. When it stops we stop, so that a shell notices; when it ends we end in the same way.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitCode, ExitStatus};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal as Notices, SignalKind, signal};

mod signals;
pub(crate) mod start;
mod terminal;

use signals::{Arrival, Signals};

/// What to run.
pub(crate) struct Order {
    /// The program, and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Changes of our environment: a variable without a value is unset.
    pub(crate) env: Vec<(String, Option<OsString>)>,
}

/// A running program.
pub(crate) struct Program {
    child: Child,
    pid: Pid,
    signals: Signals,
    notices: Notices,
    /// By what it is stopped, if it is.
    stopped_by: Option<Signal>,
    /// Whether we have been asked to stop since we last went on.
    asked_to_stop: bool,
}

impl Program {
    /// Starts it. From here on, signals that would end or stop this process are passed on instead.
    ///
    /// The program is killed when this thread ends, if it still runs then. That there is no such
    /// program shows as its end, with the exit code that shells use for it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn start(order: &Order) -> io::Result<Self> {
        // Somebody who ignored the deaths of their own children may have started us; a handler makes
        // sure that we hear of ours.
        let notices = signal(SignalKind::child())?;
        let signals = Signals::catch()?;
        let child = start::command(order, signals.newly_blocked()).spawn()?;
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        Ok(Self { child, pid, signals, notices, stopped_by: None, asked_to_stop: false })
    }

    /// Waits until it has ended; meanwhile passes signals on, and stops when it stops.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) async fn ended(&mut self) -> io::Result<Ended> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Ended(status));
            }
            self.stop_if_it_has()?;
            tokio::select! {
                _ = self.notices.recv() => {}
                Some(arrival) = self.signals.next() => self.pass_on(arrival),
            }
        }
    }

    fn pass_on(&mut self, arrival: Arrival) {
        match arrival.signal {
            Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU => self.asked_to_stop = true,
            Signal::SIGCONT => self.asked_to_stop = false,
            _ => {}
        }
        if arrival.is_for_us_alone(self.pid) {
            // It has not been waited for, so the number is still its own; it may be of another user,
            // whom we have no right to signal.
            let _ = kill(self.pid, arrival.signal);
        }
    }

    /// A shell takes the terminal back once we have stopped, so we stop when the program has, and not
    /// when it was only asked to: it may have to tidy up first, or refuse.
    fn stop_if_it_has(&mut self) -> io::Result<()> {
        let news = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        match waitid(Id::Pid(self.pid), news) {
            Ok(WaitStatus::Stopped(_, signal)) => self.stopped_by = Some(signal),
            Ok(WaitStatus::Continued(_)) => self.stopped_by = None,
            Ok(_) | Err(Errno::EINTR | Errno::ECHILD) => {}
            Err(error) => return Err(error.into()),
        }
        let Some(signal) = self.stopped_by else { return Ok(()) };
        // Where nobody asked us, it stopped by itself, as full-screen programs do on Ctrl-Z, and the
        // terminal hangs until we follow. But where there is no terminal to give back, who stopped it
        // knows how to continue it, and would not continue us.
        if self.asked_to_stop || terminal::is_ours() {
            self.signals.stop_by(signal)?;
            (self.stopped_by, self.asked_to_stop) = (None, false);
        }
        Ok(())
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended(ExitStatus);

impl Ended {
    /// Ends this process in the same way if it was a signal that ended the program, and returns the
    /// exit code otherwise.
    pub(crate) fn follow(self) -> ExitCode {
        let Some(number) = self.0.signal() else {
            return self.0.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from);
        };
        if let Ok(signal) = Signal::try_from(number) {
            // The second time for those that Rust's own handler takes the first time (SIGSEGV, SIGBUS).
            for _ in 0..2 {
                let _ = raise(signal);
                let _ = signals::let_in(signal);
            }
        }
        // Ignored by whoever started us, by Rust (SIGPIPE), or because we are the first process of a
        // container: what a shell says of such an end.
        u8::try_from(128 + number).map_or(ExitCode::FAILURE, ExitCode::from)
    }
}
