//! `kill -9` at any moment, under load: what was acknowledged holds, and nothing else happened.
//!
//! `CREDPOOL_KILLS` says how often the daemon is killed, `CREDPOOL_KILLS_SEED` when and what the workers do meanwhile.

use credpool_core::Rng;
use serde_json::json;

use super::acknowledged::{Believers, Mortal, number};
use super::keeping;
use crate::support::{AuthJson, Daemon, Wire, now_ms};

impl Mortal for Daemon {
    fn wires(&mut self, count: usize) -> Vec<Wire> {
        (0..count).map(|_| self.wire()).collect()
    }

    fn kill(&mut self) {
        Self::kill(self);
    }

    fn restart(&mut self) {
        Self::restart(self);
    }
}

#[test]
fn whatever_was_acknowledged_before_a_kill_holds_after_it_and_nothing_is_invented() {
    let kills = number("CREDPOOL_KILLS").unwrap_or(20);
    let seed = number("CREDPOOL_KILLS_SEED").unwrap_or_else(now_ms);
    println!("CREDPOOL_KILLS_SEED={seed} does the same again, as far as the machine does");
    let mut rng = Rng::new(seed);
    let lives = 5;
    let mut done = 0;
    while done < kills {
        // New keys now and then: some end up with a lease that nobody knows.
        let mut daemon = keeping("sync", &AuthJson::many(Believers::COUNT)).start();
        let mut believers = Believers::new();
        for _ in 0..lives.min(kills - done) {
            let shown = believers.live(&mut daemon, &mut rng).unwrap_or_else(|lost| panic!("{lost}"));
            assert_eq!(shown["snapshot"]["problems"], json!([]), "a kill tears nothing");
            done += 1;
        }
    }
}
