use anstream::adapter::strip_str;
use serde_json::json;

use super::*;

const NOW: u64 = 1_795_471_600_000;

fn status(problems: &serde_json::Value) -> Status<'static> {
    let credential = |id: &str, label: &str, source: &str, state: &str| {
        json!({
            "id": id, "label": label, "auth_type": "api_key", "source": source, "priority": 0, "fingerprint": null,
            "epoch": "e1", "state": state, "cause": null, "until_at_ms": null, "restrictions": [], "leases": 0,
            "max_in_flight": 1, "cap": "soft", "grants": 0
        })
    };
    let mut work = credential("a1b2c3", "work", "manual", "ready");
    work["leases"] = json!(2);
    work["restrictions"] = json!([{
        "scope": "model", "model": "gpt-5.5", "kind": "rate_limit", "status": 429, "reason": null,
        "until_at_ms": NOW + 43_000, "phase": "closed", "strikes": 1
    }]);
    let mut spare = credential("d4e5f6", "spare", "env:A_VARIABLE_WITH_A_NAME_THAT_IS_LONG", "cooling");
    spare["cause"] = json!({"kind": "rate_limit", "status": 429, "reason": null});
    spare["until_at_ms"] = json!(NOW + 3_000_000);
    let mut broke = credential("0b0b0b", "broke", "device_code", "needs_login");
    broke["cause"] = json!({"kind": "dead", "status": 401, "reason": "token_revoked"});
    let value = json!({
        "server": "credpoold/0.1.0", "pid": 4711, "run": "r", "started_at_ms": NOW, "now_at_ms": NOW, "auth_file": null,
        "definitions": {"loaded_at_ms": NOW, "ok": true, "problems": problems, "problems_total": 0},
        "pools": [{
            "name": "openrouter", "strategy": "fill_first", "total": 3, "counts": {}, "leases": 2, "waiters": 0,
            "restrictions": [], "warnings": [], "credentials": [work, spare, broke]
        }],
        "next": null
    });
    serde_json::from_value(value).unwrap()
}

#[track_caller]
fn plain(status: &Status<'_>, next: Option<&'static str>) -> String {
    let next = next.map(|id| ("openrouter".into(), id.into())).into_iter().collect();
    let text = strip_str(&render(status, &next)).to_string();
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
    }
    text
}

#[test]
fn what_hermes_shows_and_what_it_hides() {
    assert_eq!(
        plain(&status(&json!([])), Some("a1b2c3")),
        "\
openrouter  3 credentials, fill_first
  #     LABEL  AUTH     SOURCE                       STATE          LEFT  ID
  1  ←  work   api_key  manual                       ● ready              a1b2c3
    └ gpt-5.5: rate limit 429, 43s left
    └ 2 leases out
  2     spare  api_key  env:A_VARIABLE_WITH_A_NAME…  ◐ cooling       50m  d4e5f6
    └ rate limit 429
  3     broke  api_key  device_code                  ✗ needs login     -  0b0b0b
    └ dead 401: token_revoked
"
    );
}

#[test]
fn rows_that_are_not_served_are_named_first_and_no_arrow_points_to_nobody() {
    let problems = json!([{"where": "auth.json, openrouter, row 4", "problem": "it has no id"}]);
    let text = plain(&status(&problems), None);
    assert!(text.starts_with("! auth.json, openrouter, row 4: it has no id\n\nopenrouter  3"), "{text}");
    assert!(!text.contains('←'), "{text}");
}
