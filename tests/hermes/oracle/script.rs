//! What happens to a home before both are asked about it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::secret;

/// Stands for a secret of the step's own.
pub(super) const OWN: &str = "<secret>";

/// Providers for which `hermes auth add` takes a key.
pub(super) const KEYED: [&str; 14] = [
    "openrouter",
    "openrouter",
    "anthropic",
    "anthropic",
    "gemini",
    "deepseek",
    "zai",
    "kimi-coding",
    "minimax",
    "openai-api",
    "xai",
    "azure-foundry",
    TOGETHER,
    LOCAL,
];

/// Providers with a login.
pub(super) const LOGINS: [&str; 7] =
    ["anthropic", "nous", "openai-codex", "xai-oauth", "minimax-oauth", "qwen-oauth", "google-gemini-cli"];

/// Those whose login `hermes model` keeps under `providers`.
pub(super) const SINGLE: [&str; 4] = ["nous", "openai-codex", "xai-oauth", "minimax-oauth"];

/// Variables that Hermes makes rows of or looks into, with what a key in them begins with.
pub(super) const VARIABLES: [(&str, &str); 12] = [
    ("OPENROUTER_API_KEY", ""),
    ("ANTHROPIC_API_KEY", "sk-ant-api03-"),
    ("ANTHROPIC_TOKEN", "sk-ant-oat01-"),
    ("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-"),
    ("GEMINI_API_KEY", ""),
    ("GOOGLE_API_KEY", ""),
    ("DEEPSEEK_API_KEY", ""),
    ("KIMI_API_KEY", "sk-kimi-"),
    ("MINIMAX_API_KEY", ""),
    ("GLM_API_KEY", ""),
    ("OPENAI_API_KEY", ""),
    ("TOGETHER_KEY", ""),
];

const URLS: [(&str, &str); 3] = [
    ("GEMINI_BASE_URL", "https://generativelanguage.googleapis.com/v1beta/openai"),
    ("DEEPSEEK_BASE_URL", "https://deepseek.test/v1/"),
    ("ANTHROPIC_BASE_URL", "https://claude.test"),
];

pub(super) const TOGETHER: &str = "custom:together-ai";
const LOCAL: &str = "custom:local";

/// Two providers of one's own: their names in config.yaml, and where they are.
pub(super) const CUSTOM: [(&str, &str); 3] = [
    ("Together AI", "https://api.together.xyz/v1"),
    ("Local", "http://127.0.0.1:8000/v1"),
    ("Local", "https://models.test/anthropic"),
];

const STRATEGIES: [&str; 5] = ["fill_first", "round_robin", "least_used", "random", "headroom"];

/// A second profile; the empty name is the root.
pub(super) const PROFILES: [&str; 2] = ["", "work"];

