//! The same race twice, on the same keys: through the daemon, and through hermes-agent's own pool.

use std::collections::BTreeSet;

use serde_json::Value;

use super::agent::Hermes;
use crate::processes::race::{RACERS, Race, all, through_the_daemon};
use crate::support::{AuthJson, Home};

fn through_hermes(hermes: &Hermes, auth: &AuthJson) -> Race {
    let home = Home::new();
    auth.write(&home.auth_json());
    let output = hermes.script(&home, "race.py", &[&RACERS.to_string()]);
    let result: Value = serde_json::from_str(&output).expect("the script prints JSON");
    let labels = |field: &str| -> BTreeSet<String> {
        serde_json::from_value::<Vec<String>>(result[field].clone()).expect("labels").into_iter().collect()
    };
    Race { selected: labels("selected"), cooling: labels("marked") }
}

#[test]
fn eight_processes_get_eight_keys_from_the_daemon_and_one_from_hermes() {
    let Some(hermes) = Hermes::installed() else { return };
    let auth = AuthJson::many(RACERS);
    let ours = through_the_daemon(&auth);
    assert_eq!(ours, Race { selected: all(), cooling: all() });
    let theirs = through_hermes(&hermes, &auth);
    assert_eq!(theirs.selected.len(), 1, "fill_first gives all of them the same key: {theirs:?}");
    assert_eq!(theirs.cooling.len(), 1, "each writes the whole pool as it knows it: {theirs:?}");
}
