//! Reading configuration and definitions again: off the loop, when a file changes, a signal comes, or somebody asks.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::config::Config;
use crate::definitions::{LoadOutcome, Loader, Problem, Watcher};
use crate::engine::Engine;

/// How long after a failure to read a file it is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Reads the configuration; the error is what is wrong with it, in words.
pub type Configure = Box<dyn Fn() -> Result<Config, String> + Send>;

/// Reads the files of configuration and definitions, and watches those of definitions.
pub struct Reloader {
    /// Away while it reads.
    sources: Option<Sources>,
    watcher: Watcher,
    /// What the watcher watches.
    watched: Vec<PathBuf>,
    /// Whether a file could not be read the last time. What stood in the way may go without the file's changing.
    failed: bool,
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
        Ok(Self { sources: Some(Sources { configure, config, loader }), watcher, watched, failed: false })
    }

    /// Reads for the first time.
    pub async fn load_first(&mut self, engine: &Rc<RefCell<Engine>>) {
        self.read(engine, false).await;
    }

    /// Reads again and again; ends when it is dropped.
    pub async fn run(mut self, engine: Rc<RefCell<Engine>>, signal: Rc<Notify>) {
        let asked = engine.borrow().reload_asked();
        loop {
            let with_config = tokio::select! {
                () = self.watcher.changed() => false,
                () = sleep(RETRY), if self.failed => false,
                () = signal.notified() => true,
                () = asked.notified() => true,
            };
            self.read(&engine, with_config).await;
        }
    }

    async fn read(&mut self, engine: &Rc<RefCell<Engine>>, with_config: bool) {
        let asked = engine.borrow_mut().begin_reload();
        let Some(mut sources) = self.sources.take() else {
            engine.borrow_mut().reload_failed(asked);
            return;
        };
        let read = spawn_blocking(move || {
            let reading = sources.read(with_config);
            (sources, reading)
        });
        match read.await {
            Ok((sources, reading)) => {
                // What a configuration or a row names may be new.
                let files = sources.loader.files();
                if files != self.watched {
                    self.watcher.set_files(files.clone());
                    self.watched = files;
                }
                self.sources = Some(sources);
                self.failed = !reading.definitions.ok;
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
    fn read(&mut self, with_config: bool) -> Reading {
        let mut wrong = None;
        let mut changed = None;
        if with_config {
            match (self.configure)() {
                Ok(config) if config != self.config => {
                    self.loader.set_config(config.clone());
                    self.config = config.clone();
                    changed = Some(config);
                }
                Ok(_) => {}
                Err(error) => wrong = Some(error),
            }
        }
        let mut definitions = self.loader.load();
        if let Some(problem) = wrong {
            let place = "configuration".to_owned();
            definitions.problems.insert(0, Problem { place, problem: format!("stays as it was: {problem}") });
        }
        Reading { config: changed, definitions }
    }
}
