//! `subscribe`, through the socket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Row, Tool, Wire, eventually, need, pool};

/// Keys with one slot each.
fn slots(count: usize) -> Daemon {
    Daemon::configured(&AuthJson::many(count), "[defaults]\ncap = \"hard\"\n")
}

fn subscribed(daemon: &Daemon) -> Wire {
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "subscribe"}));
    wire
}

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

/// The next event, which has to be of this kind.
#[track_caller]
fn next(wire: &mut Wire, kind: &str) -> Value {
    let event = wire.recv();
    assert_eq!(event["event"], kind, "{event:#}");
    assert_eq!(event.get("id"), None, "{event:#}");
    event
}

#[test]
fn a_lease_is_told_from_its_grant_to_its_end() {
    let daemon = slots(1);
    let mut subscriber = daemon.wire();
    assert_eq!(subscriber.ok(&json!({"op": "subscribe", "id": 7}))["seq"], 0);
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "hello", "client": "agent/1"}));
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "model": "gpt-5.5", "class": "background"}));
    let leased = next(&mut subscriber, "leased");
    assert_eq!(
        json!([
            leased["pool"],
            leased["label"],
            leased["model"],
            leased["class"],
            leased["waiter"],
            leased["detached"]
        ]),
        json!(["openrouter", "key-0", "gpt-5.5", "background", null, false]),
        "{leased:#}"
    );
    assert_eq!(leased["credential"], lease["credential"]["id"]);
    assert_eq!(leased["expires_at_ms"], lease["expires_at_ms"]);
    assert_eq!(json!([leased["holder"]["client"], leased["holder"]["pid"]]), json!(["agent/1", std::process::id()]));
    let token = lease["lease"].as_str().expect("a lease");
    assert!(!leased.to_string().contains(token), "an event holds a lease id: {leased:#}");

    wire.ok(&json!({"op": "release", "lease": token}));
    let released = next(&mut subscriber, "released");
    assert_eq!(json!([released["lease"], released["ended_by"]]), json!([leased["lease"], "release"]));
    assert!(released["held_ms"].is_u64(), "{released:#}");
    assert_eq!((&leased["seq"], &released["seq"]), (&json!(1), &json!(2)));

    wire.ok(&json!({"op": "acquire", "pool": "openrouter", "ttl_ms": 1}));
    next(&mut subscriber, "leased");
    assert_eq!(next(&mut subscriber, "reclaimed")["ended_by"], "ttl");
    wire.ok(&acquire());
    next(&mut subscriber, "leased");
    drop(wire);
    assert_eq!(next(&mut subscriber, "reclaimed")["ended_by"], "connection");
}

#[test]
fn a_restriction_is_told_from_its_beginning_to_its_end() {
    let daemon = slots(1);
    let (mut subscriber, mut wire) = (subscribed(&daemon), daemon.wire());
    let report = |lease: &Value, seconds: &str| json!({"op": "report_error", "lease": lease["lease"], "status": 429, "headers": {"retry-after": seconds}});
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "model": "gpt-5.5"}));
    let verdict = wire.ok(&report(&lease, "3600"))["verdict"].clone();
    next(&mut subscriber, "leased");
    let told = [subscriber.recv(), subscriber.recv()];
    let of = |kind: &str| told.iter().find(|event| event["event"] == kind).unwrap_or_else(|| panic!("{told:#?}"));
    assert_eq!(of("released")["ended_by"], "report");
    let restricted = of("restricted");
    let restriction = &restricted["restriction"];
    assert_eq!(restricted["credentials"], json!([lease["credential"]["id"]]));
    for field in ["kind", "scope", "until_at_ms", "strikes", "evidence"] {
        assert_eq!(restriction[field], verdict[field], "{field}: {restricted:#}");
    }
    wire.ok(&json!({"op": "clear", "pool": "openrouter"}));
    assert_eq!(next(&mut subscriber, "cleared")["restriction"]["kind"], "rate_limit");

    let off = |op: &str| json!({"op": op, "pool": "openrouter", "credential": "key-0"});
    wire.ok(&off("disable"));
    assert_eq!(next(&mut subscriber, "restricted")["restriction"]["kind"], "disabled");
    wire.ok(&off("disable"));
    wire.ok(&off("enable"));
    // The second `disable` has changed nothing.
    assert_eq!(next(&mut subscriber, "cleared")["restriction"]["kind"], "disabled");

    let lease = wire.ok(&acquire());
    wire.ok(&json!({"op": "report_error", "lease": lease["lease"], "status": 400}));
    next(&mut subscriber, "leased");
    next(&mut subscriber, "released");
    wire.ok(&off("disable"));
    assert_eq!(
        next(&mut subscriber, "restricted")["restriction"]["kind"],
        "disabled",
        "a bad request restricts nothing"
    );
}

