use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_795_471_600_000;

#[track_caller]
fn rendered(entries: &Value, more: bool) -> String {
    let text = json!({"pool": "openrouter", "entries": entries, "more": more}).to_string();
    let history: History<'_> = serde_json::from_str(&text).unwrap();
    anstream::adapter::strip_str(&render(&history, NOW)).to_string()
}

#[test]
fn what_happened_stands_with_what_it_was_judged_by() {
    let entries = json!([
        {"at_ms": NOW - 43_000, "event": "reported", "credential": {"id": "a1b2c3@coder", "label": "work"},
         "model": "gpt-5.5", "scope": "account", "lease": 7, "kind": "rate_limit", "status": 429, "applied": true,
         "until_at_ms": NOW + 17_000, "strikes": 2, "rule": "http.429",
         "evidence": {"source": "header:retry-after", "raw": "60\u{1b}"}},
        {"at_ms": NOW - 60_000, "event": "reported", "credential": {"id": "d4e5f6", "label": ""}, "model": null,
         "scope": "none", "kind": "request", "status": 400, "applied": false, "why": "not_the_credentials_fault",
         "until_at_ms": null, "strikes": 0, "rule": "http.400"},
        {"at_ms": NOW - 120_000, "event": "spent", "credential": {"id": "a1b2c3", "label": "work"}, "model": null,
         "scope": "account", "lease": 8, "kind": "quota", "until_at_ms": NOW + 60_000, "rule": "window.spent",
         "evidence": {"source": "header:x-codex-primary-reset-at", "raw": "1795471660"}},
        {"at_ms": NOW - 3_600_000, "event": "disabled", "credential": {"id": "a1b2c3", "label": "work"},
         "model": null, "scope": "credential", "until_at_ms": NOW - 1, "note": "new key"},
        {"at_ms": NOW - 7_200_000, "event": "cleared", "credential": null, "model": null, "scope": "pool",
         "until_at_ms": null, "lifted": 1},
    ]);
    let expected = [
        "  AGO  WHAT            OF          LEFT  LABEL           ID",
        "  43s  rate limit 429  account      17s  work            a1b2c3@coder",
        "    └ by rule http.429 (header:retry-after 60\\u{1b}), 2 times in a row",
        "    └ model gpt-5.5",
        "   1m  request 400     nothing        -                  d4e5f6",
        "    └ by rule http.400",
        "    └ nothing has changed: it is not the credential's fault",
        "   2m  used up, quota  account       1m  work            a1b2c3",
        "    └ a response said so (header:x-codex-primary-reset-at 1795471660)",
        "   1h  disabled        credential  over  work            a1b2c3",
        "    └ new key",
        "   2h  cleared         pool           -  the whole pool",
        "    └ 1 restriction lifted",
        "  and more: see --limit",
    ];
    assert_eq!(rendered(&entries, true).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn nothing_is_said_to_be_nothing() {
    assert_eq!(rendered(&json!([]), false), "openrouter: nothing is remembered\n");
}

#[test]
fn what_a_newer_daemon_tells_is_shown_as_far_as_it_goes() {
    let entries = json!([{"at_ms": NOW, "event": "moved", "credential": null, "model": null, "scope": "galaxy",
                          "until_at_ms": null}]);
    assert!(rendered(&entries, false).contains("something that this version does not know  ?"));
}
