//! How to find a daemon, which one to trust, and how long to wait for it.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use crate::trust::{Server, Store};

/// What [`Client::connect`](crate::Client::connect) needs to know.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub(crate) socket: Option<PathBuf>,
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) store: Option<Store>,
    pub(crate) server: Server,
    pub(crate) client_name: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
}

impl ConnectOptions {
    /// Looks where the environment says: `CREDPOOL_SOCKET` if it is set, else the usual places, which
    /// depend on `XDG_RUNTIME_DIR` and `HOME`. Where `HERMES_HOME` is set, it counts as
    /// [`hermes_home`](Self::hermes_home); where `CREDPOOL_ACCESS_SERVER` is set, as
    /// [`server`](Self::server).
    #[must_use]
    pub fn from_env() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let server = env::var("CREDPOOL_ACCESS_SERVER").ok().filter(|user| !user.is_empty());
        Self {
            socket: path("CREDPOOL_SOCKET"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            home: path("HOME"),
            store: path("HERMES_HOME").map(Store::Home),
            server: server.as_deref().map(Server::named).unwrap_or_default(),
            ..Self::bare()
        }
    }

    /// Connects to this socket and no other, whatever the environment says.
    #[must_use]
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: Some(socket.into()), ..Self::bare() }
    }

    /// Names the only socket to try.
    #[must_use]
    pub fn socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = Some(socket.into());
        self
    }

    /// Accepts only a daemon that serves this Hermes home, be it a root or a profile
    /// (`<root>/profiles/<name>`); requests are about its keys unless they name another profile. A daemon
    /// that serves no store of Hermes' is accepted, too. Symbolic links are followed.
    #[must_use]
    pub fn hermes_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.store = Some(Store::Home(home.into()));
        self
    }

    /// The same for the home whose `auth.json` this is.
    #[must_use]
    pub fn auth_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.store = Some(Store::File(file.into()));
        self
    }

    /// Accepts a daemon that runs as this user, too. A daemon of one's own or of root is always
    /// accepted, and no other is: it would see which models are asked for, and could hand out
    /// credentials of its choice.
    #[must_use]
    pub fn server_uid(mut self, uid: u32) -> Self {
        self.server = Server::Uid(uid);
        self
    }

    /// The same for a user given by name or number, as in the configuration's `access.server`. A name is
    /// looked up when it is needed.
    #[must_use]
    pub fn server(mut self, user: &str) -> Self {
        self.server = Server::named(user);
        self
    }

    /// Says who is asking, as "name/version"; at most 256 bytes.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = name.into();
        self
    }

    /// How long each socket may take to connect and to say hello, and how long a daemon that was there is
    /// waited for when it has gone; 5 seconds unless this is called.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a request may take, everything included; 30 seconds unless this is called. What a request
    /// is told to wait for a lease comes on top of it.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    fn bare() -> Self {
        Self {
            socket: None,
            runtime_dir: None,
            home: None,
            store: None,
            server: Server::Nobody,
            client_name: concat!("credpool-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
        }
    }
}
