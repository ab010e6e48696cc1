//! Where a daemon's socket may be.

use std::path::{Path, PathBuf};

/// What the choice of a socket depends on, as the caller found it in its environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketEnv<'a> {
    /// `$CREDPOOL_SOCKET`.
    pub credpool_socket: Option<&'a Path>,
    /// `$XDG_RUNTIME_DIR`.
    pub xdg_runtime_dir: Option<&'a Path>,
    /// The caller's user.
    pub uid: u32,
    /// The caller's home folder.
    pub home: Option<&'a Path>,
}

/// The sockets to try, in this order: a client takes the first that it can connect to, a daemon
/// the first that it may create.
///
/// `$CREDPOOL_SOCKET` stands alone when it is set: whoever names a socket does not want another.
/// Empty values count as unset, and so do folders that aren't absolute, since a socket must not
/// depend on where somebody happens to stand.
#[must_use]
pub fn socket_candidates(env: &SocketEnv<'_>) -> Vec<PathBuf> {
    if let Some(path) = env.credpool_socket.filter(|path| !path.as_os_str().is_empty()) {
        return vec![path.to_owned()];
    }
    let absolute = |path: &&Path| path.is_absolute();
    let mut candidates = Vec::with_capacity(4);
    if let Some(folder) = env.xdg_runtime_dir.filter(absolute) {
        candidates.push(folder.join("credpool/credpool.sock"));
    }
    let user = PathBuf::from(format!("/run/user/{}/credpool/credpool.sock", env.uid));
    if !candidates.contains(&user) {
        candidates.push(user);
    }
    candidates.push(PathBuf::from("/run/credpool/credpool.sock"));
    if let Some(home) = env.home.filter(absolute) {
        candidates.push(home.join(".local/state/credpool/credpool.sock"));
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(env: &SocketEnv<'_>) -> Vec<String> {
        socket_candidates(env).iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn the_order_is_runtime_folder_user_system_home() {
        let env = SocketEnv {
            credpool_socket: None,
            xdg_runtime_dir: Some(Path::new("/tmp/rt")),
            uid: 1000,
            home: Some(Path::new("/home/ann")),
        };
        assert_eq!(
            strings(&env),
            [
                "/tmp/rt/credpool/credpool.sock",
                "/run/user/1000/credpool/credpool.sock",
                "/run/credpool/credpool.sock",
                "/home/ann/.local/state/credpool/credpool.sock",
            ]
        );
    }

    #[test]
    fn a_named_socket_stands_alone() {
        let env = SocketEnv {
            credpool_socket: Some(Path::new("here.sock")),
            xdg_runtime_dir: Some(Path::new("/tmp/rt")),
            ..SocketEnv::default()
        };
        assert_eq!(strings(&env), ["here.sock"]);
    }

    #[test]
    fn empty_and_relative_values_count_as_unset() {
        let env = SocketEnv {
            credpool_socket: Some(Path::new("")),
            xdg_runtime_dir: Some(Path::new("tmp")),
            uid: 0,
            home: Some(Path::new("")),
        };
        assert_eq!(strings(&env), ["/run/user/0/credpool/credpool.sock", "/run/credpool/credpool.sock"]);
    }

    #[test]
    fn the_usual_runtime_folder_is_tried_once() {
        let env = SocketEnv { xdg_runtime_dir: Some(Path::new("/run/user/7/")), uid: 7, ..SocketEnv::default() };
        assert_eq!(strings(&env), ["/run/user/7/credpool/credpool.sock", "/run/credpool/credpool.sock"]);
    }
}
