use anstream::adapter::strip_str;

use super::*;

/// What is said of an event at half past midnight, without colours.
fn said(event: &str) -> String {
    let line = format!(r#"{{{event},"seq":1,"at_ms":1795480200000}}"#);
    let line: EventLine<'static> = serde_json::from_str(&line).unwrap();
    strip_str(&in_zone(&line, &TimeZone::UTC)).to_string()
}

#[test]
fn leases_are_told_with_who_has_them() {
    let leased = r#""event":"leased","pool":"openrouter","credential":"a1b2c3","label":"work","lease":7,"model":"gpt-5.5",
        "class":"interactive","chosen_by":"fill_first","probe":true,"detached":true,"waiter":3,"expires_at_ms":1,
        "holder":{"client":"agent/1","pid":123,"uid":0}"#;
    assert_eq!(
        said(leased),
        "00:30:00  leased       openrouter  work a1b2c3  lease 7 for gpt-5.5, as a probe, detached, to request 3, agent/1 (pid 123)"
    );
    let ended = r#""pool":"openrouter","credential":"a1b2c3","label":"work","lease":7,"held_ms":61000"#;
    assert_eq!(
        said(&format!(r#""event":"released",{ended},"ended_by":"report""#)),
        "00:30:00  released     openrouter  work a1b2c3  lease 7 after 1m 1s, by report"
    );
    assert!(said(&format!(r#""event":"reclaimed",{ended},"ended_by":"connection""#)).contains("reclaimed"));
}

#[test]
fn restrictions_are_told_with_whom_they_cover() {
    let told = |event: &str, model: &str, ids: &str| {
        said(&format!(
            r#""event":"{event}","pool":"openrouter","credentials":{ids},"restriction":{{"scope":"account","model":{model},
               "kind":"rate_limit","status":429,"reason":null,"until_at_ms":1795480243000,"phase":"closed","strikes":1}}"#
        ))
    };
    assert_eq!(
        told("restricted", "null", r#"["a1b2c3","d4e5f6"]"#),
        "00:30:00  restricted   openrouter  a1b2c3  d4e5f6: rate limit 429, 43s left"
    );
    assert_eq!(
        told("cleared", "\"gpt-5.5\"", "[]"),
        "00:30:00  cleared      openrouter  the whole pool for gpt-5.5: no rate limit any more"
    );
}

#[test]
fn all_others_have_a_line_too() {
    for (event, expected) in [
        (
            r#""event":"waiting","pool":"p","waiter":3,"model":null,"class":"background","holder":null"#,
            "waiting      p  request 3",
        ),
        (r#""event":"gave_up","pool":"p","waiter":3,"code":"timeout""#, "gave up      p  request 3: timeout"),
        (r#""event":"gave_up","pool":"p","waiter":3,"code":null"#, "gave up      p  request 3: its connection is gone"),
        (
            r#""event":"definitions","added":1,"removed":2,"changed":0"#,
            "definitions  1 credential added, 2 removed, 0 changed",
        ),
        (r#""event":"warning","where":"a\u001bb","problem":"bad""#, "warning      a\\u{1b}b: bad"),
        (r#""event":"sung""#, "?            something that this version does not know"),
    ] {
        assert_eq!(said(event), format!("00:30:00  {expected}"), "{event}");
    }
}
