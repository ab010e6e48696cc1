//! Files that are not what was written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::{Uid, chown, geteuid, mkfifo};

use super::super::disk::{Disk, Folder};
use super::*;

const LOG: &str = "state.json.1.log";

/// A snapshot of the first state and a log of all others, as a daemon that was killed leaves them.
fn left(told: &Told) -> (Vec<u8>, Vec<u8>) {
    let disk = Scripted::default();
    let mut keeper = keeper(&disk, &told.states[0], &Found::default());
    keeper.renew().unwrap();
    told.batches.iter().for_each(|batch| keeper.append(batch.clone()).unwrap());
    (disk.bytes(NAME), disk.bytes(LOG))
}

fn found(snapshot: &[u8], log: &[u8]) -> Found {
    let disk = Scripted::default();
    disk.put(NAME, snapshot);
    disk.put(LOG, log);
    load(&mut disk.clone(), &Names::of(NAME))
}

/// Which of the states that were told it is.
fn state(told: &Told, found: &Found) -> Option<usize> {
    let (records, _) = found.state.as_ref()?;
    Some(told.states.iter().position(|state| state == records).expect("a state that was"))
}

#[test]
fn a_flipped_bit_costs_a_snapshot_as_a_whole_and_a_log_what_follows_it() {
    let told = told();
    let (snapshot, log) = left(&told);
    for at in (0..snapshot.len() - 1).step_by(5) {
        let mut flipped = snapshot.clone();
        flipped[at] ^= 1 << (at % 8);
        let found = found(&flipped, &log);
        assert_eq!(found.state, None, "byte {at}");
        assert_eq!(found.unsound, [NAME, LOG], "byte {at}");
    }
    for at in (0..log.len()).step_by(5) {
        let mut flipped = log.clone();
        flipped[at] ^= 1 << (at % 8);
        let found = found(&snapshot, &flipped);
        let sound = log[..at].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1);
        assert_eq!(state(&told, &found), Some(sound), "byte {at}");
        assert_eq!(found.unsound, [LOG], "byte {at}");
        assert_eq!(found.problems.len(), 1, "byte {at}");
    }
}

#[test]
fn a_torn_tail_costs_the_tail() {
    let told = told();
    let (snapshot, log) = left(&told);
    for length in (0..log.len()).step_by(3) {
        let found = found(&snapshot, &log[..length]);
        let whole = log[..length].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(state(&told, &found), Some(whole.saturating_sub(1)), "{length} bytes");
        let is_torn = length > 0 && log[length - 1] != b'\n';
        assert_eq!(found.unsound.is_empty(), !is_torn, "{length} bytes");
    }
    for length in (0..snapshot.len() - 1).step_by(5) {
        assert_eq!(found(&snapshot[..length], &log).state, None, "{length} bytes");
    }
}

#[test]
fn a_line_that_is_gone_or_twice_there_or_of_another_log_is_noticed() {
    let told = told();
    let (snapshot, log) = left(&told);
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let without = [&lines[..3], &lines[4..]].concat().concat();
    let twice = [&lines[..4], &lines[3..]].concat().concat();
    for spoilt in [without, twice] {
        let found = found(&snapshot, &spoilt);
        assert_eq!(found.unsound, [LOG]);
        assert!(matches!(state(&told, &found), Some(2 | 3)));
    }
    let of_another = [super::super::format::log_head(2).unwrap(), lines[1..].concat()].concat();
    assert_eq!(state(&told, &found(&snapshot, &of_another)), Some(0));
}

#[test]
fn what_a_newer_daemon_wrote_is_set_aside_untouched() {
    let told = told();
    let (snapshot, log) = left(&told);
    let sealed = String::from_utf8(snapshot).unwrap();
    let newer = sealed.replace("\"version\":1", "\"version\":2");
    let document = newer.rsplit_once(",\"crc32\"").unwrap().0;
    let newer = format!("{document},\"crc32\":\"{:08x}\"}}\n", crc32fast::hash(document.as_bytes()));
    let disk = Scripted::default();
    disk.put(NAME, newer.as_bytes());
    disk.put(LOG, &log);
    let found = load(&mut disk.clone(), &Names::of(NAME));
    assert_eq!(found.state, None);
    assert!(found.problems[0].1.contains("version 2"), "{:?}", found.problems);
    keeper(&disk, &told.states[0], &found).renew().unwrap();
    assert_eq!(disk.names_now(), [NAME, "state.json.2.log", "state.json.aside-1", "state.json.aside-2"]);
    assert_eq!(disk.bytes("state.json.aside-1"), log);
    assert_eq!(disk.bytes("state.json.aside-2"), newer.as_bytes());
}

#[test]
fn no_more_than_eight_are_kept_aside() {
    let told = told();
    let disk = Scripted::default();
    for _ in 0..12 {
        let _ = disk.clone().remove(NAME);
        disk.put(NAME, b"not a snapshot");
        let found = load(&mut disk.clone(), &Names::of(NAME));
        assert_eq!(found.unsound[0], NAME);
        keeper(&disk, &told.states[0], &found).renew().unwrap();
    }
    let aside = disk.names_now().into_iter().filter(|name| name.contains(".aside-")).count();
    assert_eq!(aside, 8);
}

/// A folder of the real file system, whose files one run of a keeper wrote.
struct Real {
    folder: tempfile::TempDir,
    told: Told,
}

impl Real {
    fn new() -> Self {
        let real = Self { folder: tempfile::tempdir().unwrap(), told: told() };
        real.keeper(&Found::default()).renew().unwrap();
        real
    }

