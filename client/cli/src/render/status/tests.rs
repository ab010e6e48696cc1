use anstream::adapter::strip_str;
use serde_json::{Value, json};

use super::*;

fn status(value: Value) -> Status<'static> {
    serde_json::from_value(value).unwrap()
}

/// What stands there without colours, after checking that it fits the screen.
#[track_caller]
fn plain(status: &Status<'_>) -> String {
    let text = strip_str(&render(status)).to_string();
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
    }
    text
}

const NOW: u64 = 1_795_471_600_000;

fn sample() -> Value {
    let credential = |id: &str, label: &str, state: &str| {
        json!({
            "id": id, "label": label, "auth_type": "api_key", "source": "manual", "priority": 0, "fingerprint": null,
            "epoch": "e1", "state": state, "cause": null, "until_at_ms": null, "restrictions": [], "leases": 0,
            "max_in_flight": 1, "cap": "soft", "grants": 0
        })
    };
    let mut work = credential("a1b2c3", "work", "ready");
    work["leases"] = json!(1);
    work["grants"] = json!(1_204);
    work["restrictions"] = json!([{
        "scope": "model", "model": "gpt-5.5", "kind": "rate_limit", "status": 429, "reason": null,
        "until_at_ms": NOW + 43_000, "phase": "closed", "strikes": 1
    }]);
    let mut spare = credential("d4e5f6", "spare", "cooling");
    spare["cause"] = json!({"kind": "rate_limit", "status": 429, "reason": null});
    spare["until_at_ms"] = json!(NOW + 6 * 86_400_000 + 2 * 3_600_000);
    let mut broke = credential("0b0b0b", "broke", "needs_login");
    broke["cause"] = json!({"kind": "dead", "status": 401, "reason": "token_revoked"});
    let mut off = credential("ffffff", "off", "disabled");
    off["cause"] = json!({"kind": "disabled", "status": null, "reason": "new key"});
    json!({
        "server": "credpoold/0.1.0", "pid": 4711, "run": "r", "started_at_ms": NOW - 11_000_000, "now_at_ms": NOW,
        "auth_file": "/home/ann/.hermes/auth.json",
        "definitions": {"loaded_at_ms": NOW - 60_000, "ok": true, "problems": [], "problems_total": 0},
        "pools": [{
            "name": "openrouter", "strategy": "least_used", "total": 4,
            "counts": {"disabled": 1, "needs_login": 1, "cooling": 1, "ready": 1}, "leases": 1, "waiters": 0,
            "restrictions": [], "warnings": [], "credentials": [work, spare, broke, off]
        }],
        "next": null
    })
}

#[test]
fn a_pool_at_a_glance() {
    assert_eq!(
        plain(&status(sample())),
        "\
credpoold/0.1.0  up 3h 4m, pid 4711, /home/ann/.hermes/auth.json

openrouter  least_used  1 ready, 1 cooling, 1 needs login, 1 disabled  1 lease
  STATE           LEFT  CAUSE                    LEASES  CALLS  LABEL  ID
  ● ready                                           1/1   1204  work   a1b2c3
    └ gpt-5.5: rate limit 429, 43s left
  ◐ cooling      6d 2h  rate limit 429              0/1      0  spare  d4e5f6
  ✗ needs login      -  dead 401: token_revoked     0/1      0  broke  0b0b0b
  ○ disabled         -  disabled: new key           0/1      0  off    ffffff
"
    );
}

