//! `history`, and what `explain` says in words.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, Wire};

fn fails(wire: &mut Wire, credential: &str, model: &Value, facts: &Value) {
    let lease = wire.ok(&json!({"op": "acquire", "pool": "openrouter", "credential": credential, "model": model}));
    let mut report = json!({"op": "report_error", "lease": lease["lease"]});
    report.as_object_mut().expect("an object").extend(facts.as_object().expect("an object").clone());
    wire.ok(&report);
}

fn entries(wire: &mut Wire, asked: &Value) -> Vec<Value> {
    let mut request = json!({"op": "history", "pool": "openrouter"});
    request.as_object_mut().expect("an object").extend(asked.as_object().expect("an object").clone());
    let reply = wire.ok(&request);
    reply["entries"].as_array().expect("a list").clone()
}

#[test]
fn verdicts_are_told_with_their_evidence_the_latest_first() {
    let daemon = Daemon::serving(&AuthJson::many(2));
    let mut wire = daemon.wire();
    fails(&mut wire, "key-0", &json!("large"), &json!({"status": 429, "headers": {"Retry-After": "60"}}));
    fails(&mut wire, "key-1", &json!(null), &json!({"status": 400}));
    let all = entries(&mut wire, &json!({}));
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_eq!(
        (&all[0]["kind"], &all[0]["scope"], &all[0]["why"]),
        (&json!("request"), &json!("none"), &json!("not_the_credentials_fault"))
    );
    assert_eq!((&all[0]["applied"], &all[0]["until_at_ms"]), (&json!(false), &json!(null)));
    let limited = &all[1];
    assert_eq!(limited["evidence"], json!({"source": "header:retry-after", "raw": "60"}));
    assert_eq!((&limited["model"], &limited["credential"]["label"]), (&json!("large"), &json!("key-0")));
    let lasts = limited["until_at_ms"].as_u64().unwrap() - limited["at_ms"].as_u64().unwrap();
    assert!((60_000..=66_000).contains(&lasts), "{limited:#}");

    assert_eq!(json!(entries(&mut wire, &json!({"credential": "key-0"}))), json!([limited]));
    assert_eq!(json!(entries(&mut wire, &json!({"model": "large"}))), json!([limited]));
    assert_eq!(entries(&mut wire, &json!({"model": "small"})), [] as [Value; 0]);
    let latest = wire.ok(&json!({"op": "history", "pool": "openrouter", "limit": 1}));
    assert_eq!((&latest["entries"], &latest["more"]), (&json!([all[0]]), &json!(true)));
}

#[test]
fn what_operators_did_is_told_too() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let id = "key-0";
    wire.ok(&json!({"op": "disable", "pool": "openrouter", "credential": id, "note": "spend cap"}));
    wire.ok(&json!({"op": "enable", "pool": "openrouter", "credential": id}));
    wire.ok(&json!({"op": "clear", "pool": "openrouter"}));
    let all = entries(&mut wire, &json!({"credential": id}));
    let events: Vec<_> = all.iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events, ["cleared", "enabled", "disabled"]);
    assert_eq!((&all[0]["credential"], &all[0]["lifted"]), (&json!(null), &json!(0)));
    assert_eq!(all[2]["note"], "spend cap");
}

#[test]
fn as_much_is_remembered_as_is_configured() {
    let daemon = Daemon::configured(&AuthJson::many(1), "[limits]\nhistory = 3\nhistory_per_pool = 5\n");
    let mut wire = daemon.wire();
    let id = "key-0";
    for (model, of_model, of_pool) in
        [("a", 1, 1), ("a", 2, 2), ("a", 3, 3), ("a", 3, 3), ("b", 1, 4), ("b", 2, 5), ("b", 3, 5)]
    {
        fails(&mut wire, id, &json!(model), &json!({"status": 400}));
        assert_eq!(entries(&mut wire, &json!({"model": model})).len(), of_model);
        assert_eq!(entries(&mut wire, &json!({})).len(), of_pool);
    }
}

#[test]
fn an_explanation_says_in_words_what_is_in_the_way_and_which_evidence_says_so() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut wire = daemon.wire();
    let id = "key-0";
    fails(&mut wire, id, &json!(null), &json!({"status": 429, "headers": {"Retry-After": "60"}}));
    let key = wire.ok(&json!({"op": "status"}))["pools"][0]["credentials"][0]["id"].clone();
    let explained = wire.ok(&json!({"op": "explain", "pool": "openrouter", "exclude": [key]}));
    let reasons = explained["candidates"][0]["reasons"].as_array().expect("a list");
    let restricted = reasons[0]["message"].as_str().expect("words");
    for word in ["rate limit of its account", "HTTP 429", "header:retry-after said \"60\""] {
        assert!(restricted.contains(word), "{restricted}");
    }
    assert_eq!(reasons[1]["message"], "the request excludes it");
}
