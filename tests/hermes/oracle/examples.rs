//! Lives of a home that show what random ones may miss: each kind of row, and each difference that is meant.

use serde_json::json;

use super::script::{CUSTOM, Op, PROFILES, SINGLE, Script, Step, TOGETHER, VARIABLES};

const OWN: &str = super::script::OWN;

/// All of them, each with a name.
pub(super) fn examples() -> Vec<(&'static str, Script)> {
    vec![
        ("every kind of row", every_kind()),
        ("a profile that reads the root's rows", profile()),
        ("marks of every sort", marks()),
        ("what died days ago", long_dead()),
        ("logins that are renewed and replaced", logins()),
        ("what is not there", gone()),
        ("what Hermes has not loaded yet", unloaded()),
        ("secrets that are not those Hermes took note of", rotated()),
        ("a login that was removed, and another", given_up()),
        ("a reference beside a login", referenced()),
        ("a reference that chooses a login", chosen_by_reference()),
        ("a login of the root alone", of_the_root()),
        ("what an old version left, loaded", old(true)),
        ("what an old version left", old(false)),
        ("strategies, and all else that is done", all_else()),
    ]
}

fn script(settled: bool, steps: impl IntoIterator<Item = Op>) -> Script {
    let steps = steps.into_iter().map(root).collect();
    Script { environment: Default::default(), old_steps: 0, steps, settled }
}

fn root(op: Op) -> Step {
    Step { profile: PROFILES[0], op }
}

fn work(op: Op) -> Step {
    Step { profile: PROFILES[1], op }
}

fn own() -> String {
    OWN.to_owned()
}

fn add_key(provider: &'static str, prefix: &str) -> Op {
    Op::AddKey { provider, label: "work".to_owned(), secret: format!("{prefix}{OWN}") }
}

fn log_in(provider: &'static str, lives: &'static str) -> Op {
    Op::LogIn { provider, label: "me".to_owned(), secret: own(), lives }
}

fn dotenv(name: &'static str, value: &str) -> Op {
    Op::SetDotenv { name, value: Some(value.to_owned()) }
}

fn every_kind() -> Script {
    let keys = super::script::KEYED.map(|provider| match provider {
        "anthropic" => add_key(provider, "sk-ant-api03-"),
        _ => add_key(provider, ""),
    });
    let logins = super::script::LOGINS.map(|provider| log_in(provider, "long"));
    let signed_in = SINGLE.map(|provider| Op::SignIn { provider, secret: own(), lives: "long" });
    let variables = VARIABLES.map(|(name, prefix)| dotenv(name, &format!("{prefix}{OWN}")));
    let files = [
        Op::SetQwen { secret: Some(own()), lives: "long" },
        Op::SetClaude { secret: Some(own()), lives: "long" },
        Op::SetPkce { secret: Some(own()), lives: "long" },
    ];
    let custom = CUSTOM.map(|(name, url)| Op::SetCustom { name, url, key: Some(own()), keyed: false });
    let model = Op::SetModel { provider: "custom", url: Some(CUSTOM[0].1), key: Some(own()) };
    let steps = files.into_iter().chain(custom).chain([model]).chain(keys).chain(logins).chain(signed_in);
    script(true, steps.chain(variables))
}

fn profile() -> Script {
    let steps = vec![
        root(add_key("openrouter", "")),
        root(dotenv("OPENROUTER_API_KEY", OWN)),
        root(dotenv("GEMINI_API_KEY", OWN)),
        root(Op::LoadAll),
        work(add_key("deepseek", "")),
        // The root's login, which the profile's file calls by another source.
        root(log_in("minimax-oauth", "long")),
        work(Op::LoadAll),
        // Benched in the profile, and so copied into it.
        root(add_key("xai", "")),
        work(Op::Mark { provider: "xai", index: 0, turns: 0, status: Some(429), error: json!({}) }),
    ];
    Script { steps, ..script(false, []) }
}

