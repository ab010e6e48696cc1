//! `report_error`: the verdict, and what follows from it.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, Wire, credential, is_due, now_ms, same_instant, secret};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn acquire() -> Value {
    json!({"op": "acquire", "pool": "openrouter"})
}

fn lease(wire: &mut Wire) -> Value {
    wire.ok(&acquire())["lease"].clone()
}

fn rate_limited(lease: &Value, seconds: u64) -> Value {
    json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": seconds.to_string()}})
}

#[test]
fn retry_after_decides_how_long_a_429_restricts() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let before = now_ms();
    let reply = wire.ok(&rate_limited(&lease, 43));
    assert_eq!((&reply["applied"], &reply["lease_ended"]), (&json!(true), &json!(true)), "{reply:#}");
    assert_eq!(reply.get("duplicate"), None, "{reply:#}");
    let verdict = &reply["verdict"];
    assert_eq!((&verdict["kind"], &verdict["state"]), (&json!("rate_limit"), &json!("cooling")), "{verdict:#}");
    assert_eq!(verdict["evidence"], json!({"source": "header:retry-after", "raw": "43"}));
    assert_eq!(verdict["strikes"], 1);
    assert!(verdict["rule"].as_str().is_some_and(|rule| !rule.is_empty()), "{verdict:#}");
    is_due(&verdict["until_at_ms"], before, 43_000);
    assert!((43_000..=47_300).contains(&verdict["retry_after_ms"].as_u64().expect("a duration")), "{verdict:#}");

    let status = credential(&mut wire, "openrouter", "key-0");
    assert_eq!(status["state"], "cooling", "{status:#}");
    same_instant(&status["until_at_ms"], &verdict["until_at_ms"]);
    assert_eq!((&status["cause"]["kind"], &status["cause"]["status"]), (&json!("rate_limit"), &json!(429)));
    assert_eq!(status["leases"], 0);
    assert_eq!(wire.ok(&acquire())["credential"]["label"], "key-1", "a restricted credential was granted");
}

#[test]
fn hints_are_read_in_every_form_that_hermes_means() {
    let daemon = Daemon::serving(&AuthJson::many(9));
    let mut wire = daemon.wire();
    let before = now_ms();
    let in_an_hour = before + HOUR_MS;
    let hints = [
        (json!({"headers": {"Retry-After": "3600"}}), 0),
        (json!({"headers": {"RETRY-AFTER": ["3600"]}}), 0),
        (json!({"headers": {"retry-after-ms": "3600000", "retry-after": "1"}}), 0),
        (json!({"retry_after": 3600}), 0),
        (json!({"reset_at": in_an_hour}), 0),
        (json!({"resets_at": in_an_hour / 1000 + 1}), 1_000),
        (json!({"retry_until": in_an_hour.to_string()}), 0),
        (json!({"retry_after": "3600"}), 0),
    ];
    for (facts, rounding) in &hints {
        let lease = lease(&mut wire);
        let mut request = json!({"op": "report_error", "lease": lease, "status": 429});
        request.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
        let verdict = wire.ok(&request)["verdict"].clone();
        let until = verdict["until_at_ms"].as_u64().unwrap_or_else(|| panic!("{facts}: {verdict:#}"));
        let latest = now_ms() + HOUR_MS + HOUR_MS / 10 + rounding;
        assert!((in_an_hour..=latest).contains(&until), "{facts}: {} ms from then", until - before.min(until));
    }
}