#[test]
fn what_is_left_stands_under_its_credential_a_line_for_each_model() {
    let mut value = sample();
    let window = |name: &str, model: Option<&str>| {
        json!({"name": name, "model": model, "limit": null, "remaining": null, "used_permille": null,
               "reset_at_ms": null, "seen_at_ms": NOW})
    };
    let mut five_hours = window("5h", None);
    five_hours["used_permille"] = json!(729);
    five_hours["reset_at_ms"] = json!(NOW + 7_800_000);
    let mut tokens = window("tokens", Some("gpt-5.5"));
    tokens["remaining"] = json!(12);
    tokens["refills"] = json!(true);
    tokens["reset_at_ms"] = json!(NOW + 43_000);
    value["pools"][0]["credentials"] = json!([value["pools"][0]["credentials"][1]]);
    value["pools"][0]["credentials"][0]["windows"] = json!([five_hours, window("week", None), tokens]);
    let text = plain(&status(value));
    let expected = ["    └ 5h 72% used, resets in 2h 10m; week used up", "    └ gpt-5.5: tokens 12 left, full in 43s"];
    assert_eq!(text.lines().skip(5).collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn states_have_colours_that_can_be_taken_out() {
    let text = render(&status(sample()));
    assert!(text.contains("\u{1b}[32m● ready\u{1b}[0m"));
    assert!(text.contains("\u{1b}[33m◐ cooling\u{1b}[0m"));
    assert!(text.contains("\u{1b}[31m✗ needs login\u{1b}[0m"));
}

#[test]
fn what_is_wrong_stands_at_the_top() {
    let mut value = sample();
    value["definitions"] = json!({
        "loaded_at_ms": NOW - 125_000, "ok": false, "problems_total": 3,
        "problems": [
            {"where": "auth.json", "problem": "it is not valid JSON"},
            {"where": "config.toml, \u{1b}[2J", "problem": "no such strategy"}
        ]
    });
    value["degraded"] = json!(true);
    value["durable"] = json!(false);
    value["snapshot"] = json!({
        "path": "/state.json", "durability": "sync", "trouble": "no space left on device",
        "problems": [{"where": "state.json", "problem": "is a link"}]
    });
    let text = plain(&status(value));
    let top: Vec<_> = text.lines().skip(1).take(8).collect();
    assert_eq!(
        top,
        [
            "! the shared store is away: this machine goes on alone",
            "! the disk is failing: what happens now may be forgotten at the next start",
            "! /state.json: no space left on device",
            "! state.json is a link, and was set aside",
            "! the definitions cannot be read; those of 2m 5s ago are served",
            "! auth.json: it is not valid JSON",
            "! config.toml, \\u{1b}[2J: no such strategy",
            "! and 1 more problem",
        ]
    );
}

#[test]
fn homes_that_could_never_be_read_are_told_from_such_as_once_could() {
    let mut value = sample();
    value["definitions"] = json!({
        "loaded_at_ms": null, "ok": false, "problems_total": 1,
        "problems": [{"where": "profiles/coder/auth.json", "problem": "it is not valid JSON"}]
    });
    let text = plain(&status(value));
    let top: Vec<_> = text.lines().skip(1).take(2).collect();
    assert_eq!(
        top,
        [
            "! definitions cannot be read, and never could; the lines below say which",
            "! profiles/coder/auth.json: it is not valid JSON",
        ]
    );
    assert!(text.contains("● ready"), "what could be read is served: {text}");
}

#[test]
fn a_token_that_runs_out_is_told_under_its_row() {
    let mut value = sample();
    let credentials = &mut value["pools"][0]["credentials"];
    for (at, auth_type, expires_at_ms) in
        [(1, "oauth", NOW + 60_000), (2, "oauth", NOW - 3_600_000), (3, "api_key", NOW - 3_600_000)]
    {
        credentials[at]["auth_type"] = json!(auth_type);
        credentials[at]["secret_expires_at_ms"] = json!(expires_at_ms);
    }
    let text = plain(&status(value));
    assert!(text.contains("spare  d4e5f6\n    └ its token runs out in 1m\n"), "{text}");
    assert!(text.contains("broke  0b0b0b\n    └ its token ran out 1h ago: refresh it\n"), "{text}");
    assert_eq!(text.matches("its token").count(), 2, "an API key does not run out: {text}");
}

#[test]
fn the_pools_own_troubles_stand_under_its_name() {
    let mut value = sample();
    let pool = &mut value["pools"][0];
    pool["credentials"] = json!([]);
    pool["counts"] = json!({});
    pool["leases"] = json!(2);
    pool["waiters"] = json!(3);
    pool["warnings"] = json!(["two machines disagree"]);
    pool["restrictions"] = json!([
        {"scope": "pool", "model": null, "kind": "overloaded", "status": 529, "reason": null,
         "until_at_ms": NOW + 12_000, "phase": "closed", "strikes": 1},
        {"scope": "pool_model", "model": "gpt-5.5", "kind": "server", "status": 500, "reason": null,
         "until_at_ms": NOW + 1_000, "phase": "closed", "strikes": 1}
    ]);
    let text = plain(&status(value));
    assert!(
        text.ends_with(
            "\n\
openrouter  least_used  no credentials  2 leases  3 waiting
! the whole pool: overloaded 529, 12s left
! gpt-5.5: server 500, 1s left
! two machines disagree
"
        ),
        "{text}"
    );
}

#[test]
fn no_pool_at_all_is_said() {
    let mut value = sample();
    value["pools"] = json!([]);
    assert!(plain(&status(value)).ends_with("\n\nThere is no pool: no definition has been read.\n"));
}

#[test]
fn long_and_hostile_text_keeps_to_its_place() {
    let mut value = sample();
    let spare = &mut value["pools"][0]["credentials"][1];
    spare["label"] = json!("a label\u{1b}[31m that goes on and on and on");
    spare["cause"]["reason"] = json!("a reason\nthat goes on, and on, and on, and on, and on");
    let text = plain(&status(value));
    let row = "  ◐ cooling      6d 2h  rate limit 429: a r…     0/1      0  a label\\u{…  d4e5f6\n";
    assert!(text.contains(row), "{text}");
}

#[test]
fn leases_and_waiters_stand_under_their_pool_if_they_were_asked_for() {
    let mut value = sample();
    let pool = &mut value["pools"][0];
    let lease = |number: u64, holder: Value| {
        json!({
            "number": number, "credential": "a1b2c3", "model": null, "class": "interactive", "session": false,
            "probe": false, "detached": false, "held_ms": 61_000, "expires_at_ms": NOW + 3_539_000, "holder": holder
        })
    };
    let mut first = lease(7, json!({"client": "aider/1.0\n", "pid": 4_711, "uid": 1_000}));
    first["model"] = json!("gpt-5.5");
    first["session"] = json!(true);
    let mut last = lease(9, json!(null));
    last["detached"] = json!(true);
    last["class"] = json!("background");
    last["probe"] = json!(true);
    let second = lease(8, json!({"client": null, "pid": null, "uid": 1_000}));
    pool["counts"] = json!({"ready": 1});
    pool["strategy"] = json!("random");
    pool["leases_out"] = json!({"page": [first, second, last], "next": null});
    pool["waiters"] = json!(34);
    pool["line"] = json!([{
        "number": 3, "class": "background", "position": 1, "waited_ms": 2_000, "estimate_ms": 43_000,
        "model": "gpt-5.5", "holder": {"client": "batch/2", "pid": 4_712, "uid": 1_000}
    }]);
    let text = plain(&status(value));
    let (_, told) = text.split_once("  ffffff\n").unwrap();
    assert_eq!(
        told,
        "\
leases out
  LEASE  HOLDER        PID   HELD     LEFT  FOR                ID
      7  aider/1.0\\n  4711  1m 1s  58m 59s  gpt-5.5, session   a1b2c3
      8  of uid 1000     -  1m 1s  58m 59s                     a1b2c3
      9  detached        -  1m 1s  58m 59s  background, probe  a1b2c3
waiting
  PLACE  WAITS     PID  SO FAR  YET ABOUT  FOR
      1  batch/2  4712      2s        43s  gpt-5.5, background
  and 33 more
"
    );
    let mut value = sample();
    value["pools"][0]["leases_out"] = json!({"page": [], "next": null});
    assert!(plain(&status(value)).ends_with("\nleases out  none\nwaiting  none\n"));
}

fn page(next: Option<&str>, pools: &[(&str, &[&str])]) -> Status<'static> {
    let credential = |id: &&str| {
        json!({
            "id": id, "label": id, "auth_type": "api_key", "source": "manual", "priority": 0, "fingerprint": null,
            "epoch": "e", "state": "ready", "cause": null, "until_at_ms": null, "restrictions": [], "leases": 0,
            "max_in_flight": 1, "cap": "soft", "grants": 0
        })
    };
    let pool = |(name, ids): &(&str, &[&str])| {
        json!({
            "name": name, "strategy": "random", "total": 9, "counts": {}, "leases": 0, "waiters": 0,
            "restrictions": [], "warnings": [], "credentials": ids.iter().map(credential).collect::<Vec<Value>>()
        })
    };
    serde_json::from_value(json!({
        "server": "s", "pid": 1, "run": "r", "started_at_ms": 1, "now_at_ms": 2, "auth_file": null,
        "definitions": {"loaded_at_ms": null, "ok": true, "problems": [], "problems_total": 0},
        "pools": pools.iter().map(pool).collect::<Vec<Value>>(), "next": next
    }))
    .unwrap()
}

#[test]
fn a_pool_that_goes_on_over_a_page_is_one_pool() {
    let mut status = page(Some("1"), &[("a", &["1"]), ("b", &["2", "3"])]);
    append(&mut status, page(Some("2"), &[("b", &["4"])]));
    append(&mut status, page(None, &[("b", &[]), ("c", &["5"])]));
    let pools: Vec<_> = status
        .pools
        .iter()
        .map(|pool| (&*pool.name, pool.credentials.iter().map(|credential| &*credential.id).collect::<Vec<_>>()))
        .collect();
    assert_eq!(pools, [("a", vec!["1"]), ("b", vec!["2", "3", "4"]), ("c", vec!["5"])]);
    assert_eq!(status.next, None);
}
