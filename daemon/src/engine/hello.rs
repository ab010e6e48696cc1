//! `hello` and `ping`.

use std::borrow::Cow;

use credpool_proto::error::WireError;
use credpool_proto::reply::{self, Hello, Pong};
use credpool_proto::words::{ErrorCode, OpName};
use credpool_verdict::scrub;

use super::{Answer, Asked, Engine};
use crate::definitions::Home;

/// The protocol version that is spoken here.
const PROTOCOL: u64 = 1;

/// The daemon's name and version.
pub(super) const SERVER: &str = concat!("credpoold/", env!("CARGO_PKG_VERSION"));

impl Engine {
    pub(super) fn hello(
        &mut self,
        asked: &Asked<'_>,
        client: Option<&str>,
        protocols: &[u64],
    ) -> Result<(), WireError<'static>> {
        if !protocols.contains(&PROTOCOL) {
            let message = format!("this daemon speaks version {PROTOCOL} of the protocol");
            return Err(WireError::new(ErrorCode::UnsupportedProtocol, message));
        }
        if let Some(connection) = self.connections.get_mut(&asked.connection) {
            connection.client = client.map(|client| scrub(client).into());
        }
        let hello = Hello {
            protocol: PROTOCOL,
            server: SERVER.into(),
            run: Cow::Borrowed(&self.run.name),
            pid: std::process::id(),
            auth_file: self.auth_file(),
            profile: Some(Cow::Borrowed(&self.config.place.profile)),
            homes: self.catalogue.homes().iter().map(home).collect(),
            limits: self.config.limits,
            capabilities: OpName::ALL.iter().map(|name| name.as_str().into()).collect(),
        };
        self.reply(&asked.ticket(Answer::Nobody), &hello);
        Ok(())
    }

    pub(super) fn ping(&mut self, asked: &Asked<'_>) -> Result<(), WireError<'static>> {
        self.reply(&asked.ticket(Answer::Nobody), &Pong {});
        Ok(())
    }

    pub(super) fn auth_file(&self) -> Option<Cow<'_, str>> {
        self.catalogue.auth_file().map(|path| path.to_string_lossy())
    }
}

fn home(home: &Home) -> reply::Home<'_> {
    reply::Home { profile: Cow::Borrowed(&home.profile), auth_file: home.auth_file.to_string_lossy() }
}
