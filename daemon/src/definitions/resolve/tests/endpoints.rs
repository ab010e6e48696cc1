//! Keys in Hermes' `config.yaml`.

use serde_json::json;

use super::super::{Secret, SecretRef};
use super::{borrowed, pool, world};

#[test]
fn the_keys_of_custom_endpoints_are_in_the_configuration_of_hermes() {
    let yaml = "custom_providers: [{name: Together AI, base_url: https://t.test/v1/, api_key: '${T_KEY}'}]";
    let name = "custom:together-ai";
    let world = pool(name, borrowed("config:Together AI")).config(yaml);
    assert!(world.reason(name).contains("config.yaml"), "the variable is not set");
    let world = world.dotenv("T_KEY=s");
    let row = world.row(name);
    assert_eq!(row.secret.as_ref().map(Secret::expose), Some("s"));
    assert_eq!((row.id.as_str(), row.base_url.as_deref()), ("b", Some("https://t.test/v1")));
    assert_eq!(row.secret_ref, Some(SecretRef::Config("Together AI".to_owned())));
    let none = pool(name, borrowed("config:Together AI")).config("custom_providers: [{name: Together AI}]");
    assert!(none.reason(name).contains("no api_key"));
}

#[test]
fn an_endpoint_with_a_key_is_a_pool() {
    let yaml = "providers: {local: {name: My Box, api: 'http://localhost:1/v1', api_key: k}}";
    let row = world(json!({})).config(yaml).row("custom:my-box");
    assert_eq!((row.label.as_str(), row.source.as_str()), ("My Box", "config:My Box"));
    assert_eq!(row.base_url.as_deref(), Some("http://localhost:1/v1"));
}

#[test]
fn the_key_of_the_model_goes_to_the_endpoint_at_its_place() {
    let with = |model: &str| {
        format!(
            "custom_providers: [{{name: A, base_url: https://a.test}}, {{name: B, base_url: https://b.test/}}]\nmodel: {model}"
        )
    };
    let custom = || world(json!({})).config(&with("{provider: Custom, base_url: https://b.test, api_key: k}"));
    assert!(custom().rows("custom:a").is_empty());
    let row = custom().row("custom:b");
    assert_eq!((row.source.as_str(), row.secret.as_ref().map(Secret::expose)), ("model_config", Some("k")));
    assert_eq!(row.secret_ref, Some(SecretRef::Config("model.api_key".to_owned())));
    for model in [
        "{provider: openai, base_url: https://b.test, api_key: k}",
        "{provider: custom, base_url: https://a.test, api_key: k}",
        "{provider: custom, base_url: https://c.test, api_key: k}",
        "{provider: custom, base_url: https://b.test}",
    ] {
        let world = pool("custom:b", borrowed("model_config")).config(&with(model));
        assert!(world.reason("custom:b").contains("model.api_key"), "{model}");
    }
}
