use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

fn codex() -> Holder {
    Holder::new(Some("codex".to_owned()))
}

const DAEMON: &str = "/run/credpool.sock";

fn note(pool: &str, lease: &str) -> Note {
    Note {
        daemon: DAEMON.into(),
        pool: pool.to_owned(),
        profile: None,
        lease: lease.to_owned(),
        credential: "a1b2c3".to_owned(),
    }
}

fn last(given: &Given, pool: Option<&str>) -> Option<Note> {
    given.last(Path::new(DAEMON), pool, None).cloned()
}

fn of(given: &Given, pool: &str, profile: Option<&str>) -> Option<Note> {
    given.of(Path::new(DAEMON), pool, profile).cloned()
}

fn open(folder: &TempDir) -> Given {
    Given::open_in(&folder.path().join("given"), &codex()).unwrap()
}

#[test]
fn the_last_one_is_found_by_pool_or_at_all() {
    let folder = TempDir::new().unwrap();
    assert_eq!(last(&open(&folder), None), None);
    for (pool, lease) in [("openrouter", "l1"), ("anthropic", "l2"), ("openrouter", "l3"), ("openai", "l4")] {
        open(&folder).note(note(pool, lease)).unwrap();
    }
    let given = open(&folder);
    let lease = |note: Option<Note>| note.map(|note| note.lease);
    assert_eq!(lease(last(&given, None)).as_deref(), Some("l4"));
    assert_eq!(lease(last(&given, Some("openrouter"))).as_deref(), Some("l3"));
    assert_eq!(lease(last(&given, Some("groq"))), None);
    assert_eq!(lease(of(&given, "anthropic", None)).as_deref(), Some("l2"));
    assert_eq!(lease(of(&given, "anthropic", Some("work"))), None);
}

#[test]
fn the_last_one_is_found_by_profile_too() {
    let folder = TempDir::new().unwrap();
    let mut given = open(&folder);
    for (pool, profile) in [("openrouter", "coder"), ("openrouter", "default"), ("anthropic", "coder")] {
        given.note(Note { profile: Some(profile.to_owned()), ..note(pool, &format!("{pool} of {profile}")) }).unwrap();
    }
    let last = |pool, profile| given.last(Path::new(DAEMON), pool, profile).map(|note| &*note.lease);
    assert_eq!(last(None, Some("default")), Some("openrouter of default"));
    assert_eq!(last(None, Some("coder")), Some("anthropic of coder"));
    assert_eq!(last(Some("openrouter"), Some("coder")), Some("openrouter of coder"));
    assert_eq!(last(Some("anthropic"), Some("default")), None);
}

#[test]
fn what_one_daemon_gave_is_nothing_to_another() {
    let folder = TempDir::new().unwrap();
    let mut given = open(&folder);
    given.note(note("openrouter", "l1")).unwrap();
    let other = Path::new("/run/other.sock");
    assert_eq!((given.last(other, None, None), given.of(other, "openrouter", None)), (None, None));
    given.note(Note { daemon: other.to_owned(), ..note("openrouter", "l2") }).unwrap();
    assert_eq!(of(&given, "openrouter", None).map(|note| note.lease).as_deref(), Some("l1"));
    assert_eq!(given.last(other, None, None).map(|note| &*note.lease), Some("l2"));
}

#[test]
fn holders_do_not_see_each_others() {
    let folder = TempDir::new().unwrap();
    open(&folder).note(note("openrouter", "l1")).unwrap();
    let other = Given::open_in(&folder.path().join("given"), &Holder::new(None)).unwrap();
    assert_eq!(last(&other, None), None);
}

#[test]
fn notes_have_a_bound() {
    let folder = TempDir::new().unwrap();
    let mut given = open(&folder);
    for number in 0..=MOST {
        given.note(note(&format!("pool-{number}"), "l")).unwrap();
    }
    drop(given);
    let given = open(&folder);
    assert_eq!(given.notes.len(), MOST);
    assert_eq!(of(&given, "pool-0", None), None);
    assert!(of(&given, "pool-1", None).is_some());
}

#[test]
fn folder_and_file_are_the_users_alone() {
    let folder = TempDir::new().unwrap();
    open(&folder).note(note("openrouter", "l1")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let given = folder.path().join("given");
    assert_eq!((mode(&given), mode(&given.join("for-codex"))), (0o700, 0o600));
}

#[test]
fn what_others_may_change_is_refused() {
    let folder = TempDir::new().unwrap();
    open(&folder).note(note("openrouter", "l1")).unwrap();
    let given = folder.path().join("given");
    let refused = |path: &Path, mode| {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let opened = Given::open_in(&given, &codex()).map(drop).map_err(|error| error.kind());
        fs::set_permissions(path, before).unwrap();
        assert_eq!(opened, Err(io::ErrorKind::PermissionDenied), "{}", path.display());
    };
    refused(&given, 0o770);
    refused(&given.join("for-codex"), 0o602);
    fs::rename(given.join("for-codex"), given.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", given.join("for-codex")).unwrap();
    assert!(Given::open_in(&given, &codex()).is_err());
}

#[test]
fn a_torn_file_is_no_file() {
    let folder = TempDir::new().unwrap();
    open(&folder).note(note("openrouter", "l1")).unwrap();
    let path = folder.path().join("given/for-codex");
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(last(&open(&folder), None), None);
    open(&folder).note(note("openrouter", "l2")).unwrap();
    assert!(last(&open(&folder), None).is_some());
}

#[test]
fn old_files_are_forgotten_and_others_are_not() {
    let folder = TempDir::new().unwrap();
    open(&folder).note(note("openrouter", "l1")).unwrap();
    let given = folder.path().join("given");
    let old = SystemTime::now() - KEPT - Duration::from_secs(1);
    for name in ["session-1", "session-2"] {
        File::create(given.join(name)).unwrap().set_modified(old).unwrap();
    }
    let held = File::open(given.join("session-2")).unwrap();
    held.lock().unwrap();
    drop(open(&folder));
    let there = |name: &str| given.join(name).exists();
    assert_eq!([there("for-codex"), there("session-1"), there("session-2")], [true, false, true]);
}

#[test]
fn a_file_that_is_replaced_while_somebody_waits_for_it_is_not_the_one_to_read() {
    let folder = TempDir::new().unwrap();
    let mut given = open(&folder);
    given.note(note("openrouter", "l1")).unwrap();
    let path = folder.path().join("given/for-codex");
    let waiting = fs::metadata(&path).unwrap().ino();
    let waiter = std::thread::spawn({
        let folder = folder.path().join("given");
        move || Given::open_in(&folder, &codex()).map(|given| last(&given, None))
    });
    // In the kernel's table of locks, whoever waits stands behind an arrow.
    while !is_awaited(waiting) {
        std::thread::yield_now();
    }
    given.note(note("openrouter", "l2")).unwrap();
    drop(given);
    let found = waiter.join().unwrap().unwrap();
    assert_eq!(found.map(|note| note.lease).as_deref(), Some("l2"));
}

/// Whether somebody waits for the lock on a file, by its inode.
fn is_awaited(inode: u64) -> bool {
    let locks = fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("->") && line.contains(&format!(":{inode} ")))
}
