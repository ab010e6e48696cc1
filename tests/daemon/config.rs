//! Where a setting comes from, and what is said of one that is wrong.

use serde_json::{Value, json};

use crate::support::{AuthJson, Daemon, DaemonBuilder, Ended, Wire, eventually, pool, secret};

fn with(toml: &str) -> DaemonBuilder {
    DaemonBuilder::serving(&AuthJson::many(1)).config(toml)
}

fn longest_lease(daemon: &Daemon) -> Value {
    daemon.wire().ok(&json!({"op": "hello"}))["limits"]["ttl_ms"].clone()
}

/// Panics unless the daemon did not start, and said all these things.
#[track_caller]
fn wrong(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is missing: {ended:?}");
    }
}

#[test]
fn flags_go_before_variables_and_variables_before_the_file() {
    let toml = "[limits]\nttl = \"1h\"\n[defaults]\nlease_ttl = \"1m\"\ndetached_ttl = \"1m\"\n";
    assert_eq!(longest_lease(&with(toml).start()), 3_600_000);
    let variable = with(toml).variable("CREDPOOL_LIMITS_TTL", "2h");
    assert_eq!(longest_lease(&variable.start()), 7_200_000);
    let flag = with(toml).variable("CREDPOOL_LIMITS_TTL", "2h").argument("--limits-ttl=3h");
    assert_eq!(longest_lease(&flag.start()), 10_800_000);
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    wrong(&with("[defaults]\nmax_in_fligth = 2\n").run(), &["max_in_fligth", "max_in_flight", "credpool.toml:2"]);
    wrong(&with("auth_flie = \"/tmp/x\"\n").run(), &["auth_flie", "auth_file"]);
    wrong(&with("[limits]\nlease = 5\n").run(), &["lease", "leases"]);
    wrong(&with("[pools.openrouter]\nstratgey = \"random\"\n").run(), &["stratgey", "strategy"]);
}

#[test]
fn a_wrong_value_is_an_error_that_says_where() {
    wrong(&with("[defaults]\nstrategy = \"by_mood\"\n").run(), &["strategy", "credpool.toml:2"]);
    wrong(&with("[defaults]\nmax_in_flight = 0\n").run(), &["max_in_flight"]);
    wrong(&with("[defaults]\nmax_in_flight = \"many\"\n").run(), &["max_in_flight"]);
    wrong(&with("[defaults]\nlease_ttl = \"soon\"\n").run(), &["lease_ttl"]);
    wrong(&with("[defaults]\nlease_ttl = 60\n").run(), &["lease_ttl"]);
    wrong(&with("this is not TOML").run(), &["credpool.toml:1"]);
    wrong(&with("").variable("CREDPOOL_LIMITS_LEASES", "-1").run(), &["CREDPOOL_LIMITS_LEASES"]);
    wrong(&with("").argument("--limits-leases=none").run(), &["limits-leases"]);
}

#[test]
fn several_mistakes_are_reported_at_once() {
    wrong(
        &with("[defaults]\ncap = \"elastic\"\nstrategy = \"by_mood\"\nnonsense = 1\n").run(),
        &["cap", "strategy", "nonsense"],
    );
}

#[test]
fn a_configuration_that_is_named_must_be_there() {
    let ended = DaemonBuilder::serving(&AuthJson::many(1)).argument("--config").argument("/nowhere/at-all.toml").run();
    wrong(&ended, &["/nowhere/at-all.toml"]);
}

#[test]
fn an_unknown_flag_is_an_error() {
    wrong(&with("").argument("--lease-forever").run(), &["--lease-forever"]);
}

#[test]
fn what_this_version_does_not_heed_cannot_be_set() {
    let ended = with("on_store_loss = \"refuse\"\n").run();
    wrong(&ended, &["on_store_loss"]);
}

#[test]
fn a_definition_that_says_nothing_is_an_error() {
    let ended = with("[[pools.p.definitions]]\n\n[[pools.p.definitions]]\nenv = \"A\"\n").run();
    wrong(&ended, &[":1: `pools.p.definitions[0]`", "`env` or `file`"]);
    let ended = with("[[pools.p.definitions]]\nlabel = \"nothing else\"\n").run();
    wrong(&ended, &["`env` or `file`"]);
}

#[test]
fn a_table_for_a_credential_that_there_is_not_is_named() {
    let toml = "[pools.openrouter.credentials.key-0]\nmax_in_flight = 2\n\n[pools.openrouter.credentials.kee-0]\n\
                max_in_flight = 2\n\n[pools.nowhere.credentials.key-0]\nmax_in_flight = 2\n";
    let daemon = with(toml).start();
    let definitions = daemon.wire().ok(&json!({"op": "status"}))["definitions"].clone();
    let places: Vec<&str> =
        definitions["problems"].as_array().expect("a list").iter().filter_map(|p| p["where"].as_str()).collect();
    assert_eq!(places, ["pools.nowhere.credentials.\"key-0\"", "pools.openrouter.credentials.\"kee-0\""]);
}

#[test]
fn a_change_of_the_file_counts_without_being_asked_to_and_a_bad_one_stays_out() {
    let daemon = with("[defaults]\nmax_in_flight = 2\n").start();
    let mut wire = daemon.wire();
    let path = daemon.home().config().join("credpool.toml");
    let most = |wire: &mut Wire| pool(wire, "openrouter")["credentials"][0]["max_in_flight"].clone();
    assert_eq!(most(&mut wire), 2);
    std::fs::write(&path, "[defaults]\nmax_in_flight = 3\n").expect("a file");
    eventually("the new value holds", || (most(&mut wire) == 3).then_some(()));
    std::fs::write(&path, "[defaults]\nmax_in_flight = 0\nnonsense = 1\n").expect("a file");
    let shown = |wire: &mut Wire| wire.ok(&json!({"op": "status"}))["definitions"]["problems"].to_string();
    eventually("it is named", || shown(&mut wire).contains("nonsense").then_some(()));
    assert!(daemon.log().contains("nonsense"), "{}", daemon.log());
    assert_eq!(most(&mut wire), 3);
    std::fs::write(&path, "auth_file = \"/somewhere/else.json\"\n[defaults]\nmax_in_flight = 4\n").expect("a file");
    eventually("a good one holds again", || (most(&mut wire) == 4).then_some(()));
    assert!(!shown(&mut wire).contains("nonsense"));
}

#[test]
fn definitions_may_stand_in_the_configuration() {
    let builder = DaemonBuilder::empty();
    let file = builder.home().config().join("key");
    std::fs::write(&file, secret("file") + "\n").expect("a new file");
    let toml = format!(
        "[[pools.openai.definitions]]\nenv = \"OPENAI_KEY\"\nlabel = \"one\"\n\
         [[pools.openai.definitions]]\nfile = {file:?}\nlabel = \"two\"\nbase_url = \"https://example.com/v1\"\n"
    );
    let daemon = builder.config(&toml).variable("OPENAI_KEY", &secret("env")).start();
    let mut wire = daemon.wire();
    let one = wire.ok(&json!({"op": "acquire", "pool": "openai", "credential": "one"}));
    assert_eq!(one["credential"]["secret"], secret("env"));
    let two = wire.ok(&json!({"op": "acquire", "pool": "openai", "credential": "two"}));
    assert_eq!(two["credential"]["secret"], secret("file"), "without its newline");
    assert_eq!(two["credential"]["base_url"], "https://example.com/v1");
}
