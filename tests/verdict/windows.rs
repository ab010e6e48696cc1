//! What is left, by what responses say.

use credpool_verdict::{Evidence, Hint, Kind, MAX_WINDOWS, QuotaWindow, Wait};

use crate::shape::{NOW, Shape};

mod families;
mod nonsense;
mod structured;

fn window(name: &str) -> QuotaWindow {
    QuotaWindow {
        name: name.to_owned(),
        model: false,
        family: None,
        limit: None,
        remaining: None,
        used_permille: None,
        length_ms: None,
        resets: None,
        refills: false,
        spent: false,
        wait: None,
    }
}

fn after(ms: u64) -> Option<Hint> {
    Some(Hint { after_ms: Some(ms), at_ms: None })
}

fn at(ms: u64) -> Option<Hint> {
    Some(Hint { after_ms: None, at_ms: Some(ms) })
}

fn wait(kind: Kind, until: Option<Hint>, source: &'static str, raw: &str) -> Option<Wait> {
    let evidence = Evidence { source: source.into(), raw: raw.to_owned() };
    Some(Wait { kind, until, evidence })
}

#[test]
fn openais_buckets() {
    let windows = Shape::of("openai")
        .status(200)
        .header("x-ratelimit-limit-requests", "60")
        .header("x-ratelimit-remaining-requests", "59")
        .header("x-ratelimit-reset-requests", "1s")
        .header("x-ratelimit-limit-tokens", "150000")
        .header("x-ratelimit-remaining-tokens", "0")
        .header("x-ratelimit-reset-tokens", "6m0s")
        .windows();
    let bucket = |name| QuotaWindow { model: true, refills: true, ..window(name) };
    assert_eq!(
        windows,
        [
            QuotaWindow {
                limit: Some(60),
                remaining: Some(59),
                used_permille: Some(16),
                resets: after(1_000),
                ..bucket("requests")
            },
            QuotaWindow {
                limit: Some(150_000),
                remaining: Some(0),
                used_permille: Some(1_000),
                resets: after(360_000),
                spent: true,
                wait: wait(Kind::RateLimit, after(36_000), "header:x-ratelimit-reset-tokens", "6m0s"),
                ..bucket("tokens")
            },
        ]
    );
}

#[test]
fn groqs_names_mean_other_lengths() {
    let windows = Shape::of("groq")
        .status(200)
        .header("x-ratelimit-limit-requests", "14400")
        .header("x-ratelimit-limit-tokens", "18000")
        .windows();
    let lengths: Vec<_> = windows.iter().map(|window| (window.name.as_str(), window.length_ms)).collect();
    assert_eq!(lengths, [("requests", Some(86_400_000)), ("tokens", Some(60_000))]);
}

#[test]
fn cerebras_names_its_lengths() {
    let windows = Shape::of("cerebras")
        .status(200)
        .header("x-ratelimit-limit-requests-day", "1000000000")
        .header("x-ratelimit-remaining-requests-day", "999997455")
        .header("x-ratelimit-reset-requests-day", "33011.382867")
        .windows();
    let expected = QuotaWindow {
        model: true,
        refills: true,
        limit: Some(1_000_000_000),
        remaining: Some(999_997_455),
        used_permille: Some(0),
        length_ms: Some(86_400_000),
        resets: after(33_011_383),
        ..window("requests-day")
    };
    assert_eq!(windows, [expected]);
    let minute = Shape::of("cerebras").status(200).header("x-ratelimit-limit-tokens-minute", "60000").windows();
    assert_eq!(minute[0].length_ms, Some(60_000));
}

