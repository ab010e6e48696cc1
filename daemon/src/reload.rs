//! Reading configuration and definitions again: off the loop, when a file changes, a signal comes, or somebody asks.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use credpool_core::Define;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::config::Config;
use crate::definitions::{LoadOutcome, Loader, Problem, Watcher};
use crate::engine::{Engine, defines};

/// How long after a reading that found something away there is another.
const RETRY: Duration = Duration::from_secs(2);

/// Reads the configuration; the error is what is wrong with it, in words.
pub type Configure = Box<dyn Fn() -> Result<Config, String> + Send>;

/// Reads the files of configuration and definitions, and watches them.
pub struct Reloader {
    /// Away while it reads.
    sources: Option<Sources>,
    watcher: Watcher,
    /// What the watcher watches.
    watched: Vec<PathBuf>,
    /// Whether to read again soon: what stood in the way of a reading may go without the file's changing, and a file that
    /// stays away has no event.
    again: bool,
}

struct Sources {
    configure: Configure,
    config: Config,
    loader: Loader,
}

/// What one reading gave.
pub struct Reading {
    /// The configuration, if it is another one.
    pub config: Option<Config>,
    /// The definitions.
    pub definitions: LoadOutcome,
    /// The same for the core, if they are others.
    pub defines: Vec<Define>,
}

impl Reloader {
    /// What reads `configure` and the definitions that `config`, its first result, names.
    ///
    /// # Errors
    /// The system has no way to watch folders to give.
    pub fn new(configure: Configure, config: Config) -> io::Result<Self> {
        let loader = Loader::new(config.clone(), Box::new(|name| std::env::var(name).ok()));
        let watched = loader.files();
        let watcher = Watcher::new(watched.clone())?;
        Ok(Self { sources: Some(Sources { configure, config, loader }), watcher, watched, again: false })
    }

    /// Reads for the first time.
    pub async fn load_first(&mut self, engine: &Rc<RefCell<Engine>>) {
        self.read(engine).await;
    }

    /// Reads again and again; ends when it is dropped.
    pub async fn run(mut self, engine: Rc<RefCell<Engine>>, signal: Rc<Notify>) {
        let asked = engine.borrow().reload_asked();
        loop {
            tokio::select! {
                () = self.watcher.changed() => {}
                () = sleep(RETRY), if self.again => {}
                () = signal.notified() => {}
                () = asked.notified() => {}
            }
            self.read(&engine).await;
        }
    }

    async fn read(&mut self, engine: &Rc<RefCell<Engine>>) {
        let asked = engine.borrow_mut().begin_reload();
        let Some(mut sources) = self.sources.take() else {
            engine.borrow_mut().reload_failed(asked);
            return;
        };
        let read = spawn_blocking(move || {
            let reading = sources.read();
            (sources, reading)
        });
        match read.await {
            Ok((sources, reading)) => {
                // What a configuration or a row names may be new, or a profile. It is read once more, since it may have changed
                // between the reading and the watch.
                let files = sources.loader.files();
                if files != self.watched {
                    self.watcher.set_files(files.clone());
                    self.watched = files;
                }
                self.sources = Some(sources);
                self.again = reading.definitions.again;
                engine.borrow_mut().loaded(reading, asked);
            }
            Err(error) => {
                tracing::error!(%error, "reading the definitions failed; those in use stay, and are not read again");
                engine.borrow_mut().reload_failed(asked);
            }
        }
    }
}

impl Sources {
    fn read(&mut self) -> Reading {
        let mut wrong = Vec::new();
        let mut changed = None;
        match (self.configure)() {
            Ok(config) => {
                let (config, fixed) = config.beside(&self.config);
                let next_start = "is another one, which counts from the next start on";
                wrong.extend(fixed.into_iter().map(|key| (key, next_start.to_owned())));
                if config != self.config {
                    self.loader.set_config(config.clone());
                    self.config = config.clone();
                    changed = Some(config);
                }
            }
            Err(error) => wrong.push(("configuration", format!("stays as it was: {error}"))),
        }
        let mut definitions = self.loader.load(Instant::now());
        let wrong = wrong.into_iter().map(|(place, problem)| Problem { place: place.to_owned(), problem });
        definitions.problems.splice(0..0, wrong);
        let is_changed = definitions.changed;
        let defines = if is_changed { defines(&self.config, &definitions.definitions) } else { Vec::new() };
        Reading { config: changed, definitions, defines }
    }
}
