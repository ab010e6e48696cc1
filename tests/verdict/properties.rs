//! No input, however broken, makes the classifier panic, promise the past or the far future, or eat memory. The inputs
//! are real shapes, taken apart, cut, nested and soiled; random bytes alone would hardly get past the first brace.

use std::collections::BTreeMap;

use credpool_verdict::{
    Context, Facts, Hint, Kind, MAX_EVIDENCE_BYTES, MAX_HINT_MS, MAX_WINDOW_NAME_BYTES, MAX_WINDOWS, Scalar, Scope,
    Verdict, classify, judge, quota_windows,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::shape::NOW;

const POOLS: &[&str] = &[
    "openai",
    "openai-codex",
    "anthropic",
    "gemini",
    "vertex",
    "google-gemini-cli",
    "openrouter",
    "groq",
    "mistral",
    "xai",
    "deepseek",
    "azure",
    "cerebras",
    "bedrock",
    "copilot",
    "zai",
    "minimax",
    "custom:mine",
];

const HEADERS: &[&str] = &[
    "retry-after",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-exceeded",
    "ratelimit-remaining",
    "ratelimit",
    "ratelimit-policy",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-unified-status",
    "anthropic-ratelimit-unified-reset",
    "anthropic-ratelimit-unified-representative-claim",
    "anthropic-ratelimit-unified-5h-status",
    "anthropic-ratelimit-unified-5h-reset",
    "anthropic-ratelimit-unified-7d_oi-status",
    "anthropic-ratelimit-unified-7d_oi-utilization",
    "x-codex-primary-used-percent",
    "x-codex-primary-reset-at",
    "x-codex-primary-window-minutes",
    "x-codex-bengalfox-secondary-used-percent",
    "x-codex-active-limit",
    "x-codex-rate-limit-reached-type",
    "x-error-json",
    "x-quota-snapshot-chat",
    "x-usage-ratelimit-weekly",
    "x-amzn-errortype",
    "cf-mitigated",
    "date",
];

const OF_ONE_WINDOW: &[&str] = &[
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "ratelimit-remaining",
];

const KEYS: &[&str] = &[
    "error",
    "code",
    "type",
    "status",
    "message",
    "detail",
    "details",
    "reason",
    "metadata",
    "violations",
    "quotaId",
    "quotaValue",
    "retryDelay",
    "seconds",
    "nanos",
    "quotaResetDelay",
    "quotaResetTimeStamp",
    "resets_at",
    "resets_in_seconds",
    "retry_after",
    "retry_after_ms",
    "base_resp",
    "status_code",
    "response",
    "headers",
    "retry-after",
    "limit_source",
    "provider_name",
    "finish_reason",
    "choices",
    "rate_limits",
    "metered_limit_name",
    "credits",
    "has_credits",
    "primary",
    "used_percent",
    "reset_at",
    "throttlingException",
    "x",
];

const WORDS: &[&str] = &[
    "insufficient_quota",
    "rate_limit_exceeded",
    "usage_limit_reached",
    "RESOURCE_EXHAUSTED",
    "overloaded_error",
    "enforced_spend_limit_reached",
    "rejected",
    "five_hour",
    "codex_bengalfox",
    "ent=300&ovPerm=false&rem=0.0&rst=2026-11-24T00%3A00%3A00Z",
    "eyJlcnJvciI6eyJjb2RlIjoidG9rZW5fcmV2b2tlZCJ9fQ==",
    "\"api\";r=0;t=",
    "\"fixed window\";\"api\";q=500;w=",
    "ThrottlingException",
    "GenerateRequestsPerDayPerProjectPerModel",
    "1308",
    "429",
    "You exceeded your current quota",
    "Please try again in ",
    "resets at ",
    "Error code: 429 - ",
    "free-models-per-day",
];

/// Times as vendors write them, and as nobody should.
fn time() -> BoxedStrategy<String> {
    prop_oneof![
        "[0-9]{1,4}(ms|s|m|h|d)",
        "[0-9]{1,3}h[0-9]{1,2}m[0-9]{1,2}\\.[0-9]{1,12}s",
        "[0-9]{1,9}(\\.[0-9]{1,9})?",
        "1795[0-9]{6}([0-9]{3})?",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-][0-2][0-9]:[0-5][0-9])?",
        "(Mon|Sun), [0-3][0-9] (Jan|Nov) 20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT",
        "Nov [0-9]{1,2}, 2026 at [0-9]{1,2}:[0-5][0-9] (AM|PM)",
        select(&["", "0", "-1", "nan", "inf", "1e400", "-5s", "9999999999999999999999999999s", "é"][..])
            .prop_map(str::to_owned),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
    ]
    .boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        3 => select(WORDS).prop_map(str::to_owned),
        3 => time(),
        2 => (select(WORDS), time()).prop_map(|(words, time)| format!("{words}{time}")),
        1 => any::<String>(),
        1 => "[{}\\[\\]\"':,\\\\ a-z]{0,40}",
    ]
    .boxed()
}

