//! What we read of Hermes' own `config.yaml`: strategies of pools, and keys of custom endpoints.
//!
//! Hermes lets an administrator override it with a file in /etc/hermes, which may hold no keys of a user; it is not read.

use std::collections::BTreeMap;

use credpool_core::Strategy;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;
use zeroize::Zeroizing;

use super::snapshot::Problem;
use super::yaml::{Entry, Lenient, Scalar};

/// What the file says. A `${VARIABLE}` in it stands as it is.
#[derive(Debug, Default)]
pub(super) struct HermesConfig {
    /// The strategies that Hermes is told to use, by pool.
    pub(super) strategies: BTreeMap<String, Strategy>,
    /// The custom endpoints, in order.
    pub(super) endpoints: Vec<Endpoint>,
    /// The model that Hermes is told to use.
    pub(super) model: Model,
}

/// A custom endpoint: an entry of `custom_providers`, or of `providers` where there is no such list.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    pub(super) name: Scalar,
    pub(super) base_url: Scalar,
    pub(super) api_key: Scalar,
}

/// `model`.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) provider: Scalar,
    pub(super) base_url: Scalar,
    pub(super) api_key: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    credential_pool_strategies: Value,
    custom_providers: Lenient,
    providers: Lenient,
    model: Lenient,
    provider: Lenient,
    base_url: Lenient,
    api_base: Lenient,
}

impl HermesConfig {
    /// Reads the file's text. As in hermes-agent 0.19.0 (agent/credential_pool.py, `get_pool_strategy`), names of
    /// strategies are trimmed and lower-cased, and what is not known counts as not set; unlike it, we say so.
    ///
    /// # Errors
    /// A sentence, with the line if it is known and nothing else of the text, which may hold secrets.
    pub(super) fn parse(bytes: &[u8], problems: &mut Vec<Problem>) -> Result<Self, String> {
        // PyYAML keeps the last of several equal keys.
        let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins, with_snippet: false };
        let raw: Option<Raw> =
            serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| match error.location() {
                Some(location) => format!("is not the YAML that it should be, at line {}", location.line()),
                None => "is not the YAML that it should be".to_owned(),
            })?;
        let raw = raw.unwrap_or_default();
        Ok(Self {
            model: model(&raw),
            endpoints: endpoints(&raw),
            strategies: strategies(raw.credential_pool_strategies, problems),
        })
    }

    /// The custom endpoint whose pool this is: the first of that name.
    pub(super) fn endpoint(&self, pool: &str, expand: &dyn Fn(&str) -> Option<Zeroizing<String>>) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.pool(expand).as_deref() == Some(pool))
    }
}

impl Endpoint {
    /// The pool of its keys (agent/credential_pool.py of 0.19.0, `_normalize_custom_pool_name`).
    pub(super) fn pool(&self, expand: &dyn Fn(&str) -> Option<Zeroizing<String>>) -> Option<String> {
        let name = expand(self.name.text()?)?;
        Some(format!("custom:{}", name.trim().to_lowercase().replace(' ', "-")))
    }
}