#[test]
fn openrouters_own_limit_is_that_of_free_models() {
    let shape = Shape::of("openrouter")
        .model(Some("deepseek/deepseek-r1:free"))
        .status(429)
        .header("x-ratelimit-limit", "50")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "1795478400000");
    let expected = QuotaWindow {
        model: true,
        limit: Some(50),
        remaining: Some(0),
        used_permille: Some(1_000),
        resets: at(1_795_478_400_000),
        spent: true,
        wait: wait(Kind::Quota, at(1_795_478_400_000), "header:x-ratelimit-reset", "1795478400000"),
        ..window("requests")
    };
    assert_eq!(shape.windows(), [expected]);
    for paid in [Some("deepseek/deepseek-r1"), Some("free"), None] {
        let shape = shape.clone().model(paid);
        assert_eq!(shape.windows(), [], "{paid:?}");
        assert_eq!(shape.verdict().hint, at(1_795_478_400_000), "a refusal means what it says: {paid:?}");
    }
}

#[test]
fn what_has_no_name_and_is_over_within_a_minute_is_a_rate_limit() {
    let kind = |reset: &'static str| {
        let shape = Shape::of("mistral").status(200).header("x-ratelimit-remaining", "0");
        let shape = if reset.is_empty() { shape } else { shape.header("x-ratelimit-reset", reset) };
        shape.windows().pop().and_then(|window| window.wait).map(|wait| wait.kind)
    };
    assert_eq!(kind("60"), Some(Kind::RateLimit));
    assert_eq!(kind("60.001"), Some(Kind::Quota));
    assert_eq!(kind("1795471660"), Some(Kind::RateLimit));
    assert_eq!(kind("1795471661"), Some(Kind::Quota));
    assert_eq!(kind(""), Some(Kind::RateLimit), "of what nobody knows, the shorter guess does less harm");
    let named = Shape::of("mistral").status(200).header("x-ratelimit-remaining-requests", "0");
    let named = named.header("x-ratelimit-reset-requests", "60").windows().pop().and_then(|window| window.wait);
    assert_eq!(named.map(|wait| wait.kind), Some(Kind::Quota));
}

#[test]
fn anthropics_keys() {
    let windows = Shape::of("anthropic")
        .status(200)
        .header("anthropic-ratelimit-input-tokens-limit", "50000")
        .header("anthropic-ratelimit-input-tokens-remaining", "49000")
        .header("anthropic-ratelimit-input-tokens-reset", "2026-11-23T22:06:42Z")
        .header("anthropic-ratelimit-requests-remaining", "3")
        .header("anthropic-ratelimit-requests-reset", "2026-11-23T22:06:39Z")
        .windows();
    let bucket = |name| QuotaWindow { model: true, refills: true, ..window(name) };
    assert_eq!(
        windows,
        [
            QuotaWindow {
                limit: Some(50_000),
                remaining: Some(49_000),
                used_permille: Some(20),
                resets: at(NOW + 2_000),
                ..bucket("input-tokens")
            },
            QuotaWindow { remaining: Some(3), ..bucket("requests") },
        ]
    );
}

#[test]
fn anthropics_subscriptions() {
    let shape = Shape::of("anthropic")
        .status(200)
        .header("anthropic-ratelimit-unified-5h-status", "allowed")
        .header("anthropic-ratelimit-unified-5h-utilization", "0.29")
        .header("anthropic-ratelimit-unified-5h-reset", "1795471660")
        .header("anthropic-ratelimit-unified-7d-status", "rejected")
        .header("anthropic-ratelimit-unified-7d-utilization", "1.02")
        .header("anthropic-ratelimit-unified-overage-status", "allowed")
        .header("anthropic-ratelimit-unified-fallback-percentage", "0.5");
    let five_hours =
        QuotaWindow { used_permille: Some(290), length_ms: Some(18_000_000), resets: at(NOW + 60_000), ..window("5h") };
    let week = QuotaWindow {
        used_permille: Some(1_020),
        length_ms: Some(604_800_000),
        spent: true,
        wait: wait(Kind::Quota, None, "header:anthropic-ratelimit-unified-7d-status", "rejected"),
        ..window("7d")
    };
    assert_eq!(shape.windows(), [five_hours.clone(), week.clone()]);
    // Overage covers it.
    let allowed = shape.header("anthropic-ratelimit-unified-status", "allowed");
    assert_eq!(allowed.windows(), [five_hours, QuotaWindow { spent: false, wait: None, ..week }]);
}

