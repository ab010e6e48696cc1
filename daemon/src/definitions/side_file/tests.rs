use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A file of one word, which says that it makes no sense if that is `torn`.
struct Fixture {
    folder: tempfile::TempDir,
    file: SideFile<String>,
    moment: Moment,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let demands = Demands { max_bytes: 64, holds_secrets: true };
        let file = SideFile::new(folder.path().join("file"), demands);
        Self { folder, file, moment: Moment { now: Instant::now(), is_away: false } }
    }

    fn with(content: &str) -> Self {
        let mut fixture = Self::new();
        fixture.write(content);
        assert_eq!(fixture.read(), (content.to_owned(), vec![]));
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    fn write(&self, content: &str) {
        fs::write(self.path(), content).expect("a file");
        self.permit(0o600);
    }

    fn permit(&self, mode: u32) {
        fs::set_permissions(self.path(), Permissions::from_mode(mode)).expect("permissions");
    }

    fn remove(&self) {
        fs::remove_file(self.path()).expect("removed");
    }

    fn pass(&mut self, time: Duration) {
        self.moment.now += time;
    }

    /// What it holds now, and what is wrong.
    fn read(&mut self) -> (String, Vec<String>) {
        let mut problems = Vec::new();
        let parse = |file: &SafeFile| {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            if text == "torn" { Err("makes no sense".to_owned()) } else { Ok(text) }
        };
        self.file.read(self.moment, parse, &mut problems);
        assert!(problems.iter().all(|problem| problem.place == self.path().display().to_string()), "{problems:?}");
        (self.file.held().clone(), problems.into_iter().map(|problem| problem.problem).collect())
    }

    /// Whether it holds `held` still, and says just one thing, that begins and ends like this.
    #[track_caller]
    fn keeps(&mut self, held: &str, begins: &str, ends: &str) {
        let (found, problems) = self.read();
        assert_eq!((found.as_str(), problems.len()), (held, 1), "{problems:?}");
        assert!(problems[0].starts_with(begins) && problems[0].ends_with(ends), "{problems:?}");
    }
}

const FOR_NOW: &str = "; what it held before is still served, until it has been so for 30 s";

#[test]
fn what_never_was_there_is_nothing_wrong() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.read(), (String::new(), vec![]));
    fixture.write("");
    assert_eq!(fixture.read(), (String::new(), vec![]));
    assert!(!fixture.file.is_pending());
}

#[test]
fn a_file_that_is_gone_or_empty_for_a_moment_takes_nothing_away() {
    let mut fixture = Fixture::with("one");
    for begins in ["is gone", "is empty"] {
        if begins == "is gone" {
            fixture.remove();
        } else {
            fixture.write("");
        }
        fixture.keeps("one", begins, FOR_NOW);
        fixture.pass(PATIENCE - Duration::from_millis(1));
        fixture.keeps("one", begins, FOR_NOW);
        assert!(fixture.file.is_pending(), "nobody would notice that time has passed");
        fixture.write("one");
        assert_eq!(fixture.read(), ("one".to_owned(), vec![]));
        assert!(!fixture.file.is_pending());
        fixture.pass(PATIENCE);
    }
}

#[test]
fn a_file_that_stays_gone_or_empty_was_meant_to_be() {
    for write_nothing in [false, true] {
        let mut fixture = Fixture::with("one");
        if write_nothing {
            fixture.write("");
        } else {
            fixture.remove();
        }
        fixture.read();
        fixture.pass(PATIENCE);
        assert_eq!(fixture.read(), (String::new(), vec![]));
        assert!(!fixture.file.is_pending());
        fixture.write("two");
        assert_eq!(fixture.read(), ("two".to_owned(), vec![]));
    }
}

#[test]
fn gone_and_then_empty_is_one_absence() {
    let mut fixture = Fixture::with("one");
    fixture.remove();
    fixture.read();
    fixture.pass(PATIENCE / 2);
    fixture.write("");
    fixture.keeps("one", "is empty", FOR_NOW);
    fixture.pass(PATIENCE / 2);
    assert_eq!(fixture.read(), (String::new(), vec![]));
}

#[test]
fn nobody_removed_the_files_of_a_home_that_is_away() {
    let mut fixture = Fixture::with("one");
    fixture.remove();
    fixture.moment.is_away = true;
    fixture.read();
    fixture.pass(PATIENCE * 100);
    fixture.keeps("one", "is gone", "; what it held before is still served");
    fixture.moment.is_away = false;
    fixture.keeps("one", "is gone", FOR_NOW);
    fixture.pass(PATIENCE);
    assert_eq!(fixture.read(), (String::new(), vec![]));
}

#[test]
fn what_cannot_be_read_or_makes_no_sense_is_kept_for_as_long_as_that_lasts() {
    let mut fixture = Fixture::with("one");
    fixture.write("torn");
    fixture.keeps("one", "makes no sense", "; what it held before is still served");
    assert!(!fixture.file.is_pending(), "it makes sense only once it is written again");
    fixture.permit(0o622);
    fixture.keeps("one", "can be written by others", "; what it held before is still served");
    assert!(fixture.file.is_pending());
    fixture.pass(PATIENCE * 100);
    fixture.keeps("one", "can be written by others", "; what it held before is still served");
    fixture.remove();
    fixture.keeps("one", "is gone", FOR_NOW);
}

#[test]
fn what_could_never_be_read_has_nothing_to_keep() {
    let mut fixture = Fixture::new();
    fixture.write("torn");
    fixture.keeps("", "makes no sense", "; nothing of it is served");
    fixture.write("one");
    fixture.permit(0o602);
    fixture.keeps("", "can be written by others", "; nothing of it is served");
}