/// A JSON text of known keys and telling values.
fn json() -> BoxedStrategy<String> {
    let quoted = |text: String| format!("\"{}\"", text.escape_default());
    let leaf = prop_oneof![
        text().prop_map(quoted),
        any::<i64>().prop_map(|number| number.to_string()),
        (1e9..2e12).prop_map(|number: f64| number.to_string()),
        select(&["null", "true", "None", "0", "429"][..]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            3 => vec((select(KEYS), inner.clone()), 0..6).prop_map(|fields| {
                let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
            1 => vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            1 => inner.prop_map(quoted),
        ]
    })
    .boxed()
}

/// A body as it may reach us.
fn body() -> BoxedStrategy<String> {
    let form = prop_oneof![
        json(),
        json().prop_map(|json| json.replace('"', "'")),
        json().prop_map(|json| format!("event: error\ndata: {json}\n\ndata: [DONE]\n")),
        json().prop_map(|json| format!("Error code: 429 - {json}")),
        json().prop_map(|json| format!("\"{}\"", json.escape_default())),
        text(),
        text().prop_map(|text| format!("<!DOCTYPE html>{text}")),
    ];
    // Cut anywhere, and soiled anywhere.
    (form, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<char>(), 0_u8..4)
        .prop_map(|(mut body, cut, soil, dirt, how)| {
            if how & 1 == 1 && !body.is_empty() {
                body.truncate(body.floor_char_boundary(cut.index(body.len())));
            }
            if how & 2 == 2 && !body.is_empty() {
                let at = body.floor_char_boundary(soil.index(body.len()));
                body.insert(at, dirt);
            }
            body
        })
        .boxed()
}

/// A report, owned.
#[derive(Clone, Debug)]
struct Report {
    pool: &'static str,
    status: Option<u16>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    message: Option<String>,
    kind: Option<&'static str>,
    model: bool,
    reset_at: Option<f64>,
    now: u64,
}

impl Report {
    fn judge<T>(&self, judge: impl FnOnce(&Facts<'_>, &Context<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let facts = Facts {
            status: self.status,
            headers: &headers,
            body: self.body.as_deref(),
            message: self.message.as_deref(),
            kind: self.kind,
            model: self.model.then_some("m"),
            reset_at: self.reset_at.map(Scalar::Number),
            ..Facts::default()
        };
        judge(&facts, &Context { now_wall_ms: self.now, pool: self.pool, base_url: None })
    }
}

/// Headers of all sorts, or those that speak of one window.
fn headers() -> BoxedStrategy<BTreeMap<&'static str, String>> {
    let value = || prop_oneof![4 => text(), 2 => "[0-9]{1,2}", 1 => Just("0".to_owned())];
    prop_oneof![
        3 => btree_map(select(HEADERS), value(), 0..10),
        1 => btree_map(select(OF_ONE_WINDOW), value(), 2..=OF_ONE_WINDOW.len()),
    ]
    .boxed()
}

fn report() -> BoxedStrategy<Report> {
    (
        select(POOLS),
        prop::option::of(prop_oneof![Just(429), Just(200), Just(403), any::<u16>()]),
        headers(),
        prop::option::of(body()),
        prop::option::weighted(0.3, body()),
        prop::option::weighted(0.1, select(&["rate_limit", "dead", "timeout", "gremlins"][..])),
        any::<bool>(),
        prop::option::weighted(0.2, prop_oneof![any::<f64>(), 0.0..2e12]),
        prop_oneof![9 => Just(NOW), 1 => any::<u64>()],
    )
        .prop_map(|(pool, status, headers, body, message, kind, model, reset_at, now)| Report {
            pool,
            status,
            headers: headers.into_iter().collect(),
            body,
            message,
            kind,
            model,
            reset_at,
            now,
        })
        .boxed()
}

fn is_plausible(hint: Hint, now: u64) -> bool {
    let after = hint.after_ms.is_none_or(|ms| (1..=MAX_HINT_MS).contains(&ms));
    let at = hint.at_ms.is_none_or(|ms| ms > now && ms - now <= MAX_HINT_MS);
    after && at && (hint.after_ms.is_some() || hint.at_ms.is_some())
}

