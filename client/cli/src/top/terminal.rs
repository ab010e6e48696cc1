//! The screen and the keys: the thin edge between them and the model.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep_until};

use super::model::{Model, Wish};
use super::source::{self, Picture, Source};
use super::view;
use crate::failed::Failed;
use crate::session::now_ms;

/// At most so often is it drawn.
const FRAME: Duration = Duration::from_millis(100);

/// Keys, wishes and news that wait to be looked at.
const WAITING: usize = 64;

/// Whether there is a screen for it.
///
/// # Errors
///
/// What to do instead.
pub(super) fn check(json: bool) -> Result<(), Failed> {
    let refuse = |why: &str| Err(Failed::Usage(format!("{why}; `credpool status` says the same without one")));
    if json {
        return Err(Failed::Usage("`top` is for people; programs read `credpool status --json`".to_owned()));
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return refuse("`top` needs a terminal");
    }
    match std::env::var("TERM") {
        Ok(term) if !term.is_empty() && term != "dumb" => Ok(()),
        Ok(term) if !term.is_empty() => refuse("`top` needs a terminal that can do more than TERM=dumb"),
        _ => refuse("`top` needs a terminal, and TERM does not say which"),
    }
}

/// Shows what there is until somebody has seen enough.
///
/// # Errors
///
/// The terminal cannot be drawn on.
pub(super) async fn run(source: Source, picture: Picture, color: ColorChoice) -> Result<(), Failed> {
    let colour = match color {
        ColorChoice::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        chosen => chosen != ColorChoice::Never,
    };
    let ends = Ends::new()?;
    let screen = Screen::open()?;
    let (wishes, asked) = channel(WAITING);
    let (told, news) = channel(WAITING);
    let asking = tokio::spawn(source::serve(source, asked, told));
    let keys = keys();
    let outcome = live(screen, Model::new(picture, now_ms()), colour, Wires { keys, news, wishes, ends }).await;
    asking.abort();
    Ok(outcome?)
}

/// All that something comes from or goes to.
struct Wires {
    keys: Receiver<Event>,
    news: Receiver<super::model::News>,
    wishes: Sender<Wish>,
    ends: Ends,
}

async fn live(mut screen: Screen, mut model: Model, colour: bool, mut wires: Wires) -> io::Result<()> {
    let mut next_frame = Instant::now();
    let mut is_drawn = false;
    loop {
        let wish = tokio::select! {
            () = sleep_until(next_frame), if !is_drawn => {
                screen.0.draw(|frame| view::draw(frame, &model, colour))?;
                next_frame = Instant::now() + FRAME;
                is_drawn = true;
                continue;
            }
            event = wires.keys.recv() => match event {
                Some(Event::Key(key)) => model.press(key),
                // Resized, perhaps: it is drawn anew in any case.
                Some(_) => None,
                // The terminal is gone.
                None => return Ok(()),
            },
            Some(news) = wires.news.recv() => {
                model.hear(news, now_ms());
                None
            }
            () = wires.ends.wait() => return Ok(()),
        };
        is_drawn = false;
        match wish {
            Some(Wish::Quit) => return Ok(()),
            // Whoever presses keys faster than the daemon answers presses some in vain.
            Some(wish) => drop(wires.wishes.try_send(wish)),
            None => {}
        }
    }
}

/// The terminal, which is given back as it was, also if something panics.
struct Screen(DefaultTerminal);

impl Screen {
    fn open() -> io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Keys are read by a thread of their own, which ends with the process or with the terminal.
fn keys() -> Receiver<Event> {
    let (sender, keys) = channel(WAITING);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    keys
}

/// Signals that mean that it is over.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> io::Result<Self> {
        let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
        let [term, hup, int] = kinds.map(signal);
        Ok(Self([term?, hup?, int?]))
    }

    async fn wait(&mut self) {
        let [term, hup, int] = &mut self.0;
        tokio::select! {
            _ = term.recv() => {}
            _ = hup.recv() => {}
            _ = int.recv() => {}
        }
    }
}