#[test]
fn many_reports_of_one_window_are_one_strike() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let leases: Vec<_> = (0..100).map(|_| lease(&mut wire)).collect();
    for lease in &leases {
        let reply = wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429}));
        assert_eq!(reply["verdict"]["strikes"], 1, "{reply:#}");
    }
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["restrictions"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_report_never_shortens_a_restriction() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let leases: Vec<_> = (0..3).map(|_| lease(&mut wire)).collect();
    let long = wire.ok(&rate_limited(&leases[0], 3_600))["verdict"]["until_at_ms"].clone();
    let short = wire.ok(&rate_limited(&leases[1], 5));
    same_instant(&short["verdict"]["until_at_ms"], &long);
    assert_eq!((&short["applied"], &short["why"]), (&json!(false), &json!("already_restricted")), "{short:#}");
    same_instant(&credential(&mut wire, "openrouter", "key-0")["until_at_ms"], &long);
    let before = now_ms();
    let longer = wire.ok(&rate_limited(&leases[2], 7_200));
    assert_eq!(longer["applied"], true, "{longer:#}");
    is_due(&longer["verdict"]["until_at_ms"], before, 7_200_000);
}

#[test]
fn a_revoked_token_needs_a_person() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let body = json!({"error": {"code": "token_revoked", "message": "no more"}});
    let reply = wire.ok(&json!({"op": "report_error", "lease": lease, "status": 401, "body": body}));
    let verdict = &reply["verdict"];
    assert_eq!((&verdict["kind"], &verdict["state"]), (&json!("dead"), &json!("needs_login")), "{verdict:#}");
    assert_eq!((&verdict["until_at_ms"], &verdict["retry_after_ms"]), (&Value::Null, &Value::Null));
    // The same words outside of a code are only words.
    let other = self::lease(&mut wire);
    let words = json!({"op": "report_error", "lease": other, "status": 401, "body": "token_revoked or invalid_grant"});
    let reply = wire.ok(&words);
    assert_eq!(reply["verdict"]["kind"], "auth", "{reply:#}");
}

#[test]
fn a_body_may_be_json_or_text_of_json() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    for body in [json!({"error": {"code": "token_revoked"}}), json!(r#"{"error":{"code":"token_revoked"}}"#)] {
        let lease = lease(&mut wire);
        let reply = wire.ok(&json!({"op": "report_error", "lease": lease, "status": 401, "body": body}));
        assert_eq!(reply["verdict"]["kind"], "dead", "{body}: {reply:#}");
    }
}

#[test]
fn what_is_not_the_credentials_fault_restricts_nothing() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let harmless = [
        (json!({"status": 400}), "request"),
        (json!({"status": 404}), "request"),
        (json!({"status": 422}), "request"),
        (json!({"kind": "cancelled"}), "cancelled"),
        (json!({"message": "something went wrong"}), "unknown"),
    ];
    for (facts, kind) in &harmless {
        let lease = lease(&mut wire);
        let mut request = json!({"op": "report_error", "lease": lease});
        request.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
        let reply = wire.ok(&request);
        assert_eq!(
            (&reply["verdict"]["kind"], &reply["verdict"]["scope"]),
            (&json!(kind), &json!("none")),
            "{reply:#}"
        );
        assert_eq!(
            (&reply["applied"], &reply["why"]),
            (&json!(false), &json!("not_the_credentials_fault")),
            "{reply:#}"
        );
        assert_eq!(reply["lease_ended"], true, "{reply:#}");
    }
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "ready");
}

#[test]
fn said_again_a_report_changes_nothing_and_answers_the_same() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let mut report = rate_limited(&lease, 60);
    report["next"] = json!(true);
    let first = wire.ok(&report);
    assert_eq!(first["next"]["credential"]["label"], "key-1", "{first:#}");
    // From another connection, after the answer was lost, say.
    let again = daemon.wire().ok(&report);
    assert_eq!(again["duplicate"], true, "{again:#}");
    assert_eq!(again.get("next"), None, "a second next lease: {again:#}");
    same_instant(&again["verdict"]["until_at_ms"], &first["verdict"]["until_at_ms"]);
    for field in ["kind", "scope", "strikes", "rule"] {
        assert_eq!(again["verdict"][field], first["verdict"][field], "{field}: {again:#}");
    }
    assert_eq!(again["applied"], first["applied"], "{again:#}");
    let pool = wire.ok(&json!({"op": "status"}))["pools"][0].clone();
    assert_eq!(pool["leases"], 1, "{pool:#}");
}