/// One thing that people or agents do, in the words of `operations.py`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Op {
    AddKey { provider: &'static str, label: String, secret: String },
    LogIn { provider: &'static str, label: String, secret: String, lives: &'static str },
    SignIn { provider: &'static str, secret: String, lives: &'static str },
    SetDotenv { name: &'static str, value: Option<String> },
    SetClaude { secret: Option<String>, lives: &'static str },
    SetPkce { secret: Option<String>, lives: &'static str },
    SetQwen { secret: Option<String>, lives: &'static str },
    SetCustom { name: &'static str, key: Option<String>, url: &'static str, keyed: bool },
    SetModel { provider: &'static str, url: Option<&'static str>, key: Option<String> },
    SetStrategy { provider: &'static str, strategy: &'static str },
    Remove { provider: &'static str, index: u8 },
    Reset { provider: &'static str },
    Mark { provider: &'static str, index: u8, turns: u8, status: Option<u16>, error: Value },
    MarkStale { provider: &'static str, index: u8, status: Option<u16>, error: Value, meanwhile: Box<Op> },
    Select { provider: &'static str, times: u8, secret: String, fails: bool },
    Refresh { provider: &'static str, index: u8, secret: String, fails: bool },
    Load { provider: &'static str },
    LoadAll,
    Age { hours: u16 },
    Suppress { provider: &'static str, source: &'static str },
    Unsuppress { provider: &'static str, source: &'static str },
}

/// Something that is done in a profile.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) profile: &'static str,
    pub(super) op: Op,
}

/// A home's life.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// The environment of every process: hermes-agent's and the daemon's.
    pub(super) environment: BTreeMap<String, String>,
    /// How many of the steps an older version did.
    pub(super) old_steps: usize,
    pub(super) steps: Vec<Step>,
    /// Whether Hermes has then loaded each pool once, and so made the rows of everything that it finds.
    pub(super) settled: bool,
}

impl Op {
    /// The names of all of them.
    pub(super) const NAMES: [&str; 21] = [
        "add_key",
        "log_in",
        "sign_in",
        "set_dotenv",
        "set_claude",
        "set_pkce",
        "set_qwen",
        "set_custom",
        "set_model",
        "set_strategy",
        "remove",
        "reset",
        "mark",
        "mark_stale",
        "select",
        "refresh",
        "load",
        "load_all",
        "age",
        "suppress",
        "unsuppress",
    ];

    pub(super) fn name(&self) -> String {
        let value = serde_json::to_value(self).expect("an operation is JSON");
        value["op"].as_str().expect("it has a name").to_owned()
    }
}

impl Step {
    /// The operation as it is told, the `number`th of the script.
    pub(super) fn told(&self, number: usize) -> Value {
        let text = serde_json::to_string(&self.op).expect("an operation is JSON");
        serde_json::from_str(&text.replace(OWN, &secret(&format!("step-{number}")))).expect("it still is")
    }
}

impl Script {
    /// The pools that it speaks of, and those that Hermes may make by itself.
    pub(super) fn pools() -> BTreeSet<&'static str> {
        KEYED.into_iter().chain(LOGINS).collect()
    }
}

/// The life of a home, of up to `length` steps.
pub(super) fn scripts(length: usize) -> impl Strategy<Value = Script> {
    let steps = vec((profile(), op()).prop_map(|(profile, op)| Step { profile, op }), 1..=length);
    (environment(), 0..length / 2, steps, any::<bool>()).prop_map(|(environment, old_steps, steps, settled)| Script {
        environment,
        old_steps,
        steps,
        settled,
    })
}

fn environment() -> impl Strategy<Value = BTreeMap<String, String>> {
    let keys = btree_set(select(&VARIABLES), 0..3).prop_map(|keys| {
        keys.into_iter().map(|(name, prefix)| (name.to_owned(), format!("{prefix}{}", secret(&format!("env-{name}")))))
    });
    let urls = option::weighted(0.2, select(&URLS));
    (keys, urls).prop_map(|(keys, url)| keys.chain(url.map(|(name, url)| (name.to_owned(), url.to_owned()))).collect())
}

fn profile() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just(PROFILES[0]), 1 => Just(PROFILES[1])]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => change(),
        2 => (pool(), any::<u8>(), status(), error(), change()).prop_map(
            |(provider, index, status, error, meanwhile)| Op::MarkStale {
                provider, index, status, error, meanwhile: Box::new(meanwhile)
            }
        ),
    ]
}

fn change() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (select(&KEYED), label(), any::<bool>()).prop_map(|(provider, label, second)| Op::AddKey {
            provider, label, secret: key(provider, second)
        }),
        4 => (select(&LOGINS), label(), lives()).prop_map(|(provider, label, lives)| Op::LogIn {
            provider, label, secret: OWN.to_owned(), lives
        }),
        2 => (select(&SINGLE), lives())
            .prop_map(|(provider, lives)| Op::SignIn { provider, secret: OWN.to_owned(), lives }),
        3 => (select(&VARIABLES), option::weighted(0.8, select(&["", "op://vault/"]))).prop_map(
            |((name, prefix), value)| Op::SetDotenv {
                name,
                value: value.map(|scheme| format!("{scheme}{prefix}{OWN}")),
            }
        ),
        1 => select(&URLS).prop_map(|(name, url)| Op::SetDotenv { name, value: Some(url.to_owned()) }),
        2 => (own(), lives()).prop_map(|(secret, lives)| Op::SetClaude { secret, lives }),
        1 => (own(), lives()).prop_map(|(secret, lives)| Op::SetPkce { secret, lives }),
        1 => (own(), lives()).prop_map(|(secret, lives)| Op::SetQwen { secret, lives }),
        3 => (select(&CUSTOM), option::weighted(0.8, select(&[OWN, "${TOGETHER_KEY}"])), any::<bool>()).prop_map(
            |((name, url), key, keyed)| Op::SetCustom { name, url, key: key.map(str::to_owned), keyed }
        ),
        2 => (select(&["custom", "anthropic", "gemini", "openrouter"]), select(&CUSTOM), own()).prop_map(
            |(provider, (_, url), key)| Op::SetModel { provider, url: Some(url), key }
        ),
        2 => (pool(), select(&STRATEGIES)).prop_map(|(provider, strategy)| Op::SetStrategy { provider, strategy }),
        2 => (pool(), any::<u8>()).prop_map(|(provider, index)| Op::Remove { provider, index }),
        1 => pool().prop_map(|provider| Op::Reset { provider }),
        5 => (pool(), any::<u8>(), 0..3_u8, status(), error()).prop_map(|(provider, index, turns, status, error)| Op::Mark {
            provider, index, turns, status, error
        }),
        3 => (pool(), 1..4_u8, any::<bool>()).prop_map(|(provider, times, fails)| Op::Select {
            provider, times, secret: OWN.to_owned(), fails
        }),
        1 => (select(&LOGINS), any::<u8>(), any::<bool>()).prop_map(|(provider, index, fails)| Op::Refresh {
            provider, index, secret: OWN.to_owned(), fails
        }),
        2 => pool().prop_map(|provider| Op::Load { provider }),
        2 => Just(Op::LoadAll),
        1 => (1..60_u16).prop_map(|hours| Op::Age { hours }),
        1 => suppression().prop_map(|(provider, source)| Op::Suppress { provider, source }),
        1 => suppression().prop_map(|(provider, source)| Op::Unsuppress { provider, source }),
    ]
}

/// What a key of the provider looks like.
fn key(provider: &str, second: bool) -> String {
    let prefix = match (provider, second) {
        ("anthropic", false) => "sk-ant-api03-",
        ("anthropic", true) => "sk-ant-oat01-",
        ("kimi-coding", true) => "sk-kimi-",
        _ => "",
    };
    format!("{prefix}{OWN}")
}

fn own() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.75, Just(OWN.to_owned()))
}

fn label() -> impl Strategy<Value = String> {
    select(&["work", "spare", "Ann's key", "schlüssel"]).prop_map(str::to_owned)
}

fn pool() -> impl Strategy<Value = &'static str> {
    prop_oneof![select(&KEYED), select(&LOGINS)]
}

