//! What the daemon says: a picture every second, and what keys ask for.

use std::time::Duration;

use anstream::adapter::strip_str;
use credpool_client::proto::history::Entry;
use credpool_client::proto::reply::Explanation;
use credpool_client::proto::status::{PoolStatus, Status};
use credpool_client::proto::words::ErrorCode;
use credpool_client::{
    ClearRequest, Client, DisableRequest, EnableRequest, Error, ExplainRequest, HistoryRequest, StatusRequest,
};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval};

use super::model::{Act, Deed, Named, News, Wish};
use crate::args::given;
use crate::failed::Failed;
use crate::render;
use crate::session::now_ms;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// How long an answer may take before the daemon counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pages of credentials that are read for one picture, 1,000 to a page.
const PAGES: usize = 4;

/// Entries of the history that a picture has.
const ENTRIES: usize = 50;

/// Entries of the history of one credential.
const OF_ONE: usize = 100;

/// What there was at one moment.
pub(super) struct Picture {
    /// All pools that were asked for.
    pub(super) status: Status<'static>,
    /// The one that is looked at, with its leases; `None` if there is none at all.
    pub(super) pool: Option<PoolStatus<'static>>,
    /// What happened in it, the latest first.
    pub(super) history: Vec<Entry<'static>>,
}

/// Asks a daemon.
pub(super) struct Source {
    client: Client,
    /// The only pool, if the command line names one.
    only: Option<String>,
    profile: Option<String>,
    looked_at: Option<String>,
}

impl Source {
    pub(super) fn new(client: &Client, only: Option<String>, profile: Option<String>) -> Self {
        Self { client: client.within(PATIENCE), looked_at: only.clone(), only, profile }
    }

    /// What there is now.
    ///
    /// # Errors
    ///
    /// As the client has them.
    pub(super) async fn picture(&mut self) -> Result<Picture, Error> {
        let all = given(StatusRequest::new(), self.only.clone(), StatusRequest::pool);
        let all = given(all, self.profile.clone(), StatusRequest::profile);
        let mut status = self.client.status(all.clone()).await?;
        for _ in 1..PAGES {
            let Some(next) = status.next.take() else { break };
            let page = self.client.status(all.clone().after(next)).await?;
            render::status::append(&mut status, page);
        }
        let there = |name: &String| status.pools.iter().any(|pool| pool.name == *name);
        let name = self.looked_at.clone().filter(there).or_else(|| Some(status.pools.first()?.name.to_string()));
        let Some(name) = name else { return Ok(Picture { status, pool: None, history: Vec::new() }) };
        let one = given(StatusRequest::new().pool(&name).leases(), self.profile.clone(), StatusRequest::profile);
        let history = given(HistoryRequest::new(&name), self.profile.clone(), HistoryRequest::profile).limit(ENTRIES);
        let (one, history) = tokio::try_join!(self.client.status(one), self.client.history(history))?;
        self.looked_at = Some(name);
        Ok(Picture { status, pool: one.pools.into_iter().next(), history: history.entries })
    }

    async fn look(&mut self) -> News {
        match self.picture().await {
            Ok(picture) => News::Seen(Box::new(picture)),
            Err(error) if is_away(&error) => News::Away,
            Err(error) => News::Said(sentence(error)),
        }
    }

    async fn fulfil(&mut self, wish: Wish) -> Option<News> {
        let told = match wish {
            Wish::Quit => return None,
            Wish::Look(pool) => {
                self.looked_at = Some(pool);
                return None;
            }
            Wish::Explain(named) => self.explain(&named).await,
            Wish::History(named) => self.history(&named).await,
            Wish::Do(act) => self.act(act).await.map(News::Said),
        };
        Some(told.unwrap_or_else(|error| News::Said(sentence(error))))
    }

    /// What `explain` says of the pool; if the credential is too far behind for that, what it says of that one.
    async fn explain(&self, named: &Named) -> Result<News, Error> {
        let request = given(ExplainRequest::new(&named.pool), self.profile.clone(), ExplainRequest::profile);
        let mut explanation: Explanation<'static> = self.client.explain(request.clone()).await?;
        if explanation.candidates.iter().all(|candidate| candidate.id != named.id) {
            explanation = self.client.explain(request.credential(&named.id)).await?;
            explanation.candidates.retain(|candidate| candidate.id == named.id);
        }
        let text = render::explain::render(&explanation, now_ms());
        Ok(News::Told { title: format!("explain {}", named.pool), text: strip_str(&text).to_string() })
    }

    async fn history(&self, named: &Named) -> Result<News, Error> {
        let request = HistoryRequest::new(&named.pool).credential(&named.id).limit(OF_ONE);
        let request = given(request, self.profile.clone(), HistoryRequest::profile);
        let text = render::history::render(&self.client.history(request).await?, now_ms());
        let title = format!("history {} {}", named.pool, named.id);
        Ok(News::Told { title, text: strip_str(&text).to_string() })
    }

    async fn act(&self, Act { deed, on: Named { pool, id, .. } }: Act) -> Result<String, Error> {
        let profile = self.profile.clone();
        match deed {
            Deed::Clear => {
                let request = given(ClearRequest::new(pool).credential(id), profile, ClearRequest::profile);
                self.client.clear(request).await.map(render::operate::cleared)
            }
            Deed::Disable => {
                let request = given(DisableRequest::new(pool, id), profile, DisableRequest::profile);
                self.client.disable(request).await.map(|credential| render::operate::is_now(&credential, now_ms()))
            }
            Deed::Enable => {
                let request = given(EnableRequest::new(pool, id), profile, EnableRequest::profile);
                self.client.enable(request).await.map(|credential| render::operate::is_now(&credential, now_ms()))
            }
        }
    }
}

/// Looks and answers until nobody wishes for anything any more.
pub(super) async fn serve(mut source: Source, mut wishes: Receiver<Wish>, news: Sender<News>) {
    let mut looking = interval(EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            wish = wishes.recv() => {
                let Some(wish) = wish else { return };
                // What was asked for has perhaps changed what there is.
                looking.reset_immediately();
                source.fulfil(wish).await
            }
            _ = looking.tick() => Some(source.look().await),
        };
        if let Some(told) = told
            && news.send(told).await.is_err()
        {
            return;
        }
    }
}

fn is_away(error: &Error) -> bool {
    match error {
        Error::Unreachable(_) | Error::NotSent | Error::Disconnected | Error::TimedOut(_) => true,
        Error::Refused(error) => error.code == ErrorCode::Draining,
        _ => false,
    }
}

/// The first line says it all: there is one line for it.
fn sentence(error: Error) -> String {
    Failed::from(error).sentence().lines().next().unwrap_or_default().to_owned()
}
