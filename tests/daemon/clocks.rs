//! What becomes of deadlines when somebody sets the wall clock, or the machine sleeps: durations run on, instants follow
//! the clock.
//!
//! libfaketime stands between the daemon and its wall clock; the boot clock stays the machine's. A sleep of the machine
//! is played by a time namespace, whose boot clock is ahead: to a daemon that starts there, that has gone by.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{
    AuthJson, Daemon, DaemonBuilder, Tool, Wire, credential, eventually, need, need_root, now_ms, pool,
};

const POOL: &str = "openrouter";
const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The longest that a restored restriction can have left.
const LONGEST_MS: i64 = 35 * DAY_MS;

/// What the daemon puts off a deadline by at most, so that not all come back at once.
const JITTER_MS: i64 = 30 * 1_000;

/// A daemon whose wall clock can be set.
struct Stepped {
    daemon: Daemon,
    offset: PathBuf,
}

impl Stepped {
    /// Starts `builder` with the right time; `None` where there is no libfaketime.
    fn start(builder: DaemonBuilder) -> Option<Self> {
        let library = need(Tool::Faketime)?;
        let offset = builder.home().config().join("faketime");
        set(&offset, 0);
        let builder = builder
            .variable("LD_PRELOAD", library.to_str().expect("paths of tools are text"))
            .variable("FAKETIME_TIMESTAMP_FILE", offset.to_str().expect("temporary paths are text"))
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            // Dates of files are the machine's business.
            .variable("NO_FAKE_STAT", "1");
        Some(Self { daemon: builder.start(), offset })
    }

    /// Sets the daemon's wall clock this much off the right time.
    fn set(&self, ms: i64) {
        set(&self.offset, ms);
    }

    /// The same, while the daemon is not there.
    fn set_during_restart(&mut self, wire: Wire, ms: i64) -> Wire {
        self.daemon.kill();
        drop(wire);
        self.set(ms);
        self.daemon.restart();
        self.daemon.wire()
    }
}

fn set(offset: &Path, ms: i64) {
    let next = offset.with_extension("next");
    fs::write(&next, format!("{}{}.{:03}", if ms < 0 { '-' } else { '+' }, ms.abs() / 1_000, ms.abs() % 1_000))
        .and_then(|()| fs::rename(&next, offset))
        .expect("the clock's file can be replaced");
}

fn now() -> i64 {
    i64::try_from(now_ms()).expect("it is not that late")
}

/// Steps as people, NTP and empty batteries make them: by an hour, by a day, and to 1970.
fn steps() -> [i64; 5] {
    [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, -now()]
}

/// Has `key` restricted by what `facts` say of a 429.
#[track_caller]
fn restrict(wire: &mut Wire, key: &str, facts: &Value) {
    let lease = wire.ok(&json!({"op": "acquire", "pool": POOL, "credential": key}))["lease"].clone();
    let mut report = json!({"op": "report_error", "lease": lease, "status": 429});
    report.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
    let verdict = wire.ok(&report)["verdict"].clone();
    assert_eq!(verdict["state"], "cooling", "{verdict:#}");
}

fn for_seconds(seconds: i64) -> Value {
    json!({"headers": {"retry-after": seconds.to_string()}})
}

/// How much a restricted key has left, and until when that is by the daemon's clock.
#[track_caller]
fn left(wire: &mut Wire, key: &str) -> (i64, i64) {
    let now = wire.ok(&json!({"op": "status", "pool": POOL}))["now_at_ms"].as_i64().expect("an instant");
    let until = until(wire, key);
    (until - now, until)
}

#[track_caller]
fn until(wire: &mut Wire, key: &str) -> i64 {
    credential(wire, POOL, key)["until_at_ms"].as_i64().expect("it is restricted for a while")
}

/// Panics unless `after` is `before` less what has passed since `start`, when `before` was not yet read.
#[track_caller]
fn ran_on(before: i64, after: i64, start: Instant) {
    let passed = i64::try_from(start.elapsed().as_millis()).expect("that was not long") + 2;
    assert!((before - passed..=before).contains(&after), "{before} ms became {after} ms within {passed} ms");
}

