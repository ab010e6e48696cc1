//! Who a key is given to.

use std::fs;

use nix::unistd::getsid;

/// Somebody who asks for keys, again and again.
///
/// By itself that is the session (setsid(2)): a terminal, a login, a service. A tool and the helper
/// that it runs are in the same one, however many shells are between them, while other terminals are
/// others. Several tools in one session have to be told apart by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Named(String),
    Session {
        id: i32,
        /// When its first process started, in ticks since the system did, if that process still runs:
        /// containers that share a home have sessions with the same number.
        started: Option<u64>,
    },
}

impl Holder {
    /// This one, or the session that we are in.
    pub(crate) fn new(name: Option<String>) -> Self {
        if let Some(name) = name {
            return Self::Named(name);
        }
        // We are there, so there is a session.
        let id = getsid(None).map_or(0, nix::unistd::Pid::as_raw);
        let started = fs::read_to_string(format!("/proc/{id}/stat")).ok().and_then(|stat| started(&stat));
        Self::Session { id, started }
    }

    /// The name of its file: no two have the same one.
    pub(super) fn file_name(&self) -> String {
        match self {
            Self::Named(name) => format!("for-{name}"),
            Self::Session { id, started: Some(started) } => format!("session-{id}-{started}"),
            Self::Session { id, started: None } => format!("session-{id}"),
        }
    }
}

/// The 22nd field of /proc/PID/stat (proc_pid_stat(5)). The second one is a name in parentheses, which
/// may hold anything.
fn started(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_processes_may_hold_anything() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(started(&format!("12 (tmux: server) {fields}")), Some(4_711));
        assert_eq!(started(&format!("12 (a) R 0 0 (b) {fields}")), Some(4_711));
        assert_eq!(started("12 (sh) S 1"), None);
        assert_eq!(started(""), None);
    }

    #[test]
    fn a_session_is_found_and_is_the_same_the_next_time() {
        let found = Holder::new(None);
        assert_eq!(found, Holder::new(None));
        assert!(matches!(found, Holder::Session { .. }));
    }

    #[test]
    fn files_are_told_apart() {
        let of_session = |id, started| Holder::Session { id, started }.file_name();
        assert_eq!(Holder::new(Some("codex".to_owned())).file_name(), "for-codex");
        assert_eq!(of_session(12, Some(4_711)), "session-12-4711");
        assert_eq!(of_session(12, None), "session-12");
    }
}
