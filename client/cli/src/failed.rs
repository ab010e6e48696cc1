//! Why a command failed, in one sentence that says what to do.

use std::fmt::Write as _;
use std::io;

use credpool_client::proto::error::{Details, Unavailable, WireError};
use credpool_client::proto::words::ErrorCode;
use credpool_client::{Error, Tried, Why};

use crate::exit::Exit;
use crate::render::time::for_people;
use crate::render::{clean, words};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The daemon, or the way to it.
    Client(Error),
    /// The daemon did what was asked, except to grant the lease that was asked for with it.
    NoNext(WireError<'static>),
    /// The daemon leased a credential whose secret is not to be had here.
    NoSecret(String),
    /// The program could not be started, or not be watched.
    Program(io::Error),
    /// Hermes' file is not there, or cannot be used or written.
    AuthFile(String),
    /// What the command line names cannot be used.
    Usage(String),
    /// Nothing could be written, or no runtime started.
    Io(io::Error),
}

impl Failed {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(Error::Refused(error)) => error.code.into(),
            Self::NoNext(error) => error.code.into(),
            Self::Client(Error::Unreachable(_) | Error::NotSent | Error::Disconnected | Error::TimedOut(_)) => {
                Exit::Unreachable
            }
            Self::Client(Error::TooLong { .. }) => Exit::NotPermitted,
            Self::Client(Error::NotALine) | Self::Usage(_) => Exit::Usage,
            Self::Program(_) => Exit::CannotRun,
            // Whoever reads our output has read enough of it.
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Client(_) | Self::NoSecret(_) | Self::AuthFile(_) | Self::Io(_) => Exit::Refused,
        }
    }

    /// The sentence; empty where there is nobody to tell.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Client(Error::Refused(error)) => refusal(error),
            Self::NoNext(error) => format!("there is no next lease: {}", refusal(error)),
            Self::Client(Error::Unreachable(tried)) => unreachable(tried),
            Self::Client(Error::Malformed(_)) => {
                "the daemon's answer cannot be understood: is it of another version? See `credpool call`".to_owned()
            }
            Self::Client(error) => clean(&error.to_string()).into_owned(),
            // Made of what has been cleaned.
            Self::NoSecret(message) => message.clone(),
            Self::Program(error) => format!("cannot run the program: {error}"),
            Self::AuthFile(message) | Self::Usage(message) => clean(message).into_owned(),
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => String::new(),
            Self::Io(error) => format!("cannot write: {error}"),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn refusal(error: &WireError<'_>) -> String {
    match (&error.details, error.code) {
        (Details::Unavailable(unavailable), code) => nothing(code, unavailable),
        (_, ErrorCode::AmbiguousLabel) => {
            let mut sentence = clean(&error.message).into_owned();
            if let Details::Credentials(credentials) = &error.details {
                let ids: Vec<_> = credentials.iter().map(|credential| clean(&credential.id)).collect();
                let _ = write!(sentence, " ({})", ids.join(", "));
            }
            sentence
        }
        _ => clean(&error.message).into_owned(),
    }
}

/// Why there is nothing to lease, and when there will be.
fn nothing(code: ErrorCode, unavailable: &Unavailable<'_>) -> String {
    let waited = if code == ErrorCode::Timeout { "the wait is over: " } else { "" };
    let mut sentence = format!("{waited}nothing to lease in {}", clean(&unavailable.pool));
    if let Some(model) = &unavailable.model {
        let _ = write!(sentence, " for {}", clean(model));
    }
    if unavailable.total == 0 {
        sentence.push_str(": the request leaves no credential");
        return sentence;
    }
    let causes = unavailable.by_cause.iter().map(|(cause, count)| format!("{count} {}", words(&clean(cause))));
    let causes = causes.collect::<Vec<_>>().join(", ");
    if !causes.is_empty() {
        let _ = write!(sentence, " ({causes})");
    }
    match unavailable.retry_after_ms {
        // A lease may end at any moment, or last for long: that it is worth asking soon is for programs.
        _ if code == ErrorCode::Busy => sentence.push_str("; try again when a lease has ended"),
        Some(ms) => {
            let _ = write!(sentence, "; try again in {}", for_people(ms));
        }
        None => sentence.push_str("; it takes a person: see `credpool status`"),
    }
    sentence
}

fn unreachable(tried: &[Tried]) -> String {
    let serves_others = tried.iter().any(|tried| matches!(tried.why, Why::OtherStore { .. }));
    let mut sentence = if serves_others {
        "the daemon serves another Hermes home than the one that HERMES_HOME says; start one for that with `credpoold`, or \
         name its socket with --socket"
            .to_owned()
    } else {
        "no daemon could be reached; start one with `credpoold`, or name its socket with --socket".to_owned()
    };
    for Tried { socket, why } in tried {
        let _ = write!(sentence, "\n  tried {}: {}", clean(&socket.display().to_string()), clean(&why.to_string()));
        if let Why::Untrusted(user) = why {
            let _ = write!(sentence, "; if you do, say --server {user}");
        }
    }
    sentence
}

#[cfg(test)]
mod tests;