#[test]
fn codexs_families() {
    let shape = Shape::of("openai-codex")
        .status(200)
        .header("x-codex-primary-used-percent", "12.5")
        .header("x-codex-primary-window-minutes", "300")
        .header("x-codex-primary-reset-at", "1795471660")
        .header("x-codex-secondary-used-percent", "100")
        .header("x-codex-secondary-reset-after-seconds", "90")
        .header("x-codex-bengalfox-primary-used-percent", "3")
        .header("x-codex-bengalfox-primary-reset-at", "1795471660000")
        .header("x-codex-secondary-over-limit", "nonsense")
        .header("x-codex-tertiary-used-percent", "nan");
    let family = QuotaWindow {
        family: Some("codex-bengalfox".to_owned()),
        used_permille: Some(30),
        resets: at(NOW + 60_000),
        ..window("codex-bengalfox.primary")
    };
    let primary = QuotaWindow {
        used_permille: Some(125),
        length_ms: Some(18_000_000),
        resets: at(NOW + 60_000),
        ..window("primary")
    };
    let secondary = QuotaWindow {
        used_permille: Some(1_000),
        resets: after(90_000),
        spent: true,
        wait: wait(Kind::Quota, after(90_000), "header:x-codex-secondary-reset-after-seconds", "90"),
        ..window("secondary")
    };
    assert_eq!(shape.windows(), [family.clone(), primary.clone(), secondary.clone()]);
    // Credits pay for what comes after.
    let paid = shape.header("x-codex-credits-has-credits", "True");
    assert_eq!(paid.windows(), [family, primary, QuotaWindow { spent: false, wait: None, ..secondary }]);
}

#[test]
fn codexs_events_say_the_same() {
    let event = r#"{"type":"codex.rate_limits","plan_type":"plus","rate_limits":{"primary":{"used_percent":100.0,"window_minutes":300,"reset_at":1795471660},"secondary":null}}"#;
    let failed =
        r#"{"type":"error","error":{"type":"usage_limit_reached","message":"The usage limit has been reached"}}"#;
    let shape = Shape::of("openai-codex").status(200).body(format!("data: {event}\n\ndata: {failed}\n\n"));
    let primary = QuotaWindow {
        used_permille: Some(1_000),
        length_ms: Some(18_000_000),
        resets: at(NOW + 60_000),
        spent: true,
        wait: wait(Kind::Quota, at(NOW + 60_000), "header:x-codex-primary-reset-at", "1795471660"),
        ..window("primary")
    };
    assert_eq!(shape.windows(), [primary]);
    shape.is("codex.429.usage_limit_reached", "quota", "account").for_ms(60_000);
}

