//! What we read of Hermes' own `config.yaml`: `credential_pool_strategies`.

use std::collections::BTreeMap;

use credpool_core::Strategy;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

use super::snapshot::Problem;

/// The strategies that Hermes is told to use, by pool.
pub(super) type Strategies = BTreeMap<String, Strategy>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct HermesConfig {
    credential_pool_strategies: Value,
}

/// Reads the file's text. As in hermes-agent 0.19.0 (agent/credential_pool.py, `get_pool_strategy`), names are trimmed and
/// lower-cased, and what is not known counts as not set; unlike it, we say so.
///
/// # Errors
/// A sentence, with the line if it is known and nothing else of the text, which may hold secrets.
pub(super) fn parse(bytes: &[u8], problems: &mut Vec<Problem>) -> Result<Strategies, String> {
    // PyYAML keeps the last of several equal keys.
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins, with_snippet: false };
    let config: Option<HermesConfig> =
        serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| match error.location() {
            Some(location) => format!("is not the YAML that it should be, at line {}", location.line()),
            None => "is not the YAML that it should be".to_owned(),
        })?;
    let mut strategies = BTreeMap::new();
    match config.unwrap_or_default().credential_pool_strategies {
        Value::Null => {}
        Value::Object(named) => {
            for (pool, name) in named {
                match name.as_str().and_then(strategy) {
                    Some(strategy) => _ = strategies.insert(pool, strategy),
                    None => problems.push(Problem::new(
                        format!("config.yaml: credential_pool_strategies: {}", super::printable(&pool)),
                        "names no strategy that hermes-agent knows; fill_first is used",
                    )),
                }
            }
        }
        _ => problems.push(Problem::new(
            "config.yaml: credential_pool_strategies",
            "is not a mapping of pools to strategies; fill_first is used",
        )),
    }
    Ok(strategies)
}

fn strategy(name: &str) -> Option<Strategy> {
    match name.trim().to_lowercase().as_str() {
        "fill_first" => Some(Strategy::FillFirst),
        "round_robin" => Some(Strategy::RoundRobin),
        "least_used" => Some(Strategy::LeastUsed),
        "random" => Some(Strategy::Random),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Strategies, usize) {
        let mut problems = Vec::new();
        let strategies = parse(text.as_bytes(), &mut problems).expect("YAML");
        (strategies, problems.len())
    }

    #[test]
    fn strategies_are_read_and_the_rest_is_not() {
        let text = "model:\n  api_key: canary\n  ? [odd, key]\n  : 1\ncredential_pool_strategies:\n  openrouter: ' Round_Robin'\n  \
                    custom:x: random\n  nous: headroom\n  other: 3\n";
        let (strategies, problems) = parsed(text);
        assert_eq!(strategies.get("openrouter"), Some(&Strategy::RoundRobin));
        assert_eq!(strategies.get("custom:x"), Some(&Strategy::Random));
        assert_eq!((strategies.len(), problems), (2, 2));
    }

    #[test]
    fn nothing_there_is_nothing_wrong() {
        for text in ["", "# only a comment\n", "a: 1\n", "credential_pool_strategies:\n", "~"] {
            assert_eq!(parsed(text), (BTreeMap::new(), 0), "{text:?}");
        }
        assert_eq!(parsed("credential_pool_strategies: [a]\n"), (BTreeMap::new(), 1));
        assert_eq!(
            parsed("credential_pool_strategies: {a: random}\ncredential_pool_strategies: {b: random}").0.len(),
            1
        );
    }

    #[test]
    fn errors_do_not_repeat_the_text() {
        for text in ["a: [canary", "- canary\n", "canary", "a: 1\n  canary: : x\n", "\tcanary"] {
            let error = parse(text.as_bytes(), &mut Vec::new()).expect_err("not YAML");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