#[test]
fn who_waits_is_told_and_how_that_ends() {
    let daemon = slots(1);
    let (mut holder, mut subscriber) = (daemon.wire(), subscribed(&daemon));
    let held = holder.ok(&acquire());
    next(&mut subscriber, "leased");
    let mut waits = daemon.wire();
    waits.send(&json!({"op": "acquire", "pool": "openrouter", "model": "gpt-5.5", "wait_ms": 60_000}));
    let waiting = next(&mut subscriber, "waiting");
    assert_eq!(json!([waiting["model"], waiting["class"]]), json!(["gpt-5.5", "interactive"]));
    assert_eq!(waiting["holder"]["pid"], std::process::id());
    holder.ok(&json!({"op": "release", "lease": held["lease"]}));
    next(&mut subscriber, "released");
    let leased = next(&mut subscriber, "leased");
    assert_eq!(leased["waiter"], waiting["waiter"]);
    assert_eq!(leased["holder"], waiting["holder"]);

    holder.send(&json!({"op": "acquire", "pool": "openrouter", "wait_ms": 1}));
    let second = next(&mut subscriber, "waiting");
    let gave_up = next(&mut subscriber, "gave_up");
    assert_eq!(json!([gave_up["waiter"], gave_up["code"]]), json!([second["waiter"], "timeout"]));
    let mut leaver = daemon.wire();
    leaver.send(&json!({"op": "acquire", "pool": "openrouter", "wait_ms": 60_000}));
    let third = next(&mut subscriber, "waiting");
    drop(leaver);
    let gave_up = next(&mut subscriber, "gave_up");
    assert_eq!(json!([gave_up["waiter"], gave_up["code"]]), json!([third["waiter"], null]));
}

#[test]
fn what_is_out_already_is_told_when_it_ends() {
    let daemon = slots(2);
    let mut wire = daemon.wire();
    let lease = wire.ok(&acquire());
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": "key-1"}));
    let mut subscriber = subscribed(&daemon);
    wire.ok(&json!({"op": "release", "lease": lease["lease"]}));
    next(&mut subscriber, "released");
    wire.ok(&json!({"op": "enable", "pool": "openrouter", "credential": "key-1"}));
    next(&mut subscriber, "cleared");
}

#[test]
fn definitions_and_their_problems_are_told() {
    let mut daemon = slots(2);
    let mut subscriber = subscribed(&daemon);
    daemon.store(&AuthJson::keys(["key-0", "another", "third"]));
    let told = next(&mut subscriber, "definitions");
    assert_eq!(json!([told["added"], told["removed"], told["changed"]]), json!([2, 1, 0]));
    daemon.store(&AuthJson::keys(["key-0", "another"]).raw_pool("openai-api", json!(["nonsense"])));
    next(&mut subscriber, "definitions");
    let warning = next(&mut subscriber, "warning");
    assert!(warning["where"].is_string() && warning["problem"].is_string(), "{warning:#}");
}

#[test]
fn one_pool_alone_can_be_listened_to_and_changed_for_another() {
    let auth = AuthJson::many(1).pool("openai-api", [Row::key("other")]);
    let daemon = Daemon::serving(&auth);
    let (mut subscriber, mut wire) = (daemon.wire(), daemon.wire());
    subscriber.ok(&json!({"op": "subscribe", "pool": "openai-api"}));
    let mut lease = |pool: &str| wire.ok(&json!({"op": "acquire", "pool": pool, "detach": true}));
    lease("openrouter");
    lease("openai-api");
    let leased = next(&mut subscriber, "leased");
    assert_eq!(
        json!([leased["pool"], leased["seq"]]),
        json!(["openai-api", 2]),
        "what it is not told has a number, too"
    );
    assert_eq!(subscriber.ok(&json!({"op": "subscribe", "pool": "openrouter"}))["seq"], 2);
    lease("openai-api");
    lease("openrouter");
    assert_eq!(next(&mut subscriber, "leased")["pool"], "openrouter");
    let refused = subscriber.ask(&json!({"op": "subscribe", "pool": "nothing"}));
    assert_eq!(refused["error"]["code"], "unknown_pool", "{refused:#}");
}

#[test]
fn whoever_sends_no_more_may_listen_on() {
    let daemon = slots(1);
    let (mut subscriber, mut wire) = (subscribed(&daemon), daemon.wire());
    subscriber.half_close();
    wire.ok(&acquire());
    next(&mut subscriber, "leased");
}