fn strategies(named: Value, problems: &mut Vec<Problem>) -> BTreeMap<String, Strategy> {
    let mut strategies = BTreeMap::new();
    match named {
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
    strategies
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

/// As in hermes-agent 0.19.0 (agent/credential_pool.py, `_iter_custom_providers`): a list hides `providers`, and so does
/// whatever else is there in its place.
fn endpoints(raw: &Raw) -> Vec<Endpoint> {
    match &raw.custom_providers {
        Lenient::List(entries) => entries.iter().filter_map(listed).collect(),
        Lenient::Nothing => match &raw.providers {
            Lenient::Map(entries) => entries.iter().filter_map(|(key, entry)| keyed(key, entry)).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn listed(entry: &Lenient) -> Option<Endpoint> {
    let Lenient::Map(entry) = entry else { return None };
    let name = scalar(entry, "name").filter(Scalar::is_text)?;
    let field = |key| scalar(entry, key).unwrap_or_default();
    Some(Endpoint { name, base_url: field("base_url"), api_key: field("api_key") })
}

/// An entry of `providers` (hermes_cli/config.py of 0.19.0, `_normalize_custom_provider_entry`), which has more ways to
/// say the same.
fn keyed(key: &str, entry: &Lenient) -> Option<Endpoint> {
    let Lenient::Map(entry) = entry else { return None };
    let text = |keys: &[&str]| keys.iter().find_map(|key| scalar(entry, key)).filter(|found| found.text().is_some());
    let urls = [text(&["base_url", "baseUrl"]), text(&["url"]), text(&["api"])];
    let base_url = urls.into_iter().flatten().find(|url| url.text().is_some_and(is_url))?;
    let name = text(&["name"]).filter(Scalar::is_text).unwrap_or_else(|| Scalar::new(key));
    name.text()?;
    Some(Endpoint { name, base_url, api_key: text(&["api_key", "apiKey"]).filter(Scalar::is_text).unwrap_or_default() })
}

/// Whether it has a scheme and a host, or something in braces that will be filled in.
fn is_url(text: &str) -> bool {
    let templated = text.find('{').is_some_and(|start| text[start..].find('}').is_some_and(|end| end > 1));
    let host = text.split_once("://").map(|(scheme, rest)| !scheme.is_empty() && !rest.starts_with(['/', '?', '#']));
    templated || host.is_some_and(|host| host && !text.ends_with("://"))
}

/// As in hermes-agent 0.19.0 (hermes_cli/config.py, `_normalize_root_model_keys`): what stands beside `model` counts where
/// `model` says nothing.
fn model(raw: &Raw) -> Model {
    let Lenient::Map(entry) = &raw.model else { return Model::default() };
    let field = |key| scalar(entry, key).filter(|found| found.text().is_some());
    let beside = |lenient: &Lenient| lenient.scalar().filter(|found| found.text().is_some());
    let base_url = field("base_url").or_else(|| beside(&raw.base_url)).or_else(|| beside(&raw.api_base));
    Model {
        provider: field("provider").or_else(|| beside(&raw.provider)).unwrap_or_default(),
        base_url: base_url.or_else(|| field("api_base")).unwrap_or_default(),
        api_key: ["api_key", "api"].into_iter().filter_map(field).find(Scalar::is_text).unwrap_or_default(),
    }
}

fn scalar(entry: &[Entry], key: &str) -> Option<Scalar> {
    entry.iter().rfind(|(name, _)| name == key).and_then(|(_, value)| value.scalar())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (HermesConfig, usize) {
        let mut problems = Vec::new();
        let config = HermesConfig::parse(text.as_bytes(), &mut problems).expect("YAML");
        (config, problems.len())
    }

    fn endpoints(text: &str) -> Vec<[String; 3]> {
        let show = |scalar: &Scalar| scalar.text().unwrap_or_default().to_owned();
        let endpoints = parsed(text).0.endpoints;
        endpoints.iter().map(|e| [show(&e.name), show(&e.base_url), show(&e.api_key)]).collect()
    }

    #[test]
    fn strategies_are_read_and_the_rest_is_not() {
        let text = "model:\n  api_key: canary\n  ? [odd, key]\n  : 1\ncredential_pool_strategies:\n  openrouter: ' Round_Robin'\n  \
                    custom:x: random\n  nous: headroom\n  other: 3\n";
        let (config, problems) = parsed(text);
        assert_eq!(config.strategies.get("openrouter"), Some(&Strategy::RoundRobin));
        assert_eq!(config.strategies.get("custom:x"), Some(&Strategy::Random));
        assert_eq!((config.strategies.len(), problems), (2, 2));
    }

    #[test]
    fn nothing_there_is_nothing_wrong() {
        for text in ["", "# only a comment\n", "a: 1\n", "credential_pool_strategies:\n", "~", "custom_providers: 3\n"]
        {
            let (config, problems) = parsed(text);
            assert!(config.strategies.is_empty() && config.endpoints.is_empty() && problems == 0, "{text:?}");
        }
        assert_eq!(parsed("credential_pool_strategies: [a]\n").1, 1);
        let twice = "credential_pool_strategies: {a: random}\ncredential_pool_strategies: {b: random}";
        assert_eq!(parsed(twice).0.strategies.len(), 1);
    }

    #[test]
    fn a_list_of_endpoints_hides_the_mapping() {
        let list = "custom_providers:\n- name: Together AI\n  base_url: https://api.together.xyz/v1/\n  api_key: ' k '\n  \
                    models: {a: {context_length: 1}}\n- {name: 3, api_key: no}\n- just text\n- name: Local\n  api_key: 12345\n";
        let expected = [["Together AI", "https://api.together.xyz/v1/", "k"], ["Local", "", "12345"]]
            .map(|e| e.map(str::to_owned));
        assert_eq!(endpoints(list), expected);
        assert_eq!(endpoints(&format!("{list}providers: {{b: {{api: https://b.test, api_key: k}}}}\n")), expected);
        assert!(endpoints("custom_providers: []\nproviders: {b: {api: https://b.test}}\n").is_empty());
        assert!(endpoints("custom_providers: text\nproviders: {b: {api: https://b.test}}\n").is_empty());
    }

    #[test]
    fn a_mapping_of_endpoints_has_more_ways_to_say_the_same() {
        let cases = [
            ("{a: {base_url: https://a.test, api_key: k}}", vec![["a", "https://a.test", "k"]]),
            ("{a: {name: ' A b ', api: https://a.test, apiKey: k}}", vec![["A b", "https://a.test", "k"]]),
            ("{a: {base_url: nonsense, url: https://a.test}}", vec![["a", "https://a.test", ""]]),
            ("{a: {baseUrl: 'https://{region}.test'}}", vec![["a", "https://{region}.test", ""]]),
            ("{a: {base_url: '${A_URL}', api_key: '${A_KEY}'}}", vec![["a", "${A_URL}", "${A_KEY}"]]),
            ("{a: {api_key: k}}", vec![]),
            ("{a: {base_url: 'https://'}}", vec![]),
            ("{a: https://a.test, b: {url: https://b.test}}", vec![["b", "https://b.test", ""]]),
        ];
        for (text, expected) in cases {
            assert_eq!(endpoints(&format!("providers: {text}\n")), expected, "{text}");
        }
    }

    #[test]
    fn the_model_may_stand_beside_itself() {
        let show = |text: &str| {
            let model = parsed(text).0.model;
            [&model.provider, &model.base_url, &model.api_key]
                .map(|scalar| scalar.text().unwrap_or_default().to_owned())
        };
        assert_eq!(
            show("model: {provider: custom, base_url: https://a.test, api_key: k}"),
            ["custom", "https://a.test", "k"]
        );
        assert_eq!(
            show("model: {api_base: https://a.test, api: k}\nprovider: custom"),
            ["custom", "https://a.test", "k"]
        );
        assert_eq!(show("model: {base_url: '', api_key: 3}\nbase_url: https://b.test"), ["", "https://b.test", ""]);
        assert_eq!(show("model: gpt-5\nprovider: custom"), ["", "", ""]);
    }

    #[test]
    fn a_pool_is_named_after_its_endpoint() {
        let config = parsed("custom_providers: [{name: ' Together ${X}'}, {name: other}]").0;
        let expand = |text: &str| Some(Zeroizing::new(text.replace("${X}", "AI Labs")));
        assert!(config.endpoint("custom:together-ai-labs", &expand).is_some());
        assert!(config.endpoint("custom:together", &expand).is_none());
    }

    #[test]
    fn errors_do_not_repeat_the_text() {
        for text in ["a: [canary", "- canary\n", "canary", "a: 1\n  canary: : x\n", "\tcanary"] {
            let error = HermesConfig::parse(text.as_bytes(), &mut Vec::new()).expect_err("not YAML");
            assert!(!error.contains("canary"), "{error}");
        }
        let config = parsed("model: {api_key: canary}\ncustom_providers: [{name: a, api_key: canary}]").0;
        assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    }
}
