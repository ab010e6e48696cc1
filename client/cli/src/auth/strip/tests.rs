use proptest::prelude::*;

use super::*;

#[track_caller]
fn stripped(text: &str) -> Stripped {
    strip(text).unwrap()
}

#[track_caller]
fn becomes(text: &str, expected: &str) {
    assert_eq!(stripped(text).text, expected);
}

fn pool(row: &str) -> String {
    format!(r#"{{"credential_pool": {{"p": [{row}]}}}}"#)
}

#[test]
fn the_notes_go_and_the_form_stays() {
    let before = r#"{
  "version": 1,
  "credential_pool": {
    "openrouter": [
      {
        "last_status": "exhausted",
        "id": "a1",
        "last_status_at": 1795468000.12,
        "l\u00e4bel": "last_status",
        "access_token": "sk-1",
        "last_error_code": 429,
        "last_error_reason": null,
        "last_error_message": "a \"quoted\" }, ",
        "last_error_reset_at": Infinity,
        "last_error_future": 1.50e+2,
        "request_count": 12
      }
    ]
  },
  "credential_pool_runtime": {"openrouter": {"a1": {"last_status": "dead"}}},
  "updated_at": "2026-11-23T21:20:39.530077+00:00"
}
"#;
    let after = r#"{
  "version": 1,
  "credential_pool": {
    "openrouter": [
      {
        "id": "a1",
        "l\u00e4bel": "last_status",
        "access_token": "sk-1",
        "last_error_future": 1.50e+2
      }
    ]
  },
  "updated_at": "2026-11-23T21:20:39.530077+00:00"
}
"#;
    let Stripped { text, removed } = stripped(before);
    assert_eq!(text, after);
    let row = RowName { pool: "openrouter".to_owned(), id: Some("a1".to_owned()), place: 0 };
    let of_row = Removed { row: Some(row), fields: FIELDS.to_vec(), benches: true };
    let beside = Removed { row: None, fields: vec![RUNTIME], benches: true };
    assert_eq!(removed, [of_row, beside]);
    assert_eq!(stripped(after).removed, []);
}