#[test]
fn next_repeats_the_leases_own_conditions() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let conditions = json!({"op": "acquire", "pool": "openrouter", "exclude": [Row::key("key-1").id()], "secret": false,
        "ttl_ms": 5_000, "detach": true});
    let lease = wire.ok(&conditions)["lease"].clone();
    let mut report = rate_limited(&lease, 60);
    report["next"] = json!(true);
    let before = now_ms();
    let next = wire.ok(&report)["next"].clone();
    assert_eq!(
        (&next["credential"]["label"], &next["credential"]["secret"]),
        (&json!("key-2"), &Value::Null),
        "{next:#}"
    );
    let expires = next["expires_at_ms"].as_u64().expect("an instant");
    assert!((before + 5_000..=now_ms() + 5_000).contains(&expires), "{next:#}");
    // Detached as the first was.
    drop(wire);
    daemon.wire().ok(&json!({"op": "renew", "lease": next["lease"]}));
}

#[test]
fn next_may_have_conditions_of_its_own() {
    let daemon = Daemon::serving(&AuthJson::many(3));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let mut report = rate_limited(&lease, 60);
    report["next"] = json!({"credential": "key-2"});
    assert_eq!(wire.ok(&report)["next"]["credential"]["label"], "key-2");
}

#[test]
fn where_there_is_no_next_the_report_counts_all_the_same() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let mut report = rate_limited(&lease, 60);
    report["next"] = json!(true);
    let reply = wire.ok(&report);
    assert_eq!((&reply["applied"], reply.get("next")), (&json!(true), None), "{reply:#}");
    assert_eq!(reply["next_error"]["code"], "exhausted", "{reply:#}");
    assert_eq!(reply["next_error"]["credentials"][0]["label"], "key-0", "{reply:#}");
}

#[test]
fn a_lease_that_is_kept_can_fail_again() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let mut report = rate_limited(&lease, 60);
    report["keep"] = json!(true);
    let first = wire.ok(&report);
    assert_eq!((&first["lease_ended"], &first["applied"]), (&json!(false), &json!(true)), "{first:#}");
    wire.ok(&json!({"op": "renew", "lease": lease}));
    assert_eq!(wire.ok(&report)["duplicate"], true);
    let before = now_ms();
    let mut second = rate_limited(&lease, 600);
    second["report"] = json!(2);
    let reply = wire.ok(&second);
    assert_eq!((reply.get("duplicate"), &reply["lease_ended"]), (None, &json!(true)), "{reply:#}");
    is_due(&reply["verdict"]["until_at_ms"], before, 600_000);
}

#[test]
fn the_first_report_is_judged_even_if_the_lease_has_ended() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    wire.ok(&json!({"op": "release", "lease": lease}));
    let late = wire.ok(&rate_limited(&lease, 60));
    assert_eq!((&late["applied"], &late["ended_by"]), (&json!(true), &json!("release")), "{late:#}");
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "cooling");
    let again = wire.ok(&rate_limited(&lease, 3_600));
    assert_eq!(again["duplicate"], true, "{again:#}");
    same_instant(&again["verdict"]["until_at_ms"], &late["verdict"]["until_at_ms"]);
}

#[test]
fn a_report_may_come_from_any_connection() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut holder = daemon.wire();
    let lease = lease(&mut holder);
    let reply = daemon.wire().ok(&rate_limited(&lease, 60));
    assert_eq!((&reply["applied"], &reply["lease_ended"]), (&json!(true), &json!(true)), "{reply:#}");
}

#[test]
fn a_report_from_before_a_clear_is_history() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let (early, late) = (lease(&mut wire), lease(&mut wire));
    wire.ok(&rate_limited(&early, 60));
    assert_eq!(wire.ok(&json!({"op": "clear", "pool": "openrouter"}))["cleared"], 1);
    let reply = wire.ok(&rate_limited(&late, 60));
    assert_eq!((&reply["applied"], &reply["why"]), (&json!(false), &json!("cleared_since")), "{reply:#}");
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "ready");
    // A lease from after it counts again.
    let fresh = lease(&mut wire);
    assert_eq!(wire.ok(&rate_limited(&fresh, 60))["applied"], true);
}

