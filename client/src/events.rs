//! What happens in the pools, as it happens.

use std::sync::Arc;

use credpool_proto::event::{EventLine, Lagged, Subscribed};
use serde::Deserialize;
use tokio::sync::mpsc::Receiver;

use crate::error::Error;
use crate::link::{Link, Session};
use crate::requests::SubscribeRequest;

/// What a subscriber learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Something happened.
    Event(Box<EventLine<'static>>),
    /// So many events are missing here, since they were read too slowly. Ask for the status again.
    Missed(u64),
    /// The connection ended and was made anew, perhaps to a daemon that was started anew. What happened in between is not
    /// known. Ask for the status again.
    Reconnected,
}

/// A subscription, over a connection of its own. It ends when this is dropped.
pub struct Events {
    link: Link,
    request: SubscribeRequest,
    /// Keeps the connection open.
    session: Arc<Session>,
    lines: Receiver<String>,
    line: String,
}

impl Events {
    pub(crate) async fn begin(link: Link, request: SubscribeRequest) -> Result<Self, Error> {
        let (session, lines) = subscribe(&link, &request).await?;
        Ok(Self { link, request, session, lines, line: String::new() })
    }

    /// Waits for what happens next.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the connection has ended and nobody can be connected to within the connect timeout;
    /// [`Error::Refused`] if the daemon that answers then will not tell; [`Error::Malformed`] for an event that cannot be
    /// read. It may be called again after each of them.
    ///
    /// # Cancel safety
    ///
    /// Safe: an event that is not returned is returned by the next call.
    pub async fn recv(&mut self) -> Result<Notice, Error> {
        match self.lines.recv().await {
            Some(line) => {
                let notice = notice(&line);
                self.line = line;
                notice
            }
            None => {
                let (session, lines) = subscribe(&self.link, &self.request).await?;
                (self.session, self.lines) = (session, lines);
                self.line.clear();
                Ok(Notice::Reconnected)
            }
        }
    }

    /// What the daemon said of itself when it was connected to.
    #[must_use]
    pub fn hello(&self) -> &credpool_proto::reply::Hello<'static> {
        &self.session.hello
    }

    /// The line that the last notice was, as it came; empty after [`Notice::Reconnected`].
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

async fn subscribe(link: &Link, request: &SubscribeRequest) -> Result<(Arc<Session>, Receiver<String>), Error> {
    let session = link.another().await?;
    // Before it is asked for, so that nothing comes that nobody hears.
    let lines = session.connection.events();
    let Subscribed { .. } = session.connection.ask(&*session.addressed(request)).await?.read()?;
    Ok((Arc::new(session), lines))
}

fn notice(line: &str) -> Result<Notice, Error> {
    #[derive(Deserialize)]
    struct Head<'a> {
        event: &'a str,
    }
    let head: Head<'_> = serde_json::from_str(line).map_err(Error::Malformed)?;
    if head.event == "lagged" {
        let Lagged { missed } = serde_json::from_str(line).map_err(Error::Malformed)?;
        return Ok(Notice::Missed(missed));
    }
    serde_json::from_str(line).map(|event| Notice::Event(Box::new(event))).map_err(Error::Malformed)
}
