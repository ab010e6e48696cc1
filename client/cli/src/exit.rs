//! Exit codes: one table, which `--help` prints.

use std::fmt::Write as _;
use std::process::ExitCode;

use credpool_client::proto::words::ErrorCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Ok,
    /// The daemon refused, or a file cannot be used, for a reason that has no code of its own here.
    Refused,
    /// The command line is wrong. Clap ends with this one by itself.
    Usage,
    /// No daemon was found, or it went away.
    Unreachable,
    /// There is nothing to lease now.
    Unavailable,
    /// The pool, credential or lease is not known.
    Unknown,
    /// It is not permitted, or over a limit.
    NotPermitted,
    /// There is a program to run, but it cannot be run. Shells use the same code.
    CannotRun,
    /// There is no program to run. Shells use the same code.
    NoProgram,
}

/// Every way to end, its exit code, and what `--help` says of it.
const TABLE: [(Exit, u8, &str); 9] = [
    (Exit::Ok, 0, "done"),
    (Exit::Refused, 1, "the daemon refused, or its answer or a file could not be used"),
    (Exit::Usage, 2, "the command line is wrong"),
    (Exit::Unreachable, 3, "no daemon could be reached, or none of this home"),
    (Exit::Unavailable, 4, "nothing to lease now; stderr says when to come back"),
    (Exit::Unknown, 5, "no such pool, credential or lease"),
    (Exit::NotPermitted, 6, "not permitted, or over a limit"),
    (Exit::CannotRun, 126, "`exec`: the program cannot be run"),
    (Exit::NoProgram, 127, "`exec`: there is no such program"),
];

impl Exit {
    pub(crate) fn code(self) -> u8 {
        TABLE.iter().find(|(exit, ..)| *exit == self).map_or(1, |(_, code, _)| *code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<ErrorCode> for Exit {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Exhausted | ErrorCode::Busy | ErrorCode::Timeout | ErrorCode::QueueFull => Self::Unavailable,
            ErrorCode::UnknownPool
            | ErrorCode::UnknownCredential
            | ErrorCode::AmbiguousLabel
            | ErrorCode::UnknownLease
            | ErrorCode::UnknownTicket => Self::Unknown,
            ErrorCode::Forbidden | ErrorCode::Limit | ErrorCode::LineTooLong => Self::NotPermitted,
            ErrorCode::BadRequest
            | ErrorCode::UnknownOp
            | ErrorCode::UnsupportedProtocol
            | ErrorCode::RefreshedElsewhere
            | ErrorCode::Draining
            | ErrorCode::StoreUnavailable
            | ErrorCode::Internal
            | ErrorCode::Other => Self::Refused,
        }
    }
}

/// The table, for `--help`.
pub(crate) fn help() -> String {
    let mut help = "Exit codes:\n".to_owned();
    for (_, code, meaning) in TABLE {
        let _ = writeln!(help, "  {code:<3}  {meaning}");
    }
    help.push_str("Once its program runs, `exec` ends as the program does.");
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_contract() {
        let codes: Vec<_> = TABLE.iter().map(|(exit, code, _)| (exit.code(), *code)).collect();
        assert_eq!(codes, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (126, 126), (127, 127)]);
    }

    #[test]
    fn help_has_every_code() {
        assert!(help().starts_with("Exit codes:\n  0    done\n  1    the daemon refused"));
        assert_eq!(help().lines().count(), 2 + TABLE.len());
    }

    #[test]
    fn refusals_have_the_codes_of_their_kind() {
        assert_eq!(Exit::from(ErrorCode::Exhausted).code(), 4);
        assert_eq!(Exit::from(ErrorCode::Busy).code(), 4);
        assert_eq!(Exit::from(ErrorCode::UnknownPool).code(), 5);
        assert_eq!(Exit::from(ErrorCode::AmbiguousLabel).code(), 5);
        assert_eq!(Exit::from(ErrorCode::Forbidden).code(), 6);
        assert_eq!(Exit::from(ErrorCode::Internal).code(), 1);
    }
}
