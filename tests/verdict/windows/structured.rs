//! The structured fields of the IETF's draft.

use super::*;

#[test]
fn the_drafts_structured_fields() {
    let hub = |status: u16, limit: &'static str| {
        let policy = "\"fixed window\";\"api\";q=500;w=300";
        Shape::of("custom:hub").status(status).header("ratelimit", limit).header("ratelimit-policy", policy)
    };
    let api = QuotaWindow { limit: Some(500), length_ms: Some(300_000), ..window("api") };
    let left = QuotaWindow { remaining: Some(489), used_permille: Some(22), resets: after(189_000), ..api.clone() };
    assert_eq!(hub(200, "\"api\";r=489;t=189").windows(), [left]);
    let spent = QuotaWindow {
        remaining: Some(0),
        used_permille: Some(1_000),
        resets: after(55_000),
        spent: true,
        wait: wait(Kind::RateLimit, after(55_000), "header:ratelimit", "55"),
        ..api
    };
    assert_eq!(hub(200, "\"api\";r=0;t=55").windows(), [spent]);
    hub(429, "\"api\";r=0;t=55").is("http.429", "rate_limit", "account").for_ms(55_000);
}

#[test]
fn several_limits_in_one_field_and_in_several() {
    let shape = Shape::of("custom:mine")
        .status(429)
        .header("ratelimit-policy", "\"burst\"; q=10 ; w=1, \"per day\";q=1000;w=86400;pk=:Zm9v:")
        .header("ratelimit-policy", "\"at, once\";q=5;qu=\"requests\", \"slots\";q=4;qu=\"concurrent-requests\"")
        .header("ratelimit", "\"burst\"; r=3; t=1, \"per day\";r=0;t=7200,\"slots\";r=0, \"late\";r=0");
    let windows = shape.windows();
    let told: Vec<_> = windows.iter().map(|w| (w.name.as_str(), w.limit, w.remaining, w.length_ms, w.spent)).collect();
    assert_eq!(
        told,
        [
            ("burst", Some(10), Some(3), Some(1_000), false),
            ("late", None, Some(0), None, true),
            ("per-day", Some(1_000), Some(0), Some(86_400_000), true),
        ]
    );
    assert_eq!(windows[1].wait, wait(Kind::RateLimit, None, "header:ratelimit", "\"late\";r=0"));
    shape.is("window.spent", "quota", "account").for_ms(7_200_000);
}

#[test]
fn what_is_no_structured_field_says_nothing() {
    for nonsense in ["", "\"", "\"a", "\"a\";r=-1", "\"a\";r=", "\"\";r=0", "a;r=0", ";r=0;t=5", "\"a\\\";r=0\";r=0"] {
        let shape = Shape::of("custom:mine").status(200).header("ratelimit", nonsense);
        assert_eq!(shape.windows(), [], "{nonsense}");
    }
}
