//! What Hermes wrote into auth.json about the past of its credentials becomes state, once, without being asked for.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Row, Wire, credential, now_ms, same_instant};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Hermes has Unix time in seconds, as a float.
fn seconds(ms: u64) -> Value {
    let (whole, rest) = (ms / 1000, ms % 1000);
    serde_json::from_str(&format!("{whole}.{rest:03}")).expect("a number")
}

/// A row that Hermes marked as exhausted.
fn exhausted(label: &str, marked_at_ms: u64, code: u16) -> Row {
    Row::key(label)
        .set("last_status", json!("exhausted"))
        .set("last_status_at", seconds(marked_at_ms))
        .set("last_error_code", json!(code))
        .set("last_error_reason", json!("rate_limit_exceeded"))
        .set("last_error_message", json!("Rate limit exceeded"))
}

fn serve(rows: impl IntoIterator<Item = Row>) -> Daemon {
    Daemon::serving(&AuthJson::default().pool("openrouter", rows))
}

fn state(wire: &mut Wire, label: &str) -> String {
    credential(wire, "openrouter", label)["state"].as_str().expect("a state").to_owned()
}

/// Panics unless the credential is cooling until this instant; the daemon may round up and spread, but not shorten.
#[track_caller]
fn cools_until(wire: &mut Wire, label: &str, instant: u64) {
    let found = credential(wire, "openrouter", label);
    assert_eq!(found["state"], "cooling", "{found:#}");
    let until = found["until_at_ms"].as_u64().expect("an instant");
    assert!(
        (instant..=instant + HOUR_MS / 10 + 1000).contains(&until),
        "{} ms off: {found:#}",
        until.abs_diff(instant)
    );
}

#[test]
fn a_cooldown_with_a_reset_is_honoured_whatever_form_the_reset_has() {
    let now = now_ms();
    let reset = (now / 1000) * 1000 + HOUR_MS;
    let iso = jiff::Timestamp::from_millisecond(reset.cast_signed()).expect("an instant").to_string();
    let forms = [seconds(reset), json!(reset / 1000), json!(reset), json!(iso)];
    let rows = forms.iter().enumerate().map(|(number, form)| {
        exhausted(&format!("key-{number}"), now - 60_000, 429).set("last_error_reset_at", form.clone())
    });
    let daemon = serve(rows);
    let mut wire = daemon.wire();
    for (number, form) in forms.iter().enumerate() {
        let label = format!("key-{number}");
        let found = credential(&mut wire, "openrouter", &label);
        assert_eq!(found["state"], "cooling", "reset at {form}: {found:#}");
        cools_until(&mut wire, &label, reset);
        assert_eq!((&found["cause"]["kind"], &found["cause"]["status"]), (&json!("rate_limit"), &json!(429)));
    }
    wire.refused(&json!({"op": "acquire", "pool": "openrouter"}), "exhausted");
}

#[test]
fn a_cooldown_without_a_reset_lasts_as_long_as_hermes_lets_it() {
    let now = now_ms();
    let marked = now - 60_000;
    let bill = exhausted("bill", marked, 402).set("last_error_reason", json!("insufficient_quota"));
    let daemon = serve([exhausted("rate", marked, 429), exhausted("auth", marked, 401), bill]);
    let mut wire = daemon.wire();
    cools_until(&mut wire, "rate", marked + HOUR_MS);
    cools_until(&mut wire, "auth", marked + 300_000);
    let bill = credential(&mut wire, "openrouter", "bill");
    assert_eq!((&bill["state"], &bill["cause"]["kind"]), (&json!("billing"), &json!("billing")), "{bill:#}");
}

#[test]
fn times_may_be_texts() {
    let daemon = serve([exhausted("key", 0, 429)
        .set("last_status_at", json!("2026-11-23T21:00:00+00:00"))
        .set("last_error_reset_at", json!("2099-01-01T00:00:00Z"))]);
    let mut wire = daemon.wire();
    let found = credential(&mut wire, "openrouter", "key");
    assert_eq!(found["state"], "cooling", "{found:#}");
    // No vendor means 73 years.
    let until = found["until_at_ms"].as_u64().expect("an instant");
    assert!(until <= now_ms() + 39 * 24 * HOUR_MS, "{found:#}");
}

#[test]
fn what_is_over_is_over() {
    let now = now_ms();
    let passed = exhausted("passed", now - 2 * HOUR_MS, 429);
    let reset = exhausted("reset", now - HOUR_MS / 2, 429).set("last_error_reset_at", seconds(now - 1_000));
    let fine = Row::key("fine").set("last_status", json!("ok")).set("last_status_at", seconds(now));
    let odd = Row::key("odd").set("last_status", json!("sunburnt")).set("last_status_at", seconds(now));
    let timeless = exhausted("timeless", now, 429).set("last_status_at", Value::Null);
    let daemon = serve([passed, reset, fine, odd, timeless]);
    let mut wire = daemon.wire();
    for label in ["passed", "reset", "fine", "odd", "timeless"] {
        assert_eq!(state(&mut wire, label), "ready", "{label}");
    }
}

