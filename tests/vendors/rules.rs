//! What the rules make of the corpus, without a daemon around them.

use credpool_verdict::{Context, Facts, Hint, QuotaWindow, Scope, classify, quota_windows};

use crate::row::{self, Row, Via};

/// A window up to this long is a rate limit's; a longer one is a quota's.
const RATE_LIMIT_MS: u64 = 60_000;

/// What came out, in the corpus' words.
struct Outcome {
    /// `None` if the answer does not tell.
    kind: Option<&'static str>,
    scope: &'static str,
    until_ms: Option<u64>,
}

#[test]
fn the_rules_come_to_what_is_expected() {
    let rows = row::all();
    let mut misses = Vec::new();
    let (mut kinds, mut scopes, mut deadlines) = (0, 0, 0);
    for row in &rows {
        let outcome = outcome(row);
        let kind = outcome.kind.is_none_or(|kind| kind == row.expect.kind);
        let scope = outcome.scope == row.expect.scope;
        let deadline = is_in_time(outcome.until_ms, row);
        kinds += usize::from(kind);
        scopes += usize::from(scope);
        deadlines += usize::from(deadline);
        if !(kind && scope && deadline) {
            let wait = outcome.until_ms.map(|until| row.wait_ms(until));
            misses.push(format!("{} {} {wait:?} for {row}", outcome.kind.unwrap_or("?"), outcome.scope));
        }
    }
    assert!(
        misses.is_empty(),
        "{} of {} rows are met: {kinds} kinds, {scopes} scopes, {deadlines} deadlines\n{}",
        rows.len() - misses.len(),
        rows.len(),
        misses.join("\n")
    );
}

fn outcome(row: &Row) -> Outcome {
    let headers: Vec<_> = row.response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let json = row.response.body.as_ref().map(serde_json::Value::to_string);
    let body = json.as_ref().or(row.response.body_text.as_ref());
    let facts = Facts {
        status: row.response.status,
        headers: &headers,
        body: body.map(String::as_str),
        message: row.client.message.as_deref(),
        code: row.client.code.as_deref(),
        kind: row.client.kind.as_deref(),
        model: row.model.as_deref(),
        ..Facts::default()
    };
    let context =
        Context { now_wall_ms: row.now_ms(), pool: &row.provider.pool, base_url: row.provider.base_url.as_deref() };
    match row.via {
        Via::ReportError => {
            let verdict = classify(&facts, &context);
            Outcome {
                kind: Some(verdict.kind.as_str()),
                scope: scope(verdict.scope, verdict.model),
                until_ms: verdict.hint.and_then(|hint| until(hint, row)),
            }
        }
        Via::Release => released(&quota_windows(&facts, &context), row),
    }
}

/// A success restricts what its spent windows count, until the last of them begins anew.
fn released(windows: &[QuotaWindow], row: &Row) -> Outcome {
    let spent: Vec<_> = windows.iter().filter(|window| window.spent).collect();
    let Some(last) = spent.iter().max_by_key(|window| window.resets.and_then(|resets| until(resets, row))) else {
        return Outcome { kind: Some("unknown"), scope: "none", until_ms: None };
    };
    Outcome {
        kind: last.length_ms.map(|length| if length <= RATE_LIMIT_MS { "rate_limit" } else { "quota" }),
        scope: scope(Scope::Account, spent.iter().all(|window| window.model)),
        until_ms: last.resets.and_then(|resets| until(resets, row)),
    }
}

/// Never early; late by a second at most, or by what the answer's own rounding leaves open.
fn is_in_time(until_ms: Option<u64>, row: &Row) -> bool {
    match (until_ms, row.deadline_ms()) {
        (None, None) => true,
        (Some(until), Some(expected)) => {
            (expected..=expected + row.expect.slack_ms.max(row::SLACK_MS)).contains(&until)
        }
        _ => false,
    }
}

fn until(hint: Hint, row: &Row) -> Option<u64> {
    hint.at_ms.max(hint.after_ms.map(|wait| row.now_ms() + wait))
}

fn scope(scope: Scope, model: bool) -> &'static str {
    match (scope, model) {
        (Scope::Credential, false) => "credential",
        (Scope::Credential, true) => "model",
        (Scope::Account, false) => "account",
        (Scope::Account, true) => "account_model",
        (Scope::Pool, false) => "pool",
        (Scope::Pool, true) => "pool_model",
        (Scope::None, _) => "none",
    }
}