#[test]
fn sixty_four_connections_are_told_and_no_more() {
    let daemon = slots(1);
    let mut all: Vec<Wire> = (0..64).map(|_| subscribed(&daemon)).collect();
    let mut late = daemon.wire();
    let refused = late.ask(&json!({"op": "subscribe"}));
    let error = &refused["error"];
    assert_eq!(
        json!([error["code"], error["limit"], error["value"]]),
        json!(["limit", "subscribers", 64]),
        "{refused:#}"
    );
    // Whoever is told already takes no place.
    all[0].ok(&json!({"op": "subscribe", "pool": "openrouter"}));
    drop(all.pop());
    eventually("a place is free", || (late.ask(&json!({"op": "subscribe"}))["ok"] == true).then_some(()));
    daemon.wire().ok(&json!({"op": "acquire", "pool": "openrouter", "detach": true}));
    all.push(late);
    for subscriber in &mut all {
        next(subscriber, "leased");
    }
}

#[test]
fn every_number_is_told_in_order_while_fifty_clients_are_busy() {
    const CLIENTS: usize = 50;
    const LEASES: usize = 20;
    let daemon = slots(3);
    let mut subscriber = subscribed(&daemon);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut wire = daemon.wire();
                for _ in 0..LEASES {
                    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "wait_ms": 60_000}));
                    wire.ok(&json!({"op": "release", "lease": lease["lease"]}));
                }
            });
        }
        let (mut ends, mut live, mut waiting) = (0, BTreeMap::new(), Vec::new());
        for seq in 1.. {
            let event = subscriber.recv();
            assert_eq!(event["seq"], seq, "{event:#}");
            match event["event"].as_str() {
                Some("waiting") => waiting.push(event["waiter"].clone()),
                Some("leased") => {
                    if !event["waiter"].is_null() {
                        assert_eq!(waiting.remove(0), event["waiter"], "somebody was overtaken");
                    }
                    let before = live.insert(event["credential"].to_string(), event["lease"].clone());
                    assert_eq!(before, None, "a key was leased twice: {event:#}");
                }
                Some("released") => {
                    assert_eq!(live.remove(&event["credential"].to_string()).as_ref(), Some(&event["lease"]));
                    ends += 1;
                }
                _ => panic!("{event:#}"),
            }
            if ends == CLIENTS * LEASES {
                break;
            }
        }
    });
}

#[test]
fn whoever_reads_too_slowly_is_told_how_much_was_missed_and_goes_on() {
    let settings = "[limits]\nunsent_output = \"64KiB\"\n[defaults]\nmax_in_flight = 1000000\n";
    let daemon = Daemon::configured(&AuthJson::many(1), settings);
    let mut subscriber = subscribed(&daemon);
    let mut wire = daemon.wire();
    let mut happened: u64 = 0;
    // More than the socket's own buffers hold, and the daemon's.
    for _ in 0..3_000 {
        let lease = wire.ok(&acquire());
        wire.ok(&json!({"op": "release", "lease": lease["lease"]}));
        happened += 2;
    }
    let mut seq = 0;
    let missed = loop {
        let event = subscriber.recv();
        if event["event"] == "lagged" {
            break event["missed"].as_u64().expect("a number");
        }
        seq += 1;
        assert_eq!(event["seq"], seq, "{event:#}");
    };
    assert_eq!(seq + missed, happened, "nothing is missing that it was not told of");
    wire.ok(&acquire());
    let leased = next(&mut subscriber, "leased");
    assert_eq!(leased["seq"], happened + 1, "{leased:#}");
    assert_eq!(subscriber.ok(&json!({"op": "ping"}))["ok"], true, "it is served like everybody");
}

#[test]
fn nobody_is_told_of_what_the_disk_may_yet_forget() {
    let Some(strace) = need(Tool::Strace) else { return };
    // Each write of the log takes a second to get to the disk.
    let late = ["-D", "-f", "-qqq", "-o", "/dev/null", "-e", "inject=fdatasync:delay_enter=1000000"];
    let builder = DaemonBuilder::serving(&AuthJson::many(1)).config("defaults.cap = 'hard'\n").snapshot("sync");
    let daemon = builder.under(&strace, &late).start();
    let (mut subscriber, mut wire, mut other) = (subscribed(&daemon), daemon.wire(), daemon.wire());
    wire.send(&acquire());
    // What needs no disk is answered meanwhile; before so much of it, an event that does not wait would have been sent.
    eventually("the lease is granted", || (pool(&mut other, "openrouter")["leases"] == 1).then_some(()));
    for _ in 0..200 {
        other.ok(&json!({"op": "ping"}));
    }
    assert!(subscriber.is_silent() && wire.is_silent(), "it was told before it was on the disk");
    next(&mut subscriber, "leased");
    assert_eq!(wire.recv()["ok"], true);
}
