//! `credpool top`: pools, live, on the whole screen. What it knows and which keys do what is in `model`, what that looks
//! like in `view`, both pure; `source` asks the daemon, `terminal` has the screen.

mod model;
mod source;
mod terminal;
mod view;

use credpool_client::Client;

use crate::args::{Global, Top};
use crate::failed::Failed;
use source::Source;

/// Shows pools until somebody has seen enough, or the terminal is gone.
pub(crate) async fn run(client: &Client, global: &Global, args: Top) -> Result<(), Failed> {
    let mut source = Source::new(client, args.pool, args.words.profile);
    // What is wrong from the beginning is said where other commands say it.
    let picture = source.picture().await?;
    terminal::run(source, picture, global.color).await
}

/// Whether there is a screen to draw on, before a daemon is asked for anything.
pub(crate) fn check(global: &Global) -> Result<(), Failed> {
    terminal::check(global.json)
}