#[test]
fn an_event_names_the_limit_that_it_is_about_and_the_credits_beyond_it() {
    let event = |limit: &str, credits: &str| {
        let windows = r#""rate_limits":{"primary":{"used_percent":100,"window_minutes":300,"reset_at":1795471660}}"#;
        let event = format!(r#"{{"type":"codex.rate_limits",{windows},"credits":{credits}{limit}}}"#);
        Shape::of("openai-codex").status(200).body(event).windows()
    };
    let spent = |name: &str, model: bool, spent: bool| {
        let family = if model { "codex-bengalfox" } else { "codex" };
        let evidence =
            Evidence { source: format!("header:x-{family}-primary-reset-at").into(), raw: "1795471660".into() };
        let wait = spent.then(|| Wait { kind: Kind::Quota, until: at(NOW + 60_000), evidence });
        QuotaWindow {
            model,
            used_permille: Some(1_000),
            length_ms: Some(18_000_000),
            resets: at(NOW + 60_000),
            spent,
            wait,
            ..window(name)
        }
    };
    assert_eq!(event("", "null"), [spent("primary", false, true)]);
    assert_eq!(event(r#","metered_limit_name":"codex""#, "null"), [spent("primary", false, true)]);
    let family = r#","metered_limit_name":"codex_bengalfox""#;
    assert_eq!(event(family, "null"), [spent("codex-bengalfox.primary", true, true)]);
    let credits = |has: bool, unlimited: bool| {
        event("", &format!(r#"{{"has_credits":{has},"unlimited":{unlimited},"balance":null}}"#))
    };
    assert_eq!(credits(true, false), [spent("primary", false, false)]);
    assert_eq!(credits(false, true), [spent("primary", false, false)]);
    assert_eq!(credits(false, false), [spent("primary", false, true)]);
}

#[test]
fn copilots_allowances() {
    let rst = at(NOW + 3_600_000);
    let windows = Shape::of("copilot")
        .status(200)
        .header("x-quota-snapshot-chat", "ent=50&ov=0.0&ovPerm=false&rem=0.0&rst=2026-11-23T23%3A06%3A40Z&totRem=0.0")
        .header("x-quota-snapshot-completions", "ent=2000&ov=0.0&ovPerm=false&rem=0.0&rst=2026-11-23T23%3A06%3A40Z")
        .header(
            "x-quota-snapshot-premium_interactions",
            "ent=300&ov=0.0&ovPerm=false&rem=-0.3&rst=2026-11-23T23%3A06%3A40Z&totRem=-1.0",
        )
        .header("x-usage-ratelimit-session", "ent=0&ov=0.0&ovPerm=false&rem=5.7&rst=2026-11-23T23%3a06%3a40Z")
        .header("x-usage-ratelimit-weekly", "ent=0&ov=3.0&ovPerm=true&rem=0.0&rst=2026-11-23T23%3A06%3A40Z")
        .windows();
    let expected = [
        QuotaWindow {
            limit: Some(50),
            remaining: Some(0),
            used_permille: Some(1_000),
            spent: true,
            wait: wait(Kind::Quota, rst, "header:x-quota-snapshot-chat", "2026-11-23T23:06:40Z"),
            ..window("chat")
        },
        // It is shown with successes of models that cost nothing of it.
        QuotaWindow { model: true, limit: Some(300), used_permille: Some(1_000), ..window("premium_interactions") },
        QuotaWindow { used_permille: Some(943), ..window("session") },
        // Somebody pays for more.
        QuotaWindow { used_permille: Some(1_000), length_ms: Some(7 * 86_400_000), ..window("weekly") },
    ];
    assert_eq!(windows, expected.map(|expected| QuotaWindow { resets: rst, ..expected }));
}

#[test]
fn whose_it_is_and_whether_it_refills_depends_on_name_and_vendor() {
    let told = |pool: &'static str, header: &'static str| {
        let windows = Shape::of(pool).status(200).header(header, "5").windows();
        (windows[0].model, windows[0].refills)
    };
    assert_eq!(told("custom:mine", "x-ratelimit-remaining-requests"), (true, true));
    assert_eq!(told("custom:mine", "x-ratelimit-remaining"), (false, false));
    // A workspace's, and nobody knows how it comes back.
    assert_eq!(told("mistral", "x-ratelimit-remaining-requests"), (false, false));
}

#[test]
fn a_bucket_is_waited_for_until_requests_get_through() {
    let waits = |limit: &'static str, reset: &'static str| {
        let shape = Shape::of("openai").status(200).header("x-ratelimit-limit-requests", limit);
        let shape = shape.header("x-ratelimit-remaining-requests", "0").header("x-ratelimit-reset-requests", reset);
        shape.windows().pop().and_then(|window| window.wait).and_then(|wait| wait.until)
    };
    assert_eq!(waits("60", "1m0s"), after(6_000), "a tenth is there again");
    assert_eq!(waits("3", "1m0s"), after(20_000), "one request is");
    assert_eq!(waits("1", "1m0s"), after(60_000));
    assert_eq!(waits("10000", "3ms"), after(1));
    let anthropic = Shape::of("anthropic")
        .status(200)
        .header("anthropic-ratelimit-requests-limit", "50")
        .header("anthropic-ratelimit-requests-remaining", "0")
        .header("anthropic-ratelimit-requests-reset", "2026-11-23T22:07:00Z");
    let wait = anthropic.windows().pop().and_then(|window| window.wait).and_then(|wait| wait.until);
    assert_eq!(wait, after(2_000), "an instant becomes a part of the time that is left");
}

#[test]
fn what_is_spent_says_so_even_if_it_does_not_say_until_when() {
    let waits = |shape: Shape| shape.windows().pop().and_then(|window| window.wait);
    let bucket = Shape::of("openai").status(200).header("x-ratelimit-remaining-requests", "0");
    assert_eq!(waits(bucket), wait(Kind::RateLimit, None, "header:x-ratelimit-remaining-requests", "0"));
    let day = Shape::of("groq").status(200).header("x-ratelimit-remaining-requests", "0");
    assert_eq!(waits(day), wait(Kind::Quota, None, "header:x-ratelimit-remaining-requests", "0"));
    let plan = Shape::of("openai-codex").status(200).header("x-codex-primary-used-percent", "100.0");
    assert_eq!(waits(plan), wait(Kind::Quota, None, "header:x-codex-primary-used-percent", "100.0"));
    let month = Shape::of("copilot").status(200).header("x-quota-snapshot-chat", "ent=50&ovPerm=false&rem=0.0");
    let evidence = wait(Kind::Quota, None, "header:x-quota-snapshot-chat", "ent=50&ovPerm=false&rem=0.0");
    assert_eq!(waits(month), evidence);
    let key = Shape::of("anthropic").status(200).header("anthropic-ratelimit-requests-remaining", "0");
    assert_eq!(waits(key), wait(Kind::RateLimit, None, "header:anthropic-ratelimit-requests-remaining", "0"));
    let claimed = Shape::of("anthropic")
        .status(429)
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-representative-claim", "five_hour");
    assert_eq!(waits(claimed), wait(Kind::Quota, None, "header:anthropic-ratelimit-unified-status", "rejected"));
}

#[test]
fn what_was_spent_and_has_begun_anew_is_not_waited_for() {
    let headers = [
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "0s"),
        ("x-ratelimit-remaining", "x-ratelimit-reset", "1795471599"),
        ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset", "2026-11-23T22:06:39Z"),
    ];
    for (remaining, reset, value) in headers {
        let windows = Shape::of("custom:mine").status(200).header(remaining, "0").header(reset, value).windows();
        assert!(windows[0].spent && windows[0].wait.is_none(), "{windows:?}");
    }
}

#[test]
fn there_are_only_so_many() {
    let names: Vec<&'static str> =
        (0..100).map(|n| &*Box::leak(format!("x-ratelimit-remaining-w{n}").into_boxed_str())).collect();
    let shape = names.iter().fold(Shape::of("openai"), |shape, name| shape.header(name, "1"));
    assert_eq!(shape.windows().len(), MAX_WINDOWS);
}

#[test]
fn of_too_many_those_of_all_models_are_kept() {
    let names: Vec<&'static str> =
        (0..30).map(|n| &*Box::leak(format!("x-codex-a{n}-primary-used-percent").into_boxed_str())).collect();
    let shape = names.iter().fold(Shape::of("openai-codex"), |shape, name| shape.header(name, "1"));
    let windows = shape.header("x-codex-primary-used-percent", "2").windows();
    assert_eq!(windows.len(), MAX_WINDOWS);
    assert!(windows.iter().any(|window| window.name == "primary"), "{windows:?}");
}
