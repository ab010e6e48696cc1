use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::AuthType;

/// Written by hermes-agent 0.19.0.
const SAMPLE: &str = include_str!("../../../../tests/fixtures/hermes-sample-auth.json");

fn store(value: &Value) -> Store {
    Store::parse(value.to_string().as_bytes(), 100).expect("a store")
}

fn pool(rows: &Value) -> Store {
    store(&json!({ "credential_pool": { "p": rows } }))
}

fn ids(store: &Store, pool: &str) -> Vec<String> {
    store.pools[pool].iter().map(|row| row.id.clone()).collect()
}

fn problems(store: &Store) -> Vec<String> {
    store.problems.iter().map(|problem| format!("{} {}", problem.place, problem.problem)).collect()
}

#[test]
fn a_file_of_hermes_is_read() {
    let store = Store::parse(SAMPLE.as_bytes(), 100).expect("a store");
    assert_eq!(problems(&store), [] as [&str; 0]);
    let rows: Vec<_> = store.pools.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect();
    assert_eq!(
        rows,
        [("anthropic", 2), ("custom:together-ai", 2), ("nous", 1), ("openai-codex", 1), ("openrouter", 3)]
    );
    let openrouter = &store.pools["openrouter"];
    assert_eq!(openrouter[0].tokens.access_token.as_ref().expect("a secret").expose(), "sk-or-v1-0000");
    assert_eq!(openrouter[0].tokens.base_url.as_deref(), Some("https://openrouter.ai/api/v1"));
    assert_eq!(openrouter[2].recorded.as_deref(), Some("sha256:053ad1494404cdc3"));
    assert!(openrouter[2].tokens.access_token.is_none());
    assert_eq!(store.pools["anthropic"][0].tokens.expires_at_ms, Some(1_795_475_600_000));
    assert_eq!(store.pools["nous"][0].tokens.expires_at_ms, Some(1_795_172_400_000));
    let url = store.pools["nous"][0].tokens.url("nous");
    assert_eq!(url, Some("https://inference-api.nousresearch.com/v1"));
    assert!(store.logins.of("openai-codex").is_some_and(|login| login.tokens().is_some()));
    assert_eq!(store.active_provider.as_deref(), Some("openrouter"));
    assert!(store.is_suppressed("anthropic", "claude_code") && !store.is_suppressed("openrouter", "claude_code"));
}

#[test]
fn no_prefix_of_a_file_is_a_store() {
    let text = SAMPLE.trim_end().as_bytes();
    for end in 0..text.len() {
        assert!(Store::parse(&text[..end], 100).is_err(), "{end}");
    }
}

#[test]
fn missing_fields_take_the_defaults_of_hermes() {
    for row in [json!({ "access_token": "s" }), json!({ "access_token": "s", "label": null, "priority": null })] {
        let store = pool(&json!([row]));
        let row = &store.pools["p"][0];
        assert_eq!((row.label.as_str(), row.source.as_str(), row.priority), ("manual", "manual", 0));
        let tokens = &row.tokens;
        assert_eq!((row.auth_type, tokens.url("p"), tokens.expires_at_ms), (AuthType::ApiKey, None, None));
    }
}

#[test]
fn a_row_without_an_id_gets_one_that_follows_from_it() {
    let rows = json!([{ "access_token": "a" }, { "access_token": "b" }, { "source": "env:A" }, { "source": "env:B" }]);
    let first = ids(&pool(&rows), "p");
    assert_eq!(first, ids(&pool(&rows), "p"));
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 4, "{first:?}");
    assert!(first.iter().all(|id| id.starts_with('x') && id.len() == 13), "{first:?}");
    // The same secret twice is the same credential.
    let twice = pool(&json!([{ "access_token": "a" }, { "access_token": "a" }]));
    assert_eq!((ids(&twice, "p").len(), twice.problems.len()), (1, 1));
}

