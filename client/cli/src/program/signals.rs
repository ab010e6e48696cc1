//! Signals, read like a file: who sent one, and how, decides whether it is passed on.

use std::{io, thread};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What is passed on: everything that people, shells and supervisors send, and that can be caught.
const PASSED_ON: [Signal; 12] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGWINCH,
    Signal::SIGCONT,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
];

/// `si_code` of signals that the kernel itself sends, as it does for the terminal; sigaction(2).
const SI_KERNEL: i32 = 0x80;

/// A signal that was sent to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) signal: Signal,
    code: i32,
    sender: u32,
}

impl Arrival {
    /// Whether the program has not had it, too, as far as that can be told.
    ///
    /// The terminal sends to the whole process group. So does a program that signals "all of us". A
    /// shell's `kill %1` cannot be told from one that means us: the program gets that one twice.
    pub(super) fn is_for_us_alone(self, program: Pid) -> bool {
        self.code != SI_KERNEL && i32::try_from(self.sender) != Ok(program.as_raw())
    }
}

/// The signals that this process would be ended or stopped by, as arrivals.
///
/// They are blocked, not handled: so the program inherits what its starter ignores, and nothing else
/// of ours but the block, which [`start`](super::start) takes off again.
pub(super) struct Signals {
    arrivals: Receiver<Arrival>,
    newly_blocked: SigSet,
}

impl Signals {
    /// Catches them from here on. The calling thread has to be the only one of the process.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn catch() -> io::Result<Self> {
        let all: SigSet = PASSED_ON.into_iter().collect();
        let before = SigSet::thread_get_mask()?;
        all.thread_block()?;
        let newly_blocked = PASSED_ON.into_iter().filter(|signal| !before.contains(*signal)).collect();
        let file = SignalFd::with_flags(&all, SfdFlags::SFD_CLOEXEC)?;
        // Those that find no room wait where they are, and the kernel keeps one of each.
        let (sender, arrivals) = channel(PASSED_ON.len());
        thread::Builder::new().name("signals".to_owned()).spawn(move || read(&file, &sender))?;
        Ok(Self { arrivals, newly_blocked })
    }

    /// Those that were not blocked before.
    pub(super) fn newly_blocked(&self) -> &SigSet {
        &self.newly_blocked
    }

    /// The next one; `None` where there will be none any more. Safe to drop.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }

    /// Stops this process by `signal`, which is one that stops; returns when it goes on again.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn stop_by(&mut self, signal: Signal) -> io::Result<()> {
        raise(signal)?;
        let_in(signal)?;
        if PASSED_ON.contains(&signal) {
            SigSet::from(signal).thread_block()?;
        }
        Ok(())
    }
}

/// Reads signals until nobody asks for them any more.
fn read(file: &SignalFd, arrivals: &Sender<Arrival>) {
    loop {
        let info = match file.read_signal() {
            Ok(Some(info)) => info,
            Ok(None) | Err(Errno::EINTR) => continue,
            Err(_) => return,
        };
        let number = i32::try_from(info.ssi_signo).unwrap_or_default();
        let Ok(signal) = Signal::try_from(number) else { continue };
        if arrivals.blocking_send(Arrival { signal, code: info.ssi_code, sender: info.ssi_pid }).is_err() {
            return;
        }
    }
}

/// Lets a signal that has been waiting take its course.
///
/// # Errors
///
/// What the system says.
pub(super) fn let_in(signal: Signal) -> io::Result<()> {
    Ok(SigSet::from(signal).thread_unblock()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Pid = Pid::from_raw(4_711);

    fn arrival(code: i32, sender: u32) -> Arrival {
        Arrival { signal: Signal::SIGINT, code, sender }
    }

    #[test]
    fn what_a_process_sends_to_us_is_for_us() {
        const SI_USER: i32 = 0;
        const SI_QUEUE: i32 = -1;
        assert!(arrival(SI_USER, 1).is_for_us_alone(PROGRAM));
        assert!(arrival(SI_QUEUE, 1).is_for_us_alone(PROGRAM));
        // From outside of a container, a sender has no number in it.
        assert!(arrival(SI_USER, 0).is_for_us_alone(PROGRAM));
    }

    #[test]
    fn what_the_terminal_or_the_program_sends_to_the_group_is_not() {
        assert!(!arrival(SI_KERNEL, 0).is_for_us_alone(PROGRAM));
        assert!(!arrival(0, 4_711).is_for_us_alone(PROGRAM));
    }
}
