//! The list of rules in the README, made of the tables.
//!
//! `UPDATE_EXPECT=1 cargo test generated` makes it anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use expect_test::expect_file;

use super::*;

const BEGIN: &str = "<!-- made of the tables: UPDATE_EXPECT=1 cargo test generated -->\n\n";
const END: &str = "\n<!-- up to here -->";

/// Every table, in the order of the list.
const TABLES: &[(&str, &[Rule])] = &[
    ("Our own errors", own::RULES),
    ("OpenAI, Codex", openai::RULES),
    ("Azure OpenAI", azure::RULES),
    ("Anthropic", anthropic::RULES),
    ("Gemini, Vertex, Code Assist", google::RULES),
    ("OpenRouter", openrouter::RULES),
    ("Groq", groq::RULES),
    ("Mistral", mistral::RULES),
    ("xAI", xai::RULES),
    ("DeepSeek", deepseek::RULES),
    ("Cerebras", cerebras::RULES),
    ("Amazon Bedrock", bedrock::RULES),
    ("GitHub Copilot", copilot::RULES),
    ("Z.ai", zai::RULES),
    ("MiniMax", minimax::RULES),
    ("Compatible endpoints and gateways", compatible::RULES),
    ("Everybody", general::RULES),
];

#[test]
fn the_list_of_rules_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let page = fs::read_to_string(path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("where the list begins");
    let (_, after) = rest.split_once(END).expect("where the list ends");
    expect_file![path].assert_eq(&format!("{before}{BEGIN}{}{END}{after}", list()));
}

fn list() -> String {
    let mut list = String::from("| Whose | Rule | Kind | Scope | Over |\n| --- | --- | --- | --- | --- |\n");
    for (whose, rules) in TABLES {
        let mut said = BTreeSet::new();
        let mut whose = *whose;
        for rule in *rules {
            let scope = scope(rule.reach.unwrap_or_else(|| usual_reach(rule.kind)));
            let over = if rule.kind.heeds_hints() { over(rule.until) } else { "" };
            if said.insert((rule.name, rule.kind, scope)) {
                writeln!(list, "| {whose} | `{}` | {} | {scope} | {over} |", rule.name, rule.kind)
                    .expect("a string grows");
                whose = "";
            }
        }
    }
    list
}

fn scope(reach: Reach) -> &'static str {
    match reach {
        CREDENTIAL => "credential",
        MODEL => "model",
        ACCOUNT => "account",
        ACCOUNT_MODEL => "account, model",
        POOL => "pool",
        POOL_MODEL => "pool, model",
        _ => "none",
    }
}

fn over(until: Until) -> &'static str {
    match until {
        Until::Hint => "hint",
        Until::Person => "a person",
        Until::NextMonth => "month",
        Until::HintOrNextMonth => "hint, or month",
        Until::HintOrNextDay => "hint, or day",
        Until::HintOrWithin(60_000) => "hint, or a minute",
        Until::HintOrWithin(_) => "hint, or 24 hours",
        Until::HintOrQuotaWindow => "hint, or the quota's window",
    }
}

#[test]
fn every_rule_is_well_formed() {
    let mut kinds = std::collections::BTreeMap::new();
    for rule in TABLES.iter().flat_map(|(_, rules)| *rules) {
        let name = rule.name;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
        assert!(name.bytes().all(plain) && name.contains('.'), "{name}");
        assert_eq!(*kinds.entry(name).or_insert(rule.kind), rule.kind, "{name} means two things");
        for text in rule.codes.iter().chain(rule.words) {
            assert_eq!(*text, text.to_ascii_lowercase(), "{name} looks for what is never there");
        }
        let looks = match rule.clue {
            Clue::Code => !rule.codes.is_empty() || !rule.words.is_empty() || rule.when.is_some(),
            Clue::Words => !rule.words.is_empty(),
            Clue::Family => !rule.codes.is_empty(),
            Clue::Status => !rule.status.is_empty(),
        };
        assert!(looks, "{name} looks at nothing");
        let restricts = !matches!(rule.kind, Kind::Request | Kind::Cancelled | Kind::Unknown);
        assert!(restricts || rule.reach.is_none(), "{name} is nobody's fault, and yet about somebody");
    }
}
