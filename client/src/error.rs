//! What can go wrong.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use credpool_proto::error::WireError;
use credpool_proto::words::ErrorCode;

/// Why a request has no answer, or not the one hoped for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No daemon could be reached, or none that will do.
    #[error("there is no daemon that will do{}", Listed(.0))]
    Unreachable(
        /// What was tried, in this order.
        Vec<Tried>,
    ),
    /// The daemon refused the request.
    #[error("{}", .0.message)]
    Refused(
        /// The daemon's answer.
        #[source]
        Box<WireError<'static>>,
    ),
    /// The connection ended before anything of the request was sent, and so did another one that was made
    /// for it. Nothing was asked.
    #[error("the connection to the daemon ended before the request was sent")]
    NotSent,
    /// The connection ended before there was an answer; whether the request was served is not known.
    #[error("the connection to the daemon ended before it answered")]
    Disconnected,
    /// There was no answer in time; whether the request was or will be served is not known. A lease that
    /// comes of it is given back.
    #[error("the daemon did not answer within {0:?}")]
    TimedOut(
        /// How long it had.
        Duration,
    ),
    /// No thread could be started for a [blocking](crate::blocking) client.
    #[error("no thread could be started for the client")]
    NoThread(#[source] io::Error),
    /// The lease has ended, and was not ended by its holder.
    #[error("the lease has ended: {0}")]
    LeaseLost(Loss),
    /// The request would be longer than the daemon reads. Nothing was sent.
    #[error("the request has {bytes} bytes, and the daemon reads at most {limit}")]
    TooLong {
        /// How long the request would be, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// What was to be sent is not one line, or is blank. Nothing was sent.
    #[error("a request must be one line, and not a blank one")]
    NotALine,
    /// The request cannot be written as JSON. Nothing was sent.
    #[error("the request cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// The answer is not what the protocol says that it should be.
    #[error("the daemon's answer cannot be understood")]
    Malformed(#[source] serde_json::Error),
}

impl Error {
    /// The daemon's refusal, if that is what this is.
    #[must_use]
    pub fn refusal(&self) -> Option<&WireError<'static>> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// How long to wait before the same request may succeed, where the daemon could tell. `None` for
    /// errors that waiting does not help, or that only a person can help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after_ms().map(Duration::from_millis)
    }
}

/// How a lease ended that was not ended by its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Loss {
    /// With its connection to the daemon, as every lease does that is not detached, and could not be claimed over another.
    #[error("its connection to the daemon is gone")]
    Connection,
    /// Its time was over.
    #[error("its time is over")]
    Expired,
    /// The daemon does not know it any more: somebody else has ended it, or the daemon was restarted.
    #[error("the daemon does not know it any more")]
    Unknown,
}

impl From<WireError<'static>> for Error {
    fn from(error: WireError<'static>) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// A socket that was tried in vain.
#[derive(Debug)]
pub struct Tried {
    /// The socket.
    pub socket: PathBuf,
    /// Why it won't do.
    pub why: Why,
}

/// Why a socket won't do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// There is nothing to connect to, or it hung up.
    #[error("{0}")]
    Io(io::Error),
    /// It did not answer in time.
    #[error("it does not answer")]
    Silent,
    /// It belongs to this user, who is not trusted.
    #[error("it belongs to user {0}, who is neither you, nor root, nor the user you accept")]
    Untrusted(u32),
    /// The user who was to be accepted as the daemon does not exist.
    #[error("it belongs to somebody else, and the user `{0}` whom you accept does not exist")]
    NoSuchUser(String),
    /// It serves another auth store than the one that `HERMES_HOME` or the options say.
    #[error("it serves {}, and not {}", serves.display(), wanted.display())]
    OtherStore {
        /// The store that it serves.
        serves: PathBuf,
        /// The store that is wanted.
        wanted: PathBuf,
    },
    /// It refused to talk.
    #[error("{}", .0.message)]
    Refused(Box<WireError<'static>>),
    /// It does not speak the protocol.
    #[error("it does not speak credpool's protocol")]
    Stranger,
}

impl Why {
    /// Whether it may be otherwise in a moment, as when a daemon is started again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Io(_) | Self::Silent => true,
            Self::Refused(error) => error.code == ErrorCode::Draining,
            Self::Untrusted(_) | Self::NoSuchUser(_) | Self::OtherStore { .. } | Self::Stranger => false,
        }
    }
}

struct Listed<'a>(&'a [Tried]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, tried) in self.0.iter().enumerate() {
            let before = if at == 0 { ": " } else { "; " };
            write!(f, "{before}{}: {}", tried.socket.display(), tried.why)?;
        }
        Ok(())
    }
}
