//! Two hundred processes on three keys with hard caps, killed while they call, while they wait and while they do nothing.
//!
//! The witness is the provider, on the loopback device: it counts for itself who uses which key at the same time.
//! `CREDPOOL_CROWD_SEED` has the agents throw the same dice again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;

use credpool_core::Rng;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::{
    AuthJson, Daemon, Http, HttpAnswer, HttpRequest, PATIENCE, Wire, again, eventually, now_ms, pool, secret,
};

const AGENTS: u64 = 200;
const CALLS: u64 = 8;
const KEYS: [&str; 3] = ["first", "second", "third"];
/// How many calls one key may carry at a time, and how many of them for the model `large`.
const CAP: usize = 2;
const CAP_OF_LARGE: usize = 1;
/// At most so many agents are killed.
const KILLS: usize = 60;

const SOCKET: &str = "CREDPOOL_CROWD_SOCKET";
const PROVIDER: &str = "CREDPOOL_CROWD_PROVIDER";
const SEED: &str = "CREDPOOL_CROWD_SEED";
/// Precedes what an agent has to say, since the test harness prints there too.
const MARK: &str = "agent: ";

/// A call that the provider works on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Use {
    key: String,
    model: String,
    agent: Pid,
}

/// What the provider has seen.
#[derive(Debug)]
struct Seen {
    dice: Rng,
    agents: Vec<Pid>,
    killed: Vec<Pid>,
    now: Vec<Use>,
    calls: usize,
    /// The most calls at a time for each key, and of them for `large`.
    most: BTreeMap<String, (usize, usize)>,
    broken: Vec<String>,
}

impl Seen {
    fn begins(&mut self, call: Use) {
        // Whoever was killed uses nothing any more, though his call may not have been given up yet.
        self.now.retain(|other| !is_gone(other.agent));
        self.now.push(call.clone());
        self.calls += 1;
        let of_key: Vec<&Use> = self.now.iter().filter(|other| other.key == call.key).collect();
        let large = of_key.iter().filter(|other| other.model == "large").count();
        let all = of_key.len();
        if all > CAP || large > CAP_OF_LARGE {
            self.broken.push(format!("at once: {of_key:?}"));
        }
        let most = self.most.entry(call.key).or_default();
        *most = (most.0.max(all), most.1.max(large));
    }

    fn ends(&mut self, call: &Use) {
        if let Some(at) = self.now.iter().position(|other| other == call) {
            self.now.swap_remove(at);
        }
    }

    /// Now and then kills the caller, or anybody: most of them wait.
    fn may_kill(&mut self, caller: Pid) {
        let victim = match self.dice.below(20) {
            0 => caller,
            1 => self.agents[usize::try_from(self.dice.below(AGENTS)).expect("a small number")],
            _ => return,
        };
        // They are children of ours that nobody has waited for: no process id is another's yet.
        if self.killed.len() < KILLS && !self.killed.contains(&victim) && !is_gone(victim) {
            kill(victim, Signal::SIGKILL).expect("the agent is ours");
            self.killed.push(victim);
        }
    }
}

/// Whether this process has ended, or is about to: it does nothing any more, but may not have closed its files yet.
fn is_gone(process: Pid) -> bool {
    /// `PF_EXITING` of Linux' `include/linux/sched.h`.
    const EXITING: u64 = 0x4;
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    // The name may hold anything; after it come the state and, six fields on, the flags (proc_pid_stat(5)).
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().collect();
    let flags: u64 = fields[6].parse().expect("flags are a number");
    matches!(fields[0], "Z" | "X") || flags & EXITING != 0
}

/// A provider that answers each call after a while, during which others come.
fn provider(seen: &Arc<Mutex<Seen>>) -> Http {
    let seen = Arc::clone(seen);
    Http::start(move |request: &HttpRequest| {
        let agent = Pid::from_raw(request.header("x-agent").parse().expect("a process id"));
        let key = request.header("authorization").to_owned();
        let call = Use { key, model: request.header("x-model").to_owned(), agent };
        seen.lock().expect("no handler fails").begins(call.clone());
        for _ in 0..20 {
            thread::yield_now();
        }
        let mut seen = seen.lock().expect("no handler fails");
        seen.may_kill(agent);
        seen.ends(&call);
        HttpAnswer::json(200, &json!({}))
    })
}

fn start(daemon: &Daemon, provider: &Http, seed: u64) -> Child {
    let mut command = again("processes::crowd::agent");
    command.env(SOCKET, daemon.socket()).env(PROVIDER, provider.address().to_string()).env(SEED, seed.to_string());
    command.spawn().expect("this program can be started again")
}

/// What an agent has to say at its end; `None` where it was killed.
fn last_words(agent: &mut Child) -> Option<Value> {
    let output = BufReader::new(agent.stdout.take().expect("stdout is a pipe"));
    // To the end: the harness would fail if nobody read what it prints.
    let lines: Vec<String> = output.lines().map_while(Result::ok).collect();
    let words = lines.iter().find_map(|line| {
        let at = line.find(MARK)?;
        Some(serde_json::from_str(&line[at + MARK.len()..]).expect("agents speak JSON"))
    });
    agent.wait().expect("the agent is our child");
    words
}