#[test]
fn one_bad_row_does_not_spoil_the_others() {
    let good = json!({ "id": "good", "access_token": "s" });
    let cases = [
        (json!(3), "is not an object"),
        (json!("canary"), "is not an object"),
        (json!(["canary"]), "is not an object"),
        (json!(null), "is not an object"),
        (json!({ "id": "" }), "has an empty `id`"),
        (json!({ "id": "a\nb" }), "has control characters in its `id`"),
        (json!({ "id": "a\u{0}" }), "has control characters in its `id`"),
        (json!({ "id": "x".repeat(65) }), "has an `id` of more than 64 bytes"),
        (json!({ "id": 7 }), "has a `id` that is not a text"),
        (json!({ "id": "a", "label": "x".repeat(257) }), "has a `label` of more than 256 bytes"),
        (json!({ "id": "a", "label": ["canary"] }), "has a `label` that is not a text"),
        (json!({ "id": "a", "access_token": { "canary": 1 } }), "has an `access_token` that is not a text"),
        (json!({ "id": "a", "priority": "canary" }), "has a `priority` that is not a whole number"),
        (json!({ "id": "a", "priority": 1.5 }), "has a `priority` that is not a whole number"),
        (json!({ "id": "a", "source": 1 }), "has a `source` that is not a text"),
        (json!({ "id": "a", "base_url": "http://a\r\nb" }), "has control characters in its base URL"),
        (json!({ "id": "good" }), "has the id of an earlier row, \"good\""),
    ];
    for (row, problem) in cases {
        let store = pool(&json!([good, row]));
        assert_eq!(ids(&store, "p"), ["good"], "{row}");
        assert_eq!(problems(&store), [format!("p[1] {problem}, and is left out")]);
    }
    let twice = br#"{"credential_pool": {"p": [{"id": "a", "id": "b"}, {"id": "c"}]}}"#;
    assert_eq!(ids(&Store::parse(twice, 9).expect("a store"), "p"), ["c"]);
    let surrogate = br#"{"credential_pool": {"p": [{"id": "a", "label": "\ud800"}, {"id": "c"}]}}"#;
    assert_eq!(ids(&Store::parse(surrogate, 9).expect("a store"), "p"), ["c"]);
}

#[test]
fn what_can_be_served_is() {
    let rows = json!([
        { "id": "x".repeat(64), "label": "x".repeat(256) },
        { "id": "b", "label": "tab\there", "auth_type": "magic", "unknown": [{}], "last_status_at": [] },
        { "id": "c", "access_token": null, "auth_type": "", "source": "", "base_url": "" },
        { "id": "d", "access_token": "a\"\\\u{e9}", "expires_at": "never", "expires_at_ms": -1 },
    ]);
    let store = pool(&rows);
    assert_eq!(problems(&store), ["p[1] has an unknown `auth_type`, and is served as an API key"]);
    let rows = &store.pools["p"];
    assert_eq!(rows[1].label, "tab\u{fffd}here");
    assert_eq!((rows[2].source.as_str(), rows[2].tokens.base_url.as_deref()), ("manual", None));
    assert_eq!(rows[3].tokens.access_token.as_ref().expect("a secret").expose(), "a\"\\\u{e9}");
}

#[test]
fn what_stands_beside_the_pools_is_no_error() {
    let beside =
        json!({ "providers": ["canary"], "active_provider": 3, "suppressed_sources": { "p": [1, "s"], "q": 2 } });
    let odd = store(&beside);
    assert!(odd.logins.of("nous").is_none() && odd.active_provider.is_none() && odd.problems.is_empty());
    assert!(odd.is_suppressed("p", "s") && !odd.is_suppressed("q", "s"));
    let old = json!({ "systems": { "nous_portal": { "access_token": "canary" } } });
    assert!(store(&old).logins.of("nous").is_some());
    let both = json!({ "providers": {}, "systems": { "nous_portal": { "access_token": "canary" } } });
    assert!(store(&both).logins.of("nous").is_none(), "the older form is not looked at");
    assert!(!format!("{:?}", store(&old)).contains("canary"));
}

#[test]
fn files_that_are_no_store() {
    let cases: [(&[u8], StoreError); 7] = [
        (b"", StoreError::NotJson { line: 1, column: 0 }),
        (b"{\"a\": canary}", StoreError::NotJson { line: 1, column: 7 }),
        (b"{} {}", StoreError::NotJson { line: 1, column: 4 }),
        (b"[]", StoreError::NotAnObject),
        (b"\"canary\"", StoreError::NotAnObject),
        (b"{\"credential_pool\": []}", StoreError::NoPools),
        (b"{\"credential_pool\": \"canary\"}", StoreError::NoPools),
    ];
    for (text, error) in cases {
        assert_eq!(Store::parse(text, 9).expect_err("no store"), error, "{}", String::from_utf8_lossy(text));
    }
    for empty in ["{}", r#"{"providers": {}}"#, r#"{"credential_pool": null}"#, r#"{"credential_pool": {}}"#] {
        assert_eq!(Store::parse(empty.as_bytes(), 9).expect("a store").pools.len(), 0, "{empty}");
    }
}

#[test]
fn pools_that_make_no_sense_are_left_out() {
    let long = "x".repeat(257);
    let store = store(&json!({ "credential_pool": { "": [], "a\n": [], long: [], "b": {}, "c": null, "d": [] } }));
    assert_eq!(store.pools.keys().collect::<Vec<_>>(), ["d"]);
    assert_eq!(store.problems.len(), 5);
    assert!(store.problems.iter().all(|problem| !problem.place.contains('\n') && problem.place.len() < 100));
}

