use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::config::Cli;
use crate::definitions::Loader;

/// What is said of pool `p` with these rows and this configuration.
fn said(rows: &Value, config: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("auth.json"), json!({"credential_pool": {"p": rows}}).to_string()).expect("a file");
    std::fs::write(path("credpool.toml"), config).expect("a file");
    let option = |option: &str, name: &str| format!("--{option}={}", path(name).display());
    let args = ["credpoold".to_owned(), option("config", "credpool.toml"), option("auth-file", "auth.json")];
    let cli = Cli::parse_from(args).expect("a command line");
    let config = Config::load(&cli, |_| None, Some(folder.path())).expect("a configuration");
    let outcome = Loader::new(config, Box::new(|_| None)).load(Instant::now());
    outcome.definitions.pools["p"].warnings.clone()
}

fn row(id: &str, secret: &str) -> Value {
    json!({"id": id, "label": format!("label of {id}"), "access_token": secret})
}

#[test]
fn distinct_secrets_are_distinct_accounts() {
    assert_eq!(said(&json!([row("a", "1"), row("b", "2"), {"id": "c"}, {"id": "d"}]), ""), Vec::<String>::new());
}

#[test]
fn the_same_secret_is_told_of_once_in_the_order_of_the_rows() {
    let rows = json!([row("a", "2"), row("b", "1"), row("c", "1"), row("d", "2"), row("e", "3")]);
    let gains_nothing = "what limits one of them limits all, and turning from one to another gains nothing";
    assert_eq!(
        said(&rows, ""),
        [
            format!("\"label of a\" (a) and \"label of d\" (d) have the same secret: {gains_nothing}"),
            format!("\"label of b\" (b) and \"label of c\" (c) have the same secret: {gains_nothing}"),
        ]
    );
}

#[test]
fn an_account_that_the_configuration_states_is_no_news_but_the_same_secret_is() {
    let stated = "[defaults]\naccount = 'acme'\n";
    assert_eq!(said(&json!([row("a", "1"), row("b", "2")]), stated), Vec::<String>::new());
    assert_eq!(said(&json!([row("a", "1"), row("b", "1")]), stated).len(), 1);
}

#[test]
fn four_credentials_are_named_and_of_more_three() {
    let rows = |count: usize| Value::from_iter((0..count).map(|number| row(&format!("r{number}"), "same")));
    let begins = |count: usize, names: &str| {
        let said = said(&rows(count), "");
        assert!(said.len() == 1 && said[0].starts_with(names), "{said:#?}");
    };
    begins(4, "\"label of r0\" (r0), \"label of r1\" (r1), \"label of r2\" (r2) and \"label of r3\" (r3) have");
    begins(5, "\"label of r0\" (r0), \"label of r1\" (r1), \"label of r2\" (r2) and 2 more have");
}

#[test]
fn eight_warnings_are_given_and_of_more_accounts_seven() {
    let rows = |accounts: usize| {
        Value::from_iter((0..2 * accounts).map(|number| row(&format!("r{number}"), &format!("{}", number / 2))))
    };
    let last = |accounts: usize| {
        let said = said(&rows(accounts), "");
        assert_eq!(said.len(), MAX_WARNINGS, "{said:#?}");
        said[MAX_WARNINGS - 1].clone()
    };
    assert!(last(8).starts_with("\"label of r14\" (r14) and \"label of r15\" (r15) have"), "{}", last(8));
    assert_eq!(last(9), "2 more accounts have several credentials each");
}
