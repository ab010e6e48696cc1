//! A conversation with the daemon: requests out, answers in, for people or for programs.

use std::time::{SystemTime, UNIX_EPOCH};

use credpool_client::proto::error::WireError;
use credpool_client::{Call, Client, ConnectOptions, Error};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::args::Global;
use crate::failed::Failed;
use crate::output::Output;
use crate::render::clean;

/// A connection, and where to print what comes of it.
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    pub(crate) output: &'a mut Output,
}

impl<'a> Session<'a> {
    pub(crate) async fn open(global: &Global, output: &'a mut Output) -> Result<Self, Failed> {
        Ok(Self { client: Client::connect(options(global)).await?, output })
    }

    /// Asks and returns the answer. A program's reader gets the line as it came; people get to see
    /// its warnings.
    pub(crate) async fn ask<C: Call, T: DeserializeOwned>(&mut self, call: &C) -> Result<T, Failed> {
        let line = self.client.call_as_line(call).await?;
        if self.output.is_json() {
            self.output.print(&line)?;
        }
        self.read(&line)
    }

    /// Sends a line and prints the answer as it came, whoever the reader is.
    pub(crate) async fn ask_raw(&mut self, line: &str) -> Result<(), Failed> {
        let line = self.client.call_raw(line).await?;
        self.output.print(&line)?;
        let serde::de::IgnoredAny = self.read(&line)?;
        Ok(())
    }

    /// What the daemon answered; people get to see its warnings.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, line: &str) -> Result<T, Failed> {
        let head: Head = serde_json::from_str(line).map_err(Error::Malformed)?;
        if !self.output.is_json() {
            for warning in &head.warnings {
                self.output.warn(&clean(warning));
            }
        }
        match head.error {
            Some(error) if !head.ok => Err(Error::from(error).into()),
            _ => Ok(serde_json::from_str(line).map_err(Error::Malformed)?),
        }
    }
}

#[derive(Deserialize)]
struct Head {
    ok: bool,
    error: Option<WireError<'static>>,
    #[serde(default)]
    warnings: Vec<String>,
}

/// How to find the daemon that the command line means.
pub(crate) fn options(global: &Global) -> ConnectOptions {
    let mut options = ConnectOptions::from_env().client_name(concat!("credpool/", env!("CARGO_PKG_VERSION")));
    if let Some(socket) = &global.socket {
        options = options.socket(socket);
    }
    if let Some(uid) = global.server {
        options = options.server_uid(uid);
    }
    options
}

/// This machine's clock, in milliseconds of Unix time. The daemon is on the same machine.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