#[test]
fn rows_around_the_limit() {
    let text = json!({ "credential_pool": { "p": [{}, {}], "q": [{ "id": "a" }] } }).to_string();
    for (max_rows, good) in [(2, false), (3, true), (4, true)] {
        let parsed = Store::parse(text.as_bytes(), max_rows);
        assert!(if good { parsed.is_ok() } else { matches!(parsed, Err(StoreError::TooManyRows(2))) }, "{max_rows}");
    }
}

#[test]
fn a_hundred_thousand_rows_are_read() {
    let row = |index: usize| format!(r#"{{"id":"{index:06}","access_token":"sk-{index}","priority":{index}}}"#);
    let rows: Vec<_> = (0..100_000).map(row).collect();
    let text = |rows: &[String]| format!(r#"{{"credential_pool":{{"p":[{}]}}}}"#, rows.join(","));
    let store = Store::parse(text(&rows).as_bytes(), 100_000).expect("a store");
    assert_eq!((store.pools["p"].len(), store.problems.len()), (100_000, 0));
    let more = [rows, vec!["{}".to_owned()]].concat();
    assert!(matches!(Store::parse(text(&more).as_bytes(), 100_000), Err(StoreError::TooManyRows(100_000))));
}

#[test]
fn what_python_writes_for_numbers_that_are_none() {
    let text = br#"{"credential_pool": {"p": [{"id": "a", "label": "NaN", "last_status": "exhausted",
                   "last_status_at": 1795468000.0, "last_error_reset_at": Infinity, "x": [-Infinity, NaN]}]}}"#;
    let store = Store::parse(text, 9).expect("a store");
    let row = &store.pools["p"][0];
    assert_eq!(row.label, "NaN");
    let fact = row.notes.merge(None).fact.expect("a fact");
    assert_eq!(fact.until_ms, Some(1_795_468_000_000 + 3_600_000));
}

/// Any JSON, with a secret wherever there is a text.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::from("canary")),
        "canary\\PC{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

fn any_row() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "access_token",
        "refresh_token",
        "agent_key",
        "priority",
        "auth_type",
        "secret_fingerprint",
        "expires_at",
        "expires_at_ms",
        "last_status",
        "last_status_at",
        "last_error_code",
        "last_error_reason",
        "last_error_message",
        "last_error_reset_at",
        "request_count",
        "other",
    ]);
    let row = prop::collection::btree_map(names, any_json(), 0..8)
        .prop_map(|map| Value::from_iter(map.into_iter().map(|(name, value)| (name.to_owned(), value))));
    // The id of a row is public: leases, `status` and the log have it. It is no place to look for a leak.
    let other = any_json().prop_map(|mut value| {
        if let Some(row) = value.as_object_mut() {
            row.remove("id");
        }
        value
    });
    prop_oneof![9 => row, 1 => other]
}

#[test]
fn runtime_notes_print_no_text_of_theirs() {
    for runtime in [json!([{ "id": "canary" }]), json!({ "p": { "canary": {} } }), json!({ "canary": { "x": {} } })] {
        let text = json!({ "credential_pool": {}, "credential_pool_runtime": runtime }).to_string();
        let store = Store::parse(text.as_bytes(), 100).expect("a store");
        let printed = format!("{store:?}");
        assert!(!printed.contains("canary"), "{printed}");
    }
}

proptest! {
    #[test]
    fn no_row_spoils_others_or_shows_a_secret(rows in prop::collection::vec(any_row(), 0..6), runtime in any_json()) {
        let mut all = rows;
        all.push(json!({ "id": "good", "access_token": "canary" }));
        let text = json!({ "credential_pool": { "p": all }, "credential_pool_runtime": runtime }).to_string();
        let store = Store::parse(text.as_bytes(), 100).expect("a store");
        prop_assert!(store.pools["p"].iter().any(|row| row.id == "good"));
        let printed = format!("{store:?}");
        prop_assert!(!printed.contains("canary"), "{printed}");
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = Store::parse(&bytes, 10) {
            prop_assert!(error.to_string().len() < 100);
        }
    }

    #[test]
    fn ids_are_distinct(
        rows in prop::collection::vec(("[a-c]", -3..3_i64), 0..12).prop_map(|rows| {
            rows.into_iter().map(|(id, priority)| json!({ "id": id, "priority": priority })).collect::<Vec<_>>()
        })
    ) {
        let store = pool(&Value::from(rows.clone()));
        let kept = &store.pools["p"];
        let distinct: BTreeSet<_> = kept.iter().map(|row| row.id.as_str()).collect();
        prop_assert_eq!(distinct.len(), kept.len());
        prop_assert_eq!(kept.len() + store.problems.len(), rows.len());
    }
}