/// Loaded, so that Hermes notes a fingerprint of each secret, and then replaced where they stand.
fn rotated() -> Script {
    let (name, url) = CUSTOM[0];
    let stand = |secret: &dyn Fn() -> String| {
        [
            dotenv("OPENROUTER_API_KEY", &secret()),
            Op::SetClaude { secret: Some(secret()), lives: "long" },
            Op::SetQwen { secret: Some(secret()), lives: "long" },
            Op::SetPkce { secret: Some(secret()), lives: "long" },
            Op::SetCustom { name, url, key: Some(secret()), keyed: false },
            Op::SetModel { provider: "custom", url: Some(url), key: Some(secret()) },
        ]
    };
    let chosen = add_key("anthropic", "sk-ant-api03-");
    let before = stand(&own).into_iter().chain([chosen, Op::LoadAll]);
    script(false, before.chain(stand(&|| format!("another-{OWN}"))))
}

fn marks() -> Script {
    let reset = |field: &str, unit: &str, in_s: i64| json!({field: {"in_s": in_s, "as": unit}});
    let marks = [
        (Some(429), reset("reset_at", "s", 7200)),
        (Some(429), reset("resets_at", "ms", 7200)),
        (Some(429), reset("retry_until", "date", 7200)),
        (Some(429), reset("reset_at", "text", -7200)),
        (Some(429), reset("reset_at", "s", 4_000_000)),
        (Some(402), json!({"reason": "insufficient_quota"})),
        (Some(401), json!({"reason": "token_revoked"})),
        (Some(401), json!({"message": "Resets in 4hr 5min"})),
        (Some(500), json!({})),
        (None, json!({})),
    ];
    let keys = marks.iter().map(|_| add_key("openrouter", ""));
    let marked = marks.iter().zip(0..).map(|((status, error), index)| Op::Mark {
        provider: "openrouter",
        index,
        turns: 0,
        status: *status,
        error: error.clone(),
    });
    let steps: Vec<Op> = keys.chain(marked).collect();
    script(false, steps)
}

fn long_dead() -> Script {
    let dead = json!({"reason": "token_revoked"});
    script(
        false,
        [
            add_key("openrouter", ""),
            add_key("openrouter", ""),
            Op::Mark { provider: "openrouter", index: 0, turns: 0, status: Some(401), error: dead },
            Op::Age { hours: 30 },
        ],
    )
}

fn logins() -> Script {
    script(
        false,
        [
            log_in("openai-codex", "over"),
            log_in("openai-codex", "long"),
            log_in("anthropic", "over"),
            log_in("anthropic", "long"),
            Op::SignIn { provider: "nous", secret: own(), lives: "over" },
            Op::SignIn { provider: "minimax-oauth", secret: own(), lives: "long" },
            Op::Load { provider: "minimax-oauth" },
            // Read by nobody yet.
            Op::SignIn { provider: "minimax-oauth", secret: own(), lives: "long" },
            log_in("minimax-oauth", "long"),
            Op::Mark { provider: "minimax-oauth", index: 0, turns: 0, status: Some(429), error: json!({}) },
        ],
    )
}

fn gone() -> Script {
    script(
        false,
        [
            dotenv("OPENROUTER_API_KEY", OWN),
            dotenv("DEEPSEEK_API_KEY", OWN),
            dotenv("GEMINI_API_KEY", OWN),
            dotenv("ANTHROPIC_BASE_URL", "https://claude.test"),
            dotenv("ANTHROPIC_TOKEN", &format!("sk-ant-oat01-{OWN}")),
            dotenv("CLAUDE_CODE_OAUTH_TOKEN", &format!("sk-ant-oat01-{OWN}")),
            Op::SetCustom { name: CUSTOM[0].0, url: CUSTOM[0].1, key: Some(own()), keyed: true },
            Op::SetClaude { secret: Some(own()), lives: "long" },
            Op::LoadAll,
            add_key("anthropic", "sk-ant-oat01-"),
            Op::Suppress { provider: TOGETHER, source: "config:Together AI" },
            Op::SetClaude { secret: None, lives: "long" },
            Op::SetDotenv { name: "OPENROUTER_API_KEY", value: None },
            Op::Suppress { provider: "gemini", source: "env:GEMINI_API_KEY" },
            Op::SetDotenv { name: "CLAUDE_CODE_OAUTH_TOKEN", value: None },
            dotenv("DEEPSEEK_API_KEY", "op://vault/item/key"),
            Op::SetQwen { secret: Some(own()), lives: "long" },
        ],
    )
}

