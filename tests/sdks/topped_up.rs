//! A window of days that ends early, because somebody paid.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};

use super::agent::Agent;
use super::answers::{completion, key, usage_limit_reached};
use crate::support::{AuthJson, Daemon, Http, PATIENCE, Wire, credential, eventually, now_ms, pool};

const DAYS_6_S: u64 = 6 * 24 * 60 * 60;
const PROBE_INTERVAL_MS: u64 = 1_000;
const CLIENTS: u64 = 4;

/// How many calls are being answered, and the most at once for as long as it counts.
#[derive(Default)]
struct Load {
    now: AtomicUsize,
    most: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    fn begins(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        if !self.is_over.load(Ordering::SeqCst) {
            self.most.fetch_max(now, Ordering::SeqCst);
        }
    }

    fn ends(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A provider whose plan is used up for the first two calls and topped up then. The second is answered when the test says
/// so, which hears of each call.
struct Provider {
    server: Http,
    load: Arc<Load>,
    calls: mpsc::Receiver<usize>,
    let_go: mpsc::Sender<()>,
}

impl Provider {
    fn start() -> Self {
        let load = Arc::new(Load::default());
        let (called, calls) = mpsc::channel();
        let (let_go, gate) = mpsc::channel();
        let (gate, count, counted) = (Mutex::new(gate), AtomicUsize::new(0), Arc::clone(&load));
        let server = Http::start(move |_| {
            counted.begins();
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let _ = called.send(number);
            if number == 2 {
                let _ = gate.lock().expect("nobody panicked").recv();
            }
            // Those who come after a success may be several.
            counted.is_over.fetch_or(number > 2, Ordering::SeqCst);
            counted.ends();
            if number > 2 { completion() } else { usage_limit_reached(DAYS_6_S) }
        });
        Self { server, load, calls, let_go }
    }

    /// A daemon whose one key is this provider's, and which probes it often.
    fn daemon(&self) -> Daemon {
        let config = format!("defaults.probe_interval = \"{PROBE_INTERVAL_MS}ms\"\n");
        let rows = [key("only", &self.server)];
        Daemon::configured(&AuthJson::default().pool("openai-codex", rows), &config)
    }

    /// Waits for call `number`.
    #[track_caller]
    fn is_called(&self, number: usize) {
        assert_eq!(self.calls.recv_timeout(PATIENCE), Ok(number), "the provider is not called");
    }
}

fn clock_ms(wire: &mut Wire) -> u64 {
    wire.ok(&json!({"op": "status"}))["now_at_ms"].as_u64().expect("an instant")
}

#[test]
fn a_top_up_is_noticed_by_the_next_probe_and_there_is_one_probe_at_a_time() {
    let provider = Provider::start();
    let daemon = provider.daemon();
    let Some(mut agents) = Agent::of(&daemon) else { return };
    let mut wire = daemon.wire();
    let ask = json!({"pool": "openai-codex", "model": "gpt-5.5"});
    let acquire = json!({"op": "acquire", "pool": "openai-codex", "model": "gpt-5.5"});

    let before = now_ms();
    let failed = agents.turn(&ask, "openai", "gpt-5.5");
    let verdict = &failed["reply"]["verdict"];
    assert_eq!((&verdict["kind"], &verdict["strikes"]), (&json!("quota"), &json!(1)), "{failed:#}");
    let until = verdict["until_at_ms"].as_u64().expect("an instant");
    assert!(until >= before + DAYS_6_S * 1_000, "{failed:#}");
    provider.is_called(1);

    // All ask at once, and go on asking, while the first probe takes longer than it takes to the next.
    agents.send(&json!({"do": "insist", "count": CLIENTS, "sdk": "openai", "model": "gpt-5.5", "ask": ask}));
    provider.is_called(2);
    let next_is_due = clock_ms(&mut wire) + 2 * PROBE_INTERVAL_MS;
    eventually("the interval has passed", || {
        wire.refused(&acquire, "exhausted");
        (clock_ms(&mut wire) >= next_is_due).then_some(())
    });
    assert_eq!(credential(&mut wire, "openai-codex", "only")["leases"], 1);
    provider.let_go.send(()).expect("the probe is still out");

    let clients = agents.recv();
    let clients = clients.as_array().expect("a list");
    let calls: Vec<&Value> = clients.iter().flat_map(|client| client["calls"].as_array().expect("a list")).collect();
    let went = |status: u64, probe: bool| calls.iter().filter(|c| c["status"] == status && c["probe"] == probe).count();
    // The probe that found the plan still used up, the one that noticed, and whoever came after it.
    assert_eq!((went(429, true), went(200, true), went(429, false)), (1, 1, 0), "{clients:#?}");
    assert_eq!(went(200, false) as u64, CLIENTS - 1, "{clients:#?}");
    assert!(clients.iter().all(|client| client["refused"].as_u64() > Some(0)), "{clients:#?}");
    assert_eq!(provider.load.most.load(Ordering::SeqCst), 1, "probes met at the provider");
    let lasting = calls.iter().find(|call| call["status"] == 429).expect("the first probe");
    let lasting = &lasting["reply"]["verdict"];
    assert!(lasting["until_at_ms"].as_u64() >= Some(until), "a failed probe shortens nothing: {lasting:#}");

    let found = credential(&mut wire, "openai-codex", "only");
    assert_eq!((&found["state"], &found["until_at_ms"]), (&json!("ready"), &Value::Null), "{found:#}");
}

#[test]
fn of_those_who_wait_one_is_woken_at_a_time_until_one_has_succeeded() {
    let provider = Provider::start();
    let daemon = provider.daemon();
    let Some(mut agents) = Agent::of(&daemon) else { return };
    let mut wire = daemon.wire();
    let ask = json!({"pool": "openai-codex", "model": "gpt-5.5", "wait_ms": 50_000});
    let failed = agents.turn(&ask, "openai", "gpt-5.5");
    assert_eq!(failed["reply"]["verdict"]["kind"], "quota", "{failed:#}");
    provider.is_called(1);

    agents.send(&json!({"do": "insist", "count": CLIENTS, "sdk": "openai", "model": "gpt-5.5", "ask": ask}));
    provider.is_called(2);
    let out_and_waiting = |wire: &mut Wire| {
        let pool = pool(wire, "openai-codex");
        (pool["leases"].as_u64(), pool["waiters"].as_u64())
    };
    let one_and_the_rest = (Some(1), Some(CLIENTS - 1));
    eventually("the others wait", || (out_and_waiting(&mut wire) == one_and_the_rest).then_some(()));
    let next_is_due = clock_ms(&mut wire) + 2 * PROBE_INTERVAL_MS;
    eventually("the interval has passed", || (clock_ms(&mut wire) >= next_is_due).then_some(()));
    assert_eq!(out_and_waiting(&mut wire), one_and_the_rest, "nobody else is woken while the probe is out");

    // Whoever has waited long enough is told what those are told who do not wait.
    let acquire = json!({"op": "acquire", "pool": "openai-codex", "model": "gpt-5.5", "wait_ms": 1});
    let error = wire.refused(&acquire, "timeout");
    assert_eq!(error["by_cause"], json!({"quota": 1}), "{error:#}");
    let known = &error["credentials"][0];
    assert_eq!((&known["label"], &known["cause"]["status"]), (&json!("only"), &json!(429)), "{error:#}");
    let retry_at = error["retry_at_ms"].as_u64().expect("an instant");
    assert!(retry_at <= now_ms() + 60_000, "the next probe goes when this one is silent for a minute: {error:#}");
    provider.let_go.send(()).expect("the probe is still out");

    let clients = agents.recv();
    let clients = clients.as_array().expect("a list");
    let calls = || clients.iter().flat_map(|client| client["calls"].as_array().expect("a list"));
    let went = |status: u64, probe: bool| calls().filter(|c| c["status"] == status && c["probe"] == probe).count();
    assert_eq!((went(429, true), went(200, true), went(429, false)), (1, 1, 0), "{clients:#?}");
    assert_eq!(went(200, false) as u64, CLIENTS - 1, "{clients:#?}");
    assert!(clients.iter().all(|client| client["refused"] == 0), "all were served in the end: {clients:#?}");
    assert_eq!(provider.load.most.load(Ordering::SeqCst), 1, "two were woken for one probe");
}