proptest! {
    #[test]
    fn no_deadline_is_past_or_implausible(report in report()) {
        let verdict = report.judge(classify);
        if let Some(hint) = verdict.hint {
            prop_assert!(is_plausible(hint, report.now), "{:?}", hint);
        }
        for window in report.judge(quota_windows) {
            let until = window.wait.as_ref().and_then(|wait| wait.until);
            let said = [window.resets, until].into_iter().flatten();
            prop_assert!(said.into_iter().all(|hint| is_plausible(hint, report.now)), "{:?}", window);
        }
    }

    #[test]
    fn what_is_kept_is_bounded(report in report()) {
        let verdict = report.judge(classify);
        if let Some(evidence) = verdict.evidence {
            prop_assert!(evidence.raw.len() <= MAX_EVIDENCE_BYTES && evidence.source.len() <= 135);
            prop_assert!(!evidence.raw.chars().any(char::is_control));
        }
        let windows = report.judge(quota_windows);
        prop_assert!(windows.len() <= MAX_WINDOWS);
        for window in windows {
            prop_assert!(window.name.len() <= MAX_WINDOW_NAME_BYTES && window.name.is_ascii(), "{}", window.name);
            prop_assert!(window.used_permille.is_none_or(|used| used <= 10_000));
            prop_assert!(window.wait.is_none_or(|wait| wait.evidence.raw.len() <= MAX_EVIDENCE_BYTES));
        }
    }

    #[test]
    fn a_verdict_agrees_with_itself(report in report()) {
        let verdict = report.judge(classify);
        let harmless = matches!(verdict.kind, Kind::Request | Kind::Cancelled | Kind::Unknown);
        prop_assert!(!harmless || verdict.scope == Scope::None && verdict.hint.is_none(), "{:?}", verdict);
        prop_assert!(!verdict.model || report.model, "a model that nobody named: {:?}", verdict);
        prop_assert_eq!(&verdict, &report.judge(classify));
    }

    #[test]
    fn windows_agree_with_themselves(report in report()) {
        let windows = report.judge(quota_windows);
        prop_assert_eq!(&windows, &report.judge(judge).1);
        for window in windows {
            prop_assert!(window.spent || window.wait.is_none(), "{:?}", window);
            prop_assert!(!window.spent || window.family.is_none(), "{:?}", window);
            prop_assert!(!window.model || report.model || window.refills || !window.spent, "{:?}", window);
            let kind = window.wait.map(|wait| wait.kind);
            prop_assert!(matches!(kind, None | Some(Kind::RateLimit | Kind::Quota)), "{:?}", kind);
        }
    }

    #[test]
    fn the_order_of_headers_does_not_matter(report in report(), seed in any::<prop::sample::Index>()) {
        let mut other = report.clone();
        if !other.headers.is_empty() {
            let by = seed.index(other.headers.len());
            other.headers.rotate_left(by);
            other.headers.reverse();
        }
        let (left, right) = (report.judge(classify), other.judge(classify));
        let told = |verdict: Verdict| (verdict.kind, verdict.scope, verdict.model, verdict.hint);
        prop_assert_eq!(told(left), told(right));
        prop_assert_eq!(report.judge(quota_windows), other.judge(quota_windows));
    }

    #[test]
    fn words_never_mean_for_good(words in vec(gone(), 1..8), pool in select(POOLS)) {
        let text = words.join(" ");
        let (body, message) = (format!("it said {text} ."), format!("so {text} ."));
        let report = Report { body: Some(body), message: Some(message), ..plain(pool, 401) };
        prop_assert_ne!(report.judge(classify).kind, Kind::Dead);
    }

    #[test]
    fn what_is_cut_off_is_no_other_time(
        (minutes, seconds) in (1_u32..1_000, 1_u32..60),
        place in select(&[r#""message":"Please try again in {}""#, r#""retry_after":"{}""#, r#""resets_in_seconds":{}"#][..]),
        length in any::<prop::sample::Index>(),
    ) {
        let time = if place.ends_with('"') { format!("{minutes}m{seconds}s") } else { (60 * minutes + seconds).to_string() };
        let hint = place.replace("{}", &time);
        let body = format!(r#"{{"error":{{"code":"rate_limit_exceeded",{hint}}}}}"#);
        let report = |body: &str| Report { body: Some(body.to_owned()), ..plain("custom:mine", 429) };
        let cut = &body[..length.index(body.len())];
        let hint = report(cut).judge(classify).hint;
        prop_assert!(hint.is_none() || hint == report(&body).judge(classify).hint, "{}: {:?}", cut, hint);
    }
}

/// Words that would be terminal if they were codes, among others.
fn gone() -> BoxedStrategy<String> {
    let terminal = select(&["token_revoked", "invalid_grant", "account_deactivated", "revoked", "for ever"][..]);
    prop_oneof![terminal.prop_map(str::to_owned), "[a-z ]{0,10}"].boxed()
}

/// A report of a status and nothing else.
fn plain(pool: &'static str, status: u16) -> Report {
    Report {
        pool,
        status: Some(status),
        headers: Vec::new(),
        body: None,
        message: None,
        kind: None,
        model: false,
        reset_at: None,
        now: NOW,
    }
}