#[test]
fn a_dead_login_needs_a_person_however_long_ago_it_died() {
    let row = exhausted("key", 1_000_000_000_000, 401)
        .set("last_status", json!("dead"))
        .set("last_error_reason", json!("token_revoked"));
    let daemon = serve([row]);
    let mut wire = daemon.wire();
    let found = credential(&mut wire, "openrouter", "key");
    assert_eq!((&found["state"], &found["until_at_ms"]), (&json!("needs_login"), &Value::Null), "{found:#}");
    assert_eq!((&found["cause"]["kind"], &found["cause"]["status"]), (&json!("dead"), &json!(401)), "{found:#}");
    let error = wire.refused(&json!({"op": "acquire", "pool": "openrouter"}), "exhausted");
    assert_eq!(error["retry_at_ms"], Value::Null, "{error:#}");
}

#[test]
fn a_fact_is_imported_once_and_never_over_a_clear() {
    let now = now_ms();
    let marked = |at: u64| AuthJson::default().pool("openrouter", [exhausted("key", at, 429)]);
    let mut daemon = Daemon::serving(&marked(now - 60_000));
    let mut wire = daemon.wire();
    assert_eq!(state(&mut wire, "key"), "cooling");
    assert_eq!(wire.ok(&json!({"op": "clear", "pool": "openrouter"}))["cleared"], 1);
    // A Hermes that still runs writes the same facts again, as a by-product of something else.
    daemon.store(&marked(now - 60_000).top("active_provider", json!("openrouter")));
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(state(&mut wire, "key"), "ready", "what was cleared came back");
    // A new mark is a new fact.
    daemon.store(&marked(now_ms()));
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(state(&mut wire, "key"), "cooling");
}

#[test]
fn a_mark_from_before_the_clear_is_not_imported_after_it() {
    let now = now_ms();
    let mut daemon = serve([Row::key("key")]);
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "clear", "pool": "openrouter", "credential": "key"}));
    daemon.store(&AuthJson::default().pool("openrouter", [exhausted("key", now - 60_000, 429)]));
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(state(&mut wire, "key"), "ready");
}

#[test]
fn an_old_fact_never_shortens_what_is_known_since() {
    let mut daemon = serve([Row::key("key")]);
    let mut wire = daemon.wire();
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter"}))["lease"].clone();
    wire.ok(&json!({"op": "report_error", "lease": lease, "status": 429, "headers": {"retry-after": "36000"}}));
    let until = credential(&mut wire, "openrouter", "key")["until_at_ms"].clone();
    let row = exhausted("key", now_ms() - 120_000, 429).set("last_error_reset_at", seconds(now_ms() + 60_000));
    daemon.store(&AuthJson::default().pool("openrouter", [row]));
    wire.ok(&json!({"op": "reload"}));
    let found = credential(&mut wire, "openrouter", "key");
    assert_eq!(found["state"], "cooling", "{found:#}");
    same_instant(&found["until_at_ms"], &until);
}

#[test]
fn a_runtime_section_is_read_as_maps_and_as_lists() {
    let now = now_ms();
    let facts = |id: String| json!({"id": id, "last_status": "exhausted", "last_status_at": seconds(now - 1_000), "last_error_code": 429});
    let rows = || ["one", "two"].map(Row::key);
    let map = json!({"openrouter": {Row::key("one").id(): facts(Row::key("one").id())}});
    let list = json!([facts(Row::key("one").id())]);
    let listed_by_pool = json!({"openrouter": [facts(Row::key("one").id())]});
    for section in [map, list, listed_by_pool] {
        let auth = AuthJson::default().pool("openrouter", rows()).top("credential_pool_runtime", section.clone());
        let daemon = Daemon::serving(&auth);
        let mut wire = daemon.wire();
        let states = ["one", "two"].map(|label| state(&mut wire, label));
        assert_eq!(states, ["cooling", "ready"], "{section}");
    }
}

#[test]
fn facts_that_make_no_sense_are_no_reason_to_skip_a_row() {
    let strange = [json!("yesterday"), json!(-5), json!(1e300), json!([]), json!({"at": 5}), json!(true)];
    let rows = strange.iter().enumerate().map(|(number, time)| {
        exhausted(&format!("key-{number}"), 0, 429)
            .set("last_status_at", time.clone())
            .set("last_error_reset_at", time.clone())
    });
    let daemon = serve(rows);
    let mut wire = daemon.wire();
    for (number, time) in strange.iter().enumerate() {
        let found = credential(&mut wire, "openrouter", &format!("key-{number}"));
        let until = found["until_at_ms"].as_u64().unwrap_or(0);
        assert!(until <= now_ms() + 39 * 24 * HOUR_MS, "{time} made it {found:#}");
    }
}

#[test]
fn a_date_in_the_future_does_not_make_true_ones_look_old() {
    let day = 24 * HOUR_MS;
    let mut daemon = serve([exhausted("key", now_ms() + day, 402)]);
    let mut wire = daemon.wire();
    wire.ok(&json!({"op": "clear", "pool": "openrouter", "credential": "key"}));
    wire.ok(&json!({"op": "reload"}));
    assert_eq!(state(&mut wire, "key"), "ready", "what was cleared has come back");
    let reset = now_ms() + HOUR_MS;
    let row = exhausted("key", now_ms(), 429).set("last_error_reset_at", seconds(reset));
    daemon.store(&AuthJson::default().pool("openrouter", [row]));
    wire.ok(&json!({"op": "reload"}));
    cools_until(&mut wire, "key", reset);
}
