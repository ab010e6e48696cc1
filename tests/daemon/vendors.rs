//! The corpus of published answers, reported to a real daemon.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::row::Via;
use crate::support::{AuthJson, Daemon, Row, credential, now_ms};

#[path = "../vendors/row.rs"]
mod row;

/// What a request may take on its way, in milliseconds.
const ON_THE_WAY_MS: u64 = 5_000;

/// Each row is reported for a key of its own by a daemon that has heard nothing else in its pool.
#[test]
fn published_answers_get_the_expected_verdicts() {
    let rows = row::all();
    let mut by_pool: BTreeMap<&str, Vec<&row::Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.via == Via::ReportError) {
        by_pool.entry(&row.provider.pool).or_default().push(row);
    }
    let rounds = by_pool.values().map(Vec::len).max().expect("rows");
    let mut wrong = Vec::new();
    for round in 0..rounds {
        let rows: Vec<_> = by_pool.values().filter_map(|rows| rows.get(round).copied()).collect();
        let daemon = Daemon::serving(
            &rows.iter().fold(AuthJson::default(), |auth, row| auth.pool(&row.provider.pool, [key(row)])),
        );
        let mut wire = daemon.wire();
        for row in rows {
            let lease = wire.ok(&json!({"op": "acquire", "pool": row.provider.pool, "model": row.model}));
            let reply = wire.ok(&report(&lease["lease"], row));
            let status = credential(&mut wire, &row.provider.pool, "key-0");
            if let Err(why) = compare(&reply["verdict"], &status["restrictions"], row) {
                wrong.push(format!("{why}\n{row}\n{:#}", reply["verdict"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn successes_with_room_left_restrict_nothing() {
    let rows = row::all();
    for row in rows.iter().filter(|row| row.via == Via::Release && row.expect.kind == "unknown") {
        let daemon = Daemon::serving(&AuthJson::default().pool(&row.provider.pool, [key(row)]));
        let mut wire = daemon.wire();
        let lease = wire.ok(&json!({"op": "acquire", "pool": row.provider.pool, "model": row.model}));
        let (status, headers) = (row.response.status, headers(row));
        wire.ok(&json!({
            "op": "release", "lease": lease["lease"], "outcome": "ok", "status": status, "headers": headers,
        }));
        let status = credential(&mut wire, &row.provider.pool, "key-0");
        assert_eq!((&status["state"], &status["restrictions"]), (&json!("ready"), &json!([])), "{row}\n{status:#}");
    }
}

/// A bucket is not waited for until it is full, as its row says; all else is.
#[test]
fn successes_that_used_something_up_restrict_it() {
    let rows = row::all();
    for row in rows.iter().filter(|row| row.via == Via::Release && row.expect.kind != "unknown") {
        let daemon = Daemon::serving(&AuthJson::default().pool(&row.provider.pool, [key(row)]));
        let mut wire = daemon.wire();
        let lease = wire.ok(&json!({"op": "acquire", "pool": row.provider.pool, "model": row.model}));
        let (status, headers) = (row.response.status, headers(row));
        wire.ok(&json!({"op": "release", "lease": lease["lease"], "status": status, "headers": headers}));
        let status = credential(&mut wire, &row.provider.pool, "key-0");
        let restriction = &status["restrictions"][0];
        assert_eq!(restriction["kind"], *row.expect.kind, "{row}\n{status:#}");
        assert_eq!(restriction["scope"], *row.expect.scope, "{row}\n{status:#}");
        let whole = row.wait_ms(row.deadline_ms().expect("what is used up says until when"));
        let windows = status["windows"].as_array().expect("a list");
        let refills = windows.iter().any(|window| window["used_permille"] == 1_000 && window["refills"] == true);
        let wait = if refills { whole / 10 } else { whole };
        let told = restriction["until_at_ms"].as_u64().expect("an instant").saturating_sub(now_ms());
        assert!((wait.saturating_sub(ON_THE_WAY_MS)..=wait + row::SLACK_MS).contains(&told), "{row}\n{status:#}");
    }
}

fn key(row: &row::Row) -> Row {
    let key = Row::key("key-0");
    match &row.provider.base_url {
        Some(url) => key.set("base_url", json!(url)),
        None => key.without("base_url"),
    }
}

/// The answer's headers. The answers are of many years, so they all say when they were given: the daemon reads instants by
/// the vendor's clock.
fn headers(row: &row::Row) -> Map<String, Value> {
    let date = row.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let dated = std::iter::once(("date".to_owned(), date));
    dated.chain(row.response.headers.clone()).map(|(name, value)| (name, json!(value))).collect()
}

fn report(lease: &Value, row: &row::Row) -> Value {
    let mut report = json!({
        "op": "report_error",
        "lease": lease,
        "status": row.response.status,
        "headers": headers(row),
        "body": row.response.body.clone().or_else(|| row.response.body_text.clone().map(Value::String)),
        "kind": row.client.kind,
        "message": row.client.message,
        "code": row.client.code,
    });
    report.as_object_mut().expect("an object").retain(|_, fact| !fact.is_null());
    report
}

fn compare(verdict: &Value, restrictions: &Value, row: &row::Row) -> Result<(), String> {
    if verdict["kind"] != *row.expect.kind {
        return Err("another kind".to_owned());
    }
    if row.expect.scope.starts_with("pool") {
        // One failure of the provider's is no evidence yet, and no key is worse for it.
        let ready = verdict["state"] == "ready" && *restrictions == json!([]);
        return if ready { Ok(()) } else { Err(format!("a key was restricted: {restrictions:#}")) };
    }
    if verdict["scope"] != *row.expect.scope {
        return Err("another scope".to_owned());
    }
    let Some(deadline) = row.deadline_ms() else { return Ok(()) };
    let wait = row.wait_ms(deadline);
    let latest = wait + row.expect.slack_ms.max(row::SLACK_MS);
    let told = verdict["retry_after_ms"].as_u64().ok_or("no deadline")?;
    // Nobody may come early. What was on the way counts as waited; a tenth is added so that not all come at once.
    if (wait.saturating_sub(ON_THE_WAY_MS).max(1)..=latest + latest / 10).contains(&told) {
        Ok(())
    } else {
        Err(format!("{told} ms instead of {wait}"))
    }
}
