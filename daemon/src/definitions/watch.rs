//! Saying when the files of definitions have changed.
//!
//! Folders are watched, not files: Hermes replaces its files, and a watch on a file stays with the one that was replaced.
//! An event says only that it is time to look; what counts is whether a file's stamp differs. So the noise of a folder
//! costs some `stat` calls, and a slow poll catches what has no events (network file systems, links within links).

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::future;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use tokio::sync::watch;

/// How long after an event a folder must be quiet before the files are looked at, and how long that may take in all:
/// a change is often several events, and a storm must not keep us from looking.
const SETTLE: Duration = Duration::from_millis(30);
const SETTLE_AT_MOST: Duration = Duration::from_millis(200);

/// How often the files are looked at without an event.
const POLL: Duration = Duration::from_secs(2);

/// Watches some files until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    changes: watch::Receiver<()>,
    messages: SyncSender<Message>,
}

enum Message {
    /// Something happened in a folder.
    Event,
    /// These are the files from now on.
    Files(Vec<PathBuf>),
    Stop,
}

impl Watcher {
    /// Watches `files`, which need not exist, nor their folders. Every change after this call is noticed.
    ///
    /// # Errors
    /// The system gives no thread. That it gives no events is none: then changes are noticed every two seconds.
    pub fn new(files: Vec<PathBuf>) -> io::Result<Self> {
        Self::with(files, POLL, true)
    }

    fn with(files: Vec<PathBuf>, poll: Duration, events: bool) -> io::Result<Self> {
        let (signal, changes) = watch::channel(());
        // One waiting event says as much as many.
        let (messages, received) = sync_channel(1);
        let folders = Folders::new(if events { Some(messages.clone()) } else { None });
        let seen = stamps(&files);
        let mut watch = Watch { files, seen, folders, received, signal, poll };
        thread::Builder::new().name("watch".to_owned()).spawn(move || watch.run())?;
        Ok(Self { changes, messages })
    }

    /// Watches these files from now on. That they are others counts as a change.
    pub fn set_files(&self, files: Vec<PathBuf>) {
        // It fails only if the thread is gone, and then there is nothing to tell.
        let _ = self.messages.send(Message::Files(files));
    }

    /// Waits until some file has changed since the last time. It may be dropped and called again without missing any.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The thread is gone, so nothing will ever be noticed again.
            future::pending::<()>().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Stop);
    }
}

/// What the thread holds.
struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    folders: Folders,
    received: Receiver<Message>,
    signal: watch::Sender<()>,
    poll: Duration,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Wait,
    Look,
    Stop,
}

impl Watch {
    fn run(&mut self) {
        loop {
            // Folders first: what changes after the look has its event.
            self.folders.follow(&self.files);
            let stamps = stamps(&self.files);
            if stamps != self.seen {
                self.seen = stamps;
                self.signal.send_replace(());
            }
            if self.wait() == Next::Stop {
                return;
            }
        }
    }

    /// Waits for the next moment to look.
    fn wait(&mut self) -> Next {
        if self.receive(self.poll) == Next::Stop {
            return Next::Stop;
        }
        let began = Instant::now();
        while began.elapsed() < SETTLE_AT_MOST {
            match self.receive(SETTLE) {
                Next::Wait => {}
                next => return next,
            }
        }
        Next::Look
    }

    /// Takes one message: `Look` if none came in time.
    fn receive(&mut self, timeout: Duration) -> Next {
        match self.received.recv_timeout(timeout) {
            Ok(Message::Event) => Next::Wait,
            Ok(Message::Files(files)) => {
                self.files = files;
                self.seen.clear();
                Next::Wait
            }
            Err(RecvTimeoutError::Timeout) => Next::Look,
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => Next::Stop,
        }
    }
}

/// What tells one state of a file from another; the times in nanoseconds.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    identity: Identity,
    size: u64,
    modified: i128,
    changed: i128,
}

/// A file or folder, whatever its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    device: u64,
    inode: u64,
    /// Where the file system knows it; inode numbers are soon used again.
    created: Option<SystemTime>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), created: metadata.created().ok() }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|path| fs::metadata(path).ok().as_ref().map(stamp)).collect()
}