/// Panics unless two instants or durations are the same but for what the test itself has taken since `start`.
#[track_caller]
fn about(one: i64, other: i64, start: Instant) {
    let passed = i64::try_from(start.elapsed().as_millis()).expect("that was not long") + 2;
    assert!(one.abs_diff(other) <= passed.unsigned_abs(), "{one} and {other}");
}

#[test]
fn a_step_of_the_wall_clock_changes_no_cooldown_that_is_a_duration() {
    let Some(stepped) = Stepped::start(DaemonBuilder::serving(&AuthJson::many(2))) else { return };
    let mut wire = stepped.daemon.wire();
    restrict(&mut wire, "key-0", &for_seconds(3_600));
    let start = Instant::now();
    let (before, until) = left(&mut wire, "key-0");
    assert!((HOUR_MS - 10_000..=HOUR_MS + JITTER_MS).contains(&before), "{before}");
    for step in steps() {
        stepped.set(step);
        let (after, told) = left(&mut wire, "key-0");
        ran_on(before, after, start);
        about(told, until + step, start);
    }
}

#[test]
fn a_cooldown_that_is_an_instant_moves_with_the_wall_clock() {
    let Some(stepped) = Stepped::start(DaemonBuilder::serving(&AuthJson::many(2))) else { return };
    let mut wire = stepped.daemon.wire();
    restrict(&mut wire, "key-0", &json!({"resets_at": now() + 2 * HOUR_MS}));
    let start = Instant::now();
    let (before, until) = left(&mut wire, "key-0");
    for step in steps().into_iter().filter(|step| *step < 2 * HOUR_MS) {
        stepped.set(step);
        let (after, told) = left(&mut wire, "key-0");
        about(after, before - step, start);
        about(told, until, start);
    }
    // Nobody asks: it opens by itself.
    stepped.set(DAY_MS);
    eventually("what the clock has passed is over", || {
        (credential(&mut wire, POOL, "key-0")["state"] == "ready").then_some(())
    });
}

#[test]
fn a_cooldown_that_is_both_ends_when_both_have_passed() {
    let Some(stepped) = Stepped::start(DaemonBuilder::serving(&AuthJson::many(2))) else { return };
    let mut wire = stepped.daemon.wire();
    let mut both = for_seconds(3_600);
    both["resets_at"] = json!(now() + 2 * HOUR_MS);
    restrict(&mut wire, "key-0", &both);
    let start = Instant::now();
    stepped.set(DAY_MS);
    let (after, _) = left(&mut wire, "key-0");
    let passed = i64::try_from(start.elapsed().as_millis()).expect("that was not long") + 10_000;
    assert!((HOUR_MS - passed..=HOUR_MS + JITTER_MS).contains(&after), "the hour is not over: {after}");
    stepped.set(-DAY_MS);
    let (after, _) = left(&mut wire, "key-0");
    assert!(after > DAY_MS, "nor is the instant here: {after}");
}

#[test]
fn a_lease_lasts_as_long_whatever_the_wall_clock_says() {
    let Some(stepped) = Stepped::start(DaemonBuilder::serving(&AuthJson::many(1))) else { return };
    let mut wire = stepped.daemon.wire();
    let acquire = |ttl_ms: i64| json!({"op": "acquire", "pool": POOL, "detach": true, "ttl_ms": ttl_ms});
    let start = Instant::now();
    let long = wire.ok(&acquire(HOUR_MS));
    let before = long["expires_at_ms"].as_i64().expect("an instant");
    for step in steps() {
        stepped.set(step);
        let short = wire.ok(&acquire(20))["lease"].clone();
        eventually("a lease ends, and only the one whose time is over", || {
            (pool(&mut wire, POOL)["leases"] == 1).then_some(())
        });
        let released = wire.ok(&json!({"op": "release", "lease": short}));
        assert_eq!(released["ended_by"], "ttl", "{step}: {released:#}");
        let renewed = wire.ok(&json!({"op": "renew", "lease": long["lease"]}));
        about(renewed["expires_at_ms"].as_i64().expect("an instant"), before + step, start);
    }
    stepped.set(0);
    let released = wire.ok(&json!({"op": "release", "lease": long["lease"]}));
    assert_eq!(released["duplicate"], Value::Null, "{released:#}");
    about(released["held_ms"].as_i64().expect("a duration"), 0, start);
}

