//! What somebody who believes the daemon may believe, however it ended: each answer that came, and nothing besides.
//!
//! Each worker has a key of its own, so what it was told last, and the one request that it may have been waiting for, say
//! everything that its key may be.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use credpool_core::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{POOL, detached, limited, of_key};
use crate::support::{Wire, eventually};

/// Answers of all workers together before the daemon is killed, at most.
const MOST_ANSWERS: u64 = 60;

/// What a key is, as far as anybody was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    restricted: bool,
    disabled: bool,
    lease: Option<String>,
}

/// What a worker asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Lease,
    Report,
    Release,
    Clear,
    Disable,
    Enable,
}

impl Known {
    /// A step that makes a difference.
    fn next(&self, rng: &mut Rng) -> Step {
        let mut steps = Vec::new();
        match (self.lease.as_deref(), self.restricted || self.disabled) {
            // A lease that nobody was told of: it is there until its time is over.
            (Some(""), _) => {}
            (Some(_), _) => steps.extend([Step::Report, Step::Report, Step::Release]),
            (None, false) => steps.extend([Step::Lease; 3]),
            (None, true) => {}
        }
        if self.restricted {
            steps.push(Step::Clear);
        }
        steps.push(if self.disabled { Step::Enable } else { Step::Disable });
        steps[usize::try_from(rng.below(steps.len() as u64)).expect("it is small")]
    }

    fn request(&self, step: Step, key: &str) -> Value {
        match step {
            Step::Lease => detached(key),
            Step::Report => limited(&json!(self.lease)),
            Step::Release => json!({"op": "release", "lease": self.lease}),
            Step::Clear => of_key("clear", key),
            Step::Disable => of_key("disable", key),
            Step::Enable => of_key("enable", key),
        }
    }

    /// What it is once `step` was done; the answer names a lease, if it came.
    fn after(&self, step: Step, answer: Option<&Value>) -> Self {
        let mut known = self.clone();
        match step {
            Step::Lease => known.lease = Some(answer.map(lease_of).unwrap_or_default()),
            Step::Report => (known.restricted, known.lease) = (true, None),
            Step::Release => known.lease = None,
            Step::Clear => known.restricted = false,
            Step::Disable => known.disabled = true,
            Step::Enable => known.disabled = false,
        }
        known
    }

    /// Whether the daemon says the same of it.
    fn is_shown(&self, credential: &Value) -> bool {
        let kinds: Vec<&Value> =
            credential["restrictions"].as_array().expect("a list").iter().map(|r| &r["kind"]).collect();
        let expected = [(self.disabled, "disabled"), (self.restricted, "rate_limit")];
        kinds.len() == usize::from(self.disabled) + usize::from(self.restricted)
            && expected.iter().all(|(is, kind)| kinds.iter().any(|shown| *shown == kind) == *is)
            && credential["leases"] == u64::from(self.lease.is_some())
    }
}

fn lease_of(answer: &Value) -> String {
    answer["lease"].as_str().expect("a lease").to_owned()
}

/// What a worker knows for sure, on a disk before it goes on: whoever believes the daemon believes it this much.
struct Record {
    file: File,
    path: PathBuf,
}

impl Record {
    fn new(folder: &Path, worker: usize) -> Self {
        let path = folder.join(format!("worker-{worker}"));
        Self { file: File::create(&path).expect("a file"), path }
    }

    fn acknowledge(&mut self, known: &Known) {
        let line = json!([known.restricted, known.disabled, known.lease]);
        writeln!(self.file, "{line}").and_then(|()| self.file.sync_data()).expect("the record is kept");
    }

    fn last(&self) -> Known {
        let text = std::fs::read_to_string(&self.path).expect("the record is there");
        let (restricted, disabled, lease) =
            text.lines().last().map(|line| serde_json::from_str(line).expect("a line")).unwrap_or_default();
        Known { restricted, disabled, lease }
    }
}

