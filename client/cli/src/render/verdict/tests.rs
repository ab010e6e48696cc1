use anstream::adapter::strip_str;
use serde_json::json;

use super::*;

fn said(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut value = json!({
        "applied": true, "lease_ended": true,
        "verdict": {
            "kind": "rate_limit", "scope": "account", "model": null, "state": "cooling",
            "until_at_ms": 1_795_471_643_000_u64, "retry_after_ms": 43_000, "strikes": 1, "rule": "http.429",
            "evidence": {"source": "header:retry-after", "raw": "43\u{1b}"}
        }
    });
    change(&mut value);
    let reply: Reported = serde_json::from_value(value).unwrap();
    strip_str(&render(&reply)).to_string()
}

#[test]
fn a_verdict_says_what_happened_and_what_follows() {
    assert_eq!(
        said(|_| {}),
        "rate limit, by rule http.429 (header:retry-after 43\\u{1b})\n\
         The account is restricted for 43s; the credential is ◐ cooling.\n"
    );
    assert_eq!(
        said(|value| {
            value["verdict"]["scope"] = json!("model");
            value["verdict"]["model"] = json!("gpt-5.5");
            value["verdict"]["state"] = json!("ready");
            value["verdict"]["evidence"] = json!(null);
        }),
        "rate limit, by rule http.429\n\
         The credential, for gpt-5.5, is restricted for 43s; the credential is ● ready.\n"
    );
    assert_eq!(
        said(|value| {
            let verdict = &mut value["verdict"];
            verdict["kind"] = json!("dead");
            verdict["scope"] = json!("credential");
            verdict["state"] = json!("needs_login");
            verdict["until_at_ms"] = json!(null);
            verdict["retry_after_ms"] = json!(null);
            verdict["evidence"] = json!(null);
        }),
        "dead, by rule http.429\n\
         The credential is restricted until a person helps; the credential is ✗ needs login.\n"
    );
}

#[test]
fn a_report_that_changes_nothing_says_why() {
    let not_applied = |value: &mut serde_json::Value| {
        value["applied"] = json!(false);
        value["why"] = json!("cleared_since");
        value["ended_by"] = json!("ttl");
    };
    assert!(said(not_applied).ends_with(
        "\nNothing has changed: the credential has been cleared since it was leased.\n\
         The lease had ended before, by ttl.\n"
    ));
    assert!(
        said(|value| {
            value["duplicate"] = json!(true);
            value["ended_by"] = json!("report");
        })
        .ends_with("\nSaid before: nothing has changed.\n")
    );
}