fn unloaded() -> Script {
    script(
        false,
        [
            dotenv("GLM_API_KEY", OWN),
            dotenv("OPENROUTER_API_KEY", OWN),
            Op::SetPkce { secret: Some(own()), lives: "long" },
            Op::SetQwen { secret: Some(own()), lives: "long" },
            Op::SignIn { provider: "xai-oauth", secret: own(), lives: "long" },
            add_key("anthropic", "sk-ant-api03-"),
        ],
    )
}

fn given_up() -> Script {
    let sign_in = || Op::SignIn { provider: "xai-oauth", secret: own(), lives: "long" };
    script(false, [sign_in(), Op::Remove { provider: "xai-oauth", index: 0 }, sign_in()])
}

fn referenced() -> Script {
    let login = Op::SetPkce { secret: Some(own()), lives: "long" };
    let chosen = Op::SetModel { provider: "anthropic", url: None, key: None };
    script(false, [login, chosen, dotenv("ANTHROPIC_API_KEY", "op://vault/item/sk-ant-api03-key")])
}

fn chosen_by_reference() -> Script {
    let login = Op::SetClaude { secret: Some(own()), lives: "long" };
    script(true, [login, dotenv("ANTHROPIC_TOKEN", "op://vault/item/sk-ant-oat01-token")])
}

fn of_the_root() -> Script {
    let login = Op::SetPkce { secret: Some(own()), lives: "long" };
    script(false, [login, dotenv("ANTHROPIC_TOKEN", &format!("sk-ant-oat01-{OWN}")), Op::LoadAll])
}

fn old(settled: bool) -> Script {
    let steps = [
        log_in("google-gemini-cli", "long"),
        log_in("xai-oauth", "long"),
        add_key("anthropic", "sk-ant-oat01-"),
        dotenv("ANTHROPIC_TOKEN", &format!("sk-ant-oat01-{OWN}")),
        Op::LoadAll,
        Op::Mark { provider: "anthropic", index: 0, turns: 0, status: Some(429), error: json!({}) },
    ];
    Script { old_steps: steps.len(), ..script(settled, steps) }
}

fn all_else() -> Script {
    let mark = |provider, index, turns| Op::Mark { provider, index, turns, status: Some(429), error: json!({}) };
    script(
        false,
        [
            add_key("openrouter", ""),
            add_key("openrouter", ""),
            add_key("openrouter", ""),
            add_key("deepseek", ""),
            add_key("deepseek", ""),
            add_key("deepseek", ""),
            add_key("gemini", ""),
            add_key("gemini", ""),
            Op::SetStrategy { provider: "openrouter", strategy: "round_robin" },
            Op::SetStrategy { provider: "deepseek", strategy: "least_used" },
            Op::SetStrategy { provider: "gemini", strategy: "random" },
            Op::Select { provider: "openrouter", times: 2, secret: own(), fails: false },
            Op::Select { provider: "deepseek", times: 3, secret: own(), fails: false },
            mark("deepseek", 0, 0),
            Op::Age { hours: 2 },
            Op::MarkStale {
                provider: "openrouter",
                index: 1,
                status: Some(429),
                error: json!({}),
                meanwhile: Box::new(Op::Remove { provider: "openrouter", index: 2 }),
            },
            // The first has been taken once, and the second not at all.
            mark("deepseek", 2, 1),
            mark("gemini", 0, 0),
            Op::Reset { provider: "gemini" },
            Op::Remove { provider: "openrouter", index: 0 },
            log_in("openai-codex", "soon"),
            Op::Refresh { provider: "openai-codex", index: 0, secret: own(), fails: false },
            Op::Suppress { provider: "openai-codex", source: "device_code" },
            Op::Suppress { provider: "anthropic", source: "claude_code" },
            Op::Unsuppress { provider: "anthropic", source: "claude_code" },
        ],
    )
}