/// Goes on until the daemon is gone; the step that was not answered.
fn work(mut wire: Wire, key: &str, record: &mut Record, rng: &mut Rng, answers: &AtomicUsize) -> Step {
    let mut known = record.last();
    loop {
        let step = known.next(rng);
        let request = format!("{}\n", known.request(step, key));
        let sent = wire.send_some(request.as_bytes()).is_ok();
        let Some(answer) = wire.try_recv().ok().flatten().filter(|_| sent) else { return step };
        assert_eq!(answer["ok"], true, "{key}, {known:?}, {step:?}: {answer}");
        assert_eq!(answer.get("durable"), None, "{answer}");
        known = known.after(step, Some(&answer));
        record.acknowledge(&known);
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// What became of a key: what was known of it, or what it is after the step that was on its way.
fn verify(wire: &mut Wire, shown: &Value, key: &str, record: &mut Record, step: Step) -> Result<(), String> {
    let known = record.last();
    let credentials = shown["pools"][0]["credentials"].as_array().expect("a list");
    let credential = credentials.iter().find(|credential| credential["label"] == key).expect("it is defined");
    let may_be = [known.clone(), known.after(step, None)];
    let Some(found) = may_be.iter().find(|known| known.is_shown(credential)) else {
        return Err(format!("{key} was {known:?}, perhaps with {step:?}, and is {credential}"));
    };
    if let Some(lease) = found.lease.as_deref().filter(|lease| !lease.is_empty()) {
        let renewed = wire.ask(&json!({"op": "renew", "lease": lease}));
        if renewed["ok"] != true || renewed.get("ended_by").is_some() {
            return Err(format!("{key} has lost its lease: {renewed}"));
        }
    }
    record.acknowledge(found);
    Ok(())
}

/// A daemon that can be ended at any moment, and started again on what is left.
pub(super) trait Mortal {
    /// New connections.
    fn wires(&mut self, count: usize) -> Vec<Wire>;
    fn kill(&mut self);
    fn restart(&mut self);
}

/// One key for each worker, and what the worker knows of it.
pub(super) struct Believers {
    keys: Vec<String>,
    records: Vec<Record>,
    _folder: TempDir,
}

impl Believers {
    pub(super) const COUNT: usize = 6;

    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = (0..Self::COUNT).map(|at| format!("key-{at}")).collect();
        let records = (0..Self::COUNT).map(|at| Record::new(folder.path(), at)).collect();
        Self { keys, records, _folder: folder }
    }

    /// One life of the daemon, which ends when enough was answered, and the start of the next: its `status`, or which
    /// answer does not hold any more.
    pub(super) fn live(&mut self, daemon: &mut impl Mortal, rng: &mut Rng) -> Result<Value, String> {
        let answers = Arc::new(AtomicUsize::new(0));
        let enough = usize::try_from(1 + rng.below(MOST_ANSWERS)).expect("it is small");
        let wires = daemon.wires(Self::COUNT);
        let steps: Vec<Step> = std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .keys
                .iter()
                .zip(self.records.iter_mut())
                .zip(wires)
                .map(|((key, record), wire)| {
                    let (mut rng, answers) = (Rng::new(rng.below(u64::MAX)), Arc::clone(&answers));
                    scope.spawn(move || work(wire, key, record, &mut rng, &answers))
                })
                .collect();
            eventually("enough is answered", || (answers.load(Ordering::Relaxed) >= enough).then_some(()));
            daemon.kill();
            workers.into_iter().map(|worker| worker.join().expect("a worker does not fail")).collect()
        });
        daemon.restart();
        let mut wire = daemon.wires(1).remove(0);
        let shown = wire.ok(&json!({"op": "status", "pool": POOL}));
        for ((key, record), step) in self.keys.iter().zip(&mut self.records).zip(steps) {
            verify(&mut wire, &shown, key, record, step)?;
        }
        Ok(shown)
    }
}

pub(super) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}