fn stamp(metadata: &Metadata) -> Stamp {
    let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Stamp {
        identity: Identity::of(metadata),
        size: metadata.size(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// The folders whose events are heard.
struct Folders {
    notify: Option<RecommendedWatcher>,
    watched: BTreeSet<(PathBuf, Identity)>,
}

impl Folders {
    fn new(messages: Option<SyncSender<Message>>) -> Self {
        let notify = messages.and_then(|messages| {
            let hear = move |event: notify::Result<notify::Event>| {
                if event.is_ok_and(|event| is_noise(event.kind)) {
                    return;
                }
                // Full means that the thread will look anyway.
                let _ = messages.try_send(Message::Event);
            };
            notify::recommended_watcher(hear)
                .inspect_err(|error| tracing::warn!(%error, "no events of file changes; looking every two seconds"))
                .ok()
        });
        Self { notify, watched: BTreeSet::new() }
    }

    /// Hears the folders that matter to `files` now, and no others.
    ///
    /// A folder may come or go after it was looked for and before it is heard, which nobody would tell us. So it looks
    /// again after each change of what it hears, until there is nothing to change.
    fn follow(&mut self, files: &[PathBuf]) {
        if self.notify.is_none() {
            return;
        }
        let mut tried = None;
        loop {
            let wanted: BTreeSet<_> = files.iter().flat_map(|file| folders_of(file)).collect();
            // What was tried in vain a moment ago waits for the next look.
            if wanted == self.watched || tried.as_ref() == Some(&wanted) {
                return;
            }
            self.hear(&wanted);
            tried = Some(wanted);
        }
    }

    fn hear(&mut self, wanted: &BTreeSet<(PathBuf, Identity)>) {
        use notify::Watcher as _;

        let Some(notify) = &mut self.notify else { return };
        for (path, _) in self.watched.difference(wanted) {
            // A folder that is gone is not watched any more.
            let _ = notify.unwatch(path);
        }
        let mut watched: BTreeSet<_> = self.watched.intersection(wanted).cloned().collect();
        for (path, identity) in wanted.difference(&self.watched) {
            match notify.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => _ = watched.insert((path.clone(), *identity)),
                Err(error) => tracing::debug!(folder = %path.display(), %error, "no events of this folder"),
            }
        }
        self.watched = watched;
    }
}

/// Reading is no change, and we read these files ourselves.
fn is_noise(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// The folder of a file, and that of the file it links to; of a folder that does not exist, the nearest that does. What
/// is a folder itself is one of them, too.
fn folders_of(file: &Path) -> Vec<(PathBuf, Identity)> {
    let folder = |path: &Path| {
        let metadata = fs::metadata(path).ok().filter(Metadata::is_dir)?;
        Some((path.to_owned(), Identity::of(&metadata)))
    };
    let target = file.canonicalize().ok();
    let around = [Some(file), target.as_deref()].into_iter().flatten();
    around.filter_map(|file| file.ancestors().skip(1).find_map(folder)).chain(folder(file)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tokio::time::timeout;

    use super::*;

    /// Far longer than any change takes to be noticed; nothing waits for it to pass.
    const PATIENCE: Duration = Duration::from_secs(30);
    const NEVER: Duration = Duration::from_secs(3_600);

    struct Fixture {
        folder: tempfile::TempDir,
        watcher: Watcher,
    }

    impl Fixture {
        fn new(file: &str, poll: Duration, events: bool, prepare: impl Fn(&Path)) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            prepare(folder.path());
            let watcher = Watcher::with(vec![folder.path().join(file)], poll, events).expect("a watcher");
            Self { folder, watcher }
        }

        fn write(&self, name: &str, content: &str) {
            fs::write(self.folder.path().join(name), content).expect("a file");
        }

        fn replace(&self, name: &str, content: &str) {
            self.write("new", content);
            fs::rename(self.folder.path().join("new"), self.folder.path().join(name)).expect("a file");
        }

        async fn changed(&mut self) {
            timeout(PATIENCE, self.watcher.changed()).await.expect("a change");
        }
    }

    #[tokio::test]
    async fn every_way_of_changing_a_file_is_noticed() {
        let mut fixture = Fixture::new("a/file", NEVER, true, |_| {});
        fs::create_dir(fixture.folder.path().join("a")).expect("a folder");
        fixture.write("a/file", "1");
        fixture.changed().await;
        fixture.write("a/file", "22");
        fixture.changed().await;
        fixture.replace("a/file", "3");
        fixture.changed().await;
        fs::remove_file(fixture.folder.path().join("a/file")).expect("removed");
        fixture.changed().await;
        fixture.replace("a/file", "4");
        fixture.changed().await;
    }

    #[tokio::test]
    async fn a_folder_that_comes_again_is_another() {
        let mut fixture = Fixture::new("a/file", NEVER, true, |folder| {
            fs::create_dir(folder.join("a")).expect("a folder");
            fs::write(folder.join("a/file"), "1").expect("a file");
        });
        fs::remove_dir_all(fixture.folder.path().join("a")).expect("removed");
        fixture.changed().await;
        fs::create_dir(fixture.folder.path().join("a")).expect("a folder");
        fixture.write("a/file", "2");
        fixture.changed().await;
    }

    #[tokio::test]
    async fn what_comes_and_goes_in_a_folder_is_noticed() {
        let mut fixture = Fixture::new("a", NEVER, true, |_| {});
        fs::create_dir(fixture.folder.path().join("a")).expect("a folder");
        fixture.changed().await;
        fs::create_dir(fixture.folder.path().join("a/b")).expect("a folder");
        fixture.changed().await;
        fs::remove_dir(fixture.folder.path().join("a/b")).expect("removed");
        fixture.changed().await;
    }

    #[tokio::test]
    async fn links_are_followed_and_may_lead_elsewhere() {
        let mut fixture = Fixture::new("link", NEVER, true, |folder| {
            for name in ["a", "b"] {
                fs::create_dir(folder.join(name)).expect("a folder");
                fs::write(folder.join(name).join("file"), name).expect("a file");
            }
            symlink(folder.join("a/file"), folder.join("link")).expect("a link");
        });
        fixture.replace("a/file", "other");
        fixture.changed().await;
        fs::remove_file(fixture.folder.path().join("link")).expect("removed");
        symlink(fixture.folder.path().join("b/file"), fixture.folder.path().join("link")).expect("a link");
        fixture.changed().await;
        fixture.replace("b/file", "another");
        fixture.changed().await;
    }

    #[tokio::test]
    async fn without_events_it_polls() {
        let mut fixture = Fixture::new("file", Duration::from_millis(5), false, |_| {});
        fixture.write("file", "1");
        fixture.changed().await;
        fixture.replace("file", "2");
        fixture.changed().await;
    }

    #[test]
    fn reading_is_noise_and_writing_is_not() {
        assert!(is_noise(EventKind::Access(AccessKind::Open(AccessMode::Any))));
        assert!(is_noise(EventKind::Access(AccessKind::Close(AccessMode::Read))));
        assert!(!is_noise(EventKind::Access(AccessKind::Close(AccessMode::Write))));
        assert!(!is_noise(EventKind::Any));
    }

    #[test]
    fn a_file_that_is_only_read_keeps_its_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [folder.path().join("file")];
        assert_eq!(stamps(&files), [None]);
        fs::write(&files[0], "1").expect("a file");
        let before = stamps(&files);
        fs::read(&files[0]).expect("a file");
        fs::write(folder.path().join("other"), "1").expect("a file");
        assert_eq!(stamps(&files), before);
    }

    #[tokio::test]
    async fn new_files_are_a_change() {
        let mut fixture = Fixture::new("file", NEVER, true, |_| {});
        fixture.watcher.set_files(vec![fixture.folder.path().join("other")]);
        fixture.changed().await;
        fixture.write("other", "1");
        fixture.changed().await;
    }
}
