//! Rows that come, change and go under clients that are busy with them.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, Wire, eventually, pool, secret};

const CLIENTS: usize = 50;
const ROUNDS: usize = 20;

fn pinned(credential: &str) -> Value {
    json!({"op": "acquire", "pool": "openrouter", "credential": credential})
}

/// What the file lists after so many rounds: each adds a key, rotates one and removes one.
fn rows(round: usize) -> AuthJson {
    let row = |number: usize| {
        let label = format!("key-{number}");
        // The oldest row that is left was rotated a round before it goes.
        let rotated = number <= round;
        let secret = if rotated { secret(&format!("rotated-{number}")) } else { secret(&label) };
        Row::key(&label).secret(&secret)
    };
    AuthJson::default().pool("openrouter", (round..round + 10).map(row))
}

/// Sets the flag however the scope is left, or the clients would go on for ever.
struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Leases, renews, gives back and reports. Whatever happens to the file, none of it is refused.
fn busy(mut wire: Wire, number: usize, over: &AtomicBool) -> usize {
    let mut leases = 0;
    while !over.load(Ordering::Relaxed) {
        let granted = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}));
        let lease = &granted["lease"];
        match (leases + number) % 3 {
            0 => wire.ok(&json!({"op": "release", "lease": lease, "outcome": "ok"})),
            1 => wire.ok(&json!({"op": "report_error", "lease": lease, "status": 400})),
            _ => {
                wire.ok(&json!({"op": "renew", "lease": lease}));
                wire.ok(&json!({"op": "report_error", "lease": lease, "kind": "cancelled"}))
            }
        };
        leases += 1;
    }
    // What became of the keys is the same to everybody.
    wire.ok(&pinned(&format!("key-{}", ROUNDS + 9)));
    let rotated = wire.ok(&pinned(&format!("key-{ROUNDS}")));
    assert_eq!(rotated["credential"]["secret"], secret(&format!("rotated-{ROUNDS}")));
    wire.refused(&pinned(&format!("key-{}", ROUNDS - 1)), "unknown_credential");
    leases
}

#[test]
fn fifty_busy_clients_never_notice_but_for_the_keys() {
    let mut daemon = Daemon::serving(&rows(0));
    let mut wire = daemon.wire();
    // Held through everything, by somebody whose row goes.
    let held = wire.ok(&pinned("key-0"));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = AtTheEnd(&over);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (wire, over) = (daemon.wire(), &over);
                scope.spawn(move || busy(wire, number, over))
            })
            .collect();
        for round in 1..=ROUNDS {
            daemon.store(&rows(round));
            let newest = format!("key-{}", round + 9);
            eventually("the new key is served", || (wire.ask(&pinned(&newest))["ok"] == true).then_some(()));
            let rotated = wire.ok(&pinned(&format!("key-{round}")));
            assert_eq!(rotated["credential"]["secret"], secret(&format!("rotated-{round}")));
            wire.refused(&pinned(&format!("key-{}", round - 1)), "unknown_credential");
        }
        drop(end);
        for client in clients {
            assert!(client.join().expect("nothing was refused") > 0);
        }
    });
    assert_eq!(pool(&mut wire, "openrouter")["total"], 10);
    let report = json!({"op": "report_error", "lease": held["lease"], "status": 429, "next": {}});
    let reported = wire.ok(&report);
    assert_eq!((&reported["applied"], &reported["lease_ended"]), (&json!(true), &json!(true)), "{reported:#}");
    assert!(reported["next"]["lease"].is_string(), "{reported:#}");
}
