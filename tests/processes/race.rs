//! Eight processes at once, eight keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Gate, Peer, credential, now_ms};

/// How many processes race, and for how many keys.
pub(crate) const RACERS: usize = 8;

const COOLDOWN_MS: u64 = 600_000;

/// What came of a race.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Race {
    /// Which keys the processes got.
    pub(crate) selected: BTreeSet<String>,
    /// Which keys are known to cool after each process has reported a rate limit.
    pub(crate) cooling: BTreeSet<String>,
}

/// Lets eight processes take a key from a daemon at the same moment, and then report it at the same moment.
pub(crate) fn through_the_daemon(auth: &AuthJson) -> Race {
    let daemon = Daemon::serving(auth);
    let mut peers: Vec<_> = (0..RACERS).map(|_| Peer::start(daemon.socket())).collect();
    let leases = at_once(&daemon, &mut peers, |_| json!({"op": "acquire", "pool": "openrouter"}));
    let before = now_ms();
    let reports = at_once(&daemon, &mut peers, |number| {
        let headers = json!({"retry-after": (COOLDOWN_MS / 1000).to_string()});
        json!({"op": "report_error", "lease": leases[number]["lease"], "status": 429, "headers": headers})
    });
    for report in &reports {
        assert_eq!(report["applied"], true, "{report:#}");
    }
    let label = |lease: &Value| lease["credential"]["label"].as_str().expect("a label").to_owned();
    let mut wire = daemon.wire();
    let cooling = (0..RACERS).map(|number| format!("key-{number}")).filter(|label| {
        let found = credential(&mut wire, "openrouter", label);
        found["state"] == "cooling" && found["until_at_ms"].as_u64() >= Some(before + COOLDOWN_MS)
    });
    Race { selected: leases.iter().map(label).collect(), cooling: cooling.collect() }
}

/// Sends a request from each process once all of them are ready to; returns the replies.
fn at_once(daemon: &Daemon, peers: &mut [Peer], request: impl Fn(usize) -> Value) -> Vec<Value> {
    let gate = Gate::closed(daemon.home().root());
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.park(&gate);
        peer.send(&request(number));
    }
    gate.open();
    let replies: Vec<_> = peers.iter_mut().map(|peer| peer.recv().expect("the daemon is there")).collect();
    for reply in &replies {
        assert_eq!(reply["ok"], true, "{reply:#}");
    }
    replies
}

/// All keys of a race.
pub(crate) fn all() -> BTreeSet<String> {
    (0..RACERS).map(|number| format!("key-{number}")).collect()
}

#[test]
fn eight_processes_get_eight_keys_and_their_cooldowns_are_all_there() {
    let race = through_the_daemon(&AuthJson::many(RACERS));
    assert_eq!(race, Race { selected: all(), cooling: all() });
}