#[test]
fn a_report_about_an_old_secret_says_nothing_of_the_new_one() {
    let mut daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = lease(&mut wire);
    let rotated = Row::key("key-0").secret(&secret("rotated"));
    daemon.store(&AuthJson::default().pool("openrouter", [rotated]));
    wire.ok(&json!({"op": "reload"}));
    let reply = wire.ok(&json!({"op": "report_error", "lease": lease, "status": 401}));
    assert_eq!((&reply["applied"], &reply["why"]), (&json!(false), &json!("stale_secret")), "{reply:#}");
    let granted = wire.ok(&acquire());
    assert_eq!(granted["credential"]["secret"], secret("rotated"));
}

#[test]
fn who_holds_no_lease_reports_by_epoch() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let epoch = credential(&mut wire, "openrouter", "key-0")["epoch"].clone();
    let mut report = json!({"op": "report_error", "pool": "openrouter", "credential": "key-0", "epoch": epoch,
        "status": 429, "headers": {"retry-after": "60"}});
    let reply = wire.ok(&report);
    assert_eq!((&reply["applied"], &reply["lease_ended"]), (&json!(true), &json!(false)), "{reply:#}");
    wire.ok(&json!({"op": "clear", "pool": "openrouter"}));
    let reply = wire.ok(&report);
    assert_eq!(reply["applied"], false, "the epoch is of before the clear: {reply:#}");
    report["epoch"] = credential(&mut wire, "openrouter", "key-0")["epoch"].clone();
    assert_eq!(wire.ok(&report)["applied"], true);
}

#[test]
fn a_report_on_an_unknown_lease_is_refused() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    wire.refused(&rate_limited(&json!("0123456789abcdef0123456789abcdef"), 60), "unknown_lease");
    assert_eq!(credential(&mut wire, "openrouter", "key-0")["state"], "ready");
}

#[test]
fn hints_beyond_reason_are_bounded() {
    const DAY_MS: u64 = 24 * HOUR_MS;
    let daemon = Daemon::serving(&AuthJson::many(8));
    let mut wire = daemon.wire();
    let hints = [
        json!({"retry_after": 1_000_000_000_000_u64}),
        json!({"headers": {"retry-after": "999999999999999999999999"}}),
        json!({"reset_at": "9999-12-31T23:59:59Z"}),
        json!({"retry_after": -5}),
        json!({"retry_after": "NaN"}),
        json!({"retry_after": 1e300}),
        json!({"reset_at": 0}),
    ];
    for facts in &hints {
        let lease = lease(&mut wire);
        let code = "rate_limit_exceeded";
        let mut request = json!({"op": "report_error", "lease": lease, "status": 429, "code": code});
        request.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
        let reply = wire.ok(&request);
        let until = reply["verdict"]["until_at_ms"].as_u64().unwrap_or_else(|| panic!("{facts}: {reply:#}"));
        let most = now_ms() + 35 * DAY_MS + 4 * DAY_MS;
        assert!(until <= most, "{facts}: {reply:#}");
        assert_eq!(reply["verdict"]["kind"], "rate_limit", "{facts}: {reply:#}");
    }
}

#[test]
fn a_refused_next_speaks_of_what_was_wanted_next() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "model": "m1"}))["lease"].clone();
    let mut report = rate_limited(&lease, 60);
    report["next"] = json!({"model": "m2", "wait_ms": 5});
    let reply = wire.ok(&report);
    assert_eq!(reply["next_error"]["model"], "m2", "{reply:#}");
    assert!(reply["warnings"][0].as_str().is_some_and(|warning| warning.contains("wait")), "{reply:#}");
}
