//! How to find a daemon, and which one to trust.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// What [`Client::connect`](crate::Client::connect) needs to know.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub(crate) socket: Option<PathBuf>,
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) hermes_home: Option<PathBuf>,
    pub(crate) server_uid: Option<u32>,
    pub(crate) client_name: String,
    pub(crate) timeout: Duration,
}

impl ConnectOptions {
    /// Looks where the environment says: `CREDPOOL_SOCKET` if it is set, else the usual places, which
    /// depend on `XDG_RUNTIME_DIR` and `HOME`. Where `HERMES_HOME` is set, only a daemon that serves
    /// the store in it will do.
    #[must_use]
    pub fn from_env() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            socket: path("CREDPOOL_SOCKET"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            home: path("HOME"),
            hermes_home: path("HERMES_HOME"),
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

    /// Accepts a daemon that runs as this user, too. A daemon of one's own or of root is always
    /// accepted, and no other is: it would see which models are asked for, and could hand out
    /// credentials of its choice.
    #[must_use]
    pub fn server_uid(mut self, uid: u32) -> Self {
        self.server_uid = Some(uid);
        self
    }

    /// Says who is asking, as "name/version"; at most 256 bytes.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = name.into();
        self
    }

    /// How long each socket may take to connect and to say hello; 5 seconds unless this is called.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn bare() -> Self {
        Self {
            socket: None,
            runtime_dir: None,
            home: None,
            hermes_home: None,
            server_uid: None,
            client_name: concat!("credpool-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(5),
        }
    }
}