#[test]
fn two_hundred_processes_on_three_keys_pass_no_cap_and_lose_no_slot() {
    let seed = std::env::var(SEED).map_or_else(|_| now_ms(), |seed| seed.parse().expect("a number"));
    println!("{SEED}={seed} throws the same dice again");
    let settings = format!(
        "[pools.openrouter]\nmax_in_flight = {CAP}\ncap = \"hard\"\n[pools.openrouter.models.large]\nmax_in_flight = {CAP_OF_LARGE}\n"
    );
    let daemon = Daemon::configured(&AuthJson::keys(KEYS), &settings);
    let mut dice = Rng::new(seed);
    let seen = Arc::new(Mutex::new(Seen {
        dice: Rng::new(dice.below(u64::MAX)),
        agents: Vec::new(),
        killed: Vec::new(),
        now: Vec::new(),
        calls: 0,
        most: BTreeMap::new(),
        broken: Vec::new(),
    }));
    let provider = provider(&seen);
    // Nobody calls before all are there.
    let barred = seen.lock().expect("nobody calls yet");
    let mut agents: Vec<Child> = (0..AGENTS).map(|_| start(&daemon, &provider, dice.below(u64::MAX))).collect();
    let mut seen_by_provider = barred;
    seen_by_provider.agents = agents.iter().map(pid).collect();
    drop(seen_by_provider);

    let words: Vec<Option<Value>> = agents.iter_mut().map(last_words).collect();
    let seen = seen.lock().expect("no handler failed");
    assert_eq!(seen.broken, Vec::<String>::new());
    for (agent, words) in agents.iter().zip(&words) {
        assert!(words.is_some() || seen.killed.contains(&pid(agent)), "{} failed", pid(agent));
    }
    let said = |what: &str| words.iter().flatten().map(|words| words[what].as_u64().expect("a count")).sum::<u64>();
    let (granted, refused) = (said("granted"), said("refused"));
    assert_eq!(granted + refused, CALLS * words.iter().flatten().count() as u64);
    assert!(granted <= seen.calls as u64 && refused > 0 && seen.killed.len() > 20, "{granted} {refused} {seen:?}");
    let most: Vec<_> = KEYS.iter().map(|label| seen.most[&format!("Bearer {}", secret(label))]).collect();
    assert_eq!(most, [(CAP, CAP_OF_LARGE); 3], "what was not reached was not tested");

    let mut wire = daemon.wire();
    let left = eventually("all leases and waiters are gone", || {
        Some(pool(&mut wire, "openrouter")).filter(|pool| pool["leases"] == 0 && pool["waiters"] == 0)
    });
    assert_eq!(left["counts"], json!({"ready": 3}));
    for _ in 0..KEYS.len() * CAP {
        wire.ok(&json!({"op": "acquire", "pool": "openrouter", "model": "small"}));
    }
}

fn pid(agent: &Child) -> Pid {
    Pid::from_raw(i32::try_from(agent.id()).expect("process ids are small"))
}

/// Leases, calls and releases, in a process of its own.
#[test]
#[ignore = "not a test: the process that another test starts"]
fn agent() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    let told = |variable: &str| std::env::var(variable).expect("whoever starts an agent says it all");
    let (provider, mut dice) = (told(PROVIDER), Rng::new(told(SEED).parse().expect("a number")));
    let mut wire = Wire::connect(Path::new(&socket)).expect("the daemon is there");
    let (mut granted, mut refused) = (0, 0);
    for _ in 0..CALLS {
        let model = if dice.below(2) == 0 { "small" } else { "large" };
        let class = if dice.below(5) == 0 { "background" } else { "interactive" };
        let patience_ms = u64::try_from(PATIENCE.as_millis()).expect("it is short");
        let wait_ms = match dice.below(5) {
            0 => 0,
            1 => dice.below(50),
            _ => patience_ms,
        };
        let reply = wire
            .ask(&json!({"op": "acquire", "pool": "openrouter", "model": model, "class": class, "wait_ms": wait_ms}));
        if reply["ok"] == true {
            call(&provider, reply["credential"]["secret"].as_str().expect("a secret"), model);
            wire.ok(&json!({"op": "release", "lease": reply["lease"], "outcome": "ok"}));
            granted += 1;
        } else {
            let code = &reply["error"]["code"];
            assert!(wait_ms < patience_ms && (code == "busy" || code == "timeout"), "{wait_ms}: {reply:#}");
            refused += 1;
        }
    }
    println!("{MARK}{}", json!({"granted": granted, "refused": refused}));
}

/// One call of the provider.
fn call(provider: &str, secret: &str, model: &str) {
    let mut stream = TcpStream::connect(provider).expect("the provider is there");
    let agent = std::process::id();
    write!(stream, "POST / HTTP/1.1\r\nauthorization: Bearer {secret}\r\nx-model: {model}\r\nx-agent: {agent}\r\n\r\n")
        .expect("the provider reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the provider answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