#[test]
fn notes_go_from_wherever_they_stand_in_a_row() {
    for (before, after) in [
        (r#"{"request_count": 1}"#, "{}"),
        (r#"{ "request_count": 1, "last_status": null }"#, "{}"),
        (r#"{ "request_count": 1, "last_status": null, "id": "a" }"#, r#"{ "id": "a" }"#),
        (r#"{"id":"a","request_count":1}"#, r#"{"id":"a"}"#),
        (r#"{"id": "a", "request_count": 1, "x": [1], "last_status": {"id": 2}}"#, r#"{"id": "a", "x": [1]}"#),
        (r#"{"request_count": 1, "id": "a", "request_count": 2, "id": "b"}"#, r#"{"id": "a", "id": "b"}"#),
        (r#"{"last\u005fstatus": "ok", "id": "a"}"#, r#"{"id": "a"}"#),
    ] {
        becomes(&pool(before), &pool(after));
    }
    becomes(r#"{"credential_pool_runtime": []}"#, "{}");
}

#[test]
fn the_same_names_elsewhere_stay() {
    for text in [
        r#"{"last_status": 1, "request_count": 2}"#,
        r#"{"providers": {"nous": {"last_status": "ok", "credential_pool_runtime": {}}}}"#,
        r#"{"credential_pool": {"last_status": [], "credential_pool_runtime": []}}"#,
        r#"{"credential_pool": {"p": {"last_status": 1}, "q": [[{"last_status": 1}], "last_status", null]}}"#,
        r#"{"credential_pool": [{"last_status": 1}]}"#,
        r#"{"credential_pool": null}"#,
        "{}",
    ] {
        let Stripped { text: left, removed } = stripped(text);
        assert_eq!((left.as_str(), removed), (text, vec![]));
    }
    let nested = pool(r#"{"id": "a", "tls": {"last_status": 1, "request_count": 2}}"#);
    becomes(&nested, &nested);
}

#[test]
fn what_python_writes_beyond_json_is_kept() {
    let row = r#"{"a": NaN, "b": -Infinity,"c":[Infinity], "d": "NaN"}"#;
    becomes(&pool(row), &pool(row));
}

#[test]
fn what_is_no_store_is_refused_without_repeating_it() {
    for text in
        ["", "sk-1", "{\"a\": sk-1}", "{\"a\": 1", "{} {}", "{\"a\": 1NaN}", "{\"a\": NaN1}", "{\"a\": -NaN}", "{,}"]
    {
        let problem = strip(text).unwrap_err();
        assert!(problem.starts_with("is not JSON, at line 1, column ") && !problem.contains("sk"), "{text}: {problem}");
    }
    for text in ["[]", "null", "\"{}\"", "NaN"] {
        assert_eq!(strip(text).unwrap_err(), "is not a JSON object");
    }
}

#[test]
fn it_is_told_whether_a_credential_is_benched() {
    for (row, benches) in [
        (r#"{"last_status": "exhausted"}"#, true),
        (r#"{"last_status": "ok", "last_status": "dead"}"#, true),
        (r#"{"last_status": "dead", "last_status": "ok"}"#, false),
        (r#"{"last_status": null, "last_error_code": 429}"#, false),
        (r#"{"request_count": 7}"#, false),
    ] {
        assert_eq!(stripped(&pool(row)).removed[0].benches, benches, "{row}");
    }
    assert!(!stripped(r#"{"credential_pool_runtime": {}}"#).removed[0].benches);
}

/// A member as text, and whether it is a note.
type Member = (String, bool);

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("NaN".to_owned()),
        Just("-Infinity".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?(e[+-][0-9]{1,3})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(r#""\ud83d\ude00 \ud800 \/""#.to_owned()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![name(), proptest::sample::select(&FIELDS[..]).prop_map(str::to_owned)];
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..4), space())
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},{space}")))),
            (proptest::collection::vec((name, inner), 0..4), space()).prop_map(|(members, space)| {
                let members = members.iter().map(|(name, value)| format!("\"{name}\"{space}:{space}{value}"));
                format!("{{{space}{}{space}}}", members.collect::<Vec<_>>().join(&format!(",{space}")))
            }),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]{1,6}|last_statu|request_counts|last_error_x|\\\\u0041|\\\\\"\\{"
}

fn space() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["", " ", "\n  ", "\t"][..])
}

fn row() -> impl Strategy<Value = Vec<Member>> {
    let kept = (name(), value()).prop_map(|(name, value)| (format!("\"{name}\": {value}"), false));
    let note = (proptest::sample::select(&FIELDS[..]), value())
        .prop_map(|(name, value)| (format!("\"{name}\": {value}"), true));
    proptest::collection::vec(prop_oneof![kept, note], 0..8)
}

/// A store of these rows in `pools` pools, with or without their notes.
fn store(rows: &[Vec<Member>], beside: &[Member], gap: &str, with_notes: bool) -> String {
    let object = |members: &[Member]| {
        let left: Vec<_> = members.iter().filter(|(_, note)| with_notes || !note).map(|(text, _)| &**text).collect();
        // An object that has lost all is left without even a space.
        if left.is_empty() && !members.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{{gap}{}{gap}}}", left.join(&format!(",{gap}")))
        }
    };
    let rows: Vec<_> = rows.iter().map(|row| object(row)).collect();
    let mut root = beside.to_vec();
    let pools = format!("\"credential_pool\":{gap}{{\"p\": [{}], \"q\": [7, {{}}]}}", rows.join(", "));
    root.insert(root.len() / 2, (pools, false));
    object(&root)
}

fn beside() -> impl Strategy<Value = Vec<Member>> {
    let kept = (name(), value()).prop_map(|(name, value)| (format!("\"{name}\": {value}"), false));
    let runtime = value().prop_map(|value| (format!("\"{RUNTIME}\": {value}"), true));
    proptest::collection::vec(prop_oneof![4 => kept, 1 => runtime], 0..6)
}

proptest! {
    #[test]
    fn nothing_but_notes_goes(rows in proptest::collection::vec(row(), 0..5), beside in beside(), gap in space()) {
        let before = store(&rows, &beside, gap, true);
        let Stripped { text, removed } = strip(&before).map_err(|problem| TestCaseError::fail(format!("{problem}: {before}")))?;
        prop_assert_eq!(&text, &store(&rows, &beside, gap, false), "of {}", before);
        let notes = rows.iter().flatten().chain(&beside).filter(|(_, note)| *note).count();
        prop_assert_eq!(removed.iter().map(|removed| removed.fields.len()).sum::<usize>(), notes);
        let again = strip(&text).map_err(TestCaseError::fail)?;
        prop_assert_eq!((&again.text, again.removed.len()), (&text, 0));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-{}\\[\\]:,\" a1NIfinityéa\\\\]{0,40}") {
        if let Ok(stripped) = strip(&text) {
            prop_assert_eq!(stripped.text, text);
        }
    }
}