    fn disk(&self) -> Folder {
        Folder(self.folder.path().to_owned())
    }

    fn keeper(&self, found: &Found) -> Keeper<Folder> {
        let records = self.told.states[0].clone();
        Keeper::new(self.disk(), Names::of(NAME), Timeline::default(), records, found)
    }

    fn snapshot(&self) -> std::path::PathBuf {
        self.folder.path().join(NAME)
    }

    fn found(&self) -> Found {
        load(&mut self.disk(), &Names::of(NAME))
    }

    /// The snapshot is not used, for that reason, is set aside, and another takes its place.
    fn sets_aside(&self, why: &str) {
        let found = self.found();
        assert_eq!(found.state, None);
        assert!(found.problems[0].1.contains(why), "{:?}", found.problems);
        self.keeper(&found).renew().unwrap();
        assert!(self.found().state.is_some());
        assert!(self.folder.path().join("state.json.aside-2").symlink_metadata().is_ok());
    }
}

#[test]
fn files_are_for_their_owner_alone() {
    let real = Real::new();
    for name in [NAME, LOG] {
        assert_eq!(fs::metadata(real.folder.path().join(name)).unwrap().mode() & 0o7777, 0o600);
    }
    assert_eq!(real.found().state.map(|(records, _)| records), Some(real.told.states[0].clone()));
}

#[test]
fn a_link_is_not_followed() {
    let real = Real::new();
    let target = real.folder.path().join("precious");
    fs::rename(real.snapshot(), &target).unwrap();
    let before = fs::read(&target).unwrap();
    symlink(&target, real.snapshot()).unwrap();
    real.sets_aside("is a link");
    assert_eq!(fs::read(&target).unwrap(), before);
}

#[test]
fn a_pipe_is_not_waited_for() {
    let real = Real::new();
    fs::remove_file(real.snapshot()).unwrap();
    mkfifo(&real.snapshot(), Mode::from_bits_truncate(0o600)).unwrap();
    real.sets_aside("no regular file");
}

#[test]
fn what_others_may_write_is_not_believed() {
    let real = Real::new();
    fs::set_permissions(real.snapshot(), Permissions::from_mode(0o666)).unwrap();
    real.sets_aside("can be written by others");
}

#[test]
fn what_belongs_to_somebody_else_is_not_believed() {
    if !geteuid().is_root() {
        return;
    }
    let real = Real::new();
    chown(&real.snapshot(), Some(Uid::from_raw(65_534)), None).unwrap();
    real.sets_aside("belongs to uid 65534");
}

#[test]
fn a_folder_stays_where_it_is() {
    let real = Real::new();
    fs::remove_file(real.snapshot()).unwrap();
    fs::create_dir(real.snapshot()).unwrap();
    let found = real.found();
    assert_eq!((found.problems[0].1.as_str(), found.unsound.len()), ("is a folder", 0));
    let mut keeper = real.keeper(&found);
    let names = || real.disk().names().unwrap().len();
    let before = names();
    for _ in 0..3 {
        keeper.renew().unwrap_err();
    }
    assert!(!keeper.is_durable());
    assert_eq!(names(), before, "failures leave nothing behind");
    fs::remove_dir(real.snapshot()).unwrap();
    keeper.renew().unwrap();
    assert!(real.found().state.is_some());
}

#[test]
fn a_folder_that_is_not_there_is_made_for_its_owner_alone() {
    let real = Real::new();
    let deep = real.folder.path().join("a/b");
    let mut disk = Folder(deep.clone());
    assert_eq!(load(&mut disk, &Names::of(NAME)).problems, []);
    let records = real.told.states[0].clone();
    Keeper::new(disk, Names::of(NAME), Timeline::default(), records, &Found::default()).renew().unwrap();
    assert_eq!(fs::metadata(&deep).unwrap().mode() & 0o7777, 0o700);
}

/// What version 1 looked like when it was new. It is read for ever: this file is never written anew.
#[test]
fn the_first_snapshots_can_still_be_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/snapshot");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture).unwrap().flatten() {
        let copy = folder.path().join(entry.file_name());
        fs::copy(entry.path(), &copy).unwrap();
        fs::set_permissions(copy, Permissions::from_mode(0o600)).unwrap();
    }
    let found = load(&mut Folder(folder.path().to_owned()), &Names::of(NAME));
    assert_eq!(found.problems, []);
    let (records, _) = found.state.expect("a state");
    let now = records.header.now;
    let ended = |ended| records.leases.values().filter(|lease| lease.ended.is_some() == ended).count();
    assert_eq!((ended(false), ended(true)), (4, 5));
    // Whose connections they were was not noted then: nobody can claim these.
    let users: Vec<u32> = records.leases.values().filter_map(|lease| Some(lease.owner?.user)).collect();
    assert_eq!(users, [u32::MAX; 2]);
    assert_eq!(records.watermarks.len(), 2);
    assert_eq!(records.lists.len(), 1);
    let mut core = Core::restore(records, Limits::default(), now);
    core.check_invariants().unwrap();
    let pool = core.records().pools.values().next().expect("a pool").key;
    let causes: Vec<Cause> = core.records().restrictions.keys().map(|identity| identity.cause).collect();
    assert_eq!(causes, [Cause::Auth, Cause::Disabled, Cause::RateLimit, Cause::RateLimit]);
    assert!(core.history(pool).count() > 3);
    core.apply(now, Command::Tick);
}