fn lives() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("long"), 1 => Just("soon"), 1 => Just("over")]
}

fn suppression() -> impl Strategy<Value = (&'static str, &'static str)> {
    select(&[
        ("openrouter", "env:OPENROUTER_API_KEY"),
        ("anthropic", "env:ANTHROPIC_API_KEY"),
        ("anthropic", "claude_code"),
        ("openai-codex", "device_code"),
        (TOGETHER, "config:Together AI"),
        (TOGETHER, "model_config"),
        ("qwen-oauth", "qwen-cli"),
    ])
}

fn status() -> impl Strategy<Value = Option<u16>> {
    select(&[Some(429), Some(429), Some(429), Some(402), Some(401), Some(403), Some(500), Some(404), None])
}

/// What an agent tells of a failure. Instants are far enough from now that nothing passes while both are asked.
fn error() -> impl Strategy<Value = Value> {
    let reset = (
        select(&["reset_at", "resets_at", "retry_until"]),
        select(&[-7200, 900, 7200, 200_000, 4_000_000, 2_000_000_000]),
        select(&["s", "ms", "text", "date"]),
    );
    prop_oneof![
        1 => Just(json!({})),
        3 => reset.prop_map(|(field, in_s, unit)| json!({field: {"in_s": in_s, "as": unit}})),
        2 => select(&["token_revoked", "invalid_grant", "insufficient_quota", "rate_limit_exceeded", "overloaded"])
            .prop_map(|reason| json!({"reason": reason, "message": "the request failed"})),
        2 => select(&["Resets in 4hr 5min", "retry after 900s", "Please try again in 20s", "quotaResetDelay: 1200s"])
            .prop_map(|message| json!({"message": message})),
    ]
}