#[test]
fn a_clock_that_was_set_while_the_daemon_was_away_changes_no_duration_either() {
    let Some(mut stepped) = Stepped::start(DaemonBuilder::serving(&AuthJson::many(3)).snapshot("sync")) else { return };
    let mut wire = stepped.daemon.wire();
    restrict(&mut wire, "key-0", &for_seconds(3_600));
    restrict(&mut wire, "key-1", &json!({"resets_at": now() + 2 * HOUR_MS}));
    let start = Instant::now();
    let (duration, instant) = (left(&mut wire, "key-0").0, left(&mut wire, "key-1").0);
    for step in [HOUR_MS, -HOUR_MS, -DAY_MS] {
        wire = stepped.set_during_restart(wire, step);
        ran_on(duration, left(&mut wire, "key-0").0, start);
        about(left(&mut wire, "key-1").0, instant - step, start);
    }
}

#[test]
fn what_was_saved_when_the_clock_was_far_ahead_is_cut_to_the_longest_window_there_is() {
    let Some(mut stepped) = Stepped::start(DaemonBuilder::serving(&AuthJson::many(2)).snapshot("sync")) else { return };
    let mut wire = stepped.daemon.wire();
    stepped.set(400 * DAY_MS);
    restrict(&mut wire, "key-0", &json!({"resets_at": now() + 410 * DAY_MS}));
    let left_then = left(&mut wire, "key-0").0;
    assert!((9 * DAY_MS..=10 * DAY_MS + JITTER_MS).contains(&left_then), "{left_then}");
    let mut wire = stepped.set_during_restart(wire, 0);
    let (left, until) = left(&mut wire, "key-0");
    assert!((LONGEST_MS - HOUR_MS..=LONGEST_MS).contains(&left), "{left}");
    assert!(until <= now() + LONGEST_MS, "{until}");
}

#[test]
fn time_that_the_machine_slept_counts() {
    if !need_root() {
        return;
    }
    let builder = DaemonBuilder::serving(&AuthJson::many(4)).snapshot("sync");
    let slept = builder.home().config().join("slept");
    fs::write(&slept, "0").expect("a file");
    // Seconds by which the boot clock of the namespace is ahead; what is started in it keeps its process id.
    let namespace = "exec unshare --time --boottime \"$(cat \"$SLEPT\")\" \"$0\" \"$@\"";
    let mut daemon = builder
        .variable("SLEPT", slept.to_str().expect("temporary paths are text"))
        .under("/bin/sh".as_ref(), &["-c", namespace])
        .start();
    let mut wire = daemon.wire();
    restrict(&mut wire, "key-0", &for_seconds(2 * 3_600));
    restrict(&mut wire, "key-1", &for_seconds(1_800));
    restrict(&mut wire, "key-2", &json!({"resets_at": now() + 2 * HOUR_MS}));
    let lease =
        |ttl_ms: i64| json!({"op": "acquire", "pool": POOL, "credential": "key-3", "detach": true, "ttl_ms": ttl_ms});
    let [short, long] = [55 * MINUTE_MS, 2 * HOUR_MS].map(|ttl_ms| wire.ok(&lease(ttl_ms))["lease"].clone());
    let start = Instant::now();
    let before = ["key-0", "key-2"].map(|key| until(&mut wire, key));
    drop(wire);
    daemon.signal(Signal::SIGTERM);
    daemon.ended();
    fs::write(&slept, "3600").expect("a file");
    daemon.restart();
    let mut wire = daemon.wire();
    about(until(&mut wire, "key-0"), before[0] - HOUR_MS, start);
    assert_eq!(credential(&mut wire, POOL, "key-1")["state"], "ready");
    // The wall clock of the namespace is the machine's, and has not slept.
    about(until(&mut wire, "key-2"), before[1], start);
    let released = wire.ok(&json!({"op": "release", "lease": short}));
    assert_eq!(released["ended_by"], "ttl", "{released:#}");
    assert_eq!(wire.ok(&json!({"op": "release", "lease": long}))["duplicate"], Value::Null);
}
