use serde_json::{Value, json};

use super::*;

fn page(next: Option<&str>, pools: &[(&str, &[&str])]) -> Status<'static> {
    let credential = |id: &&str| {
        json!({
            "id": id, "label": id, "auth_type": "api_key", "source": "manual", "priority": 0, "fingerprint": null,
            "epoch": "e", "state": "ready", "cause": null, "until_at_ms": null, "restrictions": [], "leases": 0,
            "max_in_flight": 1, "cap": "soft", "grants": 0
        })
    };
    let pool = |(name, ids): &(&str, &[&str])| {
        json!({
            "name": name, "strategy": "random", "total": 9, "counts": {}, "leases": 0, "waiters": 0,
            "restrictions": [], "warnings": [], "credentials": ids.iter().map(credential).collect::<Vec<Value>>()
        })
    };
    serde_json::from_value(json!({
        "server": "s", "pid": 1, "run": "r", "started_at_ms": 1, "now_at_ms": 2, "auth_file": null,
        "definitions": {"loaded_at_ms": null, "ok": true, "problems": [], "problems_total": 0},
        "pools": pools.iter().map(pool).collect::<Vec<Value>>(), "next": next
    }))
    .unwrap()
}

#[test]
fn a_pool_that_goes_on_over_a_page_is_one_pool() {
    let mut status = page(Some("1"), &[("a", &["1"]), ("b", &["2", "3"])]);
    append(&mut status, page(Some("2"), &[("b", &["4"])]));
    append(&mut status, page(None, &[("b", &[]), ("c", &["5"])]));
    let pools: Vec<_> = status
        .pools
        .iter()
        .map(|pool| (&*pool.name, pool.credentials.iter().map(|credential| &*credential.id).collect::<Vec<_>>()))
        .collect();
    assert_eq!(pools, [("a", vec!["1"]), ("b", vec!["2", "3", "4"]), ("c", vec!["5"])]);
    assert_eq!(status.next, None);
}
