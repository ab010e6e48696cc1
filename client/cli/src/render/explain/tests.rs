use anstream::adapter::strip_str;
use serde_json::json;

use super::*;

const NOW: u64 = 1_795_471_600_000;

fn explained(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let cooling = json!({
        "scope": "account", "model": null, "kind": "rate_limit", "status": 429, "reason": null,
        "until_at_ms": NOW + 43_000, "phase": "closed", "strikes": 1
    });
    let mut value = json!({
        "pool": "openrouter", "model": null, "retry_at_ms": null, "total": 34,
        "choice": {"id": "a1b2c3", "label": "work", "chosen_by": "fill_first", "probe": false},
        "candidates": [
            {"id": "a1b2c3", "label": "work", "state": "ready", "eligible": true, "leases": 0},
            {"id": "d4e5f6", "label": "spare", "state": "cooling", "eligible": false, "leases": 2,
             "reasons": [{"obstacle": "restricted", "restriction": cooling}, {"obstacle": "at_cap"}]},
            {"id": "0b0b0b", "label": "x\u{1b}", "state": "ready", "eligible": false, "leases": 0,
             "reasons": [{"obstacle": "excluded"}]}
        ]
    });
    change(&mut value);
    let explanation: Explanation<'static> = serde_json::from_value(value).unwrap();
    strip_str(&render(&explanation, NOW)).to_string()
}

#[test]
fn the_choice_and_what_is_in_the_way_of_the_others() {
    assert_eq!(
        explained(|_| {}),
        "\
openrouter: work (a1b2c3) would be leased, chosen by fill first
  STATE      IN THE WAY                LABEL    ID
  ● ready    nothing                   work     a1b2c3
  ◐ cooling  rate limit 429, 43s left  spare    d4e5f6
    └ at its cap: 2 leases
  ● ready    excluded by the request   x\\u{1b}  0b0b0b
  and 31 more credentials
"
    );
}

#[test]
fn what_its_quota_does_stands_under_a_candidate() {
    let text = explained(|value| value["candidates"][0]["quota"] = json!("72 % of 5h is used, its tightest window"));
    assert!(
        text.contains("nothing                   work     a1b2c3\n    └ 72 % of 5h is used, its tightest"),
        "{text}"
    );
}

#[test]
fn whom_a_restriction_covers_and_what_says_so_stands_under_a_candidate() {
    let text = explained(|value| {
        value["candidates"][1]["reasons"][0]["message"] = json!(
            "rate limit of the whole pool, for model gpt-5.5 only, since 2 s ago, for another 41 s; HTTP 429; \
             openai.429.rate_limit_exceeded; header:retry-after said \"43\""
        );
    });
    assert!(
        text.contains(
            "rate limit 429, 43s left  spare    d4e5f6
    └ rate limit of the whole pool, for model gpt-5.5 only, since 2 s ago, for
      another 41 s; HTTP 429; openai.429.rate_limit_exceeded; header:retry-after
      said \"43\"
    └ at its cap: 2 leases
"
        ),
        "{text}"
    );
}

#[test]
fn no_choice_says_when_to_try_again() {
    let nothing = |retry_at_ms: serde_json::Value| {
        explained(move |value| {
            value["choice"] = json!(null);
            value["model"] = json!("gpt-5.5");
            value["retry_at_ms"] = retry_at_ms;
        })
    };
    assert!(nothing(json!(NOW + 43_000)).starts_with("openrouter: nothing to lease for gpt-5.5; try again in 43s\n"));
    assert!(
        nothing(json!(null))
            .starts_with("openrouter: nothing to lease for gpt-5.5, and no telling when there will be\n")
    );
}

#[test]
fn a_token_that_runs_out_is_told_under_its_row() {
    let text = explained(|value| value["candidates"][0]["secret_expires_at_ms"] = json!(NOW + 60_000));
    assert!(text.contains("work     a1b2c3\n    └ its token runs out in 1m\n"), "{text}");
}
