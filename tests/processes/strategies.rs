//! Strategies hold across processes that live for one request each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::{AuthJson, Credpool, Daemon, pool};

/// As many at a time as keep a small machine busy.
const AT_A_TIME: usize = 8;

/// A daemon whose caps don't matter: only the strategy decides.
fn daemon(strategy: &str, keys: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(keys), &format!("[defaults]\nstrategy = \"{strategy}\"\nmax_in_flight = 1000\n"))
}

/// One process, one lease that ends with it: which key it got.
fn one_shot(credpool: &Credpool) -> String {
    let reply = credpool.call(&json!({"op": "acquire", "pool": "openrouter"}));
    reply["credential"]["label"].as_str().unwrap_or_else(|| panic!("no lease: {reply:#}")).to_owned()
}

/// Runs this many processes, some at the same time. Returns how many got each key.
fn one_shots(credpool: &Credpool, count: usize) -> BTreeMap<String, u64> {
    let started = AtomicUsize::new(0);
    let labels = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME)
            .map(|_| {
                scope.spawn(|| {
                    let mut labels = Vec::new();
                    while started.fetch_add(1, Ordering::Relaxed) < count {
                        labels.push(one_shot(credpool));
                    }
                    labels
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect::<Vec<_>>()
    });
    assert_eq!(labels.len(), count);
    labels.into_iter().fold(BTreeMap::new(), |mut counts, label| {
        *counts.entry(label).or_insert(0) += 1;
        counts
    })
}

fn spread(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().max().expect("a key") - counts.values().min().expect("a key")
}

#[test]
fn least_used_spreads_a_thousand_processes_over_four_keys() {
    let daemon = daemon("least_used", 4);
    let counts = one_shots(&daemon.credpool(), 1_000);
    assert!(counts.len() == 4 && spread(&counts) <= 1, "{counts:?}");
    let known = pool(&mut daemon.wire(), "openrouter")["credentials"].clone();
    let grants: Vec<_> =
        known.as_array().expect("a list").iter().map(|credential| credential["grants"].clone()).collect();
    assert_eq!(grants, vec![json!(250); 4], "what status says differs from what the processes saw");
}

#[test]
fn round_robin_takes_turns_across_processes() {
    let daemon = daemon("round_robin", 4);
    let credpool = daemon.credpool();
    let turns: Vec<_> = (0..12).map(|_| one_shot(&credpool)).collect();
    let expected: Vec<_> = (0..12).map(|number| format!("key-{}", number % 4)).collect();
    assert_eq!(turns, expected);
    let counts = one_shots(&credpool, 100);
    assert_eq!((counts.len(), spread(&counts)), (4, 0), "{counts:?}");
}

#[test]
fn a_process_that_ends_without_a_word_keeps_nothing() {
    let daemon = daemon("fill_first", 1);
    one_shots(&daemon.credpool(), 40);
    crate::support::eventually("every lease has ended", || {
        let pool = pool(&mut daemon.wire(), "openrouter");
        (pool["leases"] == 0).then_some(())
    });
}
